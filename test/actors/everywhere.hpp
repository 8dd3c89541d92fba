// SPDX-License-Identifier: BSL-1.0
// everywhere(body): runs a test body, which is a process, on the deterministic scheduler with many seeds and on threads
// in virtual time.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/actors/testing/simulation.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>

#if defined(TROUPE_TEST_ACROSS)
#include "net/across.hpp"  // another context
#endif

namespace troupe_test {

/// The body of a test: `[](context& self) -> process { ... CHECK(...); ... }`. What it spawns ends with its system. It
/// must end by itself, with reason normal; it is run many times, so its state belongs inside of it. (CHECK cannot hold
/// a co_await: name the value.)
using body = std::function<troupe::process(troupe::context&)>;

/// Where a body runs.
enum class where {
  both,       ///< with seeds, then on threads
  simulated,  ///< with seeds alone
  threads     ///< on threads alone: the body needs real concurrency, such as a blocking(f) that waits for something
};

/// Runs the body. Seeds: TROUPE_SEEDS of them (1,000 unless set), or the one in TROUPE_SEED, which replays a failure:
/// its message says the seed. Each seed is run until the first failure. On threads: 1, 2 and 4 workers, in virtual time
/// that jumps, some times each.
void everywhere(const body& b, where w = where::both);

/// One run with a seed: the trace's hash.
std::uint64_t run_seed(std::uint64_t seed, const body& b);

/// How many seeds there are to run; tests with few interleavings may want a share of them.
std::uint64_t seed_count();

/// The one in TROUPE_SEED; 0: there is none.
std::uint64_t only_seed();

/// Options for tests that make their own system: a real clock, no crash reports.
troupe::actor_system_options quiet_options(std::size_t workers = 2);

/// Has a check failed since the program began? (So a loop may stop at the first failure.)
std::uint64_t failed_checks() noexcept;

/// The name of the test case that runs.
const char* running_test() noexcept;

/// Aborts the program, naming the test, when it lives longer than a minute of real time: a lost wake-up shows as a
/// hang.
class hang_guard {
 public:
  explicit hang_guard(std::string what);
  ~hang_guard();
  hang_guard(const hang_guard&) = delete;
  hang_guard& operator=(const hang_guard&) = delete;

 private:
  struct state;
  state* state_;
};

}  // namespace troupe_test
