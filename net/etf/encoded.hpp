// SPDX-License-Identifier: BSL-1.0
// Whole values to bytes and back: term_to_binary and binary_to_term.
#pragma once

#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/to_term.hpp>
#include <troupe/net/etf/reader.hpp>
#include <troupe/net/etf/skim.hpp>
#include <troupe/net/etf/writer.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace troupe::etf {

/// What from_binary refuses to go beyond.
struct binary_limits {
  std::size_t max_inflated = std::size_t{64} << 20;  ///< bytes of a compressed term when it is inflated
  std::size_t max_depth = 256;                       ///< as in skim_limits
  std::size_t new_names = 100'000;                   ///< as in name_budget
};

/// The value in the external term format, with the version byte. Erlang: term_to_binary/1. Throws what writer and the
/// codecs throw. Any thread.
std::vector<std::byte> to_binary(const term& value);
/// The same of any value that has a codec, without a term between.
template <class T>
std::vector<std::byte> to_binary(const T& value);

/// The term that the bytes stand for: the version byte, then one term, which may be compressed, and nothing behind it.
/// Erlang: binary_to_term/1 (which lets bytes follow). Throws malformed. Any thread.
term from_binary(std::span<const std::byte> bytes, const binary_limits& limits = {});
/// The T that they stand for, built without a term between. Throws malformed, and decode_error when it is no T.
template <class T>
T from_binary(std::span<const std::byte> bytes, const binary_limits& limits = {});

}  // namespace troupe::etf

namespace troupe::detail {

/// The term's own bytes, skimmed: those behind the version byte, or what they inflate to, which `inflated` then holds.
std::span<const std::byte> open_binary(std::span<const std::byte> bytes, const etf::binary_limits& limits,
                                       std::vector<std::byte>& inflated);

}  // namespace troupe::detail

namespace troupe::etf {

template <class T>
std::vector<std::byte> to_binary(const T& value) {
  buffer out;
  write_version(out);
  writer to(out);
  codec<T>::visit(value, to);
  const auto bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

template <class T>
T from_binary(std::span<const std::byte> bytes, const binary_limits& limits) {
  if constexpr (std::is_same_v<T, term>) {
    return from_binary(bytes, limits);
  } else {
    std::vector<std::byte> inflated;
    reader from(troupe::detail::open_binary(bytes, limits, inflated));
    return troupe::detail::build_whole<T>(from);
  }
}

}  // namespace troupe::etf
