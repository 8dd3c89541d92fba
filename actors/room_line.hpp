// SPDX-License-Identifier: BSL-1.0
// The line in front of a bounded mailbox: its room, and those who wait for it, first come first served. Internal.
#pragma once

#include <troupe/mailbox/room.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace troupe::detail {

/// Tells the waits of senders apart, in one system. Gates' have the highest bit set, connections' have not.
using room_ticket = std::uint64_t;

/// Entry: what the line keeps of one who waits; copyable, with a member `ticket`. A lost wake-up is impossible: who
/// joins says so and then tries once more, and the owner gives a place back and then looks whether somebody has joined.
/// test/model/room.cpp checks that.
template <class Entry, class Atomics = std_atomics>
class room_line {
 public:
  using result = typename mailbox_room<Atomics>::result;

  mailbox_room<Atomics> room;

  /// A place for one who would wait for it: full when there is none, and while others wait. Any thread.
  result enter(std::uint32_t serial) noexcept {
    // Those who wait are first. relaxed: only fairness depends on it.
    return size() != 0 ? result::full : room.take(serial, false);
  }

  /// To the end of the line, unless there is room now (taken), or the one with that serial is gone (stale). full: it
  /// waits now. Any thread.
  result join(const Entry& who, std::uint32_t serial) {
    const std::lock_guard<mutex> guard(lock_);
    queue_.push_back(who);
    // seq_cst: see above; give() is the other side.
    size_.fetch_add(1, std::memory_order_seq_cst);
    result got = result::full;
    if (queue_.size() == 1)
      got = room.take(serial, false);
    else if (!room.is(serial))
      got = result::stale;
    if (got == result::full) return got;
    queue_.pop_back();
    size_.fetch_sub(1, std::memory_order_relaxed);
    return got;
  }

  /// Who waits with that ticket gives up. Nothing when it is no longer in the line: it has got its place, or the line
  /// was closed. Any thread.
  std::optional<Entry> leave(room_ticket ticket) noexcept {
    const std::lock_guard<mutex> guard(lock_);
    const auto it = std::find_if(queue_.begin(), queue_.end(), [&](const Entry& w) { return w.ticket == ticket; });
    if (it == queue_.end()) return std::nullopt;
    const Entry who = *it;
    queue_.erase(it);
    size_.fetch_sub(1, std::memory_order_relaxed);
    return who;
  }

  /// One place is free again. True: somebody waits for it, call next() until it gives nothing. Only the owner.
  bool give() noexcept {
    room.give();
    return size_.load(std::memory_order_seq_cst) != 0;
  }

  /// The first one that waits, when there is room: it has its place. Only the owner.
  std::optional<Entry> next() noexcept {
    const std::lock_guard<mutex> guard(lock_);
    if (queue_.empty() || room.take(room.serial(), false) != result::taken) return std::nullopt;
    const Entry who = queue_.front();
    queue_.pop_front();
    size_.fetch_sub(1, std::memory_order_relaxed);
    return who;
  }

  /// The room is nobody's from now on: those who waited. Only the owner, at its end.
  std::list<Entry> close() noexcept {
    const std::lock_guard<mutex> guard(lock_);
    room.close();
    size_.store(0, std::memory_order_relaxed);
    return std::exchange(queue_, {});
  }

  /// How many wait. Any thread; the answer may be old.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 protected:
  // For the faulty lines of test/model/room.cpp; private to all others.
  using mutex = typename Atomics::mutex;

  typename Atomics::template atomic<std::uint32_t> size_{0};  // of queue_
  mutex lock_;
  std::list<Entry> queue_;  // under lock_
};

}  // namespace troupe::detail
