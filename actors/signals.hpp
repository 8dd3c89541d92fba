// SPDX-License-Identifier: BSL-1.0
// What signals do to a process when it drains its mailbox: links, monitors, exits, aliases, answers. Internal.
#pragma once

#include <troupe/actors/slot_extra.hpp>
#include <troupe/mailbox/term.hpp>

namespace troupe::detail {

/// In the number of a signal of kind monitor: the receiver is not the watched one. Whoever sent it has sent, on its
/// behalf, a monitor with that reference to the process `from`, so that it is there from that moment on.
inline constexpr std::uint64_t monitor_made_for_it = 1;

/// Takes the signal over and lets it act. Only the owner, in its drain. The rules are those of Erlang's reference
/// manual, "Processes".
void act(slot& s, envelope* signal);

/// Tells whoever is watched that nobody watches any more: demonitor.
void stop_watching(slot& s, const reference& ref, const monitor_end& watched);

/// Tells links and monitors that the process has ended.
void announce_end(slot& s, const term& reason);

}  // namespace troupe::detail
