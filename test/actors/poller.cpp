// SPDX-License-Identifier: BSL-1.0
// The plain poller: no wake-up is lost. A lost one shows as a test that hangs.
#include <troupe/actors/poller.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace troupe::detail;
using namespace std::chrono_literals;

TEST_CASE("a wake-up before the wait makes the next wait return at once") {
  condition_poller poller;
  for (int i = 0; i < 100; ++i) {
    poller.wake();
    poller.wait(time_point::max());
  }
}

TEST_CASE("any number of wake-ups count as one") {
  condition_poller poller;
  poller.wake();
  poller.wake();
  poller.wake();
  poller.wait(time_point::max());
  const time_point deadline = std::chrono::steady_clock::now() + 1ms;
  poller.wait(deadline);  // only time ends this one
  CHECK(std::chrono::steady_clock::now() >= deadline);
}

TEST_CASE("a wait ends at its deadline") {
  condition_poller poller;
  const time_point deadline = std::chrono::steady_clock::now() + 1ms;
  poller.wait(deadline);
  CHECK(std::chrono::steady_clock::now() >= deadline);
}

TEST_CASE("a wait whose deadline has passed returns") {
  condition_poller poller;
  poller.wait(std::chrono::steady_clock::now());
  poller.wait(time_point());
  poller.wait(time_point::min());
}

TEST_CASE("a wait ends by a wake-up however far its deadline is") {
  condition_poller poller;
  for (const time_point deadline : {time_point::max(), time_point::max() - 1ns, time_point(24h * 365 * 200)}) {
    std::jthread waker([&] { poller.wake(); });
    poller.wait(deadline);
  }
}

TEST_CASE("the plain poller has nothing to poll") {
  condition_poller poller;
  poller.wake();
  CHECK_FALSE(poller.poll());
  poller.wait(time_point::max());  // the wake-up is still there
}

TEST_CASE("the woken worker sees what was written before the wake-up") {
  condition_poller here;
  condition_poller there;
  int ball = 0;  // no atomic: the pollers alone order it
  constexpr int rounds = 2'000;
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      there.wait(time_point::max());
      ++ball;
      here.wake();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    ++ball;
    there.wake();
    here.wait(time_point::max());
  }
  CHECK(ball == 2 * rounds);
}

TEST_CASE("no wake-up is lost when many threads wake a worker that parks and unparks") {
  condition_poller poller;
  std::atomic<int> work{0};
  constexpr int wakers = 4;
  constexpr int each = 5'000;
  std::vector<std::jthread> threads;
  for (int t = 0; t < wakers; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        work.fetch_add(1, std::memory_order_relaxed);  // the poller's lock orders it before the wait's return
        poller.wake();
      }
    });
  for (int done = 0; done < wakers * each;) {
    const int found = work.exchange(0, std::memory_order_relaxed);
    done += found;
    if (found == 0) poller.wait(done % 2 == 0 ? time_point::max() : std::chrono::steady_clock::now() + 1h);
  }
  CHECK(work.load() == 0);
}
