// SPDX-License-Identifier: BSL-1.0
// description<T>: another name or another shape for a type, said beside it and without touching it.
#pragma once

#include <troupe/mailbox/reflect.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

/// How a T looks outside: as a term, in the external term format, in JSON. Says nothing unless it is specialised, in
/// the namespace scope where T is declared, before T is first sent or written:
///
///     template <>
///     struct troupe::description<shop::order> {
///       static constexpr std::string_view name = "purchase";           // instead of order
///       static constexpr auto members = troupe::describe(
///           rename(&shop::order::id, "number"),                        // its name in JSON and in errors
///           flatten(&shop::order::customer),                           // the customer's members stand in its place
///           convert(&shop::order::total, &to_cents, &from_cents),      // written as what to_cents gives
///           skip(&shop::order::cached));                               // not written; when read, what a new order has
///     };
///
/// name and members may be left out. For a type that is to be written as another type, struct or not, there is instead
///
///     template <>
///     struct troupe::description<shop::level> {
///       static constexpr auto as = troupe::convert(&to_number, &from_number);
///     };
///
/// Both ends of a conversation must say the same. A member that does not exist, two members of one name and the like do
/// not compile. The specialisation of troupe::codec remains for what none of this can say.
template <class T>
struct description {};

namespace detail {

template <class T, class M>
struct renamed {
  M T::* which;
  std::string_view name;
};
template <class T, class M>
struct flattened {
  M T::* which;
};
template <class T, class M>
struct skipped {
  M T::* which;
};
template <class T, class M>
struct defaulted_member {
  M T::* which;
};

/// Two functions: what is written for a value, and the value for what was read.
template <class Out, class In>
struct conversion {
  Out out;
  In in;
  std::string_view shape;
};
template <class T, class M, class Out, class In>
struct converted_member {
  M T::* which;
  conversion<Out, In> how;
};

}  // namespace detail

/// The member has this name outside: in JSON and in the paths of errors. (A term's members have no names.)
template <class T, class M>
constexpr detail::renamed<T, M> rename(M T::* member, std::string_view name) noexcept {
  return {member, name};
}

/// The member is a struct whose members stand in its place, as if they were members of the struct that holds it. What
/// its own description says of them holds; its name is not written.
template <class T, class M>
constexpr detail::flattened<T, M> flatten(M T::* member) noexcept {
  return {member};
}

/// The member is left out. Reading gives it what a default-constructed T has there, or, of a T that has no default, a
/// default-constructed member.
template <class T, class M>
constexpr detail::skipped<T, M> skip(M T::* member) noexcept {
  return {member};
}

/// JSON may leave the member out when it is read: it is then what skip() says. A term always has it.
template <class T, class M>
constexpr detail::defaulted_member<T, M> defaulted(M T::* member) noexcept {
  return {member};
}

/// The member is written as `out(member)`, a value of a type that has a codec, and read as `in` of such a value: two
/// functions, or lambdas without captures. `in` gives the member, or a std::optional of it that is empty when the value
/// does not fit; it may throw decode_error. `shape` says in errors what would have fitted: "a date such as 2026-03-01".
/// Whoever writes this vouches that copies of the member share nothing, as whoever specialises codec does.
template <class T, class M, class Out, class In>
  requires std::invocable<const Out&, const M&>
constexpr detail::converted_member<T, M, Out, In> convert(M T::* member, Out out, In in,
                                                          std::string_view shape = {}) noexcept {
  return {member, {out, in, shape}};
}

/// The same for a whole type: `as` of a description.
template <class Out, class In>
constexpr detail::conversion<Out, In> convert(Out out, In in, std::string_view shape = {}) noexcept {
  return {out, in, shape};
}

/// What a description says of members. One member may be both renamed and converted.
template <class... Notes>
constexpr std::tuple<Notes...> describe(Notes... notes) noexcept {
  return std::tuple<Notes...>(notes...);
}

namespace detail {

template <class T>
concept has_own_name = requires { description<T>::name; };

/// Does a description say something of T's members?
template <class T>
concept has_notes = requires { description<T>::members; };

/// Is T written as another type?
template <class T>
concept converted = requires { description<T>::as; };

/// T's name outside: the tag of its terms.
template <class T>
constexpr std::string_view tag() noexcept {
  if constexpr (has_own_name<T>) {
    static_assert(std::convertible_to<decltype(description<T>::name), std::string_view>,
                  "troupe: the name in a description is a text: static constexpr std::string_view name = \"...\"");
    constexpr std::string_view name = description<T>::name;
    static_assert(is_atom_text(name),
                  "troupe: the name in this description is no atom: it must be UTF-8 of 1 to 255 characters");
    return name;
  } else {
    return type_name<T>();
  }
}

template <class T>
inline constexpr atom_entry own_name_atom = make_atom_entry(tag<T>());

template <class T>
constexpr atom tag_atom() noexcept {
  if constexpr (has_own_name<T>)
    return atom_of(own_name_atom<T>);
  else
    return atom_of(type_atom<T>);
}

template <class Note>
struct note_traits;
template <class T, class M>
struct note_traits<renamed<T, M>> {
  using owner = T;
};
template <class T, class M>
struct note_traits<flattened<T, M>> {
  using owner = T;
};
template <class T, class M>
struct note_traits<skipped<T, M>> {
  using owner = T;
};
template <class T, class M>
struct note_traits<defaulted_member<T, M>> {
  using owner = T;
};
template <class T, class M, class Out, class In>
struct note_traits<converted_member<T, M, Out, In>> {
  using owner = T;
};

template <class Note, template <class...> class Kind>
inline constexpr bool is_kind = false;
template <template <class...> class Kind, class... A>
inline constexpr bool is_kind<Kind<A...>, Kind> = true;

/// Is `which` member I of T?
template <class T, std::size_t I, class M>
consteval bool is_member(M T::* which) noexcept {
  if constexpr (!std::is_same_v<M, member_type<T, I>>)
    return false;
  else
    return &(stage<T>::place.value.*which) == &member_at<I>(stage<T>::place.value);
}

inline constexpr std::size_t no_note = static_cast<std::size_t>(-1);

template <class T>
using notes_of = std::remove_cvref_t<decltype(description<T>::members)>;

/// Is note `At` one of this kind about member I?
template <class T, std::size_t I, template <class...> class Kind, std::size_t At>
consteval bool is_about() noexcept {
  using note = std::tuple_element_t<At, notes_of<T>>;
  if constexpr (is_kind<note, Kind> && std::is_same_v<typename note_traits<note>::owner, T>)
    return is_member<T, I>(std::get<At>(description<T>::members).which);
  else
    return false;
}

/// Where the note of this kind about member I is, and how many there are.
struct note_place {
  std::size_t at = no_note;
  std::size_t count = 0;
};

template <class T, std::size_t I, template <class...> class Kind, std::size_t... At>
consteval note_place look_for_note(std::index_sequence<At...>) noexcept {
  note_place found;
  ((is_about<T, I, Kind, At>() ? void((found.at = At, ++found.count)) : void()), ...);
  return found;
}

template <class T, std::size_t I, template <class...> class Kind>
consteval std::size_t find_note() noexcept {
  if constexpr (has_notes<T>)
    return look_for_note<T, I, Kind>(std::make_index_sequence<std::tuple_size_v<notes_of<T>>>()).at;
  else
    return no_note;
}

template <class T, std::size_t I, template <class...> class Kind>
consteval std::size_t count_notes() noexcept {
  return look_for_note<T, I, Kind>(std::make_index_sequence<std::tuple_size_v<notes_of<T>>>()).count;
}

template <class T, std::size_t I>
inline constexpr bool is_skipped = find_note<T, I, skipped>() != no_note;
template <class T, std::size_t I>
inline constexpr bool is_flattened = find_note<T, I, flattened>() != no_note;
template <class T, std::size_t I>
inline constexpr bool is_defaulted = find_note<T, I, defaulted_member>() != no_note;
template <class T, std::size_t I>
inline constexpr bool is_converted = find_note<T, I, converted_member>() != no_note;

/// The conversion of a member for which is_converted.
template <class T, std::size_t I>
inline constexpr auto& member_conversion = std::get<find_note<T, I, converted_member>()>(description<T>::members).how;

/// Name of member I outside.
template <class T, std::size_t I>
constexpr std::string_view outer_name() noexcept {
  constexpr std::size_t note = find_note<T, I, renamed>();
  if constexpr (note != no_note)
    return std::get<note>(description<T>::members).name;
  else
    return member_name<T, I>();
}

/// Is every note about T, and at most one of each kind about one member?
template <class T, class Notes>
struct notes_belong;
template <class T, class... Notes>
struct notes_belong<T, std::tuple<Notes...>>
    : std::bool_constant<(std::is_same_v<typename note_traits<Notes>::owner, T> && ...)> {};

/// Are the notes about member I at odds?
template <class T, std::size_t I>
consteval bool contradicts() noexcept {
  constexpr std::size_t renames = count_notes<T, I, renamed>();
  constexpr std::size_t conversions = count_notes<T, I, converted_member>();
  constexpr std::size_t defaults = count_notes<T, I, defaulted_member>();
  constexpr std::size_t alone = count_notes<T, I, skipped>() + count_notes<T, I, flattened>();
  if (renames > 1 || conversions > 1 || defaults > 1 || alone > 1) return true;
  return alone == 1 && renames + conversions + defaults > 0;
}

template <class T>
consteval std::size_t count_fields() noexcept;

template <class T, std::size_t... I>
consteval bool any_contradicts(std::index_sequence<I...>) noexcept {
  return (contradicts<T, I>() || ...);
}

/// Does member I hold members that stand in its place? (What cannot be flattened is refused where it is written.)
template <class T, std::size_t I>
inline constexpr bool has_inner_fields = is_flattened<T, I> && reflectable<std::remove_cv_t<member_type<T, I>>>;

/// How many members of T outside member I is.
template <class T, std::size_t I>
consteval std::size_t fields_of_member() noexcept {
  if constexpr (is_skipped<T, I>)
    return 0;
  else if constexpr (has_inner_fields<T, I>)
    return count_fields<std::remove_cv_t<member_type<T, I>>>();
  else
    return 1;
}

template <class T, std::size_t... I>
consteval std::size_t sum_fields(std::index_sequence<I...>) noexcept {
  return (std::size_t{0} + ... + fields_of_member<T, I>());
}

/// How many members T has outside.
template <class T>
consteval std::size_t count_fields() noexcept {
  if constexpr (has_notes<T>)
    return sum_fields<T>(std::make_index_sequence<member_count<T>>());
  else
    return member_count<T>;
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();

template <class T, std::size_t N, std::size_t... I>
constexpr void add_field_names(std::array<std::string_view, N>& names, std::size_t& n, std::index_sequence<I...>);

template <class T, std::size_t I, std::size_t N>
constexpr void add_field_name(std::array<std::string_view, N>& names, std::size_t& n) {
  if constexpr (!has_notes<T>) {
    names[n++] = member_name<T, I>();
  } else if constexpr (has_inner_fields<T, I>) {
    using inner = std::remove_cv_t<member_type<T, I>>;
    add_field_names<inner>(names, n, std::make_index_sequence<member_count<inner>>());
  } else if constexpr (!is_skipped<T, I>) {
    names[n++] = outer_name<T, I>();
  }
}

template <class T, std::size_t N, std::size_t... I>
constexpr void add_field_names(std::array<std::string_view, N>& names, std::size_t& n, std::index_sequence<I...>) {
  (add_field_name<T, I>(names, n), ...);
}

template <class T>
consteval auto find_field_names() {
  std::array<std::string_view, field_count<T>> names{};
  [[maybe_unused]] std::size_t n = 0;
  add_field_names<T>(names, n, std::make_index_sequence<member_count<T>>());
  return names;
}

/// The names of T's members outside, in their order there.
template <class T>
inline constexpr auto field_names = find_field_names<T>();

template <std::size_t N>
consteval bool has_twins(const std::array<std::string_view, N>& names) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (names[i] == names[j]) return true;
  return false;
}

/// Says in words what is wrong with a description; compiled once for each type that has one.
template <class T>
struct check_description {
  static_assert(reflectable<T>,
                "troupe: this description speaks of members, but the type is no struct whose members can be seen: use "
                "`as` and troupe::convert, or specialise troupe::codec");
  static_assert(notes_belong<T, notes_of<T>>::value, "troupe: a description names a member of another type");
  static_assert(
      !any_contradicts<T>(std::make_index_sequence<member_count<T>>()),
      "troupe: a description says two things of one member that do not go together: rename, convert and defaulted "
      "may be combined, each once; skip and flatten stand alone");
  static_assert(!has_twins(field_names<T>),
                "troupe: two members of this type have one name outside (those of flattened members count): rename one "
                "of them");
  static constexpr bool ok = true;
};

/// Is a member's own affair how it is written, so that whoever said so vouches for it?
template <class T, std::size_t I>
inline constexpr bool is_vouched = is_skipped<T, I> || is_converted<T, I>;

}  // namespace detail
}  // namespace troupe
