// SPDX-License-Identifier: BSL-1.0
// Links, as Erlang's manual states them: link, unlink, spawn_link, trap_exit, and the exit signals that go over links.
#include "cast.hpp"
#include "everywhere.hpp"

#include <set>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using namespace troupe_test;

namespace {

struct do_link {
  pid to;
};
struct do_unlink {
  pid from;
};

/// Links and unlinks as it is told, and ends with the reason it is told. Says when a link or unlink is done.
process servant(context& self, pid master) {
  for (;;)
    co_await self.receive(
        [&](const do_link& l) {
          self.link(l.to);
          self.send(master, done{});
        },
        [&](const do_unlink& u) {
          self.unlink(u.from);
          self.send(master, done{});
        },
        [&](const finish& f) { self.exit(f.reason); });
}

}  // namespace

// --- what a link does -----------------------------------------------------------------------------------------------

TEST_CASE("when a process ends, a linked process that traps exits gets its pid and reason as a message") {
  everywhere([](context& self) -> process {
    CHECK(!self.trap_exit(true));
    const pid child = self.spawn(obedient);
    self.link(child);
    self.send<finish>(child, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e.from == child);
    CHECK(e.reason == term("boom"_atom));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a link is symmetric: the process that was linked to gets the exit signal of the one that linked") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn(servant, self.pid());
    self.send<do_link>(child, self.pid());
    co_await self.receive<done>();
    self.send<finish>(child, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "boom"_atom});
  });
}

TEST_CASE("an exit signal with a reason other than normal ends a linked process that does not trap exits") {
  everywhere([](context& self) -> process {
    const spawned middle = self.spawn_monitor([](context& me) -> process {
      me.spawn_link(ends_at_once, term::tuple({"shutdown"_atom, 7}));
      co_await me.receive<done>();
    });
    const down d = co_await self.receive<down>();
    CHECK(d.process == middle.pid);
    CHECK(d.reason == term::tuple({"shutdown"_atom, 7}));
  });
}

TEST_CASE("an exit signal with reason normal does not end a linked process") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn_link(obedient);
    const reference watch = self.monitor(child);
    self.send<finish>(child, "normal"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("normal"_atom));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);  // and this process lives
  });
}

TEST_CASE("a process that traps exits hears of reason normal too") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link([](context&) -> process { co_return; });
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "normal"_atom});
  });
}

TEST_CASE("an exit signal goes along a chain of links, with its reason, as far as processes do not trap it") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    struct chain {
      static process member(context& me, pid top, int further) {
        if (further == 0) {
          const reference watch = me.monitor(top);
          me.send<ready>(top, me.pid());
          co_await me.receive([&](const finish& f) { me.exit(f.reason); });
          static_cast<void>(watch);
        }
        me.spawn_link(member, top, further - 1);
        co_await me.receive<done>();
      }
    };
    const pid first = self.spawn_link(chain::member, self.pid(), 6);
    const ready last = co_await self.receive<ready>();
    self.send<finish>(last.who, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{first, "boom"_atom});
    CHECK(!self.is_alive(last.who));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a process in the middle of a chain that traps exits keeps the other half alive") {
  everywhere([](context& self) -> process {
    const pid middle = self.spawn(
        [](context& me, pid top) -> process {
          me.trap_exit(true);
          me.send<ready>(top, me.pid());
          co_await me.receive<exit_signal>();
          co_await me.receive<exit_signal>();
        },
        self.pid());
    co_await self.receive<ready>();
    const pid left = self.spawn(servant, self.pid());
    const pid right = self.spawn(servant, self.pid());
    self.send<do_link>(left, middle);
    self.send<do_link>(right, middle);
    co_await self.receive<done>();
    co_await self.receive<done>();
    self.monitor(left);
    self.send<finish>(left, "boom"_atom);
    co_await self.receive<down>();
    co_await self.sleep(1s);
    CHECK(self.is_alive(middle));
    CHECK(self.is_alive(right));
  });
}

TEST_CASE("processes linked in a ring all end with the reason of the first") {
  everywhere([](context& self) -> process {
    std::vector<pid> ring;
    for (int i = 0; i < 5; ++i) ring.push_back(self.spawn(servant, self.pid()));
    for (std::size_t i = 0; i < ring.size(); ++i) {
      self.send<do_link>(ring[i], ring[(i + 1) % ring.size()]);
      self.monitor(ring[i]);
    }
    for (std::size_t i = 0; i < ring.size(); ++i) co_await self.receive<done>();
    co_await self.sleep(1s);  // the links are there, on both sides
    self.send<finish>(ring[2], "boom"_atom);
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("boom"_atom));
    }
  });
}

TEST_CASE("a process may be linked with many, each of whom hears of its end once") {
  everywhere([](context& self) -> process {
    const pid center = self.spawn(obedient);
    std::vector<pid> others;
    for (int i = 0; i < 6; ++i)
      others.push_back(self.spawn(
          [](context& me, pid c, pid top) -> process {
            me.trap_exit(true);
            me.link(c);
            me.send<ready>(top, me.pid());
            const exit_signal e = co_await me.receive<exit_signal>();
            CHECK(e == exit_signal{c, "boom"_atom});
            me.send<ready>(top, me.pid());
            co_await me.receive<exit_signal>();
            CHECK(false);  // never a second one
          },
          center, self.pid()));
    for (int i = 0; i < 6; ++i) co_await self.receive<ready>();
    co_await self.sleep(1s);  // the links are there, on both sides
    self.send<finish>(center, "boom"_atom);
    std::set<std::uint64_t> heard;
    for (int i = 0; i < 6; ++i) {
      const ready r = co_await self.receive<ready>();
      heard.insert(r.who.hash());
    }
    CHECK(heard.size() == others.size());
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

// --- making links ---------------------------------------------------------------------------------------------------

TEST_CASE("linking twice is one link: one exit signal, and one unlink undoes it") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid first = self.spawn_link(obedient);
    self.link(first);
    self.link(first);
    self.send<finish>(first, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{first, "boom"_atom});
    bool quiet = co_await nothing_comes(self);
    CHECK(quiet);

    const pid second = self.spawn_link(obedient);
    self.link(second);
    self.unlink(second);
    self.send<finish>(second, "boom"_atom);
    quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("two processes that link to one another at once have one link") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn(servant, self.pid());
    self.send<do_link>(child, self.pid());
    self.link(child);
    co_await self.receive<done>();
    self.send<finish>(child, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "boom"_atom});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a link of a process with itself does nothing, nor does unlink") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor([](context& me) -> process {
      me.trap_exit(true);
      me.link(me.pid());
      me.unlink(me.pid());
      me.link(me.pid());
      const std::optional<exit_signal> none = co_await me.receive<exit_signal>(after(1s));
      CHECK(!none);
      me.exit("boom"_atom);
    });
    const down d = co_await self.receive<down>();
    CHECK(d.process == child.pid);
    CHECK(d.reason == term("boom"_atom));
  });
}

TEST_CASE("a link to a process that does not exist gives the exit signal noproc") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid gone = co_await dead_pid(self);
    self.link(gone);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{gone, "noproc"_atom});
    // A pid that no process ever had, and one of no process at all.
    const pid never(4'000'000, 1, self.pid().creation(), self.pid().node());
    self.link(never);
    const exit_signal n = co_await self.receive<exit_signal>();
    CHECK(n == exit_signal{never, "noproc"_atom});
    self.link(pid());
    const exit_signal null = co_await self.receive<exit_signal>();
    CHECK(null == exit_signal{pid(), "noproc"_atom});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a link to a process that does not exist ends a process that does not trap exits") {
  everywhere([](context& self) -> process {
    const pid gone = co_await dead_pid(self);
    self.spawn_monitor(
        [](context& me, pid other) -> process {
          me.link(other);
          co_await me.receive<done>();
        },
        gone);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("noproc"_atom));
  });
}

TEST_CASE("each link to a process that does not exist gives an exit signal, once the last one has come") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid gone = co_await dead_pid(self);
    for (int i = 0; i < 3; ++i) {
      self.link(gone);
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e == exit_signal{gone, "noproc"_atom});
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a link to a process that ends at the same time gives one exit signal: its reason or noproc") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn(ends_at_once, term("boom"_atom));
    self.link(child);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e.from == child);
    CHECK((e.reason == term("boom"_atom) || e.reason == term("noproc"_atom)));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("spawn_link links from the first moment on: a process that ends at once is heard of, with its reason") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    for (int i = 0; i < 3; ++i) {
      const pid child = self.spawn_link(ends_at_once, term(i));
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e == exit_signal{child, i});
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("the parent of a linked process that ends at once takes the child with it") {
  everywhere([](context& self) -> process {
    self.spawn([top = self.pid()](context& me) -> process {
      const pid child = me.spawn_link(obedient);
      me.send<ready>(top, child);
      me.exit("boom"_atom);
      co_return;
    });
    const ready child = co_await self.receive<ready>();
    const reference watch = self.monitor(child.who);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK((d.reason == term("boom"_atom) || d.reason == term("noproc"_atom)));
  });
}

TEST_CASE("spawn with options links and monitors at once") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const spawned child =
        self.spawn({.name = "both"_atom, .link = true, .monitor = true}, ends_at_once, term("boom"_atom));
    CHECK(child.monitor != reference());
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
    CHECK(d.process == child.pid);
    CHECK(d.reason == term("boom"_atom));
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child.pid, "boom"_atom});
  });
}

// --- unlink ---------------------------------------------------------------------------------------------------------

TEST_CASE("after unlink no exit signal arrives, in either direction") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link(obedient);
    self.unlink(child);
    self.send<finish>(child, "boom"_atom);
    bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(!self.is_alive(child));

    // The one that unlinks ends: the other lives.
    const spawned other = self.spawn_monitor([top = self.pid()](context& me) -> process {
      const pid grandchild = me.spawn_link(obedient);
      me.unlink(grandchild);
      me.send<ready>(top, grandchild);
      me.exit("boom"_atom);
      co_return;
    });
    const ready r = co_await self.receive<ready>();
    const down d = co_await self.receive<down>();
    CHECK(d.ref == other.monitor);
    quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(self.is_alive(r.who));
  });
}

TEST_CASE("after unlink no exit signal arrives, though the other process ends at the same time") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 5; ++pause) {
      // It does not trap exits, so a signal that came would end it.
      const spawned child = self.spawn_monitor(
          [](context& me, int yields) -> process {
            const pid peer = me.spawn_link(ends_at_once, term("normal"_atom));
            static_cast<void>(peer);
            const pid other = me.spawn([](context& x) -> process {
              co_await x.receive<done>();
              x.exit("boom"_atom);
            });
            me.link(other);
            me.send<done>(other);
            me.unlink(other);
            for (int i = 0; i < yields; ++i) co_await me.yield();
            const std::optional<exit_signal> none = co_await me.receive<exit_signal>(after(1s));
            CHECK(!none);
          },
          pause);
      const down d = co_await self.receive<down>();
      CHECK(d.ref == child.monitor);
      CHECK(d.reason == term("normal"_atom));
    }
  });
}

TEST_CASE("after unlink and a look at the mailbox, nothing of the link is left: the idiom of the manual") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    for (int pause = 0; pause < 5; ++pause) {
      const pid child = self.spawn_link(ends_at_once, term("boom"_atom));
      for (int i = 0; i < pause; ++i) co_await self.yield();
      self.unlink(child);
      co_await self.receive(when([&](const exit_signal& e) { return e.from == child; }, [&](const exit_signal&) {}),
                            after(0s, [&] {}));
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("an exit signal that was a message before unlink stays in the mailbox") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link(ends_at_once, term("boom"_atom));
    co_await self.sleep(1s);
    self.unlink(child);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "boom"_atom});
  });
}

TEST_CASE("unlink of what is not linked does nothing") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid stranger = self.spawn(obedient);
    const pid gone = co_await dead_pid(self);
    const pid linked = self.spawn_link(obedient);
    self.unlink(stranger);
    self.unlink(gone);
    self.unlink(pid());
    self.unlink(self.pid());
    self.unlink(stranger);
    self.send<finish>(stranger, "boom"_atom);
    bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    self.send<finish>(linked, "boom"_atom);  // the one link is what it was
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{linked, "boom"_atom});
  });
}

TEST_CASE("the other side may undo a link") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn(servant, self.pid());
    self.link(child);
    self.send<do_unlink>(child, self.pid());
    co_await self.receive<done>();
    self.send<finish>(child, "boom"_atom);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(!self.is_alive(child));
  });
}

TEST_CASE("unlink does not keep exit signals away that were sent with exit") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link([top = self.pid()](context& me) -> process {
      co_await me.receive<done>();
      me.exit(top, "hello"_atom);
    });
    self.unlink(child);
    self.send<done>(child);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "hello"_atom});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a link made after unlink is a link") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link(obedient);
    for (int i = 0; i < 4; ++i) {
      self.unlink(child);
      self.link(child);
      if (i % 2 == 0) co_await self.yield();
    }
    self.send<finish>(child, "boom"_atom);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "boom"_atom});
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

namespace {

/// Links and unlinks its peer by turns, `rounds` times, with some rests. The last step is a link, or an unlink.
task<> storm(context& self, pid peer, unsigned pattern, int rounds, bool ends_linked) {
  for (int i = 0; i < rounds; ++i) {
    if ((pattern >> (2 * i) & 1U) != 0)
      self.link(peer);
    else
      self.unlink(peer);
    if ((pattern >> (2 * i + 1) & 1U) != 0) co_await self.yield();
  }
  if (ends_linked)
    self.link(peer);
  else
    self.unlink(peer);
}

struct start {
  pid peer;
  unsigned pattern;
  bool ends_linked;
};

process stormer(context& self, pid master) {
  self.trap_exit(true);
  const start s = co_await self.receive<start>();
  co_await storm(self, s.peer, s.pattern, 8, s.ends_linked);
  self.send(master, done{});
  for (;;)
    co_await self.receive(
        [&](const do_link& l) {
          self.link(l.to);
          self.send(master, done{});
        },
        [&](const do_unlink& u) {
          self.unlink(u.from);
          self.send(master, done{});
        },
        [&](const exit_signal& e) { self.send(master, e); }, [&](const finish& f) { self.exit(f.reason); });
}

constexpr unsigned patterns[] = {0xc9c9, 0x3636, 0x1b2d, 0x5577, 0x9a1f, 0x4411};

}  // namespace

// An unlink of what is not linked does nothing, and a link of the other side may be on its way meanwhile: when both
// sides link and unlink at once, whether a link is left is a matter of chance, in Erlang too. But both sides then agree
// on it.

TEST_CASE("whatever links and unlinks from both sides at once have left, an unlink after them undoes it") {
  everywhere([](context& self) -> process {
    for (std::size_t i = 0; i < 8; ++i) {
      const pid a = self.spawn(stormer, self.pid());
      const pid b = self.spawn(stormer, self.pid());
      self.send<start>(a, b, patterns[i % 6], (i & 1U) != 0);
      self.send<start>(b, a, patterns[(i + 1) % 6], (i & 2U) != 0);
      co_await self.receive<done>();
      co_await self.receive<done>();
      co_await self.sleep(1s);
      self.send<do_unlink>((i & 1U) != 0 ? a : b, (i & 1U) != 0 ? b : a);
      co_await self.receive<done>();
      co_await self.sleep(1s);
      const pid victim = (i & 4U) != 0 ? a : b;
      self.send<finish>(victim, "boom"_atom);
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
      CHECK(!self.is_alive(victim));
      CHECK(self.is_alive(victim == a ? b : a));
    }
  });
}

TEST_CASE("whatever links and unlinks from both sides at once have left, a link after them is one link with two ends") {
  everywhere([](context& self) -> process {
    for (std::size_t i = 0; i < 8; ++i) {
      const pid a = self.spawn(stormer, self.pid());
      const pid b = self.spawn(stormer, self.pid());
      self.send<start>(a, b, patterns[i % 6], (i & 1U) != 0);
      self.send<start>(b, a, patterns[(i + 1) % 6], (i & 2U) != 0);
      co_await self.receive<done>();
      co_await self.receive<done>();
      co_await self.sleep(1s);
      self.send<do_link>((i & 1U) != 0 ? a : b, (i & 1U) != 0 ? b : a);
      co_await self.receive<done>();
      co_await self.sleep(1s);
      const pid victim = (i & 4U) != 0 ? a : b;
      self.send<finish>(victim, "boom"_atom);
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e == exit_signal{victim, "boom"_atom});
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("links and unlinks of a process that ends meanwhile: after the last unlink nothing arrives") {
  everywhere([](context& self) -> process {
    for (const unsigned pattern : patterns) {
      self.trap_exit(true);
      const pid child = self.spawn_link(ends_at_once, term("boom"_atom));
      co_await storm(self, child, pattern, 8, false);
      // What came before the unlink may lie in the mailbox.
      while (co_await self.receive<exit_signal>(after(0s))) {
      }
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("links and unlinks of a process that ends meanwhile: a last link gives an exit signal") {
  everywhere([](context& self) -> process {
    for (const unsigned pattern : patterns) {
      self.trap_exit(true);
      const pid child = self.spawn_link(ends_at_once, term("boom"_atom));
      co_await storm(self, child, pattern, 8, false);
      while (co_await self.receive<exit_signal>(after(0s))) {
      }
      self.link(child);
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e.from == child);
      CHECK((e.reason == term("boom"_atom) || e.reason == term("noproc"_atom)));
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

// --- trap_exit ------------------------------------------------------------------------------------------------------

TEST_CASE("trap_exit returns the old setting") {
  everywhere([](context& self) -> process {
    CHECK(!self.trap_exit(false));
    CHECK(!self.trap_exit(true));
    CHECK(self.trap_exit(true));
    CHECK(self.trap_exit(false));
    CHECK(!self.trap_exit(true));
    co_return;
  });
}

TEST_CASE("trap_exit is not inherited") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link([](context& me) -> process {
      CHECK(!me.trap_exit(false));
      co_return;
    });
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child, "normal"_atom});
  });
}

TEST_CASE("trap_exit can be switched off again: the next exit signal ends the process, earlier ones stay messages") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor([](context& me) -> process {
      me.trap_exit(true);
      const pid first = me.spawn_link(ends_at_once, term("first"_atom));
      co_await me.sleep(1s);  // it is in the mailbox now
      me.trap_exit(false);
      const exit_signal e = co_await me.receive<exit_signal>();
      CHECK(e == exit_signal{first, "first"_atom});
      me.spawn_link(ends_at_once, term("second"_atom));
      co_await me.receive<done>();
    });
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
    CHECK(d.reason == term("second"_atom));
  });
}

TEST_CASE("exit signals of several links arrive as messages, one from each, in the order of the ends for each sender") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    std::vector<pid> children;
    for (int i = 0; i < 5; ++i) children.push_back(self.spawn_link(ends_at_once, term(i)));
    for (int i = 0; i < 5; ++i) {
      const exit_signal e = co_await self.receive<exit_signal>();
      const auto which = static_cast<std::size_t>(e.reason.as_integer());
      CHECK(e.from == children[which]);
      children[which] = pid();
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("two processes that link with each other at once both hear the reason when one ends") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid peer = self.spawn([to = self.pid()](context& me) -> process {
      me.link(to);
      me.exit("boom"_atom);
      co_return;
    });
    self.link(peer);
    // noproc only when our link came after its end, and nothing of its own link then.
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e.from == peer);
    CHECK((e.reason == term("boom"_atom) || e.reason == term("noproc"_atom)));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}
