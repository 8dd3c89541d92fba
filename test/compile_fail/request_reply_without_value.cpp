// expect: this message has a reply type
// SPDX-License-Identifier: BSL-1.0
// An empty answer to a message that has a reply type is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct get {
  using reply = int;
};

process worker(context& self, pid other) {
  co_await self.receive([](request<get> r) { r.reply(); });
  self.send(other, get{});
}
