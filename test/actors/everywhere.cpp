// SPDX-License-Identifier: BSL-1.0
// Runs test bodies on all schedulers.
#include "everywhere.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

using namespace troupe;
using namespace troupe::literals;

namespace {

std::atomic<std::uint64_t> failures{0};
std::atomic<const char*> test_name{""};  // lives as long as the program

/// Counts failed checks, which doctest itself does not tell.
struct failure_counter : doctest::IReporter {
  explicit failure_counter(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override { test_name = test.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override { ++failures; }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assert) override {
    if (assert.m_failed) ++failures;
  }
  void log_message(const doctest::MessageData& message) override {
    if (message.m_severity != doctest::assertType::is_warn) ++failures;
  }
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("failure_counter", 1, failure_counter);

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

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

std::uint64_t failed_checks() noexcept {
  return failures.load();
}

std::uint64_t seed_count() {
  return number_from_environment("TROUPE_SEEDS", 1000);
}

actor_system_options quiet_options(std::size_t workers) {
  actor_system_options options;
  options.workers = workers;
  options.log_crashes = false;
  return options;
}

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
  const std::uint64_t only = number_from_environment("TROUPE_SEED", 0);
  if (w != where::threads) {
    const std::uint64_t first = only != 0 ? only : 1;
    const std::uint64_t last = only != 0 ? only : seed_count();
    for (std::uint64_t seed = first; seed <= last && failed_checks() == before; ++seed) run_seed(seed, b);
  }
  if (w == where::simulated || only != 0) return;
  for (int i = 0; i < thread_runs && failed_checks() == before; ++i)
    for (const std::size_t workers : {1U, 2U, 4U}) run_on_threads(b, workers);
}

struct hang_guard::state {
  std::string what;
  std::mutex lock;
  std::condition_variable condition;
  bool done = false;
  std::thread thread;
};

hang_guard::hang_guard(std::string what) : state_(new state) {
  state_->what = std::move(what);
  state_->thread = std::thread([s = state_] {
    std::unique_lock guard(s->lock);
    if (s->condition.wait_for(guard, std::chrono::seconds(120), [s] { return s->done; })) return;
    std::fprintf(stderr, "troupe: this test hangs: \"%s\", %s\n", test_name.load(), s->what.c_str());
    std::abort();
  });
}

hang_guard::~hang_guard() {
  {
    const std::lock_guard guard(state_->lock);
    state_->done = true;
    state_->condition.notify_one();
  }
  state_->thread.join();
  delete state_;
}

}  // namespace troupe_test
