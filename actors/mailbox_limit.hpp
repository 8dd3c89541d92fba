// SPDX-License-Identifier: BSL-1.0
// Bounded mailboxes: how many messages may wait for a process, and what becomes of one too many.
#pragma once

#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace troupe {

/// What becomes of a message for which a mailbox has no room. Whichever it is: signals, answers, timeouts, down and
/// exit_signal are neither counted nor dropped, and a request that is dropped fails its caller at once with the reason
/// mailbox_full.
enum class overflow : std::uint8_t {
  /// It is dropped.
  drop_newest,
  /// The oldest one that waits is dropped, by the receiver when it looks at its mail: meanwhile there may be as many
  /// more as arrive while it runs.
  drop_oldest,
  /// The receiver ends, with the reason mailbox_full, when it looks at its mail.
  end_receiver,
  /// Its sender waits: `co_await self.send(...)` until there is room, `co_await self.call(...)` for room and answer.
  /// What cannot wait fails: a send that is not awaited, or by an ordinary thread, throws mailbox_full; a response
  /// fails
  /// with that reason. Messages of timers and of other nodes are dropped.
  wait,
};

/// How many messages may wait for a process: a spawn option, {.mailbox = {.messages = 1000, .policy = overflow::wait}}.
/// Those that are under way to it count. Erlang has none; process_flag(max_heap_size) comes nearest.
struct mailbox_limit {
  std::size_t messages = 0;                 ///< 0: as many as memory holds; at most 2^30
  overflow policy = overflow::drop_newest;  ///< what becomes of one too many
};

/// A message was sent, without waiting, to a process whose mailbox is full and whose senders are to wait
/// (overflow::wait). It has not been sent. Uncaught, the sender's exit reason is {mailbox_full, To}.
class mailbox_full : public std::runtime_error {
 public:
  /// For the process `to`: a pid or a name.
  explicit mailbox_full(term to);
  /// Whom it was for.
  const term& to() const noexcept { return to_; }

 private:
  term to_;
};

}  // namespace troupe
