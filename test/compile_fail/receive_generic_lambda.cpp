// expect: a handler takes one message and names its type
// SPDX-License-Identifier: BSL-1.0
// A handler that takes anything (auto) is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
};

process worker(context& self, pid other) {
  co_await self.receive([](const auto& message) { static_cast<void>(message); });
  self.send(other, order{1});
}
