// SPDX-License-Identifier: BSL-1.0
// Which workers sleep, and which one is woken when there is more work. Internal.
#pragma once

#include <troupe/mailbox/atomics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace troupe::detail {

/// The parking protocol. Work must never lie in a queue while everybody sleeps, and waking a thread is dear (46 us
/// between request and run on the test machine), so that at most one worker searches before another is woken.
///
///     publisher                                   parker
///     P1 put work into a queue    (seq_cst RMW)   W1 announce: parked + 1    (seq_cst RMW)
///     P2 look at the state        (seq_cst load)  W2 look at all queues again (seq_cst loads)
///
/// Both are read-modify-writes followed by loads in the one order of all seq_cst operations, so either P2 sees the
/// parker and wakes somebody, or W2 sees the work. With a release store in place of P1's exchange (what the spike had)
/// both loads could be early: 186 to 382 of 400,000 wake-ups were lost. A publisher that sees a searcher wakes nobody;
/// in return a searcher that stops searching looks at all queues again after it has said so, and wakes another for what
/// it leaves.
template <class Atomics = std_atomics>
class idle_workers {
 public:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  explicit idle_workers(std::size_t workers) : workers_(workers) { sleepers_.reserve(workers); }
  idle_workers(const idle_workers&) = delete;
  idle_workers& operator=(const idle_workers&) = delete;

  /// P2: the worker to be woken for work that was just published, or `nobody`. It counts as searching from now on. Any
  /// thread.
  std::size_t worker_to_wake() {
    if (!wanted(state_.load(std::memory_order_seq_cst))) return nobody;
    const std::lock_guard<typename Atomics::mutex> guard(lock_);
    if (!wanted(state_.load(std::memory_order_seq_cst))) return nobody;
    const std::size_t worker = sleepers_.back();
    sleepers_.pop_back();
    state_.fetch_add(one_searching - one_parked, std::memory_order_seq_cst);
    return worker;
  }

  /// A worker without work wants to look into the others' queues: false when enough of them do. Only that worker.
  bool start_search() {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    do {
      if (2 * searching(state) >= workers_) return false;
    } while (!state_.compare_exchange_weak(state, state + one_searching, std::memory_order_seq_cst,
                                           std::memory_order_relaxed));
    return true;
  }
  /// It has found work, and no longer searches. True: it was the last one, so the caller must look at all queues again
  /// and call worker_to_wake() if there is something.
  bool stop_search() { return searching(state_.fetch_sub(one_searching, std::memory_order_seq_cst)) == 1; }

  /// What a worker that has announced its parking must do before it sleeps.
  struct announced {
    bool look_again;  // nobody searches: whatever was published before may have been left to nobody
    bool all_parked;  // it was the last one up
  };
  /// W1. `was_searching`: it leaves the searchers too. When nobody searches after that, the caller must look at all
  /// queues again (W2), and unpark() if there is something; when somebody does, that one's own look comes later and
  /// finds the caller parked.
  announced park(std::size_t worker, bool was_searching) {
    const std::lock_guard<typename Atomics::mutex> guard(lock_);
    sleepers_.push_back(worker);
    const std::uint64_t change = one_parked - (was_searching ? one_searching : 0);
    const std::uint64_t state = state_.fetch_add(change, std::memory_order_seq_cst) + change;
    return {.look_again = searching(state) == 0, .all_parked = parked(state) == workers_};
  }
  /// The worker is up again. True: it woke by itself, and does not search. False: worker_to_wake() had chosen it, and
  /// it counts as searching.
  bool unpark(std::size_t worker) {
    const std::lock_guard<typename Atomics::mutex> guard(lock_);
    const auto found = std::find(sleepers_.begin(), sleepers_.end(), worker);
    if (found == sleepers_.end()) return false;
    sleepers_.erase(found);
    state_.fetch_sub(one_parked, std::memory_order_seq_cst);
    return true;
  }

  /// Do all workers sleep? Any thread; may be wrong the next moment.
  bool all_parked() const noexcept { return parked(state_.load(std::memory_order_seq_cst)) == workers_; }

 private:
  static constexpr std::uint64_t one_searching = 1;
  static constexpr std::uint64_t one_parked = std::uint64_t{1} << 32;

  static std::uint64_t searching(std::uint64_t state) noexcept { return state & 0xffffffff; }
  static std::uint64_t parked(std::uint64_t state) noexcept { return state >> 32; }
  static bool wanted(std::uint64_t state) noexcept { return parked(state) > 0 && searching(state) == 0; }

  const std::uint64_t workers_;
  typename Atomics::template atomic<std::uint64_t> state_{0};  // parked << 32 | searching
  typename Atomics::mutex lock_;
  std::vector<std::size_t> sleepers_;  // under lock_; the one that went to sleep last is woken first
};

}  // namespace troupe::detail
