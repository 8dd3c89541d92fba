// SPDX-License-Identifier: BSL-1.0
// codec<T>: how a T is taken to parts and put together again. The one point of specialisation, and its
// primary template for structs.
#pragma once

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/reflect.hpp>
#include <troupe/mailbox/term_sink.hpp>
#include <troupe/mailbox/term_source.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

template <class T>
struct codec;

namespace detail {

/// The types that a T holds; sendable<T> looks at each.
template <class... Parts>
struct parts_list {};

template <class T>
concept has_read = requires(term_source& source, std::optional<T>& out) {
  { codec<T>::read(source, out) } -> std::same_as<bool>;
};

template <class T>
concept has_dynamic_key = requires {
  { codec<T>::dynamic_key() } -> std::same_as<std::uint64_t>;
};

template <class T>
concept has_shape = requires {
  { codec<T>::shape() } -> std::convertible_to<std::string>;
};

/// Reads a T without throwing for a mismatch: false then, with source.fail() called. Only broken input
/// throws.
template <class T>
bool read(term_source& source, std::optional<T>& out) {
  if constexpr (has_read<T>) {
    return codec<T>::read(source, out);
  } else {
    try {
      out.emplace(codec<T>::build(source));
      return true;
    } catch (const decode_error& error) {
      return source.fail(error);
    }
  }
}

/// What a T looks like, for error texts: "integer in 0..255", "{order,Id,Lines}".
template <class T>
std::string shape_of() {
  if constexpr (has_shape<T>)
    return codec<T>::shape();
  else
    return std::string(type_name<T>());
}

/// dynamic_key of a type's terms when they all have one, else 0.
template <class T>
constexpr std::uint64_t dynamic_key_of() noexcept {
  if constexpr (has_dynamic_key<T>)
    return codec<T>::dynamic_key();
  else
    return 0;
}

/// Asks `source` to explain, until the end of the scope.
class explaining {
 public:
  explicit explaining(term_source& source) : source_(source), before_(source.explains()) { source.set_explains(true); }
  ~explaining() { source_.set_explains(before_); }
  explaining(const explaining&) = delete;
  explaining& operator=(const explaining&) = delete;

 private:
  term_source& source_;
  bool before_;
};

/// The codecs of this library write read() and have build() from here.
template <class T>
struct reading {
  /// Throws decode_error.
  static T build(term_source& source) {
    const explaining on(source);
    std::optional<T> value;
    if (!codec<T>::read(source, value)) throw source.error();
    return std::move(*value);
  }
};

/// Member I as codecs see it. (These are no members of struct_codec, which must compile for types that have
/// no members to be seen, too.)
template <class T, std::size_t I>
using stored_member = std::remove_cv_t<member_type<T, I>>;

template <class T, std::size_t... I>
void visit_members([[maybe_unused]] const T& value, [[maybe_unused]] term_sink& sink, std::index_sequence<I...>) {
  ((sink.member(member_name<T, I>()), codec<stored_member<T, I>>::visit(member<I>(value), sink)), ...);
}

template <class T, std::size_t I>
bool read_member(term_source& source, std::optional<stored_member<T, I>>& out) {
  if (source.member(member_name<T, I>()) ? detail::read(source, out) : source.fail("this member", "nothing"))
    return true;
  return source.explains() ? source.prepend("." + std::string(member_name<T, I>())) : false;
}

template <class T, std::size_t... I>
bool read_members(term_source& source, std::optional<T>& out, std::index_sequence<I...>) {
  [[maybe_unused]] std::tuple<std::optional<stored_member<T, I>>...> values;
  if (!(read_member<T, I>(source, std::get<I>(values)) && ...)) return false;
  source.end_struct(sizeof...(I));
  out.emplace(T{std::move(*std::get<I>(values))...});
  return true;
}

/// Structs: {name, Member...}.
template <class T>
struct struct_codec : reading<T> {
  /// Marks the primary template: nobody has specialised codec for T.
  using primary = void;

  static void visit(const T& value, term_sink& sink) {
    static_assert(reflectable<T>,
                  "troupe: this type is no aggregate without base classes, so its members "
                  "cannot be found: make it one, "
                  "or specialise troupe::codec for it");
    sink.begin_struct(atom_of(type_atom<T>), member_count<T>);
    visit_members(value, sink, std::make_index_sequence<member_count<T>>());
    sink.end_struct(atom_of(type_atom<T>), member_count<T>);
  }

  static bool read(term_source& source, std::optional<T>& out) {
    static_assert(reflectable<T>,
                  "troupe: this type is no aggregate without base classes, so its members "
                  "cannot be found: make it one, "
                  "or specialise troupe::codec for it");
    if (!source.begin_struct(type_name<T>(), member_count<T>)) return source.explains() ? source.fail(shape()) : false;
    return read_members(source, out, std::make_index_sequence<member_count<T>>());
  }

  static constexpr std::uint64_t dynamic_key() noexcept {
    if constexpr (!reflectable<T>)
      return 0;
    else
      return tagged_key(type_atom<T>.hash, member_count<T> == 0 ? 0 : member_count<T> + 1);
  }

  /// {order,Id,Lines}
  static std::string shape() {
    if constexpr (member_count<T> == 0) return atom_of(type_atom<T>).to_string();
    std::string text = "{" + atom_of(type_atom<T>).to_string();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((text += ',', text += member_name<T, I>()), ...);
    }(std::make_index_sequence<member_count<T>>());
    return text + "}";
  }
};

}  // namespace detail

/// How a T becomes a term, JSON or bytes and comes back. There are codecs for everything that codec.hpp lists
/// and, this one, for every struct whose members have codecs. For a class of another kind, write
///
///     template <> struct troupe::codec<money> {
///       static void visit(const money& m, term_sink& sink) { sink.put_integer(m.cents()); }
///       static money build(term_source& source) { return money(codec<std::int64_t>::build(source)); }
///     };
///
/// which also makes it sendable: whoever writes it vouches that copies of a money share nothing. visit may
/// throw for a value that cannot be written; build throws decode_error and nothing else. Both are called on
/// the thread of whoever encodes or decodes. A codec may also have `static bool read(term_source&,
/// std::optional<T>&)`, a build that returns false instead of throwing, and `static constexpr std::uint64_t
/// dynamic_key()` when all its terms have the same dynamic_key.
template <class T>
struct codec : detail::struct_codec<T> {};

}  // namespace troupe
