// SPDX-License-Identifier: BSL-1.0
// co_await self.send over a connection that is slow: who waits, for how long, and how much is kept.
#include "nodes_harness.hpp"

#include <algorithm>
#include <string>

using namespace nodes_test;

namespace {

struct block {
  int number;
  std::string filling;
};
struct get {
  using reply = int;
};

constexpr std::size_t limit = 10'000;
constexpr int blocks = 60;

process eater(context& self) {
  int next = 0;
  for (;;)
    co_await self.receive([&](const block& b) { CHECK(b.number == next++); },
                          [&](request<get> r) { r.reply(static_cast<int>(next)); });
}

struct slow_pair {
  explicit slow_pair(std::uint64_t seed) : all(seed) {
    all.net.set_delays(100ms, 900ms);
    node_options o = all.options("a@h1");
    o.busy_limit = limit;
    one = std::make_unique<node>(o);
    two = all.start("b@h2");
    two->spawn({.name = "eater"}, eater);
  }
  lab all;
  std::unique_ptr<node> one, two;
};

struct at {
  slow_pair* pair;
  slow_pair* operator->() const { return pair; }
};

const destination there = remote("eater", "b@h2");

}  // namespace

TEST_CASE("an awaited send waits while its connection is busy, and what waits there stays bounded") {
  with_seeds(
      [](std::uint64_t seed) {
        slow_pair p(seed);
        const auto body = [p_ = at{&p}](context& self) -> process {
          const bool up = co_await connect_node(self, "b@h2");
          CHECK(up);
          const auto c = p_->one->distribution().find("b@h2", false);
          std::size_t most = 0;
          const std::string filling(4'000, 'x');
          const auto start = self.now();
          for (int i = 0; i < blocks; ++i) {
            const block b{i, filling};
            co_await self.send(there, b);
            most = std::max(most, c->out().queued());
          }
          CHECK(most <= limit + 2 * 4'100);
          CHECK(self.now() > start);  // 240 kB do not fit into what is under way
          const get question;
          const int came = co_await self.call(there, question, infinity);
          CHECK(came == blocks);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
      },
      10);
}

TEST_CASE("an awaited send that waits goes on when the connection is lost") {
  with_seeds(
      [](std::uint64_t seed) {
        slow_pair p(seed);
        const auto body = [p_ = at{&p}](context& self) -> process {
          const bool up = co_await connect_node(self, "b@h2");
          CHECK(up);
          p_->all.net.partition("h1", "h2");
          self.spawn([p_](context& me) -> process {
            co_await me.sleep(2s);
            p_->all.net.reset("h1", "h2");
          });
          const block b{0, std::string(200'000, 'x')};
          const auto start = self.now();
          co_await self.send(there, b);
          CHECK(self.now() - start >= 2s);
          CHECK(self.now() - start <= 2s + 2ms);  // timers have their grain
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
      },
      10);
}

TEST_CASE("an awaited send that finds no room for 5 s throws; later ones still go there") {
  with_seeds(
      [](std::uint64_t seed) {
        slow_pair p(seed);
        const auto body = [p_ = at{&p}](context& self) -> process {
          const bool up = co_await connect_node(self, "b@h2");
          CHECK(up);
          p_->all.net.partition("h1", "h2");
          const block b{0, std::string(200'000, 'x')};
          const auto start = self.now();
          term reason = "none"_atom;
          try {
            co_await self.send(there, b);
          } catch (const call_failed& e) {
            reason = e.reason();
          }
          CHECK(reason == term("timeout"_atom));
          CHECK(self.now() - start >= 5s);
          CHECK(self.now() - start <= 5s + 2ms);
          p_->all.net.heal("h1", "h2");
          const block last{1, ""};
          co_await self.send(there, last);
          const get question;
          const int came = co_await self.call(there, question, infinity);
          CHECK(came == 2);
        };
        CHECK(run_on(*p.one, body) == term("normal"_atom));
      },
      10);
}

TEST_CASE("a process that is killed while it waits for room ends at once") {
  slow_pair p(1);
  const auto body = [p_ = at{&p}](context& self) -> process {
    const bool up = co_await connect_node(self, "b@h2");
    CHECK(up);
    p_->all.net.partition("h1", "h2");
    const spawned child = self.spawn_monitor([](context& me) -> process {
      const block b{0, std::string(200'000, 'x')};
      co_await me.send(there, b);
    });
    co_await self.sleep(1s);
    CHECK(self.is_alive(child.pid));
    self.exit(child.pid, "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("killed"_atom));
  };
  CHECK(run_on(*p.one, body) == term("normal"_atom));
}

TEST_CASE("a message from another node never waits for room in a mailbox: it is dropped and counted") {
  with_seeds(
      [](std::uint64_t seed) {
        lab all(seed);
        const auto one = all.start("a@h1");
        const auto two = all.start("b@h2");
        spawn_options options;
        options.name = "full";
        options.mailbox = {.messages = 2, .policy = overflow::wait};
        const pid full = two->spawn(options, [](context& self) -> process {
          co_await self.receive<reference>();  // never comes
        });
        const auto body = [](context& self) -> process {
          const destination to = remote("full", "b@h2");
          const std::string nothing;
          for (int i = 0; i < 5; ++i) {
            const block b{i, nothing};
            co_await self.send(to, b);
          }
          term reason;
          const auto before = self.now();
          try {
            co_await self.call(to, get{});  // behind them, so it finds them there
          } catch (const call_failed& failed) {
            reason = failed.reason();
          }
          CHECK(reason == term("mailbox_full"_atom));
          CHECK(self.now() - before < 5s);
        };
        CHECK(run_on(*one, body) == term("normal"_atom));
        const auto info = two->process_info(full);
        REQUIRE(info.has_value());
        CHECK(info->mailbox_length == 2);
        CHECK(info->mailbox_dropped == 4);
        CHECK(info->waiting_senders == 0);
      },
      10);
}
