// SPDX-License-Identifier: BSL-1.0
// The port identifier: names a port of some Erlang node. Exactly the fields of Erlang's.
#pragma once

#include <troupe/mailbox/hash.hpp>
#include <troupe/mailbox/node_id.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

namespace troupe {

/// Names one port: a program or a socket that an Erlang node holds. Nodes of this library have none; they pass on those
/// that they are sent. A trivially copyable value of 16 bytes. Immutable: any thread.
class port {
 public:
  /// The null port, which no node has.
  constexpr port() noexcept = default;

  /// The port of these fields (V4_PORT_EXT). A port of three zeros is the null port.
  constexpr port(std::uint64_t id, std::uint32_t creation, node_index node) noexcept
      : id_(id), creation_(creation), node_(node) {}

  /// Which port of its node.
  constexpr std::uint64_t id() const noexcept { return id_; }
  /// Which incarnation of its node.
  constexpr std::uint32_t creation() const noexcept { return creation_; }
  /// The node that it lives on: an index into the program's table, see node_id.hpp.
  constexpr node_index node() const noexcept { return node_; }

  /// Is it not the null port?
  constexpr explicit operator bool() const noexcept { return *this != port(); }

  /// For hash tables; equal for equal ones, in this run.
  constexpr std::uint64_t hash() const noexcept { return detail::mix(id_, (std::uint64_t{node_} << 32) | creation_); }

  /// `#Port<Node.Id>`. For the first number see pid::to_string.
  std::string to_string() const;

  friend constexpr bool operator==(const port&, const port&) noexcept = default;
  /// Erlang's order: node's name and creation, then id.
  friend std::strong_ordering operator<=>(const port& a, const port& b) noexcept;
  friend std::ostream& operator<<(std::ostream& out, const port& p);

 private:
  std::uint64_t id_ = 0;
  std::uint32_t creation_ = 0;
  node_index node_ = 0;
};

static_assert(sizeof(port) == 16);

}  // namespace troupe

/// Hash of a port, for the standard containers.
template <>
struct std::hash<troupe::port> {
  std::size_t operator()(const troupe::port& p) const noexcept { return static_cast<std::size_t>(p.hash()); }
};
