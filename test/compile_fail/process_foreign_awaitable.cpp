// expect: a process may only await what troupe offers
// SPDX-License-Identifier: BSL-1.0
// A process that awaits something of another library is refused.
#include <troupe/actors/all.hpp>

#include <coroutine>

using namespace troupe;

process worker(context&) {
  co_await std::suspend_always();
}
