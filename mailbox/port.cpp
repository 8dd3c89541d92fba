// SPDX-License-Identifier: BSL-1.0
// How ports are ordered and printed.
#include <troupe/mailbox/port.hpp>

#include <ostream>

namespace troupe {

std::strong_ordering operator<=>(const port& a, const port& b) noexcept {
  if (a.node_ != b.node_)
    if (const auto order = node_name(a.node_) <=> node_name(b.node_); order != 0) return order;
  if (const auto order = a.creation_ <=> b.creation_; order != 0) return order;
  if (const auto order = a.id_ <=> b.id_; order != 0) return order;
  return a.node_ <=> b.node_;
}

std::string port::to_string() const {
  return "#Port<" + std::to_string(detail::printed_node(node_)) + "." + std::to_string(id_) + ">";
}

std::ostream& operator<<(std::ostream& out, const port& p) {
  return out << p.to_string();
}

}  // namespace troupe
