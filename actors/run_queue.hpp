// SPDX-License-Identifier: BSL-1.0
// The shared run queue: runnable processes that came from outside, or for which a worker's ring had no room. Internal.
#pragma once

#include <troupe/actors/runnable.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>

namespace troupe::detail {

/// An intrusive FIFO, linked by runnable::run_next, so that it never allocates. Any thread.
class run_queue {
 public:
  void push(runnable& r) {
    r.run_next = nullptr;
    const std::lock_guard guard(lock_);
    append(r, r, 1);
  }
  /// `first` to `last` are linked already.
  void push_list(runnable& first, runnable& last, std::size_t count) {
    last.run_next = nullptr;
    const std::lock_guard guard(lock_);
    append(first, last, count);
  }

  /// Takes up to `most` out: the first of a list linked by run_next, null when it is empty.
  runnable* pop(std::size_t most) {
    if (empty()) return nullptr;
    const std::lock_guard guard(lock_);
    runnable* first = head_;
    runnable* last = nullptr;
    std::size_t count = 0;
    for (runnable* r = first; r != nullptr && count < most; r = r->run_next, ++count) last = r;
    if (last == nullptr) return nullptr;
    head_ = last->run_next;
    if (head_ == nullptr) tail_ = nullptr;
    last->run_next = nullptr;
    size_.fetch_sub(count, std::memory_order_relaxed);  // under the lock
    return first;
  }

  /// seq_cst: the second look of a parker. See idle.hpp.
  bool empty() const noexcept { return size_.load(std::memory_order_seq_cst) == 0; }
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  void append(runnable& first, runnable& last, std::size_t count) {
    (tail_ == nullptr ? head_ : tail_->run_next) = &first;
    tail_ = &last;
    size_.fetch_add(count, std::memory_order_seq_cst);  // publishes work: see idle.hpp
  }

  std::mutex lock_;
  runnable* head_ = nullptr;
  runnable* tail_ = nullptr;
  std::atomic<std::size_t> size_{0};
};

}  // namespace troupe::detail
