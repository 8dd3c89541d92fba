// expect: spawn takes a coroutine function
// SPDX-License-Identifier: BSL-1.0
// A spawn with an argument that does not convert to the parameter is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

process worker(context& self, std::string text) {
  co_await self.yield();
  self.log("{}", text);
}

void spawn(actor_system& sys) {
  sys.spawn(worker, 1.5);
}
