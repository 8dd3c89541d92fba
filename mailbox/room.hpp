// SPDX-License-Identifier: BSL-1.0
// How much room is left in a bounded mailbox: one word that senders take from and the owner gives back to. Internal.
#pragma once

#include <troupe/mailbox/atomics.hpp>

#include <cstdint>

namespace troupe::detail {

/// Counts the places of a mailbox that may hold so many messages and no more. The word holds the serial of the process
/// that it counts for as well, so that a sender with the pid of an earlier one takes nothing away. A place is taken
/// before its message is pushed and given back when the owner has taken the message out.
template <class Atomics = std_atomics>
class mailbox_room {
 public:
  enum class result : unsigned char {
    taken,
    full,
    stale  // the room is another process's, or nobody's
  };

  /// Nobody's, until open().
  mailbox_room() noexcept : word_(word(0, nobody)) {}
  mailbox_room(const mailbox_room&) = delete;
  mailbox_room& operator=(const mailbox_room&) = delete;

  /// `places` for the process with that serial. Only its spawner, before anybody knows its pid.
  void open(std::uint32_t serial, std::int32_t places) noexcept {
    // release: pairs with the load of take(), which then sees the policy that was stored before.
    word_.store(word(serial, places), std::memory_order_release);
  }

  /// One place, for a message to the process with that serial. With `beyond` it is given though there is none: the
  /// owner is to throw something out. Any thread.
  result take(std::uint32_t serial, bool beyond) noexcept {
    // seq_cst, all three: a sender that waits says so first and tries once more; see room_line. The load alone decides
    // when there is no room.
    std::uint64_t seen = word_.load(std::memory_order_seq_cst);
    do {
      if (static_cast<std::uint32_t>(seen) != serial || left_in(seen) == nobody) return result::stale;
      if (!beyond && left_in(seen) <= 0) return result::full;
    } while (!word_.compare_exchange_weak(seen, word(serial, left_in(seen) - 1), std::memory_order_seq_cst,
                                          std::memory_order_seq_cst));
    return result::taken;
  }

  /// Gives one place back. Only the owner. seq_cst: then it looks whether somebody waits.
  void give() noexcept { word_.fetch_add(std::uint64_t{1} << 32, std::memory_order_seq_cst); }

  /// Places left; below 0 when more was pushed than there is room for. Any thread; the answer may be old.
  std::int32_t left() const noexcept { return left_in(word_.load(std::memory_order_relaxed)); }

  /// Of the process that it counts for. Only the owner.
  std::uint32_t serial() const noexcept { return static_cast<std::uint32_t>(word_.load(std::memory_order_relaxed)); }
  /// Does it count for the process with that serial? Any thread.
  bool is(std::uint32_t serial) const noexcept {
    const std::uint64_t seen = word_.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(seen) == serial && left_in(seen) != nobody;
  }

  /// Nobody's from now on. Only the owner, at its end.
  void close() noexcept { word_.store(word(0, nobody), std::memory_order_seq_cst); }

 private:
  static constexpr std::int32_t nobody = INT32_MIN;

  static constexpr std::uint64_t word(std::uint32_t serial, std::int32_t left) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | serial;
  }
  static constexpr std::int32_t left_in(std::uint64_t word) noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(word >> 32));
  }

  typename Atomics::template atomic<std::uint64_t> word_;
};

}  // namespace troupe::detail
