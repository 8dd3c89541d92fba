// expect: use std::shared_ptr<const T>
// SPDX-License-Identifier: BSL-1.0
// A shared_ptr to something that can change is refused.
#include <troupe/mailbox/sendable.hpp>

#include <memory>
#include <string>

struct message {
  std::shared_ptr<std::string> text;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
