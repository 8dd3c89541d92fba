// SPDX-License-Identifier: BSL-1.0
// A counter that a hundred clients call at once: counter [CLIENTS]; no lock, and the sum is exact.
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

using namespace troupe;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

// To the counter.
struct increment {
  std::int64_t by;
  using reply = std::int64_t;
};
struct get {
  using reply = std::int64_t;
};
// From the counter to its owner: nobody has called for a while.
struct idle {
  std::int64_t value;
};
// To the owner: the whole job. Answered with what the counter stands at in the end.
struct count {
  std::int64_t clients;
  using reply = std::int64_t;
};

// --- the processes ---------------------------------------------------------------------------------------------------

constexpr std::int64_t calls_each = 1000;

// One message after the other, so two increments never meet.
process counter(context& self, std::int64_t value, pid owner) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); },
                          after(100ms, [&] { self.send(owner, idle{value}); }));
}

// Waits for the answer to each call before it makes the next.
process client(context& self, pid counter, std::int64_t by) {
  for (std::int64_t i = 0; i < calls_each; ++i) co_await self.call(counter, increment{by}, infinity);
}

process owner(context& self) {
  request<count> asked = co_await self.receive<request<count>>();
  const std::int64_t clients = asked->clients;
  const pid c = self.spawn_link(counter, 0, self.pid());

  const auto start = self.now();
  for (std::int64_t i = 1; i <= clients; ++i) self.spawn_monitor(client, c, i);
  std::printf("%lld clients call the counter\n", static_cast<long long>(clients));
  for (std::int64_t left = clients; left > 0; --left) co_await self.receive<down>();
  const std::chrono::duration<double> elapsed = self.now() - start;

  const std::int64_t value = co_await self.call(c, get{});
  const std::int64_t calls = clients * calls_each;
  std::printf("%lld calls in %.3f s: %.2f million calls/s\n", static_cast<long long>(calls), elapsed.count(),
              static_cast<double>(calls) / elapsed.count() / 1e6);

  // While the clients were at work the counter may have been idle too, on a machine with more to do; this is about now.
  co_await self.receive(when([&](const idle& i) { return i.value == value; },
                             [](const idle&) { std::puts("the counter has had no call for 100 ms"); }));
  asked.reply(value);
}

int main(int argc, char** argv) {
  const auto [clients] = example::sizes(argc, argv, {{"CLIENTS", 100, 1, 100'000}});
  actor_system sys;
  const std::int64_t value = sys.call(sys.spawn(owner), count{clients}, infinity);
  const std::int64_t expected = calls_each * clients * (clients + 1) / 2;  // client n adds n each time
  std::printf("the counter stands at %lld, and should at %lld\n", static_cast<long long>(value),
              static_cast<long long>(expected));
  return value == expected ? 0 : 1;
}

// What it shows
//
// - State without a lock: `value` is a local variable of one process, and its mailbox puts those who want to change it
//   in order. A client sees an ordinary call that takes its time.
// - `request<T>` knows who asks. The reply's type is the message's `reply`, and the compiler holds both sides to it.
// - `after` is the timeout of a receive: it runs when no message of these types has come for so long. (In Erlang, too.)
// - The end of a process is a message to whoever monitors it, so waiting for all clients is counting `down`s.
