// SPDX-License-Identifier: BSL-1.0
// OTP's own modules use our behaviours, and ours use OTP's: gen_server and sys.
#include "../behaviours/counter.hpp"
#include "otp.hpp"

#include <troupe/net/all.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace interop;
using behaviour_test::counter;
using behaviour_test::increment;
using behaviour_test::reset;

namespace {

struct give_term {
  term what;
};

/// A server that Erlang code knows how to use: its messages are atoms and tuples.
class store : public gen_server {
 public:
  explicit store(pid told) : told_(told) {}
  void terminate(const term& reason) { self().send(told_, term::tuple({"terminated"_atom, reason})); }

  term handle(const term& question) {
    if (question.is_atom("stop"_atom)) {
      stop("asked"_atom);
      return "stopping"_atom;
    }
    if (question.is_atom("crash"_atom)) throw std::runtime_error("as asked");
    return term::tuple({"stored"_atom, value_, question});
  }
  void put(const term& value) { value_ = value; }
  void note(const term& message) { self().send(told_, term::tuple({"info"_atom, message})); }
  term state() const { return value_; }
  void set_state(const term& value) { value_ = value; }
  void code_change(const term& old, const term& extra) { value_ = term::tuple({old, extra}); }

  using handles = handlers<call<&store::handle>, cast<&store::put>, info<&store::note>>;

 private:
  pid told_;
  term value_ = "empty"_atom;
};

/// Starts servers and keeps what they tell.
struct told {
  using reply = term;
};
process keeper(context& self) {
  co_await self.start<store>({.name = "store"}, self.pid());
  co_await self.start<counter>({.name = "counter"}, 10);
  for (;;) {
    auto asked = co_await self.receive<request<told>>();
    term next = co_await self.receive<term>();
    asked.reply(std::move(next));
  }
}

void wait_until_started(node& here) {
  here.spawn({.name = "keeper"}, keeper);
  while (here.whereis("counter") == pid()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("gen_server of OTP calls, casts to and stops a gen_server of ours") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_until_started(here);
  const bindings b{{"N", atom(here.name())}};
  CHECK(there.eval("gen_server:call({counter, N}, {increment, 3})", b) == term(13));
  CHECK(there.eval("gen_server:cast({counter, N}, reset), gen_server:call({counter, N}, get)", b) == term(0));
  CHECK(there.eval("gen_server:cast({store, N}, [a, b]), gen_server:call({store, N}, q)", b) ==
        term::tuple({"stored"_atom, term::list({"a"_atom, "b"_atom}), "q"_atom}));
  // A plain message is for handle_info.
  there.eval("{store, N} ! hello, ok", b);
  CHECK(here.call("keeper", told{}) == term::tuple({"info"_atom, "hello"_atom}));
  CHECK(there.eval("{Good, Bad} = gen_server:multi_call([N, 'nowhere@127.0.0.1'], counter, get), {Good, Bad}", b) ==
        term::tuple({term::list({term::tuple({atom(here.name()), 0})}), term::list({"nowhere@127.0.0.1"_atom})}));
  CHECK(there.eval("gen_server:stop({store, N}, shutdown, 5000)", b) == term("ok"_atom));
  CHECK(here.call("keeper", told{}) == term::tuple({"terminated"_atom, "shutdown"_atom}));
  CHECK(here.whereis("store") == pid());
}

TEST_CASE("a server that stops answers OTP's caller first; one that crashes gives it the reason") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_until_started(here);
  const bindings b{{"N", atom(here.name())}};
  CHECK(there.eval("M = monitor(process, {store, N}), A = gen_server:call({store, N}, stop),"
                   "receive {'DOWN', M, _, _, R} -> {A, R} after 10000 -> late end",
                   b) == term::tuple({"stopping"_atom, "asked"_atom}));
  CHECK(here.call("keeper", told{}) == term::tuple({"terminated"_atom, "asked"_atom}));

  node other(options_of(fresh_name()));
  wait_until_started(other);
  const bindings o{{"N", atom(other.name())}};
  CHECK(there.eval("try gen_server:call({store, N}, crash) catch exit:{R, {gen_server, call, _}} -> R end", o) ==
        term::tuple({"error"_atom, "as asked"}));
  // What it does not handle fails the caller, and disturbs nobody.
  CHECK(there.eval("try gen_server:call({counter, N}, {no, such, call}) catch exit:{R, _} -> R end", o) ==
        term::tuple({"unexpected_call"_atom, term::tuple({"no"_atom, "such"_atom, "call"_atom})}));
  CHECK(there.eval("gen_server:call({counter, N}, get)", o) == term(10));
}

TEST_CASE("sys of OTP looks into a gen_server of ours, holds it, counts, and ends it") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_until_started(here);
  const bindings b{{"N", atom(here.name())}, {"P", here.whereis("store")}};
  CHECK(there.eval("gen_server:cast(P, {v, 1}), sys:get_state(P)", b) == term::tuple({"v"_atom, 1}));
  CHECK(there.eval("sys:get_state({counter, N})", b) == term(10));
  CHECK(
      there.eval("{status, P, {module, M}, [_, S, Parent, _, [{header, H}, {data, D}, {data, [{\"State\", St}]}]]} ="
                 " sys:get_status(P), {M, S, Parent =:= P, list_to_binary(H), proplists:get_value(\"Status\", D), St}",
                 b) == term::tuple({"gen_server"_atom, "running"_atom, true, "Status for generic server store",
                                    "running"_atom, term::tuple({"v"_atom, 1})}));
  CHECK(there.eval("ok = sys:suspend(P), R = gen_server:send_request(P, q),"
                   "no = receive {_, _} = X -> X after 50 -> no end, timeout = gen_server:wait_response(R, 0),"
                   "ok = sys:resume(P), gen_server:wait_response(R, 10000)",
                   b) ==
        term::tuple({"reply"_atom, term::tuple({"stored"_atom, term::tuple({"v"_atom, 1}), "q"_atom})}));
  CHECK(there.eval("ok = sys:statistics(P, true), gen_server:call(P, a), gen_server:cast(P, b),"
                   "{ok, L} = sys:statistics(P, get), ok = sys:statistics(P, false),"
                   "{proplists:get_value(messages_in, L), proplists:get_value(messages_out, L)}",
                   b) == term::tuple({2, 1}));
  CHECK(there.eval("ok = sys:log(P, true), gen_server:call(P, z), {ok, L} = sys:log(P, get), ok = sys:log(P, false),"
                   "length(L)",
                   b) == term(2));
  CHECK(there.eval("sys:no_debug(P)", b) == term("ok"_atom));
  CHECK(there.eval("try sys:replace_state(P, fun(_) -> 1 end) catch error:R -> R end", b) == term("not_allowed"_atom));
  CHECK(there.eval("sys:suspend(P), R = sys:change_code(P, m, old, extra), sys:resume(P), R", b) ==
        term::tuple({"error"_atom, "not_allowed"_atom}));
  CHECK(there.eval("sys:terminate(P, shutdown), M = monitor(process, P),"
                   "receive {'DOWN', M, _, _, _} -> ok after 10000 -> late end",
                   b) == term("ok"_atom));
}

TEST_CASE("where it is allowed, a node of OTP's gives a server of ours another state, and has it change its code") {
  otp& there = hidden_otp();
  node_options options = options_of(fresh_name());
  options.system.allow_replace_state = true;
  options.system.allow_code_change = true;
  node here(options);
  wait_until_started(here);
  const bindings b{{"P", here.whereis("store")}};
  // A function cannot run here; the state itself can be given.
  CHECK(there.eval("{ok, A} = gen:call(P, system, {replace_state, [new]}), {A, sys:get_state(P)}", b) ==
        term::parse("{[new],[new]}"));
  CHECK(there.eval("ok = sys:suspend(P), R = sys:change_code(P, store, old, extra), ok = sys:resume(P),"
                   "{R, sys:get_state(P)}",
                   b) == term::parse("{ok,{old,extra}}"));
  // Only when it is suspended, as everywhere.
  CHECK(there.eval("sys:change_code(P, store, old, extra)", b) ==
        term::parse("{error,{unknown_system_msg,{change_code,store,old,extra}}}"));
}

TEST_CASE("Elixir's GenServer uses a gen_server of ours") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_until_started(here);
  const bindings b{{"n", atom(here.name())}};
  CHECK(there.elixir("GenServer.call({:counter, n}, {:increment, 3})", b) == term(13));
  CHECK(there.elixir("GenServer.cast({:counter, n}, :reset); GenServer.call({:counter, n}, :get)", b) == term(0));
  CHECK(there.elixir(":sys.get_state({:counter, n})", b) == term(0));
  CHECK(there.elixir("GenServer.stop({:counter, n})", b) == term("ok"_atom));
  CHECK(here.whereis("counter") == pid());
}

TEST_CASE("our gen_server calls, casts, sys and stop work on a gen_server of OTP's") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const term made = there.eval("troupe_otp:start_server(for_our_sys)");
  REQUIRE(made.is_pid());
  run(
      here,
      [](context& self, pid theirs) -> process {
        const term sum = term::tuple({"add"_atom, 5, 7});  // with g++ 12 no braces inside of a co_await
        const term a = co_await self.call(theirs, sum);
        CHECK(a == term(12));
        self.cast(theirs, "reset"_atom);
        const term history = term::list({term::tuple({"cast"_atom, "reset"_atom})});
        const term b = co_await self.call(theirs, term("history"_atom));
        CHECK(b == history);
        const term state = co_await sys::get_state(self, theirs);
        CHECK(state == history);
        const term status = co_await sys::get_status(self, theirs);
        CHECK(status.is_tuple("status"_atom));
        co_await sys::suspend(self, theirs);
        co_await sys::resume(self, theirs);
        co_await sys::statistics(self, theirs, true);
        static_cast<void>(co_await self.call(theirs, term("history"_atom)));
        const auto counts = co_await sys::get_statistics(self, theirs);
        CHECK(counts.has_value());
        co_await stop(self, theirs);
      },
      made.as_pid());
}

// --- supervisors
// ------------------------------------------------------------------------------------------------------

namespace {

struct press {};
struct lit {
  using reply = bool;
};
enum class lamp_state { off, on };

class lamp : public gen_statem<lamp_state> {
 public:
  lamp_state init() { return lamp_state::off; }
  void toggle(const press&) { next_state(state() == lamp_state::off ? lamp_state::on : lamp_state::off); }
  bool is_lit(const lit&) { return state() == lamp_state::on; }
  using handles = states<in_every<cast<&lamp::toggle>, call<&lamp::is_lit>>>;
};

process tree_keeper(context& self) {
  register_child_factory("counter", child_of<counter>({}, later<int>));
  const supervisor_flags often{.intensity = 100};
  std::vector<child_spec> children{{.id = "counter", .start = child_of<counter>({.name = "counter"}, 10)}};
  co_await self.start<supervisor>({.name = "sup"}, often, std::move(children));
  const supervisor_flags simple{.strategy = simple_one_for_one, .intensity = 100};
  std::vector<child_spec> kind{{.id = "kind", .start = child_of<counter>({}, later<int>), .restart = temporary}};
  co_await self.start<supervisor>({.name = "simple"}, simple, std::move(kind));
  co_await self.start<lamp>({.name = "lamp"});
  self.register_name("trees");
  for (;;) co_await self.receive<give_term>();
}

void wait_for_trees(node& here) {
  here.spawn(tree_keeper);
  while (here.whereis("trees") == pid()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("supervisor of OTP asks and changes a supervisor of ours") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_for_trees(here);
  const pid first = here.whereis("counter");
  const bindings b{{"N", atom(here.name())}, {"C", first}};
  const term worker_modules = term::list({"counter"_atom});
  CHECK(there.eval("supervisor:which_children({sup, N})", b) ==
        term::list({term::tuple({"counter"_atom, first, "worker"_atom, worker_modules})}));
  CHECK(there.eval("lists:sort(supervisor:count_children({sup, N}))", b) ==
        term::parse("[{active,1},{specs,1},{supervisors,0},{workers,1}]"));
  CHECK(there.eval("{ok, #{id := Id, restart := R, shutdown := S, type := T, start := {M, F, A}}} ="
                   " supervisor:get_childspec({sup, N}, counter), {Id, R, S, T, M, F, A}",
                   b) == term::parse("{counter,permanent,5000,worker,counter,start_link,[10]}"));
  CHECK(there.eval("supervisor:terminate_child({sup, N}, counter)", b) == term("ok"_atom));
  CHECK(there.eval("[{counter, undefined, worker, _}] = supervisor:which_children({sup, N}), ok", b) ==
        term("ok"_atom));
  CHECK(there.eval("{ok, P} = supervisor:restart_child({sup, N}, counter), gen_server:call(P, get)", b) == term(10));
  CHECK(there.eval("supervisor:restart_child({sup, N}, counter)", b) == term::parse("{error,running}"));
  CHECK(there.eval("supervisor:delete_child({sup, N}, counter)", b) == term::parse("{error,running}"));
  CHECK(there.eval("supervisor:terminate_child({sup, N}, nobody)", b) == term::parse("{error,not_found}"));
  // A child that Erlang describes: its module is what was registered here under that name.
  CHECK(there.eval("{ok, P} = supervisor:start_child({sup, N}, #{id => two, start => {counter, start_link, [7]}}),"
                   "A = gen_server:call(P, get), M = monitor(process, P), exit(P, kill),"
                   "receive {'DOWN', M, _, _, _} -> ok end,"
                   "F = fun G() -> case lists:keyfind(two, 1, supervisor:which_children({sup, N})) of"
                   " {two, Q, _, _} when is_pid(Q), Q =/= P -> Q; _ -> G() end end,"
                   "{A, gen_server:call(F(), get)}",
                   b) == term::tuple({7, 7}));
  CHECK(there.eval("{error, {already_started, _}} = supervisor:start_child({sup, N},"
                   " #{id => two, start => {counter, start_link, [7]}}), ok",
                   b) == term("ok"_atom));
  CHECK(there.eval("{error, _} = supervisor:start_child({sup, N}, #{id => three, start => {nothing, start, []}}), ok",
                   b) == term("ok"_atom));
  CHECK(there.eval("{error, _} = supervisor:start_child({sup, N}, nonsense), ok", b) == term("ok"_atom));
  CHECK(there.eval("{ok, P} = supervisor:start_child({simple, N}, [4]), A = gen_server:call(P, get),"
                   "[{undefined, P, worker, _}] = supervisor:which_children({simple, N}),"
                   "ok = supervisor:terminate_child({simple, N}, P), {A, supervisor:which_children({simple, N})}",
                   b) == term::tuple({4, term::list({})}));
}

TEST_CASE("gen_statem of OTP calls and casts to a state machine of ours, and sys shows its state") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_for_trees(here);
  const bindings b{{"N", atom(here.name())}};
  CHECK(there.eval("false = gen_statem:call({lamp, N}, lit), ok = gen_statem:cast({lamp, N}, press),"
                   "gen_statem:call({lamp, N}, lit)",
                   b) == term(true));
  CHECK(there.eval("{on, _} = sys:get_state({lamp, N}), {status, _, {module, M}, _} = sys:get_status({lamp, N}), M",
                   b) == term("gen_statem"_atom));
  CHECK(there.eval("gen_statem:stop({lamp, N})", b) == term("ok"_atom));
  CHECK(here.whereis("lamp") == pid());
}

TEST_CASE("a supervisor of OTP's starts, and restarts, a server of ours on our node") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  here.export_as("counters:start", [](context& self) -> task<term> {
    const auto made = co_await self.start<counter>({}, 3);
    co_return term::tuple({"ok"_atom, made.pid()});
  });
  const bindings b{{"N", atom(here.name())}};
  CHECK(there.eval("process_flag(trap_exit, true), {ok, S} = supervisor:start_link(troupe_otp, {supervise, N}),"
                   "[{child, P, _, _}] = supervisor:which_children(S), 3 = gen_server:call(P, get),"
                   "M = monitor(process, P), exit(P, kill), receive {'DOWN', M, _, _, _} -> ok end,"
                   "F = fun G() -> case supervisor:which_children(S) of"
                   " [{child, Q, _, _}] when is_pid(Q), Q =/= P -> Q; _ -> G() end end, Q = F(),"
                   "A = gen_server:call(Q, {increment, 1}), L = monitor(process, Q), exit(S, shutdown),"
                   "receive {'DOWN', L, _, _, R} -> {A, R} end",
                   b) == term::tuple({4, "shutdown"_atom}));
}

TEST_CASE("Elixir's Supervisor and DynamicSupervisor use supervisors of ours") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  wait_for_trees(here);
  const bindings b{{"n", atom(here.name())}};
  CHECK(there.elixir("[{:counter, p, :worker, [:counter]}] = Supervisor.which_children({:sup, n});"
                     "GenServer.call(p, :get)",
                     b) == term(10));
  CHECK(there.elixir("Supervisor.count_children({:sup, n}).active", b) == term(1));
  CHECK(there.elixir("{:ok, p} = DynamicSupervisor.start_child({:simple, n},"
                     " %{id: :any, start: {:counter, :start_link, [6]}, restart: :temporary});"
                     "a = GenServer.call(p, :get); :ok = DynamicSupervisor.terminate_child({:simple, n}, p);"
                     "{a, DynamicSupervisor.which_children({:simple, n})}",
                     b) == term::tuple({6, term::list({})}));
}
