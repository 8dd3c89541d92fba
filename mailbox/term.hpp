// SPDX-License-Identifier: BSL-1.0
// The term: an immutable value of any of Erlang's kinds, whose shape is known only at run time.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/port.hpp>
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
enum class term_kind : std::uint8_t {
  integer,  ///< of any size
  floating,
  atom,
  reference,
  pid,
  tuple,
  map,
  list,    ///< that ends with []
  binary,  ///< whole bytes
  bit_string,
  improper_list,  ///< [a|b]
  port,
  function,
};

/// The kind's name: "integer", "float", "atom" ...
std::string_view to_string(term_kind kind) noexcept;

namespace detail {

struct term_box;
struct term_parts;
void destroy_boxes(term_box* box) noexcept;

/// What a term too big for 16 bytes points to: this head, then `size` terms, pairs of terms or bytes, or a pid, port or
/// reference. What comes before the bytes of integers, bit strings and functions is said in term.cpp.
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

/// fun Module:Name/Arity: a function by name.
struct external_function {
  atom module;         ///< where it is looked for
  atom name;           ///< what it is called there
  std::uint8_t arity;  ///< how many arguments it takes
  friend bool operator==(const external_function&, const external_function&) = default;
};

/// A function that is not called by name, such as fun(X) -> X + Free end: of use only to Erlang nodes, here passed on.
struct local_function {
  atom module;         ///< the module that it was made in
  std::int64_t index;  ///< which of the module's (OldIndex)
  std::int64_t uniq;   ///< of which version of the module (OldUniq)
  /// As in the external term format: tag 112 and what follows.
  std::span<const std::byte> external;
};

/// An integer that 64 bits with a sign cannot hold.
struct big_integer {
  bool negative;  ///< is it below 0?
  /// Lowest byte first, the last one not 0.
  std::span<const std::byte> magnitude;
};

/// A value such as {ok,[1,2.5,<<"x">>,#{a => 1}]}. 16 bytes; copying it counts references and never copies
/// content. Immutable, so any thread may read and copy it; like a shared_ptr, one term object may not be
/// assigned by one thread while another uses it. Nested however deep, it is destroyed, compared, hashed and
/// printed without recursion.
class term {
 public:
  /// The atom undefined.
  term() noexcept;

  /// An integer, from any integral type but bool.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  term(T value) : kind_(term_kind::integer) {
    value_.integer = static_cast<std::int64_t>(value);
    if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t))
      if (value > static_cast<T>(INT64_MAX)) become_big(value);
  }
  /// A float. Throws std::invalid_argument when it is infinite or not a number: Erlang has no such floats.
  template <std::floating_point T>
    requires(sizeof(T) <= sizeof(double))
  term(T value) : term(checked_float{static_cast<double>(value)}) {}
  /// The atom true or false.
  template <std::same_as<bool> T>
  term(T value) noexcept : term(boolean(value)) {}
  /// An atom.
  term(atom value) noexcept : kind_(term_kind::atom) { value_.entry = value.entry_; }
  /// A pid.
  term(const troupe::pid& value);
  /// A reference.
  term(const troupe::reference& value);
  /// A port.
  term(const troupe::port& value);
  /// fun Module:Name/Arity.
  term(const external_function& value);
  /// A binary with the text's bytes.
  term(std::string_view text);
  /// A binary with the bytes of a C string.
  term(const char* text) : term(std::string_view(text)) {}
  /// A binary with the bytes of a std::string.
  term(const std::string& text) : term(std::string_view(text)) {}
  term(std::nullptr_t) = delete;

  /// Shares what it holds; any thread.
  term(const term& other) noexcept : kind_(other.kind_), boxed_(other.boxed_), value_(other.value_) {
    if (is_boxed()) value_.box->retain();
  }
  /// Takes it over; the other is then the empty list [].
  term(term&& other) noexcept : kind_(other.kind_), boxed_(other.boxed_), value_(other.value_) { other.forget(); }
  /// Shares what it holds.
  term& operator=(const term& other) noexcept {
    term copy(other);
    swap(copy);
    return *this;
  }
  /// Takes it over; the other is then the empty list [].
  term& operator=(term&& other) noexcept {
    term taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~term() {
    if (is_boxed() && value_.box->drop()) detail::destroy_boxes(value_.box);
  }

  /// Exchanges the two.
  void swap(term& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(boxed_, other.boxed_);
    std::swap(value_, other.value_);
  }

  /// A binary of these bytes.
  static term binary(std::span<const std::byte> bytes);
  /// An integer of any size: sign, and magnitude with the lowest byte first. One that 64 bits hold is the same as if
  /// made from these.
  static term integer(bool negative, std::span<const std::byte> magnitude);
  /// The first `bits` bits of these bytes, each byte's highest bit first: <<5:3>> is the byte 160 and 3 bits. Whole
  /// bytes make a binary. Throws std::out_of_range when there are fewer.
  static term bit_string(std::span<const std::byte> bytes, std::size_t bits);
  /// A function to be passed on; `external` is kept as it is. Throws std::invalid_argument when it is empty.
  static term function(const local_function& value);
  /// A list: term::list({1, 2, "x"}).
  static term list(std::initializer_list<term> elements);
  /// A list of these elements.
  static term list(std::vector<term> elements);
  /// [Elements...|Tail]. With a tail that is a list, or without elements, it is what Erlang makes of it: [1|[2]] is the
  /// list [1,2].
  static term improper_list(std::vector<term> elements, term tail);
  /// A tuple: term::tuple({"ok"_atom, 1}).
  static term tuple(std::initializer_list<term> elements);
  /// A tuple of these elements.
  static term tuple(std::vector<term> elements);
  /// A map: term::map({{"a"_atom, 1}}). Throws std::invalid_argument when a key is there twice (1 and 1.0 are
  /// two keys).
  static term map(std::initializer_list<std::pair<term, term>> items);
  /// A map of these keys and values. Throws std::invalid_argument when a key is there twice.
  static term map(std::vector<std::pair<term, term>> items);

  /// The term that this text is: what to_string() prints, and what people write in Erlang: integers (`1_000`, `16#ff`,
  /// `$a`), floats, atoms, strings (lists of characters), binaries and bit strings (<<"text"/utf8, 5:3>>), lists,
  /// tuples, maps, pids, references, ports and fun m:f/1, with blanks and % comments between and a full stop at the end
  /// or none. Erlang: erl_parse:parse_term/1. The number 0 in a pid, reference or port is the node `home`, or nobody's
  /// in the null ones (<0.0.0>); a program with several nodes of its own says whose text it reads: add_node(sys.name(),
  /// sys.creation()). Other numbers are nodes that this program knows. A function that is printed as `#Fun<...>` is
  /// refused: most of it is not printed. Throws parse_error, also for bytes that are no UTF-8, a key that is in a map
  /// twice, an atom of more than 255 characters, a node that this program does not know, more than 65,536 digits in a
  /// base that is no power of 2, and a segment of a binary of more than 4,096 bits; system_limit when there is no room
  /// for another atom. Takes time and memory in proportion to the text, however deep it nests. Any thread.
  static term parse(std::string_view text, node_index home = own_node());
  /// The term that `text` begins with. Takes it away from `text`, with a full stop and the blanks and comments around
  /// it, so that text that holds nothing else is empty then; places in errors count from where `text` began.
  static term parse_prefix(std::string_view& text, node_index home = own_node());

  /// Which of Erlang's kinds it is.
  term_kind kind() const noexcept { return kind_; }
  /// Is it an integer, of any size?
  bool is_integer() const noexcept { return kind_ == term_kind::integer; }
  /// Is it an integer that 64 bits with a sign cannot hold?
  bool is_big() const noexcept { return is_integer() && boxed_; }
  /// Is it a float?
  bool is_floating() const noexcept { return kind_ == term_kind::floating; }
  /// Is it an integer or a float?
  bool is_number() const noexcept { return is_integer() || is_floating(); }
  /// Is it an atom?
  bool is_atom() const noexcept { return kind_ == term_kind::atom; }
  /// Is it this atom?
  bool is_atom(atom a) const noexcept { return is_atom() && atom(value_.entry) == a; }
  /// Is it a reference?
  bool is_reference() const noexcept { return kind_ == term_kind::reference; }
  /// Is it a pid?
  bool is_pid() const noexcept { return kind_ == term_kind::pid; }
  /// Is it a tuple?
  bool is_tuple() const noexcept { return kind_ == term_kind::tuple; }
  /// Is it a tuple whose first element is this atom?
  bool is_tuple(atom tag) const noexcept;
  /// Is it a map?
  bool is_map() const noexcept { return kind_ == term_kind::map; }
  /// Is it a list that ends with []?
  bool is_list() const noexcept { return kind_ == term_kind::list; }
  /// Is it a list that ends with something else than []: [1|2]?
  bool is_improper_list() const noexcept { return kind_ == term_kind::improper_list; }
  /// Is it a bit string of whole bytes?
  bool is_binary() const noexcept { return kind_ == term_kind::binary; }
  /// Is it a bit string whose last byte is not whole?
  bool is_bit_string() const noexcept { return kind_ == term_kind::bit_string; }
  /// Is it a port?
  bool is_port() const noexcept { return kind_ == term_kind::port; }
  /// Is it a function, of either sort?
  bool is_function() const noexcept { return kind_ == term_kind::function; }
  /// Is it fun Module:Name/Arity?
  bool is_external_function() const noexcept;

  /// The content. Each throws term_error when the term is of another kind. Views and references live as long
  /// as some term with that content.
  /// Also term_error for an integer that 64 bits with a sign cannot hold.
  std::int64_t as_integer() const;
  /// 0 to 18446744073709551615; term_error for other integers.
  std::uint64_t as_unsigned() const;
  /// Only of an integer that is_big().
  big_integer as_big() const;
  /// Only of a float, not of an integer.
  double as_floating() const;
  /// The atom; term_error for other kinds.
  atom as_atom() const;
  /// The atoms true and false.
  bool as_bool() const;
  /// The pid; term_error for other kinds.
  const troupe::pid& as_pid() const;
  /// The reference; term_error for other kinds.
  const troupe::reference& as_reference() const;
  /// The bytes of a binary; term_error for other kinds.
  std::string_view as_binary() const;
  /// The bytes of a binary or a bit string; in the last one, bits that do not belong to it are 0.
  std::string_view as_bytes() const;
  /// How many bits of a binary or a bit string.
  std::size_t bit_size() const;
  /// The port; term_error for other kinds.
  const troupe::port& as_port() const;
  /// The parts of fun Module:Name/Arity; term_error for others.
  const external_function& as_external_function() const;
  /// A function that is not called by name, to look at or pass on; term_error for others.
  local_function as_local_function() const;

  /// The elements of a list or a tuple; of an improper list those before the tail. Throws term_error for other kinds.
  std::span<const term> elements() const;
  /// The items of a map, sorted by key: Erlang's order of map keys, which is term order but with all integers
  /// before all floats. Throws term_error.
  std::span<const std::pair<term, term>> items() const;
  /// What an improper list ends with; never a list. Throws term_error.
  const term& tail() const;
  /// How many elements (the tail is none), items or bytes (the last one of a bit string counts). Throws term_error for
  /// a kind that has no size.
  std::size_t size() const;
  /// Element of a list, proper or not, or of a tuple, counted from 0. Throws term_error, std::out_of_range.
  const term& operator[](std::size_t index) const;
  /// The value under `key` in a map; null when there is none. Throws term_error when this is no map.
  const term* find(const term& key) const;

  /// The same for equal terms, in every run (for pids and references: on every machine that numbered the
  /// nodes alike).
  std::uint64_t hash() const noexcept;

  /// As Erlang's ~tp prints it, on one line: {ok,[1,2.5,<<"x">>,#{a => 1}]}. Unlike Erlang's, a list of
  /// characters is printed as numbers, and an integer of more than 4,096 bytes in base 16. parse() reads it.
  std::string to_string() const;

  /// Erlang's =:= : 1 is not 1.0 (and 0.0 is -0.0, as up to OTP 26).
  friend bool operator==(const term& a, const term& b) noexcept;
  /// Erlang's term order: number < atom < reference < fun < port < pid < tuple < map < [] < list < bit string. Integers
  /// and floats are compared by exact value; local functions by module, index, uniq and then their bytes; terms that
  /// Erlang's == calls equal though =:= does not are ordered by their first such numbers, the integer first, so that
  /// this is a total order which agrees with operator==.
  friend std::strong_ordering operator<=>(const term& a, const term& b) noexcept;
  friend std::ostream& operator<<(std::ostream& out, const term& t);

 private:
  union content {
    std::int64_t integer;
    double floating;
    const detail::atom_entry* entry;
    detail::term_box* box;  // null, and not boxed: the empty list, tuple, map or binary
  };
  struct checked_float {
    double value;
  };

  explicit term(checked_float f);
  term(term_kind kind, detail::term_box* box) noexcept : kind_(kind), boxed_(box != nullptr) { value_.box = box; }
  static atom boolean(bool value) noexcept;
  void become_big(std::uint64_t value);
  [[noreturn]] void refuse(const char* wanted) const;
  static term sequence(term_kind kind, std::span<const term> elements);
  static term sequence_of(term_kind kind, std::span<term> elements);

  bool is_boxed() const noexcept { return boxed_; }
  void forget() noexcept {
    kind_ = term_kind::list;
    boxed_ = false;
    value_.box = nullptr;
  }

  friend void detail::destroy_boxes(detail::term_box* box) noexcept;
  friend struct detail::term_parts;

  term_kind kind_;
  bool boxed_ = false;
  content value_;
};

static_assert(sizeof(term) == 16);

/// Erlang's == and /= : as =:= , but an integer equals the float of its value, inside tuples, lists and the values of
/// maps, too (the keys of maps are still compared by =:= ). Any thread.
bool equal(const term& a, const term& b) noexcept;

/// Erlang's < , =< , > and >= , and the order of lists:sort/1: that of operator<=>, but what equal() calls equal is
/// equivalent. Any thread.
std::weak_ordering compare(const term& a, const term& b) noexcept;

/// The key under which messages of this shape are found: for {tag, ...} of the tag and the tuple's arity, for
/// an atom of its text, else of the kind alone. Never 0. A struct's type_descriptor::dynamic_key is that of
/// its term.
std::uint64_t dynamic_key(const term& t) noexcept;

namespace detail {

/// Terms from parts that are moved out of a sequence, for those who build many. Throws what term's functions throw.
struct term_parts {
  static term list(std::span<term> elements) { return term::sequence_of(term_kind::list, elements); }
  static term tuple(std::span<term> elements) { return term::sequence_of(term_kind::tuple, elements); }
  /// The last element is the tail.
  static term improper_list(std::span<term> elements_and_tail);
  /// Keys and values take turns.
  static term map(std::span<term> keys_and_values);
};

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
