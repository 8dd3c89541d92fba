// SPDX-License-Identifier: BSL-1.0
// Elixir's GenServer, Node, Process and :rpc with processes of ours.
#include "agent.hpp"

#include <map>

using namespace interop;

#ifndef TROUPE_TEST_ELIXIR

TEST_CASE("NOT TESTED: Elixir, because there was none when this was built") {
  MESSAGE("install elixir and configure again");
}

#else

namespace {

struct increment {
  int by;
  using reply = int;
};
struct greet {
  std::string name;
  using reply = std::string;
};
struct reset {};
struct user {
  std::string name;
  int age;
  std::map<std::string, int> points;
};

process counter(context& self, int value) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<greet> r) { r.reply("h\xc3\xa9llo " + r->name); },
                          [&](const reset&) { value = 0; },
                          [&](request<user> r) {
                            const user u = *r;
                            r.reply(term::map({{"name"_atom, term(u.name)},
                                               {"age"_atom, u.age + 1},
                                               {"points"_atom, static_cast<int>(u.points.size())}}));
                          });
}

}  // namespace

TEST_CASE(
    "Elixir's GenServer, Node, Process and :rpc work with processes of ours, with its strings, maps and structs") {
  otp& there = published_otp();
  node here(options_of(fresh_name(), false));
  here.spawn({.name = "counter"}, counter, 0);
  here.export_as("counter", counter);
  here.export_as("agent", agent);
  here.export_as("calc:add", [](int a, int b) { return a + b; });
  const pid keeper = here.spawn({.name = "keeper"}, agent);
  const bindings b{{"b", atom(here.name())}, {"k", keeper}};
  const auto ex = [&](const char* source) { return there.elixir(source, b); };

  CHECK(ex("Node.ping(b)") == term("pong"_atom));
  CHECK(ex("Node.connect(b)") == term(true));
  CHECK(ex("b in Node.list()") == term(true));
  CHECK(ex("GenServer.call({:counter, b}, {:increment, 3})") == term(3));
  CHECK(ex("GenServer.call({:counter, b}, {:greet, \"w\xc3\xb6rld\"})") == term("h\xc3\xa9llo w\xc3\xb6rld"));
  CHECK(ex("GenServer.call({:counter, b}, {:greet, \"w\xc3\xb6rld\"}) |> String.upcase()") ==
        term("H\xc3\x89LLO W\xc3\x96RLD"));
  CHECK(ex("GenServer.cast({:counter, b}, :reset); GenServer.call({:counter, b}, {:increment, 1})") == term(1));
  CHECK(ex("%{name: \"Ada\", age: 37, points: 2} = "
           "GenServer.call({:counter, b}, {:user, \"Ada\", 36, %{\"x\" => 1, \"y\" => 2}}); :ok") == term("ok"_atom));
  // An Elixir struct is a map with the key __struct__, and goes through unchanged; nil is the atom nil.
  CHECK(ex("r = 1..5//2; {:got, ^r} = GenServer.call({:keeper, b}, r); "
           "d = ~D[2024-02-29]; {:got, ^d} = GenServer.call(k, d); "
           "{:got, [nil, true, 'abc', \"abc\", a: 1]} = GenServer.call(k, [nil, true, 'abc', \"abc\", a: 1]); :ok") ==
        term("ok"_atom));
  CHECK(ex("send({:keeper, b}, %{a: %{b: [1, 2.5, {:c, \"d\"}]}}); send(k, MapSet.new([1])); :ok") == term("ok"_atom));
  CHECK(here.call<do_next>(keeper, after(patience)) ==
        term::map({{"a"_atom, term::map({{"b"_atom, term::list({1, 2.5, term::tuple({"c"_atom, "d"})})}})}}));
  CHECK(*here.call<do_next>(keeper, after(patience)).find("__struct__"_atom) == term("Elixir.MapSet"_atom));

  CHECK(ex("try do GenServer.call({:nobody, b}, :x) catch :exit, {:noproc, _} -> :noproc end") == term("noproc"_atom));
  CHECK(ex("pid = Node.spawn(b, :troupe, :counter, [40]); GenServer.call(pid, {:increment, 2})") == term(42));
  CHECK(ex("Process.flag(:trap_exit, true); pid = Node.spawn_link(b, :troupe, :agent, []); Process.exit(pid, :kill); "
           "receive do {:EXIT, ^pid, r} -> r after 10_000 -> :none end") == term("killed"_atom));
  CHECK(ex("ref = Process.monitor({:keeper_of_nothing, b}); "
           "receive do {:DOWN, ^ref, :process, {:keeper_of_nothing, ^b}, r} -> r after 10_000 -> :none end") ==
        term("noproc"_atom));
  CHECK(ex("pid = Node.spawn(b, :troupe, :agent, []); ref = Process.monitor(pid); Process.exit(pid, :shutdown); "
           "receive do {:DOWN, ^ref, :process, ^pid, r} -> r after 10_000 -> :none end") == term("shutdown"_atom));
  CHECK(ex(":rpc.call(b, :calc, :add, [1, 2])") == term(3));
  CHECK(ex(":erpc.call(b, :calc, :add, [1, 2])") == term(3));
  CHECK(ex("try do :erpc.call(b, Calc, :add, [1, 2]) rescue e in ErlangError -> "
           "elem(e.original, 1) catch _, {:exception, :undef, _} -> :undef end") == term("undef"_atom));

  // We call an Elixir GenServer and its Agent.
  there.elixir(
      "{:ok, _} = Agent.start(fn -> %{n: 1} end, name: :an_agent); "
      "{:ok, _} = Task.Supervisor.start_link(name: :tasks) |> tap(fn {:ok, p} -> Process.unlink(p) end); :ok");
  run(
      here,
      [](context& self, std::string node) -> process {
        const term doubled = co_await rpc(self, node, "Elixir.String:duplicate", "ab", 3);
        CHECK(doubled == term("ababab"));
        const term key = term::list({"n"_atom});
        const term state =
            co_await erpc(self, node, "Elixir.Agent:get", "an_agent"_atom, "Elixir.Map"_atom, "fetch!"_atom, key);
        CHECK(state == term(1));
        const term question = term::tuple({"get"_atom, term(external_function{"maps"_atom, "size"_atom, 1})});
        const term size = co_await self.call(remote("an_agent", node), question);
        CHECK(size == term(1));
      },
      there.name());
  CHECK(ex("Node.disconnect(b)") == term(true));
}

#endif
