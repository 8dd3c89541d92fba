// expect: a message may not hold a view of memory that others own
// SPDX-License-Identifier: BSL-1.0
// A string_view in a message is refused.
#include <troupe/mailbox/sendable.hpp>

#include <optional>
#include <string_view>

struct message {
  std::optional<std::string_view> text;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
