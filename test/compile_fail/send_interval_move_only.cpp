// expect: send_interval sends copies
// SPDX-License-Identifier: BSL-1.0
// A message to be sent again and again that cannot be copied is refused.
#include <troupe/actors/all.hpp>

#include <memory>

using namespace troupe;
using namespace std::chrono_literals;

struct parcel {
  std::unique_ptr<int> content;
};

process worker(context& self, pid other) {
  self.send_interval(1s, other, parcel{std::make_unique<int>(1)});
  co_return;
}
