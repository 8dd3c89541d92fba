// SPDX-License-Identifier: BSL-1.0
// The process-wide table of node identities: a pid or a reference names its node by a small index into it.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// Index of one node identity (name and creation) in a table that only grows. Two indices are equal exactly
/// when name and creation are. Index 0 is `{nonode@nohost, 0}`. An index means nothing outside this OS process.
using node_index = std::uint32_t;

/// The index of the identity, which is added when it is new. `creation` tells incarnations of one name apart,
/// as in Erlang. Any thread. Throws system_limit beyond 4,194,304 identities.
node_index add_node(std::string_view name, std::uint32_t creation);

/// add_node, and notes that the node is one of this program's own; every actor_system does this with its node when it
/// is born. Own nodes are what pids, references and ports are printed with a 0 for.
node_index add_own_node(std::string_view name, std::uint32_t creation);

/// Is the node one of this program's own? As long as it has none, all nodes pass for its own. Lock-free, any thread.
bool is_own_node(node_index node) noexcept;

/// The program's first own node; index 0 as long as it has none. Lock-free, any thread.
node_index own_node() noexcept;

/// How many indices there are: those below it. Lock-free, any thread.
std::uint32_t node_count() noexcept;

/// Name of the node (`a@host`); the text lives as long as the OS process. An index that add_node never gave
/// has the name and the creation of index 0. Lock-free, any thread.
std::string_view node_name(node_index node) noexcept;

/// Creation of the node. Lock-free, any thread.
std::uint32_t node_creation(node_index node) noexcept;

namespace detail {

/// The first number of a printed pid, reference or port: 0 for an own node, else the index.
inline node_index printed_node(node_index node) noexcept {
  return is_own_node(node) ? 0 : node;
}

}  // namespace detail

}  // namespace troupe
