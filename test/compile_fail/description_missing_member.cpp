// expect: 'customer'
// SPDX-License-Identifier: BSL-1.0
// A description that names a member which does not exist: the compiler itself says which.
#include <troupe/mailbox/codec.hpp>

struct order {
  int id;
};
template <>
struct troupe::description<order> {
  static constexpr auto members = describe(rename(&order::customer, "client"));
};
