// SPDX-License-Identifier: BSL-1.0
// What a source does unless its format says otherwise, and how it words what has failed.
#include <troupe/mailbox/term_source.hpp>

#include <utility>

namespace troupe {

term_source::~term_source() = default;

bool term_source::read_unsigned(std::uint64_t& value) {
  const position start = mark();
  std::int64_t integer = 0;
  if (!read_integer(integer)) return false;
  if (integer < 0) {
    rewind(start);
    return false;
  }
  value = static_cast<std::uint64_t>(integer);
  return true;
}

bool term_source::read_text(std::string_view& text) {
  return read_binary(text);
}

bool term_source::read_bool(bool& value) {
  value = read_tag("true");
  return value || read_tag("false");
}

bool term_source::read_tag(std::string_view name) {
  if (peek() != term_kind::atom) return false;
  const position start = mark();
  atom value;
  if (read_atom(value) && value.name() == name) return true;
  rewind(start);
  return false;
}

bool term_source::read_name(std::string_view& name) {
  atom value;
  if (!read_atom(value)) return false;
  name = value.name();
  return true;
}

bool term_source::read_port(port& value) {
  if (peek() != term_kind::port) return false;
  value = read_term().as_port();
  return true;
}

bool term_source::read_missing() {
  return false;
}

bool term_source::begin_struct(std::string_view name, std::size_t size) {
  if (size == 0) return read_tag(name);
  const position start = mark();
  std::size_t n = 0;
  if (!begin_tuple(n)) return false;
  if (n == size + 1 && read_tag(name)) return true;
  rewind(start);
  return false;
}

bool term_source::member(std::string_view) {
  return true;
}

void term_source::end_struct(std::size_t size) {
  if (size != 0) end_tuple();
}

void term_source::word(failure&) {}

bool term_source::note(failure what) {
  word(what);
  path_ = std::move(what.path);
  expected_ = std::move(what.expected);
  got_ = std::move(what.got);
  whole_path_ = what.whole_path;
  return false;
}

bool term_source::fail(std::string_view expected) {
  return explains_ ? note({"", std::string(expected), describe(), true}) : false;
}

bool term_source::fail(std::string_view expected, std::string_view got) {
  return explains_ ? note({"", std::string(expected), std::string(got), false}) : false;
}

bool term_source::fail(const decode_error& error) {
  // What a codec of the user's passes on from ours has been worded already.
  if (explains_ && whole_path_ && error.path() == path_ && error.expected() == expected_) return false;
  return explains_ ? note({error.path(), error.expected(), error.got(), true}) : false;
}

bool term_source::prepend(std::string_view step) {
  if (explains_ && !whole_path_) path_.insert(0, step);
  return false;
}

bool term_source::prepend_index(std::size_t index) {
  return explains_ ? prepend("[" + std::to_string(index) + "]") : false;
}

bool term_source::prepend_position(std::size_t index) {
  return explains_ ? prepend("{" + std::to_string(index + 1) + "}") : false;
}

std::string term_source::describe() {
  const position start = mark();
  std::string text = read_term().to_string();
  rewind(start);
  if (text.size() <= 100) return text;
  std::size_t end = 97;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  text.resize(end);
  return text + "...";
}

}  // namespace troupe
