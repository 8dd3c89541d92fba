// SPDX-License-Identifier: BSL-1.0
// How pids are ordered and printed.
#include <troupe/mailbox/pid.hpp>

#include <ostream>

namespace troupe {

std::strong_ordering operator<=>(const pid& a, const pid& b) noexcept {
  if (const auto order = a.serial_ <=> b.serial_; order != 0) return order;
  if (const auto order = a.id_ <=> b.id_; order != 0) return order;
  if (a.node_ != b.node_)
    if (const auto order = node_name(a.node_) <=> node_name(b.node_); order != 0) return order;
  if (const auto order = a.creation_ <=> b.creation_; order != 0) return order;
  return a.node_ <=> b.node_;
}

std::string pid::to_string() const {
  return "<" + std::to_string(detail::printed_node(node_)) + "." + std::to_string(id_) + "." + std::to_string(serial_) +
         ">";
}

std::ostream& operator<<(std::ostream& out, const pid& p) {
  return out << p.to_string();
}

}  // namespace troupe
