// expect: reply type is void
// SPDX-License-Identifier: BSL-1.0
// An answer with a value to a message whose reply type is void is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct clear {
  using reply = void;
};

process worker(context& self, pid other) {
  co_await self.receive([](request<clear> r) { r.reply(1); });
  self.send(other, clear{});
}
