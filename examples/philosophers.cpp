// SPDX-License-Identifier: BSL-1.0
// Dining philosophers wait for their forks by selective receive, and nobody starves: philosophers [SEATS [MEALS]]
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

// To a fork. take is answered when the fork is in the hand of whoever asked.
struct take {
  using reply = void;
};
struct put_back {
  pid by;
};
// To the host, who sees who eats. He answers, so that he has seen it before it goes on.
struct begins {
  std::size_t seat;
  using reply = void;
};
struct ends {
  std::size_t seat;
  using reply = void;
};
// To the host: the whole evening. Answered with how many meals were wrong.
struct dinner {
  std::size_t seats;
  std::int64_t meals;
  using reply = std::int64_t;
};

// --- the processes ---------------------------------------------------------------------------------------------------

// Lies on the table, or is in one hand. In a hand it looks for nothing but that one's put_back: whoever else asks waits
// in the mailbox, in the order in which they came, and is not even looked at until the fork lies on the table again.
process table_fork(context& self) {
  for (;;) {
    request<take> r = co_await self.receive<request<take>>();
    const pid holder = r.from();
    r.reply();
    co_await self.receive(when([&](const put_back& p) { return p.by == holder; }, [](const put_back&) {}));
  }
}

process philosopher(context& self, std::size_t seat, std::int64_t meals, pid first, pid second, pid host) {
  for (std::int64_t i = 0; i < meals; ++i) {
    // One fork after the other, whatever it takes: hunger has no timeout.
    co_await self.call(first, take{}, infinity);
    co_await self.call(second, take{}, infinity);
    co_await self.call(host, begins{seat}, infinity);
    co_await self.sleep(1ms);  // eats
    co_await self.call(host, ends{seat}, infinity);
    self.send(first, put_back{self});
    self.send(second, put_back{self});
  }
}

process host(context& self) {
  request<dinner> asked = co_await self.receive<request<dinner>>();
  const std::size_t seats = asked->seats;
  const std::int64_t meals = asked->meals;

  std::vector<pid> forks;
  for (std::size_t i = 0; i < seats; ++i) forks.push_back(self.spawn_link(table_fork));
  for (std::size_t i = 0; i < seats; ++i) {
    pid low = forks[i];
    pid high = forks[(i + 1) % seats];
    if (i + 1 == seats) std::swap(low, high);  // the last one begins with the other hand: see below
    self.spawn_link(philosopher, i, meals, low, high, self.pid());
  }

  std::vector<bool> eating(seats);
  std::vector<std::int64_t> eaten(seats);
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  std::int64_t wrong = 0;
  std::int64_t slowest = meals;  // what the slowest had eaten when the first had finished
  bool one_has_finished = false;
  const std::int64_t all = meals * static_cast<std::int64_t>(seats);
  std::int64_t left = all;
  const auto start = self.now();
  while (left > 0)
    co_await self.receive(
        [&](request<begins> r) {
          const std::size_t seat = r->seat;
          if (eating[(seat + 1) % seats] || eating[(seat + seats - 1) % seats]) ++wrong;  // a fork in two hands
          eating[seat] = true;
          most_at_once = std::max(most_at_once, ++at_once);
          r.reply();
        },
        [&](request<ends> r) {
          const std::size_t seat = r->seat;
          eating[seat] = false;
          --at_once;
          --left;
          if (++eaten[seat] == meals && !std::exchange(one_has_finished, true))
            slowest = *std::min_element(eaten.begin(), eaten.end());
          r.reply();
          if (left > 0 && left % (all / 4 + 1) == 0)
            std::printf("  %lld of %lld meals eaten\n", static_cast<long long>(all - left),
                        static_cast<long long>(all));
        });

  const std::chrono::duration<double> elapsed = self.now() - start;
  for (const std::int64_t n : eaten) wrong += n == meals ? 0 : 1;
  std::printf("all of them have eaten %lld times, in %.2f s, at most %zu at once\n", static_cast<long long>(meals),
              elapsed.count(), most_at_once);
  std::printf("when the first had finished, the slowest had eaten %lld times\n", static_cast<long long>(slowest));
  asked.reply(wrong);
}

int main(int argc, char** argv) {
  const auto [seats, meals] = example::sizes(argc, argv, {{"SEATS", 5, 2, 100'000}, {"MEALS", 200, 1, 1'000'000}});
  std::printf("%lld philosophers and as many forks\n", static_cast<long long>(seats));
  actor_system sys;
  const std::int64_t wrong = sys.call(sys.spawn(host), dinner{static_cast<std::size_t>(seats), meals}, infinity);
  if (wrong > 0) std::printf("%lld times somebody ate with a neighbour's fork\n", static_cast<long long>(wrong));
  return wrong == 0 ? 0 : 1;
}

// What it shows
//
// - Selective receive replaces the condition variable. Where a thread would lock, test and wait until it is notified,
//   the fork says what it can use now; the rest stays in its mailbox, in order, and nothing has to be notified.
// - Nobody starves: a mailbox is a queue, and a fork has two who use it, so whoever has asked for it gets it when the
//   other has eaten at most once. That makes no equal shares, as the last line shows: who still waits for his first
//   fork is not in the queue for the second.
// - Nobody waits for ever, either. All take the fork with the lower number first. Were there a circle in which each
//   waits for the next, everyone in it would hold a fork with a lower number than the one that he waits for, all the
//   way round, which no numbers do. (If all began at their left there would be one, once each holds his left fork.)
// - The host sees every meal because he is called: what is answered has happened before what the caller does next.
