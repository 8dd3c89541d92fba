// expect: a description names a member of another type
// SPDX-License-Identifier: BSL-1.0
// A description that names a member of another struct.
#include <troupe/mailbox/to_term.hpp>

struct order {
  int id;
};
struct line {
  int id;
};
template <>
struct troupe::description<order> {
  static constexpr auto members = describe(rename(&line::id, "number"));
};

auto use(const order& value) {
  return troupe::to_term(value);
}
