// expect: a message may not hold a class that is no aggregate and has no codec
// SPDX-License-Identifier: BSL-1.0
// A class with private members and without a codec is refused.
#include <troupe/mailbox/sendable.hpp>

class account {
 public:
  int cents() const { return cents_; }

 private:
  int cents_ = 0;
};
struct message {
  account from;
};

void send() {
  troupe::detail::assert_sendable<message>();
}
