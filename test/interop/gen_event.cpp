// SPDX-License-Identifier: BSL-1.0
// gen_event, both ways: Erlang's module with a manager of ours, and ours with one of theirs.
#include "otp.hpp"

#include <troupe/actors/behaviours/all.hpp>

#include <string>
#include <vector>

using namespace interop;

namespace {

struct order {
  int id;
  std::string text;
};
struct orders {
  using reply = std::vector<int>;
};
struct add {
  int a;
  int b;
  using reply = int;
};
struct crash {
  using reply = int;
};

/// Keeps the orders it hears of.
class clerk : public event_handler {
 public:
  clerk() = default;
  explicit clerk(const term& first) { ids_.push_back(static_cast<int>(first.as_integer())); }
  init_result init() {
    if (!ids_.empty() && ids_[0] < 0) return init_stop{term("negative"_atom)};
    return {};
  }
  init_result take_over(const term& left) {
    ids_.push_back(static_cast<int>(left.as_integer()));
    return {};
  }
  void on_order(const order& o) {
    if (o.text == "fail") throw std::runtime_error("as told");
    ids_.push_back(o.id);
  }
  std::vector<int> tell(const orders&) { return ids_; }
  int fail(const crash&) { throw std::runtime_error("as asked"); }
  int terminate(const term&) { return static_cast<int>(ids_.size()); }
  std::vector<int> state() const { return ids_; }
  using handles = handlers<event<&clerk::on_order>, call<&clerk::tell>, call<&clerk::fail>>;

 private:
  std::vector<int> ids_;
};

}  // namespace

TEST_CASE("Erlang's gen_event uses a manager of ours") {
  otp& there = hidden_otp();
  gen_event::export_handler<clerk>();
  node here(options_of(fresh_name()));
  const event_manager bus = here.start<gen_event>({.name = "bus"});
  const bindings b{{"M", term::tuple({"bus"_atom, atom(here.name())})}, {"P", bus.pid()}};
  const auto is = [&](const char* expression, const char* expected) {
    INFO(std::string(expression));
    CHECK(there.eval(expression, b) == term::parse(expected));
  };
  is("gen_event:which_handlers(M)", "[]");
  is("gen_event:add_handler(M, clerk, 1)", "ok");
  is("gen_event:add_handler(P, {clerk, x}, 2)", "ok");
  is("gen_event:which_handlers(M)", "[{clerk,x},clerk]");
  is("gen_event:add_handler(M, clerk, -1)", "{error,negative}");
  is("gen_event:add_handler(M, nobodys, 1)", "{error,{unknown_handler,nobodys}}");
  is("gen_event:notify(M, {order, 5, <<\"x\">>}), gen_event:call(M, clerk, orders)", "[1,5]");
  is("gen_event:sync_notify(P, {order, 6, <<\"x\">>})", "ok");
  is("gen_event:call(M, {clerk, x}, orders, 5000)", "[2,5,6]");
  is("gen_event:call(M, nobodys, orders)", "{error,bad_module}");
  is("gen_event:swap_handler(M, {{clerk, x}, why}, {{clerk, y}, 9})", "ok");
  is("gen_event:call(M, {clerk, y}, orders)", "[9,3]");  // init's argument, and how many the other had
  is("sys:get_state(M)", "[{clerk,y,[9,3]},{clerk,false,[1,5,6]}]");
  is("{status, P, {module, gen_event}, _} = sys:get_status(M), ok", "ok");
  is("R = gen_event:send_request(M, clerk, orders), gen_event:wait_response(R, 5000)", "{reply,[1,5,6]}");
  is("gen_event:delete_handler(M, {clerk, y}, why)", "2");
  is("gen_event:delete_handler(M, {clerk, y}, why)", "{error,module_not_found}");

  // Failing: removed, told to who supervises it; the manager lives.
  is("gen_event:add_sup_handler(M, {clerk, s}, 7), gen_event:notify(M, {order, 1, <<\"fail\">>}), "
     "receive {gen_event_EXIT, {clerk, s}, {'EXIT', W}} -> W after 5000 -> none end",
     "{error,<<\"as told\">>}");
  is("gen_event:which_handlers(M)", "[]");
  is("gen_event:add_handler(M, clerk, 7), gen_event:call(M, clerk, crash)",
     "{error,{'EXIT',{error,<<\"as asked\">>}}}");
  is("gen_event:which_handlers(M)", "[]");

  // The end of who supervises a handler removes it.
  is("Me = self(), spawn(fun() -> ok = gen_event:add_sup_handler(M, clerk, 7), Me ! ready end), "
     "receive ready -> ok end, "
     "F = fun F() -> case gen_event:which_handlers(M) of [] -> ok; _ -> F() end end, F()",
     "ok");
  is("gen_event:stop(M)", "ok");
  CHECK(!here.is_alive(bus.pid()));
}

TEST_CASE("our gen_event uses a manager of Erlang's") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const atom name(std::string("bus_") + std::string(fresh_name()));
  const pid bus = there.eval("{ok, P} = gen_event:start({local, N}), P", {{"N", name}}).as_pid();
  const atom their_name = atom(there.name());
  here.wait(here.spawn([&](context& self) -> process {
    const destination by_name(name, their_name);
    co_await gen_event::add_named(self, by_name, "troupe_otp"_atom, term::list({}));
    const auto names = co_await gen_event::which_handlers(self, bus);
    CHECK(names == std::vector<term>{"troupe_otp"_atom});
    gen_event::notify(self, by_name, term("first"_atom));
    const order o{1, "x"};
    co_await gen_event::sync_notify(self, by_name, o);
    const term history = co_await gen_event::call(self, bus, "troupe_otp"_atom, "history"_atom);
    CHECK(history == term::parse("[first,{order,1,<<\"x\">>}]"));
    term why = "none"_atom;
    try {
      static_cast<void>(co_await gen_event::delete_handler(self, bus, "nobodys"_atom));
    } catch (const call_failed& e) {
      why = e.reason();
    }
    CHECK(why == term("module_not_found"_atom));
    static_cast<void>(co_await gen_event::delete_handler(self, bus, "troupe_otp"_atom));
    const auto none = co_await gen_event::which_handlers(self, bus);
    CHECK(none.empty());
    co_await stop(self, by_name);
  }));
}

TEST_CASE("multi_call asks Erlang's gen_servers and ours, and abcast reaches them") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  there.eval("troupe_otp:start_server(N)", {{"N", "multi"_atom}});
  here.wait(here.spawn([&](context& self) -> process {
    const std::vector<atom> nodes{atom(there.name()), atom("nobody@nowhere"), atom(here.name())};
    const add sum{1, 2};
    const auto found = co_await multi_call(self, nodes, "multi", sum, 5s);
    REQUIRE(found.replies.size() == 1);
    CHECK(found.replies[0].node == atom(there.name()));
    CHECK(found.replies[0].value == 3);
    CHECK(found.bad_nodes.size() == 2);
    abcast(self, nodes, "multi", term("hello"_atom));
  }));
  CHECK(
      there.eval("F = fun F() -> case gen_server:call(multi, history) of [{cast, hello}] -> ok; _ -> F() end end, F(),"
                 "gen_server:stop(multi)") == term("ok"_atom));
}
