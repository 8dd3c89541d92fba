// SPDX-License-Identifier: BSL-1.0
// Monitors, as Erlang's manual states them: monitor, demonitor, spawn_monitor, and the down messages.
#include "cast.hpp"
#include "everywhere.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <variant>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using namespace troupe_test;

namespace {

struct note {
  int number;
};

}  // namespace

// --- what a monitor does --------------------------------------------------------------------------------------------

TEST_CASE("a monitor gives one down message with its reference, the pid and the exit reason") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    const reference ref = self.monitor(child);
    CHECK(ref != reference());
    self.send<finish>(child, "boom"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d == down{ref, child, "boom"_atom, atom()});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a monitor of a process that does not exist answers noproc at once") {
  everywhere([](context& self) -> process {
    const pid gone = co_await dead_pid(self);
    const pid never(4'000'000, 1, self.pid().creation(), self.pid().node());
    const auto before = self.now();
    for (const pid& p : {gone, never, pid()}) {
      const reference ref = self.monitor(p);
      const down d = co_await self.receive<down>();
      CHECK(d == down{ref, p, "noproc"_atom, atom()});
    }
    CHECK(self.now() == before);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a monitor of a process that ends at the same time gives one down: its reason or noproc") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 4; ++pause) {
      const pid child = self.spawn(ends_at_once, term("boom"_atom));
      for (int i = 0; i < pause; ++i) co_await self.yield();
      const reference ref = self.monitor(child);
      const down d = co_await self.receive<down>();
      CHECK(d.ref == ref);
      CHECK(d.process == child);
      CHECK((d.reason == term("boom"_atom) || d.reason == term("noproc"_atom)));
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("monitors are independent: each monitor of one process gives a down of its own") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    std::vector<reference> refs;
    for (int i = 0; i < 4; ++i) refs.push_back(self.monitor(child));
    self.send<finish>(child, "boom"_atom);
    for (int i = 0; i < 4; ++i) {
      const down d = co_await self.receive<down>();
      CHECK(d.process == child);
      CHECK(d.reason == term("boom"_atom));
      const auto found = std::find(refs.begin(), refs.end(), d.ref);
      REQUIRE(found != refs.end());
      refs.erase(found);
    }
    CHECK(refs.empty());
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a monitor is unidirectional: the end of the one that monitors is nothing to the monitored") {
  everywhere([](context& self) -> process {
    const pid watched = self.spawn([](context& me) -> process {
      me.trap_exit(true);
      co_await me.receive([&](const any_message&) { CHECK(false); });
    });
    const spawned watcher = self.spawn_monitor(
        [](context& me, pid p) -> process {
          me.monitor(p);
          me.monitor(p);
          me.exit("boom"_atom);
          co_return;
        },
        watched);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watcher.monitor);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(self.is_alive(watched));
  });
}

TEST_CASE("a down does not end its receiver, nor is it an exit signal") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const spawned child = self.spawn_monitor(ends_at_once, term("boom"_atom));
    const auto m = co_await self.receive<exit_signal, down>();
    REQUIRE(std::holds_alternative<down>(m));
    CHECK(std::get<down>(m).process == child.pid);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("two processes may monitor one another") {
  everywhere([](context& self) -> process {
    const pid other = self.spawn(
        [](context& me, pid top) -> process {
          const reference ref = me.monitor(top);
          me.send<ready>(top, me.pid());
          const std::optional<down> none = co_await me.receive<down>(after(1s));
          CHECK(!none);
          me.demonitor(ref);
          me.exit("boom"_atom);
        },
        self.pid());
    const reference ref = self.monitor(other);
    co_await self.receive<ready>();
    const down d = co_await self.receive<down>();
    CHECK(d == down{ref, other, "boom"_atom, atom()});
  });
}

TEST_CASE("a monitor of the process itself gives nothing, by pid and by name") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor([](context& me) -> process {
      const reference ref = me.monitor(me.pid());
      CHECK(ref != reference());
      me.register_name("narcissus"_atom);
      me.monitor("narcissus");
      const std::optional<down> none = co_await me.receive<down>(after(1s));
      CHECK(!none);
      me.demonitor(ref);
      me.demonitor(ref, true);
    });
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("every monitor has another reference") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    std::vector<reference> refs;
    for (int i = 0; i < 20; ++i) refs.push_back(i % 2 == 0 ? self.monitor(child) : self.make_reference());
    std::sort(refs.begin(), refs.end());
    CHECK(std::adjacent_find(refs.begin(), refs.end()) == refs.end());
    co_return;
  });
}

// --- by name --------------------------------------------------------------------------------------------------------

TEST_CASE("a monitor by name watches the process that has the name at that moment, and its down says the name") {
  everywhere([](context& self) -> process {
    const spawned first = self.spawn({.name = "server"_atom}, obedient);
    const reference ref = self.monitor("server");
    self.unregister_name("server"_atom);
    const spawned second = self.spawn({.name = "server"_atom}, obedient);
    self.send<finish>(second.pid, "not this one"_atom);
    bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    self.send<finish>(first.pid, "boom"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d == down{ref, first.pid, "boom"_atom, "server"_atom});
    quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a monitor of a name that nobody has answers noproc at once, with the name") {
  everywhere([](context& self) -> process {
    const auto before = self.now();
    const reference ref = self.monitor("nobody");
    const down d = co_await self.receive<down>();
    CHECK(d == down{ref, pid(), "noproc"_atom, "nobody"_atom});
    CHECK(self.now() == before);
  });
}

TEST_CASE("monitors by pid and by name of one process each say how they were made") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn({.name = "server"_atom}, obedient);
    const reference by_pid = self.monitor(child.pid);
    const reference by_name = self.monitor("server");
    self.send<finish>("server", "boom"_atom);
    for (int i = 0; i < 2; ++i) {
      const down d = co_await self.receive<down>();
      CHECK((d.ref == by_pid || d.ref == by_name));
      CHECK(d.name == (d.ref == by_name ? "server"_atom : atom()));
    }
  });
}

// --- demonitor ------------------------------------------------------------------------------------------------------

TEST_CASE("after demonitor no down arrives") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    const reference ref = self.monitor(child);
    self.demonitor(ref);
    self.send<finish>(child, "boom"_atom);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(!self.is_alive(child));
  });
}

TEST_CASE("demonitor removes one monitor and leaves the others") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    const reference first = self.monitor(child);
    const reference second = self.monitor(child);
    const reference third = self.monitor(child);
    self.demonitor(second);
    self.send<finish>(child, "boom"_atom);
    for (int i = 0; i < 2; ++i) {
      const down d = co_await self.receive<down>();
      CHECK((d.ref == first || d.ref == third));
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("after demonitor no new down arrives, though the process ends at the same time") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 5; ++pause) {
      const spawned child = self.spawn_monitor(ends_at_once, term("boom"_atom));
      for (int i = 0; i < pause; ++i) co_await self.yield();
      self.demonitor(child.monitor);
      // One that had become a message before may lie there.
      const std::optional<down> earlier = co_await self.receive<down>(after(0s));
      if (earlier) CHECK(earlier->ref == child.monitor);
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("demonitor with flush removes a down that is in the mailbox, and no other message") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(ends_at_once, term("boom"_atom));
    const reference other = self.monitor(child.pid);
    self.send<note>(self, 1);
    co_await self.sleep(1s);
    CHECK(self.mailbox_length() == 3);
    self.demonitor(child.monitor, true);
    CHECK(self.mailbox_length() == 2);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == other);
    const note n = co_await self.receive<note>();
    CHECK(n.number == 1);
  });
}

TEST_CASE("demonitor without flush leaves a down that is in the mailbox") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(ends_at_once, term("boom"_atom));
    co_await self.sleep(1s);
    self.demonitor(child.monitor);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
  });
}

TEST_CASE("after demonitor with flush there is no down, whenever the process ends") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 6; ++pause) {
      const spawned child = self.spawn_monitor(ends_at_once, term("boom"_atom));
      for (int i = 0; i < pause; ++i) co_await self.yield();
      self.demonitor(child.monitor, true);
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("demonitor with flush finds its down among many messages") {
  everywhere([](context& self) -> process {
    std::vector<spawned> children;
    for (int i = 0; i < 60; ++i) {
      children.push_back(self.spawn_monitor(ends_at_once, term(i)));
      self.send<note>(self, i);
    }
    co_await self.sleep(1s);
    // Refused messages enough that the mailbox is indexed.
    const std::optional<ready> none = co_await self.receive<ready>(after(0s));
    CHECK(!none);
    for (std::size_t i = 0; i < children.size(); i += 2) self.demonitor(children[i].monitor, true);
    CHECK(self.mailbox_length() == 90);
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (i % 2 == 1) {
        const down d = co_await self.receive(
            when([&](const down& x) { return x.ref == children[i].monitor; }, [&](const down& x) { return x; }));
        CHECK(d.reason == term(i));
      }
      const note n = co_await self.receive<note>();
      CHECK(n.number == static_cast<int>(i));
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("demonitor of an unknown reference, of an old one, and of another process's monitor does nothing") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    const reference mine = self.monitor(child);
    // A stranger tries.
    const spawned stranger = self.spawn_monitor(
        [](context& me, reference r) -> process {
          me.demonitor(r);
          me.demonitor(r, true);
          me.demonitor(me.make_reference());
          me.demonitor(reference(), true);
          co_return;
        },
        mine);
    const down gone = co_await self.receive<down>();
    CHECK(gone.ref == stranger.monitor);
    self.demonitor(gone.ref);
    self.demonitor(gone.ref, true);
    self.demonitor(reference());
    self.send<finish>(child, "boom"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d == down{mine, child, "boom"_atom, atom()});
  });
}

TEST_CASE("demonitor twice is demonitor once") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(obedient);
    const reference first = self.monitor(child);
    const reference second = self.monitor(child);
    self.demonitor(first);
    self.demonitor(first);
    self.demonitor(first, true);
    self.send<finish>(child, "boom"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == second);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("monitor and demonitor many times at once with the end: as many downs as monitors are left") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 4; ++pause) {
      const pid child = self.spawn(
          [](context& me, int yields) -> process {
            for (int i = 0; i < yields; ++i) co_await me.yield();
            me.exit("boom"_atom);
          },
          pause);
      std::vector<reference> kept;
      for (int i = 0; i < 12; ++i) {
        const reference ref = self.monitor(child);
        if (i % 3 == pause % 3) co_await self.yield();
        if (i % 2 == 0)
          self.demonitor(ref, true);
        else
          kept.push_back(ref);
      }
      for (std::size_t i = kept.size(); i > 0; --i) {
        const down d = co_await self.receive<down>();
        CHECK(d.process == child);
        CHECK((d.reason == term("boom"_atom) || d.reason == term("noproc"_atom)));
        CHECK(std::erase(kept, d.ref) == 1);
      }
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

// --- spawn_monitor --------------------------------------------------------------------------------------------------

TEST_CASE("spawn_monitor monitors from the first moment on: the reason is never noproc") {
  everywhere([](context& self) -> process {
    std::vector<spawned> children;
    for (int i = 0; i < 5; ++i) children.push_back(self.spawn_monitor(ends_at_once, term(i)));
    for (int i = 0; i < 5; ++i) {
      const down d = co_await self.receive<down>();
      const spawned& child = children[static_cast<std::size_t>(d.reason.as_integer())];
      CHECK(d.ref == child.monitor);
      CHECK(d.process == child.pid);
    }
  });
}

TEST_CASE("spawn without monitor gives no reference and no down") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn({.name = "plain"_atom}, ends_at_once, term("boom"_atom));
    CHECK(child.monitor == reference());
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("the down says the reason of every kind of end") {
  everywhere([](context& self) -> process {
    struct helper {
      static process returns(context& me) { co_await me.yield(); }
      static process exits(context& me) {
        co_await me.yield();
        me.exit("left"_atom);
      }
      static process throws(context& me) {
        co_await me.yield();
        throw std::runtime_error("broke");
      }
      static process waits(context& me) { co_await me.receive<done>(); }
      static process loses_a_child(context& me) {
        me.spawn_link(ends_at_once, term("child"_atom));
        co_await me.receive<done>();
      }
      static process tells_itself(context& me) {
        me.exit(me.pid(), "told"_atom);
        co_return;
      }
    };
    const spawned returns = self.spawn_monitor(&helper::returns);
    const spawned exits = self.spawn_monitor(&helper::exits);
    const spawned throws = self.spawn_monitor(&helper::throws);
    const spawned killed = self.spawn_monitor(&helper::waits);
    const spawned sent_away = self.spawn_monitor(&helper::waits);
    const spawned loses = self.spawn_monitor(&helper::loses_a_child);
    const spawned itself = self.spawn_monitor(&helper::tells_itself);
    self.exit(killed.pid, "kill"_atom);
    self.exit(sent_away.pid, "away"_atom);
    const std::vector<std::pair<reference, term>> wanted = {
        {returns.monitor, "normal"_atom},
        {exits.monitor, "left"_atom},
        {throws.monitor, term::tuple({"error"_atom, "broke"})},
        {killed.monitor, "killed"_atom},
        {sent_away.monitor, "away"_atom},
        {loses.monitor, "child"_atom},
        {itself.monitor, "told"_atom},
    };
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const down d = co_await self.receive<down>();
      const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const auto& w) { return w.first == d.ref; });
      REQUIRE(found != wanted.end());
      CHECK(d.reason == found->second);
    }
  });
}

// --- who watches may end
// ----------------------------------------------------------------------------------------------

TEST_CASE("the end of a monitoring process takes its monitors away, and its successor in the slot hears nothing") {
  everywhere([](context& self) -> process {
    const pid watched = self.spawn(obedient);
    for (int i = 0; i < 4; ++i) {
      self.spawn_monitor(
          [](context& me, pid p, bool crash) -> process {
            for (int k = 0; k < 3; ++k) me.monitor(p);
            if (crash) me.exit("boom"_atom);
            co_return;
          },
          watched, i % 2 == 0);
      co_await self.receive<down>();
    }
    // These may live where those lived.
    for (int i = 0; i < 4; ++i)
      self.spawn([](context& me) -> process {
        const std::optional<down> none = co_await me.receive<down>(after(1min));
        CHECK(!none);
      });
    self.send<finish>(watched, "boom"_atom);
    co_await self.sleep(2min);
    CHECK(self.mailbox_length() == 0);
  });
}

TEST_CASE("many watchers of one process each hear of its end once") {
  everywhere([](context& self) -> process {
    const pid watched = self.spawn(obedient);
    constexpr int watchers = 8;
    for (int i = 0; i < watchers; ++i)
      self.spawn(
          [](context& me, pid p, pid top) -> process {
            const reference ref = me.monitor(p);
            me.send<ready>(top, me.pid());
            const down d = co_await me.receive<down>();
            CHECK(d == down{ref, p, "boom"_atom, atom()});
            const std::optional<down> none = co_await me.receive<down>(after(1s));
            CHECK(!none);
            me.send<ready>(top, me.pid());
          },
          watched, self.pid());
    // Monitors that were on their way when a watcher said so are there before its message: it sent them first, but to
    // another process. So wait until all is quiet.
    for (int i = 0; i < watchers; ++i) co_await self.receive<ready>();
    co_await self.sleep(100ms);
    self.send<finish>(watched, "boom"_atom);
    for (int i = 0; i < watchers; ++i) co_await self.receive<ready>();
  });
}

TEST_CASE("one process may watch many that end in any order") {
  everywhere([](context& self) -> process {
    std::vector<spawned> children;
    for (int i = 0; i < 12; ++i)
      children.push_back(self.spawn_monitor(
          [](context& me, int number) -> process {
            for (int k = 0; k < number % 4; ++k) co_await me.yield();
            me.exit(number);
          },
          i));
    std::vector<bool> heard(children.size());
    for (std::size_t i = 0; i < children.size(); ++i) {
      const down d = co_await self.receive<down>();
      const auto which = static_cast<std::size_t>(d.reason.as_integer());
      CHECK(d.ref == children[which].monitor);
      CHECK(!heard[which]);
      heard[which] = true;
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("an alias cannot be monitored") {
  everywhere([](context& self) -> process {
    CHECK_THROWS_AS(self.monitor(self.alias()), usage_error);
    co_return;
  });
}
