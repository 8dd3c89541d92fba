// expect: a process may only await what troupe offers
// SPDX-License-Identifier: BSL-1.0
// A task that awaits something of another library is refused.
#include <troupe/actors/all.hpp>

#include <coroutine>

using namespace troupe;

task<int> helper() {
  co_await std::suspend_always();
  co_return 1;
}
