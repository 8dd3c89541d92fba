// SPDX-License-Identifier: BSL-1.0
// gen_server: starting, calls, casts, messages, and how it ends. After the cases of OTP's gen_server_SUITE.
#include "../actors/everywhere.hpp"
#include "counter.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

// --- starting -------------------------------------------------------------------------------------------------------

TEST_CASE("start_link gives a typed reference once init is done") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start_link<counter>({}, 5);
    static_assert(std::is_same_v<decltype(ref), const server<counter>>);
    auto n = co_await self.call(ref, get{});
    static_assert(std::is_same_v<decltype(n), int>);
    CHECK(n == 5);
  });
}

TEST_CASE("a server with a name is reached by it, and a second one is told who has it") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start_link<counter>({.name = "counter"}, 1);
    CHECK(self.whereis("counter") == ref.pid());
    const server<counter> by_name("counter");
    const int n = co_await self.call<increment>(by_name, 4);
    CHECK(n == 5);
    const start_result second = co_await self.try_start<counter>({.name = "counter"}, 2);
    CHECK(second.what == start_result::outcome::failed);
    CHECK(second.reason == term::tuple({"already_started"_atom, ref.pid()}));
  });
}

TEST_CASE("an init that says ignore gives no process, no error, and frees the name") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const start_result r = co_await self.try_start_link<counter>({.name = "ignored"}, -1);
    CHECK(r.what == start_result::outcome::ignored);
    CHECK(self.whereis("ignored") == pid());
    const auto signal = co_await self.receive<exit_signal>(after(0s));
    CHECK(!signal);
    bool thrown = false;
    try {
      co_await self.start_link<counter>({}, -1);
    } catch (const start_failed& e) {
      thrown = e.is_ignored();
    }
    CHECK(thrown);
  });
}

TEST_CASE("an init that stops fails the start with its reason, and the name is free again") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const start_result r = co_await self.try_start_link<counter>({.name = "stopped"}, -2);
    CHECK(r.what == start_result::outcome::failed);
    CHECK(r.reason == term("bad_start"_atom));
    CHECK(self.whereis("stopped") == pid());
    // Its exit signal has been told by the result.
    const auto signal = co_await self.receive<exit_signal>(after(0s));
    CHECK(!signal);
  });
}

TEST_CASE("a parent that traps no exits ends with the init of the child it has linked") {
  everywhere([](context& self) -> process {
    self.spawn_monitor([](context& me) -> process {
      static_cast<void>(co_await me.try_start_link<counter>({}, -2));
      co_await me.sleep(1h);
    });
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("bad_start"_atom));
  });
}

TEST_CASE("an init_error fails the start and lets the parent live") {
  everywhere([](context& self) -> process {
    const start_result r = co_await self.try_start_link<counter>({}, -3);
    CHECK(r.reason == term("not_now"_atom));
  });
}

TEST_CASE("an init that throws fails the start with the reason of its crash") {
  everywhere([](context& self) -> process {
    const start_result r = co_await self.try_start<counter>({}, -4);
    CHECK(r.reason == term::tuple({"error"_atom, "no counter"}));
    bool thrown = false;
    try {
      co_await self.start<counter>({}, -4);
    } catch (const start_failed& e) {
      thrown = std::string(e.what()).find("no counter") != std::string::npos;
    }
    CHECK(thrown);
  });
}

namespace {

class slow_starter : public gen_server {
 public:
  explicit slow_starter(std::chrono::milliseconds time) : time_(time) {}
  task<> init() { co_await self().sleep(time_); }
  int read(const get&) { return 1; }
  using handles = handlers<call<&slow_starter::read>>;

 private:
  std::chrono::milliseconds time_;
};

}  // namespace

TEST_CASE("a start whose init takes too long fails by timeout, and its process is gone") {
  everywhere([](context& self) -> process {
    const start_result r = co_await self.try_start_link<slow_starter>({.name = "slow", .timeout = 10ms}, 1s);
    CHECK(r.reason == term("timeout"_atom));
    CHECK(self.whereis("slow") == pid());
    const auto in_time = co_await self.start_link<slow_starter>({.name = "slow", .timeout = 10s}, 1ms);
    const int n = co_await self.call(in_time, get{});
    CHECK(n == 1);
  });
}

TEST_CASE("start_monitor watches from the first moment on") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<counter>({}, 3);
    self.exit(made.process.pid(), "kill"_atom);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == made.monitor);
    CHECK(d.reason == term("killed"_atom));
  });
}

// --- calls ----------------------------------------------------------------------------------------------------------

TEST_CASE("calls are answered in the order in which one caller asks") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    int last = 0;
    for (int i = 1; i <= 10; ++i) {
      const int n = co_await self.call<increment>(ref, i);
      CHECK(n == last + i);
      last = n;
    }
  });
}

TEST_CASE("a call may be answered later, by another process, while the server goes on") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 7);
    auto later = self.request(ref, get_later{50ms});
    const int n = co_await self.call<increment>(ref, 1);
    CHECK(n == 8);
    const int answer = co_await later;
    CHECK(answer == 7);
  });
}

TEST_CASE("a handler that is a task calls others, and messages wait meanwhile") {
  everywhere([](context& self) -> process {
    const auto other = co_await self.start<counter>({}, 40);
    const auto ref = co_await self.start<counter>({}, 1);
    auto first = self.request(ref, ask{other.pid()});
    auto second = self.request(ref, increment{1});
    const int a = co_await first;
    const int b = co_await second;
    CHECK(a == 40);
    CHECK(b == 2);
  });
}

TEST_CASE("a from that is destroyed unanswered fails its call") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    const term why = co_await failure(self, ref, never{});
    CHECK(why == term("no_reply"_atom));
  });
}

TEST_CASE("a call that no handler takes fails, and harms nobody") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto ref = co_await self.start<counter>({}, 2);
    const term why = co_await failure(self, ref.pid(), note{1});
    CHECK(why == term::tuple({"unexpected_call"_atom, term::tuple({"note"_atom, 1})}));
    const int n = co_await self.call(ref, get{});
    CHECK(n == 2);
  });
}

TEST_CASE("a call of a server that is gone fails by noproc, one that takes too long by timeout") {
  everywhere([](context& self) -> process {
    const term none = co_await failure(self, server<counter>("nobody"), get{});
    CHECK(none == term("noproc"_atom));
    const auto ref = co_await self.start<counter>({}, 2);
    const term late = co_await failure(self, ref, get_later{1h}, 10ms);
    CHECK(late == term("timeout"_atom));
  });
}

TEST_CASE("a server that calls itself is told so") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({.name = "self_caller"}, 2);
    const term why = co_await failure(self, ref, ask{ref.pid()});
    // The handler's call failed, and the exception ended the server.
    CHECK(why.is_tuple());
    CHECK(why.elements()[0] == term("calling_self"_atom));
  });
}

// --- casts and messages
// -----------------------------------------------------------------------------------------------

TEST_CASE("casts and plain messages have handlers of their own") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto ref = co_await self.start<counter>({}, 2);
    self.send(ref, note{3});
    const int a = co_await self.call(ref, get{});
    CHECK(a == 302);
    self.send(ref, reset{});  // handled as a cast alone: dropped
    const int b = co_await self.call(ref, get{});
    CHECK(b == 302);
    self.cast(ref.pid(), note{1});  // and the other way round
    const int c = co_await self.call(ref, get{});
    CHECK(c == 302);
    self.cast(ref, reset{});
    const int d = co_await self.call(ref, get{});
    CHECK(d == 0);
    self.cast<reset>(ref);
    self.cast<reset>("nobody");
  });
}

TEST_CASE("to a process that is no gen_server a cast is the message itself") {
  everywhere([](context& self) -> process {
    self.cast(self.pid(), note{1});
    self.cast<note>(self.pid(), 2);
    const note a = co_await self.receive<note>();
    const note b = co_await self.receive<note>();
    CHECK(a.n == 1);
    CHECK(b.n == 2);
  });
}

// --- ends
// -------------------------------------------------------------------------------------------------------------

TEST_CASE("stop answers the call after terminate has run, and ends with the reason") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<counter>({}, 9, self.pid());
    const std::string answer = co_await self.call<finish>(made.process, term("normal"_atom));
    CHECK(answer == "bye");
    const auto told = co_await self.receive<ended>(after(0s));  // it came before the answer
    REQUIRE(told);
    CHECK(told->reason == term("normal"_atom));
    CHECK(told->value == 9);
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("an exception out of a handler runs terminate and ends the server; its caller hears the reason") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<counter>({}, 9, self.pid());
    const term expected = term::tuple({"error"_atom, "as asked"});
    const break_down order{"as asked"};
    const term why = co_await failure(self, made.process, order);
    CHECK(why == expected);
    const auto told = co_await self.receive<ended>();
    CHECK(told.reason == expected);
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == expected);
  });
}

TEST_CASE("exit inside of a handler is a stop with that reason") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<counter>({}, 9, self.pid());
    const leave order{"tired"_atom};
    const term why = co_await failure(self, made.process, order);
    CHECK(why == term("tired"_atom));
    const auto told = co_await self.receive<ended>();
    CHECK(told.reason == term("tired"_atom));
  });
}

TEST_CASE("a killed server runs no terminate") {
  everywhere([](context& self) -> process {
    const auto made = co_await self.start_monitor<counter>({}, 9, self.pid());
    self.exit(made.process.pid(), "kill"_atom);
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("killed"_atom));
    const auto told = co_await self.receive<ended>(after(0s));
    CHECK(!told);
  });
}

namespace {

class trapper : public gen_server {
 public:
  explicit trapper(pid told) : told_(told) { self().trap_exit(true); }
  void exited(const exit_signal& e) { self().send<note>(told_, e.reason.is_atom("odd"_atom) ? 1 : 2); }
  void terminate(const term& reason) { self().send<ended>(told_, reason, 0); }
  using handles = handlers<info<&trapper::exited>>;

 private:
  pid told_;
};

}  // namespace

TEST_CASE("a server that traps exits ends in good order with its parent, and takes other exit signals as messages") {
  everywhere([](context& self) -> process {
    pid made;
    const pid parent = self.spawn(
        [](context& me, pid told) -> process {
          const auto ref = co_await me.start_link<trapper>({}, told);
          me.send(told, ref.pid());
          co_await me.receive<reset>();
          me.exit("home_time"_atom);
        },
        self.pid());
    made = co_await self.receive<pid>();
    self.exit(made, "odd"_atom);
    const note n = co_await self.receive<note>();
    CHECK(n.n == 1);
    const reference watch = self.monitor(made);
    static_cast<void>(co_await self.process_info(made));  // the monitor is there
    self.send<reset>(parent);
    const auto told = co_await self.receive<ended>();
    CHECK(told.reason == term("home_time"_atom));
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("home_time"_atom));
  });
}

TEST_CASE("stop from outside waits for the end, and says when the reason was another") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1, self.pid());
    co_await stop(self, ref, "shutdown"_atom);
    CHECK(!self.is_alive(ref.pid()));
    const auto told = co_await self.receive<ended>(after(0s));
    REQUIRE(told);
    CHECK(told->reason == term("shutdown"_atom));
    term why;
    try {
      co_await stop(self, ref);
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why == term("noproc"_atom));
  });
}

// --- continue, timeout, hibernate
// ---------------------------------------------------------------------------------------

namespace {

struct step_one {
  int left;
};

class stepper : public gen_server {
 public:
  void init() {
    continue_with(step_one{2});
    events_.push_back("init");
  }
  void go_on(const step_one& s) {
    events_.push_back("continue " + std::to_string(s.left));
    if (s.left > 0) continue_with(step_one{s.left - 1});
  }
  std::vector<std::string> tell(const seen&) {
    set_timeout(20ms);
    return events_;
  }
  void idle(const timeout&) {
    events_.push_back("idle");
    hibernate();
  }
  void noted(const note&) { events_.push_back("note"); }
  void hibernating() { events_.push_back("hibernating"); }
  using handles =
      handlers<continued<&stepper::go_on>, call<&stepper::tell>, info<&stepper::idle>, info<&stepper::noted>>;

 private:
  std::vector<std::string> events_;
};

}  // namespace

TEST_CASE("what an init or a handler continues with comes before any message") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<stepper>({});
    const auto events = co_await self.call(ref, seen{});
    CHECK(events == std::vector<std::string>{"init", "continue 2", "continue 1", "continue 0"});
  });
}

TEST_CASE("an idle timeout comes once when nothing else does, and any message ends the wait for it") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<stepper>({});
    static_cast<void>(co_await self.call(ref, seen{}));
    self.send(ref, note{1});  // no timeout now
    co_await self.sleep(1s);
    auto events = co_await self.call(ref, seen{});
    CHECK(events.back() == "note");
    co_await self.sleep(1s);
    events = co_await self.call(ref, seen{});
    CHECK(events[events.size() - 2] == "idle");
    CHECK(events.back() == "hibernating");
  });
}

TEST_CASE("hibernate_after hibernates a server that is idle for so long, once") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<stepper>({.hibernate_after = 10ms});
    co_await self.sleep(1s);
    const auto events = co_await self.call(ref, seen{});
    CHECK(events.back() == "hibernating");
    CHECK(events.size() == 5);
  });
}

// --- sys
// ----------------------------------------------------------------------------------------------------------------

TEST_CASE("sys shows and replaces a server's state") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 7);
    term state = co_await sys::get_state(self, ref);
    CHECK(state == term(7));
    const std::function<term(const term&)> change = [](const term& t) { return term(t.as_integer() * 2); };
    state = co_await sys::replace_state(self, ref, change);
    CHECK(state == term(14));
    const int n = co_await self.call(ref, get{});
    CHECK(n == 14);
    const std::function<term(const term&)> wrong = [](const term&) { return term("text"); };
    term why;
    try {
      static_cast<void>(co_await sys::replace_state(self, ref, wrong));
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why.is_tuple("callback_failed"_atom));
    const int same = co_await self.call(ref, get{});
    CHECK(same == 14);
  });
}

TEST_CASE("a suspended server handles system messages alone, and the others in order when it is resumed") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    co_await sys::suspend(self, ref);
    auto waiting = self.request(ref, increment{1});
    self.cast(ref, reset{});
    auto second = self.request(ref, increment{5});
    const term state = co_await sys::get_state(self, ref);
    CHECK(state == term(1));
    const term status = co_await sys::get_status(self, ref);
    CHECK(status.to_string().find("suspended") != std::string::npos);
    co_await sys::resume(self, ref);
    const int a = co_await waiting;
    const int b = co_await second;
    CHECK(a == 2);
    CHECK(b == 5);
  });
}

TEST_CASE("sys logs and counts a server's events") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    const auto off = co_await sys::get_statistics(self, ref);
    CHECK(!off);
    co_await sys::statistics(self, ref, true);
    co_await sys::log(self, ref, 2);
    static_cast<void>(co_await self.call<increment>(ref, 1));
    self.cast(ref, reset{});
    static_cast<void>(co_await self.call(ref, get{}));
    const auto counts = co_await sys::get_statistics(self, ref);
    REQUIRE(counts);
    CHECK(counts->messages_in == 3);
    CHECK(counts->messages_out == 2);
    const auto events = co_await sys::get_log(self, ref);
    REQUIRE(events.size() == 2);
    CHECK(events[0].to_string().find("get") != std::string::npos);
    CHECK(events[1].is_tuple("out"_atom));
    co_await sys::no_debug(self, ref);
    const auto none = co_await sys::get_log(self, ref);
    CHECK(none.empty());
  });
}

TEST_CASE("an unknown system message is answered with an error that names it") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 1);
    const term answer = co_await sys::request(self, ref, term("nonsense"_atom));
    CHECK(answer == term::tuple({"error"_atom, term::tuple({"unknown_system_msg"_atom, "nonsense"_atom})}));
  });
}
