// SPDX-License-Identifier: BSL-1.0
// Two nodes in this OS process over TCP: links, monitors, calls and messages on real threads, with and without the loss
// of connections.
#include "nodes_harness.hpp"

#include <troupe/net/loopback.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace nodes_test;

namespace {

struct number {
  pid from;
  int value;
};
struct get {
  using reply = int;
};
struct begin {
  std::vector<pid> others;
};
struct done {};
struct content {};
struct far_asked {
  using reply = int;
};
struct leave {};

node_options options(const std::string& name, std::uint16_t port) {
  spdlog::set_level(spdlog::level::critical);
  node_options o;
  o.name = name;
  o.cookie = "c";
  o.use_epmd = false;
  o.port = o.dial_port = port;
  o.system = troupe_test::quiet_options(2);
  return o;
}

struct two_nodes {
  two_nodes() : port(free_port()), one(options("a@127.0.0.1", port)), two(options("b@127.0.0.2", port)) {
    for (node* n : {&one, &two}) {
      n->export_as("victim", [](context& self) -> process {
        self.trap_exit(true);  // the loss of a link does not end it
        std::map<pid, int> heard;
        for (;;)
          co_await self.receive([&](request<get> r) { r.reply(17); }, [&](const exit_signal&) {},
                                [&](const number& got) {
                                  const auto [it, fresh] = heard.try_emplace(got.from, 0);
                                  CHECK(got.value > it->second);
                                  it->second = got.value;
                                },
                                [&](const leave&) { self.exit("left"_atom); });
      });
    }
  }
  std::uint16_t port;
  node one, two;
};

/// splitmix64
struct dice {
  std::uint64_t state;
  std::size_t below(std::size_t n) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t x = state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<std::size_t>((x ^ (x >> 31)) % n);
  }
};

/// Does all sorts of things with the victims; what it has kept fires, once, when they have been killed. `lossy`:
/// connections come and go meanwhile.
process survivor(context& self, pid master, std::uint64_t seed, bool lossy) {
  self.trap_exit(true);
  const begin b = co_await self.receive<begin>();
  dice random{seed};
  std::set<reference> monitors;
  std::set<pid> linked;
  std::map<pid, int> sent;
  const auto on_down = [&](const down& d) { CHECK(monitors.erase(d.ref) == 1); };
  const auto on_exit = [&](const exit_signal& e) { CHECK(linked.erase(e.from) == 1); };
  for (int step = 0; step < 200; ++step) {
    const pid whom = b.others[random.below(b.others.size())];
    switch (random.below(7)) {
      case 0: monitors.insert(self.monitor(whom)); break;
      case 1:
        if (!monitors.empty()) {
          self.demonitor(*monitors.begin(), true);
          monitors.erase(monitors.begin());
        }
        break;
      case 2:
        self.link(whom);
        linked.insert(whom);
        break;
      case 3: {
        self.unlink(whom);
        const auto mine = [whom](const exit_signal& e) { return e.from == whom; };
        const auto drop = [](const exit_signal&) {};
        auto handler = when(mine, drop);
        auto now = after(0s, [] {});
        co_await self.receive(handler, now);
        linked.erase(whom);
        break;
      }
      case 4:
      case 5: self.send<number>(whom, self.pid(), ++sent[whom]); break;
      default:
        try {
          const get question;
          const int n = co_await self.call(whom, question, infinity);
          CHECK(n == 17);
        } catch (const call_failed& e) {
          CHECK(lossy);
          CHECK(e.reason() == term("noconnection"_atom));
        }
    }
    bool more = true;
    while (more) {
      auto none = after(0s, [&] { more = false; });
      co_await self.receive(on_down, on_exit, none);
    }
  }
  self.send(master, done{});
  // The victims are told to leave, and go.
  while (!monitors.empty() || !linked.empty()) co_await self.receive(on_down, on_exit);
  self.send(master, content{});
  // What all have answered has come before; nothing else is on its way.
  CHECK(self.mailbox_length() == 0);
  CHECK(holdings_of(self).links == 0);
  CHECK(holdings_of(self).watching == 0);
  CHECK(holdings_of(self).questions == 0);
}

process crowd(context& self, process_name other, std::uint64_t seed, bool lossy) {
  constexpr std::size_t victims = 4;
  constexpr int survivors = 4;
  begin b;
  std::vector<reference> gone;
  while (b.others.size() < victims) {
    spawn_at_options with;
    with.monitor = !lossy;
    try {
      const spawned v = co_await spawn_at(self, other, with, "victim");
      b.others.push_back(v.pid);
    } catch (const call_failed& e) {
      CHECK(lossy);
    }
  }
  for (int i = 0; i < survivors; ++i) {
    const pid s = self.spawn(survivor, self.pid(), seed * 100 + static_cast<std::uint64_t>(i), lossy);
    self.send(s, b);
  }
  for (int i = 0; i < survivors; ++i) {
    if (lossy && i > 0) disconnect_node(self, other);
    co_await self.receive<done>();
  }
  for (const pid& v : b.others) self.send(v, leave{});
  if (!lossy)
    for (std::size_t i = 0; i < victims; ++i) {
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("left"_atom));
    }
  for (int left = survivors; left > 0;) {
    // Where those words were lost, the loss of the connection has to do.
    const auto one = [&](const content&) { --left; };
    auto again = after(lossy ? detail::duration(20ms) : infinity, [&] { disconnect_node(self, other); });
    co_await self.receive(one, again);
  }
}

/// Breaks the connection as often as there is one, until told to stop.
process breaker(context& self, process_name other, int times) {
  while (times > 0) {
    const bool up = co_await connect_node(self, other);
    if (up && disconnect_node(self, other)) --times;
    co_await self.yield();
  }
}

}  // namespace

TEST_CASE("over TCP, each kept monitor gives one down, each kept link one exit signal, and calls their answers") {
  const troupe_test::hang_guard guard("over TCP");
  const std::uint64_t before = troupe_test::failed_checks();
  two_nodes n;
  for (std::uint64_t round = 1; round <= 10 && troupe_test::failed_checks() == before; ++round) {
    const pid there = n.two.spawn(crowd, process_name("a@127.0.0.1"), 2 * round + 1, false);
    CHECK(run_on(n.one, [round](context& self) -> process { return crowd(self, "b@127.0.0.2", 2 * round, false); }) ==
          term("normal"_atom));
    n.two.wait(there);
  }
  CHECK(n.one.nodes() == std::vector<atom>{"b@127.0.0.2"_atom});
}

TEST_CASE("over TCP, whatever is lost with a connection fires once, while others are made at once from both sides") {
  const troupe_test::hang_guard guard("over TCP, lossy");
  const std::uint64_t before = troupe_test::failed_checks();
  two_nodes n;
  for (std::uint64_t round = 1; round <= 10 && troupe_test::failed_checks() == before; ++round) {
    const pid breaks = n.one.spawn(breaker, process_name("b@127.0.0.2"), 5);
    const pid breaks_too = n.two.spawn(breaker, process_name("a@127.0.0.1"), 5);
    const pid there = n.two.spawn(crowd, process_name("a@127.0.0.1"), 2 * round + 1, true);
    run_on(n.one, [round](context& self) -> process { return crowd(self, "b@127.0.0.2", 2 * round, true); });
    n.two.wait(there);
    n.one.wait(breaks);
    n.two.wait(breaks_too);
  }
}

TEST_CASE("over TCP, nodes go down and come back while others call them, and every call ends") {
  const troupe_test::hang_guard guard("over TCP, restarts");
  const std::uint16_t port = free_port();
  node one(options("a@127.0.0.1", port));
  std::atomic<bool> over{false};
  const auto stop = [&over] { return over.load(); };
  int answers = 0, failures = 0;
  const pid caller = one.spawn([&](context& self) -> process {
    const destination there = remote("counter", "b@127.0.0.2");
    const get question;
    while (!stop()) {
      try {
        co_await self.call(there, question, infinity);
        ++answers;
      } catch (const call_failed&) {
        ++failures;
      }
      co_await self.yield();
    }
  });
  const auto counter = [](context& self) -> process {
    for (int far = 0;;)
      co_await self.receive(
          [&](request<get> r) {
            if (node_of(r.from()) != node_of(self)) ++far;
            r.reply(far);
          },
          [&](request<far_asked> r) { r.reply(far); });
  };
  for (int i = 0; i < 6; ++i) {
    node two(options("b@127.0.0.2", port));
    two.spawn({.name = "counter"}, counter);
    // It goes down when it has answered some.
    CHECK(run_on(two, [](context& self) -> process {
            const far_asked question;
            int n = 0;
            while (n < 20) n = co_await self.call("counter", question);
          }) == term("normal"_atom));
  }
  over = true;
  one.wait(caller);
  CHECK(answers > 0);
  CHECK(failures > 0);
}
