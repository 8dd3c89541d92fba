// SPDX-License-Identifier: BSL-1.0
// request<T>: a question that a process has received and must answer; and the type of the answer to a T.
#pragma once

#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/message.hpp>
#include <troupe/mailbox/sendable.hpp>

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

/// Sends the reply and marks the request answered. `reply` may be null for an empty answer.
void answer_request(request_envelope& request, envelope* reply) noexcept;
void refuse_request(request_envelope& request, const term& reason) noexcept;
[[noreturn]] void throw_already_answered(std::string_view message);

template <class T>
struct reply_of {
  using type = term;
};
template <class T>
  requires requires { typename T::reply; }
struct reply_of<T> {
  using type = typename T::reply;
};

}  // namespace detail

/// What a call of T returns: `T::reply` where T has one, else any term.
template <class T>
using reply_type = typename detail::reply_of<T>::type;

/// A question, received by `[](request<get> r) { r.reply(value); }`. Move-only. It cannot be lost: destroyed
/// unanswered, its caller gets no_reply at once, or the exit reason of the process that held it when that is why. It
/// may be kept and answered later, and handed on by context::delegate. Belongs to the process that received it. Erlang:
/// From of handle_call/3.
template <class T>
class [[nodiscard]] request {
 public:
  /// The question's type.
  using message_type = T;

  /// The machinery's: an envelope of kind request whose payload is a T.
  explicit request(detail::envelope_ptr e) noexcept : envelope_(std::move(e)) {}
  /// Takes the question over; the other has none then.
  request(request&&) noexcept = default;
  /// The same; a question that this one had is dropped unanswered, so its caller gets no_reply.
  request& operator=(request&&) noexcept = default;

  /// The question itself. Valid until the request is answered, moved or destroyed.
  const T& operator*() const noexcept { return *static_cast<const T*>(detail::payload_of(*envelope_)); }
  /// A member of the question.
  const T* operator->() const noexcept { return &**this; }

  /// Who asks.
  const pid& from() const noexcept { return envelope().from; }
  /// The question's reference.
  const reference& ref() const noexcept { return envelope().ref; }
  /// False once it has been answered or moved from.
  explicit operator bool() const noexcept { return envelope_ && envelope().home != nullptr; }

  /// Answers, once: with what converts to T::reply, or anything sendable when T has no reply type. A second answer
  /// throws std::logic_error.
  template <class R>
  void reply(R&& value) {
    using declared = reply_type<T>;
    static_assert(!std::is_void_v<declared>, "this message's reply type is void: answer with r.reply()");
    using answer = std::conditional_t<std::is_same_v<declared, term>, std::remove_cvref_t<R>, declared>;
    using stored = std::conditional_t<std::is_array_v<std::remove_reference_t<R>> || std::is_pointer_v<answer>,
                                      std::string, answer>;
    static_assert(std::is_void_v<declared> || std::is_constructible_v<stored, R>,
                  "this is no answer to that message: it must convert to the message's reply type, T::reply");
    detail::assert_sendable<stored>();
    if (!*this) detail::throw_already_answered(descriptor_of<T>.name);
    detail::answer_request(envelope(), detail::make_envelope<detail::routed_envelope, stored>(
                                           detail::envelope_kind::reply, std::forward<R>(value)));
  }
  /// Answers a message whose reply type is void.
  void reply() {
    static_assert(std::is_void_v<reply_type<T>> || std::is_same_v<reply_type<T>, term>,
                  "this message has a reply type: answer with r.reply(value)");
    if (!*this) detail::throw_already_answered(descriptor_of<T>.name);
    detail::answer_request(envelope(), nullptr);
  }
  /// Ends the caller's call with call_failed{reason}.
  void fail(const term& reason) {
    if (!*this) detail::throw_already_answered(descriptor_of<T>.name);
    detail::refuse_request(envelope(), reason);
  }

  /// The machinery's.
  detail::envelope_ptr release() noexcept { return std::move(envelope_); }

 private:
  detail::request_envelope& envelope() const noexcept { return static_cast<detail::request_envelope&>(*envelope_); }

  detail::envelope_ptr envelope_;
};

}  // namespace troupe
