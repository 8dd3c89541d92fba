// SPDX-License-Identifier: BSL-1.0
// A token goes round a ring of processes: ring [PROCESSES [ROUNDS]], and what a hop takes.
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

using namespace troupe;

// Counts its own hops.
struct token {
  std::int64_t hops;
};
// To the first process of the ring: the whole job. Answered with the hops that the token has counted.
struct turn {
  std::int64_t processes, rounds;
  using reply = std::int64_t;
};

// Knows one other process, and hands it whatever token comes.
process relay(context& self, pid next) {
  for (;;) {
    const token t = co_await self.receive<token>();
    self.send(next, token{t.hops + 1});
  }
}

// Closes the ring, and counts the rounds.
process first(context& self) {
  request<turn> asked = co_await self.receive<request<turn>>();
  const std::int64_t rounds = asked->rounds;

  // Built from its end, so that each is born with the pid of the one behind it.
  pid next = self;
  for (std::int64_t i = 1; i < asked->processes; ++i) {
    next = self.spawn(relay, next);
    if (i % 1000 == 0) co_await self.yield();  // others may want the worker as well
  }
  std::printf("%lld processes stand in a ring\n", static_cast<long long>(asked->processes));

  const auto start = self.now();
  token t{0};
  for (std::int64_t round = 1; round <= rounds; ++round) {
    self.send(next, token{t.hops + 1});
    t = co_await self.receive<token>();
    if (round % (rounds / 4 + 1) == 0)
      std::printf("  round %lld: the token has made %lld hops\n", static_cast<long long>(round),
                  static_cast<long long>(t.hops));
  }
  const std::chrono::duration<double> elapsed = self.now() - start;
  std::printf("%lld rounds in %.3f s: %.0f ns a hop\n", static_cast<long long>(rounds), elapsed.count(),
              elapsed.count() * 1e9 / static_cast<double>(t.hops));
  asked.reply(t.hops);
}

int main(int argc, char** argv) {
  const auto [processes, rounds] =
      example::sizes(argc, argv, {{"PROCESSES", 503, 1, 1'000'000}, {"ROUNDS", 10'000, 1, 1'000'000'000}});
  actor_system sys;
  const std::int64_t hops = sys.call(sys.spawn(first), turn{processes, rounds}, infinity);
  if (hops == processes * rounds) return 0;
  std::printf("the token has counted %lld hops, and should have %lld\n", static_cast<long long>(hops),
              static_cast<long long>(processes * rounds));
  return 1;
}

// What it shows
//
// - A process is one line of state and a loop. It needs no thread while it waits, so a ring of a million differs from
//   one of ten in how much memory it walks through, and in nothing else: try `ring 1000000 5`.
// - A hop is a message sent, a process woken and a message received. There is but one token, so one core does it all:
//   the receiver of the only message is what its worker runs next.
// - The ring is left waiting when the program ends. The destructor of `actor_system` ends all processes that are there.
