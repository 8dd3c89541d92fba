// expect: two members of this type have one name outside
// SPDX-License-Identifier: BSL-1.0
// A description that gives two members one name, the second by flattening.
#include <troupe/mailbox/to_term.hpp>

struct customer {
  int id;
};
struct order {
  int id;
  customer who;
};
template <>
struct troupe::description<order> {
  static constexpr auto members = describe(flatten(&order::who));
};

auto use(const order& value) {
  return troupe::to_term(value);
}
