// SPDX-License-Identifier: BSL-1.0
// The envelope: one allocation that carries one message or one signal from a sender to a mailbox.
#pragma once

#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/descriptor.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// What an envelope is. Messages and requests wait in the inbox; all others act when the owner drains its mailbox.
enum class envelope_kind : std::uint8_t {
  message,        // payload: the message
  request,        // request: who asks and the reference of the question; payload: the message
  inquiry,        // request: what is the process doing? The machinery answers: see process_info
  alias_message,  // routed: the alias; payload: the message. Becomes a message if the alias is still active
  reply,          // routed: the question's reference; payload: the answer
  failure,        // signal: the question's reference; reason: why there is no answer
  exit,           // signal: from, reason: exit(Pid, Reason)
  link,           // signal: from
  unlink,         // signal: from, number
  unlink_ack,     // signal: from, number
  link_exit,      // signal: from, reason: a linked process ended
  monitor,        // signal: from, ref, name
  demonitor,      // signal: from, ref
  down,           // signal: from, ref, name, reason: a monitored process ended
  spawn_reply,    // signal: from (the child, or null), ref: the spawn request's, number, reason: see spawn_answer
  lost,           // number: the connection that has gone: its links and monitors break
  group_leader,   // signal: from
  room,           // number: a connection that was busy has room
  timeout,        // number: the wait whose deadline may have passed
  resume,         // number: the operation that has finished
};

/// What OTP's behaviours wrap a message in, so that their processes know what it is. On the wire it is the wrapping.
enum class gen_label : std::uint8_t {
  none,    // a message as it is; a request is a {'$gen_call', From, Request}
  cast,    // message: {'$gen_cast', Message}
  system,  // request: {system, From, Request}: see sys
  event,   // request: {Pid, From, Request}: how gen_event's calls come
};

/// The part that every envelope begins with. 24 bytes. Owned by whoever holds the pointer: the sender until the push,
/// the mailbox until the drain, then the receiver. Not touched by two threads at once.
struct envelope {
  envelope* next = nullptr;
  const type_descriptor* type = nullptr;  // of the payload; null: there is none
  std::uint32_t serial = 0;               // of the process it was meant for: slots are recycled
  envelope_kind kind = envelope_kind::message;
  bool shared : 1 = false;   // the payload is a shared_payload* (send_all)
  bool counted : 1 = false;  // it has a place in a bounded mailbox: see gate
  gen_label label : 2 = gen_label::none;
  // The rest of the byte, to be had for more: were it left out, each new envelope would read the byte to keep it.
  std::uint8_t unused : 4 = 0;
  std::uint16_t offset = 0;  // of the payload, from the envelope's address

  void* payload() noexcept { return reinterpret_cast<std::byte*>(this) + offset; }
  const void* payload() const noexcept { return reinterpret_cast<const std::byte*>(this) + offset; }
};

/// An envelope that names its sender and a reference.
struct routed_envelope : envelope {
  pid from;
  reference ref;
};

struct request_envelope;

/// A caller on another node: what it wants its answer to begin with.
struct remote_caller : pooled {
  term tag;
  explicit remote_caller(term t) noexcept : tag(std::move(t)) {}
};

/// Who must hear of a request that is destroyed unanswered. The runtime.
struct request_home {
  virtual void request_dropped(request_envelope& request) noexcept = 0;

 protected:
  ~request_home() = default;
};

/// A question: who asks, its reference, and the home it was asked in until it is answered. However the envelope is
/// destroyed, its caller hears of it, so every call ends.
struct request_envelope : routed_envelope {
  request_home* home = nullptr;     // null: answered
  remote_caller* remote = nullptr;  // owned; null: the caller lives on this node
};

/// A signal of links, monitors, exits and failed requests.
struct signal_envelope : routed_envelope {
  std::uint64_t number = 0;      // unlink id; spawn_reply: what it has made
  std::uint64_t connection = 0;  // by which it came or goes; 0: it stays on this node
  atom name;                     // monitored by this name
  term reason;
};

/// A timeout or the end of an operation: a number that only the owner of the slot understands.
struct number_envelope : envelope {
  std::uint64_t number = 0;
};

/// One payload for many receivers; each of their envelopes holds one count.
struct shared_payload : pooled {
  std::atomic<std::uint32_t> count{1};
  const type_descriptor* type;
  void* value;

  shared_payload(const type_descriptor* t, void* v) noexcept : type(t), value(v) {}

  void release() noexcept {
    // acq_rel: whoever destroys the value must see what every earlier holder did with it; pairs with the others'
    // decrement.
    if (count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (type->destroy != nullptr) type->destroy(value);
    deallocate(value);
    delete this;
  }
};

constexpr std::size_t round_up(std::size_t n, std::size_t align) noexcept {
  return (n + align - 1) / align * align;
}

/// Allocates an envelope of type E whose payload is a T built in place from `args`. Throws what T's constructor throws.
template <class E, class T, class... Args>
E* make_envelope(envelope_kind kind, Args&&... args) {
  static_assert(alignof(T) <= alignof(std::max_align_t),
                "a message may not be over-aligned: hold the over-aligned part through a std::unique_ptr");
  constexpr std::size_t offset = round_up(sizeof(E), alignof(T));
  void* memory = allocate(offset + sizeof(T));
  E* e = ::new (memory) E;
  try {
    void* place = static_cast<std::byte*>(memory) + offset;
    if constexpr (std::is_constructible_v<T, Args...>)
      ::new (place) T(std::forward<Args>(args)...);
    else
      ::new (place) T{std::forward<Args>(args)...};
  } catch (...) {
    e->~E();
    deallocate(memory);
    throw;
  }
  e->kind = kind;
  if constexpr (!std::is_same_v<T, shared_payload*>) e->type = &descriptor_of<T>;
  e->offset = static_cast<std::uint16_t>(offset);
  return e;
}

/// Allocates a signal without payload.
inline signal_envelope* make_signal(envelope_kind kind, const pid& from) {
  auto* e = ::new (allocate(sizeof(signal_envelope))) signal_envelope;
  e->kind = kind;
  e->from = from;
  return e;
}

/// Allocates a timeout or resume envelope.
inline number_envelope* make_number(envelope_kind kind, std::uint64_t number) {
  auto* e = ::new (allocate(sizeof(number_envelope))) number_envelope;
  e->kind = kind;
  e->number = number;
  return e;
}

/// Does somebody wait for an answer to it?
constexpr bool is_question(envelope_kind kind) noexcept {
  return kind == envelope_kind::request || kind == envelope_kind::inquiry;
}

/// Does it take a place in a bounded mailbox?
constexpr bool takes_place(envelope_kind kind) noexcept {
  return kind == envelope_kind::message || kind == envelope_kind::request || kind == envelope_kind::alias_message;
}

/// Does this kind use signal_envelope?
constexpr bool is_signal(envelope_kind kind) noexcept {
  return (kind >= envelope_kind::failure && kind <= envelope_kind::spawn_reply) || kind == envelope_kind::group_leader;
}

/// Destroys the payload, if there is one, and frees the envelope. An unanswered request tells its caller.
inline void free_envelope(envelope* e) noexcept {
  if (is_question(e->kind)) [[unlikely]] {
    auto* request = static_cast<request_envelope*>(e);
    if (request->home != nullptr) request->home->request_dropped(*request);
    delete request->remote;
  }
  if (e->shared)
    (*static_cast<shared_payload**>(e->payload()))->release();
  else if (e->type != nullptr && e->type->destroy != nullptr)
    e->type->destroy(e->payload());
  if (is_signal(e->kind)) static_cast<signal_envelope*>(e)->~signal_envelope();
  deallocate(e);
}

struct envelope_deleter {
  void operator()(envelope* e) const noexcept { free_envelope(e); }
};
using envelope_ptr = std::unique_ptr<envelope, envelope_deleter>;

/// Another message envelope with a copy of the payload, which must be copyable (or shared). For interval timers.
envelope* copy_envelope(const envelope& e);

/// The message in an envelope that its receiver takes only while the alias is active. A request stays as it is.
envelope_ptr by_alias(envelope_ptr e, const reference& alias);

/// The payload as a term.
term payload_to_term(const envelope& e);

/// The value that the envelope carries, wherever it lies.
inline const void* payload_of(const envelope& e) noexcept {
  return e.shared ? (*static_cast<shared_payload* const*>(e.payload()))->value : e.payload();
}

}  // namespace troupe::detail
