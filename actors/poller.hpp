// SPDX-License-Identifier: BSL-1.0
// What a parked worker waits in. Internal.
#pragma once

#include <troupe/actors/clock.hpp>

#include <condition_variable>
#include <mutex>

namespace troupe::detail {

/// The place where one worker waits when it has nothing to run. The plain one below knows wake-ups and time alone; net/
/// supplies one that waits for sockets as well, so that the thread that sees bytes arrive is the one that runs the
/// process they are for.
class poller {
 public:
  poller() = default;
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;
  virtual ~poller();

  /// Blocks until wake(), until `deadline` of the steady clock (time_point::max(): none), or spuriously: the worker
  /// looks at everything again whatever the reason. Uses the pending wake-up up. Only the worker whose poller it is.
  virtual void wait(time_point deadline) = 0;
  /// Ends the wait. A wake-up that nobody waits for is kept: the next wait() returns at once. Any number of them count
  /// as one. What the caller wrote before is seen by the worker after that wait(). Any thread, for as long as the
  /// poller lives.
  virtual void wake() noexcept = 0;
  /// Has the last wait() found something for poll() to do? Only the worker whose poller it is.
  virtual bool is_ready() const noexcept { return false; }
  /// Does what is ready without waiting, for which the worker must be able to take processes that become ready; true
  /// when that was anything. A busy worker calls it now and then, so that sockets are served under load too. Only the
  /// worker whose poller it is.
  virtual bool poll() { return false; }
  /// Does any worker wait for sockets, or has any looked since the last call? If not, the watchdog wakes one that
  /// sleeps. Only the watchdog.
  virtual bool attended() noexcept { return true; }
};

/// The plain poller: a flag under a mutex, and a condition variable that waits on the steady clock.
class condition_poller final : public poller {
 public:
  void wait(time_point deadline) override;
  void wake() noexcept override;

 private:
  std::mutex lock_;
  std::condition_variable condition_;
  bool woken_ = false;  // under lock_
};

}  // namespace troupe::detail
