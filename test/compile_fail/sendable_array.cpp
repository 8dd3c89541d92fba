// expect: a message may not hold a C array
// SPDX-License-Identifier: BSL-1.0
// A C array in a message is refused.
#include <troupe/mailbox/sendable.hpp>

struct message {
  int id;
  char text[16];
};

void send() {
  troupe::detail::assert_sendable<message>();
}
