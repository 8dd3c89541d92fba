// SPDX-License-Identifier: BSL-1.0
// A counter process and a client that calls it.
#include <troupe/actors/all.hpp>

#include <cstdio>

using namespace troupe;
using namespace std::chrono_literals;

struct increment {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};

// A process is a coroutine. It owns its state; nobody else can reach it.
process counter(context& self, int value) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); }, after(1min, [&] { self.log("idle"); }));
}

process client(context& self, pid counter) {
  co_await self.call(counter, increment{3});
  co_await self.call(counter, increment{4});
  const int n = co_await self.call(counter, get{}, 5s);
  std::printf("the counter stands at %d\n", n);
}

int main() {
  actor_system sys;  // one worker for each core
  const pid c = sys.spawn(counter, 0);
  sys.wait(sys.spawn(client, c));
}
