// SPDX-License-Identifier: BSL-1.0
// What a worker does: run, search, sleep.
#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/threaded_scheduler.hpp>
#include <troupe/actors/worker.hpp>

#include <algorithm>
#include <string>

namespace troupe::detail {

namespace {

std::unique_ptr<poller> make_poller(const runtime& rt, std::uint32_t index) {
  if (!rt.options().poller) return std::make_unique<condition_poller>();
  std::unique_ptr<poller> made = rt.options().poller(index);
  if (!made) throw usage_error("troupe: actor_system_options::poller gave none for worker " + std::to_string(index));
  return made;
}

}  // namespace

worker::worker(runtime& rt, threaded_scheduler& home, std::uint32_t index)
    : executor(rt, index), home_(home), poller_(make_poller(rt, index)), random_(scramble(index + 1)) {}

void worker::loop() {
  set_current_executor(this);
  while (!home_.is_stopping()) {
    runnable* r = next();
    if (r == nullptr) r = search();
    if (r != nullptr)
      execute(*r);
    else
      park();
  }
  set_current_executor(nullptr);
}

void worker::ready(runnable& r, bool fresh) {
  // A fresh process waits its turn, and so does one that a timer woke.
  if (fresh || (current == nullptr && !in_job)) {
    enqueue(r);
    return;
  }
  // Others only ever take out, so what we see empty stays empty. release: gives the slot's state to a thief.
  if (lifo_.load(std::memory_order_relaxed) == nullptr)
    lifo_.store(&r, std::memory_order_release);
  else if (runnable* displaced = lifo_.exchange(&r, std::memory_order_acq_rel))
    enqueue(*displaced);
}

void worker::enqueue(runnable& r) {
  if (!ring_.push(&r)) overflow(r);
  home_.work_published();
}

void worker::overflow(runnable& r) {
  // Half of the ring goes along, so that this happens once in 128 pushes.
  runnable* first = nullptr;
  runnable* last = nullptr;
  std::size_t count = 0;
  const auto add = [&](runnable& next) {
    next.run_next = nullptr;
    (last == nullptr ? first : last->run_next) = &next;
    last = &next;
    ++count;
  };
  for (std::size_t i = 0; i < run_ring<runnable>::capacity / 2; ++i)
    if (runnable* oldest = ring_.pop()) add(*oldest);
  add(r);
  home_.shared().push_list(*first, *last, count);
}

runnable* worker::next() {
  ++ticks_;
  if (ticks_ % timer_interval == 0) {
    be_visited();
    expire_timers();
    poller_->poll();
  }
  if (again_ != nullptr) {
    runnable& alone = *std::exchange(again_, nullptr);
    if (lifo_.load(std::memory_order_relaxed) == nullptr && ring_.size() == 0 && home_.shared().size() == 0)
      return &alone;
    enqueue(alone);  // no longer alone: it waits its turn, where others can take it
  }
  if (ticks_ % shared_interval == 0)
    if (runnable* r = take_shared(true)) return r;
  if (lifo_.load(std::memory_order_relaxed) != nullptr) {
    if (runnable* r = lifo_.exchange(nullptr, std::memory_order_acq_rel)) {
      if (++lifo_runs_ <= lifo_limit || ring_.empty()) return r;
      enqueue(*r);
    }
  }
  lifo_runs_ = 0;
  if (runnable* r = ring_.pop()) return r;
  return take_shared(false);
}

runnable* worker::take_shared(bool one) {
  run_queue& shared = home_.shared();
  if (shared.empty()) return nullptr;
  const std::size_t share =
      one ? 1 : std::min<std::size_t>(shared.size() / home_.executors() + 1, run_ring<runnable>::capacity / 2);
  runnable* first = shared.pop(share);
  if (first == nullptr) return nullptr;
  bool more = false;
  for (runnable* r = std::exchange(first->run_next, nullptr); r != nullptr;) {
    runnable* following = std::exchange(r->run_next, nullptr);
    if (!ring_.push(r)) overflow(*r);
    more = true;
    r = following;
  }
  if (more) home_.work_published();
  return first;
}

runnable* worker::search() {
  if (!searching_) searching_ = home_.idle().start_search();
  if (!searching_) return nullptr;
  const std::size_t workers = home_.executors();
  for (int round = 0; round < 4; ++round) {
    random_ = scramble(random_ + 0x9e3779b97f4a7c15ULL);
    const std::size_t start = random_ % workers;
    for (std::size_t i = 0; i < workers; ++i) {
      worker& victim = home_.at((start + i) % workers);
      if (&victim == this) continue;
      if (runnable* r = victim.ring_.steal_into(ring_)) return r;
      if (runnable* r = victim.steal_lifo()) return r;
    }
    if (runnable* r = take_shared(false)) return r;
  }
  return nullptr;
}

void worker::execute(runnable& r) {
  if (searching_) {
    searching_ = false;
    // We may have been the one on whom publishers relied: see idle.hpp.
    if (home_.idle().stop_search() && home_.has_work()) home_.work_published();
  }
  runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // only this thread writes it
  // relaxed: the run queue brought us what was done before.
  if (r.kind.load(std::memory_order_relaxed) != runnable_kind::process) [[unlikely]]
    return execute_other(r);
  auto& s = static_cast<slot&>(r);
  running_.store(&s, std::memory_order_release);  // pairs with running(): the process's first place is there
  has_run(s, run(s, *this, budget));
}

const runnable worker::an_other_{runnable_kind::job};

void worker::execute_other(runnable& r) {
  running_.store(&an_other_, std::memory_order_relaxed);
  has_run(r, run_other(r, *this));
}

void worker::has_run(runnable& r, run_result result) {
  running_.store(nullptr, std::memory_order_relaxed);
  if (lifo_open_.load(std::memory_order_relaxed)) [[unlikely]]
    lifo_open_.store(false, std::memory_order_relaxed);
  if (result != run_result::again) return;
  // Alone: it goes on, and nobody is woken to find out that there is nothing to steal.
  if (again_ == nullptr && lifo_.load(std::memory_order_relaxed) == nullptr && ring_.size() == 0 &&
      home_.shared().size() == 0)
    again_ = &r;
  else
    enqueue(r);
}

void worker::be_visited() {
  if (home_.visits() == visits_) return;
  ++visits_;  // the next visit waits for us to have had this one
  home_.visit();
}

void worker::expire_timers() {
  timer_service& timers = rt().timers();
  const time_point next = timers.next_expiry();
  if (next == time_point::max()) return;
  const time_point now = rt().time().now();
  if (next <= now) timers.expire(now);
}

/// Virtual time: everybody waits, so let it be the moment for which they do. True: something fired, and `moving` holds
/// the jump lock.
bool worker::jump(std::unique_lock<std::mutex>& moving) {
  virtual_clock* clock = home_.jumping_clock();
  if (clock == nullptr) return false;
  std::unique_lock lock(home_.jump_lock());
  // In this order: what a worker that was up has begun before it parked, is seen.
  if (!home_.idle().all_parked() || home_.blocking_outstanding()) return false;
  const time_point next = rt().timers().next_expiry();
  if (next == time_point::max()) return false;
  moving = std::move(lock);
  clock->advance_to(next);
  rt().timers().expire(clock->now());
  return true;
}

void worker::park() {
  const auto announced = home_.idle().park(index(), std::exchange(searching_, false));
  std::unique_lock<std::mutex> moving;
  const bool found =
      home_.is_stopping() || (announced.look_again && home_.has_work()) || (announced.all_parked && jump(moving));
  if (!found) {
    // A virtual clock does not move while we sleep: whoever arms a timer then wakes us.
    const time_point deadline =
        home_.jumping_clock() != nullptr ? time_point::max() : rt().timers().next_expiry(index());
    poller_->wait(deadline);
  }
  if (!home_.idle().unpark(index())) searching_ = true;
  if (moving) moving.unlock();
  home_.worker_is_up();
  be_visited();
  expire_timers();
  if (poller_->is_ready()) {
    // What it does makes processes ready, here: as a searcher, so that no other worker is woken for them. As in
    // search(), execute() says when we stop, and looks again.
    if (!searching_) searching_ = home_.idle().start_search();
    poller_->poll();
  }
}

}  // namespace troupe::detail
