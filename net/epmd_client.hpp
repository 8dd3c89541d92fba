// SPDX-License-Identifier: BSL-1.0
// Asking epmd and registering with it, and the process that keeps a node registered. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/epmd_protocol.hpp>
#include <troupe/net/stream.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::detail {

/// A node is registered as long as the stream lives; nothing may be written to it.
struct epmd_registration {
  std::unique_ptr<byte_stream> stream;
  std::uint32_t creation = 0;
};

/// Registers `node`, which must not change meanwhile, with the epmd at that host (only one of this machine takes it)
/// and port. Throws epmd_error (the name is taken or none; what answers is no epmd) and stream_error. Erlang:
/// erl_epmd:register_node/2.
task<epmd_registration> epmd_register(context& self, std::shared_ptr<network> net, std::string host, std::uint16_t port,
                                      const epmd_node& node, time_point deadline);
/// The node with that name (what stands before the @) on that host; nothing when there is none. Throws epmd_error and
/// stream_error. Erlang: erl_epmd:port_please/2.
task<std::optional<epmd_node>> epmd_lookup(context& self, std::shared_ptr<network> net, std::string host,
                                           std::uint16_t port, std::string name, time_point deadline);
/// All nodes registered there. Throws epmd_error and stream_error. Erlang: erl_epmd:names/1.
task<std::vector<epmd_name>> epmd_names(context& self, std::shared_ptr<network> net, std::string host,
                                        std::uint16_t port, time_point deadline);

/// To keeper_options::report: the node is registered. Sent once, for the first registration.
struct epmd_registered {
  std::uint32_t creation;
};

/// What epmd_keeper is told.
struct epmd_keeper_options {
  epmd_keeper_options() = default;  // no aggregate, for g++ 12

  std::shared_ptr<network> net;
  epmd_node node;
  std::string host = "127.0.0.1";
  std::uint16_t port = 4369;
  /// Who gets epmd_registered; null: nobody.
  pid report;
  /// When nobody listens at the port, an epmd_server of this node's own does, at this address; without it others must
  /// start one.
  bool serve = true;
  std::string serve_at = "127.0.0.1";
  /// How long one attempt may take, and how long it waits after one that failed. Erlang: 10 s and 2 s.
  duration patience = std::chrono::seconds(10);
  duration pause = std::chrono::seconds(2);
};

/// Registers the node, and does so again whenever the connection with epmd breaks. The creation stays what it was the
/// first time. A first registration that epmd refuses ends it, with the epmd_error as reason; all else that goes wrong
/// is tried again. The epmd_server that it has started ends with it. Erlang: erl_epmd.
process epmd_keeper(context& self, epmd_keeper_options options);

}  // namespace troupe::detail
