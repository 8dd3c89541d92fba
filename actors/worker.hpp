// SPDX-License-Identifier: BSL-1.0
// A worker: one thread that runs processes from its own queue, steals from the others', and sleeps. Internal.
#pragma once

#include <troupe/actors/executor.hpp>
#include <troupe/actors/poller.hpp>
#include <troupe/actors/run_ring.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace troupe::detail {

class threaded_scheduler;

class worker final : public executor {
 public:
  worker(runtime& rt, threaded_scheduler& home, std::uint32_t index);

  /// The thread's body: until the scheduler stops.
  void loop();

  /// Only this thread: what the one that runs has woken goes to the LIFO slot, all others to the ring.
  void ready(runnable& r, bool fresh) override;

  // --- for other threads --------------------------------------------------------------------------------------------

  run_ring<runnable>& ring() noexcept { return ring_; }
  /// Ends its sleep. Any thread.
  void wake() noexcept { poller_->wake(); }
  /// Does anybody look after the sockets? The watchdog.
  bool attended() noexcept { return poller_->attended(); }
  /// How many runs it has begun; the process of the present one, null between runs, an_other() for what is no process.
  /// For the watchdog. Any thread.
  std::uint64_t runs() const noexcept { return runs_.load(std::memory_order_relaxed); }
  const runnable* running() const noexcept { return running_.load(std::memory_order_acquire); }
  /// Stands for all jobs: one of them may be gone by the time that somebody looks at it.
  static const runnable& an_other() noexcept { return an_other_; }
  /// Is there work behind the process that it runs? Any thread.
  bool has_queue() const noexcept { return lifo_.load(std::memory_order_relaxed) != nullptr || !ring_.empty(); }
  /// Lets others take the process in its LIFO slot: the present run takes long. The watchdog.
  void open_lifo() noexcept { lifo_open_.store(true, std::memory_order_seq_cst); }
  bool has_open_lifo() const noexcept {
    return lifo_open_.load(std::memory_order_seq_cst) && lifo_.load(std::memory_order_seq_cst) != nullptr;
  }
  /// What the LIFO slot holds, if it is open. Any thread.
  runnable* steal_lifo() noexcept {
    if (!has_open_lifo()) return nullptr;
    return lifo_.exchange(nullptr, std::memory_order_acq_rel);  // acquire: the slot's state; see ready()
  }

 private:
  static constexpr std::int32_t budget = 256;           // messages that a process may handle in one run
  static constexpr std::uint32_t lifo_limit = 16;       // runs from the LIFO slot before the ring gets its turn
  static constexpr std::uint32_t shared_interval = 61;  // runs between looks at the shared queue, lest it starve
  static constexpr std::uint32_t timer_interval = 16;   // runs between looks at clock and poller while busy

  runnable* next();
  runnable* search();
  runnable* take_shared(bool one);
  void execute(runnable& r);
  void execute_other(runnable& r);
  void has_run(runnable& r, run_result result);
  void enqueue(runnable& r);
  void overflow(runnable& r);
  void park();
  void be_visited();
  bool jump(std::unique_lock<std::mutex>& moving);
  void expire_timers();

  static const runnable an_other_;

  threaded_scheduler& home_;
  std::unique_ptr<poller> poller_;
  run_ring<runnable> ring_;

  // LIFO: the process that the running one woke last runs next, while its message is in the cache. Another thread takes
  // it only when the run takes long, for a pair that talks must not be torn apart.
  alignas(64) std::atomic<runnable*> lifo_{nullptr};
  std::atomic<bool> lifo_open_{false};
  std::atomic<std::uint64_t> runs_{0};
  std::atomic<const runnable*> running_{nullptr};

  // Only this thread.
  runnable* again_ = nullptr;  // it has used its budget and there was nothing else to run
  std::uint64_t visits_ = 0;   // that it has had: see threaded_scheduler::on_workers
  std::uint32_t ticks_ = 0;
  std::uint32_t lifo_runs_ = 0;
  std::uint64_t random_;
  bool searching_ = false;
};

}  // namespace troupe::detail
