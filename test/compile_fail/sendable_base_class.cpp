// expect: a message may not be a struct with base classes
// SPDX-License-Identifier: BSL-1.0
// A struct with a base class is refused.
#include <troupe/mailbox/sendable.hpp>

struct header {
  int id;
};
struct message : header {
  int value;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
