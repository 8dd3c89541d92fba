// SPDX-License-Identifier: BSL-1.0
// UTF-8: is a text valid, and how many characters has it. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::detail {

constexpr char32_t no_code_point = 0xffffffff;

/// The character that begins at `text[at]`, and `at` moved behind it; no_code_point (and `at` unmoved) when
/// the bytes there are not UTF-8: overlong forms, surrogates and what lies above U+10FFFF are refused, as
/// Erlang refuses them.
constexpr char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return no_code_point;
  auto c = static_cast<char32_t>(first & (0xff >> (length + 1)));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return no_code_point;
    c = (c << 6) | static_cast<char32_t>(byte(i) & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return no_code_point;
  at += length;
  return c;
}

/// How many characters (code points); -1 when `text` is not valid UTF-8.
constexpr std::ptrdiff_t count_code_points(std::string_view text) noexcept {
  std::ptrdiff_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    if (next_code_point(text, at) == no_code_point) return -1;
  return count;
}

/// May an atom that is not empty have this text?
constexpr bool is_atom_text(std::string_view text) noexcept {
  const std::ptrdiff_t characters = count_code_points(text);
  return characters > 0 && characters <= 255;
}

}  // namespace troupe::detail
