// SPDX-License-Identifier: BSL-1.0
// Kill, at every suspension point: the frame's destructors run, links and monitors hear of it, nothing leaks.
#include "everywhere.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct ping {
  using reply = int;
};
struct started {};
struct note {
  std::string text;
};

/// Lies in a frame: tells the test that the frame's destructors ran.
class tracker {
 public:
  explicit tracker(std::shared_ptr<const std::atomic<int>> alive) : alive_(std::move(alive)) { ++count(); }
  tracker(const tracker&) = delete;
  tracker& operator=(const tracker&) = delete;
  ~tracker() { --count(); }

 private:
  std::atomic<int>& count() { return const_cast<std::atomic<int>&>(*alive_); }
  std::shared_ptr<const std::atomic<int>> alive_;
};
using counter = std::shared_ptr<const std::atomic<int>>;

process deaf(context& self) {
  for (;;) co_await self.receive<note>();  // never answers
}

process in_receive(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  co_await self.receive<note>();
}
process in_receive_with_after(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  co_await self.receive<note>(after(1h));
}
process in_handlers(context& self, pid parent, counter alive) {
  const tracker here(alive);
  std::string text(100, 'x');
  self.send(parent, started{});
  co_await self.receive([&](const note& n) { text = n.text; }, after(1h, [&] { text.clear(); }));
}
process in_call(context& self, pid parent, counter alive) {
  const tracker here(alive);
  const pid server = self.spawn(deaf);
  self.send(parent, started{});
  co_await self.call(server, ping{});
}
process in_sleep(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  co_await self.sleep(24h);
}
process in_yield(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  for (;;) co_await self.yield();
}
process in_send(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  const pid sink = self.spawn(deaf);
  for (int i = 0;; ++i) {
    co_await self.send(sink, ping{});
    if (i % 100 == 0) co_await self.yield();
  }
}
process in_response(context& self, pid parent, counter alive) {
  const tracker here(alive);
  const pid server = self.spawn(deaf);
  auto r = self.request(server, ping{});
  self.send(parent, started{});
  co_await r;
}
process in_all(context& self, pid parent, counter alive) {
  const tracker here(alive);
  const pid server = self.spawn(deaf);
  auto a = self.request(server, ping{});
  auto b = self.request(server, ping{});
  self.send(parent, started{});
  co_await self.all(std::move(a), std::move(b));
}

task<int> inner(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send(parent, started{});
  co_await self.receive<note>();
  co_return 1;
}
task<int> outer(context& self, pid parent, counter alive) {
  const tracker here(alive);
  co_return 1 + co_await inner(self, parent, alive);
}
process in_nested_task(context& self, pid parent, counter alive) {
  const tracker here(alive);
  co_await outer(self, parent, alive);
}
process in_task_handler(context& self, pid parent, counter alive) {
  const tracker here(alive);
  self.send<note>(self, "go");
  co_await self.receive([&](const note&) -> task<> { co_await inner(self, parent, alive); });
}
process before_its_first_run(context& self, pid parent, counter alive) {
  self.send(parent, started{});
  const tracker here(alive);
  co_await self.receive<note>();
}

using victim = process (*)(context&, pid, counter);

/// Kills a victim at its suspension point and looks at what its parent hears.
process kill_one(context& self, victim v) {
  auto count = std::make_shared<std::atomic<int>>(0);
  const counter alive = count;
  self.trap_exit(true);
  const pid child = self.spawn_link(v, self.pid(), alive);
  const reference watch = self.monitor(child);
  co_await self.receive<started>();
  self.exit(child, "kill"_atom);
  const down d = co_await self.receive<down>();
  CHECK(d.ref == watch);
  CHECK(d.process == child);
  CHECK(d.reason == term("killed"_atom));
  const exit_signal e = co_await self.receive<exit_signal>();
  CHECK(e.from == child);
  CHECK(e.reason == term("killed"_atom));
  CHECK(count->load() == 0);
  CHECK(!self.is_alive(child));
}

void kill_everywhere(victim v) {
  everywhere([v](context& self) -> process { return kill_one(self, v); });
}

}  // namespace

TEST_CASE("kill ends a process that waits in receive") {
  kill_everywhere(in_receive);
}
TEST_CASE("kill ends a process that waits in receive with a timeout") {
  kill_everywhere(in_receive_with_after);
}
TEST_CASE("kill ends a process that waits in receive with handlers") {
  kill_everywhere(in_handlers);
}
TEST_CASE("kill ends a process that waits in call") {
  kill_everywhere(in_call);
}
TEST_CASE("kill ends a process that sleeps") {
  kill_everywhere(in_sleep);
}
TEST_CASE("kill ends a process that does nothing but yield") {
  kill_everywhere(in_yield);
}
TEST_CASE("kill ends a process that does nothing but send") {
  kill_everywhere(in_send);
}
TEST_CASE("kill ends a process that waits for a response") {
  kill_everywhere(in_response);
}
TEST_CASE("kill ends a process that waits for all of several responses") {
  kill_everywhere(in_all);
}
TEST_CASE("kill destroys the frames of nested tasks") {
  kill_everywhere(in_nested_task);
}
TEST_CASE("kill destroys the frame of a task that handles a message") {
  kill_everywhere(in_task_handler);
}
TEST_CASE("kill ends a process right after its first message") {
  kill_everywhere(before_its_first_run);
}

TEST_CASE("a process that is killed before it has run never runs") {
  everywhere([](context& self) -> process {
    auto ran = std::make_shared<std::atomic<bool>>(false);
    const pid child = self.spawn([ran](context&) -> process {
      ran->store(true);
      co_return;
    });
    const reference watch = self.monitor(child);
    self.exit(child, "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    // It may have run before the signal came, or never; both are a clean end.
    CHECK((d.reason == term("killed"_atom) || d.reason == term("normal"_atom) || d.reason == term("noproc"_atom)));
    if (d.reason == term("killed"_atom)) CHECK(!ran->load());
  });
}

TEST_CASE("kill during blocking acts at once for everyone else, and the frame stays until f returns") {
  everywhere(
      [](context& self) -> process {
        struct shared {
          std::atomic<bool> entered{false};
          std::atomic<bool> go{false};
          std::atomic<bool> stop_seen{false};
          std::atomic<int> frames{0};
        };
        auto state = std::make_shared<shared>();
        const pid child = self.spawn({.name = "blocked"_atom},
                                     [state](context& me) -> process {
                                       const tracker here(counter(state, &state->frames));
                                       std::string text = "still here";
                                       co_await me.blocking([&text, &s = *state](std::stop_token stop) {
                                         s.entered = true;
                                         s.entered.notify_all();
                                         s.go.wait(false);
                                         s.stop_seen = stop.stop_requested();
                                         CHECK(text == "still here");
                                       });
                                       CHECK(false);  // never reached
                                     })
                              .pid;
        co_await self.blocking([&s = *state] { s.entered.wait(false); });
        self.monitor(child);
        self.exit(child, "kill"_atom);
        const down d = co_await self.receive<down>();  // while f still runs
        CHECK(d.reason == term("killed"_atom));
        CHECK(!self.is_alive(child));
        CHECK(self.whereis("blocked"_atom) == pid());
        CHECK(state->frames.load() == 1);
        state->go = true;
        state->go.notify_all();
        co_await self.blocking([&s = *state] {
          while (s.frames.load() != 0) std::this_thread::yield();
        });
        CHECK(state->stop_seen.load());
      },
      where::threads);
}

TEST_CASE("kill at any moment of blocking frees frame and slot once") {
  // The end of f and the kill race.
  everywhere([](context& self) -> process {
    auto count = std::make_shared<std::atomic<int>>(0);
    const counter alive = count;
    for (int i = 0; i < 4; ++i) {
      const spawned child = self.spawn_monitor([alive](context& me) -> process {
        const tracker here(alive);
        for (int k = 0; k < 3; ++k) co_await me.blocking([] {});
      });
      for (int k = 0; k < i; ++k) co_await self.yield();
      self.exit(child.pid, "kill"_atom);
      const down d = co_await self.receive<down>();
      CHECK((d.reason == term("killed"_atom) || d.reason == term("normal"_atom) || d.reason == term("noproc"_atom)));
    }
    while (count->load() != 0) co_await self.sleep(1ms);
  });
}
