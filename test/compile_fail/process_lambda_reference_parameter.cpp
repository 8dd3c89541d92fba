// expect: a process may not take a reference
// SPDX-License-Identifier: BSL-1.0
// A lambda that is a process and takes a reference is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

void spawn(actor_system& sys) {
  sys.spawn(
      [](context& self, const std::string& text) -> process {
        co_await self.yield();
        self.log("{}", text);
      },
      std::string("text"));
}
