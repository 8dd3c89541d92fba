// SPDX-License-Identifier: BSL-1.0
// What other nodes say is shown, and does nothing to the terminal.
#include <troupe/net/tool/shown.hpp>

#include <troupe/mailbox/term_scanner.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe::tool {

namespace {

bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

bool is_shown(char32_t c) noexcept {
  return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0);
}

bool is_text(const term& list) {
  if (list.size() == 0) return false;
  return std::all_of(list.elements().begin(), list.elements().end(), [](const term& c) {
    if (!c.is_integer() || c.is_big()) return false;
    const std::int64_t code = c.as_integer();
    return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0xd800) || code == '\n' || code == '\t';
  });
}

std::string text_of(const term& list) {
  std::string text;
  for (const term& c : list.elements()) troupe::detail::append_utf8(text, static_cast<char32_t>(c.as_integer()));
  return text;
}

std::string part_for_people(node_index home, const term& value) {
  if (value.is_list() && is_text(value)) {
    std::string text = "\"";
    troupe::detail::append_quoted(text, text_of(value), '"');
    return text + "\"";
  }
  if (!value.is_tuple() && !(value.is_list() && value.size() > 0)) return shown_at(home, value);
  std::string all(1, value.is_tuple() ? '{' : '[');
  for (const term& part : value.elements()) {
    if (all.size() > 1) all += ", ";
    all += part_for_people(home, part);
  }
  return all + (value.is_tuple() ? "}" : "]");
}

}  // namespace

std::string printable(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = troupe::detail::next_code_point(text, at);
    if (c == troupe::detail::no_code_point) {
      made += fmt::format("\\x{{{:x}}}", static_cast<unsigned>(static_cast<unsigned char>(text[begin])));
      at = begin + 1;
    } else if (is_shown(c)) {
      made += text.substr(begin, at - begin);
    } else {
      made += fmt::format("\\x{{{:x}}}", static_cast<unsigned>(c));
    }
  }
  return made;
}

std::size_t columns(std::string_view text) noexcept {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::string_view first_columns(std::string_view text, std::size_t count) noexcept {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if (!is_continuation(text[at]) && count-- == 0) break;
  return text.substr(0, at);
}

std::string_view last_columns(std::string_view text, std::size_t count) noexcept {
  const std::size_t all = columns(text);
  return all <= count ? text : text.substr(first_columns(text, all - count).size());
}

std::string padded(std::string_view text, std::size_t count) {
  const std::size_t has = columns(text);
  return std::string(text) + std::string(has < count ? count - has : 0, ' ');
}

// <2.12.0> of the node with index 2 is <0.12.0> there. What stands between quotes is somebody's text.
std::string shown_at(node_index home, const std::string& text) {
  const std::string theirs = std::to_string(home) + ".";
  std::string made;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    made += c;
    if (quote != 0) {
      if (c == '\\' && i + 1 < text.size())
        made += text[++i];
      else if (c == quote)
        quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    // "<<" begins a binary, whose first number may look the same.
    if (c != '<' || (i > 0 && text[i - 1] == '<')) continue;
    if (text.compare(i + 1, theirs.size(), theirs) == 0) {
      made += "0.";
      i += theirs.size();
    } else if (text.compare(i + 1, 2, "0.") == 0) {
      made += "tool.";
      i += 2;
    }
  }
  return made;
}

std::string shown_at(node_index home, const term& value) {
  return shown_at(home, value.to_string());
}

nlohmann::json shown_at(node_index home, nlohmann::json value) {
  if (value.is_object() && value.size() == 1 && value.begin().key() == "$term" && value.begin().value().is_string())
    return {{"$term", shown_at(home, value.begin().value().get<std::string>())}};
  if (value.is_structured())
    for (auto& part : value) part = shown_at(home, std::move(part));
  return value;
}

std::string for_people(node_index home, const term& value) {
  if (value.is_binary()) return printable(value.as_binary());
  return part_for_people(home, value);
}

}  // namespace troupe::tool
