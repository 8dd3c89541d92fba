// SPDX-License-Identifier: BSL-1.0
// The scheduler's two faces: the executor that runs processes on one thread, and the scheduler that owns the executors.
// Internal.
#pragma once

#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/clock.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/slot.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::detail {

class runtime;

/// One thread that runs processes. Its own members belong to that thread.
class executor {
 public:
  executor(runtime& rt, std::uint32_t index) : rt_(rt), index_(index) {}
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  virtual ~executor() = default;

  /// A process (or a job) that this thread made runnable. `fresh`: it has just been spawned.
  virtual void ready(runnable& r, bool fresh) = 0;

  runtime& rt() const noexcept { return rt_; }
  std::uint32_t index() const noexcept { return index_; }

  slot* current = nullptr;  // the process it runs
  bool in_job = false;      // it runs a job

  /// What it runs has written to a connection: flush() will be called soon.
  void must_flush(std::shared_ptr<flushable> connection) {
    if (std::find(unflushed_.begin(), unflushed_.end(), connection) == unflushed_.end())
      unflushed_.push_back(std::move(connection));
  }
  bool has_unflushed() const noexcept { return !unflushed_.empty(); }
  void flush() noexcept {
    for (const auto& connection : unflushed_) connection->flush();
    unflushed_.clear();
  }

  // Slots to spawn from without a lock: see process_table.
  slot* free_slots = nullptr;
  std::uint32_t free_count = 0;

  // Spawned and ended here. Written by this thread alone, read by anyone who counts processes.
  std::atomic<std::uint64_t> spawned{0};
  std::atomic<std::uint64_t> ended{0};

 private:
  runtime& rt_;
  std::uint32_t index_;
  std::vector<std::shared_ptr<flushable>> unflushed_;
};

/// What an ordinary thread waits on. Set once, by a process.
class latch {
 public:
  void set();
  bool is_set() const;
  /// Blocks the thread until it is set.
  void wait();

 private:
  mutable std::mutex lock_;
  std::condition_variable condition_;
  bool set_ = false;
};

/// Decides which process runs when, on which thread, at what time. Two implementations: threads, and the deterministic
/// one.
class scheduler {
 public:
  virtual ~scheduler() = default;

  /// The system is there: executors may start.
  virtual void start(runtime& rt) = 0;
  /// How many wheels of timers it wants, one for each executor.
  virtual std::size_t executors() const noexcept = 0;
  virtual clock& time() noexcept = 0;
  /// The incarnation number of its node; 0: the runtime is to make one.
  virtual std::uint32_t creation() noexcept { return 0; }
  /// A process (or a job) has become runnable on a thread that is no executor of this system.
  virtual void ready(runnable& r) = 0;
  /// Only when delivers() is true: the scheduler takes every envelope and decides when it arrives.
  virtual void post(std::uint32_t from, slot& to, envelope* e);
  virtual bool delivers() const noexcept { return false; }
  /// Before a drain inside a run: the deterministic scheduler may let something arrive first.
  virtual void interleave(slot&) {}
  virtual void run_blocking(std::shared_ptr<job> work) = 0;
  /// A timer was put in front of all others of this wheel by another thread than its executor.
  virtual void timer_moved(std::size_t wheel) = 0;
  /// An ordinary thread waits for a process to set the latch. The deterministic scheduler throws when that will never
  /// be.
  virtual void wait(latch& l) = 0;
  /// Waits until `done` or the deadline (real time). For the orderly stop: called by the thread that destroys the
  /// system.
  virtual bool drain(const std::function<bool()>& done, std::chrono::steady_clock::time_point deadline) = 0;
  /// Has every worker call `f` between two of its runs, and waits until all have. One that is in a long run keeps the
  /// caller waiting. For what other libraries leave in threads; not on a worker, not after stop().
  virtual void on_workers(const std::function<void()>&) {}
  /// The same for the threads that run blocking(f): from now on each calls `f` after each job.
  virtual void after_blocking(void (*)() noexcept) {}
  /// A process ended while the system stops.
  virtual void process_ended() noexcept {}
  /// All processes have ended: end and join the threads.
  virtual void stop() noexcept = 0;
};

}  // namespace troupe::detail
