// SPDX-License-Identifier: BSL-1.0
// sys, crash reports, and servers with bounded mailboxes. After the cases of OTP's sys_SUITE and proc_lib_SUITE.
#include "../actors/everywhere.hpp"
#include "keeper.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

namespace {

/// The log's lines while it lives.
class log_reader {
 public:
  log_reader() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    set_log_level(log_level::info);
  }
  ~log_reader() { spdlog::set_default_logger(before_); }
  log_reader(const log_reader&) = delete;
  log_reader& operator=(const log_reader&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// What a request of sys fails with; the atom none when it does not.
template <class T>
task<term> why_not(context&, task<T> asked) {
  try {
    if constexpr (std::is_void_v<T>)
      co_await std::move(asked);
    else
      static_cast<void>(co_await std::move(asked));
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return term("none"_atom);
}

class versioned : public gen_server {
 public:
  void init() { state_ = "new"; }
  void code_change(const term& old_version, const term& extra) {
    if (extra.is_atom("fail"_atom)) throw std::runtime_error("cannot change");
    state_ = old_version.to_string() + " " + extra.to_string();
  }
  std::string read(const seen&) { return state_; }
  std::string state() const {
    if (state_ == "hidden") throw std::runtime_error("not to be seen");
    return state_;
  }
  void set_state(std::string s) { state_ = std::move(s); }
  void idle(const timeout&) { state_ = "idle"; }
  std::string wait(const never&) {
    set_timeout(10ms);
    return state_;
  }
  using handles = handlers<info<&versioned::idle>>;

 private:
  std::string state_;
};

class waits_to_change : public gen_server {
 public:
  task<> code_change(const term&, const term&) {
    co_await self().sleep(10ms);
    ++changes_;
  }
  int read(const get&) { return changes_; }
  using handles = handlers<call<&waits_to_change::read>>;

 private:
  int changes_ = 0;
};

class idler : public gen_server {
 public:
  void init() { set_timeout(10ms); }
  void idle(const timeout&) { ++times_; }
  int state() const { return times_; }
  using handles = handlers<info<&idler::idle>>;

 private:
  int times_ = 0;
};

}  // namespace

// --- code_change ---------------------------------------------------------------------------------

TEST_CASE("a suspended server changes its code version, one that runs refuses") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<versioned>({});
    const term refused = co_await why_not(self, sys::change_code(self, ref, "versioned"_atom, 1, "extra"_atom));
    CHECK(refused.is_tuple("unknown_system_msg"_atom));
    co_await sys::suspend(self, ref);
    co_await sys::change_code(self, ref, "versioned"_atom, 1, "extra"_atom);
    co_await sys::resume(self, ref);
    const term state = co_await sys::get_state(self, ref);
    CHECK(state == term("1 extra"));
  });
}

TEST_CASE("a code_change that throws is told to who asked, and the server goes on") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<versioned>({});
    co_await sys::suspend(self, ref);
    const term why = co_await why_not(self, sys::change_code(self, ref, "versioned"_atom, 1, "fail"_atom));
    CHECK(why == term::tuple({"error"_atom, "cannot change"}));
    co_await sys::resume(self, ref);
    const term state = co_await sys::get_state(self, ref);
    CHECK(state == term("new"));
  });
}

TEST_CASE("a code_change may wait, and a class without one changes nothing") {
  everywhere([](context& self) -> process {
    const auto slow = co_await self.start<waits_to_change>({});
    co_await sys::suspend(self, slow);
    co_await sys::change_code(self, slow, "any"_atom, 1, 2);
    co_await sys::change_code(self, slow, "any"_atom, 1, 2);
    co_await sys::resume(self, slow);
    const int n = co_await self.call(slow, get{});
    CHECK(n == 2);
    const auto plain = co_await self.start<counter>({}, 3);
    co_await sys::suspend(self, plain);
    co_await sys::change_code(self, plain, "any"_atom, 1, 2);
    const term state = co_await sys::get_state(self, plain);
    CHECK(state == term(3));
  });
}

// --- suspend and resume --------------------------------------------------------------------------

TEST_CASE("suspending twice is resumed once, and resuming one that runs does nothing") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 3);
    co_await sys::resume(self, ref);
    co_await sys::suspend(self, ref);
    co_await sys::suspend(self, ref);
    const term late = co_await failure(self, ref, get{}, 10ms);
    CHECK(late == term("timeout"_atom));
    co_await sys::resume(self, ref);
    const int n = co_await self.call(ref, get{});
    CHECK(n == 3);
  });
}

TEST_CASE("no idle timeout comes while a server is suspended") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<idler>({});
    co_await sys::suspend(self, ref);
    const term before = co_await sys::get_state(self, ref);
    co_await self.sleep(1s);
    const term afterwards = co_await sys::get_state(self, ref);
    CHECK(before == afterwards);
    co_await sys::resume(self, ref);
    co_await self.sleep(1s);
    const term state = co_await sys::get_state(self, ref);
    CHECK(state == term(1));
  });
}

TEST_CASE("a server that is suspended again and again loses no message") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    for (int i = 0; i < 20; ++i) {
      if (i % 3 == 0) co_await sys::suspend(self, ref);
      self.send(ref, note{1});
      if (i % 3 == 2) co_await sys::resume(self, ref);
    }
    co_await sys::resume(self, ref);
    const int n = co_await self.call(ref, get{});
    CHECK(n == 2000);
  });
}

// --- state and status ----------------------------------------------------------------------------

TEST_CASE("get_status has OTP's shape") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start_link<counter>({.name = "counter"}, 3);
    const term status = co_await sys::get_status(self, ref);
    REQUIRE(status.is_tuple("status"_atom));
    REQUIRE(status.size() == 4);
    CHECK(status.elements()[1] == term(ref.pid()));
    CHECK(status.elements()[2] == term::tuple({"module"_atom, "gen_server"_atom}));
    const auto parts = status.elements()[3].elements();
    REQUIRE(parts.size() == 5);
    CHECK(parts[0] == term::list({term::tuple({"$ancestors"_atom, term::list({self.pid()})})}));
    CHECK(parts[1] == term("running"_atom));
    CHECK(parts[2] == term(self.pid()));
    const auto misc = parts[4].elements();
    REQUIRE(misc.size() == 3);
    CHECK(misc[0] == term::parse("{header,\"Status for generic server counter\"}"));
    CHECK(misc[2] == term::parse("{data,[{\"State\",3}]}"));
  });
}

TEST_CASE("the state of a class that shows none is its name, and one that throws is an error") {
  everywhere([](context& self) -> process {
    const auto plain = co_await self.start<keeper>({});
    const term name = co_await sys::get_state(self, plain);
    CHECK(name == term("keeper"_atom));
    const auto hiding = co_await self.start<versioned>({});
    const std::function<term(const term&)> hide = [](const term&) { return term("hidden"); };
    static_cast<void>(co_await sys::replace_state(self, hiding, hide));
    const term why = co_await why_not(self, sys::get_state(self, hiding));
    CHECK(why.is_tuple("callback_failed"_atom));
    CHECK(self.is_alive(hiding.pid()));
  });
}

TEST_CASE("replace_state needs a set_state, and is for this node alone") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<keeper>({});
    const std::function<term(const term&)> same = [](const term& t) { return t; };
    const term why = co_await why_not(self, sys::replace_state(self, ref, same));
    CHECK(why == term::tuple({"no_set_state"_atom, "keeper"_atom}));
    bool refused = false;
    try {
      static_cast<void>(co_await sys::replace_state(self, remote("keeper", "b@host"), same));
    } catch (const usage_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("a system message waits behind the handler that runs, and its patience may end") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<waiter>({}, place::handler, self.pid());
    auto working = self.request(ref, work{}, infinity);
    static_cast<void>(co_await self.receive<arrived>());
    const term why = co_await why_not(self, sys::get_state(self, ref, 10ms));
    CHECK(why == term("timeout"_atom));
    self.send<go_on>(ref);
    static_cast<void>(co_await working);
    const term state = co_await sys::get_state(self, ref);
    CHECK(state == term("waiter"_atom));
  });
}

TEST_CASE("sys of who is not there fails by noproc") {
  everywhere([](context& self) -> process {
    const term state = co_await why_not(self, sys::get_state(self, "nobody"));
    CHECK(state == term("noproc"_atom));
    const term held = co_await why_not(self, sys::suspend(self, "nobody"));
    CHECK(held == term("noproc"_atom));
  });
}

TEST_CASE("sys's terminate ends a server with that reason by way of its terminate") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto made = co_await self.start_monitor<counter>({}, 4, self.pid());
    co_await sys::terminate(self, made.process, term("enough"_atom));
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("enough"_atom));
    const auto told = co_await self.receive<ended>(after(0s));
    REQUIRE(told);
    CHECK(told->value == 4);
  });
}

// --- trace, log, statistics ----------------------------------------------------------------------

TEST_CASE("a traced server's events go to the log, until the trace ends") {
  const log_reader log;
  testing::simulation world(3);
  {
    actor_system sys(world.options());
    sys.wait(sys.spawn([](context& self) -> process {
      const auto ref = co_await self.start<counter>({.name = "counter"}, 0);
      static_cast<void>(co_await self.call<increment>(ref, 1));
      co_await sys::trace(self, ref, true);
      static_cast<void>(co_await self.call<increment>(ref, 2));
      self.cast(ref, reset{});
      self.send(ref, note{1});
      co_await sys::trace(self, ref, false);
      static_cast<void>(co_await self.call<increment>(ref, 3));
    }));
  }
  const std::string text = log.text();
  CHECK(count(text, "*DBG* gen_server counter (counter)") == 4);
  CHECK(count(text, "{increment,2}") == 1);
  CHECK(count(text, "$gen_call") == 1);
  CHECK(count(text, "{in,{'$gen_cast',reset}}") == 1);
  CHECK(count(text, "{in,{note,1}}") == 1);
  CHECK(count(text, "{out,3,") == 1);
}

TEST_CASE("the log of events keeps the last ones, and forgets them when it is switched off") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    co_await sys::log(self, ref, 3);
    for (int i = 0; i < 10; ++i) self.send(ref, note{i});
    static_cast<void>(co_await self.call(ref, get{}));
    auto events = co_await sys::get_log(self, ref);
    REQUIRE(events.size() == 3);
    CHECK(events[0] == term::tuple({"in"_atom, term::tuple({"note"_atom, 9})}));
    co_await sys::log(self, ref, 1);
    events = co_await sys::get_log(self, ref);
    CHECK(events.size() == 1);
    co_await sys::log(self, ref, 0);
    events = co_await sys::get_log(self, ref);
    CHECK(events.empty());
  });
}

TEST_CASE("debug requests as Erlang's sys sends them are answered as there") {
  everywhere([](context& self) -> process {
    const auto ref = co_await self.start<counter>({}, 0);
    const auto ask = [&](const char* text) { return sys::request(self, ref, term::parse(text)); };
    term answer = co_await ask("{debug,{statistics,get}}");
    CHECK(answer == term::parse("{ok,no_statistics}"));
    answer = co_await ask("{debug,{statistics,true}}");
    CHECK(answer == term("ok"_atom));
    answer = co_await ask("{debug,{statistics,get}}");
    REQUIRE(answer.is_tuple("ok"_atom));
    CHECK(answer.elements()[1].size() == 5);
    answer = co_await ask("{debug,{log,true}}");
    CHECK(answer == term("ok"_atom));
    answer = co_await ask("{debug,{log,{true,4}}}");
    CHECK(answer == term("ok"_atom));
    answer = co_await ask("{debug,{log,get}}");
    CHECK(answer == term::parse("{ok,[]}"));
    answer = co_await ask("{debug,{log_to_file,<<\"x\">>}}");
    CHECK(answer == term::parse("{error,open_file}"));
    answer = co_await ask("{debug,{log_to_file,false}}");
    CHECK(answer == term("ok"_atom));
    answer = co_await ask("{debug,no_debug}");
    CHECK(answer == term("ok"_atom));
    answer = co_await ask("{debug,{what,true}}");
    CHECK(answer == term("unknown_debug"_atom));
  });
}

// --- crash reports -------------------------------------------------------------------------------

TEST_CASE("a server's bad end is reported once, a good one is not") {
  set_log_level(log_level::off);
  std::mutex lock;
  std::vector<crash_report> reports;
  {
    actor_system_options options = troupe_test::quiet_options();
    options.on_crash = [&](const crash_report& r) {
      const std::lock_guard guard(lock);
      reports.push_back(r);
    };
    actor_system sys(options);
    sys.wait(sys.spawn([](context& self) -> process {
      for (const term& reason : {term("normal"_atom), term("shutdown"_atom), term::tuple({"shutdown"_atom, 1})}) {
        const auto ref = co_await self.start<counter>({}, 0);
        co_await stop(self, ref, reason);
      }
      const auto killed = co_await self.start<counter>({}, 0);
      self.exit(killed.pid(), "kill"_atom);
      static_cast<void>(co_await reason_of(self, killed.pid()));
      static_cast<void>(co_await self.try_start<counter>({}, -1));
      static_cast<void>(co_await self.try_start<counter>({}, -3));
      const auto bad = co_await self.start<counter>({.name = "bad"}, 0);
      const break_down asked{"as asked"};
      static_cast<void>(co_await failure(self, bad, asked));
      static_cast<void>(co_await reason_of(self, bad.pid()));
      const auto odd = co_await self.start<counter>({.name = "odd"}, 0);
      co_await stop(self, odd, "odd"_atom);
      // An init that throws, or stops, is one, too: proc_lib's rule.
      static_cast<void>(co_await self.try_start<counter>({.name = "init"}, -4));
    }));
  }
  REQUIRE(reports.size() == 3);
  CHECK(reports[0].name == "bad"_atom);
  CHECK(reports[0].reason == term::tuple({"error"_atom, "as asked"}));
  CHECK(reports[1].name == "odd"_atom);
  CHECK(reports[1].reason == term("odd"_atom));
  CHECK(reports[2].reason == term::tuple({"error"_atom, "no counter"}));
}

TEST_CASE("a behaviour's crash report names its ancestors, the nearest first, and says whether it trapped exits") {
  set_log_level(log_level::off);
  std::mutex lock;
  std::vector<crash_report> reports;
  pid starter;
  {
    actor_system_options options = troupe_test::quiet_options();
    options.on_crash = [&](const crash_report& r) {
      const std::lock_guard guard(lock);
      reports.push_back(r);
    };
    actor_system sys(options);
    starter = sys.spawn([](context& self) -> process {
      const std::vector<child_spec> below{
          {.id = "c", .start = child_of<counter>({.name = "below"}, 0), .restart = temporary},
          {.id = "d", .start = child_of<counter>({}, -4), .restart = temporary}};
      const supervisor_flags flags;
      const std::vector<child_spec> above{
          {.id = "s", .start = child_of<supervisor>({.name = "inner"}, flags, below), .restart = temporary}};
      self.trap_exit(true);
      // The second child's init throws: so neither supervisor starts.
      static_cast<void>(co_await self.try_start_link<supervisor>({}, flags, above));
      const std::vector<child_spec> one{below[0]};
      co_await self.start_link<supervisor>({.name = "inner"}, flags, one);
      const break_down asked{"as asked"};
      static_cast<void>(co_await failure(self, server<counter>("below"), asked));
    });
    sys.wait(starter);
    // What a thread starts has no process above it.
    const auto alone = sys.start<keeper>({});
    sys.send<note>(alone.pid(), 1);
    sys.wait(alone.pid());
  }
  const auto of = [&](const term& reason) {
    for (const crash_report& r : reports)
      if (r.reason == reason) return r;
    return crash_report();
  };
  const crash_report in_init = of(term::tuple({"error"_atom, "no counter"}));
  REQUIRE(in_init.ancestors.size() == 3);
  CHECK(in_init.ancestors[0] == term("inner"_atom));
  CHECK(in_init.ancestors[1].is_pid());
  CHECK(in_init.ancestors[2] == term(starter));
  const crash_report asked = of(term::tuple({"error"_atom, "as asked"}));
  CHECK(asked.ancestors == std::vector<term>{"inner"_atom, starter});
  CHECK(!asked.trap_exit);
  CHECK(asked.to_string().find("\n  ancestors: inner " + starter.to_string() + "\n") != std::string::npos);
  const crash_report collapsed = of(term::tuple({"error"_atom, "collapsed"}));
  CHECK(collapsed.process);
  CHECK(collapsed.ancestors.empty());
}

TEST_CASE("a server that ends badly says in the log what it was doing, for whom, and its state") {
  const log_reader log;
  testing::simulation world(3);
  pid client;
  {
    actor_system_options options = world.options();
    actor_system sys(options);
    client = sys.spawn([](context& self) -> process {
      const auto ref = co_await self.start<counter>({.name = "counter"}, 12);
      const break_down asked{"as asked"};
      static_cast<void>(co_await failure(self, ref, asked));
      const auto good = co_await self.start<keeper>({.name = "keeper"});
      co_await stop(self, good, "shutdown"_atom);
    });
    sys.wait(client);
  }
  const std::string text = log.text();
  CHECK(count(text, "gen_server counter (counter) terminating: {error,<<\"as asked\">>}") == 1);
  CHECK(count(text, "client: " + client.to_string()) == 1);
  CHECK(count(text, "state: 12") == 1);
  CHECK(count(text, "gen_server keeper") == 0);
}

// --- bounded mailboxes ---------------------------------------------------------------------------

TEST_CASE("a server with a bounded mailbox refuses calls that are too many, at once") {
  everywhere([](context& self) -> process {
    const start_options options{.mailbox = {.messages = 3, .policy = overflow::drop_newest}};
    const auto ref = co_await self.start<waiter>(options, place::handler, self.pid());
    auto working = self.request(ref, work{}, infinity);
    static_cast<void>(co_await self.receive<arrived>());
    std::vector<response<int>> waiting;
    for (int i = 0; i < 10; ++i) waiting.push_back(self.request(ref, get{}, infinity));
    int refused = 0;
    int answered = 0;
    self.spawn(
        [](context& me, pid to) -> process {
          co_await me.sleep(1s);
          me.send<go_on>(to);
        },
        ref.pid());
    // That go_on would be refused, too: three calls wait. They are suspended in its mailbox until it ends.
    const term why = co_await failure(self, ref, get{});
    CHECK(why == term("mailbox_full"_atom));
    self.exit(ref.pid(), "kill"_atom);
    for (auto& r : waiting) {
      try {
        static_cast<void>(co_await r);
        ++answered;
      } catch (const call_failed& e) {
        if (e.reason() == term("mailbox_full"_atom)) ++refused;
      }
    }
    CHECK(answered == 0);
    CHECK(refused == 7);
  });
}

TEST_CASE("callers of a server with a bounded mailbox wait for room, and all are answered") {
  everywhere([](context& self) -> process {
    const start_options options{.mailbox = {.messages = 2, .policy = overflow::wait}};
    const auto ref = co_await self.start<counter>(options, 0);
    constexpr int callers = 30;
    for (int i = 0; i < callers; ++i)
      self.spawn(
          [](context& me, server<counter> to, pid told) -> process {
            static_cast<void>(co_await me.call<increment>(to, after(infinity), 1));
            me.send<note>(told, 1);
          },
          ref, self.pid());
    for (int i = 0; i < callers; ++i) static_cast<void>(co_await self.receive<note>());
    const int n = co_await self.call(ref, get{});
    CHECK(n == callers);
  });
}

TEST_CASE("hundreds of callers of a bounded server that is killed all hear of it") {
  everywhere([](context& self) -> process {
    const start_options options{.mailbox = {.messages = 5, .policy = overflow::wait}};
    const auto ref = co_await self.start<waiter>(options, place::handler, self.pid());
    constexpr int callers = 150;
    for (int i = 0; i < callers; ++i)
      self.spawn(
          [](context& me, server<waiter> to, pid told) -> process {
            term why = co_await failure(me, to, work{}, infinity);
            me.send<leave>(told, std::move(why));
          },
          ref, self.pid());
    static_cast<void>(co_await self.receive<arrived>());
    self.exit(ref.pid(), "kill"_atom);
    for (int i = 0; i < callers; ++i) {
      const leave l = co_await self.receive<leave>();
      CHECK((l.reason == term("killed"_atom) || l.reason == term("noproc"_atom)));
    }
  });
}
