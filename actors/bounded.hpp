// SPDX-License-Identifier: BSL-1.0
// Bounded mailboxes at work: who gets in, what is thrown out, who is let in later. Internal.
#pragma once

#include <troupe/actors/gate.hpp>
#include <troupe/actors/mailbox_limit.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstdint>

namespace troupe::detail {

class executor;
class runtime;
struct open_question;
struct slot;

/// What becomes of a message for a full mailbox whose senders are to wait.
enum class when_full : std::uint8_t {
  drop,   // its sender cannot wait: a timer, another node, an ordinary thread
  hold,   // slot_extra::crowd of the sender keeps it: see sent
  queue,  // the gate keeps it: its sender waits for the answer anyway, to the question that it registered last
};

/// The slot's new process is bounded from now on. Throws usage_error for a limit that is too high. Only its spawner,
/// before anybody knows its pid.
void bound(slot& s, const mailbox_limit& limit);

/// May the envelope go into the mailbox of that slot, which has a gate? False: it has been dropped, or is kept
/// elsewhere. Any thread; hold and queue: only the process that `env` runs.
bool admit(runtime& rt, executor* env, slot& target, const pid& to, envelope* e, when_full mode) noexcept;

/// The process that asked gives the question up, which is registered no more: a request that still waits for room is
/// taken back and freed, and nobody hears of it. One that has gone in stays there. Only the process that asked.
void withdraw(open_question& q) noexcept;

/// For an ordinary thread, which does not wait: does the message find a full mailbox whose senders are to wait? If not
/// it has taken its place. Any thread.
bool is_refused(runtime& rt, const pid& to, envelope& e) noexcept;

/// Of the process in that slot; null when it is not bounded. Only the owner.
gate* gate_of(const slot& s) noexcept;

/// After a drain: throws out what is too much, or ends the process. Only the owner.
void keep_limit(slot& s) noexcept;

/// The process ends: those who wait to get in hear of it. Only the owner.
void close_gate(slot& s, const term& reason) noexcept;

}  // namespace troupe::detail
