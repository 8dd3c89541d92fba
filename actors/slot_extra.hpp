// SPDX-License-Identifier: BSL-1.0
// The rarer parts of a process: links, monitors, aliases, open questions, its name, its timer. Internal.
#pragma once

#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/gate.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/actors/spawn.hpp>
#include <troupe/actors/timers.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/envelope.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace troupe::detail {

enum class alias_mode : std::uint8_t { explicit_unalias, reply };

/// One end of a link. Active while unlink_id is 0; else it waits for the other side's acknowledgement (OTP's unlink
/// protocol, which keeps link, unlink, link from one side and a link from the other side at once from leaving a link
/// with one end).
struct link_end {
  std::uint64_t unlink_id = 0;
  connection_id connection = 0;  // by which it was made last; 0: the other side lives on this node
};

struct monitor_end {
  pid peer;   // who is watched, or who watches
  atom name;  // by this name
  atom node;  // on this node, when that is another one
  connection_id connection = 0;
};

/// A message that found no room: in a bounded mailbox whose senders are to wait, and then it is here or at the gate; or
/// in the connection it was given to. `sent` owns it.
struct crowded_send : waiter, pooled {
  envelope* e = nullptr;                  // not sent yet; owned
  const type_descriptor* what = nullptr;  // its type
  pid to;
  room_ticket ticket = 0;  // the connection, or of the wait at the gate
  bool queued = false;     // the gate has the message
  bool there = false;      // there is room; the message is in

  crowded_send() = default;
  crowded_send(const crowded_send&) = delete;
  crowded_send& operator=(const crowded_send&) = delete;
  ~crowded_send();
  std::string to_string() const;
};

/// The caller of a request that an exception has destroyed, who is told when it is known whether the process ends by
/// it.
struct unwound_request {
  pid caller;
  reference question;
  std::unique_ptr<remote_caller> remote;  // null: the caller lives on this node
};

/// A task that a process is in, and where that is awaited.
struct task_place {
  std::source_location function;
  std::source_location called_from;

  /// "load, awaited at store.cpp:12"
  std::string to_string() const;
};

/// What was seen of the exception that ends a process, while its tasks were still there.
struct crash : pooled {
  std::exception_ptr error;
  std::vector<task_place> tasks;  // innermost first
  std::vector<term> ancestors;    // of a behaviour, which leaves them here before it throws: nearest first
  bool by_exception = false;      // other than that of self.exit(reason)
  bool report = false;            // the process ends by it, and not in good order
};

class gen_core;

struct slot_extra : pooled {
  boost::unordered::unordered_flat_map<pid, link_end, std::hash<pid>> links;
  boost::unordered::unordered_flat_map<reference, monitor_end, std::hash<reference>>
      watching;  // monitors that this process made
  boost::unordered::unordered_flat_map<reference, monitor_end, std::hash<reference>> watched_by;
  std::vector<open_question*> questions;  // ascending numbers
  std::vector<std::pair<std::uint64_t, alias_mode>> aliases;
  std::unique_ptr<kept_callable> callable;  // what the coroutine lives in
  std::unique_ptr<slot_timer> timer;
  std::shared_ptr<job> blocking;  // while blocking(f) is out
  std::vector<unwound_request> unwound;
  bool terminating = false;                // a behaviour is on its way to its end: those wait until then
  std::vector<connection_id> connections;  // whose loss it must hear of
  pid group_leader;
  std::unique_ptr<crowded_send> crowd;  // of the last message, until `sent` takes it
  crowded_send* room = nullptr;         // what an awaited send waits for
  std::unique_ptr<crash> crashed;       // by an exception, or exit(reason)
  std::unique_ptr<term> metadata;       // of its log lines
  const gen_core* behaviour = nullptr;  // what it runs, while it does
  std::size_t memory_check = 0;         // length of the mailbox at which the memory is looked at again
  std::uint64_t last_unlink_id = 0;
  std::uint64_t handled_before = 0;   // messages and answers taken, besides slot::handled
  std::uint32_t many_references = 0;  // the upper half of the number of those made
  std::uint32_t wait_number = 0;      // of waits with a deadline: tells timeouts of old ones apart
  term reason;                        // once exit_pending or ending

  /// There is room, or whoever was to give it is gone.
  void note_room(room_ticket ticket) noexcept {
    if (room != nullptr && room->ticket == ticket) room->there = true;
  }

  void uses(connection_id connection) {
    if (std::find(connections.begin(), connections.end(), connection) == connections.end())
      connections.push_back(connection);
  }
};

}  // namespace troupe::detail
