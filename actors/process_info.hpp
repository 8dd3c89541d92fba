// SPDX-License-Identifier: BSL-1.0
// What can be seen of a process and of a system from outside.
#pragma once

#include <troupe/actors/mailbox_limit.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What a process is about. Erlang: status of process_info/1.
enum class process_state : std::uint8_t {
  waiting,   ///< for a message, an answer, a time, room
  runnable,  ///< it could run, and has to wait for a worker; or it has just been asked and will go on
  running,   ///< on a worker, at this moment
  blocking,  ///< a blocking(f) of it is out
};

/// A process, as it was at one moment. A message like any other. Erlang: process_info/1.
struct process_info {
  troupe::pid process;                    ///< whose it is
  atom name;                              ///< registered name; the empty atom without
  process_state state{};                  ///< before it was asked
  std::string function;                   ///< its initial function
  std::string behaviour;                  ///< "gen_server counter", "supervisor supervisor"; empty when it is none
  std::string where;                      ///< "file:line" of the co_await it waits in, or left last
  std::string waits_for;                  ///< "receive of order, request<get>"; empty when it does not wait
  std::vector<std::string> tasks;         ///< the tasks it is in, innermost first, each with the place that awaits it
  std::uint64_t mailbox_length = 0;       ///< messages that wait
  std::uint64_t mailbox_limit = 0;        ///< 0: none
  std::optional<overflow> policy;         ///< of a bounded mailbox
  std::uint64_t mailbox_dropped = 0;      ///< messages dropped because the mailbox was full
  std::uint64_t waiting_senders = 0;      ///< those who wait for room in it
  std::vector<troupe::pid> links;         ///< sorted
  std::vector<term> monitors;             ///< whom it monitors: pids, names, {Name, Node}
  std::vector<troupe::pid> monitored_by;  ///< sorted
  std::uint64_t memory = 0;    ///< bytes: its slot, its frames, the messages that wait; not what these point to
  std::uint64_t messages = 0;  ///< messages and answers that it has taken so far
  bool trap_exit = false;      ///< does it turn exit signals into messages?
  troupe::pid group_leader;    ///< null unless another node has given it one
};

/// A system at one moment. Erlang: system_info/1.
struct system_info {
  std::string name;                 ///< of its node
  std::uint32_t creation = 0;       ///< incarnation of its node
  std::uint64_t processes = 0;      ///< alive now
  std::uint64_t max_processes = 0;  ///< actor_system_options::max_processes
  std::uint64_t spawned = 0;        ///< ever
  std::uint64_t names = 0;          ///< registered now
  std::uint64_t atoms = 0;          ///< of the program: made at run time, and never freed
  std::uint64_t max_atoms = 0;      ///< atom_limit()
  std::uint64_t memory = 0;         ///< resident bytes of the program; 0 where that cannot be known
  std::uint64_t max_memory = 0;     ///< actor_system_options::max_memory; 0: none
  std::uint64_t workers = 0;        ///< threads that run processes
};

/// Why a process ended that should not have: by an exception, or by self.exit(reason) with another reason than normal,
/// shutdown and {shutdown, _}. Erlang: proc_lib's crash report.
struct crash_report {
  troupe::pid process;               ///< which one
  atom name;                         ///< registered name; the empty atom without
  std::string function;              ///< its initial function
  std::vector<term> ancestors;       ///< of a behaviour: names or pids of who started it, of who started that one, ...
  std::string where;                 ///< "file:line" of the co_await it left last
  std::vector<std::string> tasks;    ///< the tasks the exception came through, innermost first
  term reason;                       ///< its exit reason
  std::uint64_t mailbox_length = 0;  ///< messages that nobody will read
  std::vector<troupe::pid> links;    ///< who hears of it by a link; sorted
  bool trap_exit = false;            ///< did it turn exit signals into messages?
  term metadata;                     ///< what it had given to context::log_metadata; else an empty map

  /// Several lines for people.
  std::string to_string() const;
};

/// How many atoms the program may make at run time; 1,048,576 unless set. One too many throws system_limit. Any thread.
/// Erlang: erl +t.
std::size_t atom_limit() noexcept;
/// Sets another limit.
void set_atom_limit(std::size_t atoms) noexcept;
/// How many it has made.
std::size_t atom_count() noexcept;

namespace detail {

struct slot;

/// What an inquiry carries.
struct process_inquiry {
  using reply = troupe::process_info;
};

/// Of the process itself, by its owner.
troupe::process_info info_of(slot& s, process_state state);
/// Bytes of slot, frames and waiting messages. Only the owner.
std::uint64_t memory_of(const slot& s) noexcept;
/// The tasks it waits in, innermost first. Only the owner, while it waits.
std::vector<std::string> tasks_of(const slot& s);
/// Resident bytes of the program; 0 when that cannot be known.
std::uint64_t resident_memory() noexcept;

}  // namespace detail
}  // namespace troupe
