// SPDX-License-Identifier: BSL-1.0
// codec<T>: how a T is taken to parts and put together again. The one point of specialisation, and its
// primary template for structs.
#pragma once

#include <troupe/mailbox/described.hpp>
#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/reflect.hpp>
#include <troupe/mailbox/term_sink.hpp>
#include <troupe/mailbox/term_source.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
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
    const auto start = source.mark();
    try {
      out.emplace(codec<T>::build(source));
      return true;
    } catch (const decode_error& error) {
      source.rewind(start);
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

/// What is written for a value that a description converts.
template <class Conversion, class T>
using outside_of =
    std::remove_cvref_t<decltype(std::invoke(std::declval<const Conversion&>().out, std::declval<const T&>()))>;

/// Gives `out` what `how` makes of `from`, which was read at `start`.
template <class T, class Out, class In, class Outside>
bool convert_in(term_source& source, const term_source::position& start, const conversion<Out, In>& how, Outside&& from,
                std::optional<T>& out) {
  const auto refuse = [&] {
    source.rewind(start);
    if (!source.explains()) return false;
    return source.fail(how.shape.empty() ? shape_of<Outside>() : std::string(how.shape));
  };
  using made = std::remove_cvref_t<decltype(std::invoke(how.in, std::move(from)))>;
  static_assert(std::is_same_v<made, std::optional<T>> || std::is_constructible_v<T, made>,
                "troupe: the second function of this convert must give the value, or a std::optional of it");
  try {
    if constexpr (std::is_same_v<made, std::optional<T>>) {
      out = std::invoke(how.in, std::move(from));
      return out.has_value() || refuse();
    } else {
      out.emplace(std::invoke(how.in, std::move(from)));
      return true;
    }
  } catch (const decode_error& error) {
    source.rewind(start);
    return source.fail(error);
  }
}

/// Reads a T that is written as what `how` makes of it.
template <class T, class Out, class In>
bool read_converted(term_source& source, const conversion<Out, In>& how, std::optional<T>& out) {
  const auto start = source.mark();
  std::optional<outside_of<conversion<Out, In>, T>> from;
  return detail::read(source, from) && convert_in(source, start, how, std::move(*from), out);
}

/// Types that a description gives another shape.
template <class T>
struct converted_codec : reading<T> {
  using outside = outside_of<std::remove_cvref_t<decltype(description<T>::as)>, T>;

  static void visit(const T& value, term_sink& sink) {
    codec<outside>::visit(std::invoke(description<T>::as.out, value), sink);
  }
  static bool read(term_source& source, std::optional<T>& out) {
    return read_converted(source, description<T>::as, out);
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return dynamic_key_of<outside>(); }
  static std::string shape() {
    return description<T>::as.shape.empty() ? shape_of<outside>() : std::string(description<T>::as.shape);
  }
};

/// What a member that was not written becomes.
template <class T, std::size_t I>
stored_member<T, I> default_member() {
  if constexpr (requires { T{}; }) {
    T fresh{};
    return std::move(member_at<I>(fresh));
  } else {
    static_assert(std::default_initializable<stored_member<T, I>>,
                  "troupe: a member that its description skips or calls defaulted needs a default, its own or one in "
                  "the default of the struct");
    return stored_member<T, I>();
  }
}

/// Is T a struct of which only its members are written?
template <class T>
concept flattenable = requires { typename codec<T>::primary; } && reflectable<T>;

template <class T>
constexpr void check_flattened() noexcept {
  static_assert(flattenable<T>, "troupe: only a struct without a codec of its own can be flattened");
  if constexpr (has_notes<T>) static_assert(check_description<T>::ok);
}

template <class T, std::size_t I>
void visit_member(const T& value, term_sink& sink);
template <class T, std::size_t I>
bool read_member(term_source& source, std::optional<stored_member<T, I>>& out);

template <class T, std::size_t... I>
void visit_members([[maybe_unused]] const T& value, [[maybe_unused]] term_sink& sink, std::index_sequence<I...>) {
  (visit_member<T, I>(value, sink), ...);
}

template <class T, std::size_t... I>
bool read_members(term_source& source, std::optional<T>& out, std::index_sequence<I...>) {
  [[maybe_unused]] std::tuple<std::optional<stored_member<T, I>>...> values;
  if (!(read_member<T, I>(source, std::get<I>(values)) && ...)) return false;
  out.emplace(T{std::move(*std::get<I>(values))...});
  return true;
}

template <class T, std::size_t I>
void visit_member(const T& value, term_sink& sink) {
  using inner = stored_member<T, I>;
  if constexpr (!has_notes<T>) {  // asked first: all that follows costs the compiler time
    sink.member(member_name<T, I>());
    codec<inner>::visit(member<I>(value), sink);
  } else if constexpr (is_skipped<T, I>) {
    // left out
  } else if constexpr (is_flattened<T, I>) {
    check_flattened<inner>();
    if constexpr (flattenable<inner>)
      visit_members(member<I>(value), sink, std::make_index_sequence<member_count<inner>>());
  } else if constexpr (is_converted<T, I>) {
    constexpr auto& how = member_conversion<T, I>;
    sink.member(outer_name<T, I>());
    codec<outside_of<std::remove_cvref_t<decltype(how)>, inner>>::visit(std::invoke(how.out, member<I>(value)), sink);
  } else {
    sink.member(outer_name<T, I>());
    codec<inner>::visit(member<I>(value), sink);
  }
}

/// Reads the value of a member that is written.
template <class T, std::size_t I>
bool read_value(term_source& source, std::optional<stored_member<T, I>>& out) {
  if constexpr (!has_notes<T>) {
    return detail::read(source, out);
  } else {
    if constexpr (is_defaulted<T, I>) {
      if (source.read_missing()) {
        out.emplace(default_member<T, I>());
        return true;
      }
    }
    if constexpr (is_converted<T, I>)
      return read_converted(source, member_conversion<T, I>, out);
    else
      return detail::read(source, out);
  }
}

template <class T, std::size_t I>
bool read_named(term_source& source, std::string_view name, std::optional<stored_member<T, I>>& out) {
  if (source.member(name) && read_value<T, I>(source, out)) return true;
  return source.explains() ? source.prepend("." + std::string(name)) : false;
}

template <class T, std::size_t I>
bool read_member(term_source& source, std::optional<stored_member<T, I>>& out) {
  using inner = stored_member<T, I>;
  if constexpr (!has_notes<T>) {
    return read_named<T, I>(source, member_name<T, I>(), out);
  } else if constexpr (is_skipped<T, I>) {
    out.emplace(default_member<T, I>());
    return true;
  } else if constexpr (is_flattened<T, I>) {
    check_flattened<inner>();
    if constexpr (flattenable<inner>) return read_members(source, out, std::make_index_sequence<member_count<inner>>());
  } else {
    return read_named<T, I>(source, outer_name<T, I>(), out);
  }
}

/// Structs: {name, Member...}.
template <class T>
struct struct_codec : reading<T> {
  /// Marks the primary template: nobody has specialised codec for T.
  using primary = void;

  static void visit(const T& value, term_sink& sink) {
    check();
    sink.begin_struct(tag_atom<T>(), field_count<T>);
    visit_members(value, sink, std::make_index_sequence<member_count<T>>());
    sink.end_struct(tag_atom<T>(), field_count<T>);
  }

  static bool read(term_source& source, std::optional<T>& out) {
    check();
    if (!source.begin_struct(tag<T>(), field_count<T>)) return source.explains() ? source.fail(shape()) : false;
    if (!read_members(source, out, std::make_index_sequence<member_count<T>>())) return false;
    source.end_struct(field_count<T>);
    return true;
  }

  static constexpr std::uint64_t dynamic_key() noexcept {
    if constexpr (!reflectable<T>)
      return 0;
    else
      return tagged_key(tag_atom<T>().hash(), field_count<T> == 0 ? 0 : field_count<T> + 1);
  }

  /// {order,Id,Lines}
  static std::string shape() {
    if constexpr (field_count<T> == 0) return tag_atom<T>().to_string();
    std::string text = "{" + tag_atom<T>().to_string();
    for (const std::string_view name : field_names<T>) (text += ',') += name;
    return text + "}";
  }

 private:
  static constexpr void check() noexcept {
    static_assert(reflectable<T>,
                  "troupe: this type is no aggregate without base classes, so its members "
                  "cannot be found: make it one, "
                  "or specialise troupe::codec for it");
    if constexpr (has_notes<T>) static_assert(check_description<T>::ok);
  }
};

/// What codec is for a type that nobody has specialised it for.
template <class T>
using primary_codec = std::conditional_t<converted<T>, converted_codec<T>, struct_codec<T>>;

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
/// dynamic_key()` when all its terms have the same dynamic_key. Another name, or two functions to and from a type that
/// has a codec, are said with less: description, in described.hpp.
template <class T>
struct codec : detail::primary_codec<T> {};

}  // namespace troupe
