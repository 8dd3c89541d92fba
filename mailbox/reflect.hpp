// SPDX-License-Identifier: BSL-1.0
// The members of a struct, found without its help: how many, their names, their types, the members
// themselves.
#pragma once

#include <troupe/mailbox/type_name.hpp>

#include <boost/pfr/core.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

// The conversions below are never called. They have bodies because clang counts some of them as used (those that the
// noexcept of std::optional's constructors asks for) and warns when the types have no linkage.

/// Converts to any proper base class of T, and to nothing else: T{any_base_of<T>{}} compiles exactly when T
/// has a base.
template <class T>
struct any_base_of {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base&() const noexcept {
    __builtin_unreachable();
  }
};

template <class T>
concept has_base = std::is_aggregate_v<T> && requires { T{any_base_of<T>{}}; };

inline constexpr std::size_t max_members = 200;  // what Boost.PFR 1.81 was generated for

/// Converts to whatever a member of T is, in place: nothing is copied or moved.
template <class T>
struct anything {
  template <class U>
    requires(!std::is_same_v<U, T>)
  operator U() const noexcept {
    __builtin_unreachable();
  }
};

template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), anything<T>())...}; };
}

inline constexpr std::size_t uncountable = static_cast<std::size_t>(-1);

/// How many values T can be made from. Fewer than its members do too if the others need none, so the numbers
/// that do are an interval and its end is the answer; `uncountable` when none does, because a member is a
/// reference to what can change. Boost.PFR counts too, but by copying, and does not compile for a struct with
/// a std::vector of std::unique_ptr.
template <class T, std::size_t N = 0, bool Before = false>
consteval std::size_t count_members() {
  constexpr bool now = takes<T>(std::make_index_sequence<N>());
  if constexpr (Before && !now)
    return N - 1;
  else if constexpr (N > max_members || N > sizeof(T) + 1)
    return now ? N : uncountable;
  else
    return count_members<T, N + 1, now>();
}

template <class T>
concept plain_aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !has_base<T>;

/// References to all members. The counted form of Boost.PFR's tie is internal to it, but see count_members.
template <class T>
constexpr auto tie_members(T& value) noexcept {
  return boost::pfr::detail::tie_as_tuple(value, boost::pfr::detail::size_t_<count_members<std::remove_cv_t<T>>()>());
}

template <std::size_t I, class T>
constexpr auto& member_at(T& value) noexcept {
  return boost::pfr::detail::sequence_tuple::get<I>(tie_members(value));
}

/// Room for a T that is never made. Members of `place.value` may be named and their addresses taken when
/// compiled, which is all that the names need. An `extern` object would do too, but without a definition g++
/// refuses it for types without linkage.
template <class T>
union unmade {
  char nothing;
  T value;
  constexpr unmade() noexcept : nothing() {}
  constexpr ~unmade() {}
};
template <class T>
struct stage {
  static inline constinit unmade<T> place{};
};

/// g++ takes a pointer to a subobject as a template argument only inside a class of its own.
template <class T>
struct member_pointer {
  T* address;
};
template <class T>
member_pointer(T*) -> member_pointer<T>;

template <auto Member>
consteval std::string_view member_signature() noexcept {
  return __PRETTY_FUNCTION__;
}

/// The last identifier in `signature`, before the alias that g++ appends.
constexpr std::string_view last_identifier(std::string_view signature) noexcept {
  signature = signature.substr(0, signature.find("; std::"));
  const auto part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  std::size_t end = signature.size();
  while (end > 0 && !part_of_name(signature[end - 1])) --end;
  std::size_t start = end;
  while (start > 0 && part_of_name(signature[start - 1])) --start;
  return signature.substr(start, end - start);
}

template <class T, std::size_t I>
consteval std::string_view find_member_name() noexcept {
  constexpr auto pointer = member_pointer{&member_at<I>(stage<T>::place.value)};
  return last_identifier(member_signature<pointer>());
}

template <class T, std::size_t I>
inline constexpr static_text<find_member_name<T, I>().size()> member_name_text{find_member_name<T, I>()};

}  // namespace detail

/// A struct whose members can be seen: an aggregate class without base classes, with at most 200 members,
/// none of them a reference, C array or bit-field.
template <class T>
concept reflectable = detail::plain_aggregate<T> && detail::count_members<T>() <= detail::max_members;

/// How many members T has.
template <reflectable T>
inline constexpr std::size_t member_count = detail::count_members<T>();

/// Type of member I, counted from 0. const is kept.
template <reflectable T, std::size_t I>
using member_type = std::remove_reference_t<decltype(detail::member_at<I>(std::declval<T&>()))>;

/// Name of member I.
template <reflectable T, std::size_t I>
constexpr std::string_view member_name() noexcept {
  return detail::member_name_text<T, I>.view();
}

/// Member I of `value`.
template <std::size_t I, reflectable T>
constexpr const auto& member(const T& value) noexcept {
  return detail::member_at<I>(value);
}

}  // namespace troupe
