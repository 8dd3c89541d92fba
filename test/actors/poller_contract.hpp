// SPDX-License-Identifier: BSL-1.0
// What every poller promises: no wake-up is lost. A lost one shows as a test that hangs.
#pragma once

#include <troupe/actors/poller.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace poller_contract {

using namespace troupe::detail;
using namespace std::chrono_literals;

/// `Office` has make(): a unique_ptr to a new poller, all of one actor_system.
template <class Office>
void wake_up_is_kept() {
  Office office;
  const auto poller = office.make();
  for (int i = 0; i < 100; ++i) {
    poller->wake();
    poller->wait(time_point::max());
  }
}

template <class Office>
void many_count_as_one() {
  Office office;
  const auto poller = office.make();
  poller->wake();
  poller->wake();
  poller->wake();
  poller->wait(time_point::max());
  const time_point deadline = std::chrono::steady_clock::now() + 1ms;
  poller->wait(deadline);  // only time ends this one
  CHECK(std::chrono::steady_clock::now() >= deadline);
}

template <class Office>
void ends_at_deadline() {
  Office office;
  const auto poller = office.make();
  // Later, earlier and later again: a poller that keeps a timer armed has to move it.
  for (const auto patience : {1ms, 3ms, 1ms, 2ms}) {
    const time_point deadline = std::chrono::steady_clock::now() + patience;
    poller->wait(deadline);
    CHECK(std::chrono::steady_clock::now() >= deadline);
  }
}

template <class Office>
void later_deadline_after_earlier() {
  Office office;
  const auto poller = office.make();
  for (int i = 0; i < 3; ++i) {
    const time_point first = std::chrono::steady_clock::now() + 1ms;
    poller->wake();
    poller->wait(first);
    poller->wake();
    poller->wait(first + 1ms);
    poller->wait(first + 2ms);
    CHECK(std::chrono::steady_clock::now() >= first + 2ms);
  }
}

template <class Office>
void passed_deadline_returns() {
  Office office;
  const auto poller = office.make();
  poller->wait(std::chrono::steady_clock::now());
  poller->wait(time_point());
  poller->wait(time_point::min());
}

template <class Office>
void wake_up_before_far_deadline() {
  Office office;
  const auto poller = office.make();
  for (const time_point deadline : {time_point::max(), time_point::max() - 1ns, time_point(24h * 365 * 200)}) {
    std::jthread waker([&] { poller->wake(); });
    poller->wait(deadline);
  }
}

template <class Office>
void nothing_to_poll() {
  Office office;
  const auto poller = office.make();
  poller->wake();
  CHECK_FALSE(poller->is_ready());
  CHECK_FALSE(poller->poll());
  poller->wait(time_point::max());  // the wake-up is still there
}

template <class Office>
void sees_what_was_written() {
  Office office;
  const auto here = office.make();
  const auto there = office.make();
  int ball = 0;  // no atomic: the pollers alone order it
  constexpr int rounds = 2'000;
  // A wait may end spuriously, but these pollers have nothing for which they would.
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      there->wait(time_point::max());
      ++ball;
      here->wake();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    ++ball;
    there->wake();
    here->wait(time_point::max());
  }
  CHECK(ball == 2 * rounds);
}

/// `workers` pollers, each of one thread that parks and unparks, and as many threads that wake.
template <class Office>
void none_is_lost(int workers, int wakers, int each) {
  Office office;
  struct desk {
    std::unique_ptr<poller> place;
    std::atomic<int> work{0};
  };
  std::vector<desk> desks(static_cast<std::size_t>(workers));
  for (desk& d : desks) d.place = office.make();
  std::vector<std::jthread> threads;
  for (desk& d : desks)
    threads.emplace_back([&d, wakers, each] {
      for (int done = 0; done < wakers * each;) {
        const int found = d.work.exchange(0, std::memory_order_relaxed);
        done += found;
        if (found == 0) d.place->wait(done % 2 == 0 ? time_point::max() : std::chrono::steady_clock::now() + 1h);
      }
    });
  for (int t = 0; t < wakers; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i)
        for (desk& d : desks) {
          d.work.fetch_add(1, std::memory_order_relaxed);  // the poller orders it before the wait's return
          d.place->wake();
        }
    });
  threads.clear();
  for (const desk& d : desks) CHECK(d.work.load() == 0);
}

}  // namespace poller_contract

/// The contract's tests for one kind of poller, in a file of its own.
#define TROUPE_POLLER_CONTRACT(Office)                                                        \
  TEST_CASE("a wake-up before the wait makes the next wait return at once") {                 \
    poller_contract::wake_up_is_kept<Office>();                                               \
  }                                                                                           \
  TEST_CASE("any number of wake-ups count as one") {                                          \
    poller_contract::many_count_as_one<Office>();                                             \
  }                                                                                           \
  TEST_CASE("a wait ends at its deadline") {                                                  \
    poller_contract::ends_at_deadline<Office>();                                              \
    poller_contract::later_deadline_after_earlier<Office>();                                  \
  }                                                                                           \
  TEST_CASE("a wait whose deadline has passed returns") {                                     \
    poller_contract::passed_deadline_returns<Office>();                                       \
  }                                                                                           \
  TEST_CASE("a wait ends by a wake-up however far its deadline is") {                         \
    poller_contract::wake_up_before_far_deadline<Office>();                                   \
  }                                                                                           \
  TEST_CASE("when nothing is ready there is nothing to poll, and a wake-up is not used up") { \
    poller_contract::nothing_to_poll<Office>();                                               \
  }                                                                                           \
  TEST_CASE("the woken worker sees what was written before the wake-up") {                    \
    poller_contract::sees_what_was_written<Office>();                                         \
  }                                                                                           \
  TEST_CASE("no wake-up is lost when many threads wake a worker that parks and unparks") {    \
    poller_contract::none_is_lost<Office>(1, 4, 5'000);                                       \
  }                                                                                           \
  TEST_CASE("no wake-up is lost when many threads wake several workers of one system") {      \
    poller_contract::none_is_lost<Office>(3, 2, 3'000);                                       \
  }
