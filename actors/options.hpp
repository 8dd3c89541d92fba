// SPDX-License-Identifier: BSL-1.0
// What an actor_system can be told when it is made.
#pragma once

#include <troupe/actors/clock.hpp>
#include <troupe/mailbox/pid.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

namespace detail {
class poller;
class scheduler;
}  // namespace detail

struct crash_report;

/// A process that did not end when its system stopped.
struct stuck_process {
  troupe::pid pid;       ///< which one
  std::string name;      ///< registered name, or empty
  std::string function;  ///< its initial function
  std::string where;     ///< "file:line" of the co_await it waits in or left last
  std::string what;      ///< running, blocking, receive ...
};

/// Options of an actor_system. All have defaults: `actor_system sys;` runs one worker for each core.
struct actor_system_options {
  /// Worker threads; 0: one for each core.
  std::size_t workers = 0;
  /// The node's name, `name@host`. Two systems of one name differ by their creation.
  std::string name = "nonode@nohost";
  /// The most processes that may live at once, 2^31 at most; spawning more throws system_limit.
  std::size_t max_processes = std::size_t{1} << 22;
  /// The most threads that run blocking(f) at once; more work waits in a queue.
  std::size_t max_blocking_threads = 512;
  /// How long the destructor waits for the processes to end before it calls on_stuck. Real time.
  std::chrono::nanoseconds stop_timeout = std::chrono::seconds(5);
  /// Called by the destructor, on its thread, with the processes that have not ended in stop_timeout; when it returns,
  /// the destructor waits as long again. Empty: they are printed to stderr and the program is aborted, since to hang
  /// silently or to free what still runs would both be worse.
  std::function<void(const std::vector<stuck_process>&)> on_stuck;
  /// A process that holds its worker longer than this is reported in the log, once. 0: never.
  std::chrono::nanoseconds long_run = std::chrono::milliseconds(250);
  /// Log the crash reports of processes that end by an exception. (Not of those that call self.exit(reason): they mean
  /// it.) Erlang: what the emulator logs.
  bool log_crashes = true;
  /// Called with each crash report, logged or not: of processes that end by an exception, or by self.exit(reason) with
  /// another reason than normal, shutdown and {shutdown, _} (proc_lib's rule). Before anybody hears of the end. On the
  /// worker: it may not block, and what it throws is lost.
  std::function<void(const crash_report&)> on_crash;
  /// While the program's resident memory, in bytes, is more than this, spawning throws system_limit. It is looked at
  /// every 10 ms, when processes are spawned. 0: no limit.
  std::size_t max_memory = 0;
  /// Other nodes may give behaviours a new state (sys:replace_state, with the state instead of a function, which cannot
  /// run here).
  bool allow_replace_state = false;
  /// Other nodes may have suspended behaviours change their code version (sys:change_code), which calls code_change.
  bool allow_code_change = false;
  /// Tests: time stands still while a worker runs and jumps to the next timer when all are parked and no blocking(f) is
  /// out.
  bool virtual_time = false;
  /// Tests: another scheduler (see testing/deterministic.hpp). Empty: threads.
  std::function<std::unique_ptr<detail::scheduler>()> scheduler;
  /// For net/: makes what each worker, counted from 0, waits in when it has nothing to run (see poller.hpp). Empty: it
  /// waits for messages and time alone.
  std::function<std::unique_ptr<detail::poller>(std::size_t worker)> poller;
};

}  // namespace troupe
