// expect: a message may not hold a raw pointer
// SPDX-License-Identifier: BSL-1.0
// A raw pointer inside a container of a message is refused.
#include <troupe/mailbox/sendable.hpp>

#include <vector>

struct message {
  int id;
  std::vector<int*> targets;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
