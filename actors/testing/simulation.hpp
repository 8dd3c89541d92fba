// SPDX-License-Identifier: BSL-1.0
// simulation: actor systems that run on one thread, in virtual time, by the choices of a seed.
#pragma once

#include <troupe/actors/options.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace troupe::detail {
class simulated_world;
}

namespace troupe::testing {

/// An ordinary thread waits for a simulated process, and all processes wait for ever. what() says who waits where for
/// what, and the seed.
class deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The simulation has taken more steps than it may.
class endless : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A world in which nothing depends on chance or on the machine: the seed decides which process runs next, for how many
/// messages, and which of the messages under way arrives next (those between two processes stay in order); time stands
/// still while anything can happen and then jumps to the next timer; blocking(f) is run, on the same thread, at a
/// moment of the seed's choice. The same program with the same seed does the same, always.
///
///     simulation world(17);
///     actor_system sys(world.options());
///     sys.wait(sys.spawn(test));       // runs the world; throws deadlock when nothing can happen any more
///
/// One thread uses the world and its systems. The world outlives its systems by itself.
class simulation {
 public:
  /// A world in which nothing has happened yet. The same seed, the same choices.
  explicit simulation(std::uint64_t seed);
  ~simulation();
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  /// Options for a system of this world; several may be made.
  actor_system_options options(std::string name = "nonode@nohost") const;

  /// Lets one thing happen; false when nothing will ever happen again. Throws endless.
  bool step();
  /// Until nothing will ever happen again.
  void run();

  /// The seed that it was made with.
  std::uint64_t seed() const noexcept;
  /// A hash of all that has happened: equal for equal programs and seeds.
  std::uint64_t trace_hash() const noexcept;
  /// How many things have happened.
  std::uint64_t steps() const noexcept;
  /// After so many steps the world is taken to be endless. 20,000,000 unless set.
  void set_max_steps(std::uint64_t steps) noexcept;
  /// Who lives, where and for what it waits; a line for each process.
  std::string report() const;
  /// A random number of the seed, 0 to `below` - 1; it moves the seed's sequence on.
  std::uint64_t choose(std::uint64_t below) noexcept;

  /// The machinery, for other simulated parts (a network).
  const std::shared_ptr<detail::simulated_world>& world() const noexcept { return world_; }

 private:
  std::shared_ptr<detail::simulated_world> world_;
};

}  // namespace troupe::testing
