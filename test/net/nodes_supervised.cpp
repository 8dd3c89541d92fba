// SPDX-License-Identifier: BSL-1.0
// A tree of supervisors and servers over three nodes, while processes are killed and the network partitions: whole
// again when that is over, and no call left hanging.
#include "nodes_harness.hpp"

#include <troupe/actors/behaviours/all.hpp>
#include <troupe/net/remote.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace nodes_test;

namespace {

constexpr std::size_t machines = 3;
constexpr int groups = 10;      // supervisors of a site
constexpr int group_size = 33;  // servers of a group: 990 servers, ten to a site's own
constexpr std::array<const char*, machines> sites = {"m@h1", "z@h2", "a@h3"};

struct ping {
  int n;
  using reply = int;
};
struct go_down {};

class worker : public gen_server {
 public:
  int answer(const ping& p) { return p.n; }
  using handles = handlers<call<&worker::answer>>;
};

std::string worker_name(int group, int n) {
  return "w" + std::to_string(group) + "_" + std::to_string(n);
}

// --- the tree
// ---------------------------------------------------------------------------------------------------------

const supervisor_flags patient{.intensity = 1'000'000, .period = 1h};

std::vector<child_spec> group_children(int group) {
  std::vector<child_spec> children;
  for (int i = 0; i < group_size; ++i)
    children.push_back({.id = i, .start = child_of<worker>({.name = worker_name(group, i)})});
  return children;
}

std::vector<child_spec> site_children() {
  std::vector<child_spec> children;
  for (int g = 0; g < groups; ++g)
    children.push_back({.id = g, .start = child_of<supervisor>({}, patient, group_children(g))});
  return children;
}

/// What the root starts on another node: starts that site's supervisor, and shares its fate. (A spawn from afar runs a
/// function; a behaviour wants a process of its own node to wait for its init.)
process site(context& self) {
  self.trap_exit(true);
  const auto top = co_await self.start_link<supervisor>({.name = "site"}, patient, site_children());
  const auto e = co_await self.receive<exit_signal>();
  if (e.from != top.pid()) {
    self.unlink(top.pid());
    co_await stop(self, top, "shutdown"_atom);
  }
  self.exit(e.reason);
}

child_spec site_on(const std::string& node) {
  const auto start = [node](context& self, const std::vector<term>&) -> task<start_result> {
    start_result result;
    result.process = co_await spawn_link_at(self, node, "site:start_link");
    co_return result;
  };
  child_spec spec{.id = node, .start = child_started_by(start)};
  spec.back_off = back_off{.min = 100ms, .max = 2s};
  return spec;
}

// --- what disturbs it, and who uses it
// --------------------------------------------------------------------------------

struct ledger {
  std::size_t calls = 0, answers = 0, failures = 0;
  std::function<std::uint64_t(std::uint64_t)> choose;
};
ledger* book = nullptr;

int one_of(int n) {
  return static_cast<int>(book->choose(static_cast<std::uint64_t>(n)));
}
destination random_worker() {
  const std::string name = worker_name(one_of(groups), one_of(group_size));
  return remote(name, std::string_view(sites.at(static_cast<std::size_t>(one_of(machines)))));
}

/// Calls workers on all nodes; counts what comes of it.
process user(context& self, int calls) {
  for (int i = 0; i < calls; ++i) {
    ++book->calls;
    try {
      const int n = co_await self.call<ping>(random_worker(), after(std::chrono::seconds(1 + one_of(5))), i);
      CHECK(n == i);
      ++book->answers;
    } catch (const call_failed&) {
      ++book->failures;
    }
    co_await self.sleep(std::chrono::milliseconds(one_of(300)));
  }
}

/// Kills workers of its own node, and now and then a whole group's supervisor, or the site.
process killer(context& self, int kills) {
  for (int i = 0; i < kills; ++i) {
    co_await self.sleep(std::chrono::milliseconds(one_of(400)));
    pid victim = self.whereis(worker_name(one_of(groups), one_of(group_size)));
    if (one_of(10) == 0) {
      // The supervisor of a group is who that worker is linked with.
      if (const auto info = co_await self.process_info(victim); victim && info && !info->links.empty())
        victim = info->links.front();
    } else if (one_of(20) == 0) {
      victim = self.whereis("site");
    }
    if (victim) self.exit(victim, "kill"_atom);
  }
}

/// Is every server of the tree there, on its own node, and does it answer?
task<int> census(context& self) {
  int answered = 0;
  for (const char* node : sites)
    for (int g = 0; g < groups; ++g)
      for (int i = 0; i < group_size; ++i) {
        const std::string name = worker_name(g, i);
        try {
          const int n = co_await self.call<ping>(remote(name, std::string_view(node)), i);
          answered += n == i ? 1 : 0;
        } catch (const call_failed&) {
        }
      }
  co_return answered;
}

/// So much virtual time passes.
void pass(lab& l, node& where, std::chrono::nanoseconds time) {
  bool over = false;
  where.spawn([&over, time](context& self) -> process {
    co_await self.sleep(time);
    over = true;
  });
  while (!over)
    if (!l.world.step()) {
      MESSAGE(l.world.report());
      REQUIRE(over);
    }
}

std::string host(std::size_t machine) {
  return "h" + std::to_string(machine % machines + 1);
}

}  // namespace

TEST_CASE(
    "a tree of a thousand servers over three nodes is whole again after kills and partitions, and every call ends") {
  with_seeds([](std::uint64_t seed) {
    ledger entries;
    book = &entries;
    lab l(seed);
    entries.choose = [&](std::uint64_t n) { return l.world.choose(n); };
    std::vector<std::unique_ptr<node>> nodes;
    for (const char* name : sites) {
      nodes.push_back(l.start(name));
      nodes.back()->export_as("site:start_link", site);
    }
    node& home = *nodes.front();
    bool started = false;
    const pid root = home.spawn([&started](context& self) -> process {
      std::vector<child_spec> children;
      for (const char* name : sites) children.push_back(site_on(name));
      co_await self.start_link<supervisor>({.name = "root"}, patient, std::move(children));
      started = true;
      co_await self.receive<go_down>();
    });
    // A root whose first start fails is nobody's to restart: the trouble begins when the tree stands.
    while (!started) REQUIRE(l.world.step());
    std::vector<pid> users;
    for (auto& n : nodes) {
      for (int i = 0; i < 3; ++i) users.push_back(n->spawn(user, 20));
      n->spawn(killer, 20);
    }
    for (int i = 0; i < 4; ++i) {
      pass(l, home, std::chrono::milliseconds(200 + one_of(2000)));
      const auto a = static_cast<std::size_t>(one_of(machines));
      const bool cut = one_of(2) == 0;
      if (cut)
        l.net.partition(host(a), host(a + 1));
      else
        l.net.reset(host(a), host(a + 1));
      pass(l, home, std::chrono::milliseconds(200 + one_of(3000)));
      if (cut) l.net.heal(host(a), host(a + 1));
    }
    pass(l, home, 5min);
    for (const pid& p : users) CHECK(!home.is_alive(p));
    CHECK(entries.calls == 9 * 20);
    CHECK(entries.answers + entries.failures == entries.calls);
    CHECK(home.is_alive(root));
    int answered = 0;
    home.wait(home.spawn([&](context& self) -> process { answered = co_await census(self); }));
    CHECK(answered == static_cast<int>(machines) * groups * group_size);
    book = nullptr;
  });
}
