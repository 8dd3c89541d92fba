// SPDX-License-Identifier: BSL-1.0
// How servers end: killed wherever they wait, stopped, failing, by their parent; and what their callers hear. After the
// cases of OTP's gen_server_SUITE and proc_lib_SUITE.
#include "../actors/everywhere.hpp"
#include "keeper.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

namespace {

/// The reason of what comes of a stop; none when it went well.
task<term> stop_failure(context& self, destination process, term reason, detail::duration patience = infinity) {
  try {
    co_await stop(self, process, reason, patience);
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return term("none"_atom);
}

/// Starts a waiter and tells what came of it.
process starts_waiter(context& self, place where, pid told) {
  start_result r = co_await self.try_start_link<waiter>({.name = "waiter"}, where, told);
  self.send(told, r);
  co_await self.sleep(1h);
}

}  // namespace

// --- killed --------------------------------------------------------------------------------------

TEST_CASE("a server that is killed in its init fails its start with killed, and its name is free") {
  everywhere([](context& self) -> process {
    self.spawn(
        [](context& me, pid told) -> process {
          start_result r = co_await me.try_start<waiter>({.name = "waiter"}, place::init, told);
          CHECK(me.whereis("waiter") == pid());
          me.send(told, r);
        },
        self.pid());
    const arrived a = co_await self.receive<arrived>();
    self.exit(a.who, "kill"_atom);
    const start_result r = co_await self.receive<start_result>();
    CHECK(r.what == start_result::outcome::failed);
    CHECK(r.reason == term("killed"_atom));
  });
}

TEST_CASE("one who starts a server with a link and is killed takes the server along, whose init is not done") {
  everywhere([](context& self) -> process {
    const pid parent = self.spawn(starts_waiter, place::init, self.pid());
    const arrived a = co_await self.receive<arrived>();
    const reference watch = self.monitor(a.who);
    static_cast<void>(co_await self.process_info(a.who));
    self.exit(parent, "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
  });
}

TEST_CASE("a server that is killed in a handler that waits fails its caller, and those behind") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::handler, self.pid());
    auto first = self.request(ref, work{});
    auto second = self.request(ref, work{});
    auto third = self.request(ref, get{});
    static_cast<void>(co_await self.receive<arrived>());
    self.exit(ref.pid(), "kill"_atom);
    for (auto* r : {&first, &second, &third}) {
      term why;
      try {
        static_cast<void>(co_await *r);
      } catch (const call_failed& e) {
        why = e.reason();
      }
      CHECK(why == term("killed"_atom));
    }
  });
}

TEST_CASE("a server is killed in the handler of a cast, and in what it goes on with") {
  for (const place where : {place::cast, place::continued})
    everywhere([where](context& self) -> process {
      const auto ref = co_await self.start<waiter>({}, where, self.pid());
      self.cast(ref, reset{});
      static_cast<void>(co_await self.receive<arrived>());
      auto behind = self.request(ref, get{});
      self.exit(ref.pid(), "kill"_atom);
      term why;
      try {
        static_cast<void>(co_await behind);
      } catch (const call_failed& e) {
        why = e.reason();
      }
      CHECK(why == term("killed"_atom));
      const auto told = co_await self.receive<ended>(after(0s));
      CHECK(!told);  // no terminate
    });
}

TEST_CASE("a server that is killed in its terminate ends by killed, and so does who has stopped it hear") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::terminate, self.pid());
    const reference watch = self.monitor(ref);
    self.spawn(
        [](context& me, pid told, server<waiter> target) -> process {
          term why = co_await stop_failure(me, target, "shutdown"_atom);
          me.send<leave>(told, std::move(why));
        },
        self.pid(), ref);
    static_cast<void>(co_await self.receive<arrived>());
    self.exit(ref.pid(), "kill"_atom);
    const leave why = co_await self.receive<leave>();
    CHECK(why.reason == term("killed"_atom));
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
  });
}

TEST_CASE("a suspended server can be killed, and those who wait for it hear") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    co_await sys::suspend(self, ref);
    auto waiting = self.request(ref, get{});
    self.exit(ref.pid(), "kill"_atom);
    term why;
    try {
      static_cast<void>(co_await waiting);
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK((why == term("killed"_atom) || why == term("noproc"_atom)));
  });
}

TEST_CASE("a killed server lets go of the callers it has kept") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<keeper>({});
    auto waiting = self.request(ref, wait_for_me{1});
    static_cast<void>(co_await sys::get_state(self, ref));
    self.exit(ref.pid(), "kill"_atom);
    term why;
    try {
      static_cast<void>(co_await waiting);
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why == term("killed"_atom));
  });
}

// --- every call ends -----------------------------------------------------------------------------

namespace {

struct outcome {
  term reason;
};

process one_caller(context& self, server<keeper> to, pid told, int n) {
  term why = co_await failure(self, to, wait_for_me{n}, infinity);
  self.send<outcome>(told, std::move(why));
}

/// 200 callers wait without a limit, `end` ends their server: each hears of it.
template <class F>
void ends_every_call(F end, const std::vector<term>& reasons) {
  everywhere([end, reasons](context& self) -> process {
    set_log_level(log_level::off);
    constexpr int callers = 200;
    const auto ref = co_await self.start<keeper>({.name = "keeper"});
    for (int i = 0; i < callers / 2; ++i) self.spawn(one_caller, ref, self.pid(), i);
    co_await self.yield();
    end(self, ref);
    for (int i = 0; i < callers / 2; ++i) self.spawn(one_caller, server<keeper>("keeper"), self.pid(), i);
    for (int i = 0; i < callers; ++i) {
      const outcome o = co_await self.receive<outcome>();
      const bool expected = std::find(reasons.begin(), reasons.end(), o.reason) != reasons.end();
      CHECK_MESSAGE(expected, o.reason.to_string());
    }
  });
}

}  // namespace

TEST_CASE("hundreds of callers whose server is killed all hear of it") {
  ends_every_call([](context& self, const server<keeper>& ref) { self.exit(ref.pid(), "kill"_atom); },
                  {term("killed"_atom), term("noproc"_atom)});
}

TEST_CASE("hundreds of callers whose server fails all hear of it") {
  ends_every_call([](context& self, const server<keeper>& ref) { self.send(ref, note{1}); },
                  {term::tuple({"error"_atom, "collapsed"}), term("noproc"_atom)});
}

TEST_CASE("hundreds of callers whose server stops in good order all hear of it") {
  ends_every_call([](context& self, const server<keeper>& ref) { self.cast<leave>(ref, term("normal"_atom)); },
                  {term("normal"_atom), term("noproc"_atom)});
}

TEST_CASE("hundreds of callers whose server is shut down while it is suspended all hear of it") {
  ends_every_call(
      [](context& self, const server<keeper>& ref) {
        self.spawn(
            [](context& me, server<keeper> target) -> process {
              co_await sys::suspend(me, target);
              me.exit(target.pid(), "shutdown"_atom);
            },
            ref);
      },
      {term("shutdown"_atom), term("noproc"_atom)});
}

TEST_CASE("callers that are answered before the server stops have their answers") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<keeper>({});
    auto a = self.request(ref, wait_for_me{1});
    auto b = self.request(ref, wait_for_me{2});
    self.cast(ref, answer_all{5});
    self.cast<leave>(ref, term("normal"_atom));
    const int first = co_await a;
    const int second = co_await b;
    CHECK(first == 5);
    CHECK(second == 5);
  });
}

TEST_CASE("a server minds no caller that dies while it waits for the answer") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<keeper>({});
    const pid caller = self.spawn(one_caller, ref, self.pid(), 1);
    auto mine = self.request(ref, wait_for_me{2});
    co_await self.yield();
    self.exit(caller, "kill"_atom);
    static_cast<void>(co_await reason_of(self, caller));
    static_cast<void>(co_await sys::get_state(self, ref));
    self.cast(ref, answer_all{3});
    const int n = co_await mine;
    CHECK(n == 3);
  });
}

// --- terminate -----------------------------------------------------------------------------------

namespace {

/// Its terminate gives another reason.
class contrary : public gen_server {
 public:
  explicit contrary(bool throws) : throws_(throws) {}
  std::string end(const finish& m) {
    stop(m.reason);
    return "bye";
  }
  int fail(const break_down& m) { throw std::runtime_error(m.why); }
  void terminate(const term&) {
    if (throws_) throw std::runtime_error("no end");
    self().exit("otherwise"_atom);
  }
  using handles = handlers<call<&contrary::end>, call<&contrary::fail>>;

 private:
  bool throws_;
};

}  // namespace

TEST_CASE("what terminate throws or exits with is the reason in place of the other") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto thrower = co_await self.start_monitor<contrary>({}, true);
    const std::string answer = co_await self.call<finish>(thrower.process, term("normal"_atom));
    CHECK(answer == "bye");
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term::tuple({"error"_atom, "no end"}));
    const auto leaver = co_await self.start_monitor<contrary>({}, false);
    const break_down first{"first"};
    const term why = co_await failure(self, leaver.process, first);
    CHECK(why == term("otherwise"_atom));
    const down e = co_await self.receive<down>();
    CHECK(e.reason == term("otherwise"_atom));
  });
}

TEST_CASE("a terminate that waits is waited for, and no message is handled meanwhile") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::terminate, self.pid());
    const reference watch = self.monitor(ref);
    self.cast<leave>(ref, term("normal"_atom));
    static_cast<void>(co_await self.receive<arrived>());
    auto late = self.request(ref, get{});
    co_await self.sleep(1s);
    CHECK(self.is_alive(ref.pid()));
    CHECK(!late.is_ready());
    self.send<go_on>(ref);
    const ended e = co_await self.receive<ended>();
    CHECK(e.reason == term("done"_atom));
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("normal"_atom));
    bool failed = false;
    try {
      static_cast<void>(co_await late);
    } catch (const call_failed& f) {
      failed = f.reason() == term("normal"_atom);
    }
    CHECK(failed);
  });
}

TEST_CASE("a shutdown from who is not its parent ends a server that traps no exits at once, without terminate") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1, self.pid());
    self.exit(ref.pid(), "shutdown"_atom);
    const term why = co_await reason_of(self, ref.pid());
    CHECK((why == term("shutdown"_atom) || why == term("noproc"_atom)));
    const auto told = co_await self.receive<ended>(after(0s));
    CHECK(!told);
  });
}

TEST_CASE("a parent's normal end leaves a server alone that traps no exits, and ends one that does") {
  for (const bool traps : {false, true})
    everywhere([traps](context& self) -> process {
      const pid parent = self.spawn(
          [](context& me, pid told, bool traps_exits) -> process {
            const auto ref = co_await me.start_link<waiter>({}, place::nowhere, told, traps_exits);
            me.send(told, ref.pid());
            co_await me.receive<go_on>();
          },
          self.pid(), traps);
      const pid child = co_await self.receive<pid>();
      const reference watch = self.monitor(child);
      static_cast<void>(co_await self.process_info(child));
      self.send<go_on>(parent);
      static_cast<void>(co_await reason_of(self, parent));
      if (traps) {
        const down d = co_await self.receive<down>();
        CHECK(d.ref == watch);
        CHECK(d.reason == term("normal"_atom));
        const auto told = co_await self.receive<ended>(after(0s));
        CHECK(told);  // by way of terminate
      } else {
        const int n = co_await self.call(server<waiter>(child), get{});
        CHECK(n == 1);
      }
    });
}

TEST_CASE("a parent's end reaches a suspended server that traps exits") {
  everywhere([](context& self) -> process {
    const pid parent = self.spawn(
        [](context& me, pid told) -> process {
          const auto ref = co_await me.start_link<waiter>({}, place::nowhere, told, true);
          co_await sys::suspend(me, ref);
          me.send(told, ref.pid());
          co_await me.receive<go_on>();
          me.exit("home_time"_atom);
        },
        self.pid());
    const pid child = co_await self.receive<pid>();
    const reference watch = self.monitor(child);
    static_cast<void>(co_await self.process_info(child));
    self.send<go_on>(parent);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("home_time"_atom));
  });
}

// --- stop ----------------------------------------------------------------------------------------

TEST_CASE("stop gives up after its patience, and the server ends when it is ready") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::terminate, self.pid());
    const term why = co_await stop_failure(self, ref, "shutdown"_atom, 10ms);
    CHECK(why == term("timeout"_atom));
    CHECK(self.is_alive(ref.pid()));
    const reference watch = self.monitor(ref);
    self.send<go_on>(ref);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);  // that of stop is gone
    CHECK(d.reason == term("shutdown"_atom));
    const auto other = co_await self.receive<down>(after(1s));
    CHECK(!other);
  });
}

TEST_CASE("stop waits behind a handler that takes its time, or not") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::handler, self.pid());
    auto working = self.request(ref, work{}, infinity);
    static_cast<void>(co_await self.receive<arrived>());
    const term why = co_await stop_failure(self, ref, "normal"_atom, 10ms);
    CHECK(why == term("timeout"_atom));
    self.send<go_on>(ref);
    const int n = co_await working;
    CHECK(n == 7);
    // The first stop was heard all the same.
    const term end = co_await reason_of(self, ref.pid());
    CHECK((end == term("normal"_atom) || end == term("noproc"_atom)));
  });
}

TEST_CASE("stop by a name, of a suspended server, with a reason of one's own") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto made = co_await self.start_monitor<counter>({.name = "counter"}, 1, self.pid());
    co_await sys::suspend(self, "counter");
    const term reason = term::tuple({"my"_atom, 1});
    const term why = co_await stop_failure(self, "counter", reason, 1s);
    CHECK(why == term("none"_atom));
    const down d = co_await self.receive<down>();
    CHECK(d.ref == made.monitor);
    CHECK(d.reason == reason);
    const ended told = co_await self.receive<ended>();
    CHECK(told.reason == d.reason);
    CHECK(self.whereis("counter") == pid());
    const term none = co_await stop_failure(self, "counter", "normal"_atom);
    CHECK(none == term("noproc"_atom));
    const term nowhere = co_await stop_failure(self, remote("counter", "no@where"), "normal"_atom);
    CHECK(nowhere == term("noconnection"_atom));
  });
}

TEST_CASE("two who stop one server at once both see it gone") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    for (int i = 0; i < 2; ++i)
      self.spawn(
          [](context& me, pid told, server<counter> target) -> process {
            term why = co_await stop_failure(me, target, "normal"_atom);
            CHECK(!me.is_alive(target.pid()));
            me.send<outcome>(told, std::move(why));
          },
          self.pid(), ref);
    int stopped = 0;
    for (int i = 0; i < 2; ++i) {
      const outcome o = co_await self.receive<outcome>();
      if (o.reason == term("none"_atom)) ++stopped;
      CHECK((o.reason == term("none"_atom) || o.reason == term("noproc"_atom)));
    }
    CHECK(stopped >= 1);
  });
}

// --- starting ------------------------------------------------------------------------------------

TEST_CASE("a start that is too slow kills what it has started, in its init, and leaves no message behind") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    for (const bool linked : {false, true}) {
      const start_options options{.name = "waiter", .timeout = 10ms};
      const start_result r = linked ? co_await self.try_start_link<waiter>(options, place::init, self.pid())
                                    : co_await self.try_start<waiter>(options, place::init, self.pid());
      CHECK(r.reason == term("timeout"_atom));
      const auto a = co_await self.receive<arrived>(after(0s));
      REQUIRE(a);
      CHECK(!self.is_alive(a->who));
      CHECK(self.whereis("waiter") == pid());
    }
    co_await self.sleep(1s);
    const auto any = co_await self.receive([](const any_message&) { return true; }, after(0s, [] { return false; }));
    CHECK(!any);
  });
}

TEST_CASE("of many who start a server of one name at once one does, and the others hear of whom") {
  everywhere([](context& self) -> process {
    constexpr int many = 10;
    for (int i = 0; i < many; ++i)
      self.spawn(
          [](context& me, pid told) -> process {
            start_result r = co_await me.try_start<counter>({.name = "only_one"}, 1);
            me.send(told, r);
          },
          self.pid());
    std::vector<start_result> results;
    for (int i = 0; i < many; ++i) results.push_back(co_await self.receive<start_result>());
    const pid winner = self.whereis("only_one");
    int started = 0;
    for (const start_result& r : results) {
      if (r.started()) {
        ++started;
        CHECK(r.process == winner);
      } else {
        CHECK(r.reason == term::tuple({"already_started"_atom, winner}));
      }
    }
    CHECK(started == 1);
  });
}

TEST_CASE("messages that come during an init are handled after it, in order") {
  everywhere([](context& self) -> process {
    self.spawn(starts_waiter, place::init, self.pid());
    const arrived a = co_await self.receive<arrived>();
    const server<waiter> ref(a.who);
    auto first = self.request(ref, get{});
    auto second = self.request(ref, work{});
    const auto early = co_await self.receive<start_result>(after(1s));
    CHECK(!early);
    CHECK(!first.is_ready());
    self.send<go_on>(ref);
    const start_result r = co_await self.receive<start_result>();
    CHECK(r.process == a.who);
    const int x = co_await first;
    const int y = co_await second;
    CHECK(x == 1);
    CHECK(y == 7);
  });
}

TEST_CASE("a name is registered before the init, and taken back when the init fails") {
  everywhere([](context& self) -> process {
    const pid parent = self.spawn(starts_waiter, place::init, self.pid());
    const arrived a = co_await self.receive<arrived>();
    CHECK(self.whereis("waiter") == a.who);
    self.exit(parent, "kill"_atom);
    static_cast<void>(co_await reason_of(self, a.who));
    CHECK(self.whereis("waiter") == pid());
    const auto again = co_await self.start<waiter>({.name = "waiter"}, place::nowhere, self.pid());
    CHECK(self.whereis("waiter") == again.pid());
  });
}

namespace {

struct once_more {};

class restless : public gen_server {
 public:
  void init() { continue_with(once_more{}); }
  void go_on(const once_more&) { continue_with(once_more{}); }
  using handles = handlers<continued<&restless::go_on>>;
};

}  // namespace

TEST_CASE("a server that continues for ever can be killed, and leaves its worker to others") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<restless>({});
    const auto other = co_await self.start<counter>({}, 4);
    const int n = co_await self.call(other, get{});
    CHECK(n == 4);
    self.exit(made.process.pid(), "kill"_atom);
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("killed"_atom));
  });
}
