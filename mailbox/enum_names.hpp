// SPDX-License-Identifier: BSL-1.0
// The names of an enumeration's values, when compiled.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

/// The smallest of the values among which enumerators are looked for. One outside has no name and cannot be sent.
inline constexpr int min_enumerator = -128;
/// The largest of them.
inline constexpr int max_enumerator = 255;

namespace detail {

// Values outside of an enumeration without a fixed underlying type are no constants. Compilers only warn so
// far (clang 20 refuses, and then in_range_of is false).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#if defined(__clang__) && __clang_major__ < 20
#pragma clang diagnostic ignored "-Wenum-constexpr-conversion"
#endif

template <class E, E... Values>
consteval std::string_view enum_signature() noexcept {
  return __PRETTY_FUNCTION__;
}

/// May V be converted to E when compiled? An enumeration without a fixed underlying type has only the values
/// its enumerators need.
template <class E, int V>
concept in_range_of = requires { typename std::integral_constant<E, static_cast<E>(V)>; };

template <class E>
concept fixed_enum = requires { E{0}; };

template <class E>
consteval std::pair<int, int> enum_bounds() noexcept {
  using underlying = std::underlying_type_t<E>;
  int low = min_enumerator;
  int high = max_enumerator;
  if constexpr (std::is_same_v<underlying, bool>) {
    return {0, 1};
  } else if constexpr (fixed_enum<E>) {
    if (std::cmp_greater(std::numeric_limits<underlying>::min(), low))
      low = static_cast<int>(std::numeric_limits<underlying>::min());
    if (std::cmp_less(std::numeric_limits<underlying>::max(), high))
      high = static_cast<int>(std::numeric_limits<underlying>::max());
    return {low, high};
  } else {
    const auto widest = [&]<int... Bits>(std::integer_sequence<int, Bits...>) {
      high = 1;
      ((in_range_of<E, (2 << Bits) - 1> ? void(high = (2 << Bits) - 1) : void()), ...);
      low = 0;
      ((in_range_of<E, -(1 << Bits)> ? void(low = -(1 << Bits)) : void()), ...);
    };
    widest(std::make_integer_sequence<int, 8>());
    return {low < min_enumerator ? min_enumerator : low, high};
  }
}

inline constexpr int enum_chunk = 64;

/// Does `s` begin with `(name)`, a value without a name?
constexpr bool is_cast_to(std::string_view name, std::string_view s) noexcept {
  return s.size() > name.size() + 2 && s[0] == '(' && s[name.size() + 1] == ')' &&
         __builtin_memcmp(s.data() + 1, name.data(), name.size()) == 0;
}

/// How long the next item of a list is: up to a comma or the closing bracket, outside of all brackets.
constexpr std::size_t item_length(std::string_view s) noexcept {
  int depth = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    const bool closes = c == '>' || c == ')' || c == '}';
    if (depth == 0 && (c == ',' || closes)) return i;
    if (closes) --depth;
    if (c == '<' || c == '(' || c == '{') ++depth;
  }
  return s.size();
}

/// The names of the values from First on; empty for those without one. All stand in one signature, `<ns::red,
/// (ns::color)1, ns::blue>`, because a function for each value would cost the compiler far more. What ends in
/// a plain identifier is an enumerator.
template <class E, int First, int... Offsets>
consteval std::array<std::string_view, sizeof...(Offsets)> chunk_names(
    std::integer_sequence<int, Offsets...>) noexcept {
  std::array<std::string_view, sizeof...(Offsets)> names{};
  std::string_view s = enum_signature<E, static_cast<E>(First + Offsets)...>();
#if defined(__clang__)
  constexpr std::string_view list = "Values = <";
#else
  constexpr std::string_view list = "Values = {";
#endif
  s.remove_prefix(s.find(list) + list.size());
  const std::string_view type = find_qualified_name<E>();
  for (std::string_view& name : names) {
    // The compilers' constant evaluation is slow for each character, so the many values without a name are
    // passed over by a library search.
    if (is_cast_to(type, s)) {
      const std::size_t comma = s.find(',', type.size());
      s.remove_prefix(comma == s.npos ? s.size() : comma + 2);
      continue;
    }
    const std::size_t length = item_length(s);
    std::string_view item = s.substr(0, length);
    if (const std::size_t colons = item.rfind("::"); colons != item.npos) item.remove_prefix(colons + 2);
    const char first = item.empty() ? '(' : item[0];
    const bool number = first == '(' || first == '-' || (first >= '0' && first <= '9') || item.find(')') != item.npos;
    if (!number) name = item;
    s.remove_prefix(length + 2 < s.size() ? length + 2 : s.size());
  }
  return names;
}

/// Names and values of the enumerators, without the signatures that they were cut from.
template <class E, std::size_t Count, std::size_t Characters>
struct enum_texts {
  std::array<E, Count> values{};
  std::array<std::size_t, Count + 1> starts{};
  std::array<char, Characters + 1> characters{};
};

template <class E, int C>
consteval auto names_of_chunk() noexcept {
  constexpr auto bounds = enum_bounds<E>();
  constexpr int first = bounds.first + C * enum_chunk;
  constexpr int count = bounds.second - first + 1 < enum_chunk ? bounds.second - first + 1 : enum_chunk;
  return chunk_names<E, first>(std::make_integer_sequence<int, count>());
}

template <class E, int... C>
consteval auto find_enumerators(std::integer_sequence<int, C...>) noexcept {
  constexpr auto sizes = [] {
    std::pair<std::size_t, std::size_t> n{};
    const auto count = [&n](const auto names) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        n.first += names[i].empty() ? 0 : 1;
        n.second += names[i].size();
      }
    };
    (count(names_of_chunk<E, C>()), ...);
    return n;
  }();
  enum_texts<E, sizes.first, sizes.second> texts;
  std::size_t n = 0;
  int value = enum_bounds<E>().first;
  const auto add = [&](const auto names) {
    for (std::size_t i = 0; i < names.size(); ++i, ++value) {
      if (names[i].empty()) continue;
      texts.values[n] = static_cast<E>(value);
      std::size_t at = texts.starts[n];
      for (const char c : names[i]) texts.characters[at++] = c;
      texts.starts[++n] = at;
    }
  };
  (add(names_of_chunk<E, C>()), ...);
  return texts;
}

template <class E>
inline constexpr auto enum_text = find_enumerators<E>(
    std::make_integer_sequence<int, (enum_bounds<E>().second - enum_bounds<E>().first) / enum_chunk + 1>());

template <class E>
struct enum_entry {
  E value;
  atom_entry name;
};

template <class E, std::size_t Count, std::size_t Characters>
constexpr std::array<enum_entry<E>, Count> enum_entries(const enum_texts<E, Count, Characters>& texts) noexcept {
  std::array<enum_entry<E>, Count> entries{};
  for (std::size_t i = 0; i < Count; ++i)
    entries[i] = {texts.values[i],
                  make_atom_entry({texts.characters.data() + texts.starts[i], texts.starts[i + 1] - texts.starts[i]})};
  return entries;
}

/// All enumerators of E between min_enumerator and max_enumerator, by rising value; of those with one value
/// the first declared.
template <class E>
inline constexpr auto enumerators = enum_entries(enum_text<E>);

#pragma GCC diagnostic pop

}  // namespace detail
}  // namespace troupe
