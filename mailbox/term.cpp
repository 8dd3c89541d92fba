// SPDX-License-Identifier: BSL-1.0
// How terms are made, taken to parts and destroyed.
#include <troupe/mailbox/term.hpp>

#include <troupe/mailbox/allocate.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>

namespace troupe {

using namespace literals;

namespace {

using item = std::pair<term, term>;

detail::term_box* new_box(term_kind kind, std::size_t size, std::size_t bytes) {
  auto* box = ::new (detail::allocate(sizeof(detail::term_box) + bytes)) detail::term_box;
  box->kind_and_size = static_cast<std::uint64_t>(kind) << 56 | size;
  return box;
}

template <class T>
T* payload_as(detail::term_box* box) noexcept {
  return static_cast<T*>(box->payload());
}

std::string shortened(const term& t) {
  std::string text = t.to_string();
  if (text.size() <= 100) return text;
  std::size_t end = 97;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  text.resize(end);
  return text + "...";
}

}  // namespace

std::string_view to_string(term_kind kind) noexcept {
  switch (kind) {
    case term_kind::integer: return "integer";
    case term_kind::floating: return "float";
    case term_kind::atom: return "atom";
    case term_kind::reference: return "reference";
    case term_kind::pid: return "pid";
    case term_kind::tuple: return "tuple";
    case term_kind::map: return "map";
    case term_kind::list: return "list";
    case term_kind::binary: return "binary";
  }
  return "term";
}

namespace detail {

/// A box that has lost its last term is put into a list through its count, and the list is worked off, so
/// that depth costs nothing.
void destroy_boxes(term_box* box) noexcept {
  box->count.store(0, std::memory_order_relaxed);  // relaxed, as are all here: nobody else knows these boxes any more
  while (box != nullptr) {
    auto* next = reinterpret_cast<term_box*>(box->count.load(std::memory_order_relaxed));
    const auto let_go = [&next](const term& t) {
      if (!t.is_boxed() || !t.value_.box->drop()) return;
      t.value_.box->count.store(reinterpret_cast<std::uintptr_t>(next), std::memory_order_relaxed);
      next = t.value_.box;
    };
    if (box->kind() == term_kind::list || box->kind() == term_kind::tuple) {
      const term* elements = payload_as<term>(box);
      for (std::size_t i = 0; i < box->size(); ++i) let_go(elements[i]);
    } else if (box->kind() == term_kind::map) {
      const item* items = payload_as<item>(box);
      for (std::size_t i = 0; i < box->size(); ++i) {
        let_go(items[i].first);
        let_go(items[i].second);
      }
    }
    deallocate(box);  // everything in it is trivially destructible, or was just let go
    box = next;
  }
}

}  // namespace detail

term::term() noexcept : term("undefined"_atom) {}

term::term(checked_float f) : kind_(term_kind::floating) {
  if (!std::isfinite(f.value))
    throw std::invalid_argument(std::string("troupe: ") +
                                (std::isnan(f.value) ? "a float that is not a number" : "an infinite float") +
                                " cannot be a term: Erlang has none");
  value_.floating = f.value;
}

atom term::boolean(bool value) noexcept {
  return value ? "true"_atom : "false"_atom;
}

void term::refuse_integer(std::uint64_t value) {
  throw std::out_of_range("troupe: " + std::to_string(value) +
                          " is above 9223372036854775807, the largest integer that a term can hold so far");
}

term::term(const troupe::pid& value) : term(term_kind::pid, new_box(term_kind::pid, 0, sizeof value)) {
  ::new (value_.box->payload()) troupe::pid(value);
}

term::term(const troupe::reference& value)
    : term(term_kind::reference, new_box(term_kind::reference, 0, sizeof value)) {
  ::new (value_.box->payload()) troupe::reference(value);
}

term::term(std::string_view text) : term(term_kind::binary, nullptr) {
  if (text.empty()) return;
  value_.box = new_box(term_kind::binary, text.size(), text.size());
  std::memcpy(value_.box->payload(), text.data(), text.size());
}

term term::binary(std::span<const std::byte> bytes) {
  return term(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <class Range>
term term::sequence(term_kind kind, Range&& elements) {
  if (elements.size() == 0) return term(kind, nullptr);
  detail::term_box* box = new_box(kind, elements.size(), elements.size() * sizeof(term));
  auto* place = payload_as<term>(box);
  if constexpr (std::is_lvalue_reference_v<Range>)
    std::uninitialized_copy(elements.begin(), elements.end(), place);
  else
    std::uninitialized_move(elements.begin(), elements.end(), place);
  return term(kind, box);
}

term term::list(std::initializer_list<term> elements) {
  return sequence(term_kind::list, elements);
}
term term::list(std::vector<term> elements) {
  return sequence(term_kind::list, std::move(elements));
}
term term::tuple(std::initializer_list<term> elements) {
  return sequence(term_kind::tuple, elements);
}
term term::tuple(std::vector<term> elements) {
  return sequence(term_kind::tuple, std::move(elements));
}

term term::map(std::initializer_list<std::pair<term, term>> items) {
  return map(std::vector<item>(items));
}

void term::refuse(const char* wanted) const {
  throw term_error("troupe: " + shortened(*this) + " is a" +
                   (kind_ == term_kind::integer || kind_ == term_kind::atom ? "n " : " ") +
                   std::string(troupe::to_string(kind_)) + ", not " + wanted);
}

bool term::is_tuple(atom tag) const noexcept {
  return is_tuple() && value_.box != nullptr && payload_as<term>(value_.box)->is_atom(tag);
}

std::int64_t term::as_integer() const {
  if (!is_integer()) refuse("an integer");
  return value_.integer;
}

double term::as_floating() const {
  if (!is_floating()) refuse("a float");
  return value_.floating;
}

atom term::as_atom() const {
  if (!is_atom()) refuse("an atom");
  return atom(value_.entry);
}

bool term::as_bool() const {
  if (is_atom("true"_atom)) return true;
  if (!is_atom("false"_atom)) refuse("true or false");
  return false;
}

const troupe::pid& term::as_pid() const {
  if (!is_pid()) refuse("a pid");
  return *payload_as<troupe::pid>(value_.box);
}

const troupe::reference& term::as_reference() const {
  if (!is_reference()) refuse("a reference");
  return *payload_as<troupe::reference>(value_.box);
}

std::string_view term::as_binary() const {
  if (!is_binary()) refuse("a binary");
  if (value_.box == nullptr) return {};
  return {payload_as<char>(value_.box), value_.box->size()};
}

std::span<const term> term::elements() const {
  if (!is_list() && !is_tuple()) refuse("a list or a tuple");
  if (value_.box == nullptr) return {};
  return {payload_as<term>(value_.box), value_.box->size()};
}

std::span<const std::pair<term, term>> term::items() const {
  if (!is_map()) refuse("a map");
  if (value_.box == nullptr) return {};
  return {payload_as<item>(value_.box), value_.box->size()};
}

std::size_t term::size() const {
  if (!is_list() && !is_tuple() && !is_map() && !is_binary()) refuse("a list, tuple, map or binary");
  return value_.box == nullptr ? 0 : value_.box->size();
}

const term& term::operator[](std::size_t index) const {
  const auto all = elements();
  if (index >= all.size())
    throw std::out_of_range("troupe: " + shortened(*this) + " has " + std::to_string(all.size()) +
                            " elements, none at " + std::to_string(index) + " (counted from 0)");
  return all[index];
}

std::ostream& operator<<(std::ostream& out, const term& t) {
  return out << t.to_string();
}

}  // namespace troupe
