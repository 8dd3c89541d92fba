// expect: a message may not hold a function
// SPDX-License-Identifier: BSL-1.0
// A std::function in a message is refused.
#include <troupe/mailbox/sendable.hpp>

#include <functional>

struct message {
  std::function<void()> callback;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
