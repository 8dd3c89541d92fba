// SPDX-License-Identifier: BSL-1.0
// What a node can be told when it is made.
#pragma once

#include <troupe/actors/options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe {

namespace detail {
class network;
}

/// Options of a node. `node here({.name = "a@127.0.0.1"});` is enough where ~/.erlang.cookie is there.
struct node_options {
  /// `name@host`. The host part says how others reach it: an IP address or a name with a dot (Erlang's -name), or one
  /// without a dot (-sname). Only a host of this machine's can be listened at.
  std::string name{};
  /// The secret that nodes of one cluster share. Empty: that of ~/.erlang.cookie (or $XDG_CONFIG_HOME/erlang/), which
  /// has to be there and unreadable for others. Erlang: -setcookie.
  std::string cookie{};
  /// A hidden node connects with those that it talks to and with nobody else, and stays out of their nodes(). Erlang:
  /// -hidden.
  bool hidden = false;
  /// The port to listen at; 0: any free one. With use_epmd false others must know it.
  std::uint16_t port = 0;
  /// The address to listen at. Empty: the loopback address when the node's host is this machine's own ("localhost",
  /// 127.x, ::1), else all addresses of the machine. Erlang: inet_dist_use_interface.
  std::string listen{};
  /// Take no connections from others; no epmd then either.
  bool listening = true;
  /// Find other nodes, and be found, by the port mapper epmd. False: every node listens at dial_port.
  bool use_epmd = true;
  /// epmd's port; 0: $ERL_EPMD_PORT, or 4369.
  std::uint16_t epmd_port = 0;
  /// Without epmd: the port where others listen. 0: the same as `port`. Erlang: -erl_epmd_port.
  std::uint16_t dial_port = 0;
  /// A silent node is taken for dead after this time; a quarter of it passes between two ticks. All nodes of a cluster
  /// have the same. Erlang: net_ticktime.
  std::chrono::nanoseconds tick_time = std::chrono::seconds(60);
  /// How long each step of connecting may take. Erlang: net_setuptime.
  std::chrono::nanoseconds setup_time = std::chrono::seconds(7);
  /// With more bytes than this waiting to be written to a node, `co_await self.send` waits. Erlang: +zdbbl.
  std::size_t busy_limit = std::size_t{1} << 20;
  /// A longer message from another node ends its connection.
  std::size_t max_message = std::size_t{256} << 20;
  /// One connection may bring so many atoms that this OS process does not have yet; more end it.
  std::size_t max_new_atoms = 100'000;
  /// Options of the actor_system that the node is; the name is set above.
  actor_system_options system{};
  /// Tests: another network than TCP (see net/testing/).
  std::shared_ptr<detail::network> network{};
  /// Set by the node itself.
  std::shared_ptr<detail::network> tcp{};
};

}  // namespace troupe
