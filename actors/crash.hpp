// SPDX-License-Identifier: BSL-1.0
// Crash reports: which ends of processes are reported, and how. Internal; users see crash_report.
#pragma once

#include <troupe/actors/slot.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/term.hpp>

namespace troupe::detail {

/// Is that no crash: normal, shutdown, {shutdown, _}? OTP's rule.
bool is_orderly(const term& reason);
/// The exception in flight ends the process. Only its owner, inside a catch block.
void note_crash(slot& s) noexcept;
/// The process that note_crash was told of ends: logs it, and calls the options' on_crash. `left`: what its mailbox
/// still held.
void report_crash(slot& s, atom name, const term& reason, const envelope* left) noexcept;

}  // namespace troupe::detail
