// SPDX-License-Identifier: BSL-1.0
// Which encoded keys are the same key: digests that are equal exactly for terms that Erlang's =:= calls equal, in
// whatever form they are written. Internal.
#pragma once

#include <troupe/net/etf/cursor.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// 128 bits of hash with a key that this process has drawn: equal terms have equal ones, and nobody can find unequal
/// terms that have, which would be taken for a key that is there twice.
struct key_digest {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  friend auto operator<=>(const key_digest&, const key_digest&) = default;
};

/// Makes digests from a sequence of numbers and bytes.
class digester {
 public:
  /// `purpose` tells sequences for different things apart.
  explicit digester(std::uint64_t purpose) noexcept;
  void add(std::uint64_t value) noexcept;
  void add(const key_digest& value) noexcept {
    add(value.a);
    add(value.b);
  }
  void add(std::string_view text) noexcept;
  key_digest result() noexcept;

 private:
  std::uint64_t a_;
  std::uint64_t b_;
};

/// Digests of encoded values. A value that contains itself as part of a key costs as much as its bytes: the digest of a
/// container is made of those of its parts, and those of a map are sorted.
class map_keys {
 public:
  /// Digest of the value at `in`, which is taken and must have been skimmed but for keys of maps. Throws malformed when
  /// a map in it has a key twice.
  key_digest take(etf_cursor& in, std::span<const atom> cached_atoms);

  /// Refuses `digests`, which are sorted now, when two are equal; the map begins at `start`.
  static void refuse_twice(const etf_cursor& in, std::size_t start, std::span<key_digest> digests);

 private:
  struct frame {
    std::uint64_t left;  // parts to come
    std::size_t first;   // of its parts in parts_
    std::size_t start;   // of the value in the bytes
    std::uint8_t tag;
  };

  key_digest leaf(etf_cursor& in, std::span<const atom> cached_atoms);
  key_digest close(const etf_cursor& in, const frame& f);

  std::vector<frame> stack_;
  std::vector<key_digest> parts_;
  std::vector<key_digest> sorted_;
};

}  // namespace troupe::detail
