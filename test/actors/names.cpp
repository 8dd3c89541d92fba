// SPDX-License-Identifier: BSL-1.0
// Registered names, as Erlang's manual states them: register, unregister, whereis, and what is sent to a name.
#include "cast.hpp"
#include "everywhere.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using namespace troupe_test;

namespace {

struct note {
  int number;
};
struct ping {
  using reply = int;
};

process echo(context& self) {
  for (;;) co_await self.receive([&](request<ping> r) { r.reply(17); }, [&](const finish& f) { self.exit(f.reason); });
}

/// The text of the registration_error that f() throws; empty when it throws none.
template <class F>
std::string refusal_of(F&& f) {
  try {
    f();
  } catch (const registration_error& e) {
    return e.what();
  }
  return {};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// --- register, unregister, whereis
// ------------------------------------------------------------------------------------

TEST_CASE("a registered name finds its process until it is unregistered") {
  everywhere([](context& self) -> process {
    CHECK(self.whereis("server"_atom) == pid());
    const pid child = self.spawn(obedient);
    self.register_name("server"_atom, child);
    CHECK(self.whereis("server"_atom) == child);
    CHECK(self.unregister_name("server"_atom));
    CHECK(self.whereis("server"_atom) == pid());
    CHECK(!self.unregister_name("server"_atom));
    CHECK(self.is_alive(child));
    co_return;
  });
}

TEST_CASE("a process may register itself, and any process may unregister a name") {
  everywhere([](context& self) -> process {
    self.register_name("main"_atom);
    CHECK(self.whereis("main"_atom) == self.pid());
    const spawned other = self.spawn_monitor([](context& me) -> process {
      CHECK(me.unregister_name("main"_atom));
      co_return;
    });
    const down d = co_await self.receive<down>();
    CHECK(d.ref == other.monitor);
    CHECK(self.whereis("main"_atom) == pid());
  });
}

TEST_CASE("a taken name is refused, with the name and its holder in the text, and its holder keeps it") {
  everywhere([](context& self) -> process {
    const pid first = self.spawn(obedient);
    const pid second = self.spawn(obedient);
    self.register_name("taken_name"_atom, first);
    const std::string text = refusal_of([&] { self.register_name("taken_name"_atom, second); });
    CHECK(contains(text, "taken_name"));
    CHECK(contains(text, first.to_string()));
    CHECK(self.whereis("taken_name"_atom) == first);
    // By the same process, too.
    CHECK_THROWS_AS(self.register_name("taken_name"_atom, first), registration_error);
    CHECK(self.whereis("taken_name"_atom) == first);
    // The refused one has no name, so it can get another.
    self.register_name("free_name"_atom, second);
    CHECK(self.whereis("free_name"_atom) == second);
    co_return;
  });
}

TEST_CASE("a process has one name; when it is taken away, it may get another") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    self.register_name("one"_atom, child);
    const std::string text = refusal_of([&] { self.register_name("two"_atom, child); });
    CHECK(contains(text, "two"));
    CHECK(contains(text, "one"));
    CHECK(contains(text, child.to_string()));
    CHECK(self.whereis("two"_atom) == pid());
    CHECK(self.whereis("one"_atom) == child);
    self.unregister_name("one"_atom);
    self.register_name("two"_atom, child);
    CHECK(self.whereis("two"_atom) == child);
    co_return;
  });
}

TEST_CASE("a process that does not exist cannot be registered") {
  everywhere([](context& self) -> process {
    const pid gone = self.spawn_monitor([](context&) -> process { co_return; }).pid;
    co_await self.receive<down>();
    const pid never(4'000'000, 1, self.pid().creation(), self.pid().node());
    for (const pid& p : {gone, never, pid()}) {
      const std::string text = refusal_of([&] { self.register_name("ghost"_atom, p); });
      CHECK(contains(text, "ghost"));
      CHECK(contains(text, p.to_string()));
      CHECK(self.whereis("ghost"_atom) == pid());
    }
  });
}

TEST_CASE("undefined is no name, nor is the empty atom") {
  everywhere([](context& self) -> process {
    CHECK(contains(refusal_of([&] { self.register_name("undefined"_atom); }), "undefined"));
    CHECK(!refusal_of([&] { self.register_name(atom()); }).empty());
    CHECK_THROWS_AS(self.spawn({.name = "undefined"_atom}, obedient), registration_error);
    CHECK(self.whereis("undefined"_atom) == pid());
    // It is free for another name.
    self.register_name("fine"_atom);
    CHECK(self.whereis("fine"_atom) == self.pid());
    co_return;
  });
}

TEST_CASE("names with any characters are names") {
  everywhere([](context& self) -> process {
    for (const char* name : {"with space", "Ärger", "a.b-c", "0", "nil"}) {
      const spawned child = self.spawn({.name = atom(name)}, echo);
      CHECK(self.whereis(atom(name)) == child.pid);
      const int answer = co_await self.call(name, ping{});
      CHECK(answer == 17);
    }
  });
}

// --- spawn with a name
// ------------------------------------------------------------------------------------------------

TEST_CASE("spawn with a name registers the process before it runs") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn({.name = "early"_atom, .monitor = true}, [](context& me) -> process {
      CHECK(me.whereis("early"_atom) == me.pid());
      co_return;
    });
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
    CHECK(d.reason == term("normal"_atom));
    CHECK(d.name == atom());  // it was monitored as a process
  });
}

TEST_CASE("spawn with a taken name throws and leaves nothing behind") {
  actor_system sys(troupe_test::quiet_options());
  const pid holder = sys.spawn({.name = "taken"_atom}, obedient);
  std::atomic<int> ran{0};
  auto alive = std::make_shared<const int>(1);
  const std::size_t before = sys.process_count();
  for (int i = 0; i < 10; ++i) {
    const std::string text = refusal_of([&] {
      sys.spawn({.name = "taken"_atom}, [&ran, alive](context&) -> process {
        ++ran;
        co_return;
      });
    });
    CHECK(contains(text, "taken"));
    CHECK(contains(text, holder.to_string()));
  }
  CHECK(sys.process_count() == before);
  CHECK(alive.use_count() == 1);
  CHECK(sys.whereis("taken"_atom) == holder);
  CHECK(sys.registered() == std::vector<atom>{"taken"_atom});
  CHECK(ran == 0);
}

TEST_CASE("a process that spawns with a taken name gets neither link nor monitor") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const spawned holder = self.spawn({.name = "taken"_atom}, obedient);
    for (int i = 0; i < 3; ++i)
      CHECK_THROWS_AS(self.spawn({.name = "taken"_atom, .link = true, .monitor = true}, obedient), registration_error);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(self.whereis("taken"_atom) == holder.pid);
    // What was made and given up does not disturb what comes after it.
    const spawned next = self.spawn({.name = "other"_atom, .link = true, .monitor = true}, obedient);
    self.send<finish>("other", "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{next.pid, "boom"_atom});
    const down d = co_await self.receive<down>();
    CHECK(d.ref == next.monitor);
  });
}

// --- the end of a process
// ---------------------------------------------------------------------------------------------

TEST_CASE("a name frees when its process ends, and can be used again at once when the end is known") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const term reasons[] = {"normal"_atom, "boom"_atom, "kill"_atom};
    for (int i = 0; i < 6; ++i) {
      const bool by_link = i % 2 == 1;
      const spawned child = self.spawn({.name = "phoenix"_atom, .link = by_link, .monitor = !by_link}, obedient);
      const term& reason = reasons[i / 2];
      if (reason == term("kill"_atom))
        self.exit(child.pid, reason);
      else
        self.send<finish>("phoenix", reason);
      co_await self.receive([&](const down& d) { CHECK(d.process == child.pid); },
                            [&](const exit_signal& e) { CHECK(e.from == child.pid); });
      CHECK(self.whereis("phoenix"_atom) == pid());
      CHECK(!self.unregister_name("phoenix"_atom));
    }
  });
}

TEST_CASE("a name is free when a call of its process has failed with the exit reason") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 3; ++i) {
      self.spawn({.name = "server"_atom}, obedient);
      auto answer = self.request("server", ping{});
      self.send<finish>("server", "boom"_atom);
      term reason;
      try {
        co_await answer;
      } catch (const call_failed& e) {
        reason = e.reason();
      }
      CHECK(reason == term("boom"_atom));
      CHECK(self.whereis("server"_atom) == pid());
    }
  });
}

TEST_CASE("the end of a process does not take a name that another has by then") {
  everywhere([](context& self) -> process {
    const spawned first = self.spawn({.name = "moving"_atom, .monitor = true}, obedient);
    self.unregister_name("moving"_atom);
    const spawned second = self.spawn({.name = "moving"_atom}, obedient);
    self.send<finish>(first.pid, "boom"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == first.monitor);
    CHECK(self.whereis("moving"_atom) == second.pid);
  });
}

// --- sending and calling by name
// --------------------------------------------------------------------------------------

TEST_CASE("messages and calls reach the process that has the name at that moment") {
  everywhere([](context& self) -> process {
    self.spawn({.name = "server"_atom}, echo);
    int answer = co_await self.call("server", ping{});
    CHECK(answer == 17);
    answer = co_await self.call("server"_atom, ping{});
    CHECK(answer == 17);
    answer = co_await self.call(std::string_view("server"), ping{});
    CHECK(answer == 17);
    self.register_name("main"_atom);
    self.send<note>("main", 1);
    self.unregister_name("main"_atom);
    self.send<note>("main", 2);  // dropped
    self.register_name("main"_atom);
    self.send<note>("main", 3);
    note n = co_await self.receive<note>();
    CHECK(n.number == 1);
    n = co_await self.receive<note>();
    CHECK(n.number == 3);
  });
}

TEST_CASE("messages by pid and by name of one sender keep their order") {
  everywhere([](context& self) -> process {
    self.spawn(
        [](context& me, pid top) -> process {
          me.register_name("ear"_atom, top);
          for (int i = 0; i < 10; ++i) {
            if (i % 2 == 0)
              me.send<note>("ear", i);
            else
              me.send<note>(top, i);
            if (i % 3 == 0) co_await me.yield();
          }
        },
        self.pid());
    for (int i = 0; i < 10; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == i);
    }
  });
}

TEST_CASE("a message to a name that nobody has is dropped") {
  everywhere([](context& self) -> process {
    self.send<note>("nobody", 1);
    co_await self.send<note>("nobody", 2);
    self.send_after(1ms, "nobody", note{3});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a call to a name that nobody has fails at once with noproc, and says the name") {
  everywhere([](context& self) -> process {
    const auto before = self.now();
    term reason, to;
    std::string text;
    try {
      co_await self.call("nobody", ping{});
    } catch (const call_failed& e) {
      reason = e.reason();
      to = e.to();
      text = e.what();
    }
    CHECK(reason == term("noproc"_atom));
    CHECK(to == term("nobody"_atom));
    CHECK(contains(text, "nobody"));
    CHECK(contains(text, "ping"));
    CHECK(self.now() == before);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

// --- many at once
// -----------------------------------------------------------------------------------------------------

TEST_CASE("of several processes that want a name at once, one gets it") {
  everywhere([](context& self) -> process {
    constexpr int candidates = 6;
    for (int i = 0; i < candidates; ++i)
      self.spawn(
          [](context& me, pid top) -> process {
            try {
              me.register_name("crown"_atom);
            } catch (const registration_error&) {
              me.send<done>(top);
              co_return;
            }
            me.send<ready>(top, me.pid());
            co_await me.receive<done>();
          },
          self.pid());
    std::vector<pid> kings;
    int others = 0;
    for (int i = 0; i < candidates; ++i)
      co_await self.receive([&](const ready& r) { kings.push_back(r.who); }, [&](const done&) { ++others; });
    CHECK(others == candidates - 1);
    REQUIRE(kings.size() == 1);
    CHECK(self.whereis("crown"_atom) == kings[0]);
  });
}

TEST_CASE("of several spawns with one name at once, from processes, one succeeds") {
  everywhere([](context& self) -> process {
    constexpr int candidates = 6;
    for (int i = 0; i < candidates; ++i)
      self.spawn(
          [](context& me, pid top) -> process {
            try {
              const spawned child = me.spawn({.name = "crown"_atom}, obedient);
              me.send<ready>(top, child.pid);
            } catch (const registration_error&) {
              me.send<done>(top);
            }
            co_return;
          },
          self.pid());
    std::vector<pid> kings;
    int others = 0;
    for (int i = 0; i < candidates; ++i)
      co_await self.receive([&](const ready& r) { kings.push_back(r.who); }, [&](const done&) { ++others; });
    CHECK(others == candidates - 1);
    REQUIRE(kings.size() == 1);
    CHECK(self.whereis("crown"_atom) == kings[0]);
  });
}

TEST_CASE("of several spawns with one name at once, from ordinary threads, one succeeds") {
  actor_system sys(troupe_test::quiet_options(1));
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    const atom name("crown_" + std::to_string(round % 50));
    std::atomic<int> waiting{0};
    pid got[2];
    const auto candidate = [&](int i) {
      ++waiting;
      while (waiting != 2) {
      }
      try {
        got[i] = sys.spawn({.name = name}, obedient);
      } catch (const registration_error&) {
      }
    };
    std::thread other(candidate, 1);
    candidate(0);
    other.join();
    const int winners = (got[0] ? 1 : 0) + (got[1] ? 1 : 0);
    CHECK(winners == 1);
    const pid king = got[0] ? got[0] : got[1];
    CHECK(sys.whereis(name) == king);
    sys.exit(king, "kill"_atom);
    sys.wait(king);
    CHECK(sys.whereis(name) == pid());
    if (winners != 1) break;
  }
}

TEST_CASE("a name that is registered while its process ends never names another") {
  actor_system sys(troupe_test::quiet_options(2));
  for (int round = 0; round < 2000; ++round) {
    const pid child = sys.spawn([](context&) -> process { co_return; });
    bool registered = true;
    try {
      sys.register_name("late"_atom, child);
    } catch (const registration_error& e) {
      registered = false;
      CHECK(contains(e.what(), "late"));
    }
    const pid successor = sys.spawn(obedient);
    const pid found = sys.whereis("late"_atom);
    CHECK((found == pid() || (registered && found == child)));
    sys.wait(child);
    CHECK(sys.whereis("late"_atom) == pid());
    CHECK(sys.registered().empty());
    sys.exit(successor, "kill"_atom);
    sys.wait(successor);
  }
}

TEST_CASE("registered lists the names, sorted, and no name of a process that has ended") {
  actor_system sys(troupe_test::quiet_options());
  CHECK(sys.registered().empty());
  for (const char* name : {"pear", "apple", "fig", "Zebra", "apples", "b"}) sys.spawn({.name = atom(name)}, obedient);
  CHECK(sys.registered() ==
        std::vector<atom>{"Zebra"_atom, "apple"_atom, "apples"_atom, "b"_atom, "fig"_atom, "pear"_atom});
  CHECK(sys.unregister_name("fig"_atom));
  CHECK(!sys.unregister_name("fig"_atom));
  const pid pear = sys.whereis("pear"_atom);
  sys.exit(pear, "kill"_atom);
  sys.wait(pear);
  CHECK(sys.registered() == std::vector<atom>{"Zebra"_atom, "apple"_atom, "apples"_atom, "b"_atom});
}

TEST_CASE("ordinary threads register, send and call by name") {
  actor_system sys(troupe_test::quiet_options());
  const pid server = sys.spawn(echo);
  sys.register_name("server"_atom, server);
  CHECK(sys.whereis("server"_atom) == server);
  CHECK_THROWS_AS(sys.register_name("server"_atom, sys.spawn(obedient)), registration_error);
  CHECK(sys.call("server", ping{}) == 17);
  sys.send<finish>("server", "boom"_atom);
  sys.wait(server);
  CHECK(sys.whereis("server"_atom) == pid());
  sys.send<note>("server", 1);
  std::string text;
  try {
    sys.call("server", ping{});
  } catch (const call_failed& e) {
    text = e.what();
    CHECK(e.reason() == term("noproc"_atom));
  }
  CHECK(contains(text, "server"));
}

TEST_CASE("each actor_system has names of its own") {
  actor_system one(troupe_test::quiet_options(1));
  actor_system two(troupe_test::quiet_options(1));
  const pid a = one.spawn({.name = "server"_atom}, obedient);
  const pid b = two.spawn({.name = "server"_atom}, obedient);
  CHECK(a != b);
  CHECK(one.whereis("server"_atom) == a);
  CHECK(two.whereis("server"_atom) == b);
  CHECK_THROWS_AS(two.register_name("alien"_atom, a), registration_error);
}

TEST_CASE("a name may be given as a string wherever one is expected") {
  everywhere([](context& self) -> process {
    const pid first = self.spawn({.name = "first"}, echo).pid;
    CHECK(self.whereis("first") == first);
    const std::string second_name = "second";
    const pid second = self.spawn(echo);
    self.register_name(std::string_view(second_name), second);
    CHECK(self.whereis("second"_atom) == second);
    const int answer = co_await self.call("second", ping{});
    CHECK(answer == 17);
    CHECK(self.unregister_name("second"));
    CHECK(self.whereis("second") == pid());
    CHECK_THROWS_AS(self.register_name("not UTF-8: \xff", second), std::invalid_argument);
  });
}
