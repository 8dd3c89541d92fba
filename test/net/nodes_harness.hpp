// SPDX-License-Identifier: BSL-1.0
// Nodes on the machines of a simulated network.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/testing/simulation.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/testing/simulated_network.hpp>

#include "actors/everywhere.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace nodes_test {

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

/// A world, its network, and how a node of it is made: "a@h1" lives on the machine h1.
struct lab {
  explicit lab(std::uint64_t seed) : world(seed), net(world) {
    spdlog::set_level(spdlog::level::critical);
    world.set_max_steps(3'000'000);
  }

  node_options options(const std::string& name) {
    node_options o;
    o.name = name;
    o.cookie = "c";
    o.system = world.options(name);
    o.system.log_crashes = false;
    o.network = net.host(name.substr(name.find('@') + 1));
    o.use_epmd = false;
    o.port = o.dial_port = 4711;
    return o;
  }
  std::unique_ptr<node> start(const std::string& name) { return std::make_unique<node>(options(name)); }

  testing::simulation world;
  testing::simulated_network net;
};

/// Runs a body as a process of that node; gives its exit reason.
template <class Body>
term run_on(node& where, Body body) {
  term reason;
  where.wait(where.spawn([&](context& self) -> process {
    self.spawn_monitor(body);
    down d = co_await self.receive<down>();
    reason = std::move(d.reason);
  }));
  return reason;
}

/// Runs `f(seed)` with TROUPE_SEEDS seeds, or the one of TROUPE_SEED, until the first failure.
inline void with_seeds(const std::function<void(std::uint64_t)>& f, std::uint64_t share = 1) {
  const std::uint64_t before = troupe_test::failed_checks();
  const std::uint64_t only = troupe_test::only_seed();
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : (troupe_test::seed_count() + share - 1) / share;
  for (std::uint64_t seed = first; seed <= last && troupe_test::failed_checks() == before; ++seed) {
    INFO("replay with TROUPE_SEED=", seed);
    f(seed);
  }
}

/// How many entries a process keeps of other processes: links, unlinks that nobody has acknowledged, monitors both
/// ways, questions, connections.
struct holdings {
  std::size_t links = 0, unlinking = 0, watching = 0, watched_by = 0, questions = 0, connections = 0, aliases = 0;
};
inline holdings holdings_of(context& self) {
  detail::slot& s = detail::slot_access::of(self);
  if (s.extra == nullptr) return {};
  const auto& x = *s.extra;
  std::size_t active = 0;
  for (const auto& [peer, end] : x.links) active += end.unlink_id == 0 ? 1 : 0;
  return {active,
          x.links.size() - active,
          x.watching.size(),
          x.watched_by.size(),
          x.questions.size(),
          x.connections.size(),
          x.aliases.size()};
}

}  // namespace nodes_test
