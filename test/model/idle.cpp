// SPDX-License-Identifier: BSL-1.0
// Parking, model-checked: workers that run, search and sleep, around the real ring and the real idle_workers.
#include "checker.hpp"

#include <troupe/actors/idle.hpp>
#include <troupe/actors/run_ring.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <utility>

using namespace troupe::model;
using troupe::detail::idle_workers;
using troupe::detail::run_ring;

namespace {

/// Stands for a process that is ready to run.
struct job {
  plain<job*> run_next;
  plain<int> runs;
  plain<int> content;

  // What its run does, in this order.
  std::array<job*, 2> wakes{};        // makes others ready
  bool through_lifo = false;          // as a send does; else as a spawn does
  wake_flag* tick = nullptr;          // takes so long that the watchdog ticks
  std::array<wake_flag*, 2> waits{};  // takes until others have run: see wait_for()
  std::array<wake_flag*, 2> tells{};
};

/// Steps of the protocol that a faulty worker leaves out.
struct faults {
  bool no_second_look = false;  // a parker does not look at the queues after its announcement
  bool no_last_look = false;    // a searcher that has found something does not look again when it stops
  bool no_publication = false;  // work is put into a queue and nobody is woken
  bool no_jump_lock = false;    // virtual time: two who were the last may jump at once
  bool no_jump = false;         // virtual time: the last one who parks goes to sleep like all others
};

constexpr std::size_t never = static_cast<std::size_t>(-1);

/// worker.cpp, threaded_scheduler.cpp, run_queue.hpp and a word of timers.cpp, without what has nothing to do with
/// parking: budgets, ticks, statistics, overflow. Names and order of steps are theirs: who changes one changes the
/// other.
template <class Atomics, std::size_t Workers, faults Faults>
struct office : scenario {
  static constexpr std::size_t capacity = 4;
  using moving_lock = std::unique_lock<typename Atomics::mutex>;

  // --- the shared queue: run_queue.hpp -------------------------------------------------------------------------------

  struct run_queue {
    void push(job& s) {
      s.run_next = nullptr;
      const std::lock_guard guard(lock_);
      job* const last = tail_;
      if (last == nullptr)
        head_ = &s;
      else
        last->run_next = &s;
      tail_ = &s;
      size_.fetch_add(1, std::memory_order_seq_cst);
    }
    job* pop(std::size_t most) {
      if (empty()) return nullptr;
      const std::lock_guard guard(lock_);
      job* const first = head_;
      job* last = nullptr;
      std::size_t count = 0;
      for (job* s = first; s != nullptr && count < most; s = s->run_next, ++count) last = s;
      if (last == nullptr) return nullptr;
      job* const rest = last->run_next;
      head_ = rest;
      if (rest == nullptr) tail_ = nullptr;
      last->run_next = nullptr;
      size_.fetch_sub(count, std::memory_order_relaxed);
      return first;
    }
    bool empty() const { return size_.load(std::memory_order_seq_cst) == 0; }
    std::size_t size() const { return size_.load(std::memory_order_relaxed); }

    typename Atomics::mutex lock_;
    plain<job*> head_;
    plain<job*> tail_;
    typename Atomics::template atomic<std::size_t> size_;
  };

  // --- timers.cpp: the one at time k makes jobs[k - 1] ready ---------------------------------------------------------

  struct timer_service {
    typename Atomics::mutex lock;
    plain<std::size_t> armed;  // up to this time
    plain<std::size_t> fired;  // up to this time
    typename Atomics::template atomic<std::size_t> next{never};

    void set_next() { next.store(fired < armed ? fired + 1 : never, std::memory_order_seq_cst); }
  };

  struct worker {
    run_ring<job, capacity, Atomics> ring;
    typename Atomics::template atomic<job*> lifo;
    typename Atomics::template atomic<bool> lifo_open;
    wake_flag poller;
    bool searching = false;
  };

  // --- worker.cpp ----------------------------------------------------------------------------------------------------

  void loop(std::size_t me) {
    for (;;) {
      job* s = next(me);
      if (s == nullptr) s = search(me);
      if (s != nullptr)
        execute(me, *s);
      else
        park(me);
    }
  }

  void ready_here(std::size_t me, job& s, bool fresh) {
    if (fresh) {
      enqueue(me, s);
      return;
    }
    if (at(me).lifo.load(std::memory_order_relaxed) == nullptr)
      at(me).lifo.store(&s, std::memory_order_release);
    else if (job* displaced = at(me).lifo.exchange(&s, std::memory_order_acq_rel))
      enqueue(me, *displaced);
  }

  void enqueue(std::size_t me, job& s) {
    if (only_shared) {
      shared.push(s);
    } else {
      check(at(me).ring.push(&s), "the scenario has more work than a ring holds");
    }
    work_published();
  }

  job* next(std::size_t me) {
    if (only_shared) return take_shared(me);
    worker& w = at(me);
    if (w.lifo.load(std::memory_order_relaxed) != nullptr)
      if (job* s = w.lifo.exchange(nullptr, std::memory_order_acq_rel)) return s;
    if (job* s = w.ring.pop()) return s;
    return take_shared(me);
  }

  job* take_shared(std::size_t me) {
    if (shared.empty()) return nullptr;
    const std::size_t share = std::min<std::size_t>(shared.size() / Workers + 1, capacity / 2);
    job* first = shared.pop(share);
    if (first == nullptr) return nullptr;
    bool more = false;
    job* s = first->run_next;
    first->run_next = nullptr;
    while (s != nullptr) {
      job* following = s->run_next;
      s->run_next = nullptr;
      check(at(me).ring.push(s), "the scenario has more work than a ring holds");
      more = true;
      s = following;
    }
    if (more) work_published();
    return first;
  }

  job* search(std::size_t me) {
    worker& w = at(me);
    if (!w.searching && !(w.searching = idle.start_search())) return nullptr;
    if (only_shared) return take_shared(me);
    for (std::size_t i = 1; i < Workers; ++i) {
      worker& victim = at((me + i) % Workers);
      if (job* s = victim.ring.steal_into(w.ring)) return s;
      if (job* s = steal_lifo(victim)) return s;
    }
    return take_shared(me);
  }

  void execute(std::size_t me, job& s) {
    if (at(me).searching) {
      at(me).searching = false;
      const bool last = idle.stop_search();
      if (!Faults.no_last_look && last && has_work()) work_published();
    }
    check(s.content == 42, "a job without its content");
    check(s.runs == 0, "a job was run twice");
    s.runs = 1;
    for (job* woken : s.wakes)
      if (woken != nullptr) {
        woken->content = 42;
        ready_here(me, *woken, !s.through_lifo);
      }
    if (s.tick != nullptr) s.tick->wake();
    for (wake_flag* other : s.waits)
      if (other != nullptr) other->wait();
    for (wake_flag* waiter : s.tells)
      if (waiter != nullptr) waiter->wake();
    if (!only_shared && at(me).lifo_open.load(std::memory_order_relaxed))
      at(me).lifo_open.store(false, std::memory_order_relaxed);
  }

  job* steal_lifo(worker& victim) {
    if (!has_open_lifo(victim)) return nullptr;
    return victim.lifo.exchange(nullptr, std::memory_order_acq_rel);
  }

  static bool has_open_lifo(const worker& w) {
    return w.lifo_open.load(std::memory_order_seq_cst) && w.lifo.load(std::memory_order_seq_cst) != nullptr;
  }

  void expire_timers(std::size_t me) {
    const std::size_t next = timers.next.load(std::memory_order_seq_cst);
    if (next == never) return;
    const std::size_t moment = now.load(std::memory_order_acquire);
    if (next <= moment) expire(me, moment);
  }

  void expire(std::size_t me, std::size_t moment) {
    std::size_t first;
    std::size_t last;
    {
      const std::lock_guard guard(timers.lock);
      first = timers.fired;
      last = std::max(first, std::min<std::size_t>(timers.armed, moment));
      timers.fired = last;
      timers.set_next();
    }
    for (; first < std::min(last, fruitful); ++first) {
      jobs[first].content = 42;
      enqueue(me, jobs[first]);
    }
  }

  /// `moving` holds the jump lock if it returns true.
  bool jump(std::size_t me, moving_lock& moving) {
    moving_lock lock = Faults.no_jump_lock ? moving_lock() : moving_lock(jump_lock);
    if (!idle.all_parked()) return false;
    const std::size_t next = timers.next.load(std::memory_order_seq_cst);
    if (next == never) return false;
    moving = std::move(lock);
    for (std::size_t i = 0; i + 1 < next; ++i)
      check(jobs[i].runs == 1, "time went on while a process of an earlier moment was ready");
    std::size_t seen = now.load(std::memory_order_relaxed);
    while (seen < next &&
           !now.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
    expire(me, now.load(std::memory_order_acquire));
    return true;
  }

  void park(std::size_t me) {
    const auto announced = idle.park(me, std::exchange(at(me).searching, false));
    moving_lock moving;
    const bool found = (!Faults.no_second_look && announced.look_again && has_work()) ||
                       (virtual_time && !Faults.no_jump && announced.all_parked && jump(me, moving));
    if (!found) at(me).poller.wait();
    unpark(me, moving);
  }

  void unpark(std::size_t me, moving_lock& moving) {
    if (!idle.unpark(me)) at(me).searching = true;
    if (moving) moving.unlock();
    if (virtual_time) expire_timers(me);
    if (me == 0 && arrived != 0) {
      if (!at(me).searching) at(me).searching = idle.start_search();
      poll(me);
    }
  }

  /// net/poller.cpp: what worker 0 has seen come from sockets while it waited.
  void poll(std::size_t me) {
    const std::size_t count = std::exchange(arrived, 0);
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].content = 42;
      enqueue(me, jobs[i]);
    }
  }

  // --- threaded_scheduler.cpp
  // ------------------------------------------------------------------------------------------

  void ready(job& s) {
    s.content = 42;
    shared.push(s);
    work_published();
  }

  void work_published() {
    if (Faults.no_publication) return;
    if (const std::size_t sleeper = idle.worker_to_wake(); sleeper != idle.nobody) at(sleeper).poller.wake();
  }

  bool has_work() const {
    return !shared.empty() || std::any_of(workers.begin(), workers.end(),
                                          [](const worker& w) { return !w.ring.empty() || has_open_lifo(w); });
  }

  /// Outside of the workers: the timer after the last one.
  void arm_timer() {
    std::size_t before;
    {
      const std::lock_guard guard(timers.lock);
      before = timers.next.load(std::memory_order_relaxed);
      timers.armed = timers.armed + 1;
      timers.set_next();
    }
    if (timers.next.load(std::memory_order_seq_cst) < before) at(0).poller.wake();
  }

  /// The watchdog's tick, when a run takes long.
  void tick() {
    for (worker& w : workers)
      if (w.lifo.load(std::memory_order_relaxed) != nullptr) w.lifo_open.store(true, std::memory_order_seq_cst);
    work_published();
  }

  // -------------------------------------------------------------------------------------------------------------------

  void at_rest() override {
    check(!has_work(), "work lies in a queue and everybody sleeps");
    check(idle.all_parked(), "somebody sleeps and does not count as parked");
    check(timers.fired == timers.armed, "everybody sleeps and time does not go on");
    for (const job& s : jobs) check(!s.content || s.runs == 1, "a job was not run");
  }

  worker& at(std::size_t index) { return workers[index]; }

  /// The run of `one` does not end before `other` has run: on another worker, so work that one's worker has in its
  /// queue must not be left there. (In the program a run does not wait for others, it just computes for long.)
  void wait_for(job& one, job& other) {
    wake_flag* const flag = &flags[flag_count++];
    *std::find(one.waits.begin(), one.waits.end(), nullptr) = flag;
    *std::find(other.tells.begin(), other.tells.end(), nullptr) = flag;
  }

  idle_workers<Atomics> idle{Workers};
  run_queue shared;
  timer_service timers;
  typename Atomics::template atomic<std::size_t> now;
  typename Atomics::mutex jump_lock;
  bool virtual_time = false;
  std::size_t fruitful = never;  // timers beyond this one are for processes that are gone
  std::size_t arrived = 0;       // messages for jobs[0] and so on that worker 0's poller has seen
  bool only_shared = false;      // no rings and LIFO slots: they are beside the point, and there are fewer orders so
  std::array<worker, Workers> workers;
  std::array<job, 4> jobs;
  std::array<wake_flag, 4> flags;
  std::size_t flag_count = 0;
};

/// Somebody outside makes processes ready.
template <class Atomics, std::size_t Workers, std::size_t Jobs, faults Faults = faults{}>
struct outside : office<Atomics, Workers, Faults> {
  static constexpr std::size_t threads = Workers + 1;
  void thread(std::size_t index) override {
    if (index < Workers) {
      this->loop(index);
    } else {
      for (std::size_t i = 0; i < Jobs; ++i) this->ready(this->jobs[i]);
    }
  }
};

/// A process makes others ready while the other workers look for work and go to sleep.
template <class Atomics, std::size_t Workers, std::size_t Children, faults Faults = faults{}>
struct inside : office<Atomics, Workers, Faults> {
  static constexpr std::size_t threads = Workers;
  inside() {
    this->jobs[0].content = 42;
    for (std::size_t i = 0; i < Children; ++i) this->jobs[0].wakes[i] = &this->jobs[1 + i];
    this->workers[0].ring.push(&this->jobs[0]);
  }
  void thread(std::size_t index) override { this->loop(index); }
};

/// The same, and its run takes long.
template <class Atomics, std::size_t Workers, std::size_t Children, faults Faults = faults{}>
struct long_run : inside<Atomics, Workers, Children, Faults> {
  long_run() {
    for (std::size_t i = 0; i < Children; ++i) this->wait_for(this->jobs[0], this->jobs[1 + i]);
  }
};

/// Two runs that take long, so that what the second one leaves must be found by a third worker.
template <class Atomics, faults Faults = faults{}>
struct two_long_runs : long_run<Atomics, 3, 2, Faults> {
  two_long_runs() { this->wait_for(this->jobs[1], this->jobs[2]); }
};

/// What waits in the LIFO slot behind a long run.
template <class Atomics, faults Faults = faults{}>
struct behind_in_lifo : long_run<Atomics, 2, 1, Faults> {
  static constexpr std::size_t threads = 3;
  behind_in_lifo() {
    this->jobs[0].through_lifo = true;
    this->jobs[0].tick = &this->flags.back();
  }
  void thread(std::size_t index) override {
    if (index < 2) {
      this->loop(index);
    } else {
      this->flags.back().wait();
      this->tick();
    }
  }
};

/// Virtual time: timers are armed, and both workers go to sleep.
template <class Atomics, std::size_t Timers, faults Faults = faults{}>
struct sleepers_in_time : office<Atomics, 2, Faults> {
  static constexpr std::size_t threads = 2;
  sleepers_in_time() {
    this->virtual_time = true;
    this->timers.armed = Timers;
    this->timers.set_next();
  }
  void thread(std::size_t index) override { this->loop(index); }
};

/// Both have announced that they sleep. Worker 1 was the last one and is about to let time jump; worker 0 is woken by
/// something that came too late for what it was meant for, and will be the last one too.
template <class Atomics, std::size_t Timers, faults Faults = faults{}>
struct two_last_ones : sleepers_in_time<Atomics, Timers, Faults> {
  two_last_ones() {
    this->only_shared = true;
    this->fruitful = 1;
    this->idle.park(0, false);
    this->idle.park(1, false);
    this->at(0).poller.wake();
  }
  void thread(std::size_t index) override {
    std::unique_lock<typename Atomics::mutex> moving;
    if (index == 0 || !this->jump(1, moving)) this->at(index).poller.wait();
    this->unpark(index, moving);
    this->loop(index);
  }
};

/// A simpler way to the same.
template <class Atomics, faults Faults>
struct woken_for_nothing : sleepers_in_time<Atomics, 2, Faults> {
  woken_for_nothing() { this->at(0).poller.wake(); }
};

/// Virtual time: a timer is armed from outside while everybody goes to sleep.
template <class Atomics, faults Faults = faults{}>
struct timer_from_outside : sleepers_in_time<Atomics, 0, Faults> {
  static constexpr std::size_t threads = 3;
  timer_from_outside() { this->idle.park(0, false); }
  void thread(std::size_t index) override {
    if (index == 2) {
      this->arm_timer();
      return;
    }
    if (index == 0) {
      std::unique_lock<typename Atomics::mutex> moving;
      this->at(0).poller.wait();
      this->unpark(0, moving);
    }
    this->loop(index);
  }
};

/// Sockets end the sleep of worker 0, which makes two processes ready; the run of the first takes long.
template <class Atomics, std::size_t Workers, faults Faults = faults{}>
struct from_sockets : office<Atomics, Workers, Faults> {
  static constexpr std::size_t threads = Workers;
  from_sockets() {
    this->idle.park(0, false);
    this->at(0).poller.wake();
    this->arrived = 2;
    this->wait_for(this->jobs[0], this->jobs[1]);
  }
  void thread(std::size_t index) override {
    if (index == 0) {
      std::unique_lock<typename Atomics::mutex> moving;
      this->at(0).poller.wait();
      this->unpark(0, moving);
    }
    this->loop(index);
  }
};

void prove(const result& r) {
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}
void find(const result& r, const char* what) {
  CHECK_MESSAGE(r.violation.starts_with(what), r.violation);
  MESSAGE(r.summary());
}

using weak_exchange = weak_atomics<weakness::exchange_is_store>;
using weak_announcement = weak_atomics<weakness::fetch_is_store>;
constexpr const char* left = "work lies in a queue and everybody sleeps";

}  // namespace

TEST_CASE("one worker that goes to sleep misses nothing that comes from outside") {
  prove(explore<outside<atomics, 1, 1>>());
  prove(explore<outside<atomics, 1, 2>>());
}

TEST_CASE("two workers that go to sleep miss nothing that comes from outside") {
  prove(explore<outside<atomics, 2, 1>>());
}

TEST_CASE("what a process makes ready is run once, by its own worker or by a thief") {
  prove(explore<inside<atomics, 2, 1>>());
  prove(explore<inside<atomics, 2, 2>>());
}

TEST_CASE(
    "what a long run leaves in its worker's ring is run by another worker, wherever that is on its way to sleep") {
  prove(explore<long_run<atomics, 2, 1>>());
  prove(explore<long_run<atomics, 2, 2>>());
}

TEST_CASE("what waits in the LIFO slot behind a long run is taken after the watchdog's tick") {
  prove(explore<behind_in_lifo<atomics>>());
}

TEST_CASE("what sockets make ready behind a long run is found by another worker, though the one that saw it searches") {
  prove(explore<from_sockets<atomics, 2>>());
}

TEST_CASE("in virtual time the last worker that parks learns that it is the last, and lets time jump") {
  prove(explore<sleepers_in_time<atomics, 1>>());
}

TEST_CASE("a timer that is armed while everybody goes to sleep is fired") {
  prove(explore<timer_from_outside<atomics>>());
}

TEST_CASE("of two workers that both were the last one, one lets time jump, and the other leaves its process alone") {
  prove(explore<two_last_ones<atomics, 1>>());
  prove(explore<two_last_ones<atomics, 2>>());
}

TEST_CASE("two that let time jump without a lock let it run ahead of a process that is ready") {
  find(explore<woken_for_nothing<atomics, faults{.no_jump_lock = true}>>(), "time went on");
}

TEST_CASE("a worker that is the last and does not let time jump sleeps for ever") {
  find(explore<sleepers_in_time<atomics, 1, faults{.no_jump = true}>>(), "everybody sleeps");
}

TEST_CASE("a ring that publishes with a store in place of the exchange loses wake-ups") {
  find(explore<long_run<weak_exchange, 2, 1>>(), left);
}

TEST_CASE("a worker that announces its sleep with a store in place of a read-modify-write is lost") {
  find(explore<outside<weak_announcement, 2, 1>>(), "");
}

TEST_CASE("a worker that does not look again after its announcement misses work") {
  find(explore<long_run<atomics, 2, 1, faults{.no_second_look = true}>>(), left);
  find(explore<outside<atomics, 2, 1, faults{.no_second_look = true}>>(), left);
}

TEST_CASE("a searcher that does not look again when it stops leaves work to nobody") {
  find(explore<two_long_runs<atomics, faults{.no_last_look = true}>>(), left);
}

TEST_CASE("one that has seen sockets and does not look again when it stops searching leaves work to nobody") {
  find(explore<from_sockets<atomics, 2, faults{.no_last_look = true}>>(), left);
}

TEST_CASE("work that is published to nobody lies there") {
  find(explore<outside<atomics, 2, 1, faults{.no_publication = true}>>(), left);
}

// Too many orders to try them all: these are not proofs.
TEST_CASE("three workers, two long runs: no work is left in the first 100,000 executions") {
  const result r = explore(3, [] { return std::make_unique<two_long_runs<atomics>>(); }, {.max_executions = 100'000});
  CHECK_MESSAGE(r.violation.empty(), r.violation);
  MESSAGE(r.summary());
}
