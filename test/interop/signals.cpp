// SPDX-License-Identifier: BSL-1.0
// Links, monitors, exit signals and aliases between a process of ours and one of theirs.
#include "agent.hpp"

#include <random>
#include <thread>

using namespace interop;

namespace {

/// Watches a process of ours from now on, for the reason that it ends with.
struct watched_end {
  watched_end(node& ours, const pid& process) : here(ours), watcher(here.spawn(agent)) {
    here.call<do_monitor>(watcher, process);
  }
  term reason() { return here.call<do_next>(watcher, after(patience))[4]; }

  node& here;
  pid watcher;
};

/// An agent on each side. Theirs traps exits when it is told to; both are killed at the end.
struct pair {
  pair(node& ours, otp& theirs) : here(ours), there(theirs) {
    a = here.spawn(agent);
    b = there.eval("troupe_otp:agent()").as_pid();
  }
  ~pair() {
    here.exit(a, "kill"_atom);
    here.exit(b, "kill"_atom);
  }
  pair(const pair&) = delete;
  pair& operator=(const pair&) = delete;

  /// Has theirs evaluate something, where A and B are the two.
  term there_in(const std::string& what, bindings more = {}) {
    more.emplace_back("A", a);
    more.emplace_back("B", b);
    return there.eval("troupe_otp:in(B, fun() -> " + what + " end)", more);
  }
  /// What theirs has received.
  term there_next() { return there.eval("troupe_otp:next(B)", {{"B", b}}); }
  bool there_linked() {
    return there.eval("{links, L} = process_info(B, links), lists:member(A, L)", {{"A", a}, {"B", b}}) == term(true);
  }
  /// Both have acted on all that the other one has sent.
  void settle() {
    CHECK(there_in("{got, settle} = gen_server:call(A, settle), ok") == term("ok"_atom));
    here.call<do_send>(a, b, "settle"_atom);
    CHECK(there_in("receive settle -> ok after 10000 -> none end") == term("ok"_atom));
  }
  term here_next() { return here.call<do_next>(a, after(patience)); }

  node& here;
  otp& there;
  pid a;
  pid b;
};

}  // namespace

TEST_CASE("a link holds from either end: whoever ends, the other one gets its reason") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  for (const bool we_link : {true, false}) {
    for (const bool we_end : {true, false}) {
      CAPTURE(we_link);
      CAPTURE(we_end);
      pair p(here, there);
      here.call<do_trap>(p.a, true);
      p.there_in("process_flag(trap_exit, true)");
      if (we_link)
        here.call<do_link>(p.a, p.b);
      else
        p.there_in("link(A)");
      p.settle();
      CHECK(p.there_linked());
      const term reason = term::tuple({"because"_atom, term::list({1, "x"})});
      if (we_end) {
        here.send<do_end>(p.a, reason);
        CHECK(p.there_next() == exit_message(p.a, reason));
        CHECK_FALSE(p.there_linked());
      } else {
        there.eval("catch troupe_otp:in(B, fun() -> erlang:exit(B, kill) end)", {{"B", p.b}});
        CHECK(p.here_next() == exit_message(p.b, "killed"_atom));
      }
    }
  }
}

TEST_CASE("who does not trap exits ends with the reason of the link, and by normal not at all") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  pair p(here, there);
  here.call<do_link>(p.a, p.b);
  p.settle();
  const term other = there.eval("troupe_otp:agent()");
  const term watch = there.eval("troupe_otp:in(O, fun() -> monitor(process, B) end)", {{"O", other}, {"B", p.b}});
  p.settle();
  here.send<do_end>(p.a, "shutdown"_atom);
  CHECK(there.eval("troupe_otp:next(O)", {{"O", other}}) == down_message(watch.as_reference(), p.b, "shutdown"_atom));

  const pid c = here.spawn(agent);
  there.eval("spawn(fun() -> link(C) end), ok", {{"C", c}});  // ends normally
  there.eval(
      "{P, R} = spawn_monitor(fun() -> link(C), {got, x} = gen_server:call(C, x) end), receive {'DOWN', R, _, _, "
      "normal} -> ok end",
      {{"C", c}});
  CHECK(here.call(c, term("still there")).is_tuple("got"_atom));
  watched_end end(here, c);
  there.eval("spawn(fun() -> link(C), {got, x} = gen_server:call(C, x), exit(gone) end)", {{"C", c}});
  CHECK(end.reason() == term("gone"_atom));
  there.eval("exit(O, kill)", {{"O", other}});
}

TEST_CASE("a link to a process that has gone: noproc at once, on either side") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  pair p(here, there);
  const term dead = there.eval("{P, R} = spawn_monitor(fun() -> ok end), receive {'DOWN', R, _, _, _} -> P end");
  here.call<do_trap>(p.a, true);
  here.call<do_link>(p.a, dead.as_pid());
  CHECK(p.here_next() == exit_message(dead.as_pid(), "noproc"_atom));

  const pid ours = here.spawn([](context&) -> process { co_return; });
  here.wait(ours, patience);
  p.there_in("process_flag(trap_exit, true), link(P)", {{"P", ours}});
  CHECK(p.there_next() == exit_message(ours, "noproc"_atom));
}

TEST_CASE("after unlink nothing comes from the link, from either side") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  for (const bool we_unlink : {true, false}) {
    CAPTURE(we_unlink);
    pair p(here, there);
    here.call<do_trap>(p.a, true);
    p.there_in("process_flag(trap_exit, true)");
    here.call<do_link>(p.a, p.b);
    p.settle();
    CHECK(p.there_linked());
    if (we_unlink)
      here.call<do_unlink>(p.a, p.b);
    else
      p.there_in("unlink(A)");
    p.settle();
    CHECK_FALSE(p.there_linked());
    const term watch = p.there_in("monitor(process, A)");
    p.settle();
    here.send<do_end>(p.a, "ended"_atom);
    CHECK(p.there_next() == down_message(watch.as_reference(), p.a, "ended"_atom));
    CHECK(there.eval("troupe_otp:inbox(B)", {{"B", p.b}}) == term::list({}));
  }
}

TEST_CASE("storms of link and unlink from both sides at once leave both sides with the same opinion") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  std::mt19937 random(17);
  int linked_ends = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    pair p(here, there);
    here.call<do_trap>(p.a, true);
    p.there_in("process_flag(trap_exit, true)");
    const int ours = 1 + static_cast<int>(random() % 40);
    const int theirs = 1 + static_cast<int>(random() % 40);
    const bool we_last = random() % 2 == 0;
    const bool they_last = random() % 2 == 0;
    std::thread other([&] {
      CHECK(p.there_in("troupe_otp:link_storm(A, N, L)", {{"N", theirs}, {"L", they_last}}) == term("ok"_atom));
    });
    here.call<do_storm>(p.a, p.b, ours, we_last);
    other.join();
    p.settle();
    p.settle();
    const bool linked = p.there_linked();
    linked_ends += linked;
    // Whose last word was to link, is linked unless the other one has unlinked after that; none, if neither.
    if (!we_last && !they_last) CHECK_FALSE(linked);
    if (we_last && they_last) CHECK(linked);
    if (round % 2 == 0) {
      const term watch = p.there_in("monitor(process, A)");
      p.settle();
      here.send<do_end>(p.a, "ended"_atom);
      // Links break before monitors fire.
      if (linked) CHECK(p.there_next() == exit_message(p.a, "ended"_atom));
      CHECK(p.there_next() == down_message(watch.as_reference(), p.a, "ended"_atom));
    } else {
      const reference watch = here.call<do_monitor>(p.a, p.b);
      p.settle();
      p.there_in("process_flag(trap_exit, false)");
      there.eval("exit(B, bye)", {{"B", p.b}});
      std::vector<term> got{p.here_next()};
      if (linked) got.push_back(p.here_next());
      const term down = down_message(watch, p.b, "bye"_atom);
      CHECK(std::count(got.begin(), got.end(), down) == 1);
      if (linked) CHECK(std::count(got.begin(), got.end(), exit_message(p.b, "bye"_atom)) == 1);
      CHECK(here.call<do_count>(p.a) == 0);
    }
  }
  CHECK(linked_ends > 0);
  CHECK(linked_ends < 60);
}

TEST_CASE(
    "exit(Pid, Reason) both ways: kill kills untrappably as killed, normal does nothing, others end or are trapped") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  // Theirs to ours.
  const auto ours_ends_by = [&](const char* reason, bool trap) {
    const pid c = here.spawn(agent);
    if (trap) here.call<do_trap>(c, true);
    there.eval("exit(C, R), {got, x} = (catch gen_server:call(C, x)), ok", {{"C", c}, {"R", atom(reason)}});
    return c;
  };
  for (const bool trap : {false, true}) {
    const pid c = here.spawn(agent);
    if (trap) here.call<do_trap>(c, true);
    watched_end end(here, c);
    there.eval("exit(C, kill)", {{"C", c}});
    CHECK(end.reason() == term("killed"_atom));
  }
  const pid calm = ours_ends_by("normal", false);
  CHECK(here.is_alive(calm));
  const pid trapping = ours_ends_by("stop", true);
  CHECK(here.call<do_next>(trapping, after(patience))[2] == term("stop"_atom));
  const pid ended = here.spawn(agent);
  watched_end end(here, ended);
  there.eval("exit(C, {a, reason})", {{"C", ended}});
  CHECK(end.reason() == term::tuple({"a"_atom, "reason"_atom}));

  // Ours to theirs.
  const pid a = here.spawn(agent);
  const auto their_end = [&](const term& reason, bool trap) {
    return there.eval(
        "B = troupe_otp:agent(), troupe_otp:in(B, fun() -> process_flag(trap_exit, T) end), R = monitor(process, B),"
        "gen_server:call(A, {do_exit, B, E}), B2 = B,"
        "receive {'DOWN', R, _, _, W} -> {ended, W} after 0 -> "
        "  case troupe_otp:in(B, fun() -> receive {'EXIT', F, X} -> {trapped, F, X} after 0 -> nothing end end) of"
        "    {down, _} -> receive {'DOWN', R, _, _, W} -> {ended, W} end; Other -> Other end end",
        {{"A", a}, {"E", reason}, {"T", trap}});
  };
  CHECK(their_end("kill"_atom, false) == term::tuple({"ended"_atom, "killed"_atom}));
  CHECK(their_end("kill"_atom, true) == term::tuple({"ended"_atom, "killed"_atom}));
  CHECK(their_end("normal"_atom, false) == term("nothing"_atom));
  CHECK(their_end("normal"_atom, true) == term::tuple({"trapped"_atom, a, "normal"_atom}));
  CHECK(their_end(term::tuple({"x"_atom, 1}), false) == term::tuple({"ended"_atom, term::tuple({"x"_atom, 1})}));
  CHECK(their_end("stop"_atom, true) == term::tuple({"trapped"_atom, a, "stop"_atom}));
}

TEST_CASE("kill over a link is a reason like others: trapped as kill, and ends as kill") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid trapping = here.spawn(agent);
  const pid other = here.spawn(agent);
  here.call<do_trap>(trapping, true);
  watched_end end(here, other);
  const term they = there.eval(
      "spawn(fun() -> link(T), link(O), {got, x} = gen_server:call(T, x), {got, x} = gen_server:call(O, x), exit(kill) "
      "end)",
      {{"T", trapping}, {"O", other}});
  CHECK(here.call<do_next>(trapping, after(patience)) == exit_message(they.as_pid(), "kill"_atom));
  CHECK(end.reason() == term("kill"_atom));

  pair p(here, there);
  p.there_in("process_flag(trap_exit, true), link(A)");
  p.settle();
  here.send<do_end>(p.a, "kill"_atom);
  CHECK(p.there_next() == exit_message(p.a, "kill"_atom));
}

TEST_CASE("monitors by pid, both ways: each gives one DOWN, a cancelled one none, and noproc comes at once") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  pair p(here, there);
  // Theirs of ours.
  const pid c = here.spawn(agent);
  const term first = p.there_in("monitor(process, C)", {{"C", c}});
  const term second = p.there_in("monitor(process, C)", {{"C", c}});
  const term third = p.there_in("monitor(process, C)", {{"C", c}});
  p.there_in("demonitor(R)", {{"R", second}});
  p.settle();
  here.send<do_end>(c, term::tuple({"over"_atom}));
  std::vector<term> got{p.there_next(), p.there_next()};
  for (const term& r : {first, third})
    CHECK(std::count(got.begin(), got.end(), down_message(r.as_reference(), c, term::tuple({"over"_atom}))) == 1);
  p.settle();
  CHECK(there.eval("troupe_otp:inbox(B)", {{"B", p.b}}) == term::list({}));
  const term late = p.there_in("monitor(process, C)", {{"C", c}});
  CHECK(p.there_next() == down_message(late.as_reference(), c, "noproc"_atom));

  // Ours of theirs.
  const pid d = there.eval("troupe_otp:agent()").as_pid();
  const reference one = here.call<do_monitor>(p.a, d);
  const reference two = here.call<do_monitor>(p.a, d);
  const reference three = here.call<do_monitor>(p.a, d);
  here.call<do_demonitor>(p.a, two);
  p.settle();
  there.eval("exit(D, over)", {{"D", d}});
  got = {p.here_next(), p.here_next()};
  for (const reference& r : {one, three})
    CHECK(std::count(got.begin(), got.end(), down_message(r, d, "over"_atom)) == 1);
  const reference after_it = here.call<do_monitor>(p.a, d);
  CHECK(p.here_next() == down_message(after_it, d, "noproc"_atom));
  CHECK(here.call<do_count>(p.a) == 0);
}

TEST_CASE("a monitor by name: DOWN shows {Name,Node} there, name and node here") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  pair p(here, there);
  const atom name = "somebody"_atom;
  // Theirs of ours.
  const pid c = here.spawn({.name = "somebody"}, agent);
  const term ours = term::tuple({name, atom(here.name())});
  const term r = p.there_in("monitor(process, N)", {{"N", ours}});
  const term cancelled = p.there_in("R = monitor(process, N), demonitor(R), R", {{"N", ours}});
  static_cast<void>(cancelled);
  p.settle();
  here.send<do_end>(c, "over"_atom);
  CHECK(p.there_next() == down_message(r.as_reference(), ours, "over"_atom));
  CHECK(eventually([&] { return !here.whereis("somebody"); }));
  const term none = p.there_in("monitor(process, N)", {{"N", ours}});
  CHECK(p.there_next() == down_message(none.as_reference(), ours, "noproc"_atom));
  CHECK(there.eval("troupe_otp:inbox(B)", {{"B", p.b}}) == term::list({}));

  // Ours of theirs.
  const term theirs = term::tuple({name, atom(there.name())});
  const pid d = there.eval("D = troupe_otp:agent(), register(somebody, D), D").as_pid();
  const reference m = here.call<do_monitor_name>(p.a, name, atom(there.name()));
  const reference dropped = here.call<do_monitor_name>(p.a, name, atom(there.name()));
  here.call<do_demonitor>(p.a, dropped);
  p.settle();
  there.eval("exit(D, over)", {{"D", d}});
  CHECK(p.here_next() == down_message(m, theirs, "over"_atom));
  const reference missing = here.call<do_monitor_name>(p.a, name, atom(there.name()));
  CHECK(p.here_next() == down_message(missing, theirs, "noproc"_atom));
  CHECK(here.call<do_count>(p.a) == 0);
}

TEST_CASE("messages of a process arrive before its DOWN, all of them and in order, both ways") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const auto talker = [](context& self, pid to, int n) -> process {
    co_await self.receive<term>();
    for (int i = 0; i < n; ++i) self.send(to, term::tuple({"number"_atom, i}));
    self.exit("talked"_atom);
  };
  here.export_as("talker", talker);
  CHECK(there.eval("{P, R} = spawn_monitor(B, troupe, talker, [self(), 5000]), P ! go,"
                   "{troupe_otp:receive_numbers(0, 5000),"
                   " receive M -> M =:= {'DOWN', R, process, P, talked} after 10000 -> none end}",
                   {{"B", atom(here.name())}}) == term::tuple({"ok"_atom, term(true)}));
  run(
      here,
      [](context& self, otp_handle erlang) -> process {
        const bindings with{{"A", self.pid()}};
        const term p = co_await eval(
            self, erlang, "spawn(fun() -> receive go -> troupe_otp:send_numbers(A, 0, 5000), exit(talked) end end)",
            with);
        const reference m = self.monitor(p.as_pid());
        self.send(p.as_pid(), "go"_atom);
        for (int i = 0; i < 5000; ++i) {
          int got = -1;
          const auto number = [&got](const term& t) { got = static_cast<int>(t[1].as_integer()); };
          const auto down_early = [](const down&) {};
          auto clause = after(patience);
          co_await self.receive(number, down_early, clause);
          if (got != i) {
            CHECK(got == i);
            co_return;
          }
        }
        const down d = co_await next<down>(self);
        CHECK(d.ref == m);
        CHECK(d.reason == term("talked"_atom));
      },
      otp_handle(there));
}

TEST_CASE("an alias of theirs and one of ours take messages until they are given up") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  pair p(here, there);
  // Theirs.
  const term theirs = p.there_in("alias()");
  here.call<do_send_alias>(p.a, theirs.as_reference(), term("one"));
  here.call<do_send_alias>(p.a, theirs.as_reference(), term(2));
  CHECK(p.there_next() == term("one"));
  CHECK(p.there_next() == term(2));
  CHECK(p.there_in("unalias(R)", {{"R", theirs}}) == term(true));
  here.call<do_send_alias>(p.a, theirs.as_reference(), term("lost"));
  p.settle();
  CHECK(there.eval("troupe_otp:inbox(B)", {{"B", p.b}}) == term::list({}));
  const term once = p.there_in("alias([reply])");
  here.call<do_send_alias>(p.a, once.as_reference(), term("first"));
  here.call<do_send_alias>(p.a, once.as_reference(), term("lost"));
  p.settle();
  CHECK(there.eval("troupe_otp:inbox(B)", {{"B", p.b}}) == term::list({"first"}));

  // Ours.
  const reference ours = here.call<do_make_alias>(p.a, false);
  p.there_in("R ! one, erlang:send(R, {two, <<\"2\">>})", {{"R", ours}});
  CHECK(p.here_next() == term("one"_atom));
  CHECK(p.here_next() == term::tuple({"two"_atom, "2"}));
  // What looks like an answer to nobody's question is a message like others.
  p.there_in("R ! {R, x}, R ! {[alias|R], y}", {{"R", ours}});
  CHECK(p.here_next() == term::tuple({ours, "x"_atom}));
  CHECK(p.here_next()[1] == term("y"_atom));
  CHECK(here.call<do_drop_alias>(p.a, ours));
  p.there_in("R ! lost", {{"R", ours}});
  p.settle();
  CHECK(here.call<do_count>(p.a) == 0);
  const reference one = here.call<do_make_alias>(p.a, true);
  p.there_in("R ! first, R ! lost", {{"R", one}});
  p.settle();
  CHECK(p.here_next() == term("first"_atom));
  CHECK(here.call<do_count>(p.a) == 0);
}
