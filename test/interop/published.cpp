// SPDX-License-Identifier: BSL-1.0
// A published node of ours among published nodes of theirs: what OTP's own services do with it, and that they do not
// suffer.
#include "agent.hpp"

using namespace interop;

TEST_CASE(
    "global of OTP registers names and takes locks at once with us as a published node, and parts with no other node "
    "for us") {
  otp& there = published_otp();
  otp other({.name = "second"});
  node here(options_of(fresh_name(), false));
  CHECK(there.eval("net_adm:ping(N)", {{"N", atom(other.name())}}) == term("pong"_atom));
  CHECK(here.connect(there.name(), patience));
  CHECK(here.connect(other.name(), patience));
  CHECK(there.eval("troupe_otp:until(fun() -> lists:member(B, nodes()) andalso lists:member(N, nodes()) end)",
                   {{"B", atom(here.name())}, {"N", atom(other.name())}}) == term(true));
  const bindings b{{"B", atom(here.name())}, {"N", atom(other.name())}};
  CHECK(there.eval(
            "P = troupe_otp:agent(), yes = global:register_name(some_name, P), P =:= global:whereis_name(some_name)") ==
        term(true));
  CHECK(other.eval("troupe_otp:until(fun() -> is_pid(global:whereis_name(some_name)) end)") == term(true));
  CHECK(there.eval("Id = {lock, self()}, true = global:set_lock(Id, [node() | nodes()], 3), global:del_lock(Id)") ==
        term(true));
  CHECK(there.eval("global:trans({all, self()}, fun() -> done end, [node() | nodes()])") == term("done"_atom));
  CHECK(there.eval("global:unregister_name(some_name), global:whereis_name(some_name)") == term("undefined"_atom));
  // It prevents no partition by disconnecting others because of us, and we stay.
  CHECK(here.disconnect(other.name()));
  CHECK(there.eval("net_adm:ping(N)", b) == term("pong"_atom));
  CHECK(there.eval("net_adm:ping(B)", b) == term("pong"_atom));
  CHECK(there.eval("lists:member(N, nodes())", b) == term(true));
  // A process of ours under a global name of theirs.
  const pid a = here.spawn({.name = "a"}, agent);
  CHECK(there.eval("yes = global:register_name(of_ours, A), gen_server:call({global, of_ours}, x)", {{"A", a}}) ==
        term::tuple({"got"_atom, "x"_atom}));
  here.exit(a, "kill"_atom);
  CHECK(there.eval("troupe_otp:until(fun() -> global:whereis_name(of_ours) =:= undefined end)") == term(true));
}

TEST_CASE("pg of OTP goes on undisturbed with us as a published node that has no pg") {
  otp& there = published_otp();
  otp other({.name = "third"});
  node here(options_of(fresh_name(), false));
  for (otp* one : {&there, &other}) CHECK(one->eval("{ok, P} = pg:start(pg), unlink(P), ok") == term("ok"_atom));
  CHECK(here.connect(there.name(), patience));
  CHECK(here.connect(other.name(), patience));
  CHECK(there.eval("net_adm:ping(N)", {{"N", atom(other.name())}}) == term("pong"_atom));
  CHECK(there.eval("P = troupe_otp:agent(), ok = pg:join(group, P), is_process_alive(whereis(pg))") == term(true));
  CHECK(other.eval("troupe_otp:until(fun() -> length(pg:get_members(group)) =:= 1 end)") == term(true));
  const pid a = here.spawn(agent);
  CHECK(there.eval("Q = whereis(pg), {badrpc, _} = rpc:call(B, pg, join, [group, A]), Q =:= whereis(pg)",
                   {{"B", atom(here.name())}, {"A", a}}) == term(true));
  here.disconnect(there.name());
  CHECK(there.eval("troupe_otp:until(fun() -> net_adm:ping(B) =:= pong end)", {{"B", atom(here.name())}}) ==
        term(true));
  CHECK(other.eval(
            "[P] = pg:get_members(group), pg:join(group, P2 = troupe_otp:agent()), length(pg:get_members(group))") ==
        term(2));
  CHECK(there.eval("troupe_otp:until(fun() -> length(pg:get_members(group)) =:= 2 end)") == term(true));
  there.eval("gen_server:stop(pg)");
}

TEST_CASE("monitor_nodes tells of visible nodes, and of hidden ones when asked to, on both sides") {
  otp& visible = published_otp();
  otp& hidden = hidden_otp();
  node here(options_of(fresh_name(), false));
  const pid some = here.spawn(agent);
  const pid all = here.spawn(agent);
  here.call<do_monitor_nodes>(some, false);
  here.call<do_monitor_nodes>(all, true);
  const auto watches = [&](otp& there) {
    return there.eval("A = troupe_otp:agent(), troupe_otp:in(A, fun() -> net_kernel:monitor_nodes(true) end), A");
  };
  const term of_visible = watches(visible);
  const term of_hidden = watches(hidden);
  CHECK(here.connect(hidden.name(), patience));
  CHECK(here.connect(visible.name(), patience));
  const auto nodeup = [](const otp& n) { return term::tuple({"nodeup"_atom, atom(n.name())}); };
  CHECK(here.call<do_next>(all, after(patience)) == nodeup(hidden));
  CHECK(here.call<do_next>(all, after(patience)) == nodeup(visible));
  CHECK(here.call<do_next>(some, after(patience)) == nodeup(visible));
  const bindings b{{"B", atom(here.name())}, {"A", of_visible}};
  CHECK(visible.eval("troupe_otp:in(A, fun() -> receive {nodeup, B} -> ok after 10000 -> none end end)", b) ==
        term("ok"_atom));
  CHECK(here.disconnect(visible.name()));
  CHECK(visible.eval("troupe_otp:in(A, fun() -> receive {nodedown, B} -> ok after 10000 -> none end end)", b) ==
        term("ok"_atom));
  CHECK(here.disconnect(hidden.name()));
  const auto nodedown = [](const otp& n) { return term::tuple({"nodedown"_atom, atom(n.name())}); };
  // Global of OTP's may have something to say to us yet, and dials anew.
  const auto next_but_up = [&](const pid& of) {
    term next = nodeup(visible);
    while (next == nodeup(visible)) next = here.call<do_next>(of, after(patience));
    return next;
  };
  // The two may end in either order.
  std::vector<term> got{next_but_up(all), next_but_up(all)};
  CHECK(std::count(got.begin(), got.end(), nodedown(visible)) == 1);
  CHECK(std::count(got.begin(), got.end(), nodedown(hidden)) == 1);
  CHECK(next_but_up(some) == nodedown(visible));
  while (here.call<do_count>(some) != 0) CHECK(here.call<do_next>(some) == nodeup(visible));
  CHECK(hidden.eval("troupe_otp:inbox(A)", {{"A", of_hidden}}) == term::list({}));
}

TEST_CASE("nothing of what OTP sends a published node on its own account is a mistake to us, or ends in our log") {
  otp& there = published_otp();
  const std::size_t before = log_capture::count();
  node here(options_of(fresh_name(), false));
  CHECK(there.eval("net_adm:ping(B)", {{"B", atom(here.name())}}) == term("pong"_atom));
  // What it sends at once has come before this answer.
  CHECK(there.eval("rpc:call(B, m, f, [])", {{"B", atom(here.name())}}).is_tuple("badrpc"_atom));
  CHECK(there.eval("troupe_otp:until(fun() -> erlang:disconnect_node(B) end)", {{"B", atom(here.name())}}) ==
        term(true));
  CHECK(log_capture::wait_for("has ended", before));
  CHECK(log_capture::lines("", before).size() == 2);  // that it listens, and that the connection has ended
}
