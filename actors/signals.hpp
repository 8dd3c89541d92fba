// SPDX-License-Identifier: BSL-1.0
// What signals do to a process when it drains its mailbox: links, monitors, exits, aliases, answers. Internal.
#pragma once

#include <troupe/actors/slot_extra.hpp>
#include <troupe/mailbox/term.hpp>

namespace troupe::detail {

/// Takes the signal over and lets it act. Only the owner, in its drain. The rules are those of Erlang's reference
/// manual, "Processes".
void act(slot& s, envelope* signal);

/// Tells whoever is watched that nobody watches any more: demonitor.
void stop_watching(slot& s, const reference& ref, const monitor_end& watched);

/// Tells links and monitors that the process has ended.
void announce_end(slot& s, const term& reason);

}  // namespace troupe::detail
