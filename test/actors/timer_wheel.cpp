// SPDX-License-Identifier: BSL-1.0
// The timer wheel, against a plain sorted list; and the clocks it goes by.
#include <troupe/actors/timer_wheel.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace troupe::detail;
using namespace std::chrono_literals;

namespace {

struct timer : timer_node {
  int id = 0;
};

time_point at(duration since_zero) {
  return time_point(since_zero);
}

/// The moment from which a timer may fire: the first whole millisecond that is not before its deadline.
time_point fires_at(time_point deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline);
}

std::vector<int> ids(timer_node* list) {
  std::vector<int> result;
  for (; list != nullptr; list = list->next) result.push_back(static_cast<timer*>(list)->id);
  return result;
}

std::vector<int> expire(timer_wheel& wheel, time_point now) {
  return ids(wheel.expire(now));
}

/// Timers with the ids 0, 1, ... in the order of `deadlines`, queued.
std::vector<std::unique_ptr<timer>> fill(timer_wheel& wheel, const std::vector<duration>& deadlines) {
  std::vector<std::unique_ptr<timer>> timers;
  for (const duration d : deadlines) {
    timers.push_back(std::make_unique<timer>());
    timers.back()->id = static_cast<int>(timers.size()) - 1;
    wheel.insert(*timers.back(), at(d));
  }
  return timers;
}

/// What a timer wheel does, done the slow way: a list that is kept sorted.
class model {
 public:
  void insert(int id, time_point deadline) {
    const auto before = [](time_point d, const entry& e) { return d < e.deadline; };
    entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), deadline, before), {deadline, id});
  }
  void remove(int id) {
    std::erase_if(entries_, [&](const entry& e) { return e.id == id; });
  }
  std::vector<int> expire(time_point now) {
    std::vector<int> result;
    for (const entry& e : entries_)
      if (fires_at(e.deadline) <= now) result.push_back(e.id);
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(result.size()));
    return result;
  }
  time_point next_expiry() const { return entries_.empty() ? time_point::max() : fires_at(entries_.front().deadline); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct entry {
    time_point deadline;
    int id;
  };
  std::vector<entry> entries_;
};

/// Numbers of all magnitudes: as many below 2 as between 2^40 and 2^41.
std::int64_t any_magnitude(std::mt19937_64& random, int most_bits) {
  const auto width = std::uniform_int_distribution<int>(0, most_bits)(random);
  return static_cast<std::int64_t>(random() & ((std::uint64_t{1} << width) - 1));
}

struct random_walk {
  bool removes = true;
  int jump_bits = 44;      // of nanoseconds
  int deadline_bits = 50;  // of nanoseconds
  int steps = 4'000;
  time_point start{};
};

/// Random operations on a wheel and on the model: both must say the same after each.
void compare_with_model(std::uint64_t seed, const random_walk& how) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  timer_wheel wheel;
  model expected;
  std::vector<std::unique_ptr<timer>> timers;
  std::vector<timer*> free;
  time_point now = how.start;
  for (int step = 0; step < how.steps; ++step) {
    CAPTURE(step);
    const auto dice = random() % 100;
    if (dice < 55) {
      if (free.empty()) {
        timers.push_back(std::make_unique<timer>());
        timers.back()->id = static_cast<int>(timers.size()) - 1;
        free.push_back(timers.back().get());
      }
      timer& t = *free.back();
      free.pop_back();
      duration away(any_magnitude(random, how.deadline_bits));
      if (random() % 8 == 0) away = -std::min(away, duration(now.time_since_epoch()));    // in the past
      if (random() % 4 == 0) away = std::chrono::floor<std::chrono::milliseconds>(away);  // many ties
      wheel.insert(t, now + away);
      expected.insert(t.id, now + away);
    } else if (dice < 75 && how.removes && !timers.empty()) {
      timer& t = *timers[random() % timers.size()];
      if (t.is_queued()) free.push_back(&t);
      wheel.remove(t);
      expected.remove(t.id);
    } else {
      // To the next expiry or just before it, or anywhere.
      const time_point next = wheel.next_expiry();
      if (dice < 85 && next != time_point::max())
        now = std::max(now, next - duration(dice % 2));
      else
        now += duration(any_magnitude(random, how.jump_bits));
      const std::vector<int> due = expire(wheel, now);
      REQUIRE(due == expected.expire(now));
      for (const int id : due) {
        timer& t = *timers[static_cast<std::size_t>(id)];
        REQUIRE(!t.is_queued());
        free.push_back(&t);
      }
      REQUIRE(wheel.next_expiry() > now);
    }
    REQUIRE(wheel.size() == expected.size());
    REQUIRE(wheel.empty() == (expected.size() == 0));
    if (how.removes)
      REQUIRE(wheel.next_expiry() <= expected.next_expiry());
    else
      REQUIRE(wheel.next_expiry() == expected.next_expiry());
    if (wheel.empty()) REQUIRE(wheel.next_expiry() == time_point::max());
  }
}

}  // namespace

TEST_CASE("a timer fires when its deadline has come and not before") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {5ms});
  CHECK(wheel.expire(at(5ms - 1ns)) == nullptr);
  CHECK(timers[0]->is_queued());
  CHECK(expire(wheel, at(5ms)) == std::vector{0});
  CHECK_FALSE(timers[0]->is_queued());
  CHECK(wheel.empty());
}

TEST_CASE("a deadline inside a tick is rounded up to the tick's end") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {5ms + 1ns});
  CHECK(wheel.next_expiry() == at(6ms));
  CHECK(wheel.expire(at(5ms)) == nullptr);
  CHECK(wheel.expire(at(6ms - 1ns)) == nullptr);
  CHECK(expire(wheel, at(6ms)) == std::vector{0});
}

TEST_CASE("an empty wheel has no next expiry") {
  timer_wheel wheel;
  CHECK(wheel.empty());
  CHECK(wheel.size() == 0);
  CHECK(wheel.next_expiry() == time_point::max());
  CHECK(wheel.expire(at(1h)) == nullptr);
  CHECK(wheel.next_expiry() == time_point::max());
}

TEST_CASE("the next expiry is the moment of the first timer, however far away") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {100 * 24h, 1h + 1ms, 70s, 900ms});
  for (const duration d : {duration(900ms), duration(70s), duration(1h + 1ms), duration(100 * 24h)}) {
    CHECK(wheel.next_expiry() == at(d));
    CHECK(ids(wheel.expire(at(d))).size() == 1);
  }
}

TEST_CASE("due timers come in the order of their deadlines, ties in the order of insertion") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {70s, 3ms, 1h, 3ms, 2ms, 70s, 3ms});
  CHECK(expire(wheel, at(2h)) == std::vector{4, 1, 3, 6, 0, 5, 2});
}

TEST_CASE("deadlines within one tick keep their order") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {900us, 300us, 600us, 300us});
  CHECK(expire(wheel, at(1ms)) == std::vector{1, 3, 2, 0});
}

TEST_CASE("ties keep the order of insertion when time passed between the insertions") {
  timer_wheel wheel;
  auto timers = fill(wheel, {10h, 10h});
  int id = 2;
  // Each of these nows puts the new timer into another level, and the old ones must be there already.
  for (const duration now :
       {duration(5h), duration(9h), duration(9h + 59min), duration(10h - 1s), duration(10h - 1ms)}) {
    CHECK(wheel.expire(at(now)) == nullptr);
    timers.push_back(std::make_unique<timer>());
    timers.back()->id = id++;
    wheel.insert(*timers.back(), at(10h));
  }
  CHECK(expire(wheel, at(10h)) == std::vector{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("a deadline in the past is due at once, before those that come") {
  timer_wheel wheel;
  CHECK(wheel.expire(at(1h)) == nullptr);
  const auto timers = fill(wheel, {1h + 1ms, 1h, 5s, 10s, -3s, 5s});
  CHECK(wheel.next_expiry() <= at(1h));
  CHECK(expire(wheel, at(1h + 1ms)) == std::vector{4, 2, 5, 3, 1, 0});
  CHECK(wheel.empty());
}

TEST_CASE("a now before an earlier one gives what is due by then") {
  timer_wheel wheel;
  CHECK(wheel.expire(at(20ms)) == nullptr);
  const auto timers = fill(wheel, {15ms, 10ms, 12ms});
  CHECK(expire(wheel, at(11ms)) == std::vector{1});
  CHECK(wheel.next_expiry() == at(12ms));
  CHECK(expire(wheel, at(20ms)) == std::vector{2, 0});
}

TEST_CASE("a removed timer does not fire") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {1ms, 2ms, 2ms, 2ms, 1h, 3h});
  for (const std::size_t i : {0U, 2U, 4U, 5U}) {
    wheel.remove(*timers[i]);
    CHECK_FALSE(timers[i]->is_queued());
  }
  wheel.remove(*timers[0]);  // once more does nothing
  CHECK(wheel.size() == 2);
  CHECK(expire(wheel, at(4h)) == std::vector{1, 3});
}

TEST_CASE("a timer may be queued anew while the list it came in is walked") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {1ms, 1ms, 1ms});
  timer_node* next = nullptr;
  for (timer_node* n = wheel.expire(at(1ms)); n != nullptr; n = next) {
    next = n->next;
    wheel.insert(*n, n->deadline + 1s);
  }
  CHECK(wheel.size() == 3);
  CHECK(expire(wheel, at(2s)) == std::vector{0, 1, 2});
}

TEST_CASE("an early next expiry is corrected by the expiry it causes") {
  timer_wheel wheel;
  const auto timers = fill(wheel, {5000ms, 5010ms});  // one bucket of a coarse level
  wheel.remove(*timers[0]);
  const time_point early = wheel.next_expiry();
  CHECK(early <= at(5010ms));
  CHECK(wheel.expire(early) == nullptr);
  CHECK(wheel.next_expiry() == at(5010ms));
}

TEST_CASE("a clock that starts late and jumps over years is no work") {
  timer_wheel wheel;
  // As many jumps as would take for ever if ticks were counted.
  timer t;
  time_point now = at(100 * 24h);
  for (int i = 0; i < 10'000; ++i) {
    wheel.insert(t, now + 240h);
    CHECK(wheel.next_expiry() == now + 240h);
    now += 240h;
    REQUIRE(wheel.expire(now) == &t);
  }
  CHECK(now == at(100'100 * 24h));
}

TEST_CASE("the last deadlines that a time_point can express are kept") {
  timer_wheel wheel;
  timer last;
  timer never;
  const time_point end = std::chrono::floor<std::chrono::milliseconds>(time_point::max());
  wheel.insert(never, time_point::max());
  wheel.insert(last, end);
  CHECK(wheel.next_expiry() == end);
  CHECK(wheel.expire(end - 1ns) == nullptr);
  CHECK(wheel.expire(time_point::max()) == &last);
  CHECK(wheel.size() == 1);
  CHECK(wheel.next_expiry() == time_point::max());
  wheel.remove(never);
  timer first;
  wheel.insert(first, time_point::min());
  CHECK(wheel.expire(at(0s)) == &first);
}

TEST_CASE("a wheel does what a sorted list does") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) compare_with_model(seed, {});
}

TEST_CASE("a wheel without removals knows its next expiry exactly") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) compare_with_model(seed, {.removes = false});
}

TEST_CASE("a wheel with many timers close together does what a sorted list does") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    compare_with_model(seed, {.jump_bits = 23, .deadline_bits = 28, .start = virtual_clock::epoch});
}

TEST_CASE("a wheel with deadlines of centuries does what a sorted list does") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) compare_with_model(seed, {.jump_bits = 51, .deadline_bits = 61});
}

TEST_CASE("a virtual clock stands still until it is moved and never goes back") {
  virtual_clock clock;
  CHECK(clock.now() == virtual_clock::epoch);
  CHECK(clock.now() == clock.now());
  CHECK(clock.advance_to(virtual_clock::epoch + 24h));
  CHECK(clock.now() == virtual_clock::epoch + 24h);
  CHECK_FALSE(clock.advance_to(virtual_clock::epoch));
  CHECK_FALSE(clock.advance_to(clock.now()));
  CHECK(clock.now() == virtual_clock::epoch + 24h);
}

TEST_CASE("a virtual clock moved by several threads is where the last of them wanted it") {
  virtual_clock clock(at(0s));
  {
    std::vector<std::jthread> movers;
    for (int t = 0; t < 4; ++t)
      movers.emplace_back([&clock, t] {
        time_point seen = clock.now();
        for (int i = 0; i < 2'000; ++i) {
          clock.advance_to(at(std::chrono::milliseconds(4 * i + t)));
          const time_point now = clock.now();
          if (now < seen) std::abort();  // it went back
          seen = now;
        }
      });
  }
  CHECK(clock.now() == at(7'999ms));
}

TEST_CASE("the steady clock is the machine's") {
  const time_point before = std::chrono::steady_clock::now();
  const time_point now = steady_clock_source().now();
  CHECK(before <= now);
  CHECK(now <= std::chrono::steady_clock::now());
}
