// SPDX-License-Identifier: BSL-1.0
// The control of the sendable_ tests: this compiles.
#include <troupe/mailbox/sendable.hpp>

#include <memory>
#include <string>
#include <vector>

struct message {
  int id;
  std::vector<std::string> texts;
  std::unique_ptr<int> owned;
  std::shared_ptr<const std::string> shared;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
