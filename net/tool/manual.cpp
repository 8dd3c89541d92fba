// SPDX-License-Identifier: BSL-1.0
// The manual page and the completions, from the same table as --help.
#include <troupe/net/tool/manual.hpp>

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace troupe::tool {

namespace {

/// Text as troff takes it: no line begins a request, hyphens are those that can be copied.
std::string troff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

/// Paragraphs are parted by empty lines.
std::string paragraphs(std::string_view text) {
  std::string out = troff(text);
  for (auto at = out.find("\n\n"); at != std::string::npos; at = out.find("\n\n", at + 1))
    out.replace(at, 2, "\n.PP\n");
  return out + "\n";
}

std::string argument_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return "";  // a flag
  const std::string name = option.get_type_name();
  return name.empty() ? "VALUE" : name;
}

std::string synopsis(const std::string& name, const CLI::App& sub) {
  std::string out = ".B troupe " + troff(name) + "\n";
  for (const CLI::Option* option : sub.get_options())
    if (option->get_positional())
      out += "\\fI" + troff(option->get_name(true)) + "\\fR" + (option->get_expected_max() > 1 ? " ..." : "") + "\n";
  return out + "[options]\n";
}

}  // namespace

std::string manual_page(const parsed_commands& of) {
  std::string out =
      ".TH TROUPE 1 \"\" \"troupe\" \"User Commands\"\n"
      ".SH NAME\ntroupe \\- nodes of troupe and of Erlang, from the shell\n"
      ".SH SYNOPSIS\n.B troupe\n\\fICOMMAND\\fR [options] ...\n.br\n.B troupe\n\\fICOMMAND\\fR \\-\\-help\n"
      ".br\n.B troupe \\-\\-man\n.br\n.B troupe \\-\\-completions bash\n.br\n.B troupe \\-\\-version\n"
      ".SH COMMANDS\n";
  for (const command& c : commands()) {
    const CLI::App& sub = *of.cli->get_subcommand(std::string(c.name));
    out += ".SS \"" + troff(c.name) + " \\- " + troff(c.summary) + "\"\n" + synopsis(std::string(c.name), sub);
    out += ".PP\n" + paragraphs(c.description);
    for (const CLI::Option* option : sub.get_options()) {
      if (option->get_name(false, true) == "-h,--help") continue;
      out += ".TP\n.B " + troff(option->get_positional() ? option->get_name(true) : option->get_name(false, true));
      const std::string argument = option->get_positional() ? "" : argument_of(*option);
      if (!argument.empty()) out += " " + troff(argument);
      out += "\n" + troff(option->get_description()) + "\n";
    }
    out += ".PP\nExample:\n.PP\n.nf\n.RS 4\n" + troff(c.example) + "\n.RE\n.fi\n";
  }
  out += ".SH EXIT STATUS\n0: done; 1: it was tried and failed; 2: the command line was wrong.\n";
  out +=
      ".SH ENVIRONMENT\n"
      ".TP\n.B TROUPE_COOKIE\nthe nodes' common secret, unless \\-\\-cookie is given\n"
      ".TP\n.B ERL_EPMD_PORT\nepmd's port, 4369 unless set\n"
      ".TP\n.B HOME\nwhere .erlang.cookie and .troupe_history are\n";
  return out;
}

std::string bash_completions(const parsed_commands& of) {
  std::string names;
  std::string cases;
  for (const command& c : commands()) {
    names += (names.empty() ? "" : " ") + std::string(c.name);
    std::string words;
    for (const CLI::Option* option : of.cli->get_subcommand(std::string(c.name))->get_options())
      for (const std::string& name : option->get_lnames()) words += (words.empty() ? "--" : " --") + name;
    cases += "    " + std::string(c.name) + ") options=\"" + words + "\" ;;\n";
  }
  return "# bash completions of troupe, made by: troupe --completions bash\n"
         "_troupe() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} options= words=\n"
         "  case ${COMP_WORDS[COMP_CWORD - 1]} in\n"
         "    --sort) words=\"pid messages mailbox memory\" ;;\n"
         "    --log-level) words=\"trace debug info warning error critical off\" ;;\n"
         "    --completions) words=bash ;;\n"
         "  esac\n"
         "  if [[ -n $words ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W \"" +
         names +
         " --help --version --man --completions\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\")); fi\n"
         "}\n"
         "complete -o default -F _troupe troupe\n";
}

}  // namespace troupe::tool
