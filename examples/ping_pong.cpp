// SPDX-License-Identifier: BSL-1.0
// Two processes send a ball to and fro: ping_pong [ROUND_TRIPS], and how many messages a second that makes.
#include <troupe/actors/all.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>

using namespace troupe;

struct ping {
  pid from;  // whoever wants an answer says where to: a pid travels like any other value
};
struct pong {};

process ponger(context& self) {
  for (;;) {
    const ping p = co_await self.receive<ping>();
    self.send(p.from, pong{});
  }
}

process pinger(context& self, pid other, std::int64_t round_trips) {
  const auto start = self.now();
  for (std::int64_t i = 0; i < round_trips; ++i) {
    self.send(other, ping{self});
    co_await self.receive<pong>();
  }
  const std::chrono::duration<double> elapsed = self.now() - start;
  const double messages = 2.0 * static_cast<double>(round_trips);
  std::printf("%lld round trips in %.3f s: %.2f million messages/s, %.0f ns a message\n",
              static_cast<long long>(round_trips), elapsed.count(), messages / elapsed.count() / 1e6,
              elapsed.count() * 1e9 / messages);
}

int main(int argc, char** argv) {
  std::int64_t round_trips = 1'000'000;
  if (argc > 1) {
    const char* const end = argv[1] + std::strlen(argv[1]);
    const auto [stop, error] = std::from_chars(argv[1], end, round_trips);
    if (argc > 2 || error != std::errc() || stop != end || round_trips < 1) {
      std::fprintf(stderr, "usage: ping_pong [ROUND_TRIPS]   (a number from 1 on; 1000000 unless given)\n");
      return 2;
    }
  }
  actor_system sys;
  const pid other = sys.spawn(ponger);
  sys.wait(sys.spawn(pinger, other, round_trips));
}  // here the system ends the ponger, which waits for ever

// What it shows
//
// - Messages are plain structs: no base class, no macro, no registration.
// - `receive<T>()` waits for the first T, whatever else has arrived. The waiting process holds no thread: this program
//   runs as well with a million processes as with two.
// - `send` puts the message into the receiver's mailbox and goes on. It cannot fail: whoever is gone gets nothing.
// - A message to a process that waits makes it run next on the same worker, so most of what you measure here is two
//   coroutines that take turns on one core; test/bench has the other cases.
