// SPDX-License-Identifier: BSL-1.0
// gen_server's calls and casts, both ways.
#include "agent.hpp"

#include <map>
#include <variant>

using namespace interop;

namespace {

struct increment {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};
struct reset {};
struct stop {
  term reason;
  using reply = void;
};
struct crash {
  using reply = int;
};
struct drop {
  using reply = int;
};
struct ask_them {
  pid whom;
  term what;
  using reply = term;
};
struct hold {
  using reply = term;
};
struct release {
  term answer;
};

process counter(context& self, int value) {
  std::vector<request<hold>> held;
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); }, [&](const reset&) { value = 0; },
                          [&](request<stop> r) {
                            const term reason = r->reason;
                            self.exit(reason);
                          },
                          [&](request<crash>) { throw std::runtime_error("as asked"); }, [&](request<drop>) {},
                          [&](request<hold> r) { held.push_back(std::move(r)); },
                          [&](const release& m) {
                            for (auto& r : held) r.reply(m.answer);
                            held.clear();
                          },
                          [&](request<ask_them> r) {
                            const pid whom = r->whom;
                            self.delegate(whom, std::move(r));
                          });
}

struct number {
  int n;
};

/// Their gen_server.
struct server {
  explicit server(otp& node, const char* name) : there(node), named(name) {
    process = there.eval("troupe_otp:start_server(N)", {{"N", atom(named)}}).as_pid();
  }
  ~server() {
    try {
      there.eval("exit(P, kill)", {{"P", process}});
    } catch (const otp_error&) {
    }
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  destination by_name() const { return remote(named, there.name()); }

  otp& there;
  const char* named;
  pid process;
};

}  // namespace

TEST_CASE("Erlang calls a process of ours by {Name,Node} and by pid, and it answers as a gen_server") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid c = here.spawn({.name = "counter"}, counter, 10);
  const bindings b{{"B", atom(here.name())}, {"P", c}};
  CHECK(there.eval("gen_server:call({counter, B}, {increment, 3})", b) == term(13));
  CHECK(there.eval("gen_server:call(P, {increment, 3})", b) == term(16));
  CHECK(there.eval("gen_server:call({counter, B}, get)", b) == term(16));
  CHECK(there.eval("gen_server:cast({counter, B}, reset), gen_server:call({counter, B}, get)", b) == term(0));
  CHECK(there.eval("gen_server:call(P, {increment, 7}), P ! reset, gen_server:call(P, get)", b) == term(0));
  // What OTP 24 and later offer besides call.
  CHECK(there.eval("R = gen_server:send_request({counter, B}, {increment, 4}), gen_server:wait_response(R, 10000)",
                   b) == term::tuple({"reply"_atom, 4}));
  CHECK(there.eval("[gen_server:call(P, {increment, 1}) || _ <- lists:seq(1, 500)]", b).elements().back() == term(504));
}

TEST_CASE("multi_call asks our nodes and theirs, and tells the nodes apart that have no such server") {
  otp& there = hidden_otp();
  const server theirs(there, "several");
  node one(options_of(fresh_name()));
  node two(options_of(fresh_name()));
  node none(options_of(fresh_name()));
  one.spawn({.name = "several"}, agent);
  two.spawn({.name = "several"}, agent);
  const term got = there.eval(
      "{Good, Bad} = gen_server:multi_call([node(), A, B, C], several, {add, 1, 2}), {lists:sort(Good), Bad}",
      {{"A", atom(one.name())}, {"B", atom(two.name())}, {"C", atom(none.name())}});
  const term ours = term::tuple({"got"_atom, term::tuple({"add"_atom, 1, 2})});
  std::vector<term> good{term::tuple({atom(one.name()), ours}), term::tuple({atom(two.name()), ours}),
                         term::tuple({atom(there.name()), 3})};
  std::sort(good.begin(), good.end());
  CHECK(got == term::tuple({term::list(good), term::list({atom(none.name())})}));
  CHECK(there.eval("gen_server:abcast([A, B], several, note), ok",
                   {{"A", atom(one.name())}, {"B", atom(two.name())}}) == term("ok"_atom));
  CHECK(one.call<do_next>("several") == term("note"_atom));
  CHECK(two.call<do_next>("several") == term("note"_atom));
}

TEST_CASE("a call of theirs that cannot be answered ends at once, with the reason that Erlang gives") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const auto reason_of = [&](const std::string& to, const std::string& what) {
    return there.eval("{'EXIT', {R, _}} = (catch gen_server:call(" + to + ", " + what + ", infinity)), R",
                      {{"B", atom(here.name())}});
  };
  const auto fresh = [&] {
    here.spawn({.name = "counter"}, counter, 0);
    return 0;
  };
  CHECK(reason_of("{nobody, B}", "get") == term("noproc"_atom));
  fresh();
  CHECK(reason_of("{counter, B}", "{stop, {for_a, reason}}") == term::tuple({"for_a"_atom, "reason"_atom}));
  CHECK(reason_of("{counter, B}", "get") == term("noproc"_atom));
  fresh();
  CHECK(reason_of("{counter, B}", "{stop, normal}") == term("normal"_atom));
  fresh();
  CHECK(reason_of("{counter, B}", "crash").is_tuple("error"_atom));
  fresh();
  CHECK(reason_of("{counter, B}", "drop") == term("no_reply"_atom));
  // A pid of a process that has ended.
  const pid gone = here.whereis("counter");
  here.exit(gone, "kill"_atom);
  CHECK(eventually([&] { return !here.is_alive(gone); }));
  CHECK(there.eval("{'EXIT', {R, _}} = (catch gen_server:call(P, get, infinity)), R", {{"P", gone}}) ==
        term("noproc"_atom));
  // Killed while it is asked.
  fresh();
  const pid killed = here.whereis("counter");
  CHECK(there.eval("spawn(fun() -> exit(P, kill) end), {'EXIT', {R, _}} = (catch gen_server:call(P, hold, infinity)), "
                   "lists:member(R, [killed, noproc])",
                   {{"P", killed}}) == term(true));
}

TEST_CASE("a call of theirs that times out: our late answer reaches nobody") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  here.spawn({.name = "counter"}, counter, 5);
  CHECK(there.eval("{'EXIT', {timeout, _}} = (catch gen_server:call({counter, B}, hold, 1)),"
                   "gen_server:cast({counter, B}, {release, late}),"
                   "5 = gen_server:call({counter, B}, get),"
                   "process_info(self(), messages)",
                   {{"B", atom(here.name())}}) == term::tuple({"messages"_atom, term::list({})}));
}

TEST_CASE("a request of theirs that we delegate to a process of theirs is answered by that one") {
  otp& there = hidden_otp();
  const server theirs(there, "delegate");
  node here(options_of(fresh_name()));
  here.spawn({.name = "counter"}, counter, 5);
  // Theirs does not know the question, and says what it got.
  CHECK(there.eval("gen_server:call({counter, B}, {ask_them, P, [1,2,3]})",
                   {{"B", atom(here.name())}, {"P", theirs.process}}) ==
        term::tuple({"unknown"_atom, term::tuple({"ask_them"_atom, theirs.process, term::list({1, 2, 3})})}));
  // One of ours that we delegate.
  CHECK(here.call<ask_them>("counter", theirs.process, term(1.5)) ==
        term::tuple({"unknown"_atom, term::tuple({"ask_them"_atom, theirs.process, 1.5})}));
}

TEST_CASE("we call a gen_server of theirs by {Name,Node} and by pid") {
  otp& there = published_otp();
  const server theirs(there, "answers");
  node here(options_of(fresh_name()));
  CHECK(here.call(theirs.by_name(), term::tuple({"add"_atom, 1, 2})) == term(3));
  CHECK(here.call(theirs.process, term::tuple({"add"_atom, 40, 2})) == term(42));
  CHECK(here.call(theirs.by_name(), term("self"_atom)) == term(theirs.process));
}

TEST_CASE("a call of ours that cannot be answered ends at once, with the reason") {
  otp& there = published_otp();
  node here(options_of(fresh_name()));
  const auto reason_of = [&](const destination& to, const term& question) {
    try {
      here.call(to, question, patience);
    } catch (const call_failed& e) {
      return e.reason();
    }
    return term("none"_atom);
  };
  CHECK(reason_of(remote("nobody", there.name()), "hello") == term("noproc"_atom));
  CHECK(reason_of(remote("nobody", "nowhere@127.0.0.1"), "hello") == term("noconnection"_atom));
  {
    const server theirs(there, "stops");
    CHECK(reason_of(theirs.by_name(), term::tuple({"stop"_atom, term::tuple({"for"_atom, "us"})})) ==
          term::tuple({"for"_atom, "us"}));
    CHECK(reason_of(theirs.process, "hello") == term("noproc"_atom));
  }
  const server theirs(there, "loses");
  CHECK(reason_of(theirs.by_name(), term::tuple({"stop"_atom, "normal"_atom})) == term("normal"_atom));
}

TEST_CASE("a call of ours that times out: their late answer reaches nobody") {
  otp& there = published_otp();
  const server theirs(there, "late");
  node here(options_of(fresh_name()));
  run(
      here,
      [](context& self, otp_handle erlang, destination to) -> process {
        const term question = term::tuple({"late"_atom, self.pid()});
        const term reason = co_await failure(self, to, question, 1ms);
        CHECK(reason == term("timeout"_atom));
        const term waiting = co_await next<term>(self);
        self.send(waiting[1].as_pid(), "go"_atom);
        // What they send after it comes after it.
        const bindings with{{"P", waiting[1]}, {"Q", self.pid()}};
        co_await eval(self, erlang, "R = monitor(process, P), receive {'DOWN', R, _, _, _} -> Q ! finished end", with);
        const term finished = co_await next<term>(self);
        CHECK(finished == term("finished"_atom));
        CHECK(self.mailbox_length() == 0);
      },
      otp_handle(there), theirs.by_name());
}

TEST_CASE("casts and messages reach a gen_server of theirs as what they are") {
  otp& there = published_otp();
  const server theirs(there, "notes");
  node here(options_of(fresh_name()));
  run(
      here,
      [](context& self, destination by_name, pid by_pid) -> process {
        self.cast(by_name, number{1});
        self.send<number>(by_name, 2);
        self.cast(by_pid, term(3));
        self.send(by_pid, term("four"));
        const term history = co_await self.call(by_pid, "history"_atom);
        const auto one = [](const char* how, term what) { return term::tuple({atom(how), std::move(what)}); };
        CHECK(history ==
              term::list({one("cast", term::tuple({"number"_atom, 1})), one("info", term::tuple({"number"_atom, 2})),
                          one("cast", 3), one("info", "four")}));
      },
      theirs.by_name(), theirs.process);
}

TEST_CASE("many calls at once from many processes of either side: each has its own answer") {
  otp& there = hidden_otp();
  const server theirs(there, "busy");
  node here(options_of(fresh_name()));
  here.spawn({.name = "busy"}, agent);
  CHECK(there.eval(
            "Me = self(), "
            "[spawn(fun() -> Me ! [gen_server:call({busy, B}, {I, J}) =:= {got, {I, J}} || J <- lists:seq(1, 40)] end)"
            " || I <- lists:seq(1, 40)],"
            "lists:usort(lists:append([receive L when is_list(L) -> L end || _ <- lists:seq(1, 40)]))",
            {{"B", atom(here.name())}}) == term::list({term(true)}));
  run(
      here,
      [](context& self, destination to) -> process {
        for (int i = 0; i < 40; ++i)
          self.spawn(
              [](context& me, destination server, int n, pid back) -> process {
                bool good = true;
                for (int j = 0; j < 40; ++j) {
                  const term question = term::tuple({"add"_atom, n, 1000 * j});
                  const term answer = co_await me.call(server, question, patience);
                  good = good && answer == term(n + 1000 * j);
                }
                me.send(back, term(good));
              },
              to, i, self.pid());
        for (int i = 0; i < 40; ++i) {
          const term good = co_await next<term>(self);
          CHECK(good == term(true));
        }
      },
      theirs.by_name());
}
