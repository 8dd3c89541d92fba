// SPDX-License-Identifier: BSL-1.0
// The skim: one look through bytes from outside that says whether they are a term, how long it is and which key it has.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/net/etf/malformed.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace troupe::etf {

/// How many names a peer may make this program learn: atoms that are not in the atom table yet, and names of nodes with
/// their creations. Each costs one, once. One thread at a time.
class name_budget {
 public:
  /// So many may be new.
  explicit name_budget(std::size_t names = 100'000) noexcept : left_(names) {}

  /// How many more.
  std::size_t left() const noexcept { return left_; }
  /// An atom of this text was seen. False: it is new, and one too many. Interns nothing.
  bool charge_atom(std::string_view text);
  /// The same for a node of this name and creation.
  bool charge_node(std::string_view name, std::uint32_t creation);

 private:
  bool charge(std::uint64_t hash);

  std::size_t left_;
  boost::unordered_flat_set<std::uint64_t>
      known_;  // hashes, with a key of this process, of what was paid for or in the table
};

/// What a skim refuses to go beyond. One for each connection.
struct skim_limits {
  std::size_t max_size = std::numeric_limits<std::size_t>::max();  ///< bytes of one term
  std::size_t max_depth = 256;           ///< levels of tuples, lists, maps and funs; term_source reads 512
  std::span<const atom> cached_atoms{};  ///< what cache references (82) of this message stand for
  name_budget names{};                   ///< how many names may be new
};

/// What a skim has found.
struct skimmed {
  std::size_t length;         ///< bytes of the term
  std::uint64_t dynamic_key;  ///< troupe::dynamic_key of the term
};

/// Looks through the term that `bytes` begin with (no version byte), without building or interning anything. Throws
/// malformed for what Erlang would refuse (tags, lengths, UTF-8, floats that are not finite, keys that are twice in a
/// map by
/// =:=, compressed terms) and beyond the limits. After that, reader may read these bytes. Takes time in proportion to
/// the length; n keys of maps n log n. Any thread, with limits of its own.
skimmed skim(std::span<const std::byte> bytes, skim_limits& limits);

}  // namespace troupe::etf
