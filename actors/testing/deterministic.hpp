// SPDX-License-Identifier: BSL-1.0
// The deterministic scheduler: one thread, a seed that makes every choice, virtual time. Internal; tests use
// simulation.hpp.
#pragma once

#include <troupe/actors/executor.hpp>
#include <troupe/actors/options.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace troupe::detail {

class deterministic_scheduler;

/// What the systems of one simulation share: the seed's random numbers, the clock, and the choice of what happens next.
/// One thread.
class simulated_world {
 public:
  explicit simulated_world(std::uint64_t seed) noexcept : seed_(seed), random_(seed) {}
  simulated_world(const simulated_world&) = delete;
  simulated_world& operator=(const simulated_world&) = delete;

  /// Lets one thing happen: a process runs, an envelope arrives, blocking work is done; when there is nothing of the
  /// kind, time jumps to the next timer. False: nothing will ever happen again. Throws endless after max_steps.
  bool step();

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

  const std::uint64_t seed_;
  std::uint64_t random_;
  std::uint64_t trace_ = 0;
  std::uint64_t steps_ = 0;
  std::uint32_t systems_made_ = 0;
  virtual_clock clock_;
  std::vector<deterministic_scheduler*> systems_;
};

/// One system's part of a simulated world.
class deterministic_scheduler final : public scheduler {
 public:
  explicit deterministic_scheduler(std::shared_ptr<simulated_world> world);
  ~deterministic_scheduler() override;

  void start(runtime& rt) override;
  std::size_t executors() const noexcept override { return 1; }
  clock& time() noexcept override { return world_->time(); }
  std::uint32_t creation() noexcept override { return creation_; }
  void ready(slot& s) override { runnable_.push_back(&s); }
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
  friend class simulated_world;

  class only_executor final : public executor {
   public:
    only_executor(runtime& rt, deterministic_scheduler& home) : executor(rt, 0), home_(home) {}
    void ready(slot& s, bool) override { home_.ready(s); }

   private:
    deterministic_scheduler& home_;
  };

  struct channel {
    std::uint32_t from;
    slot* to;
    std::deque<envelope*> waiting;
  };

  std::size_t choices() const noexcept { return runnable_.size() + busy_.size() + jobs_.size(); }
  void take(std::size_t choice);
  void run_one(std::size_t index);
  void deliver_one(std::size_t busy_index);
  void work_one(std::size_t index);

  std::shared_ptr<simulated_world> world_;
  std::uint32_t creation_;
  runtime* rt_ = nullptr;
  std::unique_ptr<only_executor> executor_;
  std::vector<slot*> runnable_;
  boost::unordered::unordered_flat_map<std::uint64_t, std::unique_ptr<channel>> channels_;
  std::vector<channel*> busy_;  // those with something in them
  std::vector<std::shared_ptr<job>> jobs_;
  bool stopped_ = false;
};

}  // namespace troupe::detail
