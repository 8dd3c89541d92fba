// SPDX-License-Identifier: BSL-1.0
// How a term is read part by part.
#include <troupe/mailbox/term_reader.hpp>

#include <troupe/mailbox/term_walk.hpp>

#include <string>

namespace troupe {

const term& term_reader::current() const {
  if (top_.container == nullptr) {
    if (top_.index == 0) return *root_;
  } else if (top_.index < detail::part_count(*top_.container)) {
    return detail::part_of(*top_.container, top_.index);
  }
  throw decode_error("", "one more value", "the end");
}

void term_reader::enter(const term& container, std::size_t index) {
  if (depth_ >= max_depth())
    throw decode_error("", "at most " + std::to_string(max_depth()) + " levels of nesting", "more");
  if (depth_ > 0) below_.push_back(top_);
  ++depth_;
  top_ = {&container, index};
}

void term_reader::leave() noexcept {
  if (--depth_ > 0) {
    top_ = below_.back();
    below_.pop_back();
  } else {
    top_ = {};
  }
  advance();
}

void term_reader::rewind(const position& place) {
  if (place.depth < depth_) {
    top_ = place.depth > 0 ? below_[place.depth - 1] : frame();
    below_.resize(place.depth > 0 ? place.depth - 1 : 0);
    depth_ = place.depth;
  }
  top_.index = place.offset;
}

bool term_reader::read_integer(std::int64_t& value) {
  const term& t = current();
  if (!t.is_integer() || t.is_big()) return false;
  value = t.as_integer();
  advance();
  return true;
}

bool term_reader::read_unsigned(std::uint64_t& value) {
  const term& t = current();
  if (!t.is_integer()) return false;
  if (t.is_big() ? t.as_big().negative || t.as_big().magnitude.size() > sizeof value : t.as_integer() < 0) return false;
  value = t.as_unsigned();
  advance();
  return true;
}

bool term_reader::read_floating(double& value) {
  const term& t = current();
  if (!t.is_floating()) return false;
  value = t.as_floating();
  advance();
  return true;
}

bool term_reader::read_atom(atom& value) {
  const term& t = current();
  if (!t.is_atom()) return false;
  value = t.as_atom();
  advance();
  return true;
}

bool term_reader::read_pid(pid& value) {
  const term& t = current();
  if (!t.is_pid()) return false;
  value = t.as_pid();
  advance();
  return true;
}

bool term_reader::read_reference(reference& value) {
  const term& t = current();
  if (!t.is_reference()) return false;
  value = t.as_reference();
  advance();
  return true;
}

bool term_reader::read_binary(std::string_view& bytes) {
  const term& t = current();
  if (!t.is_binary()) return false;
  bytes = t.as_binary();
  advance();
  return true;
}

bool term_reader::begin_list(std::size_t& size) {
  const term& t = current();
  if (!t.is_list()) return false;
  size = t.size();
  enter(t, 0);
  return true;
}

bool term_reader::begin_tuple(std::size_t& size) {
  const term& t = current();
  if (!t.is_tuple()) return false;
  size = t.size();
  enter(t, 0);
  return true;
}

bool term_reader::begin_map(std::size_t& size) {
  const term& t = current();
  if (!t.is_map()) return false;
  size = t.size();
  enter(t, 0);
  return true;
}

bool term_reader::read_tag(std::string_view name) {
  const term& t = current();
  if (!t.is_atom() || t.as_atom().name() != name) return false;
  advance();
  return true;
}

bool term_reader::read_name(std::string_view& name) {
  const term& t = current();
  if (!t.is_atom()) return false;
  name = t.as_atom().name();
  advance();
  return true;
}

bool term_reader::begin_struct(std::string_view name, std::size_t size) {
  if (size == 0) return read_tag(name);
  const term& t = current();
  if (!t.is_tuple() || t.size() != size + 1) return false;
  const term& tag = t.elements()[0];
  if (!tag.is_atom() || tag.as_atom().name() != name) return false;
  enter(t, 1);
  return true;
}

term term_reader::read_term() {
  const term& t = current();
  advance();
  return t;
}

}  // namespace troupe
