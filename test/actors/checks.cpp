// SPDX-License-Identifier: BSL-1.0
// What all suites that run bodies with many seeds need: failed checks, how many seeds, hangs.
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

}  // namespace

namespace troupe_test {

const char* running_test() noexcept {
  return test_name.load();
}

std::uint64_t only_seed() {
  return number_from_environment("TROUPE_SEED", 0);
}

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
