// SPDX-License-Identifier: BSL-1.0
// Sending: in place, to many, on behalf of others, from ordinary threads.
#include "everywhere.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct order {
  int id;
  std::string customer = {};
};
struct word {
  std::string text;
};
struct go {};
struct boxed {
  std::unique_ptr<int> value;
};
struct get {
  using reply = int;
};
struct alias_of {
  using reply = reference;
};
struct numbered {
  int sender;
  int n;
};
struct big {
  std::vector<int> numbers;
};
struct shared_big {
  std::shared_ptr<const std::vector<int>> numbers;
};
struct seen {
  const void* address() const { return reinterpret_cast<const void*>(where); }
  std::uint64_t where;
};

process forwarder(context& self, pid to) {
  for (;;) {
    any_message m = co_await self.receive<any_message>();
    self.send(to, std::move(m));
  }
}

process answer_get(context& self, int value) {
  for (;;) co_await self.receive([&](request<get> r) { r.reply(value); });
}

process look_at_big(context& self, pid report) {
  co_await self.receive(
      [&](const big& b) { self.send<seen>(report, reinterpret_cast<std::uint64_t>(b.numbers.data())); });
}

process take_big(context& self, pid report) {
  const big b = co_await self.receive<big>();
  int sum = 0;
  for (int n : b.numbers) sum += n;
  self.send(report, sum);
}

}  // namespace

TEST_CASE("send needs no co_await, and a message may be built in place") {
  everywhere([](context& self) -> process {
    self.send<order>(self, 1, "ann");
    const order second{2, "bob"};
    self.send(self.pid(), second);
    order third{3, "cid"};
    self.send(self.pid(), third);
    CHECK(third.customer == "cid");  // it was copied
    third.id = 4;
    self.send(self, third);
    co_await self.send<order>(self, 5, "eve");
    std::string names;
    for (int i = 0; i < 5; ++i) {
      const order o = co_await self.receive<order>();
      names += o.customer + " ";
    }
    CHECK(names == "ann bob cid cid eve ");
  });
}

TEST_CASE("a message is built in place from fewer arguments than it has members") {
  everywhere([](context& self) -> process {
    self.send<order>(self, 7);
    self.send<word>(self, "one argument");
    self.send<go>(self);
    const order o = co_await self.receive<order>();
    CHECK(o.id == 7);
    CHECK(o.customer.empty());
    const word w = co_await self.receive<word>();
    CHECK(w.text == "one argument");
    co_await self.receive<go>();
  });
}

TEST_CASE("a message to nobody is dropped, and what it holds is destroyed") {
  everywhere([](context& self) -> process {
    const auto shared = std::make_shared<const std::vector<int>>(3, 1);
    const pid gone = self.spawn([](context&) -> process { co_return; });
    self.monitor(gone);
    co_await self.receive<down>();
    self.send<shared_big>(gone, shared);
    self.send<shared_big>(pid(), shared);
    self.send<shared_big>("nobody has this name", shared);
    self.send<shared_big>("nobody"_atom, shared);
    // One that ends with the message unread:
    const pid deaf = self.spawn([](context& me) -> process { co_await me.receive<go>(); });
    self.send<shared_big>(deaf, shared);
    self.send<go>(deaf);
    self.monitor(deaf);
    co_await self.receive<down>();
    co_await self.sleep(1s);  // until all that is under way has arrived
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("a process sends to itself, and finds the message at once") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 20; ++i) {
      self.send<order>(self, i, "x");
      const auto o = co_await self.receive<order>(after(0s));
      REQUIRE(o.has_value());
      CHECK(o->id == i);
    }
  });
}

TEST_CASE("a message is sent to a registered name, as atom or as text") {
  everywhere([](context& self) -> process {
    self.register_name("boss"_atom);
    self.send<order>("boss", 1, "x");
    self.send<order>("boss"_atom, 2, "x");
    const order third{3, "x"};
    self.send("boss", third);
    for (int i = 1; i <= 3; ++i) {
      const order o = co_await self.receive<order>();
      CHECK(o.id == i);
    }
  });
}

TEST_CASE("an awaited send gives way when the budget is spent, so that others run") {
  everywhere([](context& self) -> process {
    const pid sink = self.spawn([](context& me) -> process {
      for (;;) co_await me.receive<go>();
    });
    const pid flood = self.spawn([sink](context& me) -> process {
      for (;;) co_await me.send<go>(sink);
    });
    for (int i = 0; i < 10; ++i) co_await self.yield();  // we get our turn
    self.monitor(flood);
    self.exit(flood, "kill"_atom);
    co_await self.receive<down>();
  });
}

// --- many receivers -------------------------------------------------------------------------------------------------

TEST_CASE("send_all gives each receiver the message, in order with what it is sent otherwise") {
  everywhere([](context& self) -> process {
    std::vector<pid> receivers;
    for (int i = 0; i < 5; ++i)
      receivers.push_back(self.spawn([parent = self.pid(), i](context& me) -> process {
        const order a = co_await me.receive<order>();
        const word w = co_await me.receive<word>();
        const order b = co_await me.receive<order>();
        CHECK(a.id == 1);
        CHECK(w.text == "all");
        CHECK(b.id == 2);
        me.send<numbered>(parent, i, 0);
      }));
    for (const pid& p : receivers) self.send<order>(p, 1, "x");
    self.send_all(receivers, word{"all"});
    for (const pid& p : receivers) self.send<order>(p, 2, "x");
    int sum = 0;
    for (int i = 0; i < 5; ++i) {
      const numbered n = co_await self.receive<numbered>();
      sum += n.sender;
    }
    CHECK(sum == 10);
  });
}

TEST_CASE("send_all shares one payload between receivers that only look") {
  everywhere([](context& self) -> process {
    std::vector<pid> receivers;
    for (int i = 0; i < 4; ++i) receivers.push_back(self.spawn(look_at_big, self.pid()));
    big b{std::vector<int>(1000, 1)};
    const auto* address = b.numbers.data();
    self.send_all(receivers, std::move(b));
    for (int i = 0; i < 4; ++i) {
      const seen s = co_await self.receive<seen>();
      CHECK(s.address() == address);
    }
  });
}

TEST_CASE("a receiver that takes a shared payload by value leaves the others theirs") {
  everywhere([](context& self) -> process {
    std::vector<pid> receivers;
    for (int i = 0; i < 4; ++i) receivers.push_back(self.spawn(take_big, self.pid()));
    self.send_all(receivers, big{std::vector<int>(100, 3)});
    for (int i = 0; i < 4; ++i) {
      const int sum = co_await self.receive<int>();
      CHECK(sum == 300);
    }
  });
}

TEST_CASE("send_all to nobody, to the dead and to oneself is fine") {
  everywhere([](context& self) -> process {
    const auto shared = std::make_shared<const std::vector<int>>(3, 1);
    self.send_all(std::vector<pid>{}, shared_big{shared});
    const pid gone = self.spawn([](context&) -> process { co_return; });
    self.monitor(gone);
    co_await self.receive<down>();
    self.send_all(std::array<pid, 4>{gone, self.pid(), pid(), self.pid()}, shared_big{shared});
    for (int i = 0; i < 2; ++i) {
      const shared_big b = co_await self.receive<shared_big>();
      CHECK(b.numbers->size() == 3);
    }
    co_await self.sleep(1s);
    CHECK(shared.use_count() == 1);
  });
}

// --- on behalf of others --------------------------------------------------------------------------------------------

TEST_CASE("any_message is passed on as it came") {
  everywhere([](context& self) -> process {
    const pid hop = self.spawn(forwarder, self.pid());
    const pid first = self.spawn(forwarder, hop);
    self.send<order>(first, 1, "x");
    self.send<boxed>(first, std::make_unique<int>(5));
    self.send(first, term("hello"_atom));
    self.send_all(std::array<pid, 2>{first, first}, word{"shared"});
    const order o = co_await self.receive<order>();
    CHECK(o.id == 1);
    const boxed b = co_await self.receive<boxed>();
    CHECK(*b.value == 5);
    const term t = co_await self.receive<term>();
    CHECK(t == term("hello"_atom));
    for (int i = 0; i < 2; ++i) {
      const word w = co_await self.receive<word>();
      CHECK(w.text == "shared");
    }
  });
}

TEST_CASE("a request that is passed on as any_message is answered to who asked") {
  everywhere([](context& self) -> process {
    const pid server = self.spawn(answer_get, 7);
    const pid hop = self.spawn(forwarder, server);
    const pid first = self.spawn(forwarder, hop);
    const int n = co_await self.call<get>(first);
    CHECK(n == 7);
  });
}

TEST_CASE("an any_message that is made here is sent like any other") {
  everywhere([](context& self) -> process {
    any_message m = any_message::of(order{3, "x"});
    CHECK(m.get_if<order>()->id == 3);
    self.send(self, std::move(m));
    CHECK(!m);
    self.send(self, any_message());  // empty: nothing
    const order o = co_await self.receive<order>();
    CHECK(o.id == 3);
  });
}

TEST_CASE("an any_message is sent to a name and to an alias, and not to an alias that was given up") {
  everywhere([](context& self) -> process {
    self.register_name("boss"_atom);
    self.send("boss", any_message::of(order{1, "x"}));
    const reference alias = self.alias();
    self.send(alias, any_message::of(order{2, "x"}));
    for (int i = 1; i <= 2; ++i) {
      const order o = co_await self.receive<order>();
      CHECK(o.id == i);
    }
    CHECK(self.unalias(alias));
    self.send(alias, any_message::of(order{3, "x"}));
    const auto late = co_await self.receive<order>(after(0s));
    CHECK(!late.has_value());
  });
}

// --- from ordinary threads ------------------------------------------------------------------------------------------

TEST_CASE("ordinary threads send; the messages of each arrive in the order in which they were sent") {
  const troupe_test::hang_guard guard("threads that send");
  actor_system sys(troupe_test::quiet_options());
  constexpr int threads = 4;
  constexpr int count = 5000;
  std::atomic<int> wrong{0};
  const pid sink = sys.spawn([&](context& self) -> process {
    int next[threads] = {};
    for (int i = 0; i < threads * count; ++i) {
      const numbered m = co_await self.receive<numbered>();
      if (m.n != next[m.sender]++) ++wrong;
    }
  });
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t)
    senders.emplace_back([&, t] {
      for (int i = 0; i < count; ++i) {
        if (i % 2 == 0)
          sys.send<numbered>(sink, t, i);
        else
          sys.send(sink, numbered{t, i});
      }
    });
  sys.wait(sink);
  for (std::thread& t : senders) t.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("ordinary threads send to names, aliases and nobody") {
  const troupe_test::hang_guard guard("threads that send");
  actor_system sys(troupe_test::quiet_options());
  const pid server = sys.spawn({.name = "server"_atom}, [](context& self) -> process {
    for (int sum = 0;;)
      co_await self.receive([&](const order& o) { sum += o.id; }, [&](request<get> r) { r.reply(sum); });
  });
  sys.send<order>("server", 1, "x");
  sys.send("server"_atom, order{2, "x"});
  sys.send(server, any_message::of(order{3, "x"}));
  sys.send<order>("nobody", 4, "x");
  sys.send<order>(pid(), 5, "x");
  CHECK(sys.call<get>(server) == 6);
  CHECK(sys.call<get>("server") == 6);

  const pid aliased = sys.spawn([](context& self) -> process {
    const reference alias = self.alias();
    auto first = co_await self.receive<request<alias_of>>();
    first.reply(alias);
    const order o = co_await self.receive<order>();
    auto second = co_await self.receive<request<get>>();
    second.reply(o.id);
    self.unalias(alias);
    auto third = co_await self.receive<request<get>>();
    const auto late = co_await self.receive<order>(after(0s));
    third.reply(late ? late->id : -1);
  });
  const reference alias = sys.call<alias_of>(aliased);
  sys.send<order>(reference(), 9, "x");  // nobody's
  sys.send<order>(alias, 7, "x");
  CHECK(sys.call<get>(aliased) == 7);
  sys.send<order>(alias, 8, "x");
  CHECK(sys.call<get>(aliased) == -1);
}
