// SPDX-License-Identifier: BSL-1.0
// The elastic pool of threads for blocking work.
#include <troupe/actors/blocking_pool.hpp>

#include <troupe/actors/exit.hpp>

#include <algorithm>
#include <utility>

#include <pthread.h>

namespace troupe::detail {

job::~job() = default;

blocking_pool::blocking_pool(std::size_t max_threads, duration idle_timeout, std::function<void()> drained)
    : max_threads_(std::max<std::size_t>(max_threads, 1)), idle_timeout_(idle_timeout), drained_(std::move(drained)) {}

blocking_pool::~blocking_pool() {
  stop();
}

void blocking_pool::run(std::shared_ptr<job> work) {
  const std::lock_guard guard(lock_);
  if (stopping_) throw usage_error("troupe: blocking work was started after its actor_system had stopped");
  if (!idle_.empty()) {
    worker& taken = *idle_.back();
    idle_.pop_back();
    taken.next = std::move(work);
    taken.wake.notify_one();
  } else if (workers_.size() < max_threads_) {
    start_thread(work);
  } else {
    queue_.push_back(std::move(work));
  }
  ++outstanding_;
}

void blocking_pool::start_thread(std::shared_ptr<job>& work) {
  idle_.reserve(workers_.size() + 1);  // so that a thread can go idle without allocating
  const auto self = workers_.emplace(workers_.end());
  try {
    // Under the lock: the new thread waits for it, so it finds itself and its job in place.
    self->thread = std::thread([this, self] { work_on(self); });
  } catch (...) {
    workers_.erase(self);
    if (workers_.empty()) throw;
    queue_.push_back(std::move(work));  // the machine has no more threads: those that are there do it
    return;
  }
  self->next = std::move(work);
}

void blocking_pool::work_on(worker_list::iterator self) {
  pthread_setname_np(pthread_self(), "troupe-block");  // as gdb and top show it
  std::unique_lock guard(lock_);
  do {
    std::shared_ptr<job> work = std::move(self->next);
    self->stop = work->stop_;
    guard.unlock();
    work->run(work->stop_token());
    if (const auto f = after_each_.load(std::memory_order_relaxed)) f();
    work.reset();  // it may run the user's destructors: not under the lock, and before it stops being counted
    guard.lock();
    self->stop = std::stop_source(std::nostopstate);
    if (--outstanding_ == 0 && drained_) {
      guard.unlock();
      drained_();
      guard.lock();
    }
  } while (wait_for_job(*self, guard));
  leave(self, guard);
}

bool blocking_pool::wait_for_job(worker& self, std::unique_lock<std::mutex>& guard) {
  if (!queue_.empty()) {
    self.next = std::move(queue_.front());
    queue_.pop_front();
    return true;
  }
  if (stopping_ || idle_timeout_ <= duration(0)) return false;
  idle_.push_back(&self);
  const auto called = [&] { return self.next != nullptr || stopping_; };
  const time_point now = std::chrono::steady_clock::now();
  if (idle_timeout_ < time_point::max() - now)
    self.wake.wait_until(guard, now + idle_timeout_, called);
  else
    self.wake.wait(guard, called);
  if (self.next != nullptr) return true;  // whoever gave it took us out of idle_
  std::erase(idle_, &self);
  return false;
}

void blocking_pool::leave(worker_list::iterator self, std::unique_lock<std::mutex>& guard) {
  // A thread cannot join itself, so each joins the one that left before it, and stop() the last one. After the
  // lock is released nothing of the pool is touched.
  std::thread before = std::exchange(left_, std::move(self->thread));
  workers_.erase(self);
  if (workers_.empty()) gone_.notify_all();
  guard.unlock();
  if (before.joinable()) before.join();
}

void blocking_pool::stop() noexcept {
  std::vector<std::stop_source> jobs;
  std::unique_lock guard(lock_);
  stopping_ = true;
  for (const auto& waiting : queue_) jobs.push_back(waiting->stop_);
  for (worker& w : workers_) {
    if (w.next != nullptr) jobs.push_back(w.next->stop_);
    if (w.stop.stop_possible()) jobs.push_back(w.stop);
    w.wake.notify_one();
  }
  guard.unlock();
  for (std::stop_source& j : jobs) j.request_stop();  // it calls the user's stop callbacks: not under the lock
  guard.lock();
  gone_.wait(guard, [this] { return workers_.empty(); });
  std::thread last = std::move(left_);
  guard.unlock();
  if (last.joinable()) last.join();
}

std::size_t blocking_pool::outstanding() const {
  const std::lock_guard guard(lock_);
  return outstanding_;
}

std::size_t blocking_pool::threads() const {
  const std::lock_guard guard(lock_);
  return workers_.size();
}

std::size_t blocking_pool::idle() const {
  const std::lock_guard guard(lock_);
  return idle_.size();
}

}  // namespace troupe::detail
