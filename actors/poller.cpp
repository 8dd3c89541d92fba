// SPDX-License-Identifier: BSL-1.0
// The plain poller.
#include <troupe/actors/poller.hpp>

namespace troupe::detail {

poller::~poller() = default;

void condition_poller::wait(time_point deadline) {
  std::unique_lock guard(lock_);
  const auto woken = [this] { return woken_; };
  if (deadline == time_point::max())
    condition_.wait(guard, woken);
  else
    condition_.wait_until(guard, deadline, woken);
  woken_ = false;
}

void condition_poller::wake() noexcept {
  const std::lock_guard guard(lock_);
  if (woken_) return;
  woken_ = true;
  // Under the lock: once it is released the worker may return from wait(), and then even destroy the poller.
  condition_.notify_one();
}

}  // namespace troupe::detail
