// SPDX-License-Identifier: BSL-1.0
// gen_statem: starting, handlers of states, ends, and sys. After the manual and OTP's gen_statem_SUITE.
#include "probe.hpp"

using namespace statem_test;
using troupe_test::everywhere;

// --- starting -------------------------------------------------------------------------------------------------------

TEST_CASE("statem: start gives a server<C>, by which calls and casts are checked when compiled") {
  everywhere([](context& self) -> process {
    const probe_options o;
    const auto p = co_await self.start_link<probe>({.name = "probe"}, o);
    static_assert(std::is_same_v<decltype(p), const server<probe>>);
    const server<probe> by_name("probe");
    const std::string answer = co_await asked_for(self, by_name, "x");
    CHECK(answer == "x@a");
  });
}

TEST_CASE("statem: init may say ignore, stop, or error") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    probe_options o;
    o.init = {"ignore"};
    start_result r = co_await self.try_start_link<probe>({}, o);
    CHECK(r.what == start_result::outcome::ignored);
    o.init = {"refuse"};
    r = co_await self.try_start_link<probe>({}, o);
    CHECK(r.reason == term("refused"_atom));
    o.init = {"error"};
    r = co_await self.try_start_link<probe>({}, o);
    CHECK(r.reason == term("not_now"_atom));
    o.init = {"throw:broken"};
    r = co_await self.try_start_link<probe>({}, o);
    CHECK(r.reason == term::tuple({"error"_atom, "broken"}));
    o.init = {"stop:early"};
    r = co_await self.try_start_link<probe>({}, o);
    CHECK(r.reason == term("early"_atom));
  });
}

// --- state functions ------------------------------------------------------------------------------------------------

namespace {

struct press {
  char digit;
};
struct is_open {
  using reply = bool;
};
struct walk {
  using reply = std::string;
};
struct borrow {
  std::string what;
  using reply = std::string;
};
enum class door { locked, open };

const std::string right_code = "42";

/// The code lock of OTP's design principles, in the style of state functions.
class code_lock : public gen_statem<door> {
 public:
  explicit code_lock(std::string code) : code_(std::move(code)) {}
  door init() { return door::locked; }

  void lock() { typed_.clear(); }
  task<> button(press p) {
    co_await self().yield();
    typed_ += p.digit;
    if (typed_.size() < code_.size()) co_return;
    if (typed_ == code_) {
      next_state(door::open);
      state_timeout(10s);
    }
    typed_.clear();
  }
  void close() { next_state(door::locked); }
  bool no(const is_open&) const { return false; }
  bool yes(const is_open&) { return true; }
  void wait(const walk&, from<std::string> who) { postpone(std::move(who)); }
  task<std::string> pass(const walk&) {
    co_await self().yield();
    co_return "through";
  }
  task<> wait_to_borrow(const borrow& m, from<std::string> who) {
    co_await self().yield();
    if (m.what == "nothing") {
      who.reply("here it is");
      co_return;
    }
    postpone(std::move(who));
  }
  std::string lend(const borrow& m) { return "the " + m.what; }

  using handles = states<in<door::locked, enter<&code_lock::lock>, cast<&code_lock::button>, call<&code_lock::no>,
                            call<&code_lock::wait>, call<&code_lock::wait_to_borrow>>,
                         in<door::open, on_state_timeout<&code_lock::close>, call<&code_lock::yes>,
                            call<&code_lock::pass>, postponed<press>>,
                         in_every<call<&code_lock::lend>>>;

 private:
  std::string code_;
  std::string typed_;
};

void type(context& self, const server<code_lock>& lock, const char* digits) {
  for (const char* d = digits; *d != 0; ++d) self.cast(lock, press{*d});
}

}  // namespace

TEST_CASE("statem: each state has its own handlers, and one that closes by itself") {
  everywhere([](context& self) -> process {
    const auto lock = co_await self.start<code_lock>({}, right_code);
    type(self, lock, "41");
    bool open = co_await self.call(lock, is_open{});
    CHECK(!open);
    type(self, lock, "42");
    open = co_await self.call(lock, is_open{});
    CHECK(open);
    co_await self.sleep(11s);
    open = co_await self.call(lock, is_open{});
    CHECK(!open);
  });
}

TEST_CASE("statem: what is postponed while the door is open counts when it is locked again") {
  everywhere([](context& self) -> process {
    const auto lock = co_await self.start<code_lock>({}, right_code);
    type(self, lock, "4242");
    co_await self.sleep(11s);
    const bool open = co_await self.call(lock, is_open{});
    CHECK(open);  // by the second 42
  });
}

TEST_CASE("statem: a call whose method takes a from is postponed by giving it back; tasks may, too") {
  everywhere([](context& self) -> process {
    const auto lock = co_await self.start<code_lock>({}, right_code);
    auto waiting = self.request(lock, walk{});
    const borrow key{"key"};
    auto lent = self.request(lock, key);
    const borrow nothing{"nothing"};
    const std::string at_once = co_await self.call(lock, nothing);
    CHECK(at_once == "here it is");
    type(self, lock, "42");
    const std::string passed = co_await waiting;
    CHECK(passed == "through");
    const std::string got = co_await lent;
    CHECK(got == "the key");  // by in_every, after the state's own list
  });
}

namespace {

struct by_value {
  std::string text;
  using reply = std::string;
};
struct bare {
  using reply = int;
};
struct plain {
  int n;
};

/// A state that is no constant, and handlers that misuse postpone.
class misuser : public gen_statem<std::string> {
 public:
  task<init_result> init() {
    co_await self().yield();
    co_return std::string("begun");
  }
  std::string mine(by_value m) {
    if (m.text == "postpone") postpone();
    next_state(state() + "+" + m.text);
    return state();
  }
  void kept(const bare&, from<int>) { postpone(); }
  void rest(const any_message& m) {
    const plain* p = m.get_if<plain>();
    if (p != nullptr && p->n == 1 && state() == "begun") postpone();
    if (p != nullptr) last_ = p->n;
  }
  int data() const { return last_; }
  using handles = states<in_every<call<&misuser::mine>, call<&misuser::kept>, info<&misuser::rest>>>;

 private:
  int last_ = 0;
};

}  // namespace

TEST_CASE("statem: a state may be any value, and init a task") {
  everywhere([](context& self) -> process {
    const auto m = co_await self.start<misuser>({});
    const by_value x{"x"};
    const std::string before = co_await self.call(m, x);
    CHECK(before == "begun");
    const term state = co_await sys::get_state(self, m);
    CHECK(state == term::tuple({"begun+x", 0}));
  });
}

TEST_CASE("statem: whatever is left can be taken as any_message, and postponed") {
  everywhere([](context& self) -> process {
    const auto m = co_await self.start<misuser>({});
    self.send(m, plain{1});
    self.send(m, plain{2});
    term state = co_await sys::get_state(self, m);
    CHECK(state == term::tuple({"begun", 2}));
    const by_value x{"x"};
    static_cast<void>(co_await self.call(m, x));
    state = co_await sys::get_state(self, m);
    CHECK(state == term::tuple({"begun+x", 1}));
  });
}

TEST_CASE("statem: postpone says so when the message or the caller has been given away") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    auto m = co_await self.start<misuser>({});
    const by_value wrong{"postpone"};
    term why = co_await failure(self, m, wrong);
    CHECK(why.to_string().find("const&") != std::string::npos);
    m = co_await self.start<misuser>({});
    why = co_await failure(self, m, bare{});
    const term end = co_await reason_of(self, m.pid());
    CHECK((why.is_atom("no_reply"_atom) || why.to_string().find("from<R>") != std::string::npos));
  });
}

// --- what nobody takes ----------------------------------------------------------------------------------------------

TEST_CASE("statem: a call that no handler takes fails, other events are dropped, and the machine goes on") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const auto p = co_await start_probe(self);
    const term why = co_await failure(self, p.pid(), note{1});
    CHECK(why == term::tuple({"unexpected_call"_atom, term::tuple({"note"_atom, 1})}));
    self.cast(p.pid(), note{1});
    self.send(p, increment{1});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log.empty());
  });
}

// --- ends -----------------------------------------------------------------------------------------------------------

TEST_CASE("statem: stop runs terminate in the present state and ends with its reason; the answer comes before") {
  everywhere([](context& self) -> process {
    probe_options o{.first = place::b, .told = self.pid()};
    const auto made = co_await self.start_monitor<probe>({}, o);
    auto waiting = self.request(made.process, hold{1});
    const act last{"x", {"next:c", "release", "stop:shutdown"}};
    const std::string answer = co_await self.call(made.process, last);
    CHECK(answer == "x@b");
    const int held = co_await waiting;
    CHECK(held == static_cast<int>(place::b));
    const auto told = co_await self.receive<ended>();
    CHECK(told.reason == term("shutdown"_atom));
    CHECK(told.value == static_cast<int>(place::b));  // a handler that stops changes no state
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("shutdown"_atom));
  });
}

TEST_CASE("statem: nothing is handled after a stop, neither inserted events nor timeouts") {
  everywhere([](context& self) -> process {
    probe_options o{.told = self.pid()};
    const auto made = co_await self.start_monitor<probe>({}, o);
    tell(self, made.process, "x", {"insert:i>throw:no", "state:0:s>throw:no", "stop:normal"});
    const auto d = co_await self.receive<down>();
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("statem: an exception or exit in a handler, a timeout or an enter call ends it by way of terminate") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    for (const char* how : {"exit:tired", "state:5:t>exit:tired", "insert:i>exit:tired", "next:b"}) {
      probe_options o{.enter = {{"b", {"exit:tired"}}}, .told = self.pid()};
      const auto made = co_await self.start_monitor<probe>({}, o);
      tell(self, made.process, "x", {how});
      const auto told = co_await self.receive<ended>();
      CHECK(told.reason == term("tired"_atom));
      const auto d = co_await self.receive<down>();
      CHECK(d.reason == term("tired"_atom));
    }
  });
}

TEST_CASE("statem: a caller in a from that is dropped hears no_reply, one in a machine that ends its reason") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    lines reasons;
    for (const char* how : {"drop", "stop:shutdown"}) {
      auto waiting = self.request(p, hold{1});
      tell(self, p, "x", {how});
      try {
        static_cast<void>(co_await waiting);
      } catch (const call_failed& e) {
        reasons.push_back(e.reason().to_string());
      }
    }
    CHECK(reasons == lines{"no_reply", "shutdown"});
  });
}

TEST_CASE("statem: stop from outside, and the end of its parent") {
  everywhere([](context& self) -> process {
    probe_options o{.first = place::c, .told = self.pid()};
    const auto p = co_await self.start<probe>({}, o);
    co_await stop(self, p, "shutdown"_atom);
    CHECK(!self.is_alive(p.pid()));
    const auto told = co_await self.receive<ended>();
    CHECK(told.reason == term("shutdown"_atom));
    CHECK(told.value == static_cast<int>(place::c));
    self.spawn([](context& me) -> process {
      const probe_options child_options;
      const auto child = co_await me.start_link<probe>({.name = "orphan"}, child_options);
      static_cast<void>(child);
      me.exit("gone"_atom);
    });
    co_await self.sleep(1s);
    CHECK(self.whereis("orphan") == pid());
  });
}

// --- hibernation ----------------------------------------------------------------------------------------------------

TEST_CASE("statem: it hibernates before the next wait, and not when events come first") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"hibernate"});
    co_await self.sleep(1s);
    tell(self, p, "y", {"hibernate", "insert:i"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "hibernating", "a cast y", "a internal i"});
  });
}

// --- sys ------------------------------------------------------------------------------------------------------------

TEST_CASE("statem: sys shows and replaces {State, Data}") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    const term state = co_await sys::get_state(self, p);
    CHECK(state == term::tuple({"a"_atom, to_term(lines{"a enter from a"})}));
    const std::function<term(const term&)> change = [](const term&) {
      return term::tuple({"b"_atom, to_term(lines{"replaced"})});
    };
    const term changed = co_await sys::replace_state(self, p, change);
    CHECK(changed.elements()[0] == term("b"_atom));
    const lines log = co_await log_of(self, p);
    CHECK(log == lines{"replaced"});  // no enter call is made
    const std::string answer = co_await asked_for(self, p, "x");
    CHECK(answer == "x@b");
    const std::function<term(const term&)> wrong = [](const term&) { return term("text"); };
    term why;
    try {
      static_cast<void>(co_await sys::replace_state(self, p, wrong));
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why.is_tuple("callback_failed"_atom));
  });
}

TEST_CASE("statem: sys:get_status names a state machine, its timeouts, and what is postponed") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"postpone"});
    tell(self, p, "y", {"state:1000:s", "set:t1:1000:n"});
    const term status = co_await sys::get_status(self, p);
    CHECK(status.elements()[2] == term::tuple({"module"_atom, "gen_statem"_atom}));
    const term parts = status.elements()[3].elements()[4];
    std::string header;
    for (const term& c : parts.elements()[0].elements()[1].elements()) header += static_cast<char>(c.as_integer());
    CHECK(header.starts_with("Status for state machine"));
    const term extra = parts.elements()[2].elements()[1];
    CHECK(extra.elements()[0].elements()[1].elements()[0] == term(2));
    CHECK(extra.elements()[1].elements()[1].elements().size() == 1);
    CHECK(extra.elements()[1].to_string().find("cast") != std::string::npos);
    const term state = parts.elements()[3].elements()[1].elements()[0].elements()[1];
    CHECK(state.elements()[0] == term("a"_atom));
  });
}

TEST_CASE("statem: a suspended machine handles nothing, and then all in order") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::suspend(self, p);
    tell(self, p, "x", {"next:b"});
    tell(self, p, "y");
    const term state = co_await sys::get_state(self, p);
    CHECK(state.elements()[0] == term("a"_atom));
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b cast y"});
  });
}

TEST_CASE("statem: code_change may give the state of the new code, and may refuse") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::suspend(self, p);
    co_await sys::change_code(self, p, "probe"_atom, term(1), term("good"_atom));
    term why;
    try {
      co_await sys::change_code(self, p, "probe"_atom, term(1), term("bad"_atom));
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why.to_string().find("no way") != std::string::npos);
    co_await sys::resume(self, p);
    const std::string answer = co_await asked_for(self, p, "x");
    CHECK(answer == "x@c");
  });
}

TEST_CASE("statem: sys logs what was consumed and postponed, with the states before and after") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::log(self, p, 10);
    tell(self, p, "x", {"a?postpone"});
    tell(self, p, "y", {"next:b", "insert:i", "set:t1:5000:n"});
    const auto events = co_await sys::get_log(self, p);
    lines kinds;
    for (const term& e : events) kinds.push_back(e.elements()[0].to_string());
    CHECK(kinds == lines{"in", "postpone", "in", "in", "consume", "start_timer", "consume", "consume"});
    CHECK(events[4].elements()[2] == term("a"_atom));
    CHECK(events[4].elements()[3] == term("b"_atom));
  });
}

TEST_CASE("statem: its object lives in a process of its own") {
  bool thrown = false;
  try {
    probe p{probe_options{}};
  } catch (const usage_error&) {
    thrown = true;
  }
  CHECK(thrown);
}
