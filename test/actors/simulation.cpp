// SPDX-License-Identifier: BSL-1.0
// The simulation itself: a seed replays, seeds differ, time jumps, and what waits for ever is named.
#include "everywhere.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using testing::simulation;
using troupe_test::run_seed;

namespace {

struct go {};
struct get {
  using reply = int;
};
struct from {
  int who;
};
struct table {
  std::map<std::string, int> items;
};

process racer(context& self, pid to, int who) {
  for (int i = 0; i < 3; ++i) {
    co_await self.yield();
    self.send<from>(to, who);
  }
}

/// Links, monitors, maps, names, timers, blocking work and many processes: whatever could depend on an address or on a
/// hash's order.
process busy_world(context& self) {
  self.trap_exit(true);
  std::vector<pid> children;
  for (int i = 0; i < 30; ++i) {
    children.push_back(self.spawn_link([i](context& me) -> process {
      me.register_name(atom("child" + std::to_string(i)));
      if (i % 3 == 0) co_await me.blocking([] {});
      if (i % 4 == 0) co_await me.sleep(1ms * i);
      table t;
      for (int k = 0; k < 5; ++k) t.items[std::to_string(k * i)] = k;
      me.send(me.pid(), t);
      co_await me.receive<table>();
      for (int k = 0; k < i; ++k) me.link(me.whereis(atom("child" + std::to_string(k))));
      co_await me.receive<go>();
      me.exit(term::map({{"i"_atom, i}, {"x"_atom, i * 2}}));
    }));
    self.monitor(children.back());
  }
  co_await self.sleep(100ms);
  for (std::size_t i = 0; i < children.size(); i += 7) self.send<go>(children[i]);
  for (const pid& p : children) self.exit(p, "over"_atom);
  for (std::size_t i = 0; i < children.size(); ++i) {
    co_await self.receive<down>();
    co_await self.receive<exit_signal>();
  }
}

std::uint64_t trace_of(std::uint64_t seed) {
  return run_seed(seed, [](context& self) -> process { return busy_world(self); });
}

/// The order in which the messages of three racers arrive.
std::string race(std::uint64_t seed) {
  simulation world(seed);
  std::string order;
  actor_system sys(world.options());
  sys.wait(sys.spawn([&](context& self) -> process {
    for (int i = 0; i < 3; ++i) self.spawn(racer, self.pid(), i);
    for (int i = 0; i < 9; ++i) {
      const from f = co_await self.receive<from>();
      order += std::to_string(f.who);
    }
  }));
  return order;
}

process waits_for_go(context& self) {
  co_await self.receive<go>();
}

}  // namespace

TEST_CASE("the same program with the same seed does the same, always") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::uint64_t first = trace_of(seed);
    CHECK(trace_of(seed) == first);
    CHECK(race(seed) == race(seed));
  }
}

TEST_CASE("a trace depends on nothing that was before in the program") {
  const std::uint64_t before = trace_of(7);
  {
    actor_system other(troupe_test::quiet_options(1));
    other.wait(other.spawn([](context&) -> process { co_return; }));
    for (int i = 0; i < 1000; ++i) static_cast<void>(atom("simulation test " + std::to_string(i)));
    simulation world(3);
    const actor_system unused(world.options("another@host"));
    CHECK(trace_of(7) == before);
  }
  CHECK(trace_of(7) == before);
}

TEST_CASE("other seeds find other orders") {
  std::set<std::string> orders;
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    orders.insert(race(seed));
    traces.insert(trace_of(seed));
  }
  CHECK(orders.size() > 50);
  CHECK(traces.size() > 90);
}

TEST_CASE("virtual time stands still while anything can happen, and jumps when nothing can") {
  simulation world(1);
  actor_system sys(world.options());
  const auto start = sys.now();
  sys.wait(sys.spawn([](context& self) -> process {
    for (int i = 0; i < 1000; ++i) co_await self.yield();
  }));
  CHECK(sys.now() == start);
  sys.wait(sys.spawn([](context& self) -> process { co_await self.sleep(24h * 365); }));
  CHECK(sys.now() == start + 24h * 365);
}

TEST_CASE("when all wait for ever, deadlock says who waits where for what, and the seed") {
  simulation world(123);
  actor_system sys(world.options());
  const pid waiting = sys.spawn({.name = "sleeper"_atom}, waits_for_go);
  std::string what;
  try {
    sys.wait(sys.spawn([&](context& self) -> process { co_await self.call(waiting, get{}, infinity); }));
  } catch (const testing::deadlock& e) {
    what = e.what();
  }
  CAPTURE(what);
  CHECK(what.find("seed 123") != std::string::npos);
  CHECK(what.find(waiting.to_string()) != std::string::npos);
  CHECK(what.find("sleeper") != std::string::npos);
  CHECK(what.find("waits_for_go") != std::string::npos);
  CHECK(what.find("receive") != std::string::npos);
  CHECK(what.find("go") != std::string::npos);
  CHECK(what.find("call") != std::string::npos);
  CHECK(what.find("simulation.cpp:") != std::string::npos);
}

TEST_CASE("a simulation that does not end throws endless, with the seed") {
  simulation world(77);
  world.set_max_steps(5000);
  std::string what;
  {
    actor_system sys(world.options());
    const pid busy = sys.spawn([](context& self) -> process {
      for (;;) co_await self.yield();
    });
    try {
      sys.wait(busy);
    } catch (const testing::endless& e) {
      what = e.what();
    }
    CHECK(world.steps() > 5000);
    world.set_max_steps(1'000'000);  // so that it can be ended
  }
  CHECK(what.find("seed 77") != std::string::npos);
  CHECK(what.find("5000") != std::string::npos);
}

TEST_CASE("several systems run in one simulation, by one clock, without knowing one another") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    simulation world(seed);
    actor_system one(world.options("one@host"));
    actor_system two(world.options("two@host"));
    CHECK(one.name() == "one@host");
    CHECK(one.creation() != two.creation());
    const pid a = one.spawn([](context& self) -> process {
      for (;;) co_await self.receive([](request<get> r) { r.reply(1); });
    });
    std::string log;
    const auto sleeper = [&log](context& self, std::chrono::milliseconds time, std::string name) -> process {
      co_await self.sleep(time);
      log += name;
    };
    const pid first = one.spawn(sleeper, 10ms, "a");
    const pid second = two.spawn(sleeper, 20ms, "b");
    const pid third = one.spawn(sleeper, 30ms, "c");
    two.wait(second);
    one.wait(third);
    one.wait(first);
    CHECK(log == "abc");
    CHECK(one.now() == two.now());
    CHECK(one.call<get>(a) == 1);
    CHECK_THROWS_AS(two.call<get>(a), call_failed);
    CHECK(two.wait(a) == term("noconnection"_atom));
  }
}

TEST_CASE("a world is stepped by hand, until nothing will ever happen again") {
  simulation world(5);
  actor_system sys(world.options());
  CHECK(!world.step());
  bool ran = false;
  sys.spawn([&](context& self) -> process {
    co_await self.sleep(1s);
    ran = true;
  });
  CHECK(world.step());
  CHECK(!ran);
  world.run();
  CHECK(ran);
  CHECK(!world.step());
  sys.spawn(waits_for_go);
  world.run();
  CHECK(world.report().find("waits_for_go") != std::string::npos);
  CHECK(world.report().find("receive") != std::string::npos);
}

TEST_CASE("blocking work runs at a moment of the seed's choice") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    simulation world(seed);
    std::string order;
    actor_system sys(world.options());
    sys.wait(sys.spawn([&](context& self) -> process {
      for (char c : {'a', 'b', 'c'})
        self.spawn_monitor([&order, c](context& me) -> process { co_await me.blocking([&] { order += c; }); });
      for (int i = 0; i < 3; ++i) co_await self.receive<down>();
    }));
    orders.insert(order);
  }
  CHECK(orders.size() == 6);
}
