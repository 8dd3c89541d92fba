// SPDX-License-Identifier: BSL-1.0
// The scheduler with threads: workers that steal from one another, a shared queue, the pool for blocking work.
// Internal.
#pragma once

#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/idle.hpp>
#include <troupe/actors/options.hpp>
#include <troupe/actors/run_queue.hpp>
#include <troupe/actors/watchdog.hpp>
#include <troupe/actors/worker.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::detail {

class threaded_scheduler final : public scheduler {
 public:
  explicit threaded_scheduler(const actor_system_options& options);
  ~threaded_scheduler() override;

  void start(runtime& rt) override;
  std::size_t executors() const noexcept override { return count_; }
  clock& time() noexcept override { return clock_ ? static_cast<clock&>(*clock_) : steady_clock_source(); }
  void ready(runnable& r) override;
  void run_blocking(std::shared_ptr<job> work) override;
  void timer_moved(std::size_t wheel) override { workers_[wheel]->wake(); }
  void wait(latch& l) override { l.wait(); }
  bool drain(const std::function<bool()>& done, std::chrono::steady_clock::time_point deadline) override;
  void on_workers(const std::function<void()>& f) override;
  void after_blocking(void (*f)() noexcept) override { blocking_.after_each(f); }
  void process_ended() noexcept override;
  void stop() noexcept override;

  // --- for workers and the watchdog ---------------------------------------------------------------------------------

  worker& at(std::size_t index) noexcept { return *workers_[index]; }
  run_queue& shared() noexcept { return shared_; }
  idle_workers<std_atomics>& idle() noexcept { return idle_; }
  bool is_stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
  /// Something was put into a queue: wakes a worker unless one searches already. Any thread.
  void work_published() {
    if (const std::size_t sleeper = idle_.worker_to_wake(); sleeper != idle_.nobody) workers_[sleeper]->wake();
  }
  /// Is there anything that a worker could take? The second look of a parker, and a searcher's last. Any thread.
  bool has_work() const noexcept;
  /// How many visits there have been: a worker that has had fewer calls visit(). Any thread.
  std::uint64_t visits() const noexcept { return visits_.load(std::memory_order_acquire); }
  /// Does what on_workers() wants. A worker, once for each visit.
  void visit();
  void worker_is_up() noexcept { watchdog_->worker_is_up(); }
  /// Null when time is real.
  virtual_clock* jumping_clock() noexcept { return clock_.get(); }
  /// Held by who has moved a virtual clock or taken timers that are due, until it has handed out what they fired and is
  /// up: all workers are parked then, as far as the others can see, and they would move the clock further.
  std::mutex& jump_lock() noexcept { return jump_lock_; }
  bool blocking_outstanding() const { return blocking_.outstanding() != 0; }

 private:
  void start_threads();

  runtime* rt_ = nullptr;
  std::size_t count_;
  duration long_run_;
  std::unique_ptr<virtual_clock> clock_;
  idle_workers<std_atomics> idle_;
  run_queue shared_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::unique_ptr<watchdog> watchdog_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::mutex jump_lock_;
  std::mutex visitor_lock_;  // held by one on_workers() after the other
  std::mutex visit_lock_;    // of these three
  const std::function<void()>* visit_ = nullptr;
  std::size_t unvisited_ = 0;
  std::condition_variable visited_;
  std::atomic<std::uint64_t> visits_{0};  // release: who sees it finds what to do under the lock
  std::mutex ended_lock_;
  std::condition_variable ended_;
  blocking_pool blocking_;  // last: its threads use all of the above
};

/// As many workers as the options say.
std::unique_ptr<scheduler> make_threaded_scheduler(const actor_system_options& options);

}  // namespace troupe::detail
