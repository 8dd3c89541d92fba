// expect: says two things of one member that do not go together
// SPDX-License-Identifier: BSL-1.0
// A description that both skips and renames a member.
#include <troupe/mailbox/to_term.hpp>

struct order {
  int id;
  int cached;
};
template <>
struct troupe::description<order> {
  static constexpr auto members = describe(skip(&order::cached), rename(&order::cached, "c"));
};

auto use(const order& value) {
  return troupe::to_term(value);
}
