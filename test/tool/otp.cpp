// SPDX-License-Identifier: BSL-1.0
// The commands against a live node of Erlang/OTP, and Erlang against the observer.
#include "../interop/otp.hpp"
#include "programs.hpp"

#include <doctest/doctest.h>

using namespace tool_test;
using interop::published_otp;

namespace {

ended at_otp(const std::string& command, const std::vector<std::string>& more) {
  std::vector<std::string> all{command, published_otp().name()};
  all.insert(all.end(), more.begin(), more.end());
  all.insert(all.end(), {"--cookie", interop::cookie, "--epmd-port", std::to_string(interop::epmd_port())});
  return shell(all);
}

/// Keeps the last message; answers a call with it.
void start_keeper() {
  published_otp().eval(
      "case whereis(tool_keeper) of undefined -> ok; Old -> exit(Old, kill) end, timer:sleep(10),"
      "register(tool_keeper, spawn(fun() -> Loop = fun(F, Last) -> receive"
      "  {'$gen_call', From, last} -> gen:reply(From, Last), F(F, Last);"
      "  Message -> F(F, Message) end end, Loop(Loop, none) end))");
}

}  // namespace

TEST_CASE("ping, ps, tree and info look at an Erlang node by its own functions") {
  CHECK(at_otp("ping", {}).out.starts_with("pong from " + published_otp().name()));
  const ended ps = at_otp("ps", {"--sort", "memory"});
  CAPTURE(ps.err);
  CHECK(ps.code == 0);
  CHECK(contains(ps.out, "REDUCTIONS"));
  CHECK(contains(ps.out, "application_controller"));
  CHECK(contains(ps.out, "supervisor:kernel/1"));
  const ended top = at_otp("top", {"--once", "--limit", "2"});
  CHECK(top.code == 0);
  const ended tree = at_otp("tree", {});
  CAPTURE(tree.err);
  CHECK(contains(tree.out, "kernel_safe_sup"));
  CHECK(contains(at_otp("tree", {"kernel_sup"}).out, "kernel_sup"));
  const ended info = at_otp("info", {"net_kernel"});
  CHECK(contains(info.out, "registered_name"));
  CHECK(contains(at_otp("info", {}).out, "\"25\""));
  CHECK(contains(ps.out, "erl_init:start/2"));
}

TEST_CASE("send, call, get-state, stop and kill act on an Erlang node's processes") {
  start_keeper();
  CHECK(at_otp("send", {"tool_keeper", "{order, 7, <<\"anvil\">>}"}).code == 0);
  CHECK(at_otp("call", {"tool_keeper", "last"}).out == "{order,7,<<\"anvil\">>}\n");
  const ended killed = at_otp("kill", {"tool_keeper"});
  CAPTURE(killed.err);
  CHECK(killed.out == "killed\n");
  CHECK(contains(at_otp("call", {"tool_keeper", "last"}).err, "there is no process tool_keeper"));
  CHECK(at_otp("get-state", {"kernel_sup"}).code == 0);
  published_otp().eval("gen_event:start({local, tool_event})");
  CHECK(at_otp("stop", {"tool_event"}).code == 0);
  CHECK(published_otp().eval("whereis(tool_event)") == troupe::term(troupe::atom("undefined")));
}

TEST_CASE("tree asks nobody who is no supervisor: many a server of Erlang's ends at a call that it does not know") {
  interop::otp& erlang = published_otp();
  erlang.eval("troupe_otp:start_server(tool_server)");
  const troupe::term before = erlang.eval("whereis(tool_server)");
  const ended e = at_otp("tree", {"tool_server"});
  CHECK(e.code == 1);
  CHECK(contains(e.err, "tool_server is no supervisor"));
  CHECK(erlang.eval("whereis(tool_server)") == before);
}

TEST_CASE("an Erlang node that is not there, or has another cookie, is named with the reason") {
  std::vector<std::string> wrong{"ps",      published_otp().name(), "--cookie",
                                 "another", "--epmd-port",          std::to_string(interop::epmd_port())};
  const ended e = shell(wrong);
  CHECK(e.code == 1);
  CHECK(contains(e.err, "no connection with " + published_otp().name()));
  wrong[1] = "nobody@127.0.0.1";
  CHECK(contains(shell(wrong).err, "knows no node nobody"));
}

TEST_CASE("Erlang asks a node's observer by rpc") {
  const live_node node("observed@127.0.0.1", {"--observer", "--epmd-port", std::to_string(interop::epmd_port()),
                                              "--cookie", interop::cookie});
  interop::otp& erlang = published_otp();
  const troupe::term system = erlang.eval(
      "#{node := 'observed@127.0.0.1', processes := P, workers := 2} = "
      "rpc:call('observed@127.0.0.1', troupe_observer, system, []), P > 3");
  CHECK(system == troupe::term(true));
  const troupe::term counter = erlang.eval(
      "N = 'observed@127.0.0.1', Pid = rpc:call(N, troupe_observer, whereis, [counter]),"
      "#{pid := Pid, registered_name := counter, behaviour := <<\"gen_server counter\">>, message_queue_len := 0} ="
      "  rpc:call(N, troupe_observer, process, [Pid]), true");
  CHECK(counter == troupe::term(true));
  const troupe::term most = erlang.eval(
      "length([1 || #{memory := _} <- rpc:call('observed@127.0.0.1', troupe_observer, processes, [memory, 3])])");
  CHECK(most == troupe::term(3));
  const troupe::term grown = erlang.eval(
      "[#{growth := G}] = rpc:call('observed@127.0.0.1', troupe_observer, processes, [messages, 1, 10]), G >= 0");
  CHECK(grown == troupe::term(true));
  const troupe::term wrong = erlang.eval(
      "[{badrpc, _} = rpc:call('observed@127.0.0.1', troupe_observer, processes, A) ||"
      " A <- [[size, 1], [messages, 1, 60001], [messages], [messages, -1]]], true");
  CHECK(wrong == troupe::term(true));
  const troupe::term roots = erlang.eval(
      "[Root] = rpc:call('observed@127.0.0.1', troupe_observer, roots, []),"
      "length(supervisor:which_children(Root))");
  CHECK(roots == troupe::term(2));
}

TEST_CASE("the nodes of Erlang's that a script has started end when its runner is killed") {
  const std::string os_pid = file("os_pid");
  const std::string module = file("tells_pid.erl",
                                  "-module(tells_pid).\n-export([to/1]).\n"
                                  "to(File) -> ok = file:write_file(<<File/binary, \".new\">>, os:getpid()),\n"
                                  "            file:rename(<<File/binary, \".new\">>, File).\n");
  const std::string script = file("killed.json", R"({"title": "to be killed",
    "nodes": {"erlang": {"kind": "erlang", "modules": [")" +
                                                     module +
                                                     R"("]}},
    "steps": [{"rpc": "tells_pid:to", "on": "erlang", "arguments": [")" +
                                                     os_pid + R"("]}, {"wait": "60s"}]})");
  const ended e =
      in_sh("\"$1\" run " + script +
            " >/dev/null 2>&1 & runner=$!\n"
            "patient() { n=0; while ! \"$@\"; do n=$((n + 1)); [ $n -lt 300 ] || return; sleep 0.1; done; }\n"
            "gone() { ! kill -0 \"$1\" 2>/dev/null || grep -q '^State:.Z' /proc/\"$1\"/status; }\n"
            "patient test -s " +
            os_pid +
            " || { echo no node; exit; }\n"
            "erlang=$(cat " +
            os_pid +
            ")\n"
            "gone \"$erlang\" && echo too early\n"
            "kill -9 $runner\n"
            "patient gone \"$erlang\" && echo ended with it");
  CAPTURE(e.err);
  CHECK(e.out == "ended with it\n");
}

TEST_CASE("a module of a script's that does not compile is told with its file and line") {
  const std::string module = file("broken.erl", "-module(broken).\n-export([f/0]).\nf() -> oops(.\n");
  const ended e = shell({"run", file("broken.json", R"({"title": "broken",
    "nodes": {"erlang": {"kind": "erlang", "modules": ["broken.erl"]}},
    "steps": [{"rpc": "broken:f", "on": "erlang"}]})")});
  CHECK(e.code == 1);
  CHECK(contains(e.err, "broken.erl:3: syntax error"));
  CHECK(contains(e.out, "FAILED"));
}
