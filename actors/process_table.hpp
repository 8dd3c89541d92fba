// SPDX-License-Identifier: BSL-1.0
// The table of processes: slots in chunks that stay mapped, recycled with a new serial. Internal.
#pragma once

#include <troupe/actors/slot.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::detail {

/// A pid's id is the index of its slot. Lookups are lock-free from any thread; executors spawn from free lists of their
/// own.
class process_table {
 public:
  static constexpr std::size_t chunk_slots = 1024;

  /// `limit`: the most processes that may live at once; `executors` may each keep some free slots besides.
  process_table(runtime& rt, std::size_t limit, std::size_t executors);
  ~process_table();

  /// Null for an id that no process ever had.
  slot* find(std::uint32_t id) const noexcept {
    const std::size_t chunk = id / chunk_slots;
    if (chunk >= chunk_count_) return nullptr;
    // acquire: pairs with the release store in grow(), so that the slots are constructed.
    slot* slots = chunks_[chunk].load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : at(slots, id % chunk_slots);
  }

  /// A free slot with a serial of its own; its mailbox is still closed. Throws system_limit when the table is full. Any
  /// thread; `env` is its executor or null.
  slot& acquire(executor* env);
  /// The process has ended. The mailbox is closed.
  void release(slot& s, executor* env) noexcept;

  /// Calls f(slot&) for every slot that ever was in use. Any thread; what f reads must be atomic.
  template <class F>
  void for_each(F&& f) const {
    const std::uint32_t end = used_.load(std::memory_order_acquire);  // pairs with grow(): the chunks below are there
    for (std::uint32_t id = 1; id < end; ++id)
      if (slot* s = find(id)) f(*s);
  }

  /// Throws system_limit, which names the limit.
  [[noreturn]] void throw_full() const;
  /// May the limit have been reached? Then the living have to be counted. Any thread.
  bool nearly_full() const noexcept { return used_.load(std::memory_order_relaxed) > limit_; }

 private:
  static slot* at(slot* first, std::size_t index) noexcept;
  void refill(slot*& list, std::uint32_t& count, std::uint32_t wanted);

  runtime& rt_;
  std::size_t limit_;
  std::size_t slots_;  // limit_ and what may lie in the executors' free lists
  std::size_t chunk_count_;
  std::unique_ptr<std::atomic<slot*>[]> chunks_;
  std::mutex lock_;
  slot* free_ = nullptr;                // under lock_
  std::atomic<std::uint32_t> used_{1};  // ids below were handed out; grows under lock_. Id 0 is nobody's
};

}  // namespace troupe::detail
