// SPDX-License-Identifier: BSL-1.0
// CAF's scheduler, whose workers are troupe's. Internal.
#pragma once

#include <troupe/actors/caf/clock.hpp>
#include <troupe/actors/runnable.hpp>
#include <troupe/actors/timers.hpp>

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe {
class actor_system;
}

namespace troupe::detail {
class runtime;
}

namespace troupe::bridge {
class crossing;
}

namespace troupe::bridge::detail {

class coordinator;

/// What CAF's actors see as the worker that runs them: one for each of troupe's workers. Only that worker, but for the
/// counts.
class alignas(64) worker_unit final : public caf::execution_unit {
 public:
  worker_unit(caf::actor_system& sys, coordinator& home) : caf::execution_unit(&sys), home_(home) {}
  void exec_later(caf::resumable* what) override;

  // Jobs put into a queue by this worker, and jobs that it has finished.
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::uint64_t> finished{0};

 private:
  coordinator& home_;
};

/// The scheduler of one caf::actor_system. A resumable that is to run lies in troupe's run queues, in a job of 40 bytes
/// that ends with its run (or goes on, when it is to be resumed later), so the queues, stealing, parking and the order
/// in which things run are those of processes. Any thread may call everything, unless a comment says otherwise.
///
/// The end: stop() lets what was queued run, drops what becomes runnable later (CAF's scheduler drops it as well),
/// waits until nothing is left in a queue, and lets go of the workers. What comes still later, from threads of CAF's
/// own, is dropped where it comes.
class coordinator final : public caf::scheduler::abstract_coordinator {
 public:
  coordinator(caf::actor_system& sys, std::shared_ptr<troupe::detail::runtime> home, troupe::actor_system& processes);
  ~coordinator() override;

  // --- caf::scheduler::abstract_coordinator -------------------------------------------------------------------------

  void init(caf::actor_system_config& cfg) override;
  void start() override;
  void stop() override;
  void enqueue(caf::resumable* what) override;
  caf::actor_clock& clock() noexcept override;

  /// The system on whose workers this runs, while it is there.
  troupe::actor_system& processes() const noexcept { return processes_; }
  troupe::detail::runtime& home() const noexcept { return *home_; }

 private:
  friend class worker_unit;
  class actor_job;
  class alarm_job;
  class alarm_clock;

  void put(worker_unit& from, caf::resumable* what);
  bool is_stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }
  troupe::detail::run_result resume(caf::resumable* what, worker_unit& on, bool drop);
  static void drop(caf::actor_system& sys, caf::resumable* what);
  void count_finished(std::atomic<std::uint64_t>& count) noexcept;
  bool all_finished() const noexcept;
  void wait_until_finished(std::unique_lock<std::mutex>& guard);

  const std::shared_ptr<troupe::detail::runtime> home_;
  troupe::actor_system& processes_;
  std::vector<std::unique_ptr<worker_unit>> units_;  // by worker
  std::size_t throughput_ = 0;
  bool logs_ = false;    // CAF's logger is to know which system a worker works for
  bool inside_ = false;  // start() has made us a guest; only who starts and stops

  // stopping_: what becomes runnable from now on is dropped when its turn comes. closed_: it is dropped at once.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> closed_{false};
  // As in worker_unit, of threads that are no workers, and of the alarm.
  alignas(64) std::atomic<std::uint64_t> queued_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::mutex stop_lock_;
  std::condition_variable all_done_;  // under stop_lock_

  std::unique_ptr<alarm_clock> clock_;
  std::unique_ptr<crossing> crossing_;  // from start() to stop()
};

}  // namespace troupe::bridge::detail
