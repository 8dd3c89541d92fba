// SPDX-License-Identifier: BSL-1.0
// An elastic pool of threads for work that blocks or takes long. Internal.
#pragma once

#include <troupe/actors/clock.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace troupe::detail {

/// A piece of work for the pool. Shared: by the pool until run() has returned, and by whoever may want to stop it or
/// take its result.
struct job {
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  /// On the thread that gives up the last share.
  virtual ~job();

  /// Does the work, once, on a thread of the pool. `stop` is stop_token().
  virtual void run(std::stop_token stop) noexcept = 0;

  /// Asks the work to end early, before or while it runs; it is run in either case. The work's std::stop_callbacks are
  /// called on this thread before it returns. Any thread that shares the job.
  void request_stop() noexcept { stop_.request_stop(); }
  /// What run() is given. Any thread that shares the job.
  std::stop_token stop_token() const noexcept { return stop_.get_token(); }

 private:
  friend class blocking_pool;
  std::stop_source stop_;
};

/// Runs each job on a thread of its own as far as `max_threads` allows; more jobs wait in a queue, first in first out.
/// A thread is started when there is a job and none is idle, and ends when it was idle for `idle_timeout`. The thread
/// that became idle last gets the next job, so that a light load lets the surplus end. Any thread may call anything but
/// stop() and the destructor, which must not run on the pool's own threads.
class blocking_pool {
 public:
  /// `max_threads` 0 means 1. `drained`, when given, is called by a thread of the pool when outstanding() has fallen to
  /// 0, after the last job was let go of; by then there may be jobs again. It must not throw, and may call run(). The
  /// virtual clock, which stands still while a job is out, needs it.
  explicit blocking_pool(std::size_t max_threads = 512, duration idle_timeout = std::chrono::seconds(10),
                         std::function<void()> drained = {});
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;
  /// stop().
  ~blocking_pool();

  /// Takes a share in the job and has it run. Returns at once. Throws usage_error after stop(), and std::system_error
  /// when not even a first thread can be started; the job is not run then.
  void run(std::shared_ptr<job> work);

  /// Requests the stop of all jobs that run or wait, waits until all have run (the waiting ones too, since each has an
  /// owner who waits for it) and joins the threads. To call it again does nothing. One thread at a time.
  void stop() noexcept;

  /// From now on each thread calls `f` after each job. Any thread.
  void after_each(void (*f)() noexcept) noexcept { after_each_.store(f, std::memory_order_relaxed); }

  /// Jobs that wait, run, or have run and are still shared by the pool.
  std::size_t outstanding() const;
  /// Threads, idle ones included.
  std::size_t threads() const;
  /// Threads that wait for a job.
  std::size_t idle() const;

 private:
  struct worker {
    std::thread thread;
    std::condition_variable wake;
    std::shared_ptr<job> next;                // handed to it, not yet begun
    std::stop_source stop{std::nostopstate};  // of the job that it runs
  };
  using worker_list = std::list<worker>;

  void start_thread(std::shared_ptr<job>& work);
  void work_on(worker_list::iterator self);
  bool wait_for_job(worker& self, std::unique_lock<std::mutex>& guard);
  void leave(worker_list::iterator self, std::unique_lock<std::mutex>& guard);

  std::atomic<void (*)() noexcept> after_each_{nullptr};  // relaxed: a function of the program's
  const std::size_t max_threads_;
  const duration idle_timeout_;
  const std::function<void()> drained_;

  mutable std::mutex lock_;  // guards all that follows
  worker_list workers_;
  std::vector<worker*> idle_;  // the one that became idle last is at the back
  std::deque<std::shared_ptr<job>> queue_;
  std::size_t outstanding_ = 0;
  bool stopping_ = false;
  std::condition_variable gone_;  // workers_ became empty
  std::thread left_;              // the thread that left last; it joins the one that left before
};

}  // namespace troupe::detail
