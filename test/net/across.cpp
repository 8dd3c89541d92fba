// SPDX-License-Identifier: BSL-1.0
// Runs test bodies with their processes on three nodes of a simulated network.
#include "across.hpp"
#undef context
#undef actor_system

#include <troupe/net/distribution.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/testing/simulated_network.hpp>

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// The name that the suites see, which is declared in everywhere.hpp under another context.
#define context far_context
#include "actors/everywhere.hpp"
#undef context

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

namespace troupe_test {

namespace {

/// The nodes of the run that is on; one thread.
struct nodes_of_run {
  testing::simulation* world = nullptr;
  std::vector<node*> nodes;
} run;

/// Cases that are about one actor_system, or whose processes share something that does not travel.
const std::set<std::string_view> not_across = {
#include "not_across.inc"
};

term reason_of(node& where, const body& b) {
  term reason;
  where.wait(where.spawn([&](troupe::context& self) -> process {
    const auto as_far = [&b](troupe::context& me) -> process { return b(static_cast<far_context&>(me)); };
    self.spawn_monitor(as_far);
    down d = co_await self.receive<down>();
    reason = std::move(d.reason);
  }));
  return reason;
}

node_options options_of(testing::simulation& world, testing::simulated_network& net, const std::string& host) {
  node_options o;
  o.name = "a@" + host;
  o.cookie = "c";
  o.system = world.options(o.name);
  o.system.log_crashes = false;
  o.network = net.host(host);
  o.use_epmd = false;
  o.port = o.dial_port = 4711;
  return o;
}

}  // namespace

far_place choose_place(detail::slot& s) {
  far_place place;
  if (run.world == nullptr) return place;  // a system of the case's own
  node* there = run.nodes[run.world->choose(run.nodes.size())];
  if (there == nullptr || &there->distribution().runtime() == s.rt) return place;
  for (node* here : run.nodes) {
    if (&here->distribution().runtime() != s.rt) continue;
    const auto out = here->distribution().find(there->distribution().name(), false);
    const auto in = there->distribution().find(here->distribution().name(), false);
    if (out == nullptr || in == nullptr) return place;
    place.where = &there->distribution().runtime();
    place.connection_here = out->id();
    place.connection_there = in->id();
  }
  return place;
}

void use_connection(detail::runtime& rt, std::uint64_t connection, const pid& process) {
  for (node* n : run.nodes)
    for (node* other : run.nodes) {
      if (n == other || &n->distribution().runtime() != &rt) continue;
      const auto c = n->distribution().find(other->distribution().name(), false);
      if (c != nullptr && c->id() == connection) c->touch(process);
    }
}

destination wherever(const destination& to) {
  if (to.which() != destination::kind::name) return to;
  const detail::executor* e = detail::current_executor();
  if (e != nullptr && const_cast<detail::executor*>(e)->rt().whereis(to.name())) return to;
  for (node* n : run.nodes)
    if (n->distribution().runtime().whereis(to.name()))
      return remote(to.name(), std::string_view(n->distribution().name()));
  return to;
}

bool is_alive_somewhere(const pid& p) {
  for (node* n : run.nodes)
    if (n->distribution().runtime().is_alive(p)) return true;
  return false;
}

std::uint64_t run_seed(std::uint64_t seed, const body& b) {
  testing::simulation world(seed);
  {
    testing::simulated_network net(world);
    net.set_delays(0ns, 0ns);  // bodies look at the clock; what is cut and in which order it comes is the seed's
    node one(options_of(world, net, "h1"));
    node two(options_of(world, net, "h2"));
    node three(options_of(world, net, "h3"));
    INFO("replay with TROUPE_SEED=", seed);
    REQUIRE(one.connect("a@h2"));
    REQUIRE(one.connect("a@h3"));
    REQUIRE(two.connect("a@h3"));
    run.world = &world;
    run.nodes = {&one, &two, &three};
    std::vector<std::uint64_t> ids;
    const auto connections = [&] {
      std::vector<std::uint64_t> result;
      for (node* n : run.nodes)
        for (node* other : run.nodes) {
          const auto c = n == other ? nullptr : n->distribution().find(other->distribution().name(), false);
          result.push_back(c == nullptr ? 0 : c->id());
        }
      return result;
    };
    const auto before = connections();
    term reason;
    try {
      reason = reason_of(one, b);
    } catch (const std::exception& e) {
      reason = term(std::string_view(e.what()));  // a deadlock, and who waits
    }
    CHECK(reason == term("normal"_atom));
    if (reason == term("normal"_atom)) CHECK(connections() == before);  // none was lost on the way
    run = {};
  }
  return world.trace_hash();
}

void everywhere(const body& b, where w) {
  if (w == where::threads || not_across.contains(running_test())) return;
  spdlog::set_level(spdlog::level::critical);
  const std::uint64_t failed_before = failed_checks();
  const std::uint64_t only = only_seed();
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : (seed_count() + 9) / 10;
  for (std::uint64_t seed = first; seed <= last && failed_checks() == failed_before; ++seed) run_seed(seed, b);
}

}  // namespace troupe_test
