# What doxygen 1.9.4 reads otherwise than GitHub and the compiler do; sed -E -f, for each file that it reads.

# A quote ends its code span, unless that has two backticks.
s/`([^`]*'[^`]*)`/``\1``/g

# A heading has no name, to which [text](#name) could lead; those of one word get GitHub's.
s/^## ([A-Z][a-z]+)$/& {#\L\1}/

# A class whose base is another specialisation of its own template is, to it, its own base.
s/^struct (\w+) : \1<.*> \{\};$/struct \1 {};/

# A link to a file without a dot is no link.
s/\]\(LICENSE\)/](.\/LICENSE)/
