// SPDX-License-Identifier: BSL-1.0
// Asking many at once: multi_call, abcast, request collections; server<C> in messages; ordinary threads and servers.
#include "../actors/everywhere.hpp"
#include "counter.hpp"
#include "keeper.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

namespace {

const atom here("nonode@nohost");
const atom nowhere("nowhere@nohost");
// Named: g++ 12 compiles no braced list of these within a co_await.
const std::vector<atom> both{here, nowhere};
const std::vector<atom> reversed{nowhere, here};
const std::vector<atom> twice{here, here};
const std::vector<atom> only_here{here};
const std::vector<atom> none;

process deaf(context& self) {
  co_await self.sleep(1h);
}

struct introduce {
  server<counter> to;
};
struct introduced {
  server<counter> whom;
  int n;
};

/// Passes on whom it has been told of, and asks it.
class broker : public gen_server {
 public:
  task<introduced> meet(introduce m) {
    const int n = co_await self().call<increment>(m.to, 10);
    co_return introduced{m.to, n};
  }
  using handles = handlers<call<&broker::meet>>;
};

}  // namespace

// --- multi_call ----------------------------------------------------------------------------------

TEST_CASE("multi_call gives the answers by node, and the nodes where nobody answers") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({.name = "counter"}, 5);
    const auto found = co_await multi_call(self, both, "counter", get{});
    static_assert(std::is_same_v<decltype(found), const multi_call_result<int>>);
    REQUIRE(found.replies.size() == 1);
    CHECK(found.replies[0].node == here);
    CHECK(found.replies[0].value == 5);
    CHECK(found.bad_nodes == std::vector<atom>{nowhere});
    const auto nobody = co_await multi_call(self, reversed, "nobody", get{});
    CHECK(nobody.replies.empty());
    CHECK(nobody.bad_nodes == reversed);
    CHECK(self.is_alive(ref.pid()));
  });
}

TEST_CASE("multi_call of servers of a class is typed by the class") {
  everywhere([](context& self) -> process {
    static_cast<void>(co_await self.start<counter>({.name = "counter"}, 5));
    const server<counter> by_name("counter");
    const auto found = co_await multi_call(self, only_here, by_name, get_later{1ms});
    static_assert(std::is_same_v<decltype(found), const multi_call_result<int>>);
    REQUIRE(found.replies.size() == 1);
    CHECK(found.replies[0].value == 5);
  });
}

TEST_CASE("multi_call of servers known by their pid is refused") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    bool refused = false;
    try {
      static_cast<void>(co_await multi_call(self, only_here, ref, get{}));
    } catch (const usage_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("multi_call counts a node as bad whose server is too slow, and drops its late answer") {
  everywhere([](context& self) -> process {
    static_cast<void>(co_await self.start<counter>({.name = "counter"}, 5));
    const auto found = co_await multi_call(self, only_here, "counter", get_later{50ms}, 10ms);
    CHECK(found.replies.empty());
    CHECK(found.bad_nodes == std::vector<atom>{here});
    co_await self.sleep(1s);
    CHECK(self.mailbox_length() == 0);
    const auto any = co_await self.receive([](const any_message&) { return true; }, after(0s, [] { return false; }));
    CHECK(!any);
  });
}

TEST_CASE("multi_call counts a node as bad whose server ends before it answers") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<keeper>({.name = "keeper"});
    self.spawn(
        [](context& me, pid target) -> process {
          co_await me.sleep(10ms);
          me.exit(target, "kill"_atom);
        },
        ref.pid());
    const auto found = co_await multi_call(self, twice, "keeper", wait_for_me{1});
    CHECK(found.replies.empty());
    CHECK(found.bad_nodes.size() == 2);
  });
}

TEST_CASE("multi_call of no nodes gives nothing, at once") {
  everywhere([](context& self) -> process {
    const auto found = co_await multi_call(self, none, "counter", get{});
    CHECK(found.replies.empty());
    CHECK(found.bad_nodes.empty());
  });
}

TEST_CASE("abcast casts to the servers of that name, and minds no node without one") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({.name = "counter"}, 5);
    abcast(self, {nowhere, here}, "counter", reset{});
    const int n = co_await self.call(server<counter>("counter"), get{});
    CHECK(n == 0);
    static_cast<void>(co_await self.call<increment>(ref, 1));
    abcast(self, {here}, server<counter>("counter"), reset{});
    abcast(self, {here}, "nobody", reset{});
    const int m = co_await self.call(server<counter>("counter"), get{});
    CHECK(m == 0);
  });
}

// --- request collections -------------------------------------------------------------------------

TEST_CASE("a request collection gives the answers as they come, each with its label") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    request_collection<int, std::string> asked;
    asked.add(self.request(ref, get_later{30ms}), "late");
    asked.add(self.request(ref, get_later{10ms}), "early");
    asked.add(self.request(ref, get_later{20ms}), "between");
    CHECK(asked.size() == 3);
    CHECK(asked.labels() == std::vector<std::string>{"late", "early", "between"});
    std::vector<std::string> order;
    while (auto answer = co_await asked.next(self)) {
      CHECK(answer->value() == 5);
      order.push_back(answer->label);
    }
    CHECK(order == std::vector<std::string>{"early", "between", "late"});
    CHECK(asked.size() == 0);
  });
}

TEST_CASE("an empty request collection has no answer to wait for") {
  everywhere([](context& self) -> process {
    request_collection<int, int> asked;
    const auto nothing = co_await asked.next(self);
    CHECK(!nothing);
    CHECK(asked.open() == 0);
    const auto neither = co_await asked.next_or_give_up(self);
    CHECK(!neither);
  });
}

TEST_CASE("a request collection whose patience ends keeps its questions, or gives them up") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    request_collection<int, int> asked;
    asked.add(self.request(ref, get_later{50ms}), 1);
    asked.add(self.request(ref, get_later{60ms}), 2);
    const auto nothing = co_await asked.next(self, 10ms);
    CHECK(!nothing);
    CHECK(asked.open() == 2);
    const auto first = co_await asked.next(self, 1s);
    REQUIRE(first);
    CHECK(first->label == 1);
    const auto gone = co_await asked.next_or_give_up(self, 1ms);
    CHECK(!gone);
    CHECK(asked.size() == 0);
    co_await self.sleep(1s);
    const auto any = co_await self.receive([](const any_message&) { return true; }, after(0s, [] { return false; }));
    CHECK(!any);  // the late answer was dropped
  });
}

TEST_CASE("a look at a request collection takes what has come, and does not wait") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    request_collection<int, int> asked;
    asked.add(self.request(ref, get_later{10ms}), 1);
    auto look = co_await asked.next(self, 0s);
    CHECK(!look);
    co_await self.sleep(1s);
    look = co_await asked.next(self, 0s);
    REQUIRE(look);
    CHECK(look->value() == 5);
  });
}

TEST_CASE("an answered request that is kept is counted, and gives no second answer") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    request_collection<int, int> asked;
    asked.add(self.request(ref, get{}), 7);
    const auto first = co_await asked.next(self, infinity, answered::kept);
    REQUIRE(first);
    CHECK(first->label == 7);
    CHECK(asked.size() == 1);
    CHECK(asked.open() == 0);
    CHECK(asked.labels() == std::vector<int>{7});
    const auto second = co_await asked.next(self);
    CHECK(!second);
  });
}

TEST_CASE("a request that fails comes out of its collection with the reason") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto ref = co_await self.start<keeper>({});
    const auto slow = co_await self.start<counter>({}, 6);
    request_collection<int, std::string> asked;
    asked.add(self.request(server<counter>("nobody"), get{}), "nobody");
    asked.add(self.request(slow, get_later{1h}, 10ms), "slow");
    asked.add(self.request(ref, wait_for_me{1}), "killed");
    asked.add(self.request(slow, get{}), "fine");
    self.exit(ref.pid(), "kill"_atom);
    std::vector<std::string> seen;
    while (auto answer = co_await asked.next(self)) {
      seen.push_back(answer->label);
      CHECK(answer->failed() == (answer->label != "fine"));
      if (answer->label == "nobody") CHECK(answer->error().reason() == term("noproc"_atom));
      if (answer->label == "killed") CHECK(answer->error().reason() == term("killed"_atom));
      if (answer->label == "slow") CHECK(answer->error().reason() == term("timeout"_atom));
      if (answer->label == "fine") CHECK_THROWS_AS(static_cast<void>(answer->error()), std::logic_error);
      if (answer->label != "fine") CHECK_THROWS_AS(static_cast<void>(answer->value()), call_failed);
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::string>{"fine", "killed", "nobody", "slow"});
  });
}

TEST_CASE("messages wait while a request collection is waited for") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 5);
    self.send(self, note{1});
    request_collection<int, int> asked;
    asked.add(self.request(ref, get_later{10ms}), 1);
    self.send(self, note{2});
    const auto answer = co_await asked.next(self);
    CHECK(answer);
    const note a = co_await self.receive<note>();
    const note b = co_await self.receive<note>();
    CHECK(a.n == 1);
    CHECK(b.n == 2);
  });
}

TEST_CASE("a hundred requests in one collection are all answered, once each") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    request_collection<int, int> asked;
    for (int i = 1; i <= 100; ++i) asked.add(self.request<increment>(ref.where(), 1), i);
    std::vector<int> seen;
    while (auto answer = co_await asked.next(self)) {
      CHECK(answer->value() == answer->label);
      seen.push_back(answer->label);
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen.size() == 100);
    CHECK(seen.back() == 100);
  });
}

// --- server<C> in messages -----------------------------------------------------------------------

TEST_CASE("a server<C> travels in messages and answers") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    const auto other = co_await self.start<broker>({});
    const introduced met = co_await self.call<introduce>(other, ref);
    CHECK(met.n == 11);
    CHECK(met.whom == ref);
    const int n = co_await self.call(met.whom, get{});
    CHECK(n == 11);
  });
}

TEST_CASE("as a term a server<C> is a pid, an atom or {Name, Node}, and nothing else is one") {
  everywhere([](context& self) -> process {
    const server<counter> by_pid(self.pid());
    const server<counter> by_name("counter");
    const server<counter> elsewhere(remote("counter", "b@host"));
    const reference alias = self.alias();
    CHECK(to_term(by_pid) == term(self.pid()));
    CHECK(to_term(by_name) == term("counter"_atom));
    CHECK(to_term(elsewhere) == term::tuple({"counter"_atom, "b@host"_atom}));
    for (const server<counter>& s : {by_pid, by_name, elsewhere, server<counter>(alias)})
      CHECK(from_term<server<counter>>(to_term(s)) == s);
    for (const term& wrong : {term(1), term("counter"), term::tuple({"counter"_atom}), term::list({}),
                              term::tuple({"counter"_atom, 1}), term::tuple({"a"_atom, "b"_atom, "c"_atom})})
      CHECK(!try_from_term<introduce>(term::tuple({"introduce"_atom, wrong})));
    const auto read = from_term<introduce>(term::tuple({"introduce"_atom, "counter"_atom}));
    CHECK(read.to == by_name);
    co_return;
  });
}

// --- ordinary threads ----------------------------------------------------------------------------

TEST_CASE("an ordinary thread starts a server, calls it and casts to it") {
  actor_system sys(troupe_test::quiet_options());
  const server<counter> ref = sys.start<counter>({.name = "counter"}, 5);
  int n = sys.call(ref, increment{2});
  CHECK(n == 7);
  n = sys.call<increment>(ref, 3);
  CHECK(n == 10);
  n = sys.call<increment>(ref, after(10s), 1);
  CHECK(n == 11);
  CHECK(sys.call(ref, get_later{1ms}) == 11);  // by the class: the message names no reply
  sys.cast(ref, reset{});
  CHECK(sys.call(server<counter>("counter"), get{}) == 0);
  sys.cast("counter", reset{});
  sys.cast("nobody", reset{});
  CHECK(sys.whereis("counter") == ref.pid());
}

TEST_CASE("an ordinary thread hears why a server was not started") {
  actor_system sys(troupe_test::quiet_options());
  const server<counter> ref = sys.start<counter>({.name = "counter"}, 5);
  const start_result taken = sys.try_start<counter>({.name = "counter"}, 5);
  CHECK(taken.reason == term::tuple({"already_started"_atom, ref.pid()}));
  CHECK(sys.try_start<counter>({}, -1).what == start_result::outcome::ignored);
  CHECK(sys.try_start<counter>({}, -2).reason == term("bad_start"_atom));
  CHECK_THROWS_AS(sys.start<counter>({}, -4), start_failed);
  CHECK_THROWS_AS(static_cast<void>(sys.call(server<counter>("nobody"), get{})), call_failed);
}

TEST_CASE("a server that an ordinary thread has started is its own parent, and outlives the thread's interest") {
  actor_system sys(troupe_test::quiet_options());
  const server<counter> ref = sys.start<counter>({}, 5);
  const pid asker = sys.spawn([ref](context& self) -> process {
    const term status = co_await sys::get_status(self, ref);
    CHECK(status.elements()[3].elements()[2] == term(ref.pid()));
  });
  sys.wait(asker);
  CHECK(sys.is_alive(ref.pid()));
}

TEST_CASE("a start by an ordinary thread's means is refused on a worker") {
  actor_system sys(troupe_test::quiet_options());
  bool refused = false;
  sys.wait(sys.spawn([&](context&) -> process {
    try {
      static_cast<void>(sys.start<counter>({}, 5));
    } catch (const usage_error&) {
      refused = true;
    }
    co_return;
  }));
  CHECK(refused);
}

TEST_CASE("a cast by an alias reaches the cast's handler, and nobody once the alias is given up") {
  everywhere([](context& self) -> process {
    const reference alias = self.alias();
    self.cast(destination(alias), note{1});
    const note n = co_await self.receive<note>();
    CHECK(n.n == 1);
    self.unalias(alias);
    self.cast(destination(alias), note{2});
    static_cast<void>(co_await self.process_info(self.spawn(deaf)));
    const auto more = co_await self.receive<note>(after(0s));
    CHECK(!more);
  });
}
