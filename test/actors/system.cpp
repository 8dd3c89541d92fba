// SPDX-License-Identifier: BSL-1.0
// The actor_system: several of them, limits, ordinary threads, its orderly end, and the watchdog.
#include "everywhere.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::hang_guard;
using troupe_test::quiet_options;

namespace {

struct get {
  using reply = int;
};
struct go {};
struct report_to {
  pid who;
};

process server(context& self, int value) {
  for (;;) co_await self.receive([&](request<get> r) { r.reply(value); });
}

/// Counts the frames that live.
class tracker {
 public:
  explicit tracker(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  tracker(const tracker&) = delete;
  tracker& operator=(const tracker&) = delete;
  ~tracker() { --alive_; }

 private:
  std::atomic<int>& alive_;
};

process waits_for_ever(context& self) {
  co_await self.receive<go>();
}

template <class F>
term reason_of(F&& f) {
  try {
    f();
  } catch (const call_failed& e) {
    return e.reason();
  }
  return term("none"_atom);
}

/// A thread that waits until the process count is `count`.
void wait_for_count(const actor_system& sys, std::size_t count) {
  while (sys.process_count() != count) std::this_thread::yield();
}

}  // namespace

TEST_CASE("several systems live in one program, and do not know one another's processes") {
  const hang_guard guard("two systems");
  actor_system one(quiet_options(1));
  actor_system two(quiet_options(1));
  CHECK(one.creation() != two.creation());
  const pid a = one.spawn({.name = "server"_atom}, server, 1);
  const pid b = two.spawn({.name = "server"_atom}, server, 2);
  CHECK(a != b);
  CHECK(one.call<get>("server") == 1);
  CHECK(two.call<get>("server") == 2);
  CHECK(one.is_alive(a));
  CHECK(!two.is_alive(a));
  CHECK(reason_of([&] { two.call<get>(a); }) == term("noconnection"_atom));
  CHECK(two.wait(a) == term("noconnection"_atom));
  CHECK_THROWS_AS(two.register_name("other"_atom, a), registration_error);
  two.send<go>(a);
  two.exit(a, "kill"_atom);
  term reason;
  two.wait(two.spawn([&](context& self) -> process {
    self.trap_exit(true);
    self.link(a);
    const exit_signal e = co_await self.receive<exit_signal>();
    reason = e.reason;
  }));
  CHECK(reason == term("noconnection"_atom));
  CHECK(one.call<get>(a) == 1);
}

TEST_CASE("a system takes the place of one that has gone; its pids are others") {
  const hang_guard guard("one after the other");
  std::vector<pid> seen;
  for (int i = 0; i < 20; ++i) {
    actor_system sys(quiet_options(1));
    const pid p = sys.spawn(server, i);
    for (const pid& old : seen) {
      CHECK(old != p);
      CHECK(!sys.is_alive(old));
    }
    seen.push_back(p);
    CHECK(sys.call<get>(p) == i);
  }
}

TEST_CASE("wait gives the exit reason, noproc when the process has gone, and times out") {
  const hang_guard guard("wait");
  actor_system sys(quiet_options(2));
  const pid p = sys.spawn([](context& self) -> process {
    co_await self.receive<go>();
    self.exit(term::tuple({"done"_atom, 5}));
  });
  CHECK(reason_of([&] { sys.wait(p, 1ms); }) == term("timeout"_atom));
  std::thread later([&] { sys.send<go>(p); });
  const term reason = sys.wait(p);
  CHECK((reason == term::tuple({"done"_atom, 5}) || reason == term("noproc"_atom)));
  later.join();
  CHECK(sys.wait(p) == term("noproc"_atom));
  CHECK(sys.wait(pid()) == term("noproc"_atom));
}

TEST_CASE("ordinary threads spawn, register, look up and end processes") {
  const hang_guard guard("ordinary threads");
  actor_system sys(quiet_options(2));
  const pid p = sys.spawn(server, 3);
  sys.register_name("three"_atom, p);
  CHECK(sys.whereis("three"_atom) == p);
  CHECK(sys.registered() == std::vector<atom>{"three"_atom});
  CHECK_THROWS_AS(sys.register_name("three"_atom, p), registration_error);
  CHECK_THROWS_AS(sys.spawn({.name = "three"_atom}, server, 4), registration_error);
  CHECK(sys.unregister_name("three"_atom));
  CHECK(!sys.unregister_name("three"_atom));
  CHECK(sys.whereis("three"_atom) == pid());
  sys.register_name("drei"_atom, p);
  sys.exit(p, "kill"_atom);
  const term reason = sys.wait(p);
  CHECK((reason == term("killed"_atom) || reason == term("noproc"_atom)));
  CHECK(sys.whereis("drei"_atom) == pid());
  CHECK(sys.registered().empty());
  CHECK(!sys.is_alive(p));
}

TEST_CASE("call and wait throw usage_error on a worker") {
  const hang_guard guard("on a worker");
  actor_system sys(quiet_options(1));
  const pid s = sys.spawn(server, 1);
  int thrown = 0;
  sys.wait(sys.spawn([&](context&) -> process {
    try {
      sys.call<get>(s);
    } catch (const usage_error&) {
      ++thrown;
    }
    try {
      sys.call(s, get{});
    } catch (const usage_error&) {
      ++thrown;
    }
    try {
      sys.wait(s);
    } catch (const usage_error&) {
      ++thrown;
    }
    sys.send<go>(s);  // these do not block
    sys.spawn(server, 2);
    co_return;
  }));
  CHECK(thrown == 3);
}

TEST_CASE("a process's callable and what it captured live as long as the process") {
  everywhere([](context& self) -> process {
    const auto held = std::make_shared<const int>(4);
    spawned child;
    {
      const std::string text(100, 'x');
      auto body = [held, text](context& me) -> process {
        co_await me.receive<go>();
        CHECK(*held == 4);
        CHECK(text == std::string(100, 'x'));
        co_await me.receive<go>();
      };
      child = self.spawn_monitor(std::move(body));
    }
    self.send<go>(child.pid);
    co_await self.sleep(1s);
    CHECK(held.use_count() == 2);
    self.send<go>(child.pid);
    co_await self.receive<down>();
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("arguments are taken by value, and may be move-only") {
  everywhere([](context& self) -> process {
    self.spawn(
        [](context& me, pid parent, std::unique_ptr<int> n, std::string text) -> process {
          me.send(parent, *n + static_cast<int>(text.size()));
          co_return;
        },
        self.pid(), std::make_unique<int>(40), "two");
    const int n = co_await self.receive<int>();
    CHECK(n == 43);
  });
}

TEST_CASE("an object that is no lambda may be a process") {
  everywhere([](context& self) -> process {
    struct adder {
      int base;
      process operator()(context& me, pid parent, int n) {
        me.send(parent, base += n);
        co_return;
      }
    };
    self.spawn(adder{5}, self.pid(), 6);
    const int n = co_await self.receive<int>();
    CHECK(n == 11);
  });
}

// --- limits ---------------------------------------------------------------------------------------------------------

TEST_CASE("spawning beyond max_processes throws system_limit, which names the limit; afterwards there is room again") {
  const hang_guard guard("limits");
  actor_system_options options = quiet_options(2);
  options.max_processes = 20;
  actor_system sys(options);
  for (int round = 0; round < 3; ++round) {
    std::vector<pid> made;
    std::string what;
    try {
      for (int i = 0; i < 21; ++i) made.push_back(sys.spawn(waits_for_ever));
    } catch (const system_limit& e) {
      what = e.what();
    }
    CHECK(made.size() == 20);
    CHECK(what.find("max_processes") != std::string::npos);
    CHECK(what.find("20") != std::string::npos);
    for (const pid& p : made) sys.send<go>(p);
    wait_for_count(sys, 0);
#if defined(TROUPE_NO_RECYCLE)
    break;  // sanitizer builds never use a slot twice
#endif
  }
}

TEST_CASE("a process that spawns too many gets system_limit, and what did not fit leaves no trace") {
  const hang_guard guard("limits");
  actor_system_options options = quiet_options(1);
  options.max_processes = 20;
  actor_system sys(options);
  int made = 0;
  bool thrown = false;
  const auto held = std::make_shared<const int>(1);
  sys.spawn([&](context& self) -> process {
    try {
      for (int i = 0; i < 30; ++i) {
        self.spawn_link([held](context& me) -> process { co_await me.receive<go>(); });
        ++made;
      }
    } catch (const system_limit&) {
      thrown = true;
    }
    self.exit("over"_atom);  // takes the linked ones along
    co_return;
  });
  wait_for_count(sys, 0);
  CHECK(thrown);
  CHECK(made == 19);
  CHECK(held.use_count() == 1);
}

TEST_CASE("slots are used again with a new serial, and an old pid names nobody") {
  const hang_guard guard("slots");
  actor_system sys(quiet_options(1));
  bool reused = false;
  int strays = 0;
  sys.wait(sys.spawn([&](context& self) -> process {
    std::vector<pid> old;
    for (int i = 0; i < 100; ++i) {
      const spawned child = self.spawn_monitor([](context&) -> process { co_return; });
      co_await self.receive<down>();
      co_await self.yield();
      for (const pid& o : old) {
        CHECK(o != child.pid);
        reused = reused || o.id() == child.pid.id();
      }
      old.push_back(child.pid);
    }
    // Whoever has the slots now gets nothing that was meant for those before.
    std::vector<pid> fresh;
    for (int i = 0; i < 200; ++i)
      fresh.push_back(self.spawn([&strays](context& me) -> process {
        me.trap_exit(true);
        co_await me.receive([](const go&) {}, [&](const any_message&) { ++strays; });
      }));
    for (const pid& o : old) {
      CHECK(!self.is_alive(o));
      self.send(o, 1);
      self.exit(o, "kill"_atom);
      self.exit(o, "normal"_atom);
      term reason;
      try {
        co_await self.call<get>(o);
      } catch (const call_failed& e) {
        reason = e.reason();
      }
      CHECK(reason == term("noproc"_atom));
      self.monitor(o);
      const down d = co_await self.receive<down>();
      CHECK(d.process == o);
      CHECK(d.reason == term("noproc"_atom));
    }
    for (const pid& p : fresh) {
      CHECK(self.is_alive(p));
      self.monitor(p);
      self.send<go>(p);
    }
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("normal"_atom));
    }
  }));
#if !defined(TROUPE_NO_RECYCLE)
  CHECK(reused);
#endif
  CHECK(strays == 0);
}

TEST_CASE("process_count counts those that live") {
  const hang_guard guard("process_count");
  actor_system sys(quiet_options(2));
  CHECK(sys.process_count() == 0);
  std::vector<pid> made;
  for (int i = 0; i < 100; ++i) made.push_back(sys.spawn(waits_for_ever));
  CHECK(sys.process_count() == 100);
  for (const pid& p : made) sys.exit(p, "kill"_atom);
  wait_for_count(sys, 0);
}

// --- the end --------------------------------------------------------------------------------------------------------

TEST_CASE("the end of a system ends 100,000 waiting processes and runs their destructors") {
  const hang_guard guard("the end");
#if defined(TROUPE_NO_RECYCLE)
  constexpr int count = 10'000;
#else
  constexpr int count = 100'000;
#endif
  std::atomic<int> alive{0};
  {
    actor_system sys(quiet_options(2));
    sys.wait(sys.spawn([&](context& self) -> process {
      for (int i = 0; i < count; ++i)
        self.spawn([&alive](context& me) -> process {
          const tracker here(alive);
          co_await me.receive<go>();
        });
      while (alive.load() != count) co_await self.yield();
    }));
    wait_for_count(sys, count);  // the one that waited for us may need a moment
  }
  CHECK(alive.load() == 0);
}

TEST_CASE("the end of a system ends processes wherever they are") {
  const hang_guard guard("the end");
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> alive{0};
    {
      actor_system sys(quiet_options(2));
      const pid s = sys.spawn(waits_for_ever);
      for (int i = 0; i < 4; ++i) {
        sys.spawn([&](context& self) -> process {
          const tracker here(alive);
          self.trap_exit(true);
          for (;;) co_await self.receive<exit_signal>();
        });
        sys.spawn([&](context& self) -> process {
          const tracker here(alive);
          for (;;) co_await self.yield();
        });
        sys.spawn([&, s](context& self) -> process {
          const tracker here(alive);
          co_await self.call<get>(s);
        });
        sys.spawn([&](context& self) -> process {
          const tracker here(alive);
          co_await self.sleep(1h);
        });
        sys.spawn([&](context& self) -> process {
          const tracker here(alive);
          for (;;) co_await self.blocking([] {});
        });
        sys.spawn([&](context& self) -> process {  // a chain without end
          const tracker here(alive);
          struct again {
            static process step(context& me) {
              try {
                me.spawn(step);
              } catch (const usage_error&) {
              }
              co_return;
            }
          };
          self.spawn(again::step);
          co_await self.receive<go>();
        });
      }
      if (round % 2 == 0)
        while (alive.load() != 24) std::this_thread::yield();
    }
    CHECK(alive.load() == 0);
  }
}

TEST_CASE("spawning while the system ends throws usage_error") {
  const hang_guard guard("spawn at the end");
  std::atomic<int> refused{0};
  {
    actor_system sys(quiet_options(2));
    struct spawns_at_its_end {
      context& self;
      std::atomic<int>& refused;
      spawns_at_its_end(context& s, std::atomic<int>& r) : self(s), refused(r) {}
      spawns_at_its_end(const spawns_at_its_end&) = delete;
      spawns_at_its_end& operator=(const spawns_at_its_end&) = delete;
      ~spawns_at_its_end() {
        try {
          self.spawn(waits_for_ever);
        } catch (const usage_error&) {
          ++refused;
        }
      }
    };
    std::atomic<bool> there{false};
    sys.spawn([&](context& self) -> process {
      const spawns_at_its_end last(self, refused);
      there = true;
      there.notify_all();
      co_await self.receive<go>();
    });
    there.wait(false);
  }
  CHECK(refused.load() == 1);
}

TEST_CASE("destructors that run at a process's end may send, call back nobody, and throw inside") {
  everywhere([](context& self) -> process {
    struct heavy {
      context& self;
      pid parent;
      heavy(context& s, pid p) : self(s), parent(p) {}
      heavy(const heavy&) = delete;
      heavy& operator=(const heavy&) = delete;
      ~heavy() {
        try {
          self.send(parent, 1);
          throw std::runtime_error("caught here");
        } catch (const std::runtime_error&) {
          self.send(parent, 2);
        }
      }
    };
    for (int round = 0; round < 2; ++round) {
      const spawned child = self.spawn_monitor([round, parent = self.pid()](context& me) -> process {
        const heavy a(me, parent);
        const heavy b(me, parent);
        if (round == 0) throw std::logic_error("mine");
        co_await me.receive<go>();
      });
      if (round == 1) self.exit(child.pid, "stop"_atom);
      const down d = co_await self.receive<down>();
      const bool ran = round == 0 || self.mailbox_length() == 4;
      CHECK((d.reason == term::tuple({"error"_atom, "mine"}) || d.reason == term("stop"_atom)));
      int got = 0;
      while (co_await self.receive([](int) { return true; }, after(0s, [] { return false; }))) ++got;
      CHECK(got == (ran ? 4 : 0));  // what was sent before the end comes before its down
    }
  });
}

TEST_CASE("on_stuck is told which process does not end, in which function, and where it waits") {
  const hang_guard guard("on_stuck");
  std::atomic<bool> entered{false};
  std::atomic<bool> let_go{false};
  std::vector<stuck_process> seen;
  int asked = 0;
  pid stuck;
  {
    actor_system_options options = quiet_options(1);
    options.stop_timeout = 20ms;
    options.on_stuck = [&](const std::vector<stuck_process>& left) {
      seen = left;
      if (++asked < 2) return;
      let_go = true;
      let_go.notify_all();
    };
    actor_system sys(options);
    stuck = sys.spawn([&](context& self) -> process {
      co_await self.blocking([&] {
        entered = true;
        entered.notify_all();
        let_go.wait(false);
      });
    });
    sys.spawn(waits_for_ever);
    entered.wait(false);
  }
  CHECK(asked >= 2);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].pid == stuck);
  CHECK(seen[0].what == "blocking");
  CHECK(seen[0].function.find("DOCTEST") != std::string::npos);
  CHECK(seen[0].where.find("system.cpp:") != std::string::npos);
}

TEST_CASE("on_stuck is told of a process that holds its worker") {
  const hang_guard guard("on_stuck");
  std::atomic<bool> entered{false};
  std::atomic<bool> let_go{false};
  std::vector<stuck_process> seen;
  {
    actor_system_options options = quiet_options(1);
    options.stop_timeout = 20ms;
    options.long_run = 0ms;
    options.on_stuck = [&](const std::vector<stuck_process>& left) {
      seen = left;
      let_go = true;
    };
    actor_system sys(options);
    sys.spawn({.name = "busy"_atom}, [&](context& self) -> process {
      co_await self.yield();
      entered = true;
      entered.notify_all();
      while (!let_go.load()) std::this_thread::yield();
    });
    entered.wait(false);
  }
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].name == "busy");
  CHECK(seen[0].where.find("system.cpp:") != std::string::npos);
}

TEST_CASE("a system without processes ends at once, and so does one whose processes have never run") {
  const hang_guard guard("the end");
  for (int i = 0; i < 50; ++i) {
    actor_system sys(quiet_options(2));
  }
  for (int i = 0; i < 50; ++i) {
    const auto held = std::make_shared<const int>(1);
    {
      actor_system sys(quiet_options(1));
      for (int k = 0; k < 10; ++k) sys.spawn([held](context& self) -> process { co_await self.receive<go>(); });
    }
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE("an ordinary thread that waits when the system ends is let go") {
  const hang_guard guard("waiting at the end");
  auto sys = std::make_unique<actor_system>(quiet_options(1));
  const pid p = sys->spawn(waits_for_ever);
  std::atomic<int> failed{0};
  std::atomic<bool> ready{false};
  std::thread waiting([&] {
    ready = true;
    ready.notify_all();
    try {
      sys->wait(p);
    } catch (const call_failed&) {
      ++failed;
    } catch (const usage_error&) {
      ++failed;
    }
  });
  ready.wait(false);
  while (sys->process_count() < 2) std::this_thread::yield();  // the process that waits on the thread's behalf
  sys->exit(p, "kill"_atom);
  waiting.join();
  sys.reset();
  CHECK(failed.load() == 0);
}

// --- the watchdog ---------------------------------------------------------------------------------------------------

namespace {

/// What was logged.
class lines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::string wait_for(const std::string& part) {
    std::unique_lock guard(lock_);
    std::string found;
    condition_.wait(guard, [&] {
      for (const std::string& line : lines_)
        if (line.find(part) != std::string::npos) found = line;
      return !found.empty();
    });
    return found;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::lock_guard guard(lock_);
    lines_.emplace_back(message.payload.data(), message.payload.size());
    condition_.notify_all();
  }
  void flush_() override {}

 private:
  std::mutex lock_;
  std::condition_variable condition_;
  std::vector<std::string> lines_;
};

/// The default logger writes to it meanwhile.
class logged {
 public:
  logged() : sink(std::make_shared<lines>()), before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  logged(const logged&) = delete;
  logged& operator=(const logged&) = delete;
  ~logged() { spdlog::set_default_logger(before_); }

  std::shared_ptr<lines> sink;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace

TEST_CASE("a process that holds its worker too long is reported, by pid and name") {
  const hang_guard guard("the watchdog");
  const logged log;
  std::atomic<bool> let_go{false};
  actor_system_options options = quiet_options(1);
  options.long_run = 20ms;
  actor_system sys(options);
  const pid hog = sys.spawn({.name = "hog"_atom}, [&](context&) -> process {
    while (!let_go.load()) std::this_thread::yield();
    co_return;
  });
  const std::string line = log.sink->wait_for("has held its worker");
  let_go = true;
  CHECK(line.find(hog.to_string()) != std::string::npos);
  CHECK(line.find("hog") != std::string::npos);
  wait_for_count(sys, 0);
}

TEST_CASE("self.log and crash reports name the process") {
  const hang_guard guard("logging");
  const logged log;
  actor_system_options options = quiet_options(1);
  options.log_crashes = true;
  actor_system sys(options);
  const pid p = sys.spawn({.name = "talker"_atom}, [](context& self) -> process {
    self.log("the number is {}", 42);
    self.log(log_level::error, "bad {}", "news");
    throw std::runtime_error("crashed as planned");
    co_return;
  });
  const std::string first = log.sink->wait_for("the number is 42");
  const std::string second = log.sink->wait_for("bad news");
  const std::string third = log.sink->wait_for("crashed as planned");
  for (const std::string& line : {first, second, third}) {
    CHECK(line.find(p.to_string()) != std::string::npos);
    CHECK(line.find("talker") != std::string::npos);
  }
  wait_for_count(sys, 0);
}

// --- parking --------------------------------------------------------------------------------------------------------

TEST_CASE("a park storm: bursts from outside into idle workers, and all arrives") {
#if defined(TROUPE_NO_RECYCLE)
  constexpr int rounds = 300;
#else
  constexpr int rounds = 5000;
#endif
  for (const std::size_t workers : {1U, 2U, 4U}) {
    const hang_guard guard("park storm, " + std::to_string(workers) + " workers");
    actor_system sys(quiet_options(workers));
    constexpr int sinks = 8;
    std::atomic<int> arrived{0};
    std::vector<pid> to;
    for (int i = 0; i < sinks; ++i)
      to.push_back(sys.spawn([&](context& self) -> process {
        for (;;) {
          co_await self.receive<go>();
          arrived.fetch_add(1);
          arrived.notify_one();
        }
      }));
    for (int round = 0; round < rounds; ++round) {
      const int burst = 1 + round % sinks;
      arrived = 0;
      for (int i = 0; i < burst; ++i) sys.send<go>(to[static_cast<std::size_t>(i)]);
      for (int n = arrived.load(); n != burst; n = arrived.load()) arrived.wait(n);
      if (round % 7 == 0)
        for (int i = 0; i < round % 1000; ++i) std::this_thread::yield();  // until they sleep, now and then
    }
    CHECK(arrived.load() == 1 + (rounds - 1) % sinks);
  }
}

TEST_CASE("a park storm from inside: chains that fan out and die down") {
#if defined(TROUPE_NO_RECYCLE)
  constexpr int rounds = 50;
#else
  constexpr int rounds = 1000;
#endif
  for (const std::size_t workers : {1U, 2U, 4U}) {
    const hang_guard guard("fan-out storm, " + std::to_string(workers) + " workers");
    actor_system sys(quiet_options(workers));
    std::atomic<int> total{0};
    for (int round = 0; round < rounds; ++round) {
      sys.wait(sys.spawn([&](context& self) -> process {
        std::vector<pid> children;
        for (int i = 0; i < 6; ++i)
          children.push_back(self.spawn([&total](context& me) -> process {
            const report_to r = co_await me.receive<report_to>();
            co_await me.sleep(0s);
            ++total;
            me.send<go>(r.who);
          }));
        self.send_all(children, report_to{self.pid()});
        for (int i = 0; i < 6; ++i) co_await self.receive<go>();
      }));
    }
    wait_for_count(sys, 0);
    CHECK(total.load() == 6 * rounds);
  }
}
