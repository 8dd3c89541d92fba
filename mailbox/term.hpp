// SPDX-License-Identifier: BSL-1.0
// The term: an immutable value of any of Erlang's kinds, whose shape is known only at run time.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// What a term is. Later kinds are added at the end; the order of kinds in term order is not that of these
/// numbers.
enum class term_kind : std::uint8_t { integer, floating, atom, reference, pid, tuple, map, list, binary };

/// The kind's name: "integer", "float", "atom" ...
std::string_view to_string(term_kind kind) noexcept;

namespace detail {

struct term_box;
void destroy_boxes(term_box* box) noexcept;

/// What a term of a kind too big for 16 bytes points to: this head, then `size` terms, pairs of terms or
/// bytes, or a pid or reference.
struct term_box {
  // How many terms point here; when there are none left, the link of the list of boxes that destroy_boxes
  // still has to do.
  std::atomic<std::uintptr_t> count{1};
  std::uint64_t kind_and_size;

  term_kind kind() const noexcept { return static_cast<term_kind>(kind_and_size >> 56); }
  std::size_t size() const noexcept { return static_cast<std::size_t>(kind_and_size & 0x00ffffffffffffffULL); }
  void* payload() noexcept { return this + 1; }
  const void* payload() const noexcept { return this + 1; }

  // relaxed: whoever copies has a term that keeps the box alive, and hands the copy on by something that
  // orders.
  void retain() noexcept { count.fetch_add(1, std::memory_order_relaxed); }
  // acq_rel: the last one to let go must see all that the others read done before it frees; pairs with their
  // decrements.
  bool drop() noexcept { return count.fetch_sub(1, std::memory_order_acq_rel) == 1; }
};

}  // namespace detail

/// A value such as {ok,[1,2.5,<<"x">>,#{a => 1}]}. 16 bytes; copying it counts references and never copies
/// content. Immutable, so any thread may read and copy it; like a shared_ptr, one term object may not be
/// assigned by one thread while another uses it. Nested however deep, it is destroyed, compared, hashed and
/// printed without recursion.
class term {
 public:
  /// The atom undefined.
  term() noexcept;

  /// An integer, from any integral type but bool. Throws std::out_of_range above 9223372036854775807.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  term(T value) : kind_(term_kind::integer) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t))
      if (value > static_cast<T>(INT64_MAX)) refuse_integer(value);
    value_.integer = static_cast<std::int64_t>(value);
  }
  /// A float. Throws std::invalid_argument when it is infinite or not a number: Erlang has no such floats.
  template <std::floating_point T>
    requires(sizeof(T) <= sizeof(double))
  term(T value) : term(checked_float{static_cast<double>(value)}) {}
  /// The atom true or false.
  template <std::same_as<bool> T>
  term(T value) noexcept : term(boolean(value)) {}
  term(atom value) noexcept : kind_(term_kind::atom) { value_.entry = value.entry_; }
  term(const troupe::pid& value);
  term(const troupe::reference& value);
  /// A binary with the text's bytes.
  term(std::string_view text);
  term(const char* text) : term(std::string_view(text)) {}
  term(const std::string& text) : term(std::string_view(text)) {}
  term(std::nullptr_t) = delete;

  term(const term& other) noexcept : kind_(other.kind_), value_(other.value_) {
    if (is_boxed()) value_.box->retain();
  }
  term(term&& other) noexcept : kind_(other.kind_), value_(other.value_) { other.forget(); }
  term& operator=(const term& other) noexcept {
    term copy(other);
    swap(copy);
    return *this;
  }
  term& operator=(term&& other) noexcept {
    term taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~term() {
    if (is_boxed() && value_.box->drop()) detail::destroy_boxes(value_.box);
  }

  void swap(term& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(value_, other.value_);
  }

  /// A binary of these bytes.
  static term binary(std::span<const std::byte> bytes);
  /// A list: term::list({1, 2, "x"}).
  static term list(std::initializer_list<term> elements);
  static term list(std::vector<term> elements);
  /// A tuple: term::tuple({"ok"_atom, 1}).
  static term tuple(std::initializer_list<term> elements);
  static term tuple(std::vector<term> elements);
  /// A map: term::map({{"a"_atom, 1}}). Throws std::invalid_argument when a key is there twice (1 and 1.0 are
  /// two keys).
  static term map(std::initializer_list<std::pair<term, term>> items);
  static term map(std::vector<std::pair<term, term>> items);

  term_kind kind() const noexcept { return kind_; }
  bool is_integer() const noexcept { return kind_ == term_kind::integer; }
  bool is_floating() const noexcept { return kind_ == term_kind::floating; }
  bool is_number() const noexcept { return is_integer() || is_floating(); }
  bool is_atom() const noexcept { return kind_ == term_kind::atom; }
  /// Is it this atom?
  bool is_atom(atom a) const noexcept { return is_atom() && atom(value_.entry) == a; }
  bool is_reference() const noexcept { return kind_ == term_kind::reference; }
  bool is_pid() const noexcept { return kind_ == term_kind::pid; }
  bool is_tuple() const noexcept { return kind_ == term_kind::tuple; }
  /// Is it a tuple whose first element is this atom?
  bool is_tuple(atom tag) const noexcept;
  bool is_map() const noexcept { return kind_ == term_kind::map; }
  bool is_list() const noexcept { return kind_ == term_kind::list; }
  bool is_binary() const noexcept { return kind_ == term_kind::binary; }

  /// The content. Each throws term_error when the term is of another kind. Views and references live as long
  /// as some term with that content.
  std::int64_t as_integer() const;
  /// Only of a float, not of an integer.
  double as_floating() const;
  atom as_atom() const;
  /// The atoms true and false.
  bool as_bool() const;
  const troupe::pid& as_pid() const;
  const troupe::reference& as_reference() const;
  std::string_view as_binary() const;

  /// The elements of a list or a tuple. Throws term_error for other kinds.
  std::span<const term> elements() const;
  /// The items of a map, sorted by key: Erlang's order of map keys, which is term order but with all integers
  /// before all floats. Throws term_error.
  std::span<const std::pair<term, term>> items() const;
  /// How many elements, items or bytes. Throws term_error for a kind that has no size.
  std::size_t size() const;
  /// Element of a list or tuple, counted from 0. Throws term_error, std::out_of_range.
  const term& operator[](std::size_t index) const;
  /// The value under `key` in a map; null when there is none. Throws term_error when this is no map.
  const term* find(const term& key) const;

  /// The same for equal terms, in every run (for pids and references: on every machine that numbered the
  /// nodes alike).
  std::uint64_t hash() const noexcept;

  /// As Erlang's ~tp prints it, on one line: {ok,[1,2.5,<<"x">>,#{a => 1}]}. Unlike Erlang's, a list of
  /// characters is printed as numbers.
  std::string to_string() const;

  /// Erlang's =:= : 1 is not 1.0 (and 0.0 is -0.0, as up to OTP 26).
  friend bool operator==(const term& a, const term& b) noexcept;
  /// Erlang's term order: number < atom < reference < pid < tuple < map < [] < list < binary. Integers and
  /// floats are compared by exact value; terms that Erlang's == calls equal though =:= does not are ordered
  /// by their first such numbers, the integer first, so that this is a total order which agrees with
  /// operator==.
  friend std::strong_ordering operator<=>(const term& a, const term& b) noexcept;
  friend std::ostream& operator<<(std::ostream& out, const term& t);

 private:
  union content {
    std::int64_t integer;
    double floating;
    const detail::atom_entry* entry;
    detail::term_box* box;  // null: the empty list
  };
  struct checked_float {
    double value;
  };

  explicit term(checked_float f);
  term(term_kind kind, detail::term_box* box) noexcept : kind_(kind) { value_.box = box; }
  static atom boolean(bool value) noexcept;
  [[noreturn]] static void refuse_integer(std::uint64_t value);
  [[noreturn]] void refuse(const char* wanted) const;
  template <class Range>
  static term sequence(term_kind kind, Range&& elements);

  bool is_boxed() const noexcept { return kind_ >= term_kind::reference && value_.box != nullptr; }
  void forget() noexcept {
    kind_ = term_kind::list;
    value_.box = nullptr;
  }

  friend void detail::destroy_boxes(detail::term_box* box) noexcept;

  term_kind kind_;
  content value_;
};

static_assert(sizeof(term) == 16);

/// The key under which messages of this shape are found: for {tag, ...} of the tag and the tuple's arity, for
/// an atom of its text, else of the kind alone. Never 0. A struct's type_descriptor::dynamic_key is that of
/// its term.
std::uint64_t dynamic_key(const term& t) noexcept;

namespace detail {

/// dynamic_key of {tag, ...} with `arity` elements, tag included; of the atom itself for 0.
constexpr std::uint64_t tagged_key(std::uint64_t tag_hash, std::size_t arity) noexcept {
  const std::uint64_t key = mix(tag_hash, arity);
  return key == 0 ? 1 : key;
}

/// dynamic_key of what has no tag.
constexpr std::uint64_t kind_key(term_kind kind) noexcept {
  return scramble(static_cast<std::uint64_t>(kind) + 0x7465726d) | 1;
}

}  // namespace detail
}  // namespace troupe

/// Hash of a term, for the standard containers.
template <>
struct std::hash<troupe::term> {
  std::size_t operator()(const troupe::term& t) const noexcept { return static_cast<std::size_t>(t.hash()); }
};
