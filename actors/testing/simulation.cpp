// SPDX-License-Identifier: BSL-1.0
// The user's view of the deterministic scheduler.
#include <troupe/actors/testing/deterministic.hpp>
#include <troupe/actors/testing/simulation.hpp>

#include <utility>

namespace troupe::testing {

simulation::simulation(std::uint64_t seed) : world_(std::make_shared<detail::simulated_world>(seed)) {}

simulation::~simulation() = default;

actor_system_options simulation::options(std::string name) const {
  actor_system_options result;
  result.name = std::move(name);
  result.scheduler = [world = world_]() -> std::unique_ptr<detail::scheduler> {
    return std::make_unique<detail::deterministic_scheduler>(world);
  };
  return result;
}

bool simulation::step() {
  return world_->step();
}

void simulation::run() {
  while (world_->step()) {
  }
}

std::uint64_t simulation::seed() const noexcept {
  return world_->seed();
}
std::uint64_t simulation::trace_hash() const noexcept {
  return world_->trace();
}
std::uint64_t simulation::steps() const noexcept {
  return world_->steps();
}
void simulation::set_max_steps(std::uint64_t steps) noexcept {
  world_->max_steps = steps;
}
std::string simulation::report() const {
  return world_->report();
}
std::uint64_t simulation::choose(std::uint64_t below) noexcept {
  return world_->choose(below);
}

}  // namespace troupe::testing
