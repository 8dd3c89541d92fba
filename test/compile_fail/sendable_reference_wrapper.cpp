// expect: a message may not hold a std::reference_wrapper
// SPDX-License-Identifier: BSL-1.0
// A reference_wrapper in a message is refused.
#include <troupe/mailbox/sendable.hpp>

#include <functional>

struct message {
  std::reference_wrapper<int> target;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
