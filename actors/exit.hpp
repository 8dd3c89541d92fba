// SPDX-License-Identifier: BSL-1.0
// Why processes end and calls fail: exit reasons, the messages that report them and the exceptions that carry them.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <stdexcept>
#include <string>

namespace troupe {

/// Says that a monitored process has ended, or did not exist. Erlang: {'DOWN', Ref, process, Pid | {Name, Node},
/// Reason}.
struct down {
  reference ref;  ///< what context::monitor returned
  pid process;    ///< the process; when it was monitored by a name that nobody had, a null pid
  term reason;    ///< its exit reason; noproc when there was no such process, noconnection when its node was lost
  atom name;      ///< the name it was monitored by; the empty atom when it was monitored by pid
  atom node{};    ///< the node of that name; the empty atom when it was monitored by pid, or on its own node

  friend bool operator==(const down&, const down&) = default;
};

/// An exit signal as a message, received by processes that trap exits. Erlang: {'EXIT', From, Reason}.
struct exit_signal {
  pid from;     ///< the linked process that ended, or who called exit(Pid, Reason)
  term reason;  ///< its exit reason

  friend bool operator==(const exit_signal&, const exit_signal&) = default;
};

/// What receive gives when nothing came in time: the last alternative of its variant.
struct timeout {
  friend bool operator==(const timeout&, const timeout&) = default;
};

/// Thrown by context::exit(reason) to end the process from inside, Erlang's exit/1. Not a std::exception, so that a
/// handler for those does not keep the process alive; it may be caught by name, as Erlang's `catch` can.
class process_exit {
 public:
  /// The process ends with that reason.
  explicit process_exit(term reason) : reason_(std::move(reason)) {}
  /// The reason.
  const term& reason() const noexcept { return reason_; }

 private:
  term reason_;
};

/// A call, request or wait that got no answer. The reason is the atom timeout, noproc, no_reply, noconnection, or the
/// exit reason of the process that was asked. Uncaught, the caller's exit reason is {Reason, {call, [To, Message]}}, as
/// in gen_server:call.
class call_failed : public std::runtime_error {
 public:
  /// The call of `to` with a message of that name failed for that reason.
  call_failed(term reason, term to, std::string_view message);

  /// Why there is no answer.
  const term& reason() const noexcept { return reason_; }
  /// Whom the call was for: a pid, or the name.
  const term& to() const noexcept { return to_; }
  /// The exit reason of a caller that does not catch this.
  term exit_reason() const;

 private:
  term reason_;
  term to_;
  std::string message_;
};

/// A name that cannot be registered: taken, or its process has one or is gone. Erlang: badarg of register/2.
class registration_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Misuse of the runtime: a blocking call on a worker, a spawn while the system stops.
class usage_error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {

/// The exit reason that the exception in flight stands for. Only inside a catch block.
term reason_of_current_exception() noexcept;

}  // namespace detail
}  // namespace troupe
