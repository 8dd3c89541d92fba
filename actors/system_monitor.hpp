// SPDX-License-Identifier: BSL-1.0
// Notices of what may go wrong in a system: long mailboxes, much memory, processes that hold their worker.
#pragma once

#include <troupe/mailbox/pid.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

/// What a system's monitor is told of. Erlang: the options of system_monitor/2.
struct system_monitor_options {
  std::size_t long_message_queue = 0;         ///< messages that wait in one mailbox; 0: never
  std::size_t large_memory = 0;               ///< bytes of one process, as process_info counts them; 0: never
  std::chrono::nanoseconds long_schedule{0};  ///< one run of a process; real time, in milliseconds; 0: never
};

/// A mailbox has as many messages as the option says, or, once that was said, fewer than half of it. It is noticed when
/// the process looks at its mail. Erlang: {monitor, Pid, long_message_queue, Long}.
struct long_message_queue {
  pid process;           ///< whose mailbox
  std::uint64_t length;  ///< how many messages wait
  bool is_long;          ///< false: it was, and is no more
};

/// A process takes so much memory, or, once that was said, less than half of it. It is noticed when the process looks
/// at its mail, and when that has grown by a quarter since it was last weighed. Erlang: {monitor, Pid, large_heap,
/// Info}.
struct large_memory {
  pid process;          ///< which one
  std::uint64_t bytes;  ///< what it takes now
  bool is_large;        ///< false: it was, and is no more
};

/// A process has held its worker for so long without waiting; once for each run. Erlang: {monitor, Pid, long_schedule,
/// Info}.
struct long_schedule {
  pid process;                    ///< which one
  std::chrono::nanoseconds time;  ///< how long by now
  std::string function;           ///< its initial function
  std::string where;              ///< "file:line" of the co_await it left last
};

}  // namespace troupe
