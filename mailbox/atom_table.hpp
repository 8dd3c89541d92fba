// SPDX-License-Identifier: BSL-1.0
// The table of the atoms that were made from text at run time. Internal.
#pragma once

#include <troupe/mailbox/atom.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace troupe::detail {

/// Text to entry. It only grows: an entry lives as long as the table. Any thread; sharded, so that decoders
/// on several workers seldom wait for each other.
class atom_table {
 public:
  static constexpr std::size_t default_limit = 1'048'576;

  explicit atom_table(std::size_t limit = default_limit) noexcept : limit_(limit) {}
  ~atom_table();
  atom_table(const atom_table&) = delete;
  atom_table& operator=(const atom_table&) = delete;

  /// The entry for `text`, made when there is none. Throws std::invalid_argument (no UTF-8),
  /// std::length_error (over 255 characters), system_limit.
  const atom_entry& intern(std::string_view text);

  /// The entry for `text`; null when there is none.
  const atom_entry* find(std::string_view text) noexcept;

  /// How many there may be. Any thread; whatever is there stays.
  std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  void set_limit(std::size_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

  /// How many entries.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }  // a statistic, orders nothing

  /// The one that `atom(text)` uses. Never destroyed.
  static atom_table& instance();

 private:
  static constexpr std::size_t shard_count = 64;
  struct hash_of_text {
    std::size_t operator()(std::string_view text) const noexcept { return static_cast<std::size_t>(hash_text(text)); }
  };
  struct shard {
    std::mutex lock;
    std::unordered_map<std::string_view, const atom_entry*, hash_of_text> entries;
  };

  void reserve_one(std::string_view text);

  std::atomic<std::size_t> limit_;  // relaxed: a figure, orders nothing
  std::atomic<std::size_t> size_{0};
  std::array<shard, shard_count> shards_;
};

}  // namespace troupe::detail
