// SPDX-License-Identifier: BSL-1.0
// The hash functions that type keys, atoms and terms share. Usable when compiled; the same in every run.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::detail {

/// Spreads every bit of `x` over all others (the finalizer of MurmurHash3).
constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

/// Two hashes made one; the order matters.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  return scramble(a * 0x9e3779b97f4a7c15ULL + b + 0x632be59bd9b4e019ULL);
}

/// 64-bit FNV-1a, scrambled because its high bits are weak for short texts. Its compile-time form is why it
/// is not something faster.
constexpr std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  return scramble(h);
}

}  // namespace troupe::detail
