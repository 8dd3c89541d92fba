// SPDX-License-Identifier: BSL-1.0
// Time: messages sent later, sleep and yield.
#include "everywhere.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct tick {
  int n;
};
struct go {};
struct holds {
  std::shared_ptr<const int> what;
};

}  // namespace

TEST_CASE("send_after sends once, after its time") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    self.send_after(1s, self, tick{1});
    const auto early = co_await self.receive<tick>(after(999ms));
    CHECK(!early.has_value());
    const tick t = co_await self.receive<tick>();
    CHECK(t.n == 1);
    CHECK(self.now() - start == 1s);
    const auto again = co_await self.receive<tick>(after(1h));
    CHECK(!again.has_value());
  });
}

TEST_CASE("send_after takes move-only messages, terms, names and pids") {
  everywhere([](context& self) -> process {
    self.send_after(1s, self, std::make_unique<int>(7));
    const std::unique_ptr<int> seven = co_await self.receive<std::unique_ptr<int>>();
    CHECK(*seven == 7);
    self.send_after(1s, "later", term("x"_atom));  // whoever has the name then
    self.register_name("later"_atom);
    const term t = co_await self.receive<term>();
    CHECK(t == term("x"_atom));
    self.send_after(1s, "nobody", tick{1});
    self.send_after(1s, pid(), tick{1});
    const auto none = co_await self.receive<tick>(after(1min));
    CHECK(!none.has_value());
  });
}

TEST_CASE("a timer without delay, or with a negative one, fires at once") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    self.send_after(0s, self, tick{1});
    const tick a = co_await self.receive<tick>();
    self.send_after(-5s, self, tick{2});
    const tick b = co_await self.receive<tick>();
    CHECK(a.n == 1);
    CHECK(b.n == 2);
    CHECK(self.now() == start);
  });
}

TEST_CASE("a timer beyond the end of time never fires, and may be cancelled") {
  everywhere([](context& self) -> process {
    const reference never = self.send_after(infinity, self, tick{1});
    const reference nearly = self.send_after(std::chrono::nanoseconds::max() - 1ns, self, tick{1});
    const auto none = co_await self.receive<tick>(after(24h * 365 * 10));
    CHECK(!none.has_value());
    const auto a = self.cancel_timer(never);
    const auto b = self.cancel_timer(nearly);
    REQUIRE(a.has_value());
    CHECK(*a > 24h * 365);
    CHECK(b.has_value());
  });
}

TEST_CASE("timers fire in the order of their deadlines") {
  everywhere([](context& self) -> process {
    for (int i : {7, 2, 9, 4, 1, 8, 3, 6, 5}) self.send_after(i * 10ms, self, tick{i});
    for (int i = 1; i <= 9; ++i) {
      const tick t = co_await self.receive<tick>();
      CHECK(t.n == i);
    }
  });
}

TEST_CASE("timers of one deadline all fire at that moment") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    for (int i = 0; i < 10; ++i) self.send_after(1s, self, tick{1 << i});
    int sum = 0;
    for (int i = 0; i < 10; ++i) {
      const tick t = co_await self.receive<tick>();
      sum += t.n;
    }
    CHECK(sum == 1023);
    CHECK(self.now() - start == 1s);
  });
}

TEST_CASE("in a simulation timers of one deadline fire in the order in which they were started") {
  everywhere(
      [](context& self) -> process {
        for (int i = 0; i < 10; ++i) self.send_after(1s, self, tick{i});
        for (int i = 0; i < 10; ++i) {
          const tick t = co_await self.receive<tick>();
          CHECK(t.n == i);
        }
      },
      where::simulated);
}

TEST_CASE("cancel_timer says how much time remained, and the message never comes") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_after(10s, self, tick{1});
    co_await self.sleep(4s);
    const auto left = self.cancel_timer(timer);
    REQUIRE(left.has_value());
    CHECK(*left == 6s);
    const auto again = self.cancel_timer(timer);
    CHECK(!again.has_value());
    const auto none = co_await self.receive<tick>(after(1min));
    CHECK(!none.has_value());
  });
}

TEST_CASE("cancel_timer says nothing when the timer has fired or never was") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_after(10ms, self, tick{1});
    co_await self.receive<tick>();
    CHECK(!self.cancel_timer(timer).has_value());
    CHECK(!self.cancel_timer(self.make_reference()).has_value());
    CHECK(!self.cancel_timer(reference()).has_value());
  });
}

TEST_CASE("another process may cancel a timer") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_after(10s, self, tick{1});
    const spawned other = self.spawn_monitor([timer](context& me) -> process {
      CHECK(me.cancel_timer(timer).has_value());
      co_return;
    });
    const down d = co_await self.receive<down>();
    CHECK(d.process == other.pid);
    const auto none = co_await self.receive<tick>(after(1min));
    CHECK(!none.has_value());
  });
}

TEST_CASE("a cancelled timer destroys its message") {
  everywhere([](context& self) -> process {
    const auto what = std::make_shared<const int>(1);
    const reference timer = self.send_after(10s, self, holds{what});
    CHECK(what.use_count() == 2);
    self.cancel_timer(timer);
    CHECK(what.use_count() == 1);
    co_return;
  });
}

TEST_CASE("send_interval sends again and again, until it is cancelled") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    const reference timer = self.send_interval(100ms, self, tick{5});
    for (int i = 1; i <= 10; ++i) {
      const tick t = co_await self.receive<tick>();
      CHECK(t.n == 5);
      CHECK(self.now() - start >= i * 100ms);
    }
    CHECK(self.now() - start < 1200ms);
    const auto left = self.cancel_timer(timer);
    REQUIRE(left.has_value());
    CHECK(*left <= 100ms);
    // What had been sent before may still come; then it is quiet.
    co_await self.receive<tick>(after(1s));
    const auto none = co_await self.receive<tick>(after(1min));
    CHECK(!none.has_value());
  });
}

TEST_CASE("send_interval stops when its receiver has ended") {
  everywhere([](context& self) -> process {
    const auto what = std::make_shared<const int>(1);
    const pid child = self.spawn([](context& me) -> process {
      for (int i = 0; i < 3; ++i) co_await me.receive<holds>();
    });
    const reference timer = self.send_interval(10ms, child, holds{what});
    self.monitor(child);
    co_await self.receive<down>();
    co_await self.sleep(1s);
    CHECK(!self.cancel_timer(timer).has_value());
    CHECK(what.use_count() == 1);
  });
}

TEST_CASE("send_interval to a name goes on whoever has it") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_interval(10ms, "ticked", go{});
    for (int i = 0; i < 3; ++i) {
      const spawned child = self.spawn({.name = "ticked"_atom, .monitor = true},
                                       [](context& me) -> process { co_await me.receive<go>(); });
      const down d = co_await self.receive<down>();
      CHECK(d.ref == child.monitor);
      CHECK(d.reason == term("normal"_atom));
      co_await self.sleep(50ms);  // nobody has it now
    }
    CHECK(self.cancel_timer(timer).has_value());
  });
}

TEST_CASE("an interval of nothing does not stop the world") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_interval(1ns, self, tick{1});
    for (int i = 0; i < 5; ++i) co_await self.receive<tick>();
    CHECK(self.cancel_timer(timer).has_value());
  });
}

TEST_CASE("a timer outlives the process that started it") {
  everywhere([](context& self) -> process {
    self.spawn([parent = self.pid()](context& me) -> process {
      me.send_after(1s, parent, tick{3});
      co_return;
    });
    const tick t = co_await self.receive<tick>();
    CHECK(t.n == 3);
  });
}

TEST_CASE("a timer keeps no process alive, and its message to the dead is dropped") {
  everywhere([](context& self) -> process {
    const auto what = std::make_shared<const int>(1);
    const auto start = self.now();
    const spawned child = self.spawn_monitor([what](context& me) -> process {
      me.send_after(1h, me, holds{what});
      co_return;
    });
    const down d = co_await self.receive<down>();
    CHECK(d.process == child.pid);
    CHECK(self.now() == start);
    co_await self.sleep(2h);
    CHECK(what.use_count() == 1);
  });
}

TEST_CASE("a system ends with timers that have not fired") {
  auto what = std::make_shared<const int>(1);
  {
    actor_system sys(troupe_test::quiet_options());
    sys.wait(sys.spawn([&](context& self) -> process {
      self.send_after(1h, self, holds{what});
      self.send_interval(1h, "somebody", holds{what});
      self.send_after(infinity, self, holds{what});
      co_return;
    }));
    CHECK(what.use_count() == 4);
  }
  CHECK(what.use_count() == 1);
}

TEST_CASE("sleep waits, and leaves the messages") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    self.send<tick>(self, 1);
    self.send_after(500ms, self, tick{2});
    co_await self.sleep(1s);
    CHECK(self.now() - start == 1s);
    co_await self.sleep(0s);
    co_await self.sleep(-1s);
    CHECK(self.now() - start == 1s);
    for (int i = 1; i <= 2; ++i) {
      const auto t = co_await self.receive<tick>(after(0s));
      REQUIRE(t.has_value());
      CHECK(t->n == i);
    }
  });
}

TEST_CASE("sleeping for ever ends with the process") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor([](context& me) -> process { co_await me.sleep(infinity); });
    co_await self.sleep(24h);
    CHECK(self.is_alive(child.pid));
    self.exit(child.pid, "enough"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("enough"_atom));
  });
}

TEST_CASE("sleepers wake in the order of their times") {
  everywhere([](context& self) -> process {
    for (int i : {3, 1, 2})
      self.spawn([i, parent = self.pid()](context& me) -> process {
        co_await me.sleep(i * 100ms);
        me.send<tick>(parent, i);
      });
    for (int i = 1; i <= 3; ++i) {
      const tick t = co_await self.receive<tick>();
      CHECK(t.n == i);
    }
  });
}

TEST_CASE("yield lets every other process run") {
  everywhere([](context& self) -> process {
    constexpr int count = 5;
    for (int i = 0; i < count; ++i)
      self.spawn([parent = self.pid()](context& me) -> process {
        for (int k = 0; k < 3; ++k) co_await me.yield();
        me.send<go>(parent);
      });
    int done = 0;
    while (done < count) {
      co_await self.yield();  // never waits, so the others run because of it
      while (co_await self.receive([](const go&) { return true; }, after(0s, [] { return false; }))) ++done;
    }
    CHECK(done == count);
  });
}

TEST_CASE("processes that yield take turns on one worker") {
  const troupe_test::hang_guard guard("taking turns");
  actor_system sys(troupe_test::quiet_options(1));
  std::string order;  // one worker: no two of them run at once
  sys.wait(sys.spawn([&](context& self) -> process {
    std::vector<reference> watched;
    for (char c : {'a', 'b', 'c'})
      watched.push_back(self.spawn_monitor([&order, c](context& me) -> process {
                              for (int i = 0; i < 4; ++i) {
                                order += c;
                                co_await me.yield();
                              }
                            })
                            .monitor);
    for (std::size_t i = 0; i < watched.size(); ++i) co_await self.receive<down>();
  }));
  CHECK(order == "abcabcabcabc");
}
