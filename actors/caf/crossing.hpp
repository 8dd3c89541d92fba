// SPDX-License-Identifier: BSL-1.0
// as_caf(pid), as_pid(actor): a process as a CAF actor, a CAF actor as a process.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/caf/messages.hpp>
#include <troupe/actors/caf/reasons.hpp>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>

#include <memory>

namespace troupe::bridge {

namespace detail {
class crossing_state;
}

/// Joins one caf::actor_system with one troupe::actor_system, whoever schedules CAF's actors: while it exists, as_caf
/// and as_pid give each side's actors to the other. Make it after both systems, so that it goes before them. Any number
/// may exist, but one for each pair of systems.
///
/// When it is destroyed, nothing crosses any more: for CAF its processes have ended, with remote_link_unreachable, for
/// troupe its actors with killed; both live on. It waits for processes of its own, so not on a worker of troupe's. Any
/// thread may call its members.
class crossing {
 public:
  /// Joins the two, from now on. Throws system_limit when troupe has no room for one more process.
  crossing(caf::actor_system& caf, actor_system& troupe);
  ~crossing();
  crossing(const crossing&) = delete;
  crossing& operator=(const crossing&) = delete;

  /// The CAF actor that is this process, wherever it lives; the same one as long as the process lives. The pid of a CAF
  /// actor gives that actor. An invalid handle for the null pid. One that has ended has ended for CAF, too, for the
  /// reason exit_reason::unknown. Throws usage_error when the crossing is closed.
  caf::actor as_caf(const pid& process);
  /// The same as a handle of typed actors, which CAF checks no further: the process must take and answer what is said
  /// there.
  template <class Handle>
  Handle as_caf(const pid& process) {
    return caf::actor_cast<Handle>(as_caf(process));
  }

  /// The pid that is this actor: a caf::actor, a typed actor, an actor_addr or a strong_actor_ptr. From now on the
  /// actor lives until it ends, as processes do, however few handles CAF has. The actor of a process gives that
  /// process. The null pid for an invalid handle. Throws usage_error when the crossing is closed, and system_limit.
  template <class Handle>
  pid as_pid(const Handle& actor) {
    return pid_of(caf::actor_cast<caf::strong_actor_ptr>(actor));
  }

  /// The two systems.
  caf::actor_system& caf_system() const noexcept;
  /// The node of the other one.
  node_index node() const noexcept;

 private:
  pid pid_of(const caf::strong_actor_ptr& actor);

  std::shared_ptr<detail::crossing_state> state_;
};

/// as_caf by the one crossing that there is for the process's system; for a process of another node, by the only one.
/// Throws usage_error when there is none, or more than one that might do. Any thread.
caf::actor as_caf(const pid& process);
/// The same as a handle of typed actors.
template <class Handle>
Handle as_caf(const pid& process) {
  return caf::actor_cast<Handle>(bridge::as_caf(process));
}

namespace detail {
pid pid_of(const caf::strong_actor_ptr& actor);
}

/// as_pid by the one crossing that there is for the actor's system. Throws usage_error when there is none, or more than
/// one. Any thread.
template <class Handle>
pid as_pid(const Handle& actor) {
  return detail::pid_of(caf::actor_cast<caf::strong_actor_ptr>(actor));
}

}  // namespace troupe::bridge
