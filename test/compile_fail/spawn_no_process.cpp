// expect: spawn takes a coroutine function
// SPDX-License-Identifier: BSL-1.0
// A function that is no coroutine of type process is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

void worker(context&) {}

void spawn(actor_system& sys) {
  sys.spawn(worker);
}
