// expect: a process may not take a shared_ptr to something mutable
// SPDX-License-Identifier: BSL-1.0
// A process with a shared_ptr to something mutable as parameter is refused.
#include <troupe/actors/all.hpp>

#include <memory>

using namespace troupe;

process worker(context& self, std::shared_ptr<int> argument) {
  co_await self.yield();
  static_cast<void>(argument);
}
