// SPDX-License-Identifier: BSL-1.0
// The deterministic scheduler: one thread, a seed that makes every choice, virtual time. Internal; tests use
// simulation.hpp.
#pragma once

#include <troupe/actors/executor.hpp>
#include <troupe/actors/options.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace troupe::detail {

/// Identifies one event source of a world; 0: none, which is always there.
using source_id = std::uint64_t;

/// Something that makes things happen in a simulated world: a system, a network.
class event_source {
 public:
  event_source() = default;
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;
  virtual ~event_source();

  /// How many things could happen now.
  virtual std::size_t choices() = 0;
  /// Lets one of them happen, 0 to choices() - 1.
  virtual void take(std::size_t choice) = 0;
  /// When something could happen that cannot now, if nothing else does; time_point::max(): never.
  virtual time_point next_time() = 0;
  /// The clock has moved to or past next_time() of some source.
  virtual void time_passed() {}
  /// Another source has left the world: what was to call it must be forgotten.
  virtual void has_left(source_id) noexcept {}
  /// Who lives in it, where, and for what it waits, a line each.
  virtual std::string report() { return {}; }
};

/// What the systems of one simulation share: the seed's random numbers, the clock, and the choice of what happens next.
/// One thread.
class simulated_world {
 public:
  explicit simulated_world(std::uint64_t seed) noexcept : seed_(seed), random_(seed) {}
  simulated_world(const simulated_world&) = delete;
  simulated_world& operator=(const simulated_world&) = delete;

  /// Lets one thing happen: a process runs, an envelope or bytes arrive, blocking work is done; when there is nothing
  /// of the kind, time jumps to the next timer. False: nothing will ever happen again. Throws endless after max_steps.
  bool step();

  /// From now on its events are among the choices. It leaves before it is destroyed.
  source_id join(event_source& source);
  void leave(event_source& source) noexcept;
  /// On whose behalf code runs at present: the source whose event this step is, unless an acting_for says otherwise.
  source_id acting() const noexcept { return acting_; }

  /// 0 to `below` - 1.
  std::uint64_t choose(std::uint64_t below) noexcept;
  /// Adds to the trace's hash.
  void note(std::uint64_t what) noexcept;

  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t trace() const noexcept { return trace_; }
  std::uint64_t steps() const noexcept { return steps_; }
  virtual_clock& time() noexcept { return clock_; }
  /// Who lives, where and for what it waits, a line each.
  std::string report();

  std::uint64_t max_steps = 20'000'000;

 private:
  friend class deterministic_scheduler;
  friend class acting_for;

  struct member {
    event_source* source;
    source_id id;
    std::size_t choices;  // of this step
  };

  const std::uint64_t seed_;
  std::uint64_t random_;
  std::uint64_t trace_ = 0;
  std::uint64_t steps_ = 0;
  std::uint32_t systems_made_ = 0;
  virtual_clock clock_;
  source_id last_id_ = 0;
  source_id acting_ = 0;
  std::vector<member> members_;
};

/// While it lives, code runs on behalf of that source, and on no worker.
class acting_for {
 public:
  acting_for(simulated_world& world, source_id source) noexcept;
  ~acting_for();
  acting_for(const acting_for&) = delete;
  acting_for& operator=(const acting_for&) = delete;

 private:
  simulated_world& world_;
  source_id before_;
  executor* executor_before_;
};

/// One system's part of a simulated world.
class deterministic_scheduler final : public scheduler, private event_source {
 public:
  explicit deterministic_scheduler(std::shared_ptr<simulated_world> world);
  ~deterministic_scheduler() override;

  void start(runtime& rt) override;
  std::size_t executors() const noexcept override { return 1; }
  clock& time() noexcept override { return world_->time(); }
  std::uint32_t creation() noexcept override { return creation_; }
  void ready(runnable& r) override { runnable_.push_back(&r); }
  bool delivers() const noexcept override { return true; }
  /// Each (sender, receiver) pair is a FIFO channel; what a process sends to itself is there at once, as in Erlang.
  void post(std::uint32_t from, slot& to, envelope* e) override;
  void interleave(slot& s) override;
  void run_blocking(std::shared_ptr<job> work) override { jobs_.push_back(std::move(work)); }
  void timer_moved(std::size_t) override {}
  void wait(latch& l) override;
  bool drain(const std::function<bool()>& done, std::chrono::steady_clock::time_point deadline) override;
  void stop() noexcept override;

 private:
  class only_executor final : public executor {
   public:
    only_executor(runtime& rt, deterministic_scheduler& home) : executor(rt, 0), home_(home) {}
    void ready(runnable& r, bool) override { home_.ready(r); }

   private:
    deterministic_scheduler& home_;
  };

  struct channel {
    std::uint32_t from;
    slot* to;
    std::deque<envelope*> waiting;
  };

  std::size_t choices() override;
  void take(std::size_t choice) override;
  time_point next_time() override;
  void time_passed() override;
  std::string report() override;

  void run_one(std::size_t index);
  void deliver_one(std::size_t busy_index);
  void work_one(std::size_t index);

  std::shared_ptr<simulated_world> world_;
  source_id id_ = 0;
  std::uint32_t creation_;
  runtime* rt_ = nullptr;
  std::unique_ptr<only_executor> executor_;
  std::vector<runnable*> runnable_;  // processes: there are no jobs here
  boost::unordered::unordered_flat_map<std::uint64_t, std::unique_ptr<channel>> channels_;
  std::vector<channel*> busy_;  // those with something in them
  std::vector<std::shared_ptr<job>> jobs_;
  bool stopped_ = false;
};

}  // namespace troupe::detail
