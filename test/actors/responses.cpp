// SPDX-License-Identifier: BSL-1.0
// Responses: questions that are asked now and awaited later, alone or several at once.
#include "call_server.hpp"
#include "everywhere.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using namespace call_test;
using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;

TEST_CASE("request asks without waiting; the answers are awaited in any order") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    auto a = self.request(s, slow{30ms});
    auto b = self.request(s, slow{10ms});
    auto c = self.request<text>(s, "x");
    const auto start = self.now();
    const int thirty = co_await a;
    const int ten = co_await b;
    const std::string x = co_await c;
    CHECK(thirty == 30);
    CHECK(ten == 10);
    CHECK(x == "x!");
    CHECK(self.now() - start == 30ms);
  });
}

TEST_CASE("is_ready says that awaiting will not wait") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 4);
    auto r = self.request<get>(s);
    auto late = self.request(s, slow{1s});
    while (!r.is_ready()) co_await self.sleep(1ms);
    CHECK(!late.is_ready());
    const int n = co_await r;
    CHECK(n == 4);
    CHECK(!r.is_ready());
    const int m = co_await late;
    CHECK(m == 1000);
    auto failed = self.request<get>("nobody");
    while (!failed.is_ready()) co_await self.sleep(1ms);
    bool thrown = false;
    try {
      co_await failed;
    } catch (const call_failed&) {
      thrown = true;
    }
    CHECK(thrown);
  });
}

TEST_CASE("a response is awaited once: again throws") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 4);
    auto r = self.request<get>(s);
    co_await r;
    bool thrown = false;
    try {
      co_await r;
    } catch (const std::logic_error&) {
      thrown = true;
    }
    CHECK(thrown);
    thrown = false;
    try {
      co_await self.all(std::move(r));
    } catch (const std::logic_error&) {
      thrown = true;
    }
    CHECK(thrown);
  });
}

TEST_CASE("a response has its own timeout, counted from the question") {
  everywhere([](context& self) -> process {
    const pid d = self.spawn(deaf);
    auto start = self.now();
    auto a = self.request(d, get{});
    co_await self.sleep(3s);
    bool thrown = false;
    try {
      co_await a;
    } catch (const call_failed& e) {
      thrown = e.reason() == term("timeout"_atom);
    }
    CHECK(thrown);
    CHECK(self.now() - start == 5s);
    // One whose time is over before it is awaited:
    start = self.now();
    auto b = self.request(d, get{}, 10ms);
    co_await self.sleep(1s);
    thrown = false;
    try {
      co_await b;
    } catch (const call_failed& e) {
      thrown = e.reason() == term("timeout"_atom);
    }
    CHECK(thrown);
    CHECK(self.now() - start == 1s);
  });
}

TEST_CASE("a response that is dropped drops its answer") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    {
      auto a = self.request(s, slow{10ms});
      auto b = self.request<get>(s);
      auto c = self.request<get>("nobody");
      co_await self.sleep(1ms);
    }
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
    const int n = co_await self.call<get>(s);
    CHECK(n == 0);
  });
}

TEST_CASE("all gives a tuple of the answers when all are there") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 4);
    auto a = self.request(s, slow{20ms});
    auto b = self.request<text>(s, "x");
    auto c = self.request<clear>(s);
    auto d = self.request<take_box>(s);
    const auto start = self.now();
    auto answers = co_await self.all(std::move(a), std::move(b), std::move(c), std::move(d));
    static_assert(
        std::is_same_v<decltype(answers), std::tuple<int, std::string, std::monostate, std::unique_ptr<int>>>);
    CHECK(std::get<0>(answers) == 20);
    CHECK(std::get<1>(answers) == "x!");
    CHECK(*std::get<3>(answers) == 0);
    CHECK(self.now() - start == 20ms);
  });
}

TEST_CASE("all of a vector gives a vector of the answers, in order") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    std::vector<response<int>> asked;
    for (int i = 9; i >= 0; --i) asked.push_back(self.request(s, slow{std::chrono::milliseconds(i)}));
    const std::vector<int> answers = co_await self.all(std::move(asked));
    CHECK(answers == std::vector<int>{9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
    std::vector<response<int>> none;
    const std::vector<int> nothing = co_await self.all(std::move(none));
    CHECK(nothing.empty());
    std::vector<response<int>> one;
    one.push_back(self.request<get>(s));
    const std::vector<int> single = co_await self.all(std::move(one));
    CHECK(single.size() == 1);
  });
}

TEST_CASE("all throws the first failure") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    auto a = self.request<get>(s);
    auto b = self.request<fail>(s, "first");
    auto c = self.request<fail>(s, "second");
    term reason;
    try {
      co_await self.all(std::move(a), std::move(b), std::move(c));
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("first"));
    std::vector<response<int>> asked;
    asked.push_back(self.request<get>(s));
    asked.push_back(self.request<get>("nobody"));
    reason = term();
    try {
      co_await self.all(std::move(asked));
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("noproc"_atom));
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
  });
}

TEST_CASE("all ends when the time of those that are not answered is over") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const pid d = self.spawn(deaf);
    const auto start = self.now();
    auto a = self.request(d, get{}, 30ms);
    auto b = self.request(d, get{}, 10ms);
    auto c = self.request(s, slow{20ms});
    term reason;
    try {
      co_await self.all(std::move(a), std::move(b), std::move(c));
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("timeout"_atom));
    CHECK(self.now() - start == 30ms);
  });
}

TEST_CASE("any gives a variant of the first answer, whose index says whose it is; the others are given up") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    auto a = self.request(s, slow{30ms});
    auto b = self.request(s, slow{10ms});
    auto c = self.request(s, slow{20ms});
    auto first = co_await self.any(std::move(a), std::move(b), std::move(c));
    static_assert(std::is_same_v<decltype(first), std::variant<int, int, int>>);
    CHECK(first.index() == 1);
    CHECK(std::get<1>(first) == 10);
    auto d = self.request<clear>(s);
    const auto alone = co_await self.any(std::move(d));
    CHECK(alone.index() == 0);
    const auto any = co_await self.receive<any_message>(after(1s));
    CHECK(!any.has_value());
  });
}

TEST_CASE("a failure counts as an answer of any, and is thrown") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    const pid d = self.spawn(deaf);
    term reason;
    auto a = self.request(s, slow{30ms});
    auto b = self.request<fail>(s, "no");
    try {
      co_await self.any(std::move(a), std::move(b));
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("no"));
    auto c = self.request(s, slow{30ms});
    auto e = self.request(d, get{}, 10ms);
    reason = term();
    const auto start = self.now();
    try {
      co_await self.any(std::move(c), std::move(e));
    } catch (const call_failed& f) {
      reason = f.reason();
    }
    CHECK(reason == term("timeout"_atom));
    CHECK(self.now() - start == 10ms);
  });
}

TEST_CASE("any of a vector takes the answered one out; the others stay open") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    std::vector<response<int>> asked;
    for (int i : {30, 10, 20}) asked.push_back(self.request(s, slow{std::chrono::milliseconds(i)}));
    std::vector<int> answers;
    std::vector<std::size_t> positions;
    while (!asked.empty()) {
      const auto got = co_await self.any(asked);
      positions.push_back(got.first);
      answers.push_back(got.second);
    }
    CHECK(answers == std::vector<int>{10, 20, 30});
    CHECK(positions == std::vector<std::size_t>{1, 1, 0});
  });
}

TEST_CASE("any of a vector throws a failure, after taking it out") {
  everywhere([](context& self) -> process {
    const pid s = self.spawn(server, 0);
    std::vector<response<int>> asked;
    asked.push_back(self.request(s, slow{30ms}));
    asked.push_back(self.request<get>("nobody"));
    term reason;
    try {
      co_await self.any(asked);
    } catch (const call_failed& e) {
      reason = e.reason();
    }
    CHECK(reason == term("noproc"_atom));
    REQUIRE(asked.size() == 1);
    const auto got = co_await self.any(asked);
    CHECK(got.second == 30);
  });
}

TEST_CASE("any of no responses throws instead of waiting for ever") {
  everywhere([](context& self) -> process {
    std::vector<response<int>> none;
    bool thrown = false;
    try {
      co_await self.any(none);
    } catch (const std::logic_error&) {
      thrown = true;
    }
    CHECK(thrown);
  });
}
