// SPDX-License-Identifier: BSL-1.0
// The reference: a value unlike any other, made to recognise an answer or a monitor. Exactly the fields of
// Erlang's.
#pragma once

#include <troupe/mailbox/hash.hpp>
#include <troupe/mailbox/node_id.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>

namespace troupe {

/// A unique name. A trivially copyable value of 32 bytes: up to five words, the creation and the node that
/// made it. mailbox/ does not make new ones; actors/ does. Immutable: any thread.
class reference {
 public:
  /// As many as Erlang's wire format can carry.
  static constexpr std::size_t max_words = 5;

  /// The null reference, which no make_reference gives.
  constexpr reference() noexcept = default;

  /// A reference of one to five words, the first of which Erlang keeps below 2^18 when it makes one. Throws
  /// std::length_error for another number of words.
  constexpr reference(std::span<const std::uint32_t> words, std::uint32_t creation, node_index node)
      : creation_(creation), size_(checked(words.size())), node_(node) {
    for (std::size_t i = 0; i < words.size(); ++i) words_[i] = words[i];
  }
  /// The same, of words that are written out.
  constexpr reference(std::initializer_list<std::uint32_t> words, std::uint32_t creation, node_index node)
      : reference(std::span<const std::uint32_t>(words.begin(), words.size()), creation, node) {}

  /// What makes it unlike others; empty in the null reference.
  constexpr std::span<const std::uint32_t> words() const noexcept { return {words_.data(), size_}; }
  /// Which incarnation of its node.
  constexpr std::uint32_t creation() const noexcept { return creation_; }
  /// The node that made it: an index into the program's table, see node_id.hpp.
  constexpr node_index node() const noexcept { return node_; }

  /// Is it not the null reference?
  constexpr explicit operator bool() const noexcept { return size_ != 0; }

  /// For hash tables; equal for equal ones, in this run.
  constexpr std::uint64_t hash() const noexcept {
    std::uint64_t h = (std::uint64_t{node_} << 32) | creation_;
    for (const std::uint32_t word : words()) h = detail::mix(h, word);
    return h;
  }

  /// `#Ref<Node.W2.W1.W0>`: the last word first, as Erlang prints it. For the first number see pid::to_string.
  std::string to_string() const;

  friend constexpr bool operator==(const reference&, const reference&) noexcept = default;
  /// Erlang's order: node's name and creation, then the words, the last one first.
  friend std::strong_ordering operator<=>(const reference& a, const reference& b) noexcept;
  friend std::ostream& operator<<(std::ostream& out, const reference& r);

 private:
  static constexpr std::uint8_t checked(std::size_t words) {
    if (words == 0 || words > max_words) refuse(words);
    return static_cast<std::uint8_t>(words);
  }
  [[noreturn]] static void refuse(std::size_t words);

  std::array<std::uint32_t, max_words> words_{};  // those past size_ are 0
  std::uint32_t creation_ = 0;
  std::uint32_t size_ = 0;
  node_index node_ = 0;
};

static_assert(sizeof(reference) == 32);

}  // namespace troupe

/// Hash of a reference, for the standard containers.
template <>
struct std::hash<troupe::reference> {
  std::size_t operator()(const troupe::reference& r) const noexcept { return static_cast<std::size_t>(r.hash()); }
};
