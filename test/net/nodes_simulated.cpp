// SPDX-License-Identifier: BSL-1.0
// Nodes in a simulation: connecting, losing one another, and the signals of old connections.
#include "nodes_harness.hpp"

#include <array>
#include <set>
#include <string>
#include <vector>

using namespace nodes_test;

namespace {

struct number {
  int value;
  pid from;
};
struct get {
  using reply = int;
};
struct blob {
  std::vector<int> values;
};
struct done {};
struct leave {};

/// Answers get; ends when it is told to.
process counter(context& self) {
  int asked = 0;
  bool on = true;
  while (on)
    co_await self.receive([&](request<get> r) { r.reply(++asked); }, [&](const leave&) { on = false; },
                          [&](const number&) {}, [&](const blob&) {});
}

process idle(context& self) {
  co_await self.receive<leave>();
}

/// The loss of its links does not end it.
process survives(context& self) {
  self.trap_exit(true);
  co_await self.receive<leave>();
}

/// Two nodes and a counter on the second.
struct pair {
  explicit pair(std::uint64_t seed, const std::string& first = "a@h1", const std::string& second = "b@h2")
      : all(seed), one(all.start(first)), two(all.start(second)) {
    two->spawn({.name = "counter"}, counter);
    two->export_as("idle", idle);
  }
  lab all;
  std::unique_ptr<node> one, two;
};

/// A process may not take a reference; it outlives nothing here.
template <class T>
struct here {
  T* what;
  T* operator->() const { return what; }
};

const destination far_counter = remote("counter", "b@h2");

task<term> failure(context& self, destination to, detail::duration patience) {
  const get question;
  term reason = "none"_atom;
  try {
    co_await self.call(to, question, patience);
  } catch (const call_failed& e) {
    reason = e.reason();
  }
  co_return reason;
}

/// Nothing is left of the other node: no connection, and no process but the node's own five.
void check_nothing_is_left(node& n, std::size_t others = 0) {
  CHECK(n.nodes(node_kind::connected).empty());
  CHECK(n.process_count() == 5 + others);
}

}  // namespace

TEST_CASE("two nodes in a simulation do the same again with the same seed") {
  const auto once = [](std::uint64_t seed) {
    pair p(seed);
    const term reason = run_on(*p.one, [](context& self) -> process {
      const bool there = co_await ping(self, "b@h2");
      CHECK(there);
      const get question;
      for (int i = 1; i < 4; ++i) {
        const int n = co_await self.call(far_counter, question);
        CHECK(n == i);
      }
      const pid far = co_await spawn_link_at(self, "b@h2", "idle");
      self.unlink(far);
      self.monitor(far);
      self.exit(far, "kill"_atom);
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("killed"_atom));
    });
    CHECK(reason == term("normal"_atom));
    return p.all.world.trace_hash();
  };
  std::set<std::uint64_t> different;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    const std::uint64_t first = once(seed);
    CHECK(once(seed) == first);
    different.insert(first);
  }
  CHECK(different.size() == 30);
}

TEST_CASE("nodes that dial one another at once end with one connection, whatever their names") {
  with_seeds([](std::uint64_t seed) {
    const bool ascending = seed % 2 == 0;
    pair p(seed, ascending ? "a@h1" : "z@h1", "m@h2");
    const std::string first = ascending ? "a@h1" : "z@h1";
    p.one->spawn({.name = "counter"}, counter);
    int finished = 0;
    const auto body = [&](context& self, process_name other) -> process {
      const destination there(atom("counter"), other.atom());
      const get question;
      for (int i = 1; i < 4; ++i) {
        const int n = co_await self.call(there, question);
        CHECK(n == i);
      }
      ++finished;
    };
    p.one->spawn(body, process_name("m@h2"));
    p.two->spawn(body, process_name(std::string_view(first)));
    while (finished < 2) REQUIRE(p.all.world.step());
    CHECK(p.one->nodes() == std::vector<atom>{"m@h2"_atom});
    CHECK(p.two->nodes() == std::vector<atom>{atom(first)});
    // A second stream, if there was one, goes with its processes.
    run_on(*p.one, [](context& self) -> process { co_await self.sleep(20s); });
    CHECK(p.one->process_count() == 5 + 1 + 1);
    CHECK(p.two->process_count() == 5 + 1 + 1);
    CHECK(p.all.net.streams() == 1);
  });
}

TEST_CASE("a silent partition ends the connection after the tick time, and everything that hangs on it fires then") {
  with_seeds(
      [](std::uint64_t seed) {
        pair p(seed);
        const auto body = [all = here<pair>{&p}](context& self) -> process {
          self.trap_exit(true);
          const pid far = co_await spawn_link_at(self, "b@h2", "idle");
          const reference by_pid = self.monitor(far);
          const reference by_name = self.monitor(far_counter);
          monitor_node(self, "b@h2");
          monitor_node(self, "b@h2");
          const get question;
          co_await self.call(far_counter, question);
          all->all.net.partition("h1", "h2");
          const auto start = self.now();
          const term why = co_await failure(self, far_counter, infinity);
          CHECK(why == term("noconnection"_atom));
          CHECK(self.now() - start <= 60s + 16s);
          CHECK(self.now() - start >= 60s - 16s);
          std::set<reference> fired;
          for (int i = 0; i < 2; ++i) {
            const down d = co_await self.receive<down>();
            CHECK(d.reason == term("noconnection"_atom));
            fired.insert(d.ref);
          }
          CHECK(fired == std::set<reference>{by_pid, by_name});
          const exit_signal e = co_await self.receive<exit_signal>();
          CHECK(e == exit_signal{far, "noconnection"_atom});
          co_await self.receive<nodedown>();
          co_await self.receive<nodedown>();
          co_await self.sleep(100s);  // the other side's time is up too
          CHECK(self.mailbox_length() == 0);
          CHECK(holdings_of(self).connections == 0);
          CHECK(holdings_of(self).links == 0);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
        check_nothing_is_left(*p.one);
        check_nothing_is_left(*p.two, 1);  // the counter: who was linked has ended by noconnection
        CHECK(p.all.net.streams() == 0);
        p.all.net.heal("h1", "h2");
        CHECK(p.two->connect("a@h1"));
      },
      4);
}

TEST_CASE("a quiet connection is kept up by ticks") {
  with_seeds(
      [](std::uint64_t seed) {
        pair p(seed);
        const auto body = [](context& self) -> process {
          monitor_node(self, "b@h2");
          const get question;
          co_await self.call(far_counter, question);
          co_await self.sleep(1h);
          CHECK(self.mailbox_length() == 0);
          const int n = co_await self.call(far_counter, question);
          CHECK(n == 2);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
      },
      20);
}

TEST_CASE("the loss of an old connection does not touch what was made on the new one") {
  // The process makes its link and monitors, loses the connection, makes new ones on the next, and looks at its mailbox
  // only then: with every seed at another moment.
  with_seeds([](std::uint64_t seed) {
    pair p(seed);
    p.all.net.set_delays(0ns, 0ns);  // so that a whole handshake fits between two of the process's runs
    const pid left = p.two->spawn(survives);
    const auto body = [all = here<pair>{&p}, left](context& self) -> process {
      self.trap_exit(true);
      const bool up = co_await connect_node(self, "b@h2");
      CHECK(up);
      self.link(left);
      const reference old = self.monitor(left);
      co_await self.sleep(10s);
      // The connection goes and another one is made, while this process does not look.
      struct progress {
        bool down = false, up = false;
      };
      const auto state = std::make_shared<progress>();
      const std::shared_ptr<const progress> seen = state;
      if (all->all.world.choose(2) == 0)
        all->all.net.reset("h1", "h2");
      else
        all->one->distribution().disconnect("b@h2");
      self.spawn([state_ = here<progress>{state.get()}](context& me) -> process {
        while (!nodes(me).empty()) co_await me.yield();
        state_->down = true;
        while (!state_->up) state_->up = co_await connect_node(me, "b@h2");
      });
      while (!seen->up) co_await self.yield();
      // Now noconnection of the old one may be here already, or come later.
      self.link(left);
      const reference fresh = self.monitor(left);
      bool old_fired = false;
      int exits = 0;
      co_await self.sleep(10s);
      CHECK(self.mailbox_length() >= 1);
      for (bool more = true; more;)
        co_await self.receive(
            [&](const down& d) {
              CHECK(d.ref == old);
              CHECK(d.reason == term("noconnection"_atom));
              CHECK(!old_fired);
              old_fired = true;
            },
            [&](const exit_signal& e) {
              CHECK(e.reason == term("noconnection"_atom));
              ++exits;
            },
            after(0s, [&] { more = false; }));
      CHECK(old_fired);
      CHECK(exits <= 1);
      const bool linked = holdings_of(self).links == 1;
      CHECK(holdings_of(self).watching == 1);
      self.send<leave>(left);
      const down d = co_await self.receive<down>();
      CHECK(d == down{fresh, left, "normal"_atom, atom()});
      if (linked) {
        const exit_signal e = co_await self.receive<exit_signal>();
        CHECK(e == exit_signal{left, "normal"_atom});
      }
      CHECK(exits + (linked ? 1 : 0) >= 1);
      co_await self.sleep(10s);
      CHECK(self.mailbox_length() == 0);
    };
    CHECK(run_on(*p.one, body) == term("normal"_atom));
  });
}

TEST_CASE("a node that crashes and comes back is another one: what was for its processes finds nobody") {
  with_seeds(
      [](std::uint64_t seed) {
        pair p(seed);
        const auto body = [all = here<pair>{&p}](context& self) -> process {
          self.trap_exit(true);
          const pid far = co_await spawn_link_at(self, "b@h2", "idle");
          const reference watch = self.monitor(far);
          monitor_nodes(self);
          self.send<done>(self);
          co_await self.receive<done>();
          all->all.net.crash("h2");
          const down d = co_await self.receive<down>();
          CHECK(d == down{watch, far, "noconnection"_atom, atom()});
          const exit_signal e = co_await self.receive<exit_signal>();
          CHECK(e == exit_signal{far, "noconnection"_atom});
          const nodedown gone = co_await self.receive<nodedown>();
          CHECK(gone.node == "b@h2"_atom);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
        const pid stale = p.two->spawn(idle);
        p.two.reset();
        p.all.net.crash("h2");
        p.two = p.all.start("b@h2");
        p.two->spawn({.name = "counter"}, counter);
        const auto again = [stale](context& self) -> process {
          self.trap_exit(true);
          const reference ref = self.monitor(stale);
          self.link(stale);
          self.send<number>(stale, 1, self.pid());
          const term why = co_await failure(self, stale, infinity);
          CHECK(why == term("noproc"_atom));
          const down d = co_await self.receive<down>();
          CHECK(d == down{ref, stale, "noproc"_atom, atom()});
          const exit_signal e = co_await self.receive<exit_signal>();
          CHECK(e == exit_signal{stale, "noproc"_atom});
          const get question;
          const int n = co_await self.call(far_counter, question);
          CHECK(n == 1);
          CHECK(self.mailbox_length() == 0);
        };
        CHECK(run_on(*p.one, again) == term("normal"_atom));
      },
      4);
}

TEST_CASE("a node that is not there: calls, links, monitors and node monitors end at once, again and again") {
  with_seeds(
      [](std::uint64_t seed) {
        pair p(seed);
        const auto body = [](context& self) -> process {
          self.trap_exit(true);
          for (int i = 0; i < 3; ++i) {
            const term why = co_await failure(self, remote("counter", "nobody@h2"), infinity);
            CHECK(why == term("noconnection"_atom));
            monitor_node(self, "nobody@h2");
            const nodedown n = co_await self.receive<nodedown>();
            CHECK(n.node == "nobody@h2"_atom);
            const reference ref = self.monitor(remote("counter", "b@nowhere"));
            const down d = co_await self.receive<down>();
            CHECK(d == down{ref, pid(), "noconnection"_atom, "counter"_atom, "b@nowhere"_atom});
            const bool up = co_await connect_node(self, "b@nowhere");
            CHECK(!up);
          }
          CHECK(self.mailbox_length() == 0);
          CHECK(holdings_of(self).connections == 0);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
        run_on(*p.one, [](context& self) -> process { co_await self.sleep(100s); });
        check_nothing_is_left(*p.one);
        check_nothing_is_left(*p.two, 1);
      },
      4);
}

TEST_CASE("a server that answers nothing keeps nothing of those who have asked and been told so") {
  struct ask {
    using reply = int;
  };
  const auto drops = [](context& self) -> process {
    for (;;)
      co_await self.receive([](request<get>) {},
                            [&](request<ask> r) { r.reply(static_cast<int>(holdings_of(self).watched_by)); });
  };
  pair p(1);
  p.two->spawn({.name = "drops"}, drops);
  const auto body = [](context& self) -> process {
    const destination there = remote("drops", "b@h2");
    for (int i = 0; i < 50; ++i) {
      const term why = co_await failure(self, there, infinity);
      CHECK(why == term("no_reply"_atom));
    }
    const ask question;
    const int held = co_await self.call(there, question);
    CHECK(held <= 1);  // this question's own
    CHECK(holdings_of(self).questions == 0);
  };
  CHECK(run_on(*p.one, body) == term("normal"_atom));
}

TEST_CASE("monitors and links of processes that have ended leave nothing at the connection") {
  pair p(1);
  const pid gone = p.two->spawn([](context&) -> process { co_return; });
  const auto body = [gone](context& self) -> process {
    self.trap_exit(true);
    for (int i = 0; i < 50; ++i) {
      const reference ref = self.monitor(gone);
      self.link(gone);
      const down d = co_await self.receive<down>();
      CHECK(d.ref == ref);
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e.from == gone);
    }
  };
  CHECK(run_on(*p.one, body) == term("normal"_atom));
  const auto c = p.two->distribution().find("a@h1", false);
  REQUIRE(c != nullptr);
  std::vector<detail::connection::kept> unsent;
  const auto touched = c->shut(unsent);
  REQUIRE(touched.has_value());
  CHECK(touched->empty());
}

TEST_CASE("a call that is delegated to another node is answered from there, and leaves nothing there") {
  struct held {
    using reply = int;
  };
  const auto tally = [](context& self) -> process {
    for (int asked = 0;;)
      co_await self.receive([&](request<get> r) { r.reply(++asked); },
                            [&](request<held> r) { r.reply(static_cast<int>(holdings_of(self).watched_by)); });
  };
  with_seeds(
      [&](std::uint64_t seed) {
        pair p(seed);
        p.two->spawn({.name = "tally"}, tally);
        p.one->spawn({.name = "front"}, [](context& self) -> process {
          for (;;) {
            auto r = co_await self.receive<request<get>>();
            self.delegate(remote("tally", "b@h2"), std::move(r));
          }
        });
        const auto body = [](context& self) -> process {
          const get question;
          for (int i = 1; i <= 5; ++i) {
            const int n = co_await self.call("front", question, infinity);
            CHECK(n == i);
          }
          const held last;
          const int left = co_await self.call(remote("tally", "b@h2"), last);
          CHECK(left == 1);  // this call's own
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
        // There and back: who asks there is answered by one who lives with him.
        p.one->spawn({.name = "home"}, counter);
        p.two->spawn({.name = "back"}, [](context& self) -> process {
          for (;;) {
            auto r = co_await self.receive<request<get>>();
            self.delegate(remote("home", "a@h1"), std::move(r));
          }
        });
        const auto there_and_back = [](context& self) -> process {
          const get question;
          const int n = co_await self.call(remote("back", "b@h2"), question, infinity);
          CHECK(n == 1);
        };
        CHECK(run_on(*p.one, there_and_back) == term("normal"_atom));
      },
      10);
}

TEST_CASE("a call that is delegated to another node ends when that is lost") {
  with_seeds(
      [](std::uint64_t seed) {
        pair p(seed);
        p.two->spawn({.name = "mute"}, [](context& self) -> process {
          auto r = co_await self.receive<request<get>>();
          co_await self.receive<leave>();
          r.reply(0);
        });
        p.one->spawn({.name = "front"}, [](context& self) -> process {
          auto r = co_await self.receive<request<get>>();
          self.delegate(remote("mute", "b@h2"), std::move(r));
          co_await self.receive<leave>();
        });
        const auto body = [all = here<pair>{&p}](context& self) -> process {
          self.spawn([all](context& me) -> process {
            co_await me.sleep(std::chrono::milliseconds(all->all.world.choose(3000)));
            all->all.net.reset("h1", "h2");
            co_await me.sleep(10s);
            all->all.net.reset("h1", "h2");
          });
          const term why = co_await failure(self, "front", infinity);
          CHECK(why == term("noconnection"_atom));
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
      },
      4);
}

TEST_CASE("what is empty travels: a null pid, a null reference, an atom without text") {
  struct empties {
    pid process;
    reference ref;
    atom text;
    std::vector<int> list;
  };
  pair p(1);
  p.two->spawn({.name = "mirror"}, [](context& self) -> process {
    for (;;) {
      const pid to = (co_await self.receive<number>()).from;
      const empties e = co_await self.receive<empties>();
      self.send(to, e);
    }
  });
  const auto body = [](context& self) -> process {
    const destination mirror = remote("mirror", "b@h2");
    for (int i = 0; i < 2; ++i) {
      self.send<number>(mirror, 1, self.pid());
      const empties none{};
      self.send(mirror, none);
      const empties back = co_await self.receive<empties>();
      CHECK(!back.process);
      CHECK(!back.ref);
      CHECK(back.text == atom());
      CHECK(back.list.empty());
    }
  };
  CHECK(run_on(*p.one, body) == term("normal"_atom));
}
