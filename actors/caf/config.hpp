// SPDX-License-Identifier: BSL-1.0
// How a caf::actor_system comes to run on troupe's workers: config, install.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/caf/crossing.hpp>
#include <troupe/actors/caf/messages.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <memory>
#include <optional>

namespace troupe::bridge {

/// The caf::actor_systems that are made of `cfg` from now on run their actors on the workers of `sys`, in place of
/// threads of their own: `scheduler.policy` and `scheduler.max-threads` have no meaning then, and
/// `scheduler.max-throughput` is 256 messages unless it is set. Each has a crossing with `sys`, from its beginning to
/// its end: as_caf and as_pid know both.
///
///     troupe::actor_system processes;
///     caf::actor_system_config cfg;
///     troupe::bridge::install(cfg, processes);
///     caf::actor_system actors{cfg};
///
/// Either system may be destroyed first. When that is `sys`, its processes end, and its workers go on until the last of
/// the caf::actor_systems has ended. A caf::actor_system that is made later throws usage_error, as does one that is
/// made on a worker (its end waits for its actors, which a worker must not). CAF's thread hooks hear of the workers,
/// too, between two of their runs. Throws usage_error when `sys` is simulated. Any thread.
void install(caf::actor_system_config& cfg, actor_system& sys);

/// Configuration of a CAF system that runs on troupe's workers: a program derives its own from this instead of
/// caf::actor_system_config, for CAF_MAIN too, and needs no more. It has to outlive its caf::actor_system, as CAF's
/// does.
class config : public caf::actor_system_config {
 public:
  /// Makes an actor_system of its own when it is wanted: by processes(), or by the first caf::actor_system, then with
  /// `scheduler.max-threads` workers. That ends with the config.
  config();
  /// The same, by these options.
  explicit config(actor_system_options options);
  /// On the workers of `sys`.
  explicit config(actor_system& sys);
  ~config() override;

  /// Says that T may cross: see bridge::add_message.
  template <class T>
  config& add_message(std::string name = std::string(troupe::detail::tag<T>())) {
    bridge::add_message<T>(*this, std::move(name));
    return *this;
  }

  /// The processes' system. The caf::actor_system it is used with knows it as well: bridge::processes. Not
  /// concurrently.
  actor_system& processes();

 private:
  std::optional<actor_system_options> options_;
  std::unique_ptr<actor_system> own_;
  actor_system* system_ = nullptr;
};

/// The actor_system on whose workers this CAF system runs, which the caller knows to be there still. Throws usage_error
/// when it runs on CAF's own. Any thread.
actor_system& processes(caf::actor_system& sys);

}  // namespace troupe::bridge
