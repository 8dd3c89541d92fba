// SPDX-License-Identifier: BSL-1.0
// Coming together: who dials, who is hidden, names, pings, cookies, nodes that come and go.
#include "agent.hpp"

#include <algorithm>
#include <random>
#include <thread>

using namespace interop;

namespace {

bool contains(const std::vector<atom>& nodes, std::string_view name) {
  return std::find(nodes.begin(), nodes.end(), atom(name)) != nodes.end();
}

bool contains(const term& list, std::string_view name) {
  const auto elements = list.elements();
  return std::find(elements.begin(), elements.end(), term(atom(name))) != elements.end();
}

bool pings(node& here, const std::string& there) {
  struct outcome {
    bool value;
  };
  const auto body = [](context& self, std::string node, pid to) -> process {
    const bool is_there = co_await ping(self, node);
    self.send(to, term(is_there));
  };
  const pid reader = here.spawn(agent);
  here.spawn(body, there, reader);
  const bool value = here.call<do_next>(reader).as_bool();
  here.exit(reader, "kill"_atom);
  return value;
}

}  // namespace

TEST_CASE("whoever dials and whoever is hidden: both nodes list the other one where it belongs, and answer pings") {
  for (otp* there : {&published_otp(), &hidden_otp()}) {
    for (const bool hidden : {false, true}) {
      for (const bool we_dial : {false, true}) {
        node here(options_of(fresh_name(), hidden));
        const bindings b{{"B", atom(here.name())}};
        CAPTURE(there->name());
        CAPTURE(hidden);
        CAPTURE(we_dial);
        if (we_dial)
          CHECK(here.connect(there->name(), patience));
        else
          CHECK(there->eval("net_kernel:connect_node(B)", b) == term(true));
        CHECK(there->eval("net_adm:ping(B)", b) == term("pong"_atom));
        CHECK(pings(here, there->name()));
        // OTP's rule: a connection is visible when both sides are published.
        const bool visible = !hidden && there == &published_otp();
        CHECK(contains(here.nodes(), there->name()) == visible);
        CHECK(contains(here.nodes(node_kind::hidden), there->name()) == !visible);
        CHECK(contains(here.nodes(node_kind::connected), there->name()));
        CHECK(contains(there->eval("nodes()"), here.name()) == visible);
        CHECK(contains(there->eval("nodes(hidden)"), here.name()) == !visible);
        CHECK(contains(there->eval("nodes(connected)"), here.name()));
      }
    }
  }
}

TEST_CASE("nodes find each other by epmd, which lists our node with the port it listens at until it ends") {
  otp& there = published_otp();
  const std::string name = fresh_name();
  const std::string short_name = name.substr(0, name.find('@'));
  const std::string named = "{ok,L} = erl_epmd:names({127,0,0,1}), proplists:get_value(N, L)";
  const term as_list = there.eval("binary_to_list(N)", {{"N", term(short_name)}});
  {
    node here(options_of(name));
    CHECK(there.eval(named, {{"N", as_list}}) == term(here.port()));
    CHECK(there.eval("net_adm:ping(B)", {{"B", atom(name)}}) == term("pong"_atom));
  }
  CHECK(eventually([&] { return there.eval(named, {{"N", as_list}}) == term("undefined"_atom); }));
}

TEST_CASE("a node that is not there: the ping fails on both sides, and says so to whoever waits") {
  node here(options_of(fresh_name()));
  CHECK_FALSE(pings(here, "nobody@127.0.0.1"));
  CHECK_FALSE(here.connect("nobody@127.0.0.1", patience));
  CHECK_FALSE(here.connect("no_node_name", patience));
  const pid watcher = here.spawn(agent);
  here.call<do_monitor_node>(watcher, atom("nobody@127.0.0.1"));
  CHECK(here.call<do_next>(watcher) == term::tuple({"nodedown"_atom, "nobody@127.0.0.1"_atom}));
  CHECK(published_otp().eval("net_adm:ping(B)", {{"B", atom(fresh_name())}}) == term("pang"_atom));
}

TEST_CASE("a node whose name is taken at epmd does not start, and says so") {
  try {
    node here(options_of(published_otp().name()));
    FAIL("it started");
  } catch (const node_error& e) {
    CHECK(std::string_view(e.what()).find(published_otp().name()) != std::string_view::npos);
  }
}

TEST_CASE("either side ends the connection: both hear of it, and the next message connects again") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const bindings b{{"B", atom(here.name())}};
  const pid watcher = here.spawn({.name = "watcher"}, agent);
  here.call<do_monitor_nodes>(watcher, true);
  const term theirs = there.eval(
      "A = troupe_otp:agent(), troupe_otp:in(A, fun() -> ok = net_kernel:monitor_nodes(true, [{node_type, all}]) end), "
      "A");
  const term up = term::tuple({"nodeup"_atom, atom(there.name())});
  const term down = term::tuple({"nodedown"_atom, atom(there.name())});
  const auto heard = [&](const char* what) {
    // Other nodes of this program may come and go there.
    return there.eval("troupe_otp:in(A, fun() -> receive {W, B, _} -> W after 10000 -> none end end)",
                      {{"A", theirs}, {"B", atom(here.name())}, {"W", atom(what)}});
  };
  for (const bool we_end : {true, false, true, false}) {
    there.eval("{watcher, B} ! hello", b);
    CHECK(here.call<do_next>(watcher) == up);
    CHECK(here.call<do_next>(watcher) == term("hello"_atom));
    CHECK(heard("nodeup") == term("nodeup"_atom));
    if (we_end)
      CHECK(here.disconnect(there.name()));
    else
      // Its net_kernel may hear of the connection a moment after those who monitor nodes.
      CHECK(there.eval("troupe_otp:until(fun() -> erlang:disconnect_node(B) end)", b) == term(true));
    CHECK(here.call<do_next>(watcher) == down);
    CHECK(heard("nodedown") == term("nodedown"_atom));
  }
  there.eval("exit(A, kill)", {{"A", theirs}});
}

TEST_CASE(
    "with the wrong cookie nobody connects, whoever dials, and our log says why; a cookie for that node alone helps") {
  otp& there = hidden_otp();
  node_options other = options_of(fresh_name());
  other.cookie = "another";
  node here(other);
  const bindings b{{"B", atom(here.name())}};
  std::size_t before = log_capture::count();
  CHECK_FALSE(here.connect(there.name(), patience));
  CHECK(log_capture::lines("cookie", before).size() == 1);
  before = log_capture::count();
  // Its net_kernel forgets our attempt a moment later; who asks it to dial before that shares the attempt's fate.
  CHECK(there.eval("troupe_otp:until(fun() -> element(1, net_kernel:node_info(B)) =:= error end)", b) == term(true));
  CHECK(there.eval("net_adm:ping(B)", b) == term("pang"_atom));
  CHECK(log_capture::wait_for("cookie", before));
  CHECK(log_capture::lines("cookie", before).size() == 1);
  CHECK(here.nodes(node_kind::connected).empty());

  here.set_cookie(there.name(), cookie);
  CHECK(here.connect(there.name(), patience));
  // A node of OTP's has its last word in the handshake before it knows of the connection itself: until then it is in no
  // list of its, and who asks it to dial fails as soon as it hears that the connection has come and gone.
  CHECK(there.eval("troupe_otp:until(fun() -> lists:member(B, nodes(connected)) end)", b) == term(true));
  CHECK(here.disconnect(there.name()));
  CHECK(there.eval("troupe_otp:until(fun() -> not lists:member(B, nodes(connected)) end)", b) == term(true));
  here.set_cookie(there.name(), "a third");
  CHECK(there.eval("erlang:set_cookie(B, 'a third'), net_adm:ping(B)", b) == term("pong"_atom));
  there.eval("erlang:set_cookie(B, C)", {{"B", atom(here.name())}, {"C", atom(cookie)}});
}

TEST_CASE(
    "two nodes that dial each other at the same moment have one connection, 240 times, with names in both orders") {
  otp& there = hidden_otp();
  std::mt19937 random(7);
  int again = 0;  // a node that has given up its dial may have said its name before: who meets that call fails with it
  for (const char* prefix : {"a", "z"}) {  // before and after "hidden"
    node here(options_of(fresh_name(prefix)));
    here.spawn({.name = "server"}, agent);
    const bindings b{{"B", atom(here.name())}};
    CHECK(there.eval("S = troupe_otp:start_server(crossing), is_pid(S)") == term(true));
    for (int round = 0; round < 120; ++round) {
      CAPTURE(prefix);
      CAPTURE(round);
      term theirs;
      std::atomic<bool> go{false};
      const int head_start = static_cast<int>(random() % 40'000);
      std::thread dials([&] {
        go = true;
        theirs = there.eval(
            "First = net_kernel:connect_node(B),"
            "First orelse troupe_otp:until(fun() -> net_kernel:connect_node(B) end),"
            "{First, catch gen_server:call({server, B}, hello, 10000)}",
            b);
      });
      while (!go) std::this_thread::yield();
      for (int i = 0; i < head_start; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
      const bool ours = here.connect(there.name(), patience);
      dials.join();
      again += ours && theirs.elements()[0] == term(true) ? 0 : 1;
      CHECK((ours || here.connect(there.name(), patience)));
      CHECK(theirs.elements()[1] == term::tuple({"got"_atom, "hello"_atom}));
      const term sum = here.call(remote("crossing", there.name()), term::tuple({"add"_atom, 1, round}), patience);
      CHECK(sum == term(1 + round));
      CHECK(here.nodes(node_kind::connected).size() == 1);
      const bool gone = round % 2 == 0
                            ? here.disconnect(there.name())
                            : there.eval("troupe_otp:until(fun() -> erlang:disconnect_node(B) end)", b) == term(true);
      CHECK(gone);
      CHECK(there.eval("troupe_otp:until(fun() -> element(1, net_kernel:node_info(B)) =:= error end)", b) ==
            term(true));
      CHECK(eventually([&] { return here.nodes(node_kind::connected).empty(); }));
    }
    there.eval("gen_server:stop(crossing)");
  }
  CHECK(again <= 24);
}

TEST_CASE("a silent node is taken for dead by both sides after the tick time; one that only ticks is not") {
  // A node of OTP's own tick time, which both must share: 4 s there would be too long for a test, 1 s is the least.
  otp there({.name = "ticking", .hidden = true, .arguments = {"-kernel", "net_ticktime", "1"}});
  node_options options = options_of(fresh_name());
  options.tick_time = 1s;
  node here(options);
  const bindings b{{"B", atom(here.name())}};
  const pid watcher = here.spawn({.name = "watcher"}, agent);
  CHECK(here.connect(there.name(), patience));
  here.call<do_monitor_node>(watcher, atom(there.name()));
  const term theirs =
      there.eval("A = troupe_otp:agent(), troupe_otp:in(A, fun() -> true = erlang:monitor_node(B, true) end), A", b);
  // Two tick times of nothing but ticks; both are still there.
  CHECK(there.eval("timer:sleep(2000), troupe_otp:inbox(A)", {{"A", theirs}}) == term::list({}));
  CHECK(here.call<do_count>(watcher) == 0);
  // It stops, as a machine does whose cable is pulled.
  const std::size_t before = log_capture::count();
  there.pause();
  CHECK(here.call<do_next>(watcher, after(patience)) == term::tuple({"nodedown"_atom, atom(there.name())}));
  CHECK(log_capture::lines("tick", before).size() == 1);
  there.resume();
  CHECK(there.eval("troupe_otp:next(A)", {{"A", theirs}}) == term::tuple({"nodedown"_atom, atom(here.name())}));
  CHECK(there.eval("net_adm:ping(B)", b) == term("pong"_atom));
}
