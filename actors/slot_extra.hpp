// SPDX-License-Identifier: BSL-1.0
// The rarer parts of a process: links, monitors, aliases, open questions, its name, its timer. Internal.
#pragma once

#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/actors/spawn.hpp>
#include <troupe/actors/timers.hpp>
#include <troupe/mailbox/allocate.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

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
};

struct monitor_end {
  pid peer;   // who is watched, or who watches
  atom name;  // by this name
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
  std::shared_ptr<job> blocking;                   // while blocking(f) is out
  std::vector<std::pair<pid, reference>> unwound;  // callers of requests that an exception destroyed: not told yet
  std::uint64_t last_unlink_id = 0;
  term reason;  // once exit_pending or ending
};

}  // namespace troupe::detail
