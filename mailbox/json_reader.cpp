// SPDX-License-Identifier: BSL-1.0
// How JSON is read part by part.
#include <troupe/mailbox/json_reader.hpp>

#include <troupe/mailbox/base64.hpp>
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/mailbox/json_words.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <algorithm>
#include <utility>

namespace troupe::detail {

using nlohmann::json;

json_reader::node json_reader::current() const {
  switch (top_.parts) {
    case layout::root:
      if (top_.next == 0) return {top_.container, nullptr};
      break;
    case layout::array:
      if (top_.next < top_.container->size()) return {&(*top_.container)[top_.next], nullptr};
      break;
    case layout::object:
    case layout::pairs:
      if (top_.next < top_.items.size()) return top_.items[top_.next];
      break;
    case layout::structure: {
      if (top_.next % 2 == 0) break;
      const auto found = top_.container->find(asked_.back());
      return {found == top_.container->end() ? nullptr : &*found, nullptr};
    }
  }
  throw decode_error(pointer(true), "one more value", "the end");
}

void json_reader::enter(frame inner) {
  if (below_.size() >= max_depth())
    throw decode_error(pointer(true), "at most " + std::to_string(max_depth()) + " levels of nesting", "more");
  clear_alternative();
  inner.asked_at = asked_.size();
  below_.push_back(std::move(top_));
  top_ = std::move(inner);
}

void json_reader::leave() {
  asked_.resize(top_.asked_at);
  top_ = std::move(below_.back());
  below_.pop_back();
  advance();
}

term_source::position json_reader::mark() const {
  return {below_.size(), top_.next};
}

void json_reader::rewind(const position& place) {
  while (place.depth < below_.size()) {
    asked_.resize(top_.asked_at);
    top_ = std::move(below_.back());
    below_.pop_back();
  }
  top_.next = place.offset;
  if (top_.parts == layout::structure) asked_.resize(top_.asked_at + (place.offset + 1) / 2);
}

term_kind json_reader::peek() const {
  const node n = current();
  if (n.value == nullptr) return n.is_missing() ? term_kind::atom : term_kind::binary;
  switch (n.value->type()) {
    case json::value_t::number_integer:
    case json::value_t::number_unsigned: return term_kind::integer;
    case json::value_t::number_float: return term_kind::floating;
    case json::value_t::string:
    case json::value_t::binary: return term_kind::binary;
    case json::value_t::array: return term_kind::list;
    case json::value_t::object:
      if (n.value->size() == 1 && n.value->begin().key().starts_with('$'))
        return term_of_json(*n.value, home_, pointer(true)).kind();
      return term_kind::map;
    case json::value_t::null:
    case json::value_t::boolean:
    case json::value_t::discarded: break;
  }
  return term_kind::atom;
}

namespace {

/// Is this integer one that 64 bits with a sign cannot hold?
bool is_huge(const json& integer) {
  return integer.is_number_unsigned() && integer.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
}

}  // namespace

bool json_reader::read_integer(std::int64_t& value) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_number_integer() || is_huge(*n.value)) return false;
  value = n.value->get<std::int64_t>();
  advance();
  return true;
}

bool json_reader::read_unsigned(std::uint64_t& value) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_number_integer()) return false;
  if (!n.value->is_number_unsigned() && n.value->get<std::int64_t>() < 0) return false;
  value = n.value->get<std::uint64_t>();
  advance();
  return true;
}

bool json_reader::read_floating(double& value) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_number()) return false;
  // The codec takes integers that 64 bits hold by itself, and knows when not to.
  if (n.value->is_number_integer() && (is_exact() || !is_huge(*n.value))) return false;
  value = n.value->get<double>();
  if (!(value - value == 0)) return false;
  advance();
  return true;
}

bool json_reader::read_atom(atom& value) {
  const std::string* found = text();
  if (found == nullptr) return false;
  const std::ptrdiff_t characters = count_code_points(*found);
  if (characters < 0 || characters > 255) return false;
  value = atom(*found);
  advance();
  return true;
}

bool json_reader::read_name(std::string_view& name) {
  const std::string* found = text();
  if (found == nullptr) return false;
  name = *found;
  advance();
  return true;
}

template <class T, class Get>
bool json_reader::read_printed(T& value, Get get) {
  const std::string* found = text();
  if (found == nullptr || !(found->starts_with('<') || found->starts_with('#'))) return false;
  try {
    value = get(term::parse(*found, home_));
  } catch (const parse_error&) {
    return false;
  } catch (const term_error&) {  // it is something else
    return false;
  }
  advance();
  return true;
}

bool json_reader::read_pid(pid& value) {
  return read_printed(value, [](const term& t) { return t.as_pid(); });
}

bool json_reader::read_reference(reference& value) {
  return read_printed(value, [](const term& t) { return t.as_reference(); });
}

bool json_reader::read_port(port& value) {
  return read_printed(value, [](const term& t) { return t.as_port(); });
}

bool json_reader::read_binary(std::string_view& bytes) {
  const node n = current();
  wants_bytes_ = true;
  if (const std::string* found = n.text()) {
    std::optional<std::string> decoded = from_base64(*found);
    if (!decoded) return false;
    buffer_ = std::move(*decoded);
  } else if (n.value == nullptr || !bytes_of_json(*n.value, buffer_)) {
    return false;
  }
  bytes = buffer_;
  advance();
  return true;
}

bool json_reader::read_text(std::string_view& text) {
  const node n = current();
  wants_bytes_ = false;
  if (const std::string* found = n.text())
    text = *found;
  else if (n.value != nullptr && bytes_of_json(*n.value, buffer_))
    text = buffer_;
  else
    return false;
  advance();
  return true;
}

bool json_reader::read_bool(bool& value) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_boolean()) return false;
  value = n.value->get<bool>();
  advance();
  return true;
}

bool json_reader::read_tag(std::string_view name) {
  const node n = current();
  if (n.is_missing() || (n.value != nullptr && n.value->is_null())) {
    if (name != "undefined") return false;
  } else if (n.value != nullptr && n.value->is_boolean()) {
    if (name != (n.value->get<bool>() ? "true" : "false")) return false;
  } else if (const std::string* found = n.text(); found == nullptr || *found != name || name == "undefined") {
    return false;  // a string that reads undefined is a string
  }
  advance();
  return true;
}

bool json_reader::read_missing() {
  if (!current().is_missing()) return false;
  advance();
  return true;
}

bool json_reader::begin_list(std::size_t& size) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_array()) return false;
  size = n.value->size();
  enter({.container = n.value, .parts = layout::array, .items = {}, .tag = {}});
  return true;
}

bool json_reader::begin_map(std::size_t& size) {
  const node n = current();
  if (n.value == nullptr || !n.value->is_structured()) return false;
  frame inner{.container = n.value, .parts = layout::object, .items = {}, .tag = {}};
  inner.items.reserve(2 * n.value->size());
  if (n.value->is_object()) {
    for (auto it = n.value->begin(); it != n.value->end(); ++it) {
      inner.items.push_back({nullptr, &it.key()});
      inner.items.push_back({&it.value(), nullptr});
    }
  } else {
    inner.parts = layout::pairs;
    std::vector<const json*> keys;
    for (const json& pair : *n.value) {
      if (!pair.is_array() || pair.size() != 2)
        return fail_as({pointer(true), "object, or array of [key, value]", print_json(*n.value), true, true});
      inner.items.push_back({&pair[0], nullptr});
      inner.items.push_back({&pair[1], nullptr});
      keys.push_back(&pair[0]);
    }
    std::sort(keys.begin(), keys.end(), [](const json* a, const json* b) { return *a < *b; });
    const auto twice =
        std::adjacent_find(keys.begin(), keys.end(), [](const json* a, const json* b) { return *a == *b; });
    if (twice != keys.end())
      return fail_as({pointer(true), "each key once", print_json(**twice) + " twice", true, true});
  }
  size = n.value->size();
  enter(std::move(inner));
  return true;
}

bool json_reader::begin_struct(std::string_view name, std::size_t size) {
  const node n = current();
  if (size == 0) {
    const std::string* found = n.text();
    const bool named = found != nullptr && *found == name;
    // {"reset": {}} is what those write who do not know that it is empty.
    const bool spelt = is_alternative() && n.value != nullptr && n.value->is_object() && n.value->size() == 1 &&
                       n.value->begin().key() == name && *n.value->begin() == json::object();
    if (!named && !spelt) return false;
    advance();
    return true;
  }
  if (n.value == nullptr || !n.value->is_object()) return false;
  frame inner{.container = n.value, .parts = layout::structure, .items = {}, .tag = {}, .size = size};
  if (is_alternative()) {
    if (n.value->size() != 1 || n.value->begin().key() != name || !n.value->begin()->is_object()) return false;
    inner.container = &*n.value->begin();
    inner.tag = name;
  }
  enter(std::move(inner));
  return true;
}

const std::string* json_reader::unasked(std::string_view like) const {
  for (auto it = top_.container->begin(); it != top_.container->end(); ++it) {
    const auto asked = asked_.begin() + static_cast<std::ptrdiff_t>(top_.asked_at);
    if (std::find(asked, asked_.end(), it.key()) == asked_.end() && (like.empty() || is_alike(like, it.key())))
      return &it.key();
  }
  return nullptr;
}

bool json_reader::member(std::string_view name) {
  asked_.push_back(name);
  top_.next = 2 * asked_for() - 1;
  clear_alternative();
  if (asked_for() != top_.size) return true;
  const std::string* extra = unasked({});
  if (extra == nullptr) return true;
  if (!explains()) return false;
  std::string names;
  std::string alike;
  for (auto it = asked_.begin() + static_cast<std::ptrdiff_t>(top_.asked_at); it != asked_.end(); ++it) {
    names.append(names.empty() ? "" : ", ").append(*it);
    if (alike.empty() && is_alike(*it, *extra)) alike = *it;
  }
  std::string got = print_json_text(*extra);
  if (!alike.empty()) got += " (" + alike + "?)";
  asked_.resize(top_.asked_at);  // so that the path ends with the structure
  fail_as({pointer(true), "no member but " + names, got, true, true});
  return fail("", "");
}

void json_reader::end_struct(std::size_t size) {
  if (size != 0) leave();
}

term json_reader::read_term() {
  const node n = current();
  if (n.is_missing()) throw decode_error(pointer(true), "any term", describe());
  term value = n.key != nullptr ? term(*n.key) : term_of_json(*n.value, home_, pointer(true), below_.size());
  advance();
  return value;
}

std::string json_reader::describe() {
  const node n = current();
  if (n.key != nullptr) return print_json_text(*n.key);
  if (n.value != nullptr) return print_json(*n.value);
  const std::string* alike = top_.parts == layout::structure ? unasked(asked_.back()) : nullptr;
  return alike == nullptr ? "nothing" : "nothing, but there is " + print_json_text(*alike);
}

std::string json_reader::pointer(bool to_next) const {
  std::string path;
  for (std::size_t level = 0; level <= below_.size(); ++level) {
    const bool is_top = level == below_.size();
    const frame& f = is_top ? top_ : below_[level];
    const std::size_t asked_end = is_top                       ? asked_.size()
                                  : level + 1 == below_.size() ? top_.asked_at
                                                               : below_[level + 1].asked_at;
    const std::size_t part = is_top && !to_next && f.next > 0 ? f.next - 1 : f.next;
    switch (f.parts) {
      case layout::root: break;
      case layout::array: append_step(path, std::to_string(part)); break;
      case layout::pairs:
        append_step(path, std::to_string(part / 2));
        append_step(path, std::to_string(part % 2));
        break;
      case layout::object:
        if (part < f.items.size()) append_step(path, *f.items[part / 2 * 2].key);
        break;
      case layout::structure:
        if (!f.tag.empty()) append_step(path, f.tag);
        if (asked_end > f.asked_at) append_step(path, asked_[asked_end - 1]);
        break;
    }
  }
  return path;
}

bool json_reader::fail_as(failure what) {
  if (explains()) worded_ = std::move(what);
  return false;
}

void json_reader::word(failure& what) {
  if (worded_) {
    what = std::move(*worded_);
    worded_.reset();
    return;
  }
  what.whole_path = true;
  if (!what.path.starts_with('/')) {
    const std::string inner = std::move(what.path);
    what.path = pointer(what.at_next);
    if (!inner.empty()) append_step(what.path, inner);
  }
  what.expected = json_words(what.expected, is_alternative(), wants_bytes_);
  if (what.at_next || top_.next == 0) return;
  --top_.next;
  what.got = describe();
  ++top_.next;
}

}  // namespace troupe::detail
