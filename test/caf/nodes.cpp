// SPDX-License-Identifier: BSL-1.0
// CAF actors on a node: called from Erlang, calling Erlang, and CAF's own middleman beside it.
#include "both.hpp"

#include <interop/otp.hpp>

#include <caf/io/all.hpp>

using namespace both_test;
using interop::fresh_name;
using interop::options_of;
using interop::otp;
using interop::published_otp;

namespace {

/// A node that CAF is joined with.
struct joined {
  node here{options_of(fresh_name("caf"))};
  config settings;
  caf::actor_system there{settings};
  bridge::crossing between{there, here};

  term eval(otp& erl, const char* source, interop::bindings more = {}) {
    more.emplace_back("N", atom(here.name()));
    return erl.eval(source, more);
  }
};

/// As CAF programs are: atoms and ints.
caf::behavior calculator(caf::event_based_actor* self) {
  return {[](caf::atom_constant<caf::atom("add")>, int a, int b) { return a + b; },
          [](caf::atom_constant<caf::atom("fail")>) -> caf::result<int> {
            return caf::make_error(caf::sec::invalid_argument);
          },
          [=](caf::atom_constant<caf::atom("quit")>) { self->quit(caf::exit_reason::out_of_workers); }};
}

}  // namespace

TEST_CASE("a CAF actor that is registered under a name is called from Erlang") {
  otp& erl = published_otp();
  joined j;
  const caf::actor a = j.there.spawn(caf_counter);
  j.here.register_name("caf_counter", j.between.as_pid(a));
  CHECK(j.eval(erl, "gen_server:call({caf_counter, N}, {increment, 40})") == term(40));
  CHECK(j.eval(erl, "{caf_counter, N} ! {increment, 2}, gen_server:call({caf_counter, N}, get)") == term(42));
  const caf::actor c = j.there.spawn(calculator);
  j.here.register_name("calculator", j.between.as_pid(c));
  CHECK(j.eval(erl, "gen_server:call({calculator, N}, {add, 40, 2})") == term(42));
  // CAF's error is the reason of the call's end. (OTP's gen:call monitors, and takes the DOWN for the answer.)
  CHECK(j.eval(erl, "catch gen_server:call({calculator, N}, fail, 5000), ok") == term("ok"_atom));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(c, caf::exit_reason::user_shutdown);
}

TEST_CASE("Erlang monitors a CAF actor and learns how it ends") {
  otp& erl = published_otp();
  joined j;
  const pid p = j.between.as_pid(j.there.spawn(calculator));
  CHECK(j.eval(erl, "R = monitor(process, P), P ! quit, receive {'DOWN', R, process, P, Why} -> Why end", {{"P", p}}) ==
        term::parse("{caf,exit,3,<<\"out_of_workers\">>}"));
  const pid q = j.between.as_pid(j.there.spawn(calculator));
  CHECK(j.eval(erl, "process_flag(trap_exit, true), link(Q), exit(Q, shutdown), receive {'EXIT', Q, Why} -> Why end",
               {{"Q", q}}) == term("shutdown"_atom));
}

TEST_CASE("a CAF actor asks an Erlang process, and hears of its end") {
  otp& erl = published_otp();
  joined j;
  const term process =
      j.eval(erl,
             "spawn(fun() -> receive {'$gen_call', From, {double, X}} -> gen_server:reply(From, 2 * X) "
             "end, receive stop -> exit(done) end end)");
  const caf::actor a = j.between.as_caf(process.as_pid());
  caf::scoped_actor self(j.there);
  self->monitor(a);
  int got = 0;
  self->request(a, patience, caf::atom("double"), 21).receive([&](int value) { got = value; }, [](caf::error&) {});
  CHECK(got == 42);
  self->send(a, caf::atom("stop"));
  term reason;
  self->receive([&](const caf::down_msg& d) { reason = bridge::to_reason(d.reason); });
  CHECK(reason == term("done"_atom));
  caf::error problem;
  self->request(a, patience, caf::atom("double"), 1).receive([](int) {}, [&](caf::error& e) { problem = e; });
  CHECK(problem == caf::sec::request_receiver_down);
}

TEST_CASE("CAF's middleman and a troupe node run in one program, and a process is published by CAF") {
  otp& erl = published_otp();
  node here(options_of(fresh_name("caf")));
  config settings;
  settings.load<caf::io::middleman>();
  config far_settings;
  far_settings.load<caf::io::middleman>();
  caf::actor_system there(settings);
  caf::actor_system far(far_settings);
  bridge::crossing between(there, here);
  const pid p = here.spawn(counter, 0);
  here.register_name("counter", p);

  const auto port = there.middleman().publish(between.as_caf(p), 0, "127.0.0.1", true);
  REQUIRE(port);
  const auto remote = far.middleman().remote_actor("127.0.0.1", *port);
  REQUIRE(remote);
  caf::scoped_actor self(far);
  const auto ask = [&](const auto& what) {
    int got = -1;
    self->request(*remote, patience, what).receive([&](int value) { got = value; }, [](caf::error&) {});
    return got;
  };
  CHECK(ask(increment{40}) == 40);
  CHECK(erl.eval("gen_server:call({counter, N}, {increment, 2})", {{"N", atom(here.name())}}) == term(42));
  CHECK(ask(get{}) == 42);
  // The process sees the remote actor's sender, and the remote actor sees its end.
  self->monitor(*remote);
  here.exit(p, "shutdown"_atom);
  caf::error reason;
  self->receive([&](const caf::down_msg& d) { reason = d.reason; });
  CHECK(reason == caf::exit_reason::user_shutdown);
}
