// expect: only a struct without a codec of its own can be flattened
// SPDX-License-Identifier: BSL-1.0
// A description that flattens what has no members.
#include <troupe/mailbox/to_term.hpp>

struct order {
  int id;
};
template <>
struct troupe::description<order> {
  static constexpr auto members = describe(flatten(&order::id));
};

auto use(const order& value) {
  return troupe::to_term(value);
}
