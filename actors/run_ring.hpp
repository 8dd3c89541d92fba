// SPDX-License-Identifier: BSL-1.0
// The run ring: one worker's queue of runnable processes, of which others steal half. Internal.
#pragma once

#include <troupe/mailbox/atomics.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace troupe::detail {

/// A bounded single-producer, many-consumer ring of pointers (the shape of the Go scheduler's run queue): the owner
/// pushes at the tail, the owner and thieves take at the head by CAS. Positions are 64-bit and never wrap, so a head
/// that was read long ago cannot look current.
///
/// The stores that publish work are seq_cst read-modify-writes: see idle.hpp for why nothing less will do.
template <class T, std::size_t Capacity = 256, class Atomics = std_atomics>
class run_ring {
  static_assert((Capacity & (Capacity - 1)) == 0, "a power of two");

 public:
  static constexpr std::size_t capacity = Capacity;

  /// False when it is full. Only the owner.
  bool push(T* item) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // only the owner writes it
    // acquire: pairs with the release of the CAS in pop() and steal(): their reads of the place we overwrite are over.
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    if (tail - head >= Capacity) return false;
    place(tail).store(item, std::memory_order_relaxed);  // published by the tail
    // seq_cst: gives the item to thieves, and orders the caller's following look at the idle workers behind it.
    tail_.exchange(tail + 1, std::memory_order_seq_cst);
    return true;
  }

  /// The oldest item, or null. Only the owner.
  T* pop() noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // only the owner writes it
    std::uint64_t head =
        head_.load(std::memory_order_relaxed);  // checked by the CAS; the items are the owner's own stores
    while (head != tail) {
      T* item = place(head).load(std::memory_order_relaxed);
      // release: pairs with push(): our read of the place comes before it is overwritten.
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
        return item;
    }
    return nullptr;
  }

  /// Moves up to half of the items (at least one) to `to`, which belongs to the caller and must be empty, and returns
  /// one of them, the oldest, instead of queueing it. Null when there is nothing. Any thread but the owner.
  T* steal_into(run_ring& to) noexcept {
    for (;;) {
      std::uint64_t head = head_.load(std::memory_order_acquire);
      // seq_cst: the look of a parker must not miss a push whose pusher missed the parker. It also acquires the items.
      const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);
      if (tail <= head) return nullptr;  // (a stale head may be behind, never ahead of what the CAS accepts)
      std::uint64_t count = tail - head;
      if (count > Capacity) continue;  // head and tail are of two moments
      count -= count / 2;
      T* first = place(head).load(std::memory_order_relaxed);
      const std::uint64_t theirs = to.tail_.load(std::memory_order_relaxed);  // ours, in fact
      for (std::uint64_t i = 1; i < count; ++i)
        to.place(theirs + i - 1).store(place(head + i).load(std::memory_order_relaxed), std::memory_order_relaxed);
      // acq_rel: release as in pop(). When it fails, what was copied may be torn and is forgotten.
      if (!head_.compare_exchange_strong(head, head + count, std::memory_order_acq_rel, std::memory_order_relaxed))
        continue;
      if (count > 1) to.tail_.exchange(theirs + count - 1, std::memory_order_seq_cst);  // as in push()
      return first;
    }
  }

  /// May be wrong the next moment. Any thread; seq_cst: the second look of a parker.
  bool empty() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_seq_cst);
    return tail_.load(std::memory_order_seq_cst) <= head;
  }

  /// About how many. Any thread.
  std::size_t size() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return tail > head ? static_cast<std::size_t>(tail - head) : 0;
  }

 private:
  using slot_type = typename Atomics::template atomic<T*>;

  slot_type& place(std::uint64_t position) noexcept { return places_[position & (Capacity - 1)]; }

  alignas(64) typename Atomics::template atomic<std::uint64_t> head_{0};
  alignas(64) typename Atomics::template atomic<std::uint64_t> tail_{0};
  std::array<slot_type, Capacity> places_{};
};

}  // namespace troupe::detail
