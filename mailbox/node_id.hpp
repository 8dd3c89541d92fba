// SPDX-License-Identifier: BSL-1.0
// The process-wide table of node identities: a pid or a reference names its node by a small index into it.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// Index of one node identity (name and creation) in a table that only grows. Two indices are equal exactly
/// when name and creation are. Index 0 is {nonode@nohost, 0}. An index means nothing outside this OS process.
using node_index = std::uint32_t;

/// The index of the identity, which is added when it is new. `creation` tells incarnations of one name apart,
/// as in Erlang. Any thread. Throws system_limit beyond 4,194,304 identities.
node_index add_node(std::string_view name, std::uint32_t creation);

/// Name of the node (`a@host`); the text lives as long as the OS process. An index that add_node never gave
/// has the name and the creation of index 0. Lock-free, any thread.
std::string_view node_name(node_index node) noexcept;

/// Creation of the node. Lock-free, any thread.
std::uint32_t node_creation(node_index node) noexcept;

}  // namespace troupe
