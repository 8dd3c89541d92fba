// SPDX-License-Identifier: BSL-1.0
// The timer wheel: a set of deadlines from which the due ones are taken in order. Internal.
#pragma once

#include <troupe/actors/clock.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::detail {

/// What a timer derives from to be put into a timer_wheel. The wheel neither owns nor copies it: it must stay where it
/// is while it is queued. The members belong to the wheel; whoever got a list from expire() reads `next`.
struct timer_node {
  timer_node() = default;
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

  timer_node* next = nullptr;
  timer_node* prev = nullptr;
  time_point deadline{};
  std::int64_t tick = 0;     // the first tick at or after the deadline
  std::int16_t bucket = -1;  // where it is queued

  /// Is it in a wheel? Under the same lock as the wheel.
  bool is_queued() const noexcept { return bucket >= 0; }
};

/// A hierarchical timer wheel (Varghese and Lauck 1987, scheme 7; the levels of 64 buckets with a bitmap each are
/// Tokio's). Time is counted in ticks of 1 ms since the clock's zero. A deadline is rounded up to a tick, so that a
/// timer never fires early; it fires less than one tick late.
///
/// Not thread-safe: the caller holds a lock, or is alone. insert() and remove() take constant time. expire() looks at
/// the bitmaps and at the nodes that are due or move to a finer level, never at ticks, so a jump over years costs no
/// more than a millisecond.
class timer_wheel {
 public:
  static constexpr duration tick = std::chrono::milliseconds(1);

  timer_wheel() noexcept;
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Queues the node, which must not be queued. A deadline that has passed is due at the next expire(). One in the last
  /// tick that a time_point can express never fires.
  void insert(timer_node& node, time_point deadline) noexcept;
  /// Takes the node out. Does nothing when it is not queued; a queued one must be in this wheel.
  void remove(timer_node& node) noexcept;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// When expire() should be called next; time_point::max() when empty. Never later than the moment at which the first
  /// node fires, and exactly that moment unless nodes were removed; then it may be early. After expire(now) it is later
  /// than `now`.
  time_point next_expiry() const noexcept;

  /// Takes out all nodes that are due at `now` and returns them linked by `next` (null: none), ordered by deadline,
  /// those with equal deadlines in the order in which they were inserted. They are no longer queued: each may be
  /// destroyed or inserted anew as soon as its `next` was read. A `now` before an earlier one is no error: it gives
  /// what is due by then.
  timer_node* expire(time_point now) noexcept;

 private:
  // 44 bits hold every tick of a 64-bit time_point in nanoseconds. Eight levels (Tokio has six, two years) cover them
  // all, so that no deadline lies beyond the last level and none needs a rule of its own. They cost 2 KiB more.
  static constexpr int bits = 6;
  static constexpr int levels = 8;
  static constexpr int buckets = 1 << bits;
  static constexpr int overdue = levels * buckets;  // the bucket of what was inserted after its tick had passed

  struct bucket {
    timer_node* head = nullptr;  // circular by both links; the head was inserted first
    std::int64_t first = 0;      // no node has an earlier tick; counts while the bucket is not empty
  };

  class list;

  int bucket_for(std::int64_t at) const noexcept;
  void append(timer_node& node) noexcept;
  void split(int from, std::int64_t now, list& due, list& rest) noexcept;

  std::int64_t elapsed_ = 0;  // all ticks up to this one were expired
  std::size_t size_ = 0;
  std::array<std::uint64_t, levels> occupied_{};  // a bit for each bucket that is not empty
  std::array<bucket, overdue + 1> buckets_;
};

}  // namespace troupe::detail
