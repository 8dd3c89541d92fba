// SPDX-License-Identifier: BSL-1.0
// How atoms and nodes are found by their text, most of the time without a table.
#include <troupe/net/etf/identities.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe::detail {

/// A thread meets few different ones, so that it seldom has to ask the table, which locks.
atom intern_atom(std::string_view text) {
  thread_local std::array<atom, 256> recent;
  std::uint64_t h = text.size();
  for (std::size_t i = 0; i < text.size(); i += (text.size() + 7) / 8)
    h = (h ^ static_cast<unsigned char>(text[i])) * 0x9e3779b97f4a7c15ULL;
  atom& kept = recent[h >> 56];
  if (kept.name() != text) kept = atom(text);
  return kept;
}

namespace {

/// The index of the node, in the same way.
node_index node_of(const etf_identity& id) {
  struct known {
    std::string_view name;
    std::uint32_t creation = 0;
    node_index index = 0;
  };
  thread_local std::array<known, 16> recent;
  known& kept =
      recent[(id.creation ^ id.node.size() ^ (id.node.empty() ? 0 : static_cast<unsigned char>(id.node[0]))) % 16];
  if (kept.creation != id.creation || kept.name != id.node) {
    const node_index index = add_node(id.node, id.creation);
    kept = {node_name(index), id.creation, index};
  }
  return kept.index;
}

}  // namespace

pid make_pid(const etf_identity& id) {
  return {static_cast<std::uint32_t>(id.id >> 32), static_cast<std::uint32_t>(id.id), id.creation, node_of(id)};
}
reference make_reference(const etf_identity& id) {
  const node_index node = node_of(id);
  if (node == 0 && id.creation == 0 && id.words == 1 && id.word[0] == 0) return {};  // as the writer writes it
  return {std::span(id.word).first(id.words), id.creation, node};
}
port make_port(const etf_identity& id) {
  return {id.id, id.creation, node_of(id)};
}

}  // namespace troupe::detail
