// SPDX-License-Identifier: BSL-1.0
// The processes of a crossing: the stand-in of a CAF actor, and the keeper, which sees processes end. Internal.
#pragma once

#include <troupe/actors/caf/crossing_state.hpp>

#include <caf/weak_intrusive_ptr.hpp>

namespace troupe::bridge::detail {

/// Starts the process that stands for the actor: its pid is the actor's. What other processes send it, the actor gets;
/// what the actor sends to processes comes through it as carry, in order. It ends when the actor does, with its reason.
pid spawn_stand_in(state_ref state, const caf::weak_actor_ptr& actor);

/// Starts the process that watches those which have a CAF actor.
pid spawn_keeper(state_ref state);

}  // namespace troupe::bridge::detail

/// These two never leave their system.
template <>
struct troupe::codec<troupe::bridge::detail::carry> {
  static void visit(const troupe::bridge::detail::carry&, term_sink& sink);
  static troupe::bridge::detail::carry build(term_source& source);
};
template <>
struct troupe::codec<troupe::bridge::detail::keeper_order> {
  static void visit(const troupe::bridge::detail::keeper_order&, term_sink& sink);
  static troupe::bridge::detail::keeper_order build(term_source& source);
};
