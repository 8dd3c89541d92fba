// SPDX-License-Identifier: BSL-1.0
// run: a main of an application.
#pragma once

#include <troupe/actors/behaviours/application.hpp>
#include <troupe/net/node_options.hpp>

#include <chrono>
#include <functional>

namespace troupe {

class actor_system;

/// What run can be told by the program, beside what its user says on the command line.
struct run_options {
  /// Called with the options that the command line has given, before the node or system is made.
  std::function<void(node_options&)> adjust{};
  /// Called with the system or node before the application starts: exports, names. On the main thread.
  std::function<void(actor_system&)> setup{};
  /// How long an orderly stop may take; then the program ends with exit code 1.
  std::chrono::nanoseconds shutdown = std::chrono::seconds(60);
};

/// Starts the application (as a permanent one) and its dependencies, waits until it ends or the program is asked to
/// stop by SIGTERM or SIGINT, stops them in reverse order, and gives the exit code: 0 for normal, shutdown and an
/// orderly stop; N for the reasons N and {shutdown, N} with N from 0 to 255; 1 for all others and for a start that
/// failed (why stands on stderr); 2 for a wrong command line or configuration. A second signal ends the program at
/// once.
///
///     int main(int argc, char** argv) { return troupe::run(argc, argv, shop()); }
///
/// The command line: `--name NAME@HOST` makes it a node, with `--cookie TEXT` (or $TROUPE_COOKIE), `--hidden`,
/// `--listen ADDRESS[:PORT]`;
/// `--observer` (see observer.hpp); `--config FILE` is JSON, {"application": {"key": value}}; `--workers N`;
/// `--log-level LEVEL`, `--log-json`; `--help`. Only from main, before other
/// threads are made: it blocks the two signals for them, and ignores SIGPIPE. Erlang: erl -name ... -config ... -s, and
/// init:stop/1.
int run(int argc, const char* const* argv, application app, run_options options = {});

}  // namespace troupe
