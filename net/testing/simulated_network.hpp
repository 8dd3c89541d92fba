// SPDX-License-Identifier: BSL-1.0
// simulated_network: machines and the wires between them in a simulation; bytes travel, stall and get lost as a seed
// says.
#pragma once

#include <troupe/actors/testing/simulation.hpp>
#include <troupe/net/stream.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::detail {
class simulated_wires;
}

namespace troupe::testing {

/// A network of simulated machines. What happens in it is among the choices of the simulation's seed: the bytes of a
/// stream arrive in order, but in segments that are cut anywhere and each take their time; reads and writes may do less
/// than they are asked for; connecting and being accepted take time; a wait that close() has overtaken is called or
/// dropped. What was written before a close still arrives, unless the closing side had bytes that it has not read: then
/// the other side sees connection_reset, and may lose some, as with TCP. A stream holds 64 KiB that are written and not
/// yet read, then writing would block.
///
///     simulation world(17);
///     simulated_network net(world);
///     auto h1 = net.host("h1"), h2 = net.host("h2");    // each is a detail::network
///     net.partition("h1", "h2");
///
/// A stream between two names of machines ("h1") or within one ("127.0.0.1", "localhost", "::1", or its own name). Who
/// listens at a loopback address is reached from the machine itself alone, as everywhere; "0.0.0.0", "::" and the
/// machine's name listen to all. Where nobody listens, connection_refused; a name that no machine has, and a machine
/// that could not be reached for 127 s (Linux's patience), host_unreachable.
///
/// What an actor system waits for here is forgotten when that system ends. One thread, the simulation's. The streams
/// and hosts may live longer than this object.
class simulated_network {
 public:
  /// A network without hosts yet, whose time and chances are the world's.
  explicit simulated_network(simulation& world);
  ~simulated_network();
  simulated_network(const simulated_network&) = delete;
  simulated_network& operator=(const simulated_network&) = delete;

  /// The network as the machine of that name sees it; the machine is made when it is new.
  std::shared_ptr<detail::network> host(std::string_view name);

  /// How long a segment, a connect or an accept takes: 0 as often as not, otherwise up to `usual`, and for one in
  /// sixteen up to `rare`. 3 ms and 200 ms unless set.
  void set_delays(std::chrono::nanoseconds usual, std::chrono::nanoseconds rare) noexcept;

  // --- faults: machines by name; std::invalid_argument when no machine has it ---------------------------------------

  /// From now on nothing passes between the two, either way, and nobody is told.
  void partition(std::string_view a, std::string_view b);
  /// What was held goes on.
  void heal(std::string_view a, std::string_view b);
  /// All streams between the two break, for both sides, with connection_reset; bytes under way are lost. Those that
  /// have arrived can still be read.
  void reset(std::string_view a, std::string_view b);
  /// The machine loses all its streams, listeners and connects, and is empty again. Its own side sees connection_reset
  /// at once, other machines see it when the news have travelled there. (The actor system that ran on it is the test's
  /// to end.)
  void crash(std::string_view host);

  /// Streams that one of the two sides still holds.
  std::size_t streams() const noexcept;

 private:
  std::shared_ptr<detail::simulated_wires> wires_;
};

}  // namespace troupe::testing
