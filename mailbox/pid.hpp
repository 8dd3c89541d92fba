// SPDX-License-Identifier: BSL-1.0
// The pid: a value that names one process on one node. Exactly the fields of Erlang's.
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

/// Names one process. A trivially copyable value of 16 bytes: it keeps nothing alive, and a pid of a process
/// that has ended stays valid and names nobody. Immutable: any thread.
class pid {
 public:
  /// The null pid, which no process has.
  constexpr pid() noexcept = default;

  /// The pid of these fields (V4_NC): `id` is the slot, `serial` tells processes that used one slot apart,
  /// `node` and `creation` are those of the node it lives on. A pid of four zeros is the null pid.
  constexpr pid(std::uint32_t id, std::uint32_t serial, std::uint32_t creation, node_index node) noexcept
      : id_(id), serial_(serial), creation_(creation), node_(node) {}

  /// Which slot of its node's table. Erlang prints it as the second number.
  constexpr std::uint32_t id() const noexcept { return id_; }
  /// Tells apart the processes that have had that slot. Erlang prints it as the third number.
  constexpr std::uint32_t serial() const noexcept { return serial_; }
  /// Which incarnation of its node.
  constexpr std::uint32_t creation() const noexcept { return creation_; }
  /// The node that it lives on: an index into the program's table, see node_id.hpp.
  constexpr node_index node() const noexcept { return node_; }

  /// Is it not the null pid?
  constexpr explicit operator bool() const noexcept { return *this != pid(); }

  /// For hash tables; equal for equal ones, in this run.
  constexpr std::uint64_t hash() const noexcept {
    return detail::mix((std::uint64_t{id_} << 32) | serial_, (std::uint64_t{node_} << 32) | creation_);
  }

  /// `<Node.Id.Serial>`: as in Erlang 0 is for this program's own nodes, of which it has one for each actor_system, and
  /// the number that stands for another node (here its index) means nothing outside this OS process. term::parse reads
  /// this.
  std::string to_string() const;

  friend constexpr bool operator==(const pid&, const pid&) noexcept = default;
  /// Erlang's order: serial, id, then the node's name and creation.
  friend std::strong_ordering operator<=>(const pid& a, const pid& b) noexcept;
  friend std::ostream& operator<<(std::ostream& out, const pid& p);

 private:
  std::uint32_t id_ = 0;
  std::uint32_t serial_ = 0;
  std::uint32_t creation_ = 0;
  node_index node_ = 0;
};

static_assert(sizeof(pid) == 16);

}  // namespace troupe

/// Hash of a pid, for the standard containers.
template <>
struct std::hash<troupe::pid> {
  std::size_t operator()(const troupe::pid& p) const noexcept { return static_cast<std::size_t>(p.hash()); }
};
