// SPDX-License-Identifier: BSL-1.0
// The name of a type, when compiled: the tag that a struct has as a term.
#pragma once

#include <troupe/mailbox/atom.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace troupe {

namespace detail {

/// A text of its own in static storage, so that a program does not carry the whole signature that a name was
/// cut from.
template <std::size_t N>
struct static_text {
  char text[N + 1] = {};

  constexpr explicit static_text(std::string_view from) noexcept {
    for (std::size_t i = 0; i < N; ++i) text[i] = from[i];
  }
  constexpr std::string_view view() const noexcept { return {text, N}; }
};

template <class T>
consteval std::string_view type_signature() noexcept {
  return __PRETTY_FUNCTION__;
}

/// How much of type_signature comes before the type's name and how much after it, found with a type whose
/// name is known.
inline constexpr std::size_t signature_head = type_signature<double>().find("double");
inline constexpr std::size_t signature_tail = type_signature<double>().size() - signature_head - 6;

/// Name as the compiler writes it. (g++ appends what std::string_view is an alias of; both probe and type do
/// that alike.)
template <class T>
consteval std::string_view find_qualified_name() noexcept {
  const std::string_view s = type_signature<T>();
  return s.substr(signature_head, s.size() - signature_head - signature_tail);
}

/// What follows the last `::` that is outside of all brackets.
constexpr std::string_view unqualified(std::string_view name) noexcept {
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ':' && i + 1 < name.size() && name[i + 1] == ':') start = i + 2;
  }
  return name.substr(start);
}

template <class T>
inline constexpr static_text<find_qualified_name<T>().size()> qualified_name_text{find_qualified_name<T>()};

}  // namespace detail

/// `order` for shop::order: the name without its namespaces, as written in the source. That of a template has
/// its arguments: `box<int>`.
template <class T>
constexpr std::string_view type_name() noexcept {
  return detail::unqualified(detail::qualified_name_text<T>.view());
}

/// `shop::order`. How an unnamed namespace is written is the compiler's affair.
template <class T>
constexpr std::string_view qualified_type_name() noexcept {
  return detail::qualified_name_text<T>.view();
}

namespace detail {

/// The type's name as a static atom.
template <class T>
inline constexpr atom_entry type_atom = make_atom_entry(type_name<T>());

}  // namespace detail
}  // namespace troupe
