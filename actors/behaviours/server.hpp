// SPDX-License-Identifier: BSL-1.0
// server<C>: a typed reference to a gen_server, and what a class answers to.
#pragma once

#include <troupe/actors/destination.hpp>
#include <troupe/actors/request.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/descriptor.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/message.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe {

/// Who waits for an answer of type R, given to a call's handler as its second parameter: it answers now, later, or
/// hands it to another process. Move-only; destroyed unanswered, the caller's call fails at once. Erlang: From of
/// handle_call/3 and gen_server:reply/2.
template <class R>
class [[nodiscard]] from {
 public:
  /// The machinery's: an envelope of kind request.
  explicit from(detail::envelope_ptr e) noexcept : envelope_(std::move(e)) {}

  /// The caller.
  const troupe::pid& pid() const noexcept { return asked().from; }
  /// False once it has been answered or moved from.
  explicit operator bool() const noexcept { return envelope_ && asked().home != nullptr; }

  /// Answers, once; a second answer throws std::logic_error.
  template <class V>
    requires(!std::is_void_v<R>)
  void reply(V&& value) {
    check();
    detail::answer_request(asked(), detail::make_envelope<detail::routed_envelope, R>(detail::envelope_kind::reply,
                                                                                      std::forward<V>(value)));
  }
  /// Answers with nothing: ok.
  void reply()
    requires std::is_void_v<R>
  {
    check();
    detail::answer_request(asked(), nullptr);
  }
  /// Ends the caller's call with call_failed{reason}.
  void fail(const term& reason) {
    check();
    detail::refuse_request(asked(), reason);
  }

  /// The machinery's: whoever gets it answers.
  detail::envelope_ptr release() noexcept { return std::move(envelope_); }

 private:
  detail::request_envelope& asked() const noexcept { return static_cast<detail::request_envelope&>(*envelope_); }
  void check() const {
    if (!*this) detail::throw_already_answered("a call");
  }

  detail::envelope_ptr envelope_;
};

/// In the list `handles` of a gen_server: the method answers calls of the message that it takes. Its forms:
///
///     R f(const M&)                   answers at once; R is M::reply where M has one. void: an empty answer, ok
///     task<R> f(const M&)             may receive and call; other messages wait meanwhile
///     void f(const M&, from<R>)       answers when it likes; may be a task<>
///
/// M by value takes the message over. Erlang: handle_call/3.
template <auto Method>
struct call {};
/// The method takes casts of that message: void or task<> f(const M&). Erlang: handle_cast/2.
template <auto Method>
struct cast {};
/// The method takes plain messages of that type, `down`, `exit_signal` and `timeout` among them: void or task<>
/// f(const M&). Erlang: handle_info/2.
template <auto Method>
struct info {};
/// The method goes on with what continue_with was given: void or task<> f(const M&). Erlang: handle_continue/2.
template <auto Method>
struct continued {};

/// `using handles = handlers<call<&counter::add>, cast<&counter::clear>, info<&counter::note>>;` The first that fits a
/// message takes it.
template <class... H>
struct handlers {};

namespace detail {

template <class M, class R>
struct reply_checked {
  static_assert(
      std::is_same_v<reply_type<M>, R> || !requires { typename M::reply; },
      "this method answers a message with another type than that message's own `reply`");
  using type = R;
};

template <class A>
using handled_message = std::remove_cvref_t<A>;

/// What a method takes and gives: class_type, message, argument (as declared), result, raw (as declared), is_later.
template <class F>
struct method;

template <class R>
struct unwrapped {
  using type = R;
  static constexpr bool is_task = false;
};
template <class R>
struct unwrapped<task<R>> {
  using type = R;
  static constexpr bool is_task = true;
};

template <class C, class R, class A>
struct method<R (C::*)(A)> {
  using class_type = C;
  using argument = A;
  using message = handled_message<A>;
  using raw = R;
  using result = typename unwrapped<R>::type;
  static constexpr bool is_task = unwrapped<R>::is_task;
  static constexpr bool is_later = false;
};
template <class C, class R, class A, class F>
struct method<R (C::*)(A, from<F>)> {
  using class_type = C;
  using argument = A;
  using message = handled_message<A>;
  using raw = R;
  using result = F;
  static constexpr bool is_task = unwrapped<R>::is_task;
  static constexpr bool is_later = true;
  static_assert(std::is_void_v<typename unwrapped<R>::type>,
                "a method that takes a from<R> answers through it: it returns void or task<>");
};
template <class C, class R, class A>
struct method<R (C::*)(A) const> : method<R (C::*)(A)> {};
template <class C, class R, class A>
struct method<R (C::*)(A) noexcept> : method<R (C::*)(A)> {};
template <class C, class R, class A>
struct method<R (C::*)(A) const noexcept> : method<R (C::*)(A)> {};
template <class C, class R, class A, class F>
struct method<R (C::*)(A, from<F>) const> : method<R (C::*)(A, from<F>)> {};

template <auto Method>
using method_of = method<std::remove_const_t<decltype(Method)>>;

// --- which handler answers a message --------------------------------------------------------------------------------

template <class H, class M>
struct answers_call : std::false_type {};
template <auto Method, class M>
struct answers_call<call<Method>, M> : std::is_same<typename method_of<Method>::message, M> {};

template <class H, class M>
struct takes_cast : std::false_type {};
template <auto Method, class M>
struct takes_cast<cast<Method>, M> : std::is_same<typename method_of<Method>::message, M> {};

struct no_answer {};

template <class M, class... H>
struct answer_in {
  using type = no_answer;
};
template <class M, auto Method, class... H>
  requires(std::is_same_v<typename method_of<Method>::message, M>)
struct answer_in<M, call<Method>, H...> {
  using type = typename reply_checked<M, typename method_of<Method>::result>::type;
};
template <class M, class First, class... H>
struct answer_in<M, First, H...> : answer_in<M, H...> {};

template <class M, class List>
struct answer_of;
template <class M, class... H>
struct answer_of<M, handlers<H...>> {
  using type = typename answer_in<M, H...>::type;
};

template <class M, class List>
struct is_cast;
template <class M, class... H>
struct is_cast<M, handlers<H...>> : std::bool_constant<(takes_cast<H, M>::value || ...)> {};

}  // namespace detail

/// A gen_server of class C, by its pid, its name, or its name on another node: `server<counter> ref("counter")`. Calls
/// and casts by it are checked when compiled. From another node it is a claim: an answer that does not decode is
/// call_failed{bad_reply}. A value; any thread. Erlang: ServerRef.
template <class C>
class server {
 public:
  /// Nobody.
  server() noexcept = default;
  /// That one: server<counter>("counter").
  explicit server(const destination& to) noexcept : to_(to) {}

  /// For send, monitor and their like.
  operator const destination&() const noexcept { return to_; }
  /// Its pid or its name.
  const destination& where() const noexcept { return to_; }
  /// Its process. Throws usage_error when it is known by name alone: then self.whereis(name) tells.
  const troupe::pid& pid() const {
    if (to_.which() != destination::kind::process)
      throw std::logic_error("troupe: this server is known by its name, " + to_.to_term().to_string() +
                             ", which another process may have next time");
    return to_.process();
  }

  friend bool operator==(const server& a, const server& b) { return a.to_.to_term() == b.to_.to_term(); }

  /// The machinery's: how C answers an M; refuses, when compiled, what C does not handle.
  template <class M>
  struct answer {
    /// As it was found in `handles`.
    using found = typename detail::answer_of<M, typename C::handles>::type;
    static_assert(!std::is_same_v<found, detail::no_answer>,
                  "this server answers no such call: its class has no call<&C::method> with that message in `handles`");
    /// What a call gives.
    using type = found;
  };
  /// Refuses, when compiled, a cast that C does not take.
  template <class M>
  static constexpr void check_cast() {
    static_assert(detail::is_cast<M, typename C::handles>::value,
                  "this server takes no such cast: its class has no cast<&C::method> with that message in `handles`");
  }

 private:
  destination to_;
};

namespace detail {

template <class S>
inline constexpr bool is_server = false;
template <class C>
inline constexpr bool is_server<server<C>> = true;

/// A pid, an atom, {Name, Node} or an alias; nothing when the next value is none of them.
bool read_destination(term_source& source, std::optional<destination>& out);
void write_destination(const destination& to, term_sink& sink);

}  // namespace detail

/// A server<C> as a member of messages: its pid, its name as an atom (which whoever gets the message then looks up on
/// its own node), or {Name, Node}. Erlang: ServerRef.
template <class C>
struct codec<server<C>> : detail::reading<server<C>> {
  /// Writes it.
  static void visit(const server<C>& value, term_sink& sink) { detail::write_destination(value.where(), sink); }
  /// Reads it: whoever sent it claims that it is a C.
  static bool read(term_source& source, std::optional<server<C>>& out) {
    std::optional<destination> to;
    if (!detail::read_destination(source, to)) return source.fail(shape());
    out.emplace(*to);
    return true;
  }
  /// For error texts.
  static std::string shape() { return "pid, name or {Name,Node}"; }
};

}  // namespace troupe
