// expect: a message may not hold a view of memory that others own
// SPDX-License-Identifier: BSL-1.0
// Sending what would share memory is refused.
#include <troupe/actors/all.hpp>

#include <string_view>

using namespace troupe;
using namespace std::chrono_literals;

struct note {
  std::string_view text;
};

process worker(context& self, pid other) {
  co_await self.send(other, note{"text"});
}
