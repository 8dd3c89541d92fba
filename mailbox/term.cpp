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
#include <utility>

namespace troupe {

using namespace literals;

namespace {

using map_item = std::pair<term, term>;

detail::term_box* new_box(term_kind kind, std::size_t size, std::size_t bytes) {
  auto* box = ::new (detail::allocate(sizeof(detail::term_box) + bytes)) detail::term_box;
  box->kind_and_size = static_cast<std::uint64_t>(kind) << 56 | size;
  return box;
}

template <class T>
T* payload_as(detail::term_box* box) noexcept {
  return static_cast<T*>(box->payload());
}

// Bytes of an integer: its sign in the first byte (1: negative), then `size` bytes of magnitude. Of a bit string: how
// many bits of the last byte count in the first, then `size` bytes. Of a function: function_head, then `size` bytes of
// external form, none for fun M:F/A.
struct function_head {
  external_function external;  // of a local one only the module
  std::int64_t index;
  std::int64_t uniq;
};

/// A box of one byte and then those of `bytes`.
detail::term_box* new_bytes_box(term_kind kind, std::uint8_t head, std::span<const std::byte> bytes) {
  detail::term_box* box = new_box(kind, bytes.size(), bytes.size() + 1);
  auto* place = payload_as<std::byte>(box);
  place[0] = static_cast<std::byte>(head);
  std::memcpy(place + 1, bytes.data(), bytes.size());
  return box;
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
    case term_kind::bit_string: return "bit string";
    case term_kind::improper_list: return "improper list";
    case term_kind::port: return "port";
    case term_kind::function: return "fun";
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
    if (box->kind() == term_kind::list || box->kind() == term_kind::tuple || box->kind() == term_kind::improper_list) {
      const term* elements = payload_as<term>(box);
      for (std::size_t i = 0; i < box->size(); ++i) let_go(elements[i]);
    } else if (box->kind() == term_kind::map) {
      const map_item* items = payload_as<map_item>(box);
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

void term::become_big(std::uint64_t value) {
  std::byte magnitude[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i) magnitude[i] = static_cast<std::byte>(value >> (8 * i));
  *this = integer(false, magnitude);
}

term term::integer(bool negative, std::span<const std::byte> magnitude) {
  while (!magnitude.empty() && magnitude.back() == std::byte{0}) magnitude = magnitude.first(magnitude.size() - 1);
  if (magnitude.size() <= sizeof(std::uint64_t)) {
    std::uint64_t value = 0;
    for (std::size_t i = magnitude.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(magnitude[i]);
    if (value <= static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0))
      return term(static_cast<std::int64_t>(negative ? 0 - value : value));
  }
  return term(term_kind::integer, new_bytes_box(term_kind::integer, negative ? 1 : 0, magnitude));
}

term::term(const troupe::pid& value) : term(term_kind::pid, new_box(term_kind::pid, 0, sizeof value)) {
  ::new (value_.box->payload()) troupe::pid(value);
}

term::term(const troupe::reference& value)
    : term(term_kind::reference, new_box(term_kind::reference, 0, sizeof value)) {
  ::new (value_.box->payload()) troupe::reference(value);
}

term::term(std::string_view text)
    : term(term_kind::binary, text.empty() ? nullptr : new_box(term_kind::binary, text.size(), text.size())) {
  if (!text.empty()) std::memcpy(value_.box->payload(), text.data(), text.size());
}

term::term(const troupe::port& value) : term(term_kind::port, new_box(term_kind::port, 0, sizeof value)) {
  ::new (value_.box->payload()) troupe::port(value);
}

term::term(const external_function& value)
    : term(term_kind::function, new_box(term_kind::function, 0, sizeof(function_head))) {
  ::new (value_.box->payload()) function_head{value, 0, 0};
}

term term::function(const local_function& value) {
  if (value.external.empty()) throw std::invalid_argument("troupe: a local function without its external form");
  term made(term_kind::function,
            new_box(term_kind::function, value.external.size(), sizeof(function_head) + value.external.size()));
  auto* head = ::new (made.value_.box->payload()) function_head{{value.module, atom(), 0}, value.index, value.uniq};
  std::memcpy(head + 1, value.external.data(), value.external.size());
  return made;
}

term term::bit_string(std::span<const std::byte> bytes, std::size_t bits) {
  const std::size_t needed = bits / 8 + (bits % 8 == 0 ? 0 : 1);
  if (bytes.size() < needed)
    throw std::out_of_range("troupe: a bit string of " + std::to_string(bits) + " bits from " +
                            std::to_string(bytes.size()) + " bytes");
  bytes = bytes.first(needed);
  const auto in_last = static_cast<std::uint8_t>(bits % 8);
  if (in_last == 0) return binary(bytes);
  term made(term_kind::bit_string, new_bytes_box(term_kind::bit_string, in_last, bytes));
  payload_as<std::byte>(made.value_.box)[needed] &= static_cast<std::byte>(0xff << (8 - in_last));
  return made;
}

term term::binary(std::span<const std::byte> bytes) {
  return term(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

term term::sequence(term_kind kind, std::span<const term> elements) {
  if (elements.empty()) return term(kind, nullptr);
  detail::term_box* box = new_box(kind, elements.size(), elements.size_bytes());
  std::uninitialized_copy(elements.begin(), elements.end(), payload_as<term>(box));
  return term(kind, box);
}
term term::sequence_of(term_kind kind, std::span<term> elements) {
  if (elements.empty()) return term(kind, nullptr);
  detail::term_box* box = new_box(kind, elements.size(), elements.size_bytes());
  std::uninitialized_move(elements.begin(), elements.end(), payload_as<term>(box));
  return term(kind, box);
}

term term::list(std::initializer_list<term> elements) {
  return sequence(term_kind::list, {elements.begin(), elements.size()});
}
term term::list(std::vector<term> elements) {
  return sequence_of(term_kind::list, elements);
}
term term::tuple(std::initializer_list<term> elements) {
  return sequence(term_kind::tuple, {elements.begin(), elements.size()});
}
term term::tuple(std::vector<term> elements) {
  return sequence_of(term_kind::tuple, elements);
}

term term::improper_list(std::vector<term> elements, term tail) {
  if (elements.empty()) return tail;
  if (tail.is_list() || tail.is_improper_list()) {
    const auto more = tail.elements();
    elements.insert(elements.end(), more.begin(), more.end());
    if (tail.is_list()) return list(std::move(elements));
    return improper_list(std::move(elements), tail.tail());
  }
  elements.push_back(std::move(tail));
  return sequence_of(term_kind::improper_list, elements);
}

term detail::term_parts::improper_list(std::span<term> elements_and_tail) {
  if (elements_and_tail.empty()) return term::list({});
  const term& tail = elements_and_tail.back();
  if (elements_and_tail.size() > 1 && !tail.is_list() && !tail.is_improper_list())
    return term::sequence_of(term_kind::improper_list, elements_and_tail);
  std::vector<term> elements(std::make_move_iterator(elements_and_tail.begin()),
                             std::make_move_iterator(elements_and_tail.end() - 1));
  return term::improper_list(std::move(elements), std::move(elements_and_tail.back()));
}

term term::map(std::initializer_list<std::pair<term, term>> items) {
  return map(std::vector<map_item>(items));
}

void term::refuse(const char* wanted) const {
  throw term_error(
      "troupe: " + shortened(*this) + " is a" +
      (kind_ == term_kind::integer || kind_ == term_kind::atom || kind_ == term_kind::improper_list ? "n " : " ") +
      std::string(troupe::to_string(kind_)) + ", not " + wanted);
}

bool term::is_tuple(atom tag) const noexcept {
  return is_tuple() && value_.box != nullptr && payload_as<term>(value_.box)->is_atom(tag);
}

std::int64_t term::as_integer() const {
  if (!is_integer()) refuse("an integer");
  if (boxed_) refuse("one of 64 bits");
  return value_.integer;
}

std::uint64_t term::as_unsigned() const {
  if (!is_integer()) refuse("an integer");
  if (!boxed_ && value_.integer >= 0) return static_cast<std::uint64_t>(value_.integer);
  std::uint64_t value = 0;
  if (boxed_) {
    const big_integer big = as_big();
    if (big.negative || big.magnitude.size() > sizeof value) refuse("one of 64 bits without a sign");
    for (std::size_t i = big.magnitude.size(); i-- > 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(big.magnitude[i]);
    return value;
  }
  refuse("one of 64 bits without a sign");
}

big_integer term::as_big() const {
  if (!is_big()) refuse("an integer of more than 64 bits");
  const auto* bytes = payload_as<std::byte>(value_.box);
  return {bytes[0] != std::byte{0}, {bytes + 1, value_.box->size()}};
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

std::string_view term::as_bytes() const {
  if (!is_bit_string()) return as_binary();
  return {payload_as<char>(value_.box) + 1, value_.box->size()};
}

std::size_t term::bit_size() const {
  if (!is_bit_string()) return as_binary().size() * 8;
  return (value_.box->size() - 1) * 8 + payload_as<std::uint8_t>(value_.box)[0];
}

const troupe::port& term::as_port() const {
  if (!is_port()) refuse("a port");
  return *payload_as<troupe::port>(value_.box);
}

bool term::is_external_function() const noexcept {
  return is_function() && value_.box->size() == 0;
}

const external_function& term::as_external_function() const {
  if (!is_external_function()) refuse("a fun Module:Name/Arity");
  return payload_as<function_head>(value_.box)->external;
}

local_function term::as_local_function() const {
  if (!is_function() || is_external_function()) refuse("a local fun");
  const auto* head = payload_as<function_head>(value_.box);
  return {head->external.module,
          head->index,
          head->uniq,
          {reinterpret_cast<const std::byte*>(head + 1), value_.box->size()}};
}

std::span<const term> term::elements() const {
  if (is_improper_list()) return {payload_as<term>(value_.box), value_.box->size() - 1};
  if (!is_list() && !is_tuple()) refuse("a list or a tuple");
  if (value_.box == nullptr) return {};
  return {payload_as<term>(value_.box), value_.box->size()};
}

std::span<const std::pair<term, term>> term::items() const {
  if (!is_map()) refuse("a map");
  if (value_.box == nullptr) return {};
  return {payload_as<map_item>(value_.box), value_.box->size()};
}

std::size_t term::size() const {
  if (is_improper_list()) return value_.box->size() - 1;
  if (!is_list() && !is_tuple() && !is_map() && !is_binary() && !is_bit_string())
    refuse("a list, tuple, map, binary or bit string");
  return value_.box == nullptr ? 0 : value_.box->size();
}

const term& term::tail() const {
  if (!is_improper_list()) refuse("an improper list");
  return payload_as<term>(value_.box)[value_.box->size() - 1];
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
