// SPDX-License-Identifier: BSL-1.0
// Calls: questions and their answers, and all the ways in which there is none.
#include "call_server.hpp"
#include "everywhere.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using namespace call_test;
using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;

// --- answers --------------------------------------------------------------------------------------------------------

TEST_CASE("a call gives the answer, of the message's reply type") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 1);
    auto a = co_await self.call(s, add{2});
    static_assert(std::is_same_v<decltype(a), int>);
    CHECK(a == 3);
    const int b = co_await self.call<add>(s, 4);
    CHECK(b == 7);
    const std::string c = co_await self.call<text>(s, "hello");
    CHECK(c == "hello!");
    const std::unique_ptr<int> d = co_await self.call<take_box>(s);
    CHECK(*d == 7);
  });
}

TEST_CASE("a call of a message whose reply type is void waits until it is answered") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 5);
    static_assert(std::is_void_v<decltype(self.call(s, clear{}).await_resume())>);
    co_await self.call(s, clear{});
    const int n = co_await self.call<get>(s);
    CHECK(n == 0);
  });
}

TEST_CASE("a call of a message without reply type gives a term") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 5);
    auto t = co_await self.call<anything>(s, 3);
    static_assert(std::is_same_v<decltype(t), term>);
    CHECK(t == term::list({"got"_atom, 3}));
  });
}

TEST_CASE("what answers a message without reply type may be anything sendable, and comes as a term") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      int n = 0;
      for (;;)
        co_await me.receive([&](request<anything> r) {
          switch (n++) {
            case 0: r.reply(5); return;
            case 1: r.reply("text"); return;
            case 2: r.reply(note{6}); return;
            case 3: r.reply(std::vector<int>{1, 2}); return;
            default: r.reply();
          }
        });
    });
    std::vector<term> got;
    for (int i = 0; i < 4; ++i) {
      term t = co_await self.call<anything>(s, i);
      got.push_back(std::move(t));
    }
    CHECK(got == std::vector<term>{5, "text", term::tuple({"note"_atom, 6}), term::list({1, 2})});
    co_await self.call<anything>(s, 0);  // an empty answer is an answer too
  });
}

TEST_CASE("a call leaves the messages in the mailbox alone") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    for (int i = 0; i < 5; ++i) self.send<note>(self, i);
    for (int i = 1; i <= 5; ++i) {
      const int n = co_await self.call<add>(s, 1);
      CHECK(n == i);
    }
    for (int i = 0; i < 5; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.n == i);
    }
  });
}

TEST_CASE("a name is called like a pid") {
  everywhere([](context& self) -> process {
    self.spawn({.name = "server"_atom}, server, 3);
    const int a = co_await self.call<get>("server");
    const int b = co_await self.call("server"_atom, add{1});
    CHECK(a == 3);
    CHECK(b == 4);
  });
}

TEST_CASE("a request tells who asks, and by which reference") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([parent = self.pid()](context& me) -> process {
      auto a = co_await me.receive<request<get>>();
      auto b = co_await me.receive<request<get>>();
      CHECK(a.from() == parent);
      CHECK(a.ref() != b.ref());
      CHECK(static_cast<bool>(a));
      a.reply(1);
      CHECK(!a);
      auto moved = std::move(b);
      CHECK(static_cast<bool>(moved));
      CHECK(!b);  // NOLINT(bugprone-use-after-move): that is the question
      moved.reply(2);
    });
    auto first = self.request<get>(s);
    auto second = self.request<get>(s);
    const int b = co_await second;
    const int a = co_await first;
    CHECK(a == 1);
    CHECK(b == 2);
  });
}

TEST_CASE("a request may be kept and answered later") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      std::vector<request<add>> kept;
      while (kept.size() < 3) co_await me.receive([&](request<add> r) { kept.push_back(std::move(r)); });
      co_await me.sleep(1s);
      while (!kept.empty()) {  // the last one first
        kept.back().reply(kept.back()->by * 10);
        kept.pop_back();
      }
      co_await me.receive<flush>();
    });
    auto a = self.request<add>(s, 1);
    auto b = self.request<add>(s, 2);
    const int c = co_await self.call<add>(s, 3);
    const int second = co_await b;
    const int first = co_await a;
    CHECK(first == 10);
    CHECK(second == 20);
    CHECK(c == 30);
  });
}

TEST_CASE("answering twice throws, and so does answering what was moved from") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      auto r = co_await me.receive<request<get>>();
      r.reply(1);
      CHECK_THROWS_AS(r.reply(2), std::logic_error);
      CHECK_THROWS_AS(r.fail("no"_atom), std::logic_error);
      auto q = co_await me.receive<request<get>>();
      auto moved = std::move(q);
      CHECK_THROWS_AS(q.reply(3), std::logic_error);  // NOLINT(bugprone-use-after-move): that is the question
      moved.reply(4);
      CHECK_THROWS_AS(me.delegate(me, std::move(moved)), std::logic_error);
    });
    const int a = co_await self.call<get>(s);
    const int b = co_await self.call<get>(s);
    CHECK(a == 1);
    CHECK(b == 4);
  });
}

TEST_CASE("calls of two clients are answered to who asked") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    std::vector<pid> clients;
    for (int c = 0; c < 2; ++c)
      clients.push_back(self.spawn([s, c, parent = self.pid()](context& me) -> process {
        for (int i = 0; i < 10; ++i) {
          const std::string mine = std::to_string(c) + "." + std::to_string(i);
          const std::string answer = co_await me.call<text>(s, mine);
          CHECK(answer == mine + "!");
          co_await me.call<add>(s, 1);
        }
        me.send<flush>(parent);
      }));
    co_await self.receive<flush>();
    co_await self.receive<flush>();
    const int n = co_await self.call<get>(s);
    CHECK(n == 20);
  });
}

TEST_CASE("a server may call another one while it answers") {
  everywhere([](context& self) -> process {
    const pid back = self.spawn(server, 5);
    const pid front = self.spawn([back](context& me) -> process {
      for (;;)
        co_await me.receive([&](request<get> r) -> task<> {
          const int n = co_await me.call<add>(back, 1);
          r.reply(n * 2);
        });
    });
    const int a = co_await self.call<get>(front);
    const int b = co_await self.call<get>(front);
    CHECK(a == 12);
    CHECK(b == 14);
  });
}

// --- no answer ------------------------------------------------------------------------------------------------------

TEST_CASE("a call to who is gone fails with noproc at once") {
  everywhere([](context& self) -> process {
    const pid gone = self.spawn([](context&) -> process { co_return; });
    self.monitor(gone);
    co_await self.receive<down>();
    const auto start = self.now();
    const term a = co_await failure(self, gone, get{});
    const term b = co_await failure(self, "nobody", get{});
    const term c = co_await failure(self, pid(), get{}, infinity);
    CHECK(a == term("noproc"_atom));
    CHECK(b == term("noproc"_atom));
    CHECK(c == term("noproc"_atom));
    CHECK(self.now() == start);
  });
}

TEST_CASE("a call fails with timeout after 5 s unless told otherwise") {
  everywhere([](context& self) -> process {
    const pid d = self.spawn(deaf);
    auto start = self.now();
    term reason = co_await failure(self, d, get{});
    CHECK(reason == term("timeout"_atom));
    CHECK(self.now() - start == 5s);
    start = self.now();
    reason = co_await failure(self, d, get{}, 20ms);
    CHECK(reason == term("timeout"_atom));
    CHECK(self.now() - start == 20ms);
    start = self.now();
    reason = co_await failure(self, d, get{}, 0s);
    CHECK(reason == term("timeout"_atom));
    reason = co_await failure(self, d, get{}, -1s);
    CHECK(reason == term("timeout"_atom));
    CHECK(self.now() == start);
    bool thrown = false;
    try {
      co_await self.call<add>(d, 1);
    } catch (const call_failed& e) {
      thrown = e.reason() == term("timeout"_atom);
      CHECK(e.to() == term(d));
      CHECK(std::string(e.what()).find("timeout") != std::string::npos);
      CHECK(std::string(e.what()).find("add") != std::string::npos);
    }
    CHECK(thrown);
    CHECK(self.now() - start == 5s);
  });
}

TEST_CASE("a question that is built in place takes its timeout first, as after(time)") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 40);
    const int n = co_await self.call<add>(s, after(1s), 2);
    CHECK(n == 42);
    auto r = self.request<add>(s, after(1s), 3);
    const int m = co_await r;
    CHECK(m == 45);
    const pid d = self.spawn(deaf);
    const auto start = self.now();
    bool thrown = false;
    try {
      co_await self.call<add>(d, after(30ms), 1);
    } catch (const call_failed& e) {
      thrown = e.reason() == term("timeout"_atom);
    }
    CHECK(thrown);
    CHECK(self.now() - start == 30ms);
  });
}

TEST_CASE("an alias cannot be called, nor delegated to: it takes messages") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    CHECK_THROWS_AS(static_cast<void>(self.request(alias, get{})), usage_error);
    const pid asker = self.spawn([to = self.pid()](context& me) -> process { co_await me.call(to, get{}); });
    self.monitor(asker);
    {
      request<get> r = co_await self.receive<request<get>>();
      CHECK_THROWS_AS(self.delegate(alias, std::move(r)), usage_error);
    }
    const down d = co_await self.receive<down>();  // the request was not lost
    CHECK(d.reason != term("normal"_atom));
  });
}

TEST_CASE("a call waits for ever when told to") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const int n = co_await self.call(s, slow{1h}, infinity);
    CHECK(n == 3'600'000);
    const int m = co_await self.call(s, slow{1h}, std::chrono::nanoseconds::max() - 1ns);
    CHECK(m == 3'600'000);
    auto r = self.request(s, slow{1h}, std::chrono::nanoseconds::max() - 1ns);
    const int k = co_await r;
    CHECK(k == 3'600'000);
  });
}

TEST_CASE("an answer that comes after its timeout never reaches the mailbox, nor a later call") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const term reason = co_await failure(self, s, slow{50ms}, 10ms);
    CHECK(reason == term("timeout"_atom));
    const int n = co_await self.call(s, slow{100ms});
    CHECK(n == 100);
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
    CHECK(self.mailbox_length() == 0);
  });
}

TEST_CASE("an answer at the moment of the timeout is either given or never seen") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    for (int i = 0; i < 3; ++i) {
      const term reason = co_await failure(self, s, slow{10ms}, 10ms);
      CHECK((reason == term("timeout"_atom) || reason == term("none"_atom)));
    }
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
  });
}

TEST_CASE("a call fails with the exit reason of the server") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      co_await me.receive([&](request<get>) { me.exit(term::tuple({"bad"_atom, 1})); });
    });
    term reason = co_await failure(self, s, get{});
    CHECK(reason == term::tuple({"bad"_atom, 1}));
    const pid t = self.spawn(server, 0);
    reason = co_await failure(self, t, crash{});
    CHECK(reason == term::tuple({"error"_atom, "as asked"}));
    reason = co_await failure(self, t, crash{});
    CHECK(reason == term("noproc"_atom));
  });
}

TEST_CASE("a server that ends answers what waits in its mailbox with its reason") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      co_await me.receive<flush>();  // all questions are there before
      me.exit("over"_atom);
    });
    auto a = self.request<get>(s);
    auto b = self.request<add>(s, 1);
    self.send<flush>(s);
    int failed = 0;
    try {
      co_await a;
    } catch (const call_failed& e) {
      CHECK(e.reason() == term("over"_atom));
      ++failed;
    }
    try {
      co_await b;
    } catch (const call_failed& e) {
      CHECK(e.reason() == term("over"_atom));
      ++failed;
    }
    CHECK(failed == 2);
  });
}

TEST_CASE("a call fails with killed when its server is killed, and with normal when it just ends") {
  everywhere([](context& self) -> process {
    const pid d = self.spawn(deaf);
    auto a = self.request<get>(d);
    self.exit(d, "kill"_atom);
    const pid e = self.spawn(deaf);
    auto b = self.request<get>(e);
    self.send<flush>(e);
    std::vector<term> reasons;
    try {
      co_await a;
    } catch (const call_failed& f) {
      reasons.push_back(f.reason());
    }
    try {
      co_await b;
    } catch (const call_failed& f) {
      reasons.push_back(f.reason());
    }
    CHECK(reasons == std::vector<term>{"killed"_atom, "normal"_atom});
  });
}

TEST_CASE("a request that is destroyed unanswered gives no_reply at once") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const auto start = self.now();
    term reason = co_await failure(self, s, drop{});
    CHECK(reason == term("no_reply"_atom));
    CHECK(self.now() == start);
    // Overwritten, and thrown away as any_message:
    const pid other = self.spawn([](context& me) -> process {
      auto r = co_await me.receive<request<get>>();
      r = co_await me.receive<request<get>>();
      r.reply(2);
      any_message m = co_await me.receive<any_message>();
      m = any_message();
      co_await me.receive<flush>();
    });
    auto first = self.request<get>(other);
    auto second = self.request<get>(other);
    const int n = co_await second;
    CHECK(n == 2);
    reason = "none"_atom;
    try {
      co_await first;
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("no_reply"_atom));
    reason = co_await failure(self, other, get{});
    CHECK(reason == term("no_reply"_atom));
  });
}

TEST_CASE("a request that dies with the process that holds it gives that process's exit reason") {
  everywhere([](context& self) -> process {
    const pid holder = self.spawn([](context& me) -> process {
      auto kept = co_await me.receive<request<get>>();
      co_await me.receive<flush>();
      me.exit("burnt"_atom);
    });
    auto r = self.request<get>(holder);
    self.send<flush>(holder);
    term reason;
    try {
      co_await r;
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("burnt"_atom));
  });
}

TEST_CASE("a request that is handed to a new process as an argument is answered by it, or fails with its reason") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const int n = co_await self.call(s, slow{10ms});
    CHECK(n == 10);
    const pid t = self.spawn([](context& me) -> process {
      auto r = co_await me.receive<request<get>>();
      me.spawn(
          [](context& worker, request<get>) -> process {
            co_await worker.yield();
            worker.exit("tired"_atom);
          },
          std::move(r));
      co_await me.receive<flush>();
    });
    const term reason = co_await failure(self, t, get{});
    CHECK(reason == term("tired"_atom));
  });
}

TEST_CASE("a request is failed with a reason of the server's choice") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const fail question{"not today"};
    const term reason = co_await failure(self, s, question);
    CHECK(reason == term("not today"));
    const int n = co_await self.call<get>(s);  // it lives on
    CHECK(n == 0);
  });
}

TEST_CASE("a caller that does not catch ends with {Reason, {call, [To, Message]}}") {
  everywhere([](context& self) -> process {
    const pid d = self.spawn(deaf);
    const spawned caller = self.spawn_monitor([d](context& me) -> process { co_await me.call<get>(d); });
    const down ended = co_await self.receive<down>();
    CHECK(ended.process == caller.pid);
    REQUIRE(ended.reason.kind() == term_kind::tuple);
    CHECK(ended.reason.elements()[0] == term("timeout"_atom));
    REQUIRE(ended.reason.elements()[1].kind() == term_kind::tuple);
    CHECK(ended.reason.elements()[1].elements()[0] == term("call"_atom));
    CHECK(ended.reason.elements()[1].elements()[1].elements()[0] == term(d));
  });
}

TEST_CASE("a caller that ends does not trouble the server") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    for (int i = 0; i < 3; ++i) {
      const spawned caller = self.spawn_monitor([s](context& me) -> process { co_await me.call(s, slow{10ms}); });
      self.exit(caller.pid, "kill"_atom);
      co_await self.receive<down>();
    }
    co_await self.sleep(1s);
    const int n = co_await self.call<get>(s);
    CHECK(n == 0);
  });
}

TEST_CASE("an answer that cannot be decoded fails the call with bad_reply") {
  everywhere([](context& self) -> process {
    // As it comes from another node: a term that is no int.
    const pid s = self.spawn([](context& me) -> process {
      for (const term& answer : {term("no number"_atom), term(7), term::list({1})}) {
        auto r = co_await me.receive<request<get>>();
        const detail::envelope_ptr e = r.release();
        detail::answer_request(
            static_cast<detail::request_envelope&>(*e),
            detail::make_envelope<detail::routed_envelope, term>(detail::envelope_kind::reply, answer));
      }
    });
    term reason = co_await failure(self, s, get{});
    CHECK(reason == term("bad_reply"_atom));
    const int n = co_await self.call<get>(s);
    CHECK(n == 7);
    reason = co_await failure(self, s, get{});
    CHECK(reason == term("bad_reply"_atom));
  });
}

TEST_CASE("a process that calls itself, by pid or by name, is told so at once") {
  everywhere([](context& self) -> process {
    const term reason = co_await failure(self, self, get{}, 1h);
    CHECK(reason == term("calling_self"_atom));
    self.register_name("myself");
    const term named = co_await failure(self, "myself", get{}, 1h);
    CHECK(named == term("calling_self"_atom));
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
  });
}

// --- delegate -------------------------------------------------------------------------------------------------------

TEST_CASE("a request that is delegated is answered by whoever gets it last") {
  everywhere([](context& self) -> process {
    pid next = self.spawn(server, 9);
    for (int i = 0; i < 4; ++i)
      next = self.spawn([next](context& me) -> process {
        auto r = co_await me.receive<request<get>>();
        me.delegate(next, std::move(r));
        CHECK(!r);  // NOLINT(bugprone-use-after-move): that is the question
      });
    const int n = co_await self.call<get>(next);
    CHECK(n == 9);
  });
}

TEST_CASE("a request that is delegated to who is gone fails with noproc") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      for (;;)
        co_await me.receive([&](request<get> r) { me.delegate("nobody", std::move(r)); },
                            [&](request<add> r) { me.delegate(pid(), std::move(r)); });
    });
    term reason = co_await failure(self, s, get{});
    CHECK(reason == term("noproc"_atom));
    reason = co_await failure(self, s, add{1});
    CHECK(reason == term("noproc"_atom));
  });
}

TEST_CASE("a request may be delegated back to who answers itself") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn([](context& me) -> process {
      bool first = true;
      for (;;)
        co_await me.receive([&](request<get> r) {
          if (std::exchange(first, false))
            me.delegate(me, std::move(r));
          else
            r.reply(1);
        });
    });
    const int n = co_await self.call<get>(s);
    CHECK(n == 1);
  });
}

// --- from ordinary threads ------------------------------------------------------------------------------------------

TEST_CASE("ordinary threads call, and block until the answer is there") {
  const troupe_test::hang_guard guard("threads that call");
  actor_system sys(troupe_test::quiet_options());
  const pid s = sys.spawn({.name = "server"_atom}, server, 1);
  CHECK(sys.call(s, add{2}) == 3);
  CHECK(sys.call<add>("server", 2) == 5);
  CHECK(sys.call<text>(s, "x") == "x!");
  CHECK(*sys.call<take_box>(s) == 5);
  CHECK(sys.call<anything>(s, 4) == term::list({"got"_atom, 4}));
  sys.call(s, clear{});
  CHECK(sys.call<get>(s) == 0);
  const auto reason_of = [&](auto&& f) {
    try {
      f();
    } catch (const call_failed& e) {
      return e.reason();
    }
    return term();
  };
  CHECK(reason_of([&] { sys.call<get>("nobody"); }) == term("noproc"_atom));
  CHECK(reason_of([&] { sys.call<get>(pid()); }) == term("noproc"_atom));
  CHECK(reason_of([&] { sys.call<drop>(s); }) == term("no_reply"_atom));
  CHECK(reason_of([&] { sys.call<fail>(s, "so"); }) == term("so"));
  CHECK(reason_of([&] { sys.call(s, slow{1h}, 1ms); }) == term("timeout"_atom));
  CHECK(reason_of([&] { sys.call<crash>(s); }) == term::tuple({"error"_atom, "as asked"}));
  CHECK(reason_of([&] { sys.call<get>(s); }) == term("noproc"_atom));
}

TEST_CASE("in a simulation an ordinary thread calls too") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    testing::simulation world(seed);
    actor_system sys(world.options());
    const pid s = sys.spawn(server, 1);
    CHECK(sys.call(s, add{2}) == 3);
    CHECK(sys.call(s, slow{1h}, infinity) == 3'600'000);
    CHECK_THROWS_AS(sys.call(s, slow{1h}), call_failed);
  }
}
