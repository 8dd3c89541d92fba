// SPDX-License-Identifier: BSL-1.0
// Tracing.
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/actors/trace.hpp>
#include <troupe/mailbox/encoded_term.hpp>

#include <exception>
#include <mutex>
#include <utility>

namespace troupe {

term trace_event::content() const {
  if (envelope == nullptr || envelope->type == nullptr) return term();
  return detail::payload_to_term(*envelope);
}

std::string trace_event::to_string() const {
  const std::string who = process ? process.to_string() : "outside";
  const auto what = [&] {
    if (role == message_role::failure) return "failure " + reason.to_string();
    const char* before = role == message_role::request ? "request " : role == message_role::answer ? "answer " : "";
    return before + content().to_string();
  };
  switch (kind) {
    case trace_kind::send: return who + " ! " + what() + " to " + other.to_term().to_string();
    case trace_kind::receive: return who + " << " + what();
    case trace_kind::spawn: return who + " spawns " + other.to_term().to_string() + " " + std::string(function);
    case trace_kind::exit: return who + " exits with " + reason.to_string();
    case trace_kind::link: return who + " links " + other.to_term().to_string();
    case trace_kind::unlink: return who + " unlinks " + other.to_term().to_string();
  }
  return who;
}

namespace detail {

namespace {

// What a tracer does is not traced: it would trace its own messages for ever.
thread_local bool in_tracer = false;

/// Is it something that users send? Then what.
bool role_of(envelope_kind kind, message_role& role) noexcept {
  switch (kind) {
    case envelope_kind::message:
    case envelope_kind::alias_message: role = message_role::message; return true;
    case envelope_kind::request: role = message_role::request; return true;
    case envelope_kind::reply: role = message_role::answer; return true;
    case envelope_kind::failure: role = message_role::failure; return true;
    default: return false;
  }
}

void describe_message(trace_event& event, const envelope& e) {
  event.envelope = &e;
  if (e.kind == envelope_kind::failure)
    event.reason = static_cast<const signal_envelope&>(e).reason;
  else if (e.type == &descriptor_of<encoded_term>)
    event.message = descriptor_of<term>.name;
  else if (e.type != nullptr)
    event.message = e.type->name;
}

trace_event event_of(const runtime& rt, trace_kind kind, const pid& process) {
  trace_event event{};
  event.kind = kind;
  event.process = process;
  event.time = const_cast<runtime&>(rt).time().now();
  return event;
}

}  // namespace

void tracing::set(std::function<void(const trace_event&)> tracer) {
  const std::unique_lock guard(lock_);
  tracer_ = std::move(tracer);
}

void tracing::call(const trace_event& event) noexcept {
  if (in_tracer) return;
  in_tracer = true;
  try {
    const std::shared_lock guard(lock_);
    if (tracer_) tracer_(event);
  } catch (const std::exception& e) {
    log_line(log_level::error, std::string("a tracer threw: ") + e.what());
  } catch (...) {
    log_line(log_level::error, "a tracer threw an exception that is no std::exception");
  }
  in_tracer = false;
}

void trace_sent(runtime& rt, executor* env, const destination& to, const envelope& e) noexcept {
  message_role role{};
  if (!role_of(e.kind, role)) return;
  const bool by_process = env != nullptr && env->current != nullptr;
  trace_event event = event_of(rt, trace_kind::send, by_process ? env->current->self() : pid());
  event.other = to;
  event.role = role;
  describe_message(event, e);
  rt.tracer().call(event);
}

void trace_received(slot& s, const envelope* list) noexcept {
  for (; list != nullptr; list = list->next) {
    message_role role{};
    if (!role_of(list->kind, role) || list->serial != s.serial.load(std::memory_order_relaxed)) continue;
    trace_event event = event_of(*s.rt, trace_kind::receive, s.self());
    event.role = role;
    describe_message(event, *list);
    s.rt->tracer().call(event);
  }
}

void trace_spawned(runtime& rt, const slot* parent, const slot& child) noexcept {
  trace_event event = event_of(rt, trace_kind::spawn, parent == nullptr ? pid() : parent->self());
  event.other = child.self();
  const std::string function = function_of(child.function.load(std::memory_order_relaxed));
  event.function = function;
  rt.tracer().call(event);
}

void trace_ended(slot& s, const term& reason) noexcept {
  trace_event event = event_of(*s.rt, trace_kind::exit, s.self());
  event.reason = reason;
  s.rt->tracer().call(event);
}

void trace_linked(slot& s, trace_kind kind, const pid& other) noexcept {
  trace_event event = event_of(*s.rt, kind, s.self());
  event.other = other;
  s.rt->tracer().call(event);
}

}  // namespace detail
}  // namespace troupe
