// SPDX-License-Identifier: BSL-1.0
// Receiving: all forms of receive, and what is taken in which order.
#include "everywhere.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct red {
  int n;
};
struct green {
  int n;
};
struct blue {
  int n;
};
struct note {
  std::string text;
};
struct boxed {
  std::unique_ptr<int> value;
};
struct numbered {
  int sender;
  int n;
};
struct question {
  int n;
  using reply = int;
};
struct other_question {
  using reply = int;
};
struct done {};

process send_numbers(context& self, pid to, int sender, int count) {
  for (int i = 0; i < count; ++i) {
    self.send<numbered>(to, sender, i);
    if (i % 3 == sender) co_await self.yield();
  }
}

int twice(const red& m) {
  return 2 * m.n;
}
int thrice(green m) noexcept {
  return 3 * m.n;
}

process ask(context& self, pid server, pid report, int n) {
  int answer = co_await self.call<question>(server, n);
  self.send<blue>(report, answer);
}

}  // namespace

// --- receive<T>() ---------------------------------------------------------------------------------------------------

TEST_CASE("receive<T> gives the first T, and the other messages stay in order") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 2);
    self.send<red>(self, 3);
    self.send<blue>(self, 4);
    self.send<green>(self, 5);
    auto first = co_await self.receive<green>();
    static_assert(std::is_same_v<decltype(first), green>);
    CHECK(first.n == 2);
    const blue b = co_await self.receive<blue>();
    CHECK(b.n == 4);
    std::vector<int> rest;
    for (int i = 0; i < 3; ++i)
      co_await self.receive([&](const red& r) { rest.push_back(r.n); }, [&](const green& g) { rest.push_back(g.n); });
    CHECK(rest == std::vector<int>{1, 3, 5});
    CHECK(self.mailbox_length() == 0);
  });
}

TEST_CASE("receive<T> waits for a message that comes later") {
  everywhere([](context& self) -> process {
    self.spawn(send_numbers, self.pid(), 1, 3);
    for (int i = 0; i < 3; ++i) {
      const numbered m = co_await self.receive<numbered>();
      CHECK(m.n == i);
    }
  });
}

TEST_CASE("receive<A, B> gives a variant with the first message that is an A or a B") {
  everywhere([](context& self) -> process {
    self.send<blue>(self, 1);
    self.send<green>(self, 2);
    self.send<red>(self, 3);
    auto first = co_await self.receive<red, green>();
    static_assert(std::is_same_v<decltype(first), std::variant<red, green>>);
    REQUIRE(std::holds_alternative<green>(first));
    CHECK(std::get<green>(first).n == 2);
    auto second = co_await self.receive<red, green>();
    REQUIRE(std::holds_alternative<red>(second));
    CHECK(std::get<red>(second).n == 3);
    const blue b = co_await self.receive<blue>();
    CHECK(b.n == 1);
  });
}

TEST_CASE("receive<T>(after) gives an optional, which is empty when the time is over") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    auto got = co_await self.receive<red>(after(1s));
    static_assert(std::is_same_v<decltype(got), std::optional<red>>);
    CHECK(got.has_value());
    const auto start = self.now();
    self.send<green>(self, 2);
    got = co_await self.receive<red>(after(1s));
    CHECK(!got.has_value());
    CHECK(self.now() - start >= 1s);
    CHECK(self.now() - start < 2s);
    const green g = co_await self.receive<green>();
    CHECK(g.n == 2);
  });
}

TEST_CASE("receive<A, B>(after) gives a variant with timeout last") {
  everywhere([](context& self) -> process {
    self.send<green>(self, 7);
    auto got = co_await self.receive<red, green>(after(1min));
    static_assert(std::is_same_v<decltype(got), std::variant<red, green, timeout>>);
    CHECK(std::holds_alternative<green>(got));
    got = co_await self.receive<red, green>(after(1min));
    CHECK(std::holds_alternative<timeout>(got));
  });
}

TEST_CASE("a message that comes before its time ends a receive with after") {
  everywhere([](context& self) -> process {
    self.send_after(999ms, self, red{5});
    const auto got = co_await self.receive<red>(after(1s));
    REQUIRE(got.has_value());
    CHECK(got->n == 5);
  });
}

TEST_CASE("a message that is in the mailbox when the time is over is taken") {
  everywhere([](context& self) -> process {
    // Both at one moment: the message was sent before the timeout was armed, so it is there first.
    self.send_after(1s, self, red{5});
    const auto got = co_await self.receive<red>(after(1s));
    if (!got) {
      const red late = co_await self.receive<red>();
      CHECK(late.n == 5);
    } else {
      CHECK(got->n == 5);
    }
  });
}

// --- after ----------------------------------------------------------------------------------------------------------

TEST_CASE("after(0s) looks once at what has arrived") {
  everywhere([](context& self) -> process {
    auto nothing = co_await self.receive<red>(after(0s));
    CHECK(!nothing.has_value());
    self.send<green>(self, 1);
    self.send<red>(self, 2);
    auto there = co_await self.receive<red>(after(0s));
    REQUIRE(there.has_value());
    CHECK(there->n == 2);
    there = co_await self.receive<red>(after(0s));
    CHECK(!there.has_value());
    const green g = co_await self.receive<green>();
    CHECK(g.n == 1);
  });
}

TEST_CASE("after(0s) lets no time pass, however often it looks") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    for (int i = 0; i < 50; ++i) {
      const auto nothing = co_await self.receive<red>(after(0s));
      CHECK(!nothing.has_value());
    }
    CHECK(self.now() == start);
  });
}

TEST_CASE("a negative time is no time") {
  everywhere([](context& self) -> process {
    const auto start = self.now();
    bool ran = false;
    co_await self.receive([&](const red&) {}, after(-5s, [&] { ran = true; }));
    CHECK(ran);
    self.send<red>(self, 1);
    const auto there = co_await self.receive<red>(after(std::chrono::hours::min()));
    CHECK(there.has_value());
    const auto gone = co_await self.receive<red>(after(std::chrono::nanoseconds::min()));
    CHECK(!gone.has_value());
    CHECK(self.now() == start);
  });
}

TEST_CASE("a time too long for the clock is for ever") {
  everywhere([](context& self) -> process {
    self.send_after(1h, self, red{1});
    const auto a = co_await self.receive<red>(after(std::chrono::hours::max()));
    CHECK(a.has_value());
    self.send_after(1h, self, red{2});
    const auto b = co_await self.receive<red>(after(std::chrono::nanoseconds::max() - 1ns));
    CHECK(b.has_value());
    self.send_after(1h, self, red{3});
    const auto c = co_await self.receive<red>(after(infinity));
    CHECK(c.has_value());
    self.send_after(1h, self, red{4});
    const auto d = co_await self.receive<red>(after(std::chrono::duration<double>(1e300)));
    CHECK(d.has_value());
  });
}

TEST_CASE("the time of a receive begins anew with each receive") {
  everywhere([](context& self) -> process {
    for (int i = 1; i <= 5; ++i) self.send_after(i * 600ms, self, red{i});
    for (int i = 1; i <= 5; ++i) {
      const auto got = co_await self.receive<red>(after(1s));
      REQUIRE(got.has_value());
      CHECK(got->n == i);
    }
    const auto start = self.now();
    const auto got = co_await self.receive<red>(after(1s));
    CHECK(!got.has_value());
    CHECK(self.now() - start == 1s);
  });
}

TEST_CASE("messages that no pattern takes do not restart the time") {
  everywhere([](context& self) -> process {
    for (int i = 1; i <= 20; ++i) self.send_after(i * 100ms, self, green{i});
    const auto start = self.now();
    const auto got = co_await self.receive<red>(after(1s));
    CHECK(!got.has_value());
    CHECK(self.now() - start == 1s);
  });
}

// --- handlers -------------------------------------------------------------------------------------------------------

TEST_CASE("receive runs the handler of the first message that one takes") {
  everywhere([](context& self) -> process {
    self.send<blue>(self, 1);
    self.send<green>(self, 2);
    self.send<red>(self, 3);
    std::string log;
    for (int i = 0; i < 2; ++i)
      co_await self.receive([&](const red& m) { log += "r" + std::to_string(m.n); },
                            [&](green m) { log += "g" + std::to_string(m.n); });
    CHECK(log == "g2r3");
    CHECK(self.mailbox_length() == 1);
  });
}

TEST_CASE("of two handlers that take the same message the first one runs") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    int which = 0;
    co_await self.receive([&](const red&) { which = 1; }, [&](const red&) { which = 2; });
    CHECK(which == 1);
  });
}

TEST_CASE("receive gives what its handler returns") {
  everywhere([](context& self) -> process {
    self.send<note>(self, "hello");
    auto text = co_await self.receive([](const note& n) { return n.text; });
    static_assert(std::is_same_v<decltype(text), std::string>);
    CHECK(text == "hello");
  });
}

TEST_CASE("receive gives the common type of what its handlers return") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 2);
    for (int i = 1; i <= 2; ++i) {
      auto value = co_await self.receive([](const red& m) { return m.n; }, [](const green& m) { return m.n * 1.0; });
      static_assert(std::is_same_v<decltype(value), double>);
      CHECK(value == i);
    }
    auto late = co_await self.receive([](const red& m) { return m.n; }, after(1s, [] { return 1L << 40; }));
    static_assert(std::is_same_v<decltype(late), long>);
    CHECK(late == 1L << 40);
  });
}

TEST_CASE("a receive with a handler that returns nothing gives nothing") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    bool ran = false;
    static_assert(
        std::is_void_v<decltype(self.receive([&](const red&) { ran = true; }, [](const green& g) { return g.n; })
                                    .await_resume())>);
    co_await self.receive([&](const red&) { ran = true; }, [](const green& g) { return g.n; });
    CHECK(ran);
  });
}

TEST_CASE("a handler returns a move-only value") {
  everywhere([](context& self) -> process {
    self.send<boxed>(self, std::make_unique<int>(42));
    std::unique_ptr<int> value = co_await self.receive([](boxed b) { return std::move(b.value); });
    REQUIRE(value != nullptr);
    CHECK(*value == 42);
  });
}

TEST_CASE("a function may be a handler") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 1);
    const int a = co_await self.receive(&twice, &thrice);
    const int b = co_await self.receive(&twice, &thrice);
    CHECK(a == 2);
    CHECK(b == 3);
  });
}

TEST_CASE("a named handler may be used again and again, and is copied") {
  everywhere([](context& self) -> process {
    std::vector<int> seen;
    auto handler = [&seen](const red& m) { seen.push_back(m.n); };
    for (int i = 0; i < 3; ++i) self.send<red>(self, i);
    for (int i = 0; i < 3; ++i) co_await self.receive(handler);
    CHECK(seen == std::vector<int>{0, 1, 2});
  });
}

TEST_CASE("the handler of after runs when nothing came, and its value is given") {
  everywhere([](context& self) -> process {
    const int value = co_await self.receive([](const red& m) { return m.n; }, after(10ms, [] { return -1; }));
    CHECK(value == -1);
    self.send<red>(self, 5);
    const int got = co_await self.receive([](const red& m) { return m.n; }, after(10ms, [] { return -1; }));
    CHECK(got == 5);
  });
}

TEST_CASE("a receive with handlers may have an after without handler") {
  everywhere([](context& self) -> process {
    bool ran = false;
    const auto start = self.now();
    co_await self.receive([&](const red&) { ran = true; }, after(10ms));
    CHECK(!ran);
    CHECK(self.now() - start == 10ms);
  });
}

TEST_CASE("an exception that leaves a handler leaves the receive, and the message is gone") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<red>(self, 2);
    std::string what;
    try {
      co_await self.receive([&](const red& m) { throw std::runtime_error("red " + std::to_string(m.n)); });
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    CHECK(what == "red 1");
    const red next = co_await self.receive<red>();
    CHECK(next.n == 2);
  });
}

TEST_CASE("an exception that leaves the handler of after leaves the receive") {
  everywhere([](context& self) -> process {
    bool caught = false;
    try {
      co_await self.receive([](const red&) {}, after(1s, [] { throw 5; }));
    } catch (int) {
      caught = true;
    }
    CHECK(caught);
  });
}

TEST_CASE("move-only messages are received by move") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 4; ++i) self.send<boxed>(self, std::make_unique<int>(i));
    boxed a = co_await self.receive<boxed>();
    CHECK(*a.value == 0);
    std::optional<boxed> b = co_await self.receive<boxed>(after(1s));
    CHECK(*b->value == 1);
    auto c = co_await self.receive<red, boxed>();
    CHECK(*std::get<boxed>(c).value == 2);
    int d = co_await self.receive([](const boxed& m) { return *m.value; });
    CHECK(d == 3);
  });
}

// --- tasks as handlers ----------------------------------------------------------------------------------------------

TEST_CASE("a handler that is a task is awaited, and may receive itself") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 2);
    int sum = 0;
    co_await self.receive([&](const red& r) -> task<> {
      sum += r.n;
      const green g = co_await self.receive<green>();
      sum += g.n + r.n;  // the message lives as long as its handler
    });
    CHECK(sum == 4);
  });
}

TEST_CASE("a task's value is the receive's, mixed with handlers that are none") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 2);
    self.send<blue>(self, 3);
    std::vector<double> values;
    for (int i = 0; i < 3; ++i) {
      auto value = co_await self.receive(
          [&](red r) -> task<int> {
            co_await self.sleep(1s);
            co_return r.n * 10;
          },
          [](const green& g) { return g.n * 0.5; },
          [&](const blue& b) -> task<float> {
            co_await self.yield();
            co_return static_cast<float>(b.n);
          });
      static_assert(std::is_same_v<decltype(value), double>);
      values.push_back(value);
    }
    CHECK(values == std::vector<double>{10, 1, 3});
  });
}

TEST_CASE("a handler that is a task mixes with one that returns nothing") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<green>(self, 2);
    int sum = 0;
    for (int i = 0; i < 2; ++i)
      co_await self.receive(
          [&](const red& r) -> task<int> {
            co_await self.yield();
            sum += r.n;
            co_return 1;
          },
          [&](const green& g) { sum += g.n; });
    CHECK(sum == 3);
  });
}

TEST_CASE("the handler of after may be a task") {
  everywhere([](context& self) -> process {
    const int value = co_await self.receive([](const red& m) { return m.n; }, after(1s, [&]() -> task<int> {
                                              self.send<green>(self, 5);
                                              const green g = co_await self.receive<green>();
                                              co_return g.n;
                                            }));
    CHECK(value == 5);
    self.send<red>(self, 6);
    const int plain =
        co_await self.receive([](const red& m) { return m.n; }, after(1s, []() -> task<int> { co_return 1; }));
    CHECK(plain == 6);
    bool ran = false;
    co_await self.receive([&](const red&) -> task<> { co_return; }, after(1s, [&] { ran = true; }));
    CHECK(ran);
    co_await self.receive([&](const red&) -> task<> { co_return; }, after(1s));
  });
}

TEST_CASE("a guarded handler may be a task, and so may one that takes a request") {
  everywhere([](context& self) -> process {
    self.spawn(ask, self.pid(), self.pid(), 20);
    self.spawn(ask, self.pid(), self.pid(), 1);
    for (int wanted : {1, 20})
      co_await self.receive(when([&](const question& q) { return q.n == wanted; },
                                 [&](request<question> r) -> task<> {
                                   co_await self.sleep(1s);
                                   r.reply(r->n + 1);
                                 }));
    const blue a = co_await self.receive<blue>();
    const blue b = co_await self.receive<blue>();
    CHECK(std::min(a.n, b.n) == 2);
    CHECK(std::max(a.n, b.n) == 21);
  });
}

TEST_CASE("an exception that leaves a task which handles a message leaves the receive") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    bool caught = false;
    try {
      co_await self.receive([&](const red&) -> task<int> {
        co_await self.yield();
        throw std::runtime_error("no");
      });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught);
  });
}

// --- guards ---------------------------------------------------------------------------------------------------------

TEST_CASE("a guard looks closer, and what it refuses stays") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 6; ++i) self.send<red>(self, i);
    std::vector<int> odd;
    for (int i = 0; i < 3; ++i)
      co_await self.receive(when([](const red& m) { return m.n % 2 == 1; }, [&](const red& m) { odd.push_back(m.n); }));
    CHECK(odd == std::vector<int>{1, 3, 5});
    for (int i = 0; i < 3; ++i) {
      const red even = co_await self.receive<red>();
      CHECK(even.n == 2 * i);
    }
  });
}

TEST_CASE("a handler after a guarded one takes what the guard refuses") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 4; ++i) self.send<red>(self, i);
    std::string log;
    for (int i = 0; i < 4; ++i)
      co_await self.receive(when([](const red& m) { return m.n > 1; }, [&](const red&) { log += "big "; }),
                            [&](const red&) { log += "small "; });
    CHECK(log == "small small big big ");
  });
}

TEST_CASE("a guard that throws is a no") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<red>(self, 2);
    int got = 0;
    co_await self.receive(when(
        [](const red& m) -> bool {
          if (m.n == 1) throw std::runtime_error("bad guard");
          return true;
        },
        [&](const red& m) { got = m.n; }));
    CHECK(got == 2);
    const auto nothing = co_await self.receive<green>(after(0s));
    CHECK(!nothing);
    CHECK(self.mailbox_length() == 1);
  });
}

TEST_CASE("a guard is asked about each new message that could match, and sees what changed outside") {
  everywhere([](context& self) -> process {
    for (int i = 0; i < 10; ++i) self.send_after(i * 1s, self, red{i});
    int asked = 0;
    int got = 0;
    co_await self.receive(when(
        [&](const red& m) {
          ++asked;
          return m.n == 9;
        },
        [&](const red& m) { got = m.n; }));
    CHECK(got == 9);
    CHECK(asked == 10);  // each message once
    int limit = 4;
    co_await self.receive(when([&](const red& m) { return m.n >= limit; }, [&](const red& m) { got = m.n; }));
    CHECK(got == 4);
  });
}

TEST_CASE("a guard looks at the question of a request") {
  everywhere([](context& self) -> process {
    self.spawn(ask, self.pid(), self.pid(), 1);
    self.spawn(ask, self.pid(), self.pid(), 2);
    for (int n : {2, 1})
      co_await self.receive(
          when([&](const question& q) { return q.n == n; }, [&](request<question> r) { r.reply(r->n * 100); }));
    const blue a = co_await self.receive<blue>();
    const blue b = co_await self.receive<blue>();
    CHECK(a.n + b.n == 300);
  });
}

#if defined(__clang__) || __GNUC__ >= 13  // g++ 12 destroys temporaries inside of co_await twice: refused there
TEST_CASE("a guard and a handler may both be move-only") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 3);
    auto three = std::make_unique<int>(3);
    auto guard = [three = std::move(three)](const red& m) { return m.n == *three; };
    auto ten = std::make_unique<int>(10);
    auto handler = [ten = std::move(ten)](const red& m) { return *ten + m.n; };
    auto clause = when(std::move(guard), std::move(handler));
    const int value = co_await self.receive(std::move(clause));
    CHECK(value == 13);
  });
}
#endif

TEST_CASE("a guard looks at a term, and at what a term decodes to") {
  everywhere([](context& self) -> process {
    self.send(self.pid(), term(1));
    self.send(self.pid(), term::tuple({"red"_atom, 5}));
    self.send(self.pid(), term::tuple({"red"_atom, 6}));
    int got = 0;
    co_await self.receive(when([](const red& m) { return m.n == 6; }, [&](const red& m) { got = m.n; }));
    CHECK(got == 6);
    term left;
    co_await self.receive(
        when([](const term& t) { return t.kind() == term_kind::tuple; }, [&](const term& t) { left = t; }));
    CHECK(left == term::tuple({"red"_atom, 5}));
  });
}

// --- dynamic messages -----------------------------------------------------------------------------------------------

TEST_CASE("a term that decodes to a T is received as a T") {
  everywhere([](context& self) -> process {
    self.send(self.pid(), term::tuple({"note"_atom, "hello"}));
    self.send(self.pid(), term::tuple({"red"_atom, "not a number"}));
    self.send(self.pid(), term::tuple({"red"_atom, 4}));
    self.send(self.pid(), term("done"_atom));
    const red r = co_await self.receive<red>();
    CHECK(r.n == 4);
    co_await self.receive<done>();
    std::string text;
    co_await self.receive([&](const note& n) { text = n.text; });
    CHECK(text == "hello");
    const term left = co_await self.receive<term>();
    CHECK(left == term::tuple({"red"_atom, "not a number"}));
  });
}

TEST_CASE("const term& takes dynamic messages, in order, and no typed one") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send(self.pid(), term(1));
    self.send(self.pid(), term("two"_atom));
    std::vector<term> got;
    for (int i = 0; i < 2; ++i) co_await self.receive([&](const term& t) { got.push_back(t); });
    CHECK(got == std::vector<term>{1, "two"_atom});
    const auto none = co_await self.receive<term>(after(0s));
    CHECK(!none.has_value());
    const red r = co_await self.receive<red>();
    CHECK(r.n == 1);
  });
}

TEST_CASE("const any_message& takes whatever is left") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<note>(self, "x");
    self.send(self.pid(), term(7));
    self.spawn(ask, self.pid(), self.pid(), 5);
    std::vector<std::string> log;
    for (int i = 0; i < 4; ++i)
      co_await self.receive([&](const note& n) { log.push_back("note " + n.text); },
                            [&](const any_message& m) {
                              log.push_back(std::string(m.name()) + (m.is_request() ? "?" : ""));
                              if (const red* r = m.get_if<red>()) log.back() += std::to_string(r->n);
                              CHECK(m.get_if<blue>() == nullptr);
                            });
    CHECK(log == std::vector<std::string>{"red1", "note x", "term", "question?"});
  });
}

TEST_CASE("any_message by value keeps the message, whose term tells what it is") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 1);
    self.send<note>(self, "x");
    any_message first = co_await self.receive<any_message>();
    any_message second;
    co_await self.receive([&](any_message m) { second = std::move(m); });
    CHECK(first.to_term() == term::tuple({"red"_atom, 1}));
    CHECK(second.to_term() == term::tuple({"note"_atom, "x"}));
    CHECK(second.name() == "note");
  });
}

TEST_CASE("messages of built-in types are received by type") {
  everywhere([](context& self) -> process {
    self.send(self.pid(), 1);
    self.send(self.pid(), std::string("two"));
    self.send(self.pid(), 3.0);
    self.send(self.pid(), "four"_atom);
    const atom four = co_await self.receive<atom>();
    CHECK(four == "four"_atom);
    const double three = co_await self.receive<double>();
    CHECK(three == 3.0);
    const std::string two = co_await self.receive<std::string>();
    CHECK(two == "two");
    const int one = co_await self.receive<int>();
    CHECK(one == 1);
  });
}

// --- requests, down, exit_signal ------------------------------------------------------------------------------------

TEST_CASE("a request is received as request<T>, and as nothing else but any_message") {
  everywhere([](context& self) -> process {
    self.spawn(ask, self.pid(), self.pid(), 1);
    // The T itself is a message, not a question.
    const auto plain = co_await self.receive<question>(after(1s));
    CHECK(!plain.has_value());
    const auto other = co_await self.receive<request<other_question>>(after(0s));
    CHECK(!other.has_value());
    auto r = co_await self.receive<request<question>>();
    CHECK(r->n == 1);
    CHECK((*r).n == 1);
    r.reply(2);
    const blue b = co_await self.receive<blue>();
    CHECK(b.n == 2);
    self.send<question>(self, 5);
    const auto asked = co_await self.receive<request<question>>(after(0s));
    CHECK(!asked.has_value());
    const question q = co_await self.receive<question>();
    CHECK(q.n == 5);
  });
}

TEST_CASE("receive<request<A>, request<B>, M> gives a variant") {
  everywhere([](context& self) -> process {
    self.send<red>(self, 3);
    self.spawn(ask, self.pid(), self.pid(), 1);
    int asked = 0;
    int told = 0;
    for (int i = 0; i < 2; ++i) {
      auto got = co_await self.receive<request<question>, request<other_question>, red>();
      if (auto* r = std::get_if<request<question>>(&got)) {
        r->reply(1);
        ++asked;
      } else if (std::holds_alternative<red>(got)) {
        ++told;
      }
    }
    CHECK(asked == 1);
    CHECK(told == 1);
  });
}

TEST_CASE("a dynamic request is received as request<T> when it decodes, else as request<term>") {
  everywhere([](context& self) -> process {
    const pid server = self.spawn([](context& me) -> process {
      for (int i = 0; i < 2; ++i)
        co_await me.receive([](request<question> r) { r.reply(r->n + 1); },
                            [](request<term> r) { r.reply(term::list({"got"_atom, *r})); });
    });
    const term asked = term::tuple({"question"_atom, 41});
    const term typed = co_await self.call(server, asked);
    CHECK(typed == term(42));
    const term dynamic = co_await self.call(server, term("huh"_atom));
    CHECK(dynamic == term::list({"got"_atom, "huh"_atom}));
  });
}

TEST_CASE("down and exit_signal are received like messages, in order with them") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const pid child = self.spawn_link([parent = self.pid()](context& me) -> process {
      co_await me.receive<red>();
      me.send<blue>(parent, 1);
      me.exit("bye"_atom);
    });
    const reference ref = self.monitor(child);
    self.send<red>(child, 1);
    std::string log;
    for (int i = 0; i < 3; ++i)
      co_await self.receive([&](const blue&) { log += "b"; },
                            [&](const down& d) {
                              log += "d";
                              CHECK(d.ref == ref);
                              CHECK(d.reason == term("bye"_atom));
                            },
                            [&](exit_signal e) {
                              log += "e";
                              CHECK(e.from == child);
                            });
    CHECK(log.front() == 'b');
    std::sort(log.begin(), log.end());
    CHECK(log == "bde");
  });
}

// --- order ----------------------------------------------------------------------------------------------------------

TEST_CASE("messages of each of several senders arrive in the order in which they were sent") {
  everywhere([](context& self) -> process {
    for (int s = 0; s < 3; ++s) self.spawn(send_numbers, self.pid(), s, 12);
    std::vector<int> next(3, 0);
    for (int i = 0; i < 36; ++i) {
      const numbered m = co_await self.receive<numbered>();
      CHECK(m.n == next[static_cast<std::size_t>(m.sender)]++);
    }
  });
}

TEST_CASE("selective receives agree with a list that is searched, whatever the program") {
  everywhere([](context& self) -> process {
    std::mt19937 random(12345);
    for (int program = 0; program < 4; ++program) {
      struct entry {
        int color;
        int n;
      };
      std::deque<entry> model;
      const auto first = [&](auto&& wanted) {
        const auto it = std::find_if(model.begin(), model.end(), wanted);
        if (it == model.end()) return -1;
        const int n = it->n;
        model.erase(it);
        return n;
      };
      for (int i = 0; i < 120; ++i) {
        switch (random() % 8) {
          case 0:
          case 1: self.send<red>(self, i), model.push_back({0, i}); break;
          case 2:
          case 3: self.send<green>(self, i), model.push_back({1, i}); break;
          case 4:  // a term that is a red
            self.send(self.pid(), term::tuple({"red"_atom, i})), model.push_back({0, i});
            break;
          case 5: {
            const auto got = co_await self.receive<red>(after(0s));
            CHECK((got ? got->n : -1) == first([](const entry& e) { return e.color == 0; }));
            break;
          }
          case 6: {
            const int got = co_await self.receive(
                when([](const green& g) { return g.n % 3 == 0; }, [](const green& g) { return g.n; }),
                when([](const red& r) { return r.n % 4 == 0; }, [](const red& r) { return r.n; }),
                after(0s, [] { return -1; }));
            CHECK(got == first([](const entry& e) { return e.color == 1 ? e.n % 3 == 0 : e.n % 4 == 0; }));
            break;
          }
          case 7: {
            const auto got = co_await self.receive<green, red>(after(0s));
            const int n = got.index() == 0 ? std::get<0>(got).n : got.index() == 1 ? std::get<1>(got).n : -1;
            CHECK(n == first([](const entry&) { return true; }));
            break;
          }
        }
      }
      const auto none = co_await self.receive<blue>(after(0s));  // lets in what was sent last
      CHECK(!none);
      CHECK(self.mailbox_length() == model.size());
      while (!model.empty()) {
        const any_message m = co_await self.receive<any_message>();
        const entry e = model.front();
        model.pop_front();
        const term t = m.to_term();
        CHECK(t == term::tuple({e.color == 0 ? "red"_atom : "green"_atom, e.n}));
      }
    }
  });
}

TEST_CASE("a receive finds its message past 10,000 others, which stay in order") {
  everywhere(
      [](context& self) -> process {
        constexpr int count = 10'000;
        for (int i = 0; i < count; ++i) self.send<green>(self, i);
        for (int i = 0; i < count; ++i) {
          self.send<red>(self, i);
          const red r = co_await self.receive<red>();
          CHECK(r.n == i);
        }
        for (int i = 0; i < count; ++i) {
          const green g = co_await self.receive<green>();
          if (g.n != i) CHECK(g.n == i);
        }
        CHECK(self.mailbox_length() == 0);
      },
      where::threads);
}
