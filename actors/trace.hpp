// SPDX-License-Identifier: BSL-1.0
// Tracing: a function that sees what the processes of a system do.
#pragma once

#include <troupe/actors/clock.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <shared_mutex>
#include <string>
#include <string_view>

namespace troupe {

/// What happened. Erlang: the trace messages of trace/3.
enum class trace_kind : std::uint8_t {
  send,     ///< a message, request or answer leaves
  receive,  ///< it has arrived in the mailbox of a process that looks at its mail
  spawn,    ///< a process has been made
  exit,     ///< a process has ended
  link,     ///< a process links with another
  unlink,
};

/// What is sent or received. A call is a request, and an answer or a failure.
enum class message_role : std::uint8_t { message, request, answer, failure };

/// One event. Valid during the call of the tracer only.
struct trace_event {
  trace_kind kind{};                 ///< what was done
  troupe::pid process;               ///< who does it; null: an ordinary thread, or a timer
  destination other;                 ///< send: to whom; spawn: the child; link, unlink: with whom
  message_role role{};               ///< of what is sent or received
  std::string_view message;          ///< send, receive: the name of the message's type; empty without content
  std::string_view function;         ///< spawn: the child's initial function
  term reason;                       ///< exit, and send or receive of a failure
  detail::time_point time;           ///< of the system's clock
  const detail::envelope* envelope;  ///< the machinery's

  /// The content of the message as a term; undefined when there is none. Throws what to_term throws.
  term content() const;
  /// One line for people: "<0.3.0> ! {order,1} to <0.4.0>".
  std::string to_string() const;
};

/// Which events to see. Erlang: the flags of trace/3.
struct trace_options {
  bool send = true;     ///< what processes, threads and timers send
  bool receive = true;  ///< what processes take from their mailboxes
  bool spawn = true;    ///< processes that begin
  bool exit = true;     ///< processes that end
  bool link = true;     ///< link and unlink
};

namespace detail {

class executor;
class runtime;
struct slot;

/// What runs besides, when somebody wants it: bits of runtime::hooks_.
enum hook : std::uint32_t {
  hook_send = 1,
  hook_receive = 2,
  hook_spawn = 4,
  hook_exit = 8,
  hook_link = 16,
  hook_watch = 32,      // system_monitor wants to hear of long mailboxes or much memory
  hook_simulated = 64,  // the scheduler delivers: here, so that a send asks for it and for hook_send at once
};

/// Calls the tracer. Any thread.
class tracing {
 public:
  /// Empty: nobody. When it returns no call of the tracer before is running.
  void set(std::function<void(const trace_event&)> tracer);
  void call(const trace_event& event) noexcept;

 private:
  std::shared_mutex lock_;  // shared by those who call
  std::function<void(const trace_event&)> tracer_;
};

// Where the events come from. `env`: the executor whose process sends, or null.
void trace_sent(runtime& rt, executor* env, const destination& to, const envelope& e) noexcept;
void trace_received(slot& s, const envelope* list) noexcept;  // what a drain has taken from the mailbox
void trace_spawned(runtime& rt, const slot* parent, const slot& child) noexcept;
void trace_ended(slot& s, const term& reason) noexcept;
void trace_linked(slot& s, trace_kind kind, const pid& other) noexcept;

}  // namespace detail
}  // namespace troupe
