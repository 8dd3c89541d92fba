// SPDX-License-Identifier: BSL-1.0
// The watchdog: looks every millisecond after workers whose present run takes long. Internal.
#pragma once

#include <troupe/actors/clock.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::detail {

class runtime;
class threaded_scheduler;

/// When a run has taken a tick with work behind it, others may take that work, and one is woken to do so; one is woken
/// too when nobody has looked after the sockets for a tick. A run beyond `long_run` is reported in the log. While
/// anybody is busy it also fires the timers that are due, since all workers may be in long runs. It sleeps while all
/// workers do, so an idle system uses no CPU.
class watchdog {
 public:
  static constexpr duration tick = std::chrono::milliseconds(1);

  watchdog(runtime& rt, threaded_scheduler& home, duration long_run);
  ~watchdog();

  void start();
  void stop() noexcept;

  /// A worker has woken up. Costs one load unless the watchdog sleeps. Any worker.
  void worker_is_up() noexcept {
    // seq_cst: the worker has said that it is up (a read-modify-write of the idle state); pairs with sleep().
    if (asleep_.load(std::memory_order_seq_cst)) wake();
  }

 private:
  struct watched {
    std::uint64_t runs = 0;
    std::int64_t ticks = 0;  // for which that run has been seen
    bool reported = false;
    bool noticed = false;  // to the system's monitor
  };

  void loop();
  void look();
  void report_job(std::size_t worker, watched& seen);
  void sleep(std::unique_lock<std::mutex>& guard);
  void wake() noexcept;

  runtime& rt_;
  threaded_scheduler& home_;
  const duration long_run_;
  std::vector<watched> watched_;  // by worker
  int idle_ticks_ = 0;

  std::atomic<bool> asleep_{false};
  std::mutex lock_;
  std::condition_variable condition_;
  bool woken_ = false;     // under lock_
  bool stopping_ = false;  // under lock_
  std::thread thread_;
};

}  // namespace troupe::detail
