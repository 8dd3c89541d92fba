// SPDX-License-Identifier: BSL-1.0
// Applications: parts of a program that are started, configured and stopped as one.
#pragma once

#include <troupe/actors/behaviours/environment.hpp>
#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What the end of an application's root supervisor means for the program. Erlang: Type of application:start/2.
enum class application_type : std::uint8_t {
  permanent,  ///< all others are stopped, and await_end gives the reason
  transient,  ///< the same, but for the reason normal
  temporary   ///< the log says so
};

/// An application: its name, what it needs, and the functions that start and stop it. Plain data. Erlang: the .app file
/// and the application behaviour.
struct application {
  /// An atom's text, not empty.
  std::string name;
  /// Started before it, each once however many need it, and stopped after it.
  std::vector<application> dependencies{};
  /// JSON, an object: its environment where the configuration says nothing else. Erlang: env.
  std::string environment = "{}";
  /// Starts its root supervisor, linked: `co_return co_await self.try_start_link<supervisor>(...)`. Runs in a process
  /// of the application's own, its master. Erlang: Module:start/2.
  std::function<task<start_result>(context& self, const troupe::environment& env)> start{};
  /// Called for each of start_phases once the root supervisor runs, in order. Erlang: Module:start_phase/3.
  std::vector<std::string> start_phases{};
  /// Runs one phase; what it throws fails the start.
  std::function<task<>(context& self, std::string_view phase)> start_phase{};
  /// Before its processes are stopped. Erlang: Module:prep_stop/1.
  std::function<task<>(context& self)> prep_stop{};
  /// After they are. Erlang: Module:stop/1.
  std::function<void()> stop{};
  /// How long its root supervisor may take to stop; then it is killed. Erlang waits for ever.
  detail::duration shutdown = std::chrono::seconds(30);
};

/// An application that runs. A message like any other.
struct running_application {
  atom name;  ///< of the application
  pid root;   ///< its root supervisor
};

/// The functions here are for the process whose context they are given. They speak with the application controller, a
/// process named application_controller, which start_application_controller has started. They throw call_failed
/// (noproc) where there is none.

/// Starts the controller, linked with nobody. `configuration`: JSON, {"name": {"key": value}}: what applications'
/// environments say differently from their defaults. Throws environment_error when that is no such JSON, start_failed
/// when there is a controller. Erlang: the controller of the kernel, and -config.
task<pid> start_application_controller(context& self, std::string configuration = "{}");

/// Starts the applications it depends on, then its root supervisor, then its start phases. What comes of it: started,
/// with the root's pid; failed with {already_started, Name}, the reason of its start, {Dependency, Reason}, or
/// {start_phase, Phase, Reason}. (With g++ before 13 name the application first: see README, Compilers.) Erlang:
/// application:start/2, ensure_all_started/2.
task<start_result> start_application(context& self, application app,
                                     application_type type = application_type::temporary);
/// Stops one: prep_stop, its processes in the order of its supervisor, stop. False when it does not run. Those that
/// depend on it are not asked. Erlang: application:stop/1.
task<bool> stop_application(context& self, process_name name);
/// Stops all that run, the one that was started last first. Erlang: init:stop/0.
task<> stop_all_applications(context& self);
/// Those that run, in the order in which they were started. Erlang: application:which_applications/0.
task<std::vector<running_application>> which_applications(context& self);
/// The environment of an application that has been started. Erlang: application:get_all_env/1.
task<environment> get_environment(context& self, process_name name);
/// Waits until a permanent application ends, or a transient one by another reason than normal, and all others have been
/// stopped: the reason.
task<term> await_applications_end(context& self);

}  // namespace troupe
