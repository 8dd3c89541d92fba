// expect: a message may not hold a union
// SPDX-License-Identifier: BSL-1.0
// A union in a message is refused.
#include <troupe/mailbox/sendable.hpp>

union either {
  int a;
  float b;
};
struct message {
  either value;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
