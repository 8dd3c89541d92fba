// expect: a process may not take a view
// SPDX-License-Identifier: BSL-1.0
// A process with a span as parameter is refused.
#include <troupe/actors/all.hpp>

#include <span>

using namespace troupe;

process worker(context& self, std::span<const int> argument) {
  co_await self.yield();
  static_cast<void>(argument);
}
