// SPDX-License-Identifier: BSL-1.0
// An epmd for machines without Erlang, as a process. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/epmd_protocol.hpp>
#include <troupe/net/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::detail {

/// To epmd_server_options::report: it listens.
struct epmd_listening {
  std::uint16_t port;
};

/// What epmd_server is told.
struct epmd_server_options {
  epmd_server_options() = default;  // no aggregate, for g++ 12

  std::shared_ptr<network> net;
  /// Where it listens. Other machines can ask for nodes of this one only if this is not a loopback address.
  std::string address = "127.0.0.1";
  std::uint16_t port = 4369;
  /// Who gets epmd_listening; null: nobody.
  pid report;
  /// The server ends with this process; null: it ends when it is told to.
  pid owner;
  /// More connections at once are closed unheard, more names refused.
  std::size_t max_connections = 1000;
  std::size_t max_names = 1000;
  /// A connection that registers nothing is closed when it has been silent for so long.
  duration idle = std::chrono::seconds(60);
  /// A new name's creation, which any number gives; empty: a random one. The same name gets the next one each time that
  /// it comes back.
  std::function<std::uint32_t()> first_creation;
};

/// Answers as OTP's epmd does: registers nodes of this machine, finds and lists them. Registered is a node as long as
/// its connection lives and says nothing more. To be killed or to stop a node it refuses. Ends with the stream_error as
/// reason when it cannot listen. Each connection is a process of its own, linked with it. Erlang: epmd.
process epmd_server(context& self, epmd_server_options options);

}  // namespace troupe::detail
