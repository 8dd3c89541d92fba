// SPDX-License-Identifier: BSL-1.0
// Bytes as hexadecimal text, for tests.
#pragma once

#include <troupe/net/etf/encoded.hpp>

#include <cctype>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace etf_test {

/// Bytes from pairs of hexadecimal digits; spaces may stand between the pairs.
inline std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> bytes;
  unsigned high = 16;
  for (const char c : text) {
    if (c == ' ') continue;
    const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    if (high == 16) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(high << 4 | digit));
      high = 16;
    }
  }
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

/// What the writer makes of a value, without the version byte.
template <class T>
std::string written(const T& value) {
  const auto bytes = troupe::etf::to_binary(value);
  return to_hex(std::span(bytes).subspan(1));
}

/// The term that these bytes, without the version byte, stand for.
inline troupe::term decoded(std::string_view text) {
  return troupe::etf::from_binary(hex("83" + std::string(text)));
}

}  // namespace etf_test
