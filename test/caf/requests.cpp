// SPDX-License-Identifier: BSL-1.0
// Requests both ways: CAF's request answered by a process, self.call answered by a CAF behaviour.
#include "both.hpp"

using namespace both_test;

namespace {

/// Never answers: its requests are dropped, or ended with it.
struct die {
  term reason;
  using reply = int;
};
struct drop {
  using reply = int;
};
struct refuse {
  term reason;
  using reply = int;
};

process awkward(context& self) {
  for (;;)
    co_await self.receive([](request<drop>) {}, [](request<refuse> r) { r.fail(term(r->reason)); },
                          [&](request<die> r) {
                            const term reason = r->reason;
                            self.exit(reason);
                          });
}

/// What a blocking actor of CAF's gets for a request.
template <class R, class... T>
std::variant<R, caf::error> ask(both& b, const pid& whom, T&&... what) {
  caf::scoped_actor self(b.there);
  std::variant<R, caf::error> result;
  self->request(b.as_caf(whom), patience, std::forward<T>(what)...)
      .receive([&](R value) { result = std::move(value); }, [&](caf::error& problem) { result = std::move(problem); });
  return result;
}

template <class... T>
caf::error fails(both& b, const pid& whom, T&&... what) {
  return std::get<caf::error>(ask<int>(b, whom, std::forward<T>(what)...));
}

struct unheard {
  int x = 0;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, unheard& u) {
  return f(caf::meta::type_name("unheard"), u.x);
}

/// Calls and tells what came of it: the answer, or {failed, Reason}.
template <class M>
process calls(context& self, pid whom, M what, teller<term> say) {
  term answer;
  try {
    auto pending = self.request(whom, what, patience);
    answer = to_term(co_await pending);
  } catch (const call_failed& e) {
    answer = term::tuple({"failed"_atom, e.reason()});
  }
  (*say)(answer);
}

template <class M>
term call(both& b, const pid& whom, M what) {
  told<term> got;
  b.here.spawn(calls<M>, whom, std::move(what), got.teller());
  return got.get();
}

}  // namespace

TEST_CASE("a process answers a blocking actor's request") {
  both b;
  const pid p = b.here.spawn(counter, 40);
  CHECK(std::get<int>(ask<int>(b, p, increment{2})) == 42);
  CHECK(std::get<int>(ask<int>(b, p, get{})) == 42);
  CHECK(std::get<int>(ask<int>(b, p, caf::atom("increment"), 1)) == 43);
}

TEST_CASE("a process answers then and await") {
  both b;
  const caf::actor to = b.as_caf(b.here.spawn(counter, 0));
  told<int> got;
  b.there.spawn([to, say = got.promise()](caf::event_based_actor* self) {
    self->request(to, caf::infinite, increment{20}).await([](int) {});
    self->request(to, caf::infinite, increment{22}).then([say](int value) { say->set_value(value); });
  });
  CHECK(got.get() == 42);
}

TEST_CASE("a request to a process that has ended gets request_receiver_down") {
  both b;
  const pid p = b.here.spawn(counter, 0);
  const caf::actor a = b.as_caf(p);
  b.here.exit(p, "shutdown"_atom);
  b.here.wait(p);
  CHECK(fails(b, p, get{}) == caf::sec::request_receiver_down);
}

TEST_CASE("a request that a process does not answer gets why") {
  both b;
  const auto fresh = [&] { return b.here.spawn(awkward); };
  CHECK(fails(b, fresh(), caf::atom("drop")) == caf::sec::request_receiver_down);
  CHECK(fails(b, fresh(), caf::atom("die"), term("shutdown"_atom)) == caf::exit_reason::user_shutdown);
  CHECK(fails(b, fresh(), caf::atom("die"), term("normal"_atom)) == caf::sec::request_receiver_down);
  const caf::error odd = fails(b, fresh(), caf::atom("refuse"), term::tuple({"no"_atom, 7}));
  CHECK(odd.category() == bridge::error_category);
  CHECK(bridge::to_reason(odd) == term::tuple({"no"_atom, 7}));
  CHECK(b.there.render(odd) == "{no,7}");
}

TEST_CASE("a CAF message of a type that was not added is refused, and the requester is told which") {
  both b;
  const caf::error problem = fails(b, b.here.spawn(counter, 0), unheard{1});
  CHECK(problem == caf::sec::unexpected_message);
  CHECK(caf::to_string(problem.context()).find("unheard") != std::string::npos);
}

TEST_CASE("a process that is asked by an actor can send to it") {
  both b;
  const pid p = b.here.spawn([](context& self) -> process {
    auto r = co_await self.receive<request<get>>();
    const pid from = r.from();
    self.send<note>(from, "first");
    r.reply(1);
  });
  told<std::string> got;
  b.there.spawn([to = b.as_caf(p), say = got.promise()](caf::event_based_actor* self) -> caf::behavior {
    self->request(to, caf::infinite, get{}).then([](int) {});
    return {[=](caf::atom_value, const std::string& text) {
      say->set_value(text);
      self->quit();
    }};
  });
  CHECK(got.get() == "first");
}

TEST_CASE("a CAF behaviour answers self.call") {
  both b;
  const pid a = b.as_pid(b.there.spawn(caf_counter));
  CHECK(call(b, a, increment{40}) == term(40));
  CHECK(call(b, a, increment{2}) == term(42));
  CHECK(call(b, a, term("get"_atom)) == term(42));
  CHECK(b.here.call(a, get{}) == 42);
  b.here.exit(a, "shutdown"_atom);
  b.here.wait(a);
}

TEST_CASE("what CAF answers of several elements, of none, or as an error") {
  both b;
  const caf::actor a = b.there.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](caf::atom_value what) -> caf::result<caf::message> {
      if (what == caf::atom("two")) return caf::make_message(1, std::string("x"));
      if (what == caf::atom("none")) return caf::make_message();
      return caf::make_error(caf::sec::invalid_argument);
    }};
  });
  const pid p = b.as_pid(a);
  CHECK(call(b, p, term("two"_atom)) == term::tuple({1, "x"}));
  CHECK(call(b, p, term("none"_atom)) == term());
  CHECK(call(b, p, term("else"_atom)) ==
        term::tuple({"failed"_atom, term::tuple({"caf"_atom, "system"_atom, 20, "invalid_argument"})}));
  // Nothing takes it: CAF's own answer.
  CHECK(call(b, p, term(1))[0] == term("failed"_atom));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("a call of an actor that has ended fails with noproc, one that it leaves open with its exit reason") {
  both b;
  const caf::actor a = b.there.spawn([](caf::event_based_actor* self) -> caf::behavior {
    auto open = std::make_shared<caf::response_promise>();
    return {[=](get) {
      *open = self->make_response_promise();
      self->quit(caf::exit_reason::out_of_workers);
      return *open;
    }};
  });
  const pid p = b.as_pid(a);
  CHECK(call(b, p, get{}) == term::tuple({"failed"_atom, term::tuple({"caf"_atom, "exit"_atom, 3, "out_of_workers"})}));
  CHECK(call(b, p, get{}) == term::tuple({"failed"_atom, "noproc"_atom}));
}

TEST_CASE("an actor delegates a process's call to another process, whose answer it is") {
  both b;
  const caf::actor behind = b.as_caf(b.here.spawn(counter, 41));
  const caf::actor a = b.there.spawn([behind](caf::event_based_actor* self) -> caf::behavior {
    return {[=](increment m) { return self->delegate(behind, m); }};
  });
  CHECK(call(b, b.as_pid(a), increment{1}) == term(42));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("a process delegates an actor's request to an actor") {
  both b;
  const caf::actor behind = b.there.spawn(caf_counter);
  const pid front = b.here.spawn(
      [](context& self, pid to) -> process {
        auto r = co_await self.receive<request<increment>>();
        self.delegate(to, std::move(r));
      },
      b.as_pid(behind));
  CHECK(std::get<int>(ask<int>(b, front, increment{42})) == 42);
  caf::anon_send_exit(behind, caf::exit_reason::user_shutdown);
}

TEST_CASE("a composed actor may have a process in it") {
  both b;
  const caf::actor inner = b.as_caf(b.here.spawn(counter, 0));
  const caf::actor twice =
      b.there.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int value) { return value * 2; }}; });
  caf::scoped_actor self(b.there);
  int got = 0;
  self->request(twice * inner, patience, increment{21}).receive([&](int value) { got = value; }, [](caf::error&) {});
  CHECK(got == 42);
  caf::anon_send_exit(twice, caf::exit_reason::user_shutdown);
}

namespace {

using calculator = caf::typed_actor<caf::replies_to<increment>::with<int>, caf::replies_to<get>::with<int>>;

calculator::behavior_type typed_counter(calculator::stateful_pointer<int> self) {
  return {[self](const increment& m) { return self->state += m.by; }, [self](get) { return self->state; }};
}

}  // namespace

TEST_CASE("a typed CAF actor has a pid, and a process is one") {
  both b;
  const calculator typed = b.there.spawn(typed_counter);
  const pid p = b.between.as_pid(typed);
  CHECK(call(b, p, increment{42}) == term(42));
  CHECK(b.here.call(p, get{}) == 42);
  const auto process_as_typed = b.between.as_caf<calculator>(b.here.spawn(counter, 1));
  auto f = caf::make_function_view(process_as_typed, caf::duration(patience));
  CHECK(f(increment{1}) == 2);
  CHECK(f(get{}) == 2);
  caf::anon_send_exit(typed, caf::exit_reason::user_shutdown);
}

TEST_CASE("many actors and many processes ask one another at once") {
  both b;
  const caf::actor a = b.there.spawn(caf_counter);
  const pid p = b.here.spawn(counter, 0);
  const int count = 100;
  const int each = 20;
  std::vector<told<int>> done(count * 2);
  for (int i = 0; i < count; ++i) {
    b.there.spawn(
        [=, to = b.as_caf(p), say = done[static_cast<std::size_t>(i)].promise()](caf::event_based_actor* self) {
          auto left = std::make_shared<int>(each);
          for (int k = 0; k < each; ++k)
            self->request(to, caf::infinite, increment{1}).then([=](int) {
              if (--*left == 0) say->set_value(0);
            });
        });
    b.here.spawn(
        [](context& self, pid to, int times, teller<int> say) -> process {
          for (int k = 0; k < times; ++k) co_await self.call<increment>(to, after(patience), 1);
          (*say)(0);
        },
        b.as_pid(a), each, done[static_cast<std::size_t>(count + i)].teller());
  }
  for (auto& d : done) d.get();
  CHECK(b.here.call(p, get{}) == count * each);
  CHECK(b.here.call(b.as_pid(a), get{}) == count * each);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}
