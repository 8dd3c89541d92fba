// expect: it must convert to the message's reply type
// SPDX-License-Identifier: BSL-1.0
// An answer that does not convert to the reply type is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct get {
  using reply = int;
};

process worker(context& self, pid other) {
  co_await self.receive([](request<get> r) { r.reply(std::string("three")); });
  self.send(other, get{});
}
