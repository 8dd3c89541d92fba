// SPDX-License-Identifier: BSL-1.0
// Processes that one side starts on the other, and rpc and erpc, which are built on that.
#include "agent.hpp"

using namespace interop;

namespace {

process ends(context& self, term reason) {
  self.exit(std::move(reason));
  co_return;
}

process returns(context&, int) {
  co_return;
}

struct broken {
  int n;
};

/// All that the other side may run.
void export_all(node& here) {
  here.export_as("agent", agent);
  here.export_as("ends", ends);
  here.export_as("returns", returns);
  here.export_as("calc:add", [](int a, int b) { return a + b; });
  here.export_as("calc:half", [](double x) { return x / 2; });
  here.export_as("calc:name", [](const std::string& s) { return "<" + s + ">"; });
  here.export_as("calc:fails", []() -> int { throw std::runtime_error("as asked"); });
  here.export_as("calc:exits", [](context& self, term reason) -> task<int> {
    self.exit(reason);
    co_return 0;
  });
  here.export_as("calc:calls", [](context& self, pid whom, term what) -> task<term> {
    co_return co_await self.call(whom, what, patience);
  });
  here.export_as("calc:hangs", [](context& self) -> task<void> { co_await self.receive<broken>(); });
  here.export_as("calc:self", [](context& self) { return self.pid(); });
  here.export_as("calc:nothing", [] {});
}

/// How an erpc of ours failed.
std::string how_of(const rpc_failed& e) {
  switch (e.how()) {
    case rpc_failed::kind::error: return "error";
    case rpc_failed::kind::exit: return "exit";
    case rpc_failed::kind::thrown: return "throw";
  }
  return "?";
}

/// {Kind, Reason} of a call of theirs by us; {value, V} when it does not fail; {call_failed, Reason}.
template <class... A>
task<term> outcome(context& self, bool by_erpc, process_name node, std::string what, A... arguments) {
  const export_name name{std::string_view(what)};
  try {
    if (by_erpc) {
      term value = co_await erpc(self, node, name, arguments...);
      co_return term::tuple({"value"_atom, std::move(value)});
    }
    term value = co_await rpc(self, node, name, arguments...);
    co_return term::tuple({"value"_atom, std::move(value)});
  } catch (const rpc_failed& e) {
    co_return term::tuple({atom(how_of(e)), e.reason()});
  } catch (const call_failed& e) {
    co_return term::tuple({"call_failed"_atom, e.reason()});
  }
}

}  // namespace

TEST_CASE("Erlang spawns a process of ours that is exported: plainly, linked, monitored, and by spawn_request") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  export_all(here);
  const bindings b{{"B", atom(here.name())}};
  CHECK(there.eval("P = spawn(B, troupe, agent, []), {got, x} = gen_server:call(P, x), node(P) =:= B", b) ==
        term(true));
  CHECK(there.eval("process_flag(trap_exit, true), P = spawn_link(B, troupe, ends, [{a, reason}]),"
                   "receive {'EXIT', P, R} -> R after 10000 -> none end",
                   b) == term::tuple({"a"_atom, "reason"_atom}));
  CHECK(there.eval("{P, M} = spawn_monitor(B, troupe, ends, [bye]),"
                   "receive {'DOWN', M, process, P, R} -> R after 10000 -> none end",
                   b) == term("bye"_atom));
  CHECK(there.eval("{P, M} = spawn_opt(B, troupe, agent, [], [link, monitor, {priority, high}, {min_heap_size, 1000}]),"
                   "process_flag(trap_exit, true), exit(P, kill),"
                   "{receive {'DOWN', M, process, P, R} -> R after 10000 -> none end,"
                   " receive {'EXIT', P, S} -> S after 10000 -> none end}",
                   b) == term::tuple({"killed"_atom, "killed"_atom}));
  CHECK(there.eval("R = spawn_request(B, troupe, ends, [over], [monitor, {reply_tag, here_it_is}]),"
                   "{receive {here_it_is, R, ok, P} -> node(P) =:= B after 10000 -> none end,"
                   " receive {'DOWN', R, process, _, W} -> W after 10000 -> none end}",
                   b) == term::tuple({term(true), "over"_atom}));
  CHECK(there.eval("R = spawn_request(B, troupe, ends, [over], [{reply, no}, {monitor, [{tag, mine}]}]),"
                   "receive {mine, R, process, _, W} -> W after 10000 -> none end",
                   b) == term("over"_atom));
  // An exported function is a process that ends when it returns.
  CHECK(there.eval("{P, M} = spawn_monitor(B, calc, add, [1, 2]),"
                   "receive {'DOWN', M, process, P, R} -> R after 10000 -> none end",
                   b) == term("normal"_atom));
}

TEST_CASE("what is not exported, or has other arguments, is a process that ends by undef or badarg, as in Erlang") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  export_all(here);
  const auto ended_by = [&](const char* function, const char* arguments) {
    return there.eval(std::string("{P, M} = spawn_monitor(B, troupe, ") + function + ", " + arguments +
                          "), receive {'DOWN', M, process, P, R} -> R after 10000 -> none end",
                      {{"B", atom(here.name())}});
  };
  const auto undef = [](const char* function, term arguments) {
    return term::tuple(
        {"undef"_atom,
         term::list({term::tuple({"troupe"_atom, atom(function), std::move(arguments), term::list({})})})});
  };
  CHECK(ended_by("nothing_of_that_name", "[1, x]") == undef("nothing_of_that_name", term::list({1, "x"_atom})));
  CHECK(ended_by("ends", "[]") == undef("ends", term::list({})));
  CHECK(ended_by("returns", "[not_a_number]").is_tuple("badarg"_atom));
  CHECK(there.eval("process_flag(trap_exit, true), P = spawn_link(B, os, cmd, [\"touch /tmp/x\"]),"
                   "receive {'EXIT', P, {undef, _}} -> ok after 10000 -> none end",
                   {{"B", atom(here.name())}}) == term("ok"_atom));
}

TEST_CASE("the reply to a spawn comes before the DOWN, however soon the process ends: 1,000 times") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  export_all(here);
  CHECK(there.eval("troupe_otp:instant_spawns(B, {troupe, ends, []}, 1000)", {{"B", atom(here.name())}}) == term(1000));
  // All at once.
  CHECK(there.eval(
            "Rs = [{spawn_request(B, troupe, ends, [I], [monitor]), I} || I <- lists:seq(1, 1000)],"
            "length([ok || {R, I} <- Rs, receive {spawn_reply, R, ok, P} -> receive {'DOWN', R, process, P, I} -> true "
            "after 5000 -> false end after 5000 -> false end])",
            {{"B", atom(here.name())}}) == term(1000));
}

TEST_CASE("whoever asked for a process and ended meanwhile: a linked one ends too") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  export_all(here);
  const std::size_t before = here.process_count();
  CHECK(there.eval("[begin {P, M} = spawn_monitor(fun() -> spawn_request(B, troupe, agent, [], [link, monitor]), "
                   "exit(gone) end),"
                   "receive {'DOWN', M, process, P, gone} -> ok end end || _ <- lists:seq(1, 100)], ok",
                   {{"B", atom(here.name())}}) == term("ok"_atom));
  there.eval("net_adm:ping(B)", {{"B", atom(here.name())}});
  // The two that serve the connection came meanwhile.
  CHECK(eventually([&] { return here.process_count() <= before + 2; }));
}

TEST_CASE("we spawn functions of Erlang's: plainly, linked, monitored; and undef, and a node that is not there") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  run(
      here,
      [](context& self, std::string node) -> process {
        self.trap_exit(true);
        const pid a = co_await spawn_at(self, node, "troupe_otp:agent");
        CHECK(node_of(a) == atom(node));
        const pid sender = co_await spawn_at(self, node, "erlang:send", self.pid(), "hello"_atom);
        CHECK(sender);
        const term hello = co_await next<term>(self);
        CHECK(hello == term("hello"_atom));

        const pid linked = co_await spawn_link_at(self, node, "erlang:exit", "bye"_atom);
        const exit_signal e = co_await next<exit_signal>(self);
        CHECK(e.from == linked);
        CHECK(e.reason == term("bye"_atom));

        spawn_at_options options;
        options.monitor = true;
        const spawned watched = co_await spawn_at(self, node, options, "timer:sleep", 100'000);
        self.exit(watched.pid, "kill"_atom);
        const down d = co_await next<down>(self);
        CHECK(d.ref == watched.monitor);
        CHECK(d.process == watched.pid);
        CHECK(d.reason == term("killed"_atom));

        const spawned undefined = co_await spawn_at(self, node, options, "lists:no_such_function", 1);
        const down u = co_await next<down>(self);
        CHECK(u.ref == undefined.monitor);
        CHECK(u.reason.is_tuple("undef"_atom));

        options.link = true;
        for (int i = 0; i < 200; ++i) {
          const spawned instant = co_await spawn_at(self, node, options, "erlang:exit", i);
          const down gone = co_await next<down>(self);
          const exit_signal broke = co_await next<exit_signal>(self);
          CHECK(gone.ref == instant.monitor);
          CHECK(broke.from == instant.pid);
          CHECK(gone.reason == term(i));
          CHECK(broke.reason == term(i));
        }

        term failed;
        try {
          const std::string nowhere = "nowhere@127.0.0.1";
          const pid never = co_await spawn_at(self, nowhere, "lists:reverse", 1);
          CHECK_FALSE(never);
        } catch (const call_failed& error) {
          failed = error.reason();
        }
        CHECK(failed == term("noconnection"_atom));
        CHECK(self.mailbox_length() == 0);
      },
      there.name());
}

TEST_CASE("what a process prints or logs that we have spawned there appears in our log") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const std::size_t before = log_capture::count();
  run(
      here,
      [](context& self, std::string node) -> process {
        const term arguments = term::list({term::tuple({"a"_atom, 1}), term("text"), 2.5});
        const pid prints = co_await spawn_at(self, node, "io:format", "printed ~p, ~ts and ~w~n", arguments);
        CHECK(prints);
        const pid puts = co_await spawn_at(self, node, "io:put_chars", "gr\xc3\xbc\xc3\x9f dich");
        CHECK(puts);
        const pid fails = co_await spawn_at(self, node, "erlang:error", "a_crash_of_theirs"_atom);
        CHECK(fails);
      },
      there.name());
  CHECK(log_capture::wait_for("printed {a,1}, text and 2.5", before));
  CHECK(log_capture::wait_for("gr\xc3\xbc\xc3\x9f dich", before));
  CHECK(log_capture::wait_for("a_crash_of_theirs", before));
}

TEST_CASE("what waits for input from us gets eof, and other requests of its io an answer, so that it does not hang") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid user = here.whereis("user");
  CHECK(there.eval(
            "{io:get_line(U, x), io:columns(U), io:getopts(U), io:request(U, {put_chars, unicode, <<\"to user\">>})}",
            {{"U", user}}) ==
        term::tuple({"eof"_atom, term::tuple({"error"_atom, "enotsup"_atom}), term::list({}), "ok"_atom}));
}

// --- rpc and erpc of theirs
// --------------------------------------------------------------------------------------------

TEST_CASE("rpc of theirs runs what is exported, and fails in Erlang's shapes") {
  for (otp* there : {&hidden_otp(), &published_otp()}) {
    node here(options_of(fresh_name(), false));
    export_all(here);
    const auto call = [&](const char* what) { return there->eval(what, {{"B", atom(here.name())}}); };
    CHECK(call("rpc:call(B, calc, add, [1, 2])") == term(3));
    CHECK(call("rpc:call(B, calc, half, [3])") == term(1.5));
    CHECK(call("rpc:call(B, calc, name, [<<\"x\">>], 10000)") == term("<x>"));
    CHECK(call("rpc:call(B, calc, nothing, [])") == term("ok"_atom));
    CHECK(call("rpc:block_call(B, calc, add, [3, 4])") == term(7));
    CHECK(call("node(rpc:call(B, calc, self, [])) =:= B") == term(true));
    CHECK(call("{badrpc, {'EXIT', {undef, [{calc, nix, [1, x], []} | _]}}} = rpc:call(B, calc, nix, [1, x]), ok") ==
          term("ok"_atom));
    CHECK(call("{badrpc, {'EXIT', {undef, [{os, cmd, [\"true\"], []} | _]}}} = rpc:call(B, os, cmd, [\"true\"]), ok") ==
          term("ok"_atom));
    CHECK(call("{badrpc, {'EXIT', {{badarg, _}, _}}} = rpc:call(B, calc, add, [1, x]), ok") == term("ok"_atom));
    CHECK(call("{badrpc, {'EXIT', {{error, <<\"as asked\">>}, _}}} = rpc:call(B, calc, fails, []), ok") ==
          term("ok"_atom));
    CHECK(call("rpc:call(B, calc, exits, [{my, reason}])") ==
          term::tuple({"badrpc"_atom, term::tuple({"EXIT"_atom, term::tuple({"my"_atom, "reason"_atom})})}));
    CHECK(call("rpc:call(B, calc, hangs, [], 1)") == term::tuple({"badrpc"_atom, "timeout"_atom}));
    CHECK(call("rpc:call('nowhere@127.0.0.1', calc, add, [1, 2])") == term::tuple({"badrpc"_atom, "nodedown"_atom}));
    CHECK(call("{[3, 3], ['nowhere@127.0.0.1']} = rpc:multicall([B, 'nowhere@127.0.0.1', B], calc, add, [1, 2]), ok") ==
          term("ok"_atom));
    CHECK(call("K = rpc:async_call(B, calc, add, [20, 2]), rpc:yield(K)") == term(22));
    // From theirs to ours and back to theirs.
    CHECK(call("P = troupe_otp:start_server(for_calls), rpc:call(B, calc, calls, [P, {add, 5, 6}])") == term(11));
    CHECK(call("gen_server:stop(for_calls)") == term("ok"_atom));
    // A cast runs too.
    here.spawn({.name = "agent"}, agent);
    here.export_as("calc:note", [](context& self, term what) { self.send("agent", what); });
    CHECK(call("rpc:cast(B, calc, note, [hello])") == term(true));
    CHECK(here.call<do_next>("agent", after(patience)) == term("hello"_atom));
    // The way of C nodes, by messages to rex.
    CHECK(call("{rex, B} ! {self(), {call, calc, add, [2, 3], user}}, receive {rex, R} -> R after 10000 -> none end") ==
          term(5));
    CHECK(call("{rex, B} ! {self(), features_request}, receive {features_reply, B, [erpc]} -> ok after 10000 -> none "
               "end") == term("ok"_atom));
    CHECK(call("{[B], ['nowhere@127.0.0.1']} = rpc:sbcast([B, 'nowhere@127.0.0.1'], agent, by_sbcast), ok") ==
          term("ok"_atom));
    CHECK(here.call<do_next>("agent", after(patience)) == term("by_sbcast"_atom));
    CHECK(call("gen_server:call({rex, B}, {call, calc, add, [2, 3], self()})") == term(5));
    CHECK(call("{badrpc, {'EXIT', {undef, _}}} = gen_server:call({rex, B}, {call, calc, nix, [], self()}), ok") ==
          term("ok"_atom));
  }
}

TEST_CASE("erpc of theirs tells all ways to end apart") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  export_all(here);
  const auto call = [&](const char* what) { return there.eval(what, {{"B", atom(here.name())}}); };
  CHECK(call("erpc:call(B, calc, add, [1, 2])") == term(3));
  CHECK(call("erpc:call(B, calc, add, [1, 2], 10000)") == term(3));
  CHECK(call("{error, {exception, undef, [{calc, nix, [1], []} | _]}} = troupe_otp:outcome(fun() -> erpc:call(B, calc, "
             "nix, [1]) end), ok") == term("ok"_atom));
  CHECK(call("{error, {exception, {badarg, _}, _}} = troupe_otp:outcome(fun() -> erpc:call(B, calc, add, [1, x]) end), "
             "ok") == term("ok"_atom));
  CHECK(call("{error, {exception, {error, <<\"as asked\">>}, _}} = troupe_otp:outcome(fun() -> erpc:call(B, calc, "
             "fails, []) end), ok") == term("ok"_atom));
  CHECK(call("troupe_otp:outcome(fun() -> erpc:call(B, calc, exits, [{my, reason}]) end)") ==
        term::tuple({"exit"_atom, term::tuple({"exception"_atom, term::tuple({"my"_atom, "reason"_atom})})}));
  CHECK(call("troupe_otp:outcome(fun() -> erpc:call(B, calc, hangs, [], 1) end)") ==
        term::tuple({"error"_atom, term::tuple({"erpc"_atom, "timeout"_atom})}));
  CHECK(call("troupe_otp:outcome(fun() -> erpc:call('nowhere@127.0.0.1', calc, hangs, []) end)") ==
        term::tuple({"error"_atom, term::tuple({"erpc"_atom, "noconnection"_atom})}));
  CHECK(call("[{ok, 3}, {error, {erpc, noconnection}}, {ok, 3}] = erpc:multicall([B, 'nowhere@127.0.0.1', B], calc, "
             "add, [1, 2]), ok") == term("ok"_atom));
  CHECK(call("R = erpc:send_request(B, calc, add, [4, 5]), erpc:receive_response(R, 10000)") == term(9));
  CHECK(call("Rs = [erpc:send_request(B, calc, add, [I, 1000]) || I <- lists:seq(1, 300)],"
             "[I + 1000 || I <- lists:seq(1, 300)] =:= [erpc:receive_response(R, 10000) || R <- Rs]") == term(true));
  here.spawn({.name = "agent"}, agent);
  here.export_as("calc:note", [](context& self, term what) { self.send("agent", what); });
  CHECK(call("erpc:cast(B, calc, note, [one]), erpc:multicast([B, B], calc, note, [two])") == term("ok"_atom));
  for (int i = 0; i < 3; ++i) CHECK(here.call<do_next>("agent", after(patience)).is_atom());
  // Killed from outside while it runs.
  here.export_as("calc:tells", [](context& self) -> task<void> {
    self.send("agent", term(self.pid()));
    co_await self.receive<broken>();
  });
  CHECK(call("Me = self(), spawn(fun() -> Me ! troupe_otp:outcome(fun() -> erpc:call(B, calc, tells, []) end) end),"
             "P = gen_server:call({agent, B}, do_next), exit(P, kill), receive O -> O after 10000 -> none end") ==
        term::tuple({"exit"_atom, term::tuple({"signal"_atom, "killed"_atom})}));
}

// --- rpc and erpc of ours
// ----------------------------------------------------------------------------------------------

TEST_CASE("rpc of ours gives what the function gives there, and tells failures as rpc:call does") {
  otp& there = published_otp();
  node here(options_of(fresh_name()));
  run(
      here,
      [](context& self, process_name node) -> process {
        const term list = term::list({1, 2.5, "x"});
        term got = co_await outcome(self, false, node, "lists:reverse", list);
        CHECK(got == term::tuple({"value"_atom, term::list({"x", 2.5, 1})}));
        got = co_await outcome(self, false, node, "erlang:node");
        CHECK(got[1] == term(node.atom()));
        got = co_await outcome(self, false, node, "lists:nix", 1);
        CHECK(got[0] == term("error"_atom));
        CHECK(got[1].is_tuple("EXIT"_atom));
        CHECK(got[1][1].is_tuple("undef"_atom));
        got = co_await outcome(self, false, node, "erlang:error", "oh"_atom);
        CHECK(got[1][1][0] == term("oh"_atom));
        got = co_await outcome(self, false, node, "erlang:exit", "oh"_atom);
        CHECK(got == term::tuple({"error"_atom, term::tuple({"EXIT"_atom, "oh"_atom})}));
        // What is thrown is the result, as in Erlang.
        got = co_await outcome(self, false, node, "erlang:throw", "oh"_atom);
        CHECK(got == term::tuple({"value"_atom, "oh"_atom}));
        got = co_await outcome(self, false, "nowhere@127.0.0.1", "erlang:node");
        CHECK(got == term::tuple({"call_failed"_atom, "noconnection"_atom}));
        term failed;
        try {
          const auto time = after(1ms);
          const term never = co_await rpc(self, node, time, "timer:sleep", 1000);
          CHECK(never == term());
        } catch (const call_failed& e) {
          failed = e.reason();
        }
        CHECK(failed == term("timeout"_atom));
      },
      process_name(there.name()));
}

TEST_CASE("erpc of ours tells a value, an error, an exit, a throw and a kill apart") {
  otp& there = published_otp();
  node here(options_of(fresh_name()));
  run(
      here,
      [](context& self, process_name node, otp_handle erlang) -> process {
        const term list = term::list({1, 2.5, "x"});
        term got = co_await outcome(self, true, node, "lists:reverse", list);
        CHECK(got == term::tuple({"value"_atom, term::list({"x", 2.5, 1})}));
        got = co_await outcome(self, true, node, "lists:nix", 1);
        CHECK(got == term::tuple({"error"_atom, "undef"_atom}));
        got = co_await outcome(self, true, node, "erlang:error", "oh"_atom);
        CHECK(got == term::tuple({"error"_atom, "oh"_atom}));
        got = co_await outcome(self, true, node, "erlang:exit", "oh"_atom);
        CHECK(got == term::tuple({"exit"_atom, "oh"_atom}));
        got = co_await outcome(self, true, node, "erlang:throw", "oh"_atom);
        CHECK(got == term::tuple({"throw"_atom, "oh"_atom}));
        got = co_await outcome(self, true, "nowhere@127.0.0.1", "erlang:node");
        CHECK(got == term::tuple({"call_failed"_atom, "noconnection"_atom}));
        term failed;
        try {
          const auto time = after(1ms);
          const term never = co_await erpc(self, node, time, "timer:sleep", 1000);
          CHECK(never == term());
        } catch (const call_failed& e) {
          failed = e.reason();
        }
        CHECK(failed == term("timeout"_atom));
        const bindings none;
        const term killer = co_await eval(
            self, erlang, "register(victim_killer, spawn(fun() -> receive P -> exit(P, kill) end end)), ok", none);
        CHECK(killer == term("ok"_atom));
        got = co_await outcome(self, true, node, "troupe_otp:wait_for_kill", "victim_killer"_atom);
        CHECK(got == term::tuple({"exit"_atom, "killed"_atom}));
        CHECK(self.mailbox_length() == 0);
      },
      process_name(there.name()), otp_handle(there));
}
