// SPDX-License-Identifier: BSL-1.0
// How processes end, as Erlang's manual states it: exit reasons, exit signals sent with exit, kill, exceptions, and
// what is heard when.
#include "cast.hpp"
#include "everywhere.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
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
struct ping {
  using reply = int;
};

process deaf(context& self) {
  co_await self.receive<done>();
}

/// Traps exits and tells its master what it gets.
process trapper(context& self, pid master) {
  self.trap_exit(true);
  self.send<ready>(master, self.pid());
  for (;;) {
    const exit_signal e = co_await self.receive<exit_signal>();
    self.send(master, e);
  }
}

/// The reason with which a new process with this body ends.
template <class... Args>
task<term> reason_of(context& self, Args... spawn_arguments) {
  const spawned child = self.spawn_monitor(spawn_arguments...);
  co_return co_await self.receive(
      when([&](const down& d) { return d.ref == child.monitor; }, [&](const down& d) { return d.reason; }));
}

}  // namespace

// --- reasons --------------------------------------------------------------------------------------------------------

TEST_CASE("a process that returns ends with reason normal") {
  everywhere([](context& self) -> process {
    const term at_once = co_await reason_of(self, +[](context&) -> process { co_return; });
    CHECK(at_once == term("normal"_atom));
    const term later = co_await reason_of(self, +[](context& me) -> process { co_await me.sleep(1s); });
    CHECK(later == term("normal"_atom));
  });
}

TEST_CASE("a process that calls exit ends with that reason, which may be any term") {
  everywhere([](context& self) -> process {
    const term reasons[] = {
        "shutdown"_atom,
        term::tuple({"shutdown"_atom, term::list({1, 2.5, "text"})}),
        7,
        "a binary",
        term::map({{"at"_atom, self.pid()}}),
        term::list({}),
        self.make_reference(),
        "normal"_atom,
        term(),
    };
    for (const term& reason : reasons) {
      const term got = co_await reason_of(self, &ends_at_once, reason);
      CHECK(got == reason);
    }
  });
}

TEST_CASE("an exception that leaves a process is its exit reason: {error, What}") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          co_await me.yield();
          throw std::runtime_error("it broke");
        });
    CHECK(got == term::tuple({"error"_atom, "it broke"}));
    const term logic = co_await reason_of(
        self, +[](context&) -> process {
          std::string s;
          static_cast<void>(s.at(3));
          co_return;
        });
    CHECK(logic.is_tuple("error"_atom));
    CHECK(logic.size() == 2);
    CHECK(logic[1].is_binary());
  });
}

TEST_CASE("an exception that is no std::exception is a reason {error, What} too") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context&) -> process {
          throw 17;
          co_return;
        });
    CHECK(got.is_tuple("error"_atom));
    CHECK(got.size() == 2);
    CHECK(got[1].is_binary());
  });
}

TEST_CASE("an exception that leaves a task, and that its process does not catch, ends the process") {
  everywhere([](context& self) -> process {
    struct helper {
      static task<int> inner(context& me) {
        co_await me.yield();
        throw std::runtime_error("deep");
      }
      static task<int> outer(context& me) { co_return co_await inner(me); }
      static process body(context& me) { co_await outer(me); }
      static process careful(context& me) {
        try {
          co_await outer(me);
        } catch (const std::runtime_error& e) {
          me.exit(term(std::string_view(e.what())));
        }
      }
    };
    const term got = co_await reason_of(self, &helper::body);
    CHECK(got == term::tuple({"error"_atom, "deep"}));
    const term caught = co_await reason_of(self, &helper::careful);
    CHECK(caught == term("deep"));
  });
}

TEST_CASE("an exception that leaves a handler ends the process") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor([](context& me) -> process {
      co_await me.receive([&](const note& n) { throw std::runtime_error("note " + std::to_string(n.number)); });
    });
    self.send<note>(child.pid, 4);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term::tuple({"error"_atom, "note 4"}));
  });
}

TEST_CASE("exit in a task or in a handler ends the process, not the task alone") {
  everywhere([](context& self) -> process {
    struct helper {
      static task<> leaves(context& me) {
        co_await me.yield();
        me.exit("left"_atom);
      }
      static process in_task(context& me) {
        co_await leaves(me);
        CHECK(false);
      }
      static process in_handler(context& me) {
        me.send<note>(me, 1);
        co_await me.receive([&](const note&) { me.exit("left"_atom); });
        CHECK(false);
      }
      static process in_task_handler(context& me) {
        me.send<note>(me, 1);
        co_await me.receive([&](const note&) -> task<> { co_await leaves(me); });
        CHECK(false);
      }
      static process in_after(context& me) {
        co_await me.receive([&](const note&) {}, after(1s, [&] { me.exit("left"_atom); }));
        CHECK(false);
      }
    };
    for (process (*body)(context&) :
         {&helper::in_task, &helper::in_handler, &helper::in_task_handler, &helper::in_after}) {
      const term got = co_await reason_of(self, body);
      CHECK(got == term("left"_atom));
    }
  });
}

TEST_CASE("a handler for std::exception does not catch exit") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          try {
            me.exit("left"_atom);
          } catch (const std::exception&) {
            CHECK(false);
          }
          co_return;
        });
    CHECK(got == term("left"_atom));
  });
}

TEST_CASE("exit can be caught by its name, as by Erlang's catch, and the process lives on") {
  everywhere([](context& self) -> process {
    struct helper {
      static task<> leaves(context& me) {
        co_await me.yield();
        me.exit("left"_atom);
      }
      static process body(context& me) {
        try {
          co_await leaves(me);
        } catch (const process_exit& e) {
          CHECK(e.reason() == term("left"_atom));
        }
        co_await me.sleep(1s);
        me.exit("later"_atom);
      }
    };
    const term got = co_await reason_of(self, &helper::body);
    CHECK(got == term("later"_atom));
  });
}

TEST_CASE("a call that fails and is not caught is the exit reason {Reason, {call, [To, Message]}}") {
  everywhere([](context& self) -> process {
    struct helper {
      static process caller(context& me, pid server) { co_await me.call(server, ping{}); }
      static process caller_by_name(context& me) { co_await me.call("nobody_of_that_name", ping{}); }
    };
    const pid server = self.spawn(deaf);
    const term timeout = co_await reason_of(self, &helper::caller, server);
    CHECK(timeout == term::tuple({"timeout"_atom, term::tuple({"call"_atom, term::list({server, "ping"})})}));

    const pid gone = self.spawn_monitor(ends_at_once, term("x"_atom)).pid;
    co_await self.receive<down>();
    const term noproc = co_await reason_of(self, &helper::caller, gone);
    CHECK(noproc == term::tuple({"noproc"_atom, term::tuple({"call"_atom, term::list({gone, "ping"})})}));

    const term named = co_await reason_of(self, &helper::caller_by_name);
    CHECK(named ==
          term::tuple({"noproc"_atom, term::tuple({"call"_atom, term::list({"nobody_of_that_name"_atom, "ping"})})}));
  });
}

TEST_CASE("the reason a monitor, a link and a caller hear is the same") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const spawned server = self.spawn({.name = {}, .link = true, .monitor = true}, [](context& me) -> process {
      co_await me.receive<done>();
      me.exit(term::tuple({"boom"_atom, 1}));
    });
    auto answer = self.request(server.pid, ping{});  // never received
    self.send<done>(server.pid);
    term reason;
    try {
      co_await answer;
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term::tuple({"boom"_atom, 1}));
    const down d = co_await self.receive<down>();
    CHECK(d.reason == reason);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e.reason == reason);
  });
}

// --- exit(pid, reason) ----------------------------------------------------------------------------------------------

TEST_CASE("exit(P, Reason) ends a process that does not trap exits, with that reason") {
  everywhere([](context& self) -> process {
    const term reasons[] = {"boom"_atom, term::tuple({1, "two"}), "noproc"_atom, "killed"_atom, term()};
    for (const term& reason : reasons) {
      const spawned child = self.spawn_monitor(deaf);
      self.exit(child.pid, reason);
      const down d = co_await self.receive<down>();
      CHECK(d.ref == child.monitor);
      CHECK(d.reason == reason);
    }
  });
}

TEST_CASE("exit(P, Reason) is a message to a process that traps exits, whatever the reason but kill") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(trapper, self.pid());
    co_await self.receive<ready>();
    const term reasons[] = {"boom"_atom, "normal"_atom, "killed"_atom, term::tuple({"kill"_atom})};
    for (const term& reason : reasons) {
      self.exit(child, reason);
      const exit_signal e = co_await self.receive<exit_signal>();
      CHECK(e.from == self.pid());
      CHECK(e.reason == reason);
    }
    CHECK(self.is_alive(child));
  });
}

TEST_CASE("exit(P, normal) from another process is ignored by a process that does not trap exits") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(deaf);
    self.exit(child.pid, "normal"_atom);
    self.exit(child.pid, "normal"_atom);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(self.is_alive(child.pid));
    self.send<done>(child.pid);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("exit(self, normal) ends the process that calls it") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          me.exit(me.pid(), "normal"_atom);
          CHECK(false);  // it does not return
          co_return;
        });
    CHECK(got == term("normal"_atom));
  });
}

TEST_CASE("exit(self, Reason) has acted when it returns, and acts though its exception is caught") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          me.exit(me.pid(), "boom"_atom);
          CHECK(false);
          co_return;
        });
    CHECK(got == term("boom"_atom));
    const term caught = co_await reason_of(
        self, +[](context& me) -> process {
          try {
            me.exit(me.pid(), "boom"_atom);
          } catch (...) {
          }
          co_await me.sleep(1s);
          CHECK(false);
        });
    CHECK(caught == term("boom"_atom));
  });
}

TEST_CASE("exit(self, Reason) is a message when the process traps exits, behind what it has sent to itself") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const term reasons[] = {"boom"_atom, "normal"_atom};
    for (const term& reason : reasons) {
      self.send<note>(self, 1);
      self.exit(self.pid(), reason);
      self.send<note>(self, 2);
      const auto first = co_await self.receive<exit_signal, note>();
      CHECK(std::holds_alternative<note>(first));
      const auto second = co_await self.receive<exit_signal, note>();
      const auto* e = std::get_if<exit_signal>(&second);
      REQUIRE(e != nullptr);
      CHECK(e->from == self.pid());
      CHECK(e->reason == reason);
      const note last = co_await self.receive<note>();
      CHECK(last.number == 2);
    }
  });
}

TEST_CASE("exit of a process that does not exist does nothing") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(ends_at_once, term("x"_atom));
    co_await self.receive<down>();
    self.exit(child.pid, "boom"_atom);
    self.exit(child.pid, "kill"_atom);
    self.exit(pid(), "boom"_atom);
    self.exit(pid(4'000'000, 1, self.pid().creation(), self.pid().node()), "boom"_atom);
    // The slot may be used again: that process is another.
    const spawned next = self.spawn_monitor(deaf);
    self.exit(child.pid, "kill"_atom);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(self.is_alive(next.pid));
  });
}

TEST_CASE("the first exit signal wins") {
  everywhere([](context& self) -> process {
    for (int pause = 0; pause < 3; ++pause) {
      const spawned child = self.spawn_monitor(deaf);
      for (int i = 0; i < pause; ++i) co_await self.yield();
      self.exit(child.pid, "normal"_atom);  // ignored
      self.exit(child.pid, "first"_atom);
      self.exit(child.pid, "second"_atom);
      self.exit(child.pid, "kill"_atom);
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("first"_atom));
    }
    const spawned killed = self.spawn_monitor(deaf);
    self.exit(killed.pid, "kill"_atom);
    self.exit(killed.pid, "second"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("killed"_atom));
  });
}

TEST_CASE("of exit signals of several senders the reason is that of one of them") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(deaf);
    for (int i = 0; i < 4; ++i)
      self.spawn(
          [](context& me, pid target, int number) -> process {
            me.exit(target, number);
            co_return;
          },
          child.pid, i);
    const down d = co_await self.receive<down>();
    CHECK(d.reason.is_integer());
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE(
    "an exit signal ends a process that does not wait for messages: while it computes and yields, sleeps, calls") {
  everywhere([](context& self) -> process {
    struct helper {
      static process yields(context& me) {
        for (;;) co_await me.yield();
      }
      static process sleeps(context& me) { co_await me.sleep(24h); }
      static process calls(context& me) {
        const pid server = me.spawn(deaf);
        co_await me.call(server, ping{}, infinity);
      }
    };
    for (process (*body)(context&) : {&helper::yields, &helper::sleeps, &helper::calls}) {
      const spawned child = self.spawn_monitor(body);
      co_await self.yield();
      self.exit(child.pid, "boom"_atom);
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("boom"_atom));
    }
  });
}

// --- kill -----------------------------------------------------------------------------------------------------------

TEST_CASE("kill cannot be trapped, and becomes killed") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn(trapper, self.pid());
    const reference watch = self.monitor(child);
    co_await self.receive<ready>();
    self.exit(child, "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a process that kills itself cannot trap it either") {
  everywhere([](context& self) -> process {
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          me.trap_exit(true);
          me.exit(me.pid(), "kill"_atom);
          CHECK(false);
          co_return;
        });
    CHECK(got == term("killed"_atom));
  });
}

TEST_CASE("linked processes of a killed one get killed, which they can trap") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid second = self.spawn_link(deaf);
    const spawned linked = self.spawn_monitor(
        [](context& me, pid other, pid top) -> process {
          me.link(other);
          me.send<ready>(top, me.pid());
          co_await me.receive<done>();
        },
        second, self.pid());
    co_await self.receive<ready>();
    self.exit(second, "kill"_atom);
    const exit_signal k = co_await self.receive<exit_signal>();
    CHECK(k == exit_signal{second, "killed"_atom});
    const down l = co_await self.receive<down>();
    CHECK(l.ref == linked.monitor);
    CHECK((l.reason == term("killed"_atom) || l.reason == term("noproc"_atom)));
  });
}

TEST_CASE("a process that exits with reason kill by itself is trappable for its links, who see kill") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const spawned child = self.spawn({.name = {}, .link = true, .monitor = true}, ends_at_once, term("kill"_atom));
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e == exit_signal{child.pid, "kill"_atom});
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("kill"_atom));
    // One that does not trap exits ends, with reason kill.
    const term got = co_await reason_of(
        self, +[](context& me) -> process {
          me.spawn_link(ends_at_once, term("kill"_atom));
          co_await me.receive<done>();
        });
    CHECK(got == term("kill"_atom));
  });
}

// --- what is heard when ---------------------------------------------------------------------------------------------

TEST_CASE("what a process sent before its end arrives before the down and the exit signal") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    self.register_name("ear"_atom);
    const reference alias = self.alias();
    struct helper {
      static process body(context& me, pid top, reference by, bool crash) {
        me.send<note>(top, 1);
        me.send<note>("ear", 2);
        me.send<note>(by, 3);
        co_await me.send<note>(top, 4);
        me.send_all(std::vector<pid>{top}, note{5});
        if (crash) throw std::runtime_error("boom");
      }
    };
    for (const bool crash : {false, true}) {
      self.spawn({.name = {}, .link = true, .monitor = true}, &helper::body, self.pid(), alias, crash);
      for (int i = 1; i <= 5; ++i) {
        const auto m = co_await self.receive<down, exit_signal, note>();
        const auto* n = std::get_if<note>(&m);
        REQUIRE(n != nullptr);
        CHECK(n->number == i);
      }
      co_await self.receive<exit_signal>();
      co_await self.receive<down>();
    }
  });
}

TEST_CASE("what several processes sent before their ends arrives before the down of each") {
  everywhere([](context& self) -> process {
    constexpr int senders = 4, messages = 5;
    std::vector<spawned> children;
    for (int i = 0; i < senders; ++i)
      children.push_back(self.spawn_monitor(
          [](context& me, pid top, int number) -> process {
            for (int k = 0; k < messages; ++k) {
              me.send<note>(top, number * 100 + k);
              if (k % 2 == number % 2) co_await me.yield();
            }
          },
          self.pid(), i));
    std::vector<int> got(senders);
    for (int ended = 0; ended < senders;)
      co_await self.receive(
          [&](const note& n) {
            int& next = got[static_cast<std::size_t>(n.number / 100)];
            CHECK(n.number % 100 == next);
            ++next;
          },
          [&](const down& d) {
            ++ended;
            for (std::size_t i = 0; i < senders; ++i)
              if (children[i].monitor == d.ref) CHECK(got[i] == messages);
          });
  });
}

TEST_CASE("exit signals, messages and ends of one sender arrive in the order in which they were sent") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link(
        [](context& me, pid top) -> process {
          me.send<note>(top, 1);
          me.exit(top, "one"_atom);
          me.send<note>(top, 2);
          me.exit(top, "two"_atom);
          me.exit("end"_atom);
          co_return;
        },
        self.pid());
    std::vector<term> got;
    for (int i = 0; i < 5; ++i)
      co_await self.receive([&](const note& n) { got.push_back(n.number); },
                            [&](const exit_signal& e) {
                              CHECK(e.from == child);
                              got.push_back(e.reason);
                            });
    const std::vector<term> wanted = {1, "one"_atom, 2, "two"_atom, "end"_atom};
    CHECK(got == wanted);
  });
}

TEST_CASE("a message sent before an exit signal is received, if the process gets to it; one sent afterwards never") {
  everywhere([](context& self) -> process {
    const spawned child = self.spawn_monitor(
        [](context& me, pid top) -> process {
          for (;;) {
            const note n = co_await me.receive<note>();
            me.send<note>(top, n.number);
          }
        },
        self.pid());
    self.send<note>(child.pid, 1);
    self.exit(child.pid, "boom"_atom);
    self.send<note>(child.pid, 2);
    co_await self.receive<down>();
    co_await self.receive([&](const note& n) { CHECK(n.number == 1); }, after(0s, [&] {}));
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

namespace {

/// Says that it is being destroyed, by counting.
class tracker {
 public:
  explicit tracker(std::shared_ptr<std::atomic<int>> count) : count_(std::move(count)) { ++*count_; }
  tracker(tracker&& other) noexcept : count_(std::move(other.count_)) {}
  tracker& operator=(tracker&&) = delete;
  ~tracker() {
    if (count_) --*count_;
  }

 private:
  std::shared_ptr<std::atomic<int>> count_;
};

}  // namespace

TEST_CASE("the destructors of a process have run before anybody hears of its end, however it ends") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    enum way { returns, exits, throws, is_killed, is_told };
    struct helper {
      static task<> wait(context& me, tracker) {
        const tracker none(std::make_shared<std::atomic<int>>());
        co_await me.receive<note>();
      }
      static process body(context& me, way w, tracker in_frame, tracker given_on) {
        static_cast<void>(in_frame);
        if (w == returns) co_return;
        if (w == exits) me.exit("boom"_atom);
        if (w == throws) throw std::runtime_error("boom");
        co_await wait(me, std::move(given_on));
      }
    };
    for (const way w : {returns, exits, throws, is_killed, is_told}) {
      auto count = std::make_shared<std::atomic<int>>(0);
      const spawned child =
          self.spawn({.name = {}, .link = true, .monitor = true}, &helper::body, w, tracker(count), tracker(count));
      auto answer = self.request(child.pid, ping{});
      if (w == is_killed) self.exit(child.pid, "kill"_atom);
      if (w == is_told) self.exit(child.pid, "boom"_atom);
      try {
        co_await answer;
        CHECK(false);
      } catch (const call_failed&) {
        CHECK(count->load() == 0);
      }
      const auto first = co_await self.receive<down, exit_signal>();
      static_cast<void>(first);
      CHECK(count->load() == 0);
      co_await self.receive<down, exit_signal>();
    }
  });
}

TEST_CASE("a callable with captures lives as long as its process and no longer") {
  everywhere([](context& self) -> process {
    auto count = std::make_shared<std::atomic<int>>(0);
    {
      auto captured = std::make_shared<const tracker>(count);
      self.spawn_monitor([captured](context& me) -> process {
        co_await me.sleep(1s);
        CHECK(captured != nullptr);
      });
    }
    CHECK(count->load() == 1);
    co_await self.receive<down>();
    CHECK(count->load() == 0);
  });
}

TEST_CASE("requests in the mailbox of a process that ends fail with its exit reason, at once") {
  everywhere([](context& self) -> process {
    struct helper {
      static process returns(context& me) { co_await me.receive<done>(); }
      static process exits(context& me) {
        co_await me.receive<done>();
        me.exit("boom"_atom);
      }
      static process throws(context& me) {
        co_await me.receive<done>();
        throw std::runtime_error("broken");
      }
    };
    struct test {
      process (*body)(context&);
      term told;  // sent with exit instead of done, unless undefined
      term reason;
    };
    const test tests[] = {
        {&helper::returns, term(), "normal"_atom},
        {&helper::exits, term(), "boom"_atom},
        {&helper::throws, term(), term::tuple({"error"_atom, "broken"})},
        {&helper::returns, "kill"_atom, "killed"_atom},
        {&helper::returns, "away"_atom, "away"_atom},
    };
    for (const test& t : tests) {
      const auto before = self.now();
      const pid server = self.spawn(t.body);
      std::vector<response<int>> asked;
      for (int i = 0; i < 3; ++i) asked.push_back(self.request(server, ping{}));
      if (t.told == term())
        self.send<done>(server);
      else
        self.exit(server, t.told);
      for (response<int>& r : asked) {
        term reason;
        try {
          co_await r;
        } catch (const call_failed& e) {
          reason = e.reason();
        }
        CHECK(reason == t.reason);
      }
      CHECK(self.now() == before);  // no timeout helped
    }
  });
}

TEST_CASE("a process that is gone is not alive, and its pid never names another") {
  everywhere([](context& self) -> process {
    CHECK(self.is_alive(self.pid()));
    CHECK(!self.is_alive(pid()));
    std::vector<pid> all;
    for (int i = 0; i < 10; ++i) {
      const spawned child = self.spawn_monitor(deaf);
      CHECK(self.is_alive(child.pid));
      for (const pid& p : all) {
        CHECK(p != child.pid);
        CHECK(!self.is_alive(p));
        self.send<done>(p);  // reaches nobody
      }
      self.exit(child.pid, "boom"_atom);
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("boom"_atom));
      CHECK(!self.is_alive(child.pid));
      all.push_back(child.pid);
    }
  });
}

TEST_CASE("an ordinary thread sends exit signals by the same rules") {
  actor_system sys(troupe_test::quiet_options());
  const pid child = sys.spawn(deaf);
  sys.exit(child, "normal"_atom);
  CHECK(sys.is_alive(child));
  auto heard = std::make_shared<std::atomic<bool>>(false);
  const pid trap = sys.spawn([heard](context& self) -> process {
    self.trap_exit(true);
    const exit_signal e = co_await self.receive<exit_signal>();
    CHECK(e.from == pid());
    CHECK(e.reason == term("normal"_atom));
    heard->store(true);
  });
  // A signal that comes before the process traps exits is ignored: again until it has.
  while (sys.is_alive(trap)) {
    sys.exit(trap, "normal"_atom);
    std::this_thread::yield();
  }
  CHECK(heard->load());
  sys.exit(child, "boom"_atom);
  const term reason = sys.wait(child);
  CHECK((reason == term("boom"_atom) || reason == term("noproc"_atom)));
  CHECK(!sys.is_alive(child));
  sys.exit(child, "boom"_atom);
  sys.exit(pid(), "boom"_atom);
}
