// SPDX-License-Identifier: BSL-1.0
// The tags of the external term format, and how its numbers are read. Internal.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::detail::etf_tag {

inline constexpr std::uint8_t version = 131;

inline constexpr std::uint8_t new_float = 70;
inline constexpr std::uint8_t bit_binary = 77;
inline constexpr std::uint8_t compressed = 80;
inline constexpr std::uint8_t atom_cache_ref = 82;
inline constexpr std::uint8_t v4_pid = 88;
inline constexpr std::uint8_t new_port = 89;
inline constexpr std::uint8_t newer_reference = 90;
inline constexpr std::uint8_t small_integer = 97;
inline constexpr std::uint8_t integer = 98;
inline constexpr std::uint8_t text_float = 99;
inline constexpr std::uint8_t latin1_atom = 100;
inline constexpr std::uint8_t old_reference = 101;
inline constexpr std::uint8_t old_port = 102;
inline constexpr std::uint8_t old_pid = 103;
inline constexpr std::uint8_t small_tuple = 104;
inline constexpr std::uint8_t large_tuple = 105;
inline constexpr std::uint8_t nil = 106;
inline constexpr std::uint8_t string = 107;
inline constexpr std::uint8_t list = 108;
inline constexpr std::uint8_t binary = 109;
inline constexpr std::uint8_t small_big = 110;
inline constexpr std::uint8_t large_big = 111;
inline constexpr std::uint8_t new_function = 112;
inline constexpr std::uint8_t external_function = 113;
inline constexpr std::uint8_t new_reference = 114;
inline constexpr std::uint8_t small_latin1_atom = 115;
inline constexpr std::uint8_t map = 116;
inline constexpr std::uint8_t utf8_atom = 118;
inline constexpr std::uint8_t small_utf8_atom = 119;
inline constexpr std::uint8_t v4_port = 120;

}  // namespace troupe::detail::etf_tag

namespace troupe::detail {

inline constexpr std::size_t etf_text_float_size = 31;

/// A number of that many bytes, highest first.
template <class Unsigned>
constexpr Unsigned load_big_endian(const std::byte* from) noexcept {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    value = static_cast<Unsigned>(static_cast<Unsigned>(value << (sizeof(Unsigned) > 1 ? 8 : 0)) |
                                  std::to_integer<Unsigned>(from[i]));
  return value;
}

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace troupe::detail
