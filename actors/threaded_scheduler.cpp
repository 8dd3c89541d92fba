// SPDX-License-Identifier: BSL-1.0
// Threads that come and go with their actor_system.
#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/threaded_scheduler.hpp>

#include <algorithm>
#include <string>

#include <pthread.h>

namespace troupe::detail {

namespace {

std::size_t worker_count(std::size_t wanted) {
  return wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

threaded_scheduler::threaded_scheduler(const actor_system_options& options)
    : count_(worker_count(options.workers)), long_run_(options.long_run),
      clock_(options.virtual_time ? std::make_unique<virtual_clock>() : nullptr), idle_(count_),
      blocking_(options.max_blocking_threads, std::chrono::seconds(10), [this] {
        // Virtual time stood still while a job was out: whoever parks last looks again whether it may jump.
        if (clock_) workers_.front()->wake();
      }) {}

threaded_scheduler::~threaded_scheduler() {
  stop();
}

void threaded_scheduler::start(runtime& rt) {
  rt_ = &rt;
  for (std::size_t i = 0; i < count_; ++i) {
    workers_.push_back(std::make_unique<worker>(rt, *this, static_cast<std::uint32_t>(i)));
    rt.add_executor(*workers_.back());
  }
  watchdog_ = std::make_unique<watchdog>(rt, *this, long_run_);
  try {
    start_threads();
  } catch (...) {
    stop();  // those that have been started use what the caller is about to destroy
    throw;
  }
}

void threaded_scheduler::start_threads() {
  for (const auto& w : workers_)
    threads_.emplace_back([&w = *w] {
      pthread_setname_np(pthread_self(), ("troupe-" + std::to_string(w.index())).c_str());
      w.loop();
    });
  watchdog_->start();
}

void threaded_scheduler::ready(runnable& r) {
  shared_.push(r);
  work_published();
}

bool threaded_scheduler::has_work() const noexcept {
  return !shared_.empty() || std::any_of(workers_.begin(), workers_.end(),
                                         [](const auto& w) { return !w->ring().empty() || w->has_open_lifo(); });
}

void threaded_scheduler::run_blocking(std::shared_ptr<job> work) {
  blocking_.run(std::move(work));
}

void threaded_scheduler::on_workers(const std::function<void()>& f) {
  const std::lock_guard alone(visitor_lock_);
  std::unique_lock guard(visit_lock_);
  visit_ = &f;
  unvisited_ = count_;
  visits_.fetch_add(1, std::memory_order_release);
  for (const auto& w : workers_) w->wake();
  visited_.wait(guard, [this] { return unvisited_ == 0; });
}

void threaded_scheduler::visit() {
  const std::lock_guard guard(visit_lock_);
  (*visit_)();
  if (--unvisited_ == 0) visited_.notify_one();
}

bool threaded_scheduler::drain(const std::function<bool()>& done, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock guard(ended_lock_);
  // In slices: process_ended() may miss the moment when two processes end at once.
  while (!done()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    ended_.wait_until(guard, std::min(deadline, now + std::chrono::milliseconds(10)));
  }
  return true;
}

void threaded_scheduler::process_ended() noexcept {
  if (rt_->process_count() != 0) return;
  const std::lock_guard guard(ended_lock_);
  ended_.notify_all();
}

void threaded_scheduler::stop() noexcept {
  blocking_.stop();
  stopping_.store(true, std::memory_order_seq_cst);
  for (const auto& w : workers_) w->wake();
  for (std::thread& t : threads_) t.join();
  threads_.clear();
  if (watchdog_) watchdog_->stop();
}

std::unique_ptr<scheduler> make_threaded_scheduler(const actor_system_options& options) {
  return std::make_unique<threaded_scheduler>(options);
}

}  // namespace troupe::detail
