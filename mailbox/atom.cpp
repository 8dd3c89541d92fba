// SPDX-License-Identifier: BSL-1.0
// Atoms from text, and how atoms are quoted.
#include <troupe/mailbox/atom.hpp>

#include <troupe/mailbox/atom_table.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace troupe {

namespace {

/// Erlang's reserved words, sorted.
constexpr std::array<std::string_view, 27> reserved_words = {
    "after", "and",  "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr",
    "bxor",  "case", "catch",   "cond",   "div",     "end",  "fun", "if",   "let",
    "not",   "of",   "or",      "orelse", "receive", "rem",  "try", "when", "xor"};
static_assert(std::is_sorted(reserved_words.begin(), reserved_words.end()));

constexpr bool is_lower(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}
constexpr bool is_name_character(char32_t c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@' ||
         (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || std::binary_search(reserved_words.begin(), reserved_words.end(), text)) return true;
  std::size_t at = 0;
  if (!is_lower(detail::next_code_point(text, at))) return true;
  while (at < text.size())
    if (!is_name_character(detail::next_code_point(text, at))) return true;
  return false;
}

}  // namespace

namespace detail {

void append_quoted(std::string& out, std::string_view text, char quote) {
  const auto octal = [&out](unsigned c) {
    out += '\\';
    for (int shift = 6; shift >= 0; shift -= 3) out += static_cast<char>('0' + ((c >> shift) & 7));
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == no_code_point) {
      octal(static_cast<unsigned char>(text[at++]));
      continue;
    }
    constexpr std::string_view letters = "\b\t\n\v\f\r\x1b\x7f";
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (const auto letter = c < 0x80 ? letters.find(static_cast<char>(c)) : letters.npos;
               letter != letters.npos) {
      out += '\\';
      out += "btnvfred"[letter];
    } else if (c < 0x20 || (c >= 0x80 && c < 0xa0)) {
      octal(static_cast<unsigned>(c));
    } else {
      out += text.substr(start, at - start);
    }
  }
}

}  // namespace detail

atom::atom(std::string_view text) : entry_(&detail::atom_table::instance().intern(text)) {}

std::optional<atom> atom::find(std::string_view text) noexcept {
  const detail::atom_entry* entry = detail::atom_table::instance().find(text);
  if (entry == nullptr) return std::nullopt;
  return atom(entry);
}

std::string atom::to_string() const {
  if (!needs_quotes(name())) return std::string(name());
  std::string text = "'";
  detail::append_quoted(text, name(), '\'');
  return text + "'";
}

std::ostream& operator<<(std::ostream& out, const atom& a) {
  return out << a.to_string();
}

}  // namespace troupe
