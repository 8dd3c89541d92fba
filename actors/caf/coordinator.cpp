// SPDX-License-Identifier: BSL-1.0
// CAF's actors on troupe's workers.
#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/caf/coordinator.hpp>
#include <troupe/actors/caf/crossing.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/errors.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/defaults.hpp>
#include <caf/logger.hpp>
#include <caf/scheduled_actor.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

namespace troupe::bridge::detail {

using troupe::detail::executor;
using troupe::detail::foreign_job;
using troupe::detail::job_timer;
using troupe::detail::run_result;
using troupe::detail::runtime;

namespace {

// As many messages as a process may handle in a run. CAF's own default is no limit at all, but here an actor with a
// full mailbox shares its worker with processes.
constexpr std::size_t budget = 256;

// A thread that spawns an actor, or makes a scoped_actor, keeps its system's logger for the messages that it might log,
// and the end of the system waits for that logger's.
void let_go_of_logger() noexcept {
  caf::logger::set_current_actor_system(nullptr);
}

}  // namespace

// --- jobs ------------------------------------------------------------------------------------------------------------

class coordinator::actor_job final : public foreign_job, public troupe::detail::pooled {
 public:
  actor_job(coordinator& home, caf::resumable* what, bool late) noexcept : home_(home), what_(what), late_(late) {}

  run_result run(executor& on) noexcept override {
    worker_unit& unit = *home_.units_[on.index()];
    const run_result result = home_.resume(what_, unit, late_);
    if (result == run_result::again) {
      late_ = home_.is_stopping();
      return result;
    }
    coordinator& home = home_;
    delete this;
    home.count_finished(unit.finished);
    return result;
  }

 private:
  coordinator& home_;
  caf::resumable* what_;
  bool late_;
};

/// The clock's alarm: a timer, and the job that it makes runnable.
class coordinator::alarm_job final : public foreign_job {
 public:
  explicit alarm_job(coordinator& home) noexcept : timer(*this), home_(home) {}
  run_result run(executor& on) noexcept override;

  job_timer timer;

 private:
  coordinator& home_;
};

class coordinator::alarm_clock final : public actor_clock {
 public:
  explicit alarm_clock(coordinator& home) noexcept : home_(home), job_(home) {}

  time_point now() const noexcept override { return home_.home_->time().now(); }

  /// What waits is forgotten; the alarm does not ring again.
  void stop() {
    close();
    if (home_.home_->timers().disarm(job_.timer)) home_.count_finished(home_.finished_);
  }

 protected:
  void set_alarm(time_point t, bool armed) override {
    if (armed) {
      home_.home_->timers().advance(job_.timer, t);
    } else {
      // seq_cst: see put().
      home_.queued_.fetch_add(1, std::memory_order_seq_cst);
      home_.home_->timers().arm(job_.timer, t);
    }
  }

 private:
  coordinator& home_;
  alarm_job job_;
};

run_result coordinator::alarm_job::run(executor&) noexcept {
  home_.clock_->expire();
  home_.count_finished(home_.finished_);
  return run_result::ended;
}

// --- running ---------------------------------------------------------------------------------------------------------

coordinator::coordinator(caf::actor_system& sys, std::shared_ptr<runtime> home, troupe::actor_system& processes)
    : abstract_coordinator(sys), home_(std::move(home)), processes_(processes),
      clock_(std::make_unique<alarm_clock>(*this)) {
  if (!home_->enter_guest())
    throw usage_error("troupe: the actor_system on whose workers a caf::actor_system is to run has stopped");
  inside_ = true;
  home_->sched().after_blocking(let_go_of_logger);
  const std::size_t workers = home_->sched().executors();
  for (std::size_t i = 0; i < workers; ++i) units_.push_back(std::make_unique<worker_unit>(sys, *this));
}

coordinator::~coordinator() {
  // CAF's constructor has thrown, so that stop() was not called: nothing has been queued.
  if (inside_) home_->leave_guest();
}

void coordinator::init(caf::actor_system_config& cfg) {
  abstract_coordinator::init(cfg);
  num_workers_ = units_.size();
  throughput_ = max_throughput_ == std::numeric_limits<std::size_t>::max() ? budget : max_throughput_;
}

void coordinator::start() {
  logs_ = system().logger().verbosity() > CAF_LOG_LEVEL_QUIET;
  // Thread hooks hear of workers as of CAF's own. (Whoever has none need not wait for workers that are busy.)
  if (!config().thread_hooks_.empty()) home_->sched().on_workers([this] { system().thread_started(); });
  abstract_coordinator::start();
  crossing_ = std::make_unique<crossing>(system(), processes_);
}

caf::actor_clock& coordinator::clock() noexcept {
  return *clock_;
}

void worker_unit::exec_later(caf::resumable* what) {
  home_.put(*this, what);  // CAF calls it on the worker whose unit it is
}

void coordinator::put(worker_unit& from, caf::resumable* what) {
  executor* const env = home_->this_env();
  // Only this worker counts here, so that no other's add is lost. seq_cst: whoever sees what comes next and misses this
  // would take a queued job for none; see stop().
  from.queued.store(from.queued.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  if (closed_.load(std::memory_order_seq_cst)) [[unlikely]] {
    drop(system(), what);
    count_finished(from.finished);
    return;
  }
  env->ready(*new actor_job(*this, what, is_stopping()), false);
}

void coordinator::enqueue(caf::resumable* what) {
  if (executor* env = home_->this_env()) return put(*units_[env->index()], what);
  queued_.fetch_add(1, std::memory_order_seq_cst);  // as in put()
  if (closed_.load(std::memory_order_seq_cst)) [[unlikely]] {
    drop(system(), what);
    count_finished(finished_);
    return;
  }
  home_->sched().ready(*new actor_job(*this, what, is_stopping()));
}

run_result coordinator::resume(caf::resumable* what, worker_unit& on, bool late) {
  if (late) [[unlikely]] {
    drop(system(), what);
    return run_result::ended;
  }
  if (logs_) [[unlikely]]
    caf::logger::set_current_actor_system(&system());
  const caf::resumable::resume_result result = what->resume(&on, throughput_);
  if (logs_) [[unlikely]]
    let_go_of_logger();
  switch (result) {
    case caf::resumable::resume_later: return run_result::again;
    case caf::resumable::done:
    case caf::resumable::awaiting_message: caf::intrusive_ptr_release(what); break;
    // It means that this worker is to end. Only CAF's own schedulers send such, to themselves, and keep the reference.
    case caf::resumable::shutdown_execution_unit: break;
  }
  return run_result::ended;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void coordinator::drop(caf::actor_system& sys, caf::resumable* what) {
  // Those that become runnable by it are dropped as well, one after the other: a chain of links may be long.
  class collector final : public caf::execution_unit {
   public:
    explicit collector(caf::actor_system& s) : caf::execution_unit(&s) {}
    void exec_later(caf::resumable* next) override { waiting.push_back(next); }
    std::vector<caf::resumable*> waiting;
  } collected(sys);
  collected.waiting.push_back(what);
  while (!collected.waiting.empty()) {
    caf::resumable* next = collected.waiting.back();
    collected.waiting.pop_back();
    if (next->subtype() == caf::resumable::scheduled_actor || next->subtype() == caf::resumable::io_actor)
      static_cast<caf::scheduled_actor*>(next)->cleanup(caf::make_error(caf::exit_reason::user_shutdown), &collected);
    caf::intrusive_ptr_release(next);
  }
}

void coordinator::count_finished(std::atomic<std::uint64_t>& count) noexcept {
  // release: whoever counts sees what the job has queued. A unit's count is its worker's alone, but the alarm and the
  // threads that are no workers share theirs.
  if (!stopping_.load(std::memory_order_relaxed)) [[likely]] {
    count.fetch_add(1, std::memory_order_release);
    return;
  }
  const std::lock_guard guard(stop_lock_);
  count.fetch_add(1, std::memory_order_release);
  all_done_.notify_all();  // under the lock: once that is free, all of this may be gone
}

bool coordinator::all_finished() const noexcept {
  // The finished ones first: a job that ends in between then counts as queued, and never the other way round.
  std::uint64_t finished = finished_.load(std::memory_order_seq_cst);
  for (const auto& u : units_) finished += u->finished.load(std::memory_order_seq_cst);
  std::uint64_t queued = queued_.load(std::memory_order_seq_cst);
  for (const auto& u : units_) queued += u->queued.load(std::memory_order_seq_cst);
  return queued == finished;
}

void coordinator::wait_until_finished(std::unique_lock<std::mutex>& guard) {
  // In slices: a job that ended while stopping_ was being set has told nobody.
  while (!all_done_.wait_for(guard, std::chrono::milliseconds(10), [this] { return all_finished(); })) {
  }
}

void coordinator::stop() {
  if (home_->this_env() != nullptr) {
    std::fprintf(stderr,
                 "troupe: a caf::actor_system cannot be destroyed by a worker on which its own actors run: do "
                 "it on a thread of yours, or in self.blocking(f)\n");
    std::abort();
  }
  crossing_.reset();
  {
    const std::lock_guard guard(stop_lock_);
    stopping_.store(true, std::memory_order_seq_cst);
  }
  stop_actors();
  clock_->stop();
  std::unique_lock guard(stop_lock_);
  wait_until_finished(guard);
  // A thread that puts something into a queue counts it, then looks at closed_; we set that, then look at the counts:
  // we wait for it, or it sees that it is to drop it.
  closed_.store(true, std::memory_order_seq_cst);
  wait_until_finished(guard);
  guard.unlock();
  home_->sched().on_workers([this] {
    system().thread_terminates();
    let_go_of_logger();
  });
  inside_ = false;
  home_->leave_guest();
}

}  // namespace troupe::bridge::detail
