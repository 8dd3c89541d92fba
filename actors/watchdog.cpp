// SPDX-License-Identifier: BSL-1.0
// The watchdog's tick.
#include <troupe/actors/context.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/threaded_scheduler.hpp>
#include <troupe/actors/watchdog.hpp>

#include <pthread.h>

namespace troupe::detail {

watchdog::watchdog(runtime& rt, threaded_scheduler& home, duration long_run)
    : rt_(rt), home_(home), long_run_(long_run), watched_(home.executors()) {}

watchdog::~watchdog() {
  stop();
}

void watchdog::start() {
  thread_ = std::thread([this] { loop(); });
}

void watchdog::stop() noexcept {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
    condition_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void watchdog::loop() {
  pthread_setname_np(pthread_self(), "troupe-watch");
  std::unique_lock guard(lock_);
  while (!stopping_) {
    guard.unlock();
    look();
    guard.lock();
    // Not at once: a system that sleeps and wakes many times a millisecond would pay for waking us each time.
    if (idle_ticks_ > 10)
      sleep(guard);
    else
      condition_.wait_for(guard, tick, [this] { return stopping_; });
  }
}

void watchdog::look() {
  idle_ticks_ = home_.idle().all_parked() ? idle_ticks_ + 1 : 0;
  bool held = false;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    worker& w = home_.at(i);
    watched& seen = watched_[i];
    const std::uint64_t runs = w.runs();
    const runnable* r = w.running();
    if (r == nullptr || runs != seen.runs) {
      seen = {.runs = runs, .ticks = 0, .reported = false, .noticed = false};
      continue;
    }
    ++seen.ticks;
    if (w.has_queue()) {
      w.open_lifo();
      held = true;
    }
    if (r == &worker::an_other()) {
      report_job(i, seen);
      continue;
    }
    const auto* s = static_cast<const slot*>(r);
    const duration notice = rt_.long_schedule();
    if (notice > duration(0) && !seen.noticed && seen.ticks * tick >= notice) {
      seen.noticed = true;
      rt_.note_long_schedule(*s, seen.ticks * tick);
    }
    if (long_run_ > duration(0) && !seen.reported && seen.ticks * tick >= long_run_) {
      seen.reported = true;
      log_line_about(
          log_level::warning, *s,
          "has held its worker for " + std::to_string(seen.ticks) +
              " ms without waiting: let it co_await self.yield() now and then, or do the work in self.blocking(f)");
    }
  }
  // The pollers know of one another. The worker that waited for the sockets may be in a long run while others sleep:
  // one of these is woken, finds nothing to run, and waits for them in its place.
  const bool unattended = idle_ticks_ == 0 && !home_.at(0).attended();
  if (held || unattended) home_.work_published();
  if (idle_ticks_ == 0 && rt_.timers().next_expiry() <= rt_.time().now()) {
    std::unique_lock<std::mutex> moving;
    if (home_.jumping_clock() != nullptr) moving = std::unique_lock(home_.jump_lock());
    rt_.timers().expire(rt_.time().now());
  }
}

void watchdog::report_job(std::size_t worker, watched& seen) {
  if (long_run_ <= duration(0) || seen.reported || seen.ticks * tick < long_run_) return;
  seen.reported = true;
  log_line(log_level::warning,
           "worker " + std::to_string(worker) + " has been held for " + std::to_string(seen.ticks) +
               " ms by an actor of CAF's: let it be detached, or do the work in a process's self.blocking(f)");
}

void watchdog::sleep(std::unique_lock<std::mutex>& guard) {
  woken_ = false;
  asleep_.store(true, std::memory_order_seq_cst);  // then look at the workers: pairs with worker_is_up()
  if (home_.idle().all_parked()) condition_.wait(guard, [this] { return woken_ || stopping_; });
  asleep_.store(false, std::memory_order_seq_cst);
  idle_ticks_ = 0;
}

void watchdog::wake() noexcept {
  const std::lock_guard guard(lock_);
  woken_ = true;
  condition_.notify_one();
}

}  // namespace troupe::detail
