// expect: a message may not hold a reference
// SPDX-License-Identifier: BSL-1.0
// A member that is a reference to something mutable is refused.
#include <troupe/mailbox/sendable.hpp>

struct message {
  int& target;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
