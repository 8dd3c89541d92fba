// SPDX-License-Identifier: BSL-1.0
// A gen_statem of ours, used by Erlang's gen_statem and sys.
#include "otp.hpp"

#include <troupe/actors/behaviours/all.hpp>

using namespace interop;

namespace {

enum class door { locked, open };
struct press {
  int digit;
};
struct walk {
  std::string who;
  using reply = std::string;
};

class code_lock : public gen_statem<door> {
 public:
  door init() { return door::locked; }
  void type(const press& p) {
    if (p.digit == 7) next_state(door::open);
  }
  void wait(const walk&, from<std::string> caller) { postpone(std::move(caller)); }
  std::string pass(const walk& m) {
    ++passed_;
    return "welcome " + m.who;
  }
  int data() const { return passed_; }

  using handles = states<in<door::locked, cast<&code_lock::type>, call<&code_lock::wait>>,
                         in<door::open, postponed<press>, call<&code_lock::pass>>>;

 private:
  int passed_ = 0;
};

struct done {};

process lock_keeper(context& self) {
  const start_options options{.name = "statem_lock"};
  const auto lock = co_await self.start_link<code_lock>(options);
  static_cast<void>(lock);
  self.register_name("statem_keeper");
  co_await self.receive<done>();
  self.exit("shutdown"_atom);
}

}  // namespace

TEST_CASE("Erlang's gen_statem and sys use a state machine of ours") {
  node here(options_of(fresh_name()));
  otp& there = published_otp();
  here.spawn(lock_keeper);
  CHECK(eventually([&] { return static_cast<bool>(here.whereis("statem_keeper")); }));
  const bindings b{{"L", term::tuple({"statem_lock"_atom, atom(here.name())})}};

  CHECK(there.eval("sys:get_state(L)", b) == term::tuple({"locked"_atom, 0}));
  // Postponed from afar, and handled again when the state has changed: twice, since the payload must still be whole.
  CHECK(there.eval("R1 = gen_statem:send_request(L, {walk, <<\"joe\">>}), R2 = gen_statem:send_request(L, {walk, "
                   "<<\"mike\">>}), timeout = gen_statem:wait_response(R1, 50), gen_statem:cast(L, {press, 7}), "
                   "[gen_statem:receive_response(R, 5000) || R <- [R1, R2]]",
                   b) ==
        term::list({term::tuple({"reply"_atom, "welcome joe"}), term::tuple({"reply"_atom, "welcome mike"})}));
  CHECK(there.eval("gen_statem:call(L, {walk, <<\"robert\">>})", b) == term("welcome robert"));
  CHECK(there.eval("sys:get_state(L)", b) == term::tuple({"open"_atom, 3}));
  CHECK(
      there.eval("{status, _, {module, gen_statem}, [_, running, _, _, Misc]} = sys:get_status(L), "
                 "{header, H} = lists:keyfind(header, 1, Misc), lists:prefix(\"Status for state machine\", H) andalso "
                 "[S || {data, D} <- Misc, {\"State\", S} <- D]",
                 b) == term::list({term::tuple({"open"_atom, 3})}));
  CHECK(there.eval("ok = sys:suspend(L), R = gen_statem:send_request(L, {walk, <<\"x\">>}), timeout = "
                   "gen_statem:wait_response(R, 50), ok = sys:resume(L), gen_statem:receive_response(R, 5000)",
                   b) == term::tuple({"reply"_atom, "welcome x"}));
  CHECK(there.eval("{'EXIT', {Why, _}} = (catch gen_statem:call(L, what)), is_tuple(Why)", b) == term("true"_atom));
  CHECK(there.eval("gen_statem:stop(L, shutdown, 5000)", b) == term("ok"_atom));
  CHECK(there.eval("{'EXIT', {noproc, _}} = (catch gen_statem:call(L, what)), ok", b) == term("ok"_atom));
}
