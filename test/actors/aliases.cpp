// SPDX-License-Identifier: BSL-1.0
// Process aliases, as Erlang's manual states them: alias, unalias, and messages sent to them.
#include "cast.hpp"
#include "everywhere.hpp"

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
struct text {
  std::string value;
};
struct give {
  reference alias;
};
struct ping {
  using reply = int;
};

/// Sends `count` notes by the alias it is given, 0 first, and says when it has.
process writer(context& self, pid master, int count) {
  for (;;) {
    const give g = co_await self.receive<give>();
    for (int i = 0; i < count; ++i) {
      self.send<note>(g.alias, i);
      if (i % 2 == 1) co_await self.yield();
    }
    self.send(master, done{});
  }
}

}  // namespace

TEST_CASE("a message sent by an alias reaches its process") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    CHECK(alias != reference());
    const pid w = self.spawn(writer, self.pid(), 3);
    self.send<give>(w, alias);
    for (int i = 0; i < 3; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == i);
    }
    self.send<note>(alias, 7);  // by itself
    const note n = co_await self.receive<note>();
    CHECK(n.number == 7);
    const text message{"a named object"};
    self.send(alias, message);
    const text got = co_await self.receive<text>();
    CHECK(got.value == message.value);
  });
}

TEST_CASE("messages by pid, by name and by alias of one sender keep their order") {
  everywhere([](context& self) -> process {
    self.register_name("ear"_atom);
    self.spawn(
        [](context& me, pid top, reference alias) -> process {
          for (int i = 0; i < 12; ++i) {
            if (i % 3 == 0)
              me.send<note>(alias, i);
            else if (i % 3 == 1)
              me.send<note>(top, i);
            else
              me.send<note>("ear", i);
            if (i % 5 == 0) co_await me.yield();
          }
        },
        self.pid(), self.alias());
    for (int i = 0; i < 12; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == i);
    }
  });
}

TEST_CASE("a process may have several aliases, each of which lives for itself") {
  everywhere([](context& self) -> process {
    const reference first = self.alias();
    const reference second = self.alias();
    CHECK(first != second);
    self.send<note>(first, 1);
    self.send<note>(second, 2);
    note n = co_await self.receive<note>();
    CHECK(n.number == 1);
    n = co_await self.receive<note>();
    CHECK(n.number == 2);
    CHECK(self.unalias(first));
    self.send<note>(first, 3);
    self.send<note>(second, 4);
    n = co_await self.receive<note>();
    CHECK(n.number == 4);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("messages sent by an alias after unalias are dropped, and so are those under way") {
  everywhere([](context& self) -> process {
    const pid w = self.spawn(writer, self.pid(), 4);
    for (int pause = 0; pause < 4; ++pause) {
      const reference alias = self.alias();
      self.send<give>(w, alias);
      for (int i = 0; i < pause; ++i) co_await self.yield();
      CHECK(self.unalias(alias));
      // Those that had arrived lie in the mailbox, from the first on; none comes now.
      for (int expected = 0;; ++expected) {
        const std::optional<note> n = co_await self.receive<note>(after(0s));
        if (!n) break;
        CHECK(n->number == expected);
      }
      co_await self.receive<done>();
      const bool quiet = co_await nothing_comes(self);
      CHECK(quiet);
    }
  });
}

TEST_CASE("unalias says whether there was an active alias of this process") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    CHECK(self.unalias(alias));
    CHECK(!self.unalias(alias));
    CHECK(!self.unalias(self.make_reference()));
    CHECK(!self.unalias(reference()));
    const spawned child = self.spawn_monitor([](context& me) -> process { co_await me.receive<done>(); });
    CHECK(!self.unalias(child.monitor));
    co_return;
  });
}

TEST_CASE("unalias of another process's alias does nothing") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    const spawned child = self.spawn_monitor(
        [](context& me, reference foreign) -> process {
          const reference own = me.alias();  // it is as old in its process as the other in its own
          CHECK(!me.unalias(foreign));
          me.send<note>(own, 1);
          const std::optional<note> n = co_await me.receive<note>(after(1s));
          CHECK(n.has_value());
        },
        alias);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == child.monitor);
    self.send<note>(alias, 2);
    const note n = co_await self.receive<note>();
    CHECK(n.number == 2);
  });
}

TEST_CASE("a reference that is no alias takes no messages anywhere") {
  everywhere([](context& self) -> process {
    const pid child = self.spawn([](context& me) -> process { co_await me.receive<done>(); });
    self.send<note>(self.make_reference(), 1);
    self.send<note>(reference(), 2);
    const reference monitor = self.monitor(child);
    self.send<note>(monitor, 3);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("an alias for one message takes one, the first, and is gone") {
  everywhere([](context& self) -> process {
    const pid w = self.spawn(writer, self.pid(), 3);
    const pid v = self.spawn(writer, self.pid(), 3);
    const reference alias = self.alias(alias_lifetime::one_message);
    self.send<give>(w, alias);
    self.send<give>(v, alias);
    const note n = co_await self.receive<note>();
    CHECK(n.number == 0);  // of either
    co_await self.receive<done>();
    co_await self.receive<done>();
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    CHECK(!self.unalias(alias));
  });
}

TEST_CASE("an alias for one message can be given up before that") {
  everywhere([](context& self) -> process {
    const pid w = self.spawn(writer, self.pid(), 2);
    const reference alias = self.alias(alias_lifetime::one_message);
    CHECK(self.unalias(alias));
    self.send<give>(w, alias);
    co_await self.receive<done>();
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a message by the pid or another alias does not use up an alias for one message") {
  everywhere([](context& self) -> process {
    const reference once = self.alias(alias_lifetime::one_message);
    const reference other = self.alias();
    self.send<note>(self, 1);
    self.send<note>(other, 2);
    self.send<note>(once, 3);
    self.send<note>(once, 4);
    for (int i = 1; i <= 3; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == i);
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("with an alias a late answer never reaches the mailbox: the idiom of the manual") {
  everywhere([](context& self) -> process {
    struct question {
      reference reply_to;
    };
    struct helper {
      static process slow(context& me) {
        for (;;) {
          const question q = co_await me.receive<question>();
          co_await me.sleep(2s);
          me.send<note>(q.reply_to, 42);
        }
      }
    };
    const pid server = self.spawn(&helper::slow);
    const reference patient = self.alias(alias_lifetime::one_message);
    self.send<question>(server, patient);
    const note n = co_await self.receive<note>();
    CHECK(n.number == 42);
    const reference impatient = self.alias(alias_lifetime::one_message);
    self.send<question>(server, impatient);
    const std::optional<note> none = co_await self.receive<note>(after(1s));
    CHECK(!none);
    CHECK(self.unalias(impatient));
    co_await self.sleep(10s);
    CHECK(self.mailbox_length() == 0);
  });
}

TEST_CASE("an answer to a call that comes after its timeout never reaches the mailbox") {
  everywhere([](context& self) -> process {
    const pid server = self.spawn([](context& me) -> process {
      for (;;) {
        request<ping> r = co_await me.receive<request<ping>>();
        co_await me.sleep(2s);
        r.reply(42);
      }
    });
    for (int i = 0; i < 2; ++i) {
      term reason;
      try {
        co_await self.call(server, ping{}, 1s);
      } catch (const call_failed& e) {
        reason = e.reason();
      }
      CHECK(reason == term("timeout"_atom));
      co_await self.sleep(10s);
      CHECK(self.mailbox_length() == 0);
    }
    const int answer = co_await self.call(server, ping{}, 10s);
    CHECK(answer == 42);
  });
}

TEST_CASE("an alias dies with its process: messages by it reach nobody, nor its successor") {
  everywhere([](context& self) -> process {
    struct helper {
      static process body(context& me, pid top) {
        const reference alias = me.alias();
        me.send<give>(top, alias);
        co_await me.receive<done>();
      }
      static process heir(context& me) {
        const reference own = me.alias();
        static_cast<void>(own);
        co_await me.receive([&](const any_message&) { CHECK(false); });
      }
    };
    std::vector<reference> old;
    for (int i = 0; i < 4; ++i) {
      const spawned child = self.spawn_monitor(&helper::body, self.pid());
      const give g = co_await self.receive<give>();
      old.push_back(g.alias);
      self.send<done>(child.pid);
      co_await self.receive<down>();
      self.spawn(&helper::heir);  // may live where that one lived
      for (const reference& alias : old) self.send<note>(alias, i);
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("aliases do not tell the process that sends of anything: a message to a dead one is dropped") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    self.unalias(alias);
    for (int i = 0; i < 3; ++i) co_await self.send<note>(alias, i);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("any message that is passed on to an alias is a message by that alias") {
  everywhere([](context& self) -> process {
    const pid relay = self.spawn([](context& me) -> process {
      const give g = co_await me.receive<give>();
      for (;;) co_await me.receive([&](any_message m) { me.send(g.alias, std::move(m)); });
    });
    const reference alias = self.alias();
    self.send<give>(relay, alias);
    self.send<note>(relay, 1);
    const note n = co_await self.receive<note>();
    CHECK(n.number == 1);
    self.unalias(alias);
    self.send<note>(relay, 2);
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
  });
}

TEST_CASE("a timer to an alias is refused") {
  everywhere([](context& self) -> process {
    CHECK_THROWS_AS(self.send_after(1s, self.alias(), note{1}), usage_error);
    co_return;
  });
}

TEST_CASE("many aliases may be open at once") {
  everywhere([](context& self) -> process {
    std::vector<reference> aliases;
    for (int i = 0; i < 100; ++i)
      aliases.push_back(self.alias(i % 2 == 0 ? alias_lifetime::until_unalias : alias_lifetime::one_message));
    for (int round = 0; round < 2; ++round)
      for (int i = 0; i < 100; ++i) self.send<note>(aliases[static_cast<std::size_t>(i)], i);
    for (int i = 0; i < 150; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == (i < 100 ? i : 2 * (i - 100)));
    }
    const bool quiet = co_await nothing_comes(self);
    CHECK(quiet);
    for (std::size_t i = 0; i < 100; ++i) CHECK(self.unalias(aliases[i]) == (i % 2 == 0));
  });
}

TEST_CASE("ordinary threads send by alias: the messages arrive, in order, as what they were") {
  actor_system sys(troupe_test::quiet_options());
  std::atomic<bool> ready{false};
  reference alias;
  const pid receiver = sys.spawn([&](context& self) -> process {
    alias = self.alias();
    ready = true;
    ready.notify_all();
    for (int i = 0; i < 100; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.number == i);
      const text t = co_await self.receive<text>();
      CHECK(t.value == std::to_string(i));
    }
    co_await self.receive<done>();
    CHECK(self.unalias(alias));
    ready = false;
    ready.notify_all();
    co_await self.receive<ping>();  // by the pid
    CHECK(self.mailbox_length() == 0);
  });
  ready.wait(false);
  for (int i = 0; i < 100; ++i) {
    sys.send<note>(alias, i);
    sys.send<text>(alias, std::to_string(i));
  }
  sys.send(alias, done{});
  ready.wait(true);
  for (int i = 0; i < 100; ++i) sys.send<note>(alias, i);
  sys.send(receiver, ping{});
  sys.wait(receiver);
  sys.send<note>(alias, 1);
}
