// expect: a message may not hold a reference
// SPDX-License-Identifier: BSL-1.0
// A member that is a reference is refused.
#include <troupe/mailbox/sendable.hpp>

#include <string>

struct message {
  int id;
  const std::string& text;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
