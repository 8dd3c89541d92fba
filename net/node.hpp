// SPDX-License-Identifier: BSL-1.0
// node: an actor_system that is one of a cluster of troupe, Erlang and Elixir nodes.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/net/exports.hpp>
#include <troupe/net/node_options.hpp>
#include <troupe/net/remote.hpp>  // IWYU pragma: export
#include <troupe/net/rpc.hpp>     // IWYU pragma: export

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {
class distribution;
}

/// A node cannot be started: its name is malformed or taken, there is no cookie, its port is in use.
class node_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An actor_system with a place in a cluster: its processes send to, call, link with and monitor those of other nodes,
/// in the same words. It speaks the Erlang distribution protocol, so the others may be Erlang's and Elixir's.
/// Connections are made when they are first needed.
///
///     node here({.name = "a@127.0.0.1"});
///     here.spawn(client, remote("counter", "b@127.0.0.1"));
///
/// Everybody who has the cookie can reach every process here whose name or pid he knows, as in Erlang; but spawn, rpc
/// and erpc from afar run nothing that was not exported. Members may be called from any thread; those that block throw
/// usage_error on a worker. Erlang: net_kernel:start/2, or erl -name.
class node : public actor_system {
 public:
  /// Listens, registers with epmd (or serves as epmd when this machine has none), and returns when others can connect.
  /// Throws node_error.
  explicit node(node_options options);
  /// Ends all processes, those that serve its connections among them.
  ~node();

  /// Connects; false when that cannot be done. Blocks. Erlang: net_kernel:connect_node/1.
  bool connect(const process_name& other, detail::duration patience = infinity);
  /// Ends the connection; false when there was none. Erlang: erlang:disconnect_node/1.
  bool disconnect(const process_name& other);
  /// The nodes that it is connected with, sorted. Erlang: nodes/0, nodes/1.
  std::vector<atom> nodes(node_kind which = node_kind::visible) const;
  /// The cookie for that node (its connections to come), instead of the common one. Erlang: set_cookie/2.
  void set_cookie(const process_name& other, std::string cookie);
  /// Where it listens: "127.0.0.1:41234"; empty when it does not.
  const std::string& address() const noexcept { return address_; }
  /// The port it listens at; 0 when it does not.
  std::uint16_t port() const noexcept { return port_; }

  /// Lets other nodes run `f`: a function by rpc and erpc, f(args...) or f(context&, args...), which may be a task<R>;
  /// a process, `process f(context&, args...)`, by spawn_at and Erlang's spawn. Its arguments and its result are terms,
  /// as those of messages. Replaces what had that name and arity.
  template <class F>
  void export_as(const export_name& name, F&& f) {
    export_one(name, detail::make_exported(std::forward<F>(f)));
  }
  /// False when there was no such thing.
  bool unexport(const export_name& name, std::size_t arity);

  /// The machinery.
  detail::distribution& distribution() noexcept { return *distribution_; }

 private:
  struct prepared {};
  node(prepared, node_options options);
  void come_up();
  void register_with_epmd();
  void export_one(const export_name& name, detail::exported what);

  std::shared_ptr<detail::distribution> distribution_;
  std::string address_;
  std::uint16_t port_ = 0;
};

}  // namespace troupe
