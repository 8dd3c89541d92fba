// expect: spawn takes a coroutine function
// SPDX-License-Identifier: BSL-1.0
// A spawn without the arguments that its function takes is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

process worker(context& self, std::string text, int number) {
  co_await self.yield();
  self.log("{} {}", text, number);
}

void spawn(actor_system& sys) {
  sys.spawn(worker, std::string("text"));
}
