// SPDX-License-Identifier: BSL-1.0
// Why a type may not be sent, found when compiled. Internal: sendable.hpp is what users see.
#pragma once

#include <troupe/mailbox/codec.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// Why a type is refused.
enum class refusal {
  none,
  raw_pointer,
  reference,
  view,
  reference_wrapper,
  shared_mutable,
  function,
  array,
  union_type,
  base_class,
  too_many_members,
  not_movable,
  opaque_class
};

/// What was found: the reason, and the type that it is about (the message itself or something in it).
template <refusal Reason, class Part>
struct finding {
  static constexpr refusal reason = Reason;
  using part = Part;
};
using no_finding = finding<refusal::none, void>;

template <class T>
struct wrapper_refusal : std::integral_constant<refusal, refusal::none> {};
template <class T>
struct wrapper_refusal<std::reference_wrapper<T>> : std::integral_constant<refusal, refusal::reference_wrapper> {};
template <class T>
struct wrapper_refusal<std::shared_ptr<T>>
    : std::integral_constant<refusal, std::is_const_v<T> ? refusal::none : refusal::shared_mutable> {};
template <class T>
struct wrapper_refusal<std::weak_ptr<T>> : std::integral_constant<refusal, refusal::shared_mutable> {};
template <class T>
struct wrapper_refusal<std::function<T>> : std::integral_constant<refusal, refusal::function> {};
template <class C, class Traits>
struct wrapper_refusal<std::basic_string_view<C, Traits>> : std::integral_constant<refusal, refusal::view> {};
template <class T, std::size_t N>
struct wrapper_refusal<std::span<T, N>> : std::integral_constant<refusal, refusal::view> {};
template <class T>
struct wrapper_refusal<std::initializer_list<T>> : std::integral_constant<refusal, refusal::view> {};

template <class T>
concept plain_struct = requires { typename codec<T>::primary; };

template <class T>
concept has_parts = requires { typename codec<T>::parts; };

template <auto Pointer>
struct pointer_constant {};

/// Boost.PFR shows the type of a member without its reference. But the address of a member that is an object
/// is known when compiled, and that of what a reference refers to is not.
template <class T>
concept has_reference_member = member_count<T> != 0 && !requires {
  typename pointer_constant<member_pointer{&member_at<0>(stage<T>::place.value)}>;
};

/// Converts to any number, enumeration or pointer. No more, lest the constructors of containers are tried
/// with elements they cannot copy.
struct any_scalar {
  template <class U>
    requires(std::is_arithmetic_v<U> || std::is_enum_v<U> || std::is_pointer_v<U>)
  operator U() const noexcept {
    __builtin_unreachable();
  }
};

template <class T, std::size_t... Before, std::size_t... After>
consteval bool nests_at(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires {
    T{(static_cast<void>(Before), anything<T>())...,
      {any_scalar(), any_scalar()},
      (static_cast<void>(After), anything<T>())...};
  };
}

/// Has T a C array of scalars among its members? Initialised without braces it takes one value for each
/// element, which is how Boost.PFR miscounts it; in braces it takes one place, so fewer can follow.
template <class T, std::size_t I = 0>
consteval bool has_array() {
  constexpr std::size_t places = count_members<T>();
  if constexpr (I >= places || places == uncountable)
    return false;
  else if constexpr (nests_at<T>(std::make_index_sequence<I>(), std::index_sequence<>()) &&
                     !nests_at<T>(std::make_index_sequence<I>(), std::make_index_sequence<places - I - 1>()))
    return true;
  else
    return has_array<T, I + 1>();
}

/// What speaks against T itself, whatever it holds.
template <class T>
consteval refusal own_refusal() {
  if constexpr (std::is_reference_v<T>) {
    return refusal::reference;
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>) {
    return refusal::raw_pointer;
  } else if constexpr (std::is_array_v<T>) {
    return refusal::array;
  } else if constexpr (std::is_function_v<T>) {
    return refusal::function;
  } else if constexpr (std::is_union_v<T>) {
    return refusal::union_type;
  } else if constexpr (wrapper_refusal<T>::value != refusal::none) {
    return wrapper_refusal<T>::value;
  } else if constexpr (!plain_struct<T>) {
    return refusal::none;  // it has a codec
  } else if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T>) {
    return refusal::opaque_class;
  } else if constexpr (has_base<T>) {
    return refusal::base_class;
  } else if constexpr (count_members<T>() == uncountable) {
    return refusal::reference;
  } else if constexpr (!std::is_move_constructible_v<T>) {
    return refusal::not_movable;
  } else if constexpr (has_array<T>()) {
    return refusal::array;
  } else if constexpr (!reflectable<T>) {
    return refusal::too_many_members;
  } else if constexpr (has_reference_member<T>) {
    return refusal::reference;
  } else {
    return refusal::none;
  }
}

/// A member that its holder's description skips or converts: whoever wrote that vouches for a class that nobody can
/// see into, but not for what is known to share memory.
template <class T>
struct vouched {};

template <class T>
inline constexpr bool is_vouched_type = false;
template <class T>
inline constexpr bool is_vouched_type<vouched<T>> = true;

constexpr refusal after_vouching(refusal found) noexcept {
  switch (found) {
    case refusal::opaque_class:
    case refusal::base_class:
    case refusal::too_many_members: return refusal::none;
    default: return found;
  }
}
template <class T>
consteval auto inspect_vouched(vouched<T>) {
  return finding<after_vouching(own_refusal<std::remove_cv_t<T>>()), std::remove_cv_t<T>>();
}

template <class T, class... Seen>
consteval auto inspect();

template <class First, class... Rest, class... Seen>
consteval auto inspect_each(parts_list<First, Rest...>, parts_list<Seen...> seen);

template <class... Seen>
consteval auto inspect_each(parts_list<>, parts_list<Seen...>) {
  return no_finding();
}

template <class First, class... Rest, class... Seen>
consteval auto inspect_each(parts_list<First, Rest...>, parts_list<Seen...> seen) {
  using found = decltype(inspect<std::remove_cv_t<First>, Seen...>());
  if constexpr (found::reason != refusal::none)
    return found();
  else
    return inspect_each(parts_list<Rest...>(), seen);
}

template <class T, std::size_t... I>
auto members_of(std::index_sequence<I...>) -> parts_list<member_type<T, I>...>;

/// The same, with those that are vouched for marked.
template <class T, std::size_t... I>
consteval auto inspected_members_of(std::index_sequence<I...> all) {
  if constexpr (has_notes<T>)
    return parts_list<std::conditional_t<is_vouched<T, I>, vouched<member_type<T, I>>, member_type<T, I>>...>();
  else
    return decltype(members_of<T>(all))();
}

/// Looks at T and at all that it holds. A type inside itself (a tree with its vector of trees) is looked at
/// once: those in `Seen` are under way.
template <class T, class... Seen>
consteval auto inspect() {
  constexpr refusal own = own_refusal<T>();
  if constexpr (is_vouched_type<T>)
    return inspect_vouched(T());
  else if constexpr ((std::is_same_v<T, Seen> || ...))
    return no_finding();
  else if constexpr (own != refusal::none)
    return finding<own, T>();
  else if constexpr (has_parts<T>)
    return inspect_each(typename codec<T>::parts(), parts_list<T, Seen...>());
  else if constexpr (plain_struct<T>)
    return inspect_each(inspected_members_of<T>(std::make_index_sequence<member_count<T>>()), parts_list<T, Seen...>());
  else
    return no_finding();
}

template <class T>
using finding_of = decltype(inspect<T>());

}  // namespace troupe::detail
