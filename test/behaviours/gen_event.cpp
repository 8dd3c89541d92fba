// SPDX-License-Identifier: BSL-1.0
// gen_event: managers, adding handlers, events and calls, sys. After the cases of OTP's gen_event_SUITE.
#include "../actors/everywhere.hpp"
#include "event_handlers.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

// --- starting and stopping -----------------------------------------------------------------------

TEST_CASE("a manager starts without handlers, by a name or not, linked or not") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const event_manager bus = co_await self.start_link<gen_event>({.name = "bus"});
    CHECK(self.whereis("bus") == bus.pid());
    auto names = co_await gen_event::which_handlers(self, "bus");
    CHECK(names.empty());
    const start_result second = co_await self.try_start<gen_event>({.name = "bus"});
    CHECK(second.reason == term::tuple({"already_started"_atom, bus.pid()}));
    const auto watched = co_await self.start_monitor<gen_event>({});
    co_await stop(self, watched.process);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watched.monitor);
    co_await stop(self, bus, "shutdown"_atom);
    CHECK(self.whereis("bus") == pid());
  });
}

TEST_CASE("a manager that ends ends its handlers by terminate(stop), and tells who supervises them: shutdown") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus, "first", self.pid());
    co_await gen_event::add_sup_handler<recorder>(self, bus, gen_event::id(2), "second", self.pid());
    co_await stop(self, bus, "shutdown"_atom);  // and we live on, although linked
    for (const char* who : {"second", "first"}) {
      const auto f = co_await self.receive<farewell>(after(0s));
      REQUIRE(f);
      CHECK(f->who == who);
      CHECK(f->why == term("stop"_atom));
    }
    const auto gone = co_await self.receive<gen_event_exit>(after(0s));
    REQUIRE(gone);
    CHECK(gone->handler == gen_event::handler<recorder>(gen_event::id(2)));
    CHECK(gone->reason == term("shutdown"_atom));
    const auto more = co_await self.receive<gen_event_exit>(after(0s));
    CHECK(!more);
  });
}

TEST_CASE("a manager's parent's end ends it, by way of its handlers' terminate") {
  everywhere([](context& self) -> process {
    const pid parent = self.spawn(
        [](context& me, pid told) -> process {
          const auto bus = co_await me.start_link<gen_event>({});
          co_await gen_event::add_handler<recorder>(me, bus, "child", told);
          me.send(told, bus.pid());
          co_await me.receive<reset>();
          me.exit("home_time"_atom);
        },
        self.pid());
    const pid bus = co_await self.receive<pid>();
    const reference watch = self.monitor(bus);
    static_cast<void>(co_await self.process_info(bus));
    self.send<reset>(parent);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("home_time"_atom));
    const auto f = co_await self.receive<farewell>(after(0s));
    REQUIRE(f);
    CHECK(f->why == term("stop"_atom));
  });
}

// --- adding --------------------------------------------------------------------------------------

TEST_CASE("handlers are listed by class and id, the newest first") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await gen_event::add_handler<adder>(self, bus, 3);
    co_await gen_event::add_handler<recorder>(self, bus, gen_event::id("x"), "other");
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{term::tuple({"recorder"_atom, "x"}), "adder"_atom, "recorder"_atom});
  });
}

TEST_CASE("a handler whose init fails is not added, and who adds it hears why") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    const term stopped = co_await why_not(gen_event::add_handler<recorder>(self, bus, "stop"));
    CHECK(stopped == term("not_wanted"_atom));
    const term error = co_await why_not(gen_event::add_handler<recorder>(self, bus, "error"));
    CHECK(error == term("not_now"_atom));
    const term ignored = co_await why_not(gen_event::add_handler<recorder>(self, bus, "ignore"));
    CHECK(ignored == term("ignore"_atom));
    const term thrown = co_await why_not(gen_event::add_sup_handler<recorder>(self, bus, "throw"));
    CHECK(thrown == exited("no recorder"));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.empty());
    const auto gone = co_await self.receive<gen_event_exit>(after(0s));
    CHECK(!gone);
  });
}

TEST_CASE("a manager that is not there fails those who ask it, and an event for it is lost") {
  everywhere([](context& self) -> process {
    const term added = co_await why_not(gen_event::add_handler<recorder>(self, "nobody"));
    CHECK(added == term("noproc"_atom));
    const term told = co_await why_not(gen_event::sync_notify(self, "nobody", tick{1}));
    CHECK(told == term("noproc"_atom));
    gen_event::notify(self, "nobody", tick{1});
  });
}

TEST_CASE("a class is not added to a manager of another node") {
  everywhere([](context& self) -> process {
    bool refused = false;
    try {
      co_await gen_event::add_handler<recorder>(self, remote("bus", "b@host"));
    } catch (const usage_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("a handler is made in a manager alone") {
  CHECK_THROWS_AS(recorder("alone"), usage_error);
}

// --- events --------------------------------------------------------------------------------------

TEST_CASE("all handlers hear an event, those whose class does not handle it do not mind") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await gen_event::add_handler<recorder>(self, bus, gen_event::id(2));
    co_await gen_event::add_handler<adder>(self, bus);
    const line hello{"hello"};
    gen_event::notify(self, bus, hello);
    gen_event::notify(self, bus, tick{4});
    gen_event::notify(self, bus, reset{});  // nobody's
    const texts a = co_await gen_event::call<recorder>(self, bus, lines{});
    const texts b = co_await gen_event::call<recorder>(self, bus, gen_event::id(2), lines{});
    const int sum = co_await gen_event::call<adder>(self, bus, total{});
    CHECK(a == texts{"hello"});
    CHECK(b == texts{"hello"});
    CHECK(sum == 4);
  });
}

TEST_CASE("sync_notify returns when all handlers have handled the event") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus);
    for (int i = 1; i <= 5; ++i) co_await gen_event::sync_notify(self, bus, tick{i});
    const term state = co_await sys::get_state(self, bus);
    CHECK(state == term::parse("[{adder,false,15}]"));
    const term late = co_await why_not(gen_event::sync_notify(self, bus, tick{1}, 0s));
    CHECK(late == term("timeout"_atom));
  });
}

TEST_CASE("events of one process are handled in their order") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    texts expected;
    for (int i = 0; i < 20; ++i) {
      const line l{std::to_string(i)};
      expected.push_back(l.text);
      if (i % 5 == 4)
        co_await gen_event::sync_notify(self, bus, l);
      else
        gen_event::notify(self, bus, l);
    }
    const texts heard = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(heard == expected);
  });
}

TEST_CASE("an event is a plain message to Erlang's ways: {notify, Event}") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await gen_event::add_handler<listener>(self, bus);
    self.send(bus, term::parse("{notify,{line,<<\"plain\">>}}"));
    self.send(bus, term::parse("{notify,{tick,1}}"));
    const texts a = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(a == texts{"plain"});
    const texts b = co_await gen_event::call<listener>(self, bus, lines{});
    CHECK(b == texts{"{line,<<\"plain\">>}", "{tick,1}"});
    // And ours look so, too, to a process that is no manager.
    gen_event::notify(self, self.pid(), tick{3});
    const term seen = co_await self.receive([](const any_message& m) { return m.to_term(); });
    CHECK(seen == term::parse("{notify,{tick,3}}"));
  });
}

TEST_CASE("a handler of const term& hears every event, whatever its type") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<listener>(self, bus);
    gen_event::notify(self, bus, tick{1});
    co_await gen_event::sync_notify(self, bus, term("atom"_atom));
    gen_event::notify(self, bus, 5);
    const texts heard = co_await gen_event::call<listener>(self, bus, lines{});
    CHECK(heard == texts{"{tick,1}", "atom", "5"});
  });
}

TEST_CASE("other messages than events are offered to all handlers") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await gen_event::add_handler<listener>(self, bus);
    self.send(bus, note{7});
    self.send(bus, tick{7});  // nobody's
    const texts a = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(a == texts{"note 7"});
    const texts b = co_await gen_event::call<listener>(self, bus, lines{});
    CHECK(b.empty());
    // A gen_server's call is none of its requests.
    const term why = co_await failure(self, bus.pid(), get{});
    CHECK(why.is_tuple("unexpected_call"_atom));
  });
}

TEST_CASE("an ordinary thread tells a manager of events") {
  actor_system sys(troupe_test::quiet_options());
  const event_manager bus = sys.start<gen_event>({.name = "bus"});
  sys.wait(sys.spawn([&](context& self) -> process { co_await gen_event::add_handler<adder>(self, bus); }));
  gen_event::notify(sys, bus, tick{2});
  gen_event::notify(sys, "bus", tick{3});
  int sum = 0;
  // Between two senders there is no order: until both have been heard.
  sys.wait(sys.spawn([&](context& self) -> process {
    while (sum < 5) sum = co_await gen_event::call<adder>(self, bus, total{});
  }));
  CHECK(sum == 5);
}

// --- calls ---------------------------------------------------------------------------------------

TEST_CASE("a call is typed by the handler's method, and fails when there is no such handler") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus, gen_event::id(1), 5);
    auto sum = co_await gen_event::call<adder>(self, bus, gen_event::id(1), total{});
    static_assert(std::is_same_v<decltype(sum), int>);
    CHECK(sum == 5);
    const term other = co_await why_not(gen_event::call<adder>(self, bus, total{}));
    CHECK(other == term("bad_module"_atom));
    const term none = co_await why_not(gen_event::call<recorder>(self, bus, lines{}));
    CHECK(none == term("bad_module"_atom));
  });
}

TEST_CASE("a call by a name alone, as Erlang makes it, is answered by a term") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus, 5);
    const term sum = co_await gen_event::call(self, bus, "adder"_atom, "total"_atom);
    CHECK(sum == term(5));
    const term why = co_await why_not(gen_event::call(self, bus, "adder"_atom, "nonsense"_atom));
    CHECK(why == term::tuple({"unexpected_call"_atom, "nonsense"_atom}));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names.size() == 1);  // it harms nobody
  });
}

TEST_CASE("a call that takes too long fails by timeout, and the handler goes on") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus, 5);
    const term late = co_await why_not(gen_event::call<adder>(self, bus, total{}, 0s));
    CHECK(late == term("timeout"_atom));
    const int sum = co_await gen_event::call<adder>(self, bus, total{});
    CHECK(sum == 5);
  });
}

TEST_CASE("a handler that asks its own manager is told so") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    const term why = co_await gen_event::call<recorder>(self, bus, ask_bus{bus.pid()});
    CHECK(why == term("calling_self"_atom));
  });
}

// --- by name, as from Erlang ---------------------------------------------------------------------

TEST_CASE("an exported class is added by its name, with or without an id; what is not known is refused") {
  gen_event::export_handler<listener>("ears"_atom);
  gen_event::export_handler<adder>();
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_named(self, bus, "ears"_atom, term::parse("[1,2]"));
    co_await gen_event::add_named(self, bus, term::parse("{ears,9}"), term());
    co_await gen_event::add_named(self, bus, "adder"_atom, term());
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{"adder"_atom, term::parse("{ears,9}"), "ears"_atom});
    const term heard = co_await gen_event::call(self, bus, "ears"_atom, "lines"_atom);
    CHECK(heard == term::list({"[1,2]"}));
    const term unknown = co_await why_not(gen_event::add_named(self, bus, "nobodys"_atom, term()));
    CHECK(unknown == term::parse("{unknown_handler,nobodys}"));
    const term bad = co_await why_not(gen_event::add_named(self, bus, "ears"_atom, "fail"_atom));
    CHECK(bad == term("bad"_atom));
  });
}

// --- sys -----------------------------------------------------------------------------------------

TEST_CASE("sys shows and replaces the states of all handlers, as OTP lists them") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start_link<gen_event>({.name = "bus"});
    co_await gen_event::add_handler<adder>(self, bus, 3);
    co_await gen_event::add_sup_handler<recorder>(self, bus, gen_event::id("x"));
    const term state = co_await sys::get_state(self, bus);
    CHECK(state == term::parse("[{recorder,<<\"x\">>,[]},{adder,false,3}]"));
    const std::function<term(const term&)> change = [](const term&) {
      return term::parse("[{recorder,<<\"x\">>,[<<\"given\">>]},{adder,false,4}]");
    };
    static_cast<void>(co_await sys::replace_state(self, bus, change));
    const texts heard = co_await gen_event::call<recorder>(self, bus, gen_event::id("x"), lines{});
    CHECK(heard == texts{"given"});
    const term status = co_await sys::get_status(self, bus);
    CHECK(status.elements()[2] == term::parse("{module,gen_event}"));
    const auto misc = status.elements()[3].elements()[4].elements();
    REQUIRE(misc.size() == 3);
    CHECK(misc[0] == term::parse("{header,\"Status for event handler bus\"}"));
    REQUIRE(misc[2].is_tuple("items"_atom));
    const term handlers = misc[2].elements()[1].elements()[1];
    REQUIRE(handlers.size() == 2);
    CHECK(handlers.elements()[0] ==
          term::tuple({"handler"_atom, "recorder"_atom, "x", term::list({"given"}), self.pid()}));
    CHECK(handlers.elements()[1] == term::parse("{handler,adder,false,3,false}"));
  });
}

TEST_CASE("a suspended manager handles events when it is resumed, and changes its handlers' code meanwhile") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await sys::suspend(self, bus);
    const line l{"later"};
    gen_event::notify(self, bus, l);
    co_await sys::change_code(self, bus, "recorder"_atom, 1, 2);
    co_await sys::resume(self, bus);
    const texts heard = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(heard == texts{"from 1 by 2", "later"});
  });
}

TEST_CASE("a manager that is idle hibernates, and its handlers with it") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({.hibernate_after = 10ms});
    co_await gen_event::add_handler<recorder>(self, bus);
    co_await self.sleep(1s);
    const texts heard = co_await gen_event::call<recorder>(self, bus, lines{});
    CHECK(heard == texts{"hibernating"});
  });
}

TEST_CASE("Erlang's own requests of a manager are answered: get_modules, stop, and others with an error") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<gen_event>({});
    const event_manager bus = made.process;
    co_await gen_event::add_handler<recorder>(self, bus, "r", self.pid());
    co_await gen_event::add_handler<recorder>(self, bus, gen_event::id(2));
    co_await gen_event::add_handler<adder>(self, bus);
    const auto ask = [&](term what) {
      return detail::call_handler<term>(self, bus, detail::event_request<term>(std::move(what)), 5s);
    };
    const term modules = co_await ask("get_modules"_atom);
    CHECK(modules == term::parse("[adder,recorder]"));
    const term why = co_await why_not(ask("nonsense"_atom));
    CHECK(why == term::parse("{unexpected_call,nonsense}"));
    const term swapped = co_await why_not(ask(term::parse("{swap_handler,recorder,1,nobodys,2}")));
    CHECK(swapped == term::parse("{unknown_handler,nobodys}"));
    static_cast<void>(co_await ask("stop"_atom));
    const auto f = co_await self.receive<farewell>(after(0s));  // it came before the answer
    CHECK(f);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("many who tell, ask, add and delete while the manager is killed all hear of it") {
  everywhere([](context& self) -> process {
    const auto bus = co_await self.start<gen_event>({});
    co_await gen_event::add_handler<adder>(self, bus);
    constexpr int many = 60;
    for (int i = 0; i < many; ++i)
      self.spawn(
          [](context& me, event_manager to, pid told, int n) -> process {
            term why = no_exit;
            while (why == no_exit) {
              if (n % 3 == 0) why = co_await why_not(gen_event::sync_notify(me, to, tick{1}));
              if (n % 3 == 1) why = co_await why_not(gen_event::call<adder>(me, to, total{}, infinity));
              if (n % 3 == 2) {
                why = co_await why_not(gen_event::add_handler<adder>(me, to, gen_event::id(n)));
                if (why == no_exit)
                  why =
                      co_await why_not(gen_event::delete_handler(me, to, gen_event::handler<adder>(gen_event::id(n))));
              }
            }
            me.send<leave>(told, std::move(why));
          },
          bus, self.pid(), i);
    co_await self.sleep(20ms);
    self.exit(bus.pid(), "kill"_atom);
    for (int i = 0; i < many; ++i) {
      const leave l = co_await self.receive<leave>();
      CHECK((l.reason == term("killed"_atom) || l.reason == term("noproc"_atom)));
    }
  });
}
