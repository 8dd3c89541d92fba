// SPDX-License-Identifier: BSL-1.0
// The rarer parts of a process: links, monitors, aliases, open questions, its name, its timer. Internal.
#pragma once

#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/actors/spawn.hpp>
#include <troupe/actors/timers.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/envelope.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <memory>
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

/// The wait of an awaited send for room in a connection.
struct room_wait : waiter {
  connection_id connection = 0;
  bool there = false;

  void note(connection_id which) noexcept { there = there || which == connection; }
};

/// The caller of a request that an exception has destroyed, who is told when it is known whether the process ends by
/// it.
struct unwound_request {
  pid caller;
  reference question;
  std::unique_ptr<remote_caller> remote;  // null: the caller lives on this node
};

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
  std::vector<connection_id> connections;  // whose loss it must hear of
  pid group_leader;
  room_wait room;
  std::uint64_t last_unlink_id = 0;
  term reason;  // once exit_pending or ending

  void uses(connection_id connection) {
    if (std::find(connections.begin(), connections.end(), connection) == connections.end())
      connections.push_back(connection);
  }
};

}  // namespace troupe::detail
