// expect: spawn takes a coroutine function
// SPDX-License-Identifier: BSL-1.0
// A function that does not take the context first is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;

process worker(int);

void spawn(actor_system& sys) {
  sys.spawn(worker, 1);
}
