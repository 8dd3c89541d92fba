// SPDX-License-Identifier: BSL-1.0
// gen_event: how handlers go: deleted, failing, with those who supervise them, swapped. After the cases of OTP's
// gen_event_SUITE.
#include "../actors/everywhere.hpp"
#include "event_handlers.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

// --- removing ------------------------------------------------------------------------------------

TEST_CASE("delete_handler gives what terminate leaves, and who supervises the handler hears normal") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<recorder>(self, bus, "r", self.pid());
    const term left = co_await gen_event::delete_handler<recorder>(self, bus, term("why"_atom));
    CHECK(left == term::parse("{left,why}"));
    const auto f = co_await self.receive<farewell>(after(0s));
    CHECK(f);
    const auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->handler == term("recorder"_atom));
    CHECK(gone->reason == term("normal"_atom));
    const term none = co_await why_not(gen_event::delete_handler<recorder>(self, bus));
    CHECK(none == term("module_not_found"_atom));
    co_await gen_event::add_handler<adder>(self, bus);
    const term ok = co_await gen_event::delete_handler<adder>(self, bus);
    CHECK(ok == term("ok"_atom));
  });
}

TEST_CASE("a terminate that throws leaves what Erlang's catch gives") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    const term left = co_await gen_event::delete_handler<recorder>(self, bus, term("throw"_atom));
    CHECK(left == exited("no end"));
    CHECK(self.is_alive(bus.pid()));
  });
}

TEST_CASE("of two handlers of one class the id says which is deleted") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await gen_event::add_handler<recorder>(self, bus, gen_event::id(2));
    static_cast<void>(co_await gen_event::delete_handler(self, bus, gen_event::handler<recorder>(gen_event::id(2))));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{"recorder"_atom});
  });
}

TEST_CASE("a handler that removes itself ends by terminate(remove_handler); in a call, its caller is answered") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<recorder>(self, bus, "r", self.pid());
    const line go{"remove"};
    co_await gen_event::sync_notify(self, bus, go);
    auto f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term("remove_handler"_atom));
    auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->reason == term("normal"_atom));
    co_await gen_event::add_handler<recorder>(self, bus, "s", self.pid());
    const std::string bye = co_await gen_event::call<recorder>(self, bus, leave_bus{});
    CHECK(bye == "bye");
    f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term("remove_handler"_atom));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.empty());
  });
}

// --- failing -------------------------------------------------------------------------------------

TEST_CASE("a handler that fails at an event is removed, who supervises it is told, and the others hear the event") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<listener>(self, bus);
    co_await gen_event::add_sup_handler<recorder>(self, bus, "r", self.pid());
    co_await gen_event::add_handler<adder>(self, bus, 1);
    const line bad{"fail"};
    co_await gen_event::sync_notify(self, bus, bad);
    const auto f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term::tuple({"error"_atom, exited("as told")}));
    const auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->handler == term("recorder"_atom));
    CHECK(gone->reason == exited("as told"));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{"adder"_atom, "listener"_atom});
    const texts heard = co_await gen_event::call<listener>(self, bus, lines{});
    CHECK(heard.size() == 1);
  });
}

TEST_CASE("a handler that fails after it has waited, or exits, is removed likewise") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<adder>(self, bus);
    co_await gen_event::add_sup_handler<recorder>(self, bus);
    gen_event::notify(self, bus, tick{-1});
    auto gone = co_await self.receive<gen_event_exit>();
    CHECK(gone.handler == term("adder"_atom));
    CHECK(gone.reason == exited("negative"));
    const line exit{"exit"};
    gen_event::notify(self, bus, exit);
    gone = co_await self.receive<gen_event_exit>();
    CHECK(gone.reason == term::tuple({"EXIT"_atom, "tired"_atom}));
    CHECK(self.is_alive(bus.pid()));
  });
}

TEST_CASE("a handler that fails at a call fails its caller, and is removed") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<recorder>(self, bus, "r", self.pid());
    const fail_now bad{"as asked"};
    const term why = co_await why_not(gen_event::call<recorder>(self, bus, bad));
    CHECK(why == exited("as asked"));
    const auto f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term::tuple({"error"_atom, exited("as asked")}));
    const auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->reason == exited("as asked"));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.empty());
  });
}

// --- supervised ----------------------------------------------------------------------------------

TEST_CASE("the end of who has added a supervised handler removes it by terminate({stop, Reason})") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus, gen_event::id("stays"));
    const pid owner = self.spawn(
        [](context& me, event_manager to, pid told) -> process {
          co_await gen_event::add_sup_handler<recorder>(me, to, "mine", told);
          co_await gen_event::add_handler<recorder>(me, to, gen_event::id("free"), "free", told);
          me.send<note>(told, 1);
          co_await me.receive<reset>();
          me.exit("gone"_atom);
        },
        bus, self.pid());
    static_cast<void>(co_await self.receive<note>());
    self.send<reset>(owner);
    const farewell f = co_await self.receive<farewell>();
    CHECK(f.who == "mine");
    CHECK(f.why == term::tuple({"stop"_atom, "gone"_atom}));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.size() == 2);
    // The others hear of the exit signal as a message.
    const texts heard = co_await gen_event::call<recorder>(self, bus, gen_event::id("stays"), lines{});
    CHECK(heard == texts{"exit gone"});
  });
}

TEST_CASE("a manager that is killed takes who supervises a handler along, by the link") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    const spawned owner = self.spawn_monitor(
        [](context& me, event_manager to, pid told) -> process {
          co_await gen_event::add_sup_handler<recorder>(me, to);
          me.send<note>(told, 1);
          co_await me.sleep(1h);
        },
        bus, self.pid());
    static_cast<void>(co_await self.receive<note>());
    self.exit(bus.pid(), "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == owner.monitor);
    CHECK(d.reason == term("killed"_atom));
  });
}

// --- swapping ------------------------------------------------------------------------------------

TEST_CASE("swap_handler gives the new handler what the old one leaves, and keeps who supervises it") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<recorder>(self, bus, "old", self.pid());
    const term old = gen_event::handler<recorder>();
    co_await gen_event::swap_handler<recorder>(self, bus, old, "out"_atom, gen_event::id(2), "new");
    const texts heard = co_await gen_event::call<recorder>(self, bus, gen_event::id(2), lines{});
    CHECK(heard == texts{"after {left,out}"});
    const auto f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term("out"_atom));
    auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->handler == old);
    CHECK(gone->reason == term::tuple({"swapped"_atom, term::tuple({"recorder"_atom, 2}), self.pid()}));
    static_cast<void>(co_await gen_event::delete_handler(self, bus, gen_event::handler<recorder>(gen_event::id(2))));
    gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->reason == term("normal"_atom));
  });
}

TEST_CASE("swapping a handler that is not there adds the new one, which is given error") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::swap_handler<recorder>(self, bus, "nobody"_atom, "out"_atom, "new");
    const texts heard = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(heard == texts{"after error"});
  });
}

TEST_CASE("a swap whose new handler fails leaves neither, and fails who asks for it") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    const term why = co_await why_not(
        gen_event::swap_handler<recorder>(self, bus, gen_event::handler<recorder>(), "out"_atom, "refuse"));
    CHECK(why == term::parse("{error,{left,out}}"));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.empty());
  });
}

TEST_CASE("swap_sup_handler makes its caller the one who supervises the new handler") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    const pid owner = self.spawn(
        [](context& me, event_manager to, pid told) -> process {
          co_await gen_event::add_sup_handler<recorder>(me, to);
          me.send<note>(told, 1);
          const gen_event_exit gone = co_await me.receive<gen_event_exit>();
          me.send(told, gone);
          co_await me.sleep(1h);
        },
        bus, self.pid());
    static_cast<void>(co_await self.receive<note>());
    co_await gen_event::swap_sup_handler<adder>(self, bus, gen_event::handler<recorder>(), term(1), 4);
    const gen_event_exit told = co_await self.receive<gen_event_exit>();
    CHECK(told.handler == term("recorder"_atom));
    CHECK(told.reason == term::tuple({"swapped"_atom, "adder"_atom, self.pid()}));
    self.exit(owner, "kill"_atom);
    static_cast<void>(co_await reason_of(self, owner));
    const int sum = co_await gen_event::call<adder>(self, bus, total{});
    CHECK(sum == 4);  // the end of the first one is nothing to it
    static_cast<void>(co_await gen_event::delete_handler<adder>(self, bus));
    const auto mine = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(mine);
    CHECK(mine->reason == term("normal"_atom));
  });
}

TEST_CASE("a handler swaps itself, at an event or in a call, and keeps its place") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus);
    co_await gen_event::add_sup_handler<recorder>(self, bus);
    co_await gen_event::add_handler<listener>(self, bus);
    const line swap{"swap"};
    co_await gen_event::sync_notify(self, bus, swap);
    texts heard = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(heard == texts{"after {left,swapped_out}"});
    auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->reason == term::tuple({"swapped"_atom, "recorder"_atom, self.pid()}));
    const int five = co_await gen_event::call<recorder>(self, bus, swap_now{true});
    CHECK(five == 5);
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{"listener"_atom, "recorder"_atom, "adder"_atom});
    static_cast<void>(co_await self.receive<gen_event_exit>());
  });
}

TEST_CASE("a handler that swaps itself for one that fails is gone, and who supervises it hears of both") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_sup_handler<recorder>(self, bus);
    const int five = co_await gen_event::call<recorder>(self, bus, swap_now{false});
    CHECK(five == 5);
    const auto first = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(first);
    CHECK(first->reason.is_tuple("swapped"_atom));
    const auto second = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(second);
    CHECK(second->reason == term::parse("{error,{left,swapped_out}}"));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.empty());
  });
}
