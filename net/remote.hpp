// SPDX-License-Identifier: BSL-1.0
// What processes do with other nodes, beside sending, calling, linking and monitoring, which need no words of their
// own.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/exports.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// A node is connected from now on. To those who called monitor_nodes. Erlang: {nodeup, Node}.
struct nodeup {
  atom node;  ///< its name
  friend bool operator==(const nodeup&, const nodeup&) = default;
};

/// The connection with a node is gone, or could not be made. To those who called monitor_node or monitor_nodes. Erlang:
/// {nodedown, Node}.
struct nodedown {
  atom node;  ///< its name
  friend bool operator==(const nodedown&, const nodedown&) = default;
};

/// Which nodes are meant.
enum class node_kind : std::uint8_t {
  visible,   ///< those that are published, on both sides
  hidden,    ///< the others
  connected  ///< all
};

/// The functions here are for the process whose context they are given. On a system that is no node they throw
/// usage_error, unless they say otherwise.

/// Connects; false when that cannot be done in time. Erlang: net_kernel:connect_node/1.
task<bool> connect_node(context& self, process_name node, detail::duration patience = infinity);
/// Ends the connection; false when there was none. Erlang: erlang:disconnect_node/1.
bool disconnect_node(context& self, const process_name& node);
/// The connected nodes, sorted; none when the system is no node. Erlang: nodes/1.
std::vector<atom> nodes(context& self, node_kind which = node_kind::visible);
/// The name of this process's node; of another system's `nonode@nohost`. Erlang: node/0.
atom node_of(context& self);
/// The name of the node that the process lives on. Erlang: node/1.
atom node_of(const pid& process);

/// One nodedown will come when the node is lost, or cannot be reached: each call gives one. With `on` false one of them
/// is taken back. Connects. Erlang: monitor_node/2.
void monitor_node(context& self, const process_name& node, bool on = true);
/// nodeup and nodedown will come for all visible nodes; with `hidden` for all. Erlang: net_kernel:monitor_nodes/2.
void monitor_nodes(context& self, bool on = true, bool hidden = false);

/// Is the node there, and is it one of ours? Connects. Erlang: net_adm:ping/1.
task<bool> ping(context& self, process_name node, detail::duration patience = std::chrono::seconds(10));

/// What spawn_at does besides.
struct spawn_at_options {
  bool link = false;                                    ///< as spawn_link
  bool monitor = false;                                 ///< as spawn_monitor
  detail::duration patience = std::chrono::seconds(5);  ///< until the answer; then call_failed
};

namespace detail {
task<spawned> spawn_on(context& self, atom node, export_name what, term arguments, spawn_at_options options);
template <class... Args>
term argument_list(const Args&... arguments) {
  std::vector<term> list;
  (list.push_back(result_term(arguments)), ...);
  return term::list(std::move(list));
}
}  // namespace detail

/// Starts a process on that node: one that was exported there as `what` (see node::export_as), or any function of an
/// Erlang node's, "lists:reverse". Throws call_failed: noconnection, timeout (the process may run), notsup,
/// system_limit. What is not exported there gives a process that ends by undef, as in Erlang. Erlang: spawn/4,
/// spawn_monitor/4.
template <class... Args>
task<spawned> spawn_at(context& self, process_name node, spawn_at_options options, export_name what,
                       Args... arguments) {
  return detail::spawn_on(self, node.atom(), what, detail::argument_list(arguments...), options);
}
/// The same without options: neither linked nor monitored. Erlang: spawn/4.
template <class... Args>
task<pid> spawn_at(context& self, process_name node, export_name what, Args... arguments) {
  const spawn_at_options options;
  const spawned made = co_await detail::spawn_on(self, node.atom(), what, detail::argument_list(arguments...), options);
  co_return made.pid;
}
/// Linked from its first moment on. Erlang: spawn_link/4.
template <class... Args>
task<pid> spawn_link_at(context& self, process_name node, export_name what, Args... arguments) {
  spawn_at_options options;
  options.link = true;
  const spawned made = co_await detail::spawn_on(self, node.atom(), what, detail::argument_list(arguments...), options);
  co_return made.pid;
}

}  // namespace troupe
