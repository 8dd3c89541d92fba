// expect: a message must be movable
// SPDX-License-Identifier: BSL-1.0
// A message that cannot be moved is refused.
#include <troupe/mailbox/sendable.hpp>

#include <atomic>

struct message {
  std::atomic<int> count;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
