// SPDX-License-Identifier: BSL-1.0
// OS processes that die, on either side, and come back as another incarnation of the same node.
#include "agent.hpp"

#include <algorithm>

using namespace interop;

namespace {

/// A node of ours in an OS process of its own.
std::unique_ptr<child> start_child(const std::string& name) {
  return std::make_unique<child>(std::vector<std::string>{TROUPE_TEST_CHILD, name, cookie, std::to_string(epmd_port())},
                                 std::vector<std::string>{}, "/dev/null");
}

/// It answers pings, and its server, which it registers when it can be reached already, answers too.
bool is_up(otp& there, const std::string& name) {
  return eventually([&] {
    return there.eval("net_adm:ping(B) =:= pong andalso (catch gen_server:call({server, B}, up)) =:= {got, up}",
                      {{"B", atom(name)}}) == term("true"_atom);
  });
}

process calls(context& self, destination to, term question, pid tell) {
  const term reason = co_await failure(self, to, question);
  self.send(tell, term::tuple({"failed"_atom, reason}));
}

}  // namespace

TEST_CASE("their OS process is killed: links, monitors, calls and node monitors of ours hear of it, each once") {
  auto there = std::make_unique<otp>(otp_options{.name = "doomed", .hidden = true});
  const atom node_name(there->name());
  node here(options_of(fresh_name()));
  const pid a = here.spawn({.name = "a"}, agent);
  const pid linked = here.spawn(agent);
  const pid server = there->eval("troupe_otp:start_server(silent)").as_pid();
  CHECK(here.connect(there->name(), patience));
  here.call<do_trap>(a, true);
  here.call<do_link>(a, server);
  here.call<do_link>(linked, server);
  const reference by_pid = here.call<do_monitor>(a, server);
  const reference by_name = here.call<do_monitor_name>(a, "silent"_atom, node_name);
  here.call<do_monitor_node>(a, node_name);
  here.call<do_monitor_nodes>(a, true);
  const pid watcher = here.spawn(agent);
  const reference end_of_linked = here.call<do_monitor>(watcher, linked);
  here.spawn(calls, destination(server), term("silence"_atom), watcher);
  here.spawn(calls, remote("silent", node_name), term("silence"_atom), watcher);
  // The calls have come there when those of the agent after them are answered; so have its links and monitors.
  CHECK(eventually([&] {
    return there->eval("{monitored_by, L} = process_info(whereis(silent), monitored_by), length(L)") == term(4);
  }));

  const std::size_t before = log_capture::count();
  there->kill();
  std::vector<term> got;
  for (int i = 0; i < 5; ++i) got.push_back(here.call<do_next>(a, after(patience)));
  const term down = term::tuple({"nodedown"_atom, node_name});
  CHECK(std::count(got.begin(), got.end(), exit_message(server, "noconnection"_atom)) == 1);
  CHECK(std::count(got.begin(), got.end(), down_message(by_pid, server, "noconnection"_atom)) == 1);
  CHECK(std::count(got.begin(), got.end(),
                   down_message(by_name, term::tuple({"silent"_atom, node_name}), "noconnection"_atom)) == 1);
  CHECK(std::count(got.begin(), got.end(), down) == 2);
  std::vector<term> others;
  for (int i = 0; i < 3; ++i) others.push_back(here.call<do_next>(watcher, after(patience)));
  CHECK(std::count(others.begin(), others.end(), term::tuple({"failed"_atom, "noconnection"_atom})) == 2);
  CHECK(std::count(others.begin(), others.end(), down_message(end_of_linked, linked, "noconnection"_atom)) == 1);
  CHECK(here.call<do_count>(a) == 0);
  CHECK(log_capture::lines(node_name.name(), before).size() == 1);

  // It comes back with another creation. What was of the old one has gone, and asking for it harms nobody.
  there = std::make_unique<otp>(otp_options{.name = "doomed", .hidden = true});
  const pid again = there->eval("troupe_otp:start_server(silent)").as_pid();
  CHECK(again.creation() != server.creation());
  CHECK(here.call(again, term::tuple({"add"_atom, 1, 2}), patience) == term(3));
  // monitor_nodes has told of it; monitor_node was for one time.
  CHECK(here.call<do_next>(a, after(patience)) == term::tuple({"nodeup"_atom, node_name}));
  const reference stale = here.call<do_monitor>(a, server);
  CHECK(here.call<do_next>(a, after(patience)) == down_message(stale, server, "noproc"_atom));
  here.call<do_link>(a, server);
  CHECK(here.call<do_next>(a, after(patience)) == exit_message(server, "noproc"_atom));
  here.call<do_unlink>(a, server);
  here.call<do_exit>(a, server, "kill"_atom);
  here.call<do_send>(a, server, "into_the_void"_atom);
  try {
    here.call(server, term("hello"), patience);
    FAIL_CHECK("a process of the old incarnation has answered");
  } catch (const call_failed& e) {
    CHECK(e.reason() == term("noproc"_atom));
  }
  CHECK(here.call(remote("silent", node_name), term::tuple({"add"_atom, 3, 4}), patience) == term(7));
  CHECK(there->eval("net_adm:ping(B)", {{"B", atom(here.name())}}) == term("pong"_atom));
  CHECK(log_capture::lines("has ended", before).size() == 1);
  CHECK(here.call<do_count>(a) == 0);
}

TEST_CASE("our OS process is killed: theirs hears of it at once; and of nothing else when we are back") {
  otp& there = hidden_otp();
  const std::string name = fresh_name();
  const bindings b{{"B", atom(name)}};
  auto ours = start_child(name);
  CHECK(is_up(there, name));
  const term a = there.eval(
      "A = troupe_otp:agent(), {_, _} = troupe_otp:in(A, fun() ->"
      "  process_flag(trap_exit, true), P = spawn_link(B, troupe, server, []), put(p, P), put(m, monitor(process, P)),"
      "  put(n, monitor(process, {server, B})), erlang:monitor_node(B, true),"
      "  {got, x} = gen_server:call(P, x) end), A",
      b);
  const bindings with{{"A", a}, {"B", atom(name)}};
  ours->kill();
  CHECK(there.eval("troupe_otp:in(A, fun() -> P = get(p), M = get(m), N = get(n),"
                   " [receive {'EXIT', P, noconnection} -> ok after 10000 -> no_exit end,"
                   "  receive {'DOWN', M, process, P, noconnection} -> ok after 10000 -> no_down end,"
                   "  receive {'DOWN', N, process, {server, B}, noconnection} -> ok after 10000 -> no_down_of_name end,"
                   "  receive {nodedown, B} -> ok after 10000 -> no_nodedown end] end)",
                   with) == term::list({"ok"_atom, "ok"_atom, "ok"_atom, "ok"_atom}));
  CHECK(there.eval("troupe_otp:outcome(fun() -> gen_server:call({server, B}, x) end)", b)[0] == term("exit"_atom));

  ours = start_child(name);
  CHECK(is_up(there, name));
  // The old pid: our new incarnation says noproc, and goes on.
  CHECK(there.eval("troupe_otp:in(A, fun() -> P = get(p), R = monitor(process, P), link(P), P ! hello, exit(P, kill),"
                   " {receive {'DOWN', R, process, P, D} -> D after 10000 -> none end,"
                   "  receive {'EXIT', P, E} -> E after 10000 -> none end,"
                   "  (catch gen_server:call(P, x)), gen_server:call({server, B}, y)} end)",
                   with)[0] == term("noproc"_atom));
  CHECK(there.eval("troupe_otp:in(A, fun() -> gen_server:call({server, B}, y) end)", with) ==
        term::tuple({"got"_atom, "y"_atom}));
  CHECK(there.eval("troupe_otp:inbox(A)", with) == term::list({}));
  there.eval("exit(A, kill)", with);
}

TEST_CASE(
    "our OS process stands still: theirs takes it for dead after the tick time, and connects again when it goes on") {
  otp there({.name = "patient", .hidden = true, .arguments = {"-kernel", "net_ticktime", "1"}});
  const std::string name = fresh_name();
  const bindings b{{"B", atom(name)}};
  auto ours = start_child(name);
  CHECK(is_up(there, name));
  ours->pause();
  CHECK(there.eval("erlang:monitor_node(B, true), receive {nodedown, B} -> ok after 10000 -> none end", b) ==
        term("ok"_atom));
  ours->resume();
  CHECK(is_up(there, name));
  CHECK(there.eval("gen_server:call({server, B}, y)", b) == term::tuple({"got"_atom, "y"_atom}));
}

TEST_CASE("a node of ours that is killed and started again at once, five times, is reached each time") {
  otp& there = hidden_otp();
  const std::string name = fresh_name();
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    auto ours = start_child(name);
    CHECK(is_up(there, name));
    CHECK(there.eval("gen_server:call({server, B}, y)", {{"B", atom(name)}}) == term::tuple({"got"_atom, "y"_atom}));
  }
}
