// SPDX-License-Identifier: BSL-1.0
// Runs test bodies on all schedulers.
#include "everywhere.hpp"

#include <string>
#include <utility>

using namespace troupe;
using namespace troupe::literals;

namespace {

#if defined(TROUPE_NO_RECYCLE)
constexpr int thread_runs = 5;
#else
constexpr int thread_runs = 40;
#endif

/// Runs the body and gives its exit reason. (sys.wait(sys.spawn(b)) may come too late for that, and then says noproc.)
term reason_of(actor_system& sys, const troupe_test::body& b) {
  term reason;
  sys.wait(sys.spawn([&](context& self) -> process {
    self.spawn_monitor(b);
    down d = co_await self.receive<down>();
    reason = std::move(d.reason);
  }));
  return reason;
}

void run_on_threads(const troupe_test::body& b, std::size_t workers) {
  const troupe_test::hang_guard guard(std::to_string(workers) + " workers");
  actor_system_options options = troupe_test::quiet_options(workers);
  options.virtual_time = true;
  actor_system sys(options);
  INFO("on threads, workers: ", workers);
  const term reason = reason_of(sys, b);
  CHECK(reason == term("normal"_atom));
}

}  // namespace

namespace troupe_test {

std::uint64_t run_seed(std::uint64_t seed, const body& b) {
  testing::simulation world(seed);
  {
    actor_system_options options = world.options();
    options.log_crashes = false;
    actor_system sys(options);
    INFO("replay with TROUPE_SEED=", seed);
    const term reason = reason_of(sys, b);
    CHECK(reason == term("normal"_atom));
  }
  return world.trace_hash();
}

void everywhere(const body& b, where w) {
  const std::uint64_t before = failed_checks();
  const std::uint64_t only = only_seed();
  if (w != where::threads) {
    const std::uint64_t first = only != 0 ? only : 1;
    const std::uint64_t last = only != 0 ? only : seed_count();
    for (std::uint64_t seed = first; seed <= last && failed_checks() == before; ++seed) run_seed(seed, b);
  }
  if (w == where::simulated || only != 0) return;
  for (int i = 0; i < thread_runs && failed_checks() == before; ++i)
    for (const std::size_t workers : {1U, 2U, 4U}) run_on_threads(b, workers);
}

}  // namespace troupe_test
