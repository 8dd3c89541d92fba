// expect: send_all needs a message that can be copied
// SPDX-License-Identifier: BSL-1.0
// A message for many receivers that cannot be copied is refused.
#include <troupe/actors/all.hpp>

#include <memory>

using namespace troupe;
using namespace std::chrono_literals;

struct parcel {
  std::unique_ptr<int> content;
};

process worker(context& self, pid other) {
  const pid all[] = {other, self.pid()};
  self.send_all(all, parcel{std::make_unique<int>(1)});
  co_return;
}
