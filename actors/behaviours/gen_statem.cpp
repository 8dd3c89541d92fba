// SPDX-License-Identifier: BSL-1.0
// The parts of gen_statem that need no class.
#include <troupe/actors/behaviours/gen_statem.hpp>

namespace troupe::detail {

namespace {

gen_core& core_of_this_start() {
  if (gen_core* core = gen_core::making()) return *core;
  throw usage_error("troupe: a gen_statem lives in a process of its own: make it with start or start_link");
}

}  // namespace

statem_base::statem_base() : core_(core_of_this_start()), machine_(core_) {}

void throw_state_changed_in_enter() {
  throw usage_error(
      "troupe: next_state with another state in an enter call: the state has just been entered; a timeout of zero, or "
      "an internal event from the handler that changes the state, can change it next");
}

}  // namespace troupe::detail
