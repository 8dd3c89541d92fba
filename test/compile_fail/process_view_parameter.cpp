// expect: a process may not take a view
// SPDX-License-Identifier: BSL-1.0
// A process with a string_view as parameter is refused.
#include <troupe/actors/all.hpp>

#include <string_view>

using namespace troupe;

process worker(context& self, std::string_view argument) {
  co_await self.yield();
  static_cast<void>(argument);
}
