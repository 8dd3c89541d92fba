// expect: a process may not take a reference
// SPDX-License-Identifier: BSL-1.0
// A process whose parameter is a reference is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

process worker(context& self, const std::string& argument) {
  co_await self.yield();
  static_cast<void>(argument);
}
