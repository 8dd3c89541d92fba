// expect: send_all needs a message that can be copied
// SPDX-License-Identifier: BSL-1.0
// A message for many receivers that holds a vector of what cannot be copied is refused.
#include <troupe/actors/all.hpp>

#include <memory>

using namespace troupe;
using namespace std::chrono_literals;

struct parcels {
  std::vector<std::unique_ptr<int>> contents;
};

process worker(context& self, pid other) {
  const pid all[] = {other, self.pid()};
  self.send_all(all, parcels());
  co_return;
}
