// SPDX-License-Identifier: BSL-1.0
// Messages both ways: what becomes of what.
#include "both.hpp"

using namespace both_test;

namespace {

using add_atom = caf::atom_constant<caf::atom("add")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;

/// What a process gets, as a term, when an actor is sent so.
template <class... T>
term through(T&&... elements) {
  both b;
  told<term> got;
  const pid p = b.here.spawn(tells, got.teller());
  caf::anon_send(b.as_caf(p), std::forward<T>(elements)...);
  return got.get();
}

/// What an actor gets when its pid is sent so.
template <class M>
caf::message back(M&& message) {
  both b;
  told<caf::message> got;
  const pid p = b.as_pid(b.there.spawn(caf_tells, got.promise()));
  b.here.send(p, std::forward<M>(message));
  return got.get();
}

struct add {
  int a;
  int b;
};

process takes_add(context& self, teller<int> say) {
  const add m = co_await self.receive<add>();
  (*say)(m.a + m.b);
}

process takes_order(context& self, teller<const void*> say) {
  // A described type is not taken to parts: nothing but an order would be the payload here.
  any_message m = co_await self.receive([](any_message got) { return got; });
  (*say)(m.get_if<order>() == nullptr ? nullptr : m.get_if<order>()->lines.data());
}

}  // namespace

TEST_CASE("a CAF message of one added type is that message for a process, moved") {
  both b;
  told<const void*> got;
  const pid p = b.here.spawn(takes_order, got.teller());
  order o{.id = 7, .lines = {{"tea", 2.5}}, .discount = 3};
  const void* lines = o.lines.data();
  caf::anon_send(b.as_caf(p), std::move(o));
  CHECK(got.get() == lines);
}

TEST_CASE("a CAF message of several elements is the tuple term") {
  CHECK(through(add_atom::value, 1, 2) == term::tuple({"add"_atom, 1, 2}));
  CHECK(through(add_atom::value, increment{3}) == term::tuple({"add"_atom, term::tuple({"increment"_atom, 3})}));
}

TEST_CASE("an atom and elements are a struct for a process that takes one") {
  both b;
  told<int> got;
  const pid p = b.here.spawn(takes_add, got.teller());
  caf::anon_send(b.as_caf(p), add_atom::value, 40, 2);
  CHECK(got.get() == 42);
}

TEST_CASE("elements of CAF's own types have terms") {
  CHECK(through(stop_atom::value) == term("stop"_atom));
  CHECK(through(std::int64_t{-5}) == term(-5));
  CHECK(through(std::uint64_t{18446744073709551615U}) == term(std::uint64_t{18446744073709551615U}));
  CHECK(through(2.5) == term(2.5));
  CHECK(through(true) == term(true));
  CHECK(through(std::string("text")) == term("text"));
  CHECK(through(caf::unit) == term());
  CHECK(through(caf::timespan(1500)) == term(1500));
  CHECK(through(std::vector<std::string>{"a", "b"}) == term::list({"a", "b"}));
  CHECK(through(std::vector<increment>{{1}, {2}}) ==
        term::list({term::tuple({"increment"_atom, 1}), term::tuple({"increment"_atom, 2})}));
  CHECK(through(std::map<std::string, std::string>{{"k", "v"}}) == term::map({{"k", "v"}}));
  CHECK(through(caf::make_message(1, 2), 3) == term::tuple({term::tuple({1, 2}), 3}));
  CHECK(through(caf::make_message()) == term::tuple({}));
  CHECK(through(caf::error(caf::exit_reason::user_shutdown)) == term("shutdown"_atom));
  CHECK(through(term::map({{1, 2}}), "a_long_atom_name"_atom) ==
        term::tuple({term::map({{1, 2}}), "a_long_atom_name"_atom}));
}

TEST_CASE("an actor in a message is its pid, and a pid an actor") {
  both b;
  told<term> got;
  const pid p = b.here.spawn(tells, got.teller());
  const caf::actor a = b.there.spawn(caf_counter);
  caf::anon_send(b.as_caf(p), a, b.as_caf(p));
  CHECK(got.get() == term::tuple({b.as_pid(a), p}));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);

  told<caf::message> back;
  const pid told_pid = b.as_pid(b.there.spawn(caf_tells, back.promise()));
  const pid q = b.here.spawn(counter, 0);
  b.here.send(told_pid, term(q));
  const caf::message m = back.get();
  REQUIRE(m.match_elements<caf::actor>());
  CHECK(m.get_as<caf::actor>(0) == b.as_caf(q));
}

TEST_CASE("a message of an added type reaches an actor as that type, and so does its term") {
  const caf::message m = back(order{.id = 9, .lines = {{"x", 1.0}}, .discount = {}});
  REQUIRE(m.match_elements<order>());
  CHECK(m.get_as<order>(0).lines.at(0).text == "x");
  const caf::message t = back(term::tuple({"increment"_atom, 5}));
  REQUIRE(t.match_elements<increment>());
  CHECK(t.get_as<increment>(0).by == 5);
  CHECK(back(term("get"_atom)).match_elements<get>());
}

TEST_CASE("a struct that was not added reaches an actor as its name and its members") {
  const caf::message m = back(note{"hello"});
  REQUIRE(m.match_elements<caf::atom_value, std::string>());
  CHECK(m.get_as<caf::atom_value>(0) == caf::atom("note"));
  CHECK(m.get_as<std::string>(1) == "hello");
}

TEST_CASE("a term reaches an actor as the elements of its tuple") {
  const caf::message m = back(term::tuple({"add"_atom, 1, std::int64_t{1} << 40, 2.5, true, "text"}));
  REQUIRE(m.match_elements<caf::atom_value, std::int32_t, std::int64_t, double, bool, std::string>());
  CHECK(m.get_as<std::int64_t>(2) == std::int64_t{1} << 40);
  CHECK(back(term::list({"a", "b"})).match_elements<std::vector<std::string>>());
  CHECK(back(term::list({1, 2})).match_elements<std::vector<std::int32_t>>());
  CHECK(back(term::list({1.5})).match_elements<std::vector<double>>());
  CHECK(back(term::tuple({})).empty());
}

TEST_CASE("what CAF has no type for reaches an actor as a term, an atom that CAF cannot hold as troupe's atom") {
  const caf::message m = back(term::tuple({"a_long_atom_name"_atom, term::map({{1, 2}}), term::list({1, "x"})}));
  REQUIRE(m.match_elements<atom, term, term>());
  CHECK(m.get_as<atom>(0) == "a_long_atom_name"_atom);
  CHECK(m.get_as<term>(1) == term::map({{1, 2}}));
}

TEST_CASE("a message of one of CAF's own types reaches an actor as that type whatever its value") {
  CHECK(back(std::int64_t{1}).match_elements<std::int64_t>());
  CHECK(back(std::uint16_t{1}).match_elements<std::uint16_t>());
  CHECK(back(1.5F).match_elements<float>());
  CHECK(back(std::string("x")).match_elements<std::string>());
  CHECK(back(std::vector<std::string>{}).match_elements<std::vector<std::string>>());
}

namespace {

struct numbered {
  int from;
  int n;
};

process collects(context& self, int count, teller<std::vector<numbered>> say) {
  std::vector<numbered> all;
  while (static_cast<int>(all.size()) < count) all.push_back(co_await self.receive<numbered>());
  (*say)(std::move(all));
}

}  // namespace

TEST_CASE("messages and requests of one actor arrive in the order in which they were sent") {
  both b;
  told<std::vector<numbered>> got;
  const int count = 200;
  const pid p = b.here.spawn(collects, count * 2, got.teller());
  const caf::actor to = b.as_caf(p);
  for (int from = 1; from <= 2; ++from)
    b.there.spawn([=](caf::event_based_actor* self) {
      for (int n = 0; n < count; ++n) self->send(to, caf::atom("numbered"), from, n);
    });
  std::map<int, int> next;
  for (const numbered& m : got.get()) CHECK(m.n == next[m.from]++);
  CHECK(next == std::map<int, int>{{1, count}, {2, count}});
}
