// SPDX-License-Identifier: BSL-1.0
// context: everything a process can do. The first parameter of every process.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/blocking.hpp>
#include <troupe/actors/call.hpp>
#include <troupe/actors/clock.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/handlers.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/actors/process_info.hpp>
#include <troupe/actors/receive.hpp>
#include <troupe/actors/request.hpp>
#include <troupe/actors/sent.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/actors/spawn.hpp>
#include <troupe/actors/task.hpp>

#include <fmt/core.h>

#include <chrono>
#include <concepts>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

class actor_system;

namespace detail {
struct slot_access;
}

/// How long an alias lives.
enum class alias_lifetime {
  until_unalias,  ///< until context::unalias, or the end of its process
  one_message,    ///< until a message came by it. Erlang: {alias, reply}
};

/// The process itself, as its body sees it. Every member function is for the process's own body (and the task<T>s it
/// awaits) only, on whatever thread that runs at the moment; never keep a reference to it elsewhere. Awaitables must be
/// awaited where they are made.
class context : private detail::slot {
 public:
  // --- who am I -----------------------------------------------------------------------------------------------------

  /// This process's pid. Erlang: self().
  troupe::pid pid() const noexcept { return slot::self(); }
  /// So that `self` may stand where a pid is wanted.
  operator troupe::pid() const noexcept { return slot::self(); }
  /// A reference that equals no other. Erlang: make_ref().
  reference make_reference() noexcept { return slot::make_reference(); }
  /// The system's clock; virtual in tests. Erlang: monotonic_time().
  detail::time_point now() const noexcept;
  /// Messages that have been drained and not yet received.
  std::size_t mailbox_length() const noexcept { return messages.size(); }
  /// What that process of this node is doing; it says so itself, the next time that it looks at its mail. Nothing when
  /// it is gone. Throws call_failed(timeout) when it does not answer (it computes, or holds its worker), and
  /// usage_error for a process of another node. Erlang: process_info/1.
  task<std::optional<troupe::process_info>> process_info(troupe::pid process,
                                                         detail::duration patience = default_timeout);
  /// The processes of this node that live now. Erlang: processes/0.
  std::vector<troupe::pid> processes() const;

  // --- sending ------------------------------------------------------------------------------------------------------

  /// Sends `message` to a pid, a registered name or an alias; never blocks, and fails only for a full mailbox whose
  /// senders are to wait (see sent): whoever is gone gets nothing. Messages of one sender arrive at one receiver in the
  /// order they were sent. Erlang: To ! Message.
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, any_message>)
  sent send(const troupe::pid& to, M&& message) {
    detail::refuse_doubly_destroyed_message<M>();
    detail::assert_sendable<std::remove_cvref_t<M>>();
    send_envelope(to, detail::make_envelope<detail::envelope, std::remove_cvref_t<M>>(detail::envelope_kind::message,
                                                                                      std::forward<M>(message)));
    return sent(*this);
  }
  /// To another context, which is to its process: self.send(self, message).
  template <class M>
  sent send(const context& to, M&& message) {
    return send(to.pid(), std::forward<M>(message));
  }
  /// To whoever has that name, here or on another node, or to an alias.
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, any_message>)
  sent send(const destination& to, M&& message) {
    detail::refuse_doubly_destroyed_message<M>();
    send_to<std::remove_cvref_t<M>>(to, std::forward<M>(message));
    return sent(*this);
  }
  /// Builds the message in its envelope: self.send<order>(to, 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  sent send(const destination& to, Args&&... members) {
    send_to<T>(to, std::forward<Args>(members)...);
    return sent(*this);
  }
  /// Any message that came as any_message: passes it on. A request keeps its caller.
  sent send(const destination& to, any_message message);

  /// Sends what a gen_server takes by a cast<&C::method>, and any other process as the message itself. To a server<C>
  /// it is checked when compiled. Erlang: gen_server:cast/2.
  template <class M>
  sent cast(const destination& to, M&& message) {
    detail::refuse_doubly_destroyed_message<M>();
    cast_to<std::remove_cvref_t<M>>(to, std::forward<M>(message));
    return sent(*this);
  }
  /// The same to a server<C>.
  template <detail::typed_reference S, class M>
  sent cast(const S& to, M&& message) {
    S::template check_cast<std::remove_cvref_t<M>>();
    return cast(to.where(), std::forward<M>(message));
  }
  /// Builds the message in its envelope: self.cast<order>(to, 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  sent cast(const destination& to, Args&&... members) {
    cast_to<T>(to, std::forward<Args>(members)...);
    return sent(*this);
  }
  /// The same to a server<C>.
  template <class T, detail::typed_reference S, class... Args>
    requires detail::members_for<T, Args...>
  sent cast(const S& to, Args&&... members) {
    S::template check_cast<T>();
    cast_to<T>(to.where(), std::forward<Args>(members)...);
    return sent(*this);
  }

  /// One payload, shared by all receivers, each of whom sees the same immutable object. A receiver that takes it by
  /// value copies it. Throws mailbox_full when one of them (named by the exception) has a full mailbox whose senders
  /// are to wait; the others have got it.
  template <std::ranges::input_range Pids, class M>
  void send_all(Pids&& to, M&& message) {
    using type = std::remove_cvref_t<M>;
    detail::assert_sendable<type>();
    static_assert(detail::copyable_message<type>,
                  "send_all needs a message that can be copied: a receiver may take it by value");
    detail::shared_message shared = detail::shared_message::of<type>(std::forward<M>(message));
    for (const troupe::pid& p : to) send_one(p, shared.envelope_for_one());
    check_all_sent();
  }

  // --- receiving ----------------------------------------------------------------------------------------------------

  /// Waits for the first message in mailbox order that is one of the T; the others stay, in order. `co_await
  /// receive<T>()` gives the T, `receive<A, B>()` a std::variant. Erlang: receive.
  template <class... T>
    requires(sizeof...(T) > 0)
  auto receive() {
    return detail::receive_types<false, T...>(*this, detail::for_ever);
  }
  /// The same, for a time: an std::optional<T>, or the variant with troupe::timeout last. after(0s) looks once.
  template <class... T>
    requires(sizeof...(T) > 0)
  auto receive(detail::after_clause<void> patience) {
    return detail::receive_types<true, T...>(*this, patience.patience);
  }
  /// Waits for the first message in mailbox order that a handler takes, runs that handler and gives what it returns.
  /// Handlers take one message by value or const&: a message type, request<T>, down, exit_signal, `const term&`
  /// (dynamic messages) or `const any_message&` (whatever is left). `when(guard, handler)` looks closer; `after(time,
  /// handler)`, last, runs when nothing came. A handler may be a task<T>, which is awaited. The result is the handlers'
  /// common type; nothing (void) as soon as one of them gives nothing.
  template <class... H>
    requires(sizeof...(H) > 0 &&
             !(sizeof...(H) == 1 && (std::same_as<std::remove_cvref_t<H>, detail::after_clause<void>> && ...)))
  auto receive(H&&... handlers) {
    return detail::make_receive(static_cast<detail::slot&>(*this), std::forward<H>(handlers)...);
  }

  // --- calling ------------------------------------------------------------------------------------------------------

  /// Asks and waits for the answer: M::reply, or a term for messages without one. Throws call_failed: timeout, noproc,
  /// no_reply, or the exit reason of the process asked. An answer that comes after the timeout is dropped. Erlang:
  /// gen_server:call/3.
  template <class M>
  auto call(const destination& to, M&& message, detail::duration patience = default_timeout) {
    detail::refuse_doubly_destroyed_message<M>();
    return detail::call_awaiter<reply_type<std::remove_cvref_t<M>>>(
        *this, to, detail::make_request(std::forward<M>(message)), patience);
  }
  /// Of a server<C>: refused, when compiled, unless C answers M; gives what its method gives.
  template <detail::typed_reference S, class M>
  auto call(const S& to, M&& message, detail::duration patience = default_timeout) {
    detail::refuse_doubly_destroyed_message<M>();
    return detail::call_awaiter<detail::answer_type<S, std::remove_cvref_t<M>>>(
        *this, to.where(), detail::make_request(std::forward<M>(message)), patience);
  }
  /// Builds the question in its envelope.
  template <class T, detail::typed_reference S, class... Args>
    requires detail::members_for<T, Args...>
  auto call(const S& to, Args&&... members) {
    return call<T>(to, detail::after_clause<void>(default_timeout), std::forward<Args>(members)...);
  }
  /// The same with another timeout.
  template <class T, detail::typed_reference S, class... Args>
  auto call(const S& to, detail::after_clause<void> patience, Args&&... members) {
    return detail::call_awaiter<detail::answer_type<S, T>>(
        *this, to.where(), build_request<T>(std::forward<Args>(members)...), patience.patience);
  }
  /// Builds the question in its envelope: self.call<order>(to, 1, "x"), or with another timeout
  /// self.call<order>(to, after(1s), 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  auto call(const destination& to, Args&&... members) {
    return call<T>(to, detail::after_clause<void>(default_timeout), std::forward<Args>(members)...);
  }
  /// The same with another timeout.
  template <class T, class... Args>
  auto call(const destination& to, detail::after_clause<void> patience, Args&&... members) {
    return detail::call_awaiter<reply_type<T>>(*this, to, build_request<T>(std::forward<Args>(members)...),
                                               patience.patience);
  }

  /// Asks without waiting; await the response later, alone or with all and any. Erlang: gen_server:send_request/2.
  template <class M>
  auto request(const destination& to, M&& message, detail::duration patience = default_timeout) {
    detail::refuse_doubly_destroyed_message<M>();
    return ask<reply_type<std::remove_cvref_t<M>>>(to, detail::make_request(std::forward<M>(message)), patience);
  }
  /// Of a server<C>: refused, when compiled, unless C answers M.
  template <detail::typed_reference S, class M>
  auto request(const S& to, M&& message, detail::duration patience = default_timeout) {
    detail::refuse_doubly_destroyed_message<M>();
    return ask<detail::answer_type<S, std::remove_cvref_t<M>>>(
        to.where(), detail::make_request(std::forward<M>(message)), patience);
  }
  /// Builds the question in its envelope: self.request<order>(to, 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  auto request(const destination& to, Args&&... members) {
    return request<T>(to, detail::after_clause<void>(default_timeout), std::forward<Args>(members)...);
  }
  /// The same with another timeout: self.request<order>(to, after(1s), 1, "x").
  template <class T, class... Args>
  auto request(const destination& to, detail::after_clause<void> patience, Args&&... members) {
    return ask<reply_type<T>>(to, build_request<T>(std::forward<Args>(members)...), patience.patience);
  }

  /// Waits for all, even when one has failed: a std::tuple of the answers (std::monostate for void), or call_failed of
  /// the first in the list that failed.
  template <class... R>
    requires(sizeof...(R) > 0)
  auto all(response<R>... responses) {
    return detail::all_awaiter<R...>(*this, detail::response_access::take(std::move(responses))...);
  }
  /// Waits for all: a std::vector of the answers in the same order.
  template <class R>
  auto all(std::vector<response<R>> responses) {
    return detail::all_of_vector<R>(*this, std::move(responses));
  }
  /// Waits for the first: a std::variant whose index says which. The others are given up. A failure counts as an answer
  /// and is thrown.
  template <class... R>
    requires(sizeof...(R) > 0)
  auto any(response<R>... responses) {
    return detail::any_awaiter<R...>(*this, detail::response_access::take(std::move(responses))...);
  }
  /// Waits for the first: its position and answer; it is taken out of the vector, the others stay open.
  template <class R>
  auto any(std::vector<response<R>>& responses) {
    return detail::any_of_vector<R>(*this, responses);
  }

  /// Hands a request on: whoever gets it answers the original caller.
  template <class T>
  void delegate(const destination& to, troupe::request<T> r) {
    delegate_envelope(to, r.release());
  }

  // --- time ---------------------------------------------------------------------------------------------------------

  /// Sends `message` after `delay`, unless cancelled. A timer keeps no process alive. Erlang: send_after/3.
  template <class M>
  reference send_after(detail::duration delay, const destination& to, M&& message) {
    return start_timer(delay, detail::duration(0), to, any_message::of(std::forward<M>(message)));
  }
  /// Sends a copy of `message` every `interval`, until cancelled or the receiver (a pid) has ended. Erlang:
  /// timer:send_interval/3.
  template <class M>
  reference send_interval(detail::duration interval, const destination& to, M&& message) {
    static_assert(detail::copyable_message<std::remove_cvref_t<M>>,
                  "send_interval sends copies: the message must be copyable");
    // Shared, so that firing it runs none of the message's own code.
    using type = std::remove_cvref_t<M>;
    detail::assert_sendable<type>();
    const auto shared = detail::shared_message::of<type>(std::forward<M>(message));
    return start_timer(interval, interval, to, any_message(detail::envelope_ptr(shared.envelope_for_one())));
  }
  /// Stops a timer: the time that remained, or nothing when it has fired or never was. Erlang: cancel_timer/1.
  std::optional<detail::duration> cancel_timer(const reference& timer);
  /// The time that remains, or nothing when it has fired or never was. Erlang: read_timer/1.
  std::optional<detail::duration> read_timer(const reference& timer) const;

  class sleep_awaiter;
  class yield_awaiter;
  /// Waits; messages stay. Erlang: timer:sleep/1.
  sleep_awaiter sleep(detail::duration time) noexcept;
  /// Lets other processes run first. Erlang: yield/0.
  yield_awaiter yield() noexcept;

  // --- processes ----------------------------------------------------------------------------------------------------

  /// Starts a process: a coroutine function and its arguments, taken by value. (A function without co_await or
  /// co_return is no coroutine: it would run here and now.) Throws system_limit. Erlang: spawn/3.
  template <class F, class... Args>
    requires(!std::same_as<std::remove_cvref_t<F>, spawn_options>)
  troupe::pid spawn(F&& f, Args&&... args) {
    return detail::spawn_process(*rt, this, {}, std::forward<F>(f), std::forward<Args>(args)...).pid;
  }
  /// The same with options; registration_error when the name is taken.
  template <class F, class... Args>
  spawned spawn(const spawn_options& options, F&& f, Args&&... args) {
    return detail::spawn_process(*rt, this, options, std::forward<F>(f), std::forward<Args>(args)...);
  }
  /// Linked from its first moment on. Erlang: spawn_link/3.
  template <class F, class... Args>
  troupe::pid spawn_link(F&& f, Args&&... args) {
    return detail::spawn_process(*rt, this, {.name = {}, .link = true}, std::forward<F>(f), std::forward<Args>(args)...)
        .pid;
  }
  /// Monitored from its first moment on. Erlang: spawn_monitor/3.
  template <class F, class... Args>
  spawned spawn_monitor(F&& f, Args&&... args) {
    return detail::spawn_process(*rt, this, {.name = {}, .link = false, .monitor = true}, std::forward<F>(f),
                                 std::forward<Args>(args)...);
  }

  /// Starts a behaviour (a gen_server, gen_statem, supervisor ...) of class C, made from the arguments in its own
  /// process, and waits until its init is done. Gives C's reference: server<C> for a gen_server. Throws start_failed.
  /// Erlang: gen_server:start/3,4.
  template <class C, class... Args>
    requires detail::startable<C>
  auto start(const start_options& options, Args&&... args) {
    return detail::start_or_throw<C>(*this, C::starter::template make<C>(std::forward<Args>(args)...), options, {});
  }
  /// Linked: what supervisors do. When its init fails this process gets the exit signal, too (unless it failed in good
  /// order). Erlang: gen_server:start_link/3,4.
  template <class C, class... Args>
    requires detail::startable<C>
  auto start_link(const start_options& options, Args&&... args) {
    return detail::start_or_throw<C>(*this, C::starter::template make<C>(std::forward<Args>(args)...), options,
                                     {.link = true, .monitor = false});
  }
  /// Monitored from its first moment on. Gives monitored<reference>. Erlang: gen_server:start_monitor/3,4.
  template <class C, class... Args>
    requires detail::startable<C>
  auto start_monitor(const start_options& options, Args&&... args) {
    return detail::start_monitored<C>(*this, C::starter::template make<C>(std::forward<Args>(args)...), options);
  }
  /// As start and start_link, but says what came of it instead of throwing. Erlang: their return values.
  template <class C, class... Args>
    requires detail::startable<C>
  task<start_result> try_start(const start_options& options, Args&&... args) {
    return detail::start_behaviour(*this, C::starter::template make<C>(std::forward<Args>(args)...), options, {});
  }
  /// The same, linked.
  template <class C, class... Args>
    requires detail::startable<C>
  task<start_result> try_start_link(const start_options& options, Args&&... args) {
    return detail::start_behaviour(*this, C::starter::template make<C>(std::forward<Args>(args)...), options,
                                   {.link = true, .monitor = false});
  }

  /// Links this process with another: when one ends, the other gets an exit signal with its reason. A second link to
  /// the same is the same link; one to a process that is gone gives the exit signal noproc. Erlang: link/1.
  void link(const troupe::pid& other);
  /// After it no exit signal from the link arrives. (A message it became earlier, when trapping exits, stays.) Erlang:
  /// unlink/1.
  void unlink(const troupe::pid& other);

  /// A down message will say that the process has ended, at once with noproc when it is gone. Each monitor gives one.
  /// Erlang: monitor/2.
  reference monitor(const destination& other);
  /// No down message of this monitor arrives any more; with `flush`, one that is in the mailbox is removed. Erlang:
  /// demonitor/2.
  void demonitor(const reference& monitor, bool flush = false);

  /// Turns exit signals (other than kill) into exit_signal messages; returns the old setting. Erlang:
  /// process_flag(trap_exit, _).
  bool trap_exit(bool on) noexcept {
    const bool before = slot::trap_exit;
    slot::trap_exit = on;
    return before;
  }

  /// Ends this process with that reason: throws process_exit. Erlang: exit/1.
  [[noreturn]] void exit(term reason);
  /// Sends an exit signal: normal is ignored by others that do not trap exits; kill ends untrappably, as killed; to
  /// itself it has acted when this returns (if it returns). Erlang: exit/2.
  void exit(const troupe::pid& other, term reason);

  /// A text as a reason would be a binary, <<"kill">>, where nearly always an atom is meant: write "kill"_atom, or
  /// term("text") for the binary.
  void exit(const char* reason) = delete;
  void exit(const troupe::pid& other, const char* reason) = delete;

  /// Is the process there? It may be gone the next moment. Erlang: is_process_alive/1.
  bool is_alive(const troupe::pid& other) const noexcept;

  /// An address of this process that can be given up: messages sent to it afterwards are dropped. Erlang: alias/1.
  reference alias(alias_lifetime lifetime = alias_lifetime::until_unalias);
  /// False when it was no active alias of this process. Erlang: unalias/1.
  bool unalias(const reference& alias);

  /// Gives the process a name; it frees when the process ends. Throws registration_error when the name is taken, the
  /// process is gone, or it has a name already. Erlang: register/2.
  void register_name(const process_name& name, const troupe::pid& process);
  /// Gives this process that name.
  void register_name(const process_name& name) { register_name(name, pid()); }
  /// False when nobody had the name. Erlang: unregister/1.
  bool unregister_name(const process_name& name);
  /// A null pid when nobody has the name. Erlang: whereis/1.
  troupe::pid whereis(const process_name& name) const;

  // --- the world ----------------------------------------------------------------------------------------------------

  /// Runs f() or f(std::stop_token) on a thread that may block, and gives its result or throws its exception. Other
  /// processes run on. A kill meanwhile acts at once for everyone else, and requests the stop; this frame stays until f
  /// has returned. Erlang: a dirty NIF.
  template <class F>
  auto blocking(F&& f) {
    detail::refuse_doubly_destroyed_handler<F>();
    return detail::blocking_awaiter<std::remove_cvref_t<F>>(*this, std::forward<F>(f));
  }

  /// A line in the log, at level info: self.log("idle for {} s", n), in fmt's notation. Goes to spdlog's default
  /// logger.
  template <class... Args>
  void log(fmt::format_string<Args...> format, Args&&... args) {
    log(log_level::info, format, std::forward<Args>(args)...);
  }
  /// The same at another level: self.log(log_level::warning, "disk at {} %", n).
  template <class... Args>
  void log(log_level level, fmt::format_string<Args...> format, Args&&... args) {
    if (detail::log_enabled(level)) detail::log_line(level, *this, fmt::format(format, std::forward<Args>(args)...));
  }
  /// What goes with each of this process's lines and with its crash report from now on, instead of what did so before:
  /// self.log_metadata(term::map({{"order"_atom, 7}})). Throws std::invalid_argument when it is no map. Erlang:
  /// logger:set_process_metadata/1.
  void log_metadata(term map);
  /// What goes with them now; an empty map unless set.
  const term& log_metadata() const noexcept;

 private:
  friend struct detail::slot_access;
  context() = default;

  void send_envelope(const troupe::pid& to, detail::envelope* e) noexcept;
  void send_envelope(const destination& to, detail::envelope* e) noexcept;
  void send_one(const troupe::pid& to, detail::envelope* e) noexcept;
  void check_all_sent();
  template <class T, class... Args>
  void send_to(const destination& to, Args&&... args) {
    detail::assert_sendable<T>();
    if (to.which() == destination::kind::alias)
      send_envelope(to, detail::make_envelope<detail::routed_envelope, T>(detail::envelope_kind::alias_message,
                                                                          std::forward<Args>(args)...));
    else
      send_envelope(
          to, detail::make_envelope<detail::envelope, T>(detail::envelope_kind::message, std::forward<Args>(args)...));
  }
  template <class T, class... Args>
  void cast_to(const destination& to, Args&&... args) {
    detail::assert_sendable<T>();
    detail::envelope* e =
        to.which() == destination::kind::alias
            ? detail::make_envelope<detail::routed_envelope, T>(detail::envelope_kind::alias_message,
                                                                std::forward<Args>(args)...)
            : detail::make_envelope<detail::envelope, T>(detail::envelope_kind::message, std::forward<Args>(args)...);
    e->label = detail::gen_label::cast;
    send_envelope(to, e);
  }
  template <class T, class... Args>
  static detail::request_envelope* build_request(Args&&... members) {
    detail::assert_sendable<T>();
    return detail::make_envelope<detail::request_envelope, T>(detail::envelope_kind::request,
                                                              std::forward<Args>(members)...);
  }
  template <class R>
  response<R> ask(const destination& to, detail::request_envelope* e, detail::duration patience) {
    auto q = std::make_unique<detail::question>(static_cast<detail::slot&>(*this), to, e);
    q->deadline = detail::later(now(), patience);
    q->ask();
    return detail::response_access::make<R>(std::move(q));
  }
  void delegate_envelope(const destination& to, detail::envelope_ptr e);
  reference start_timer(detail::duration delay, detail::duration interval, const destination& to, any_message message);
};

/// co_await self.sleep(time).
class context::sleep_awaiter : public detail::awaitable_base, private detail::waiter {
 public:
  sleep_awaiter(detail::slot& s, detail::duration time) noexcept;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { slot_.suspend(*this, h); }
  void await_resume() const noexcept {}

 private:
  detail::slot& slot_;
};

/// co_await self.yield().
class context::yield_awaiter : public detail::awaitable_base {
 public:
  explicit yield_awaiter(detail::slot& s) noexcept : slot_(s) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept {
    slot_.next = h;
    slot_.yielding = true;
  }
  void await_resume() const noexcept {}

 private:
  detail::slot& slot_;
};

inline destination::destination(const context& self) noexcept : process_(self.pid()) {}

inline context::sleep_awaiter context::sleep(detail::duration time) noexcept {
  return sleep_awaiter(*this, time);
}
inline context::yield_awaiter context::yield() noexcept {
  return yield_awaiter(*this);
}

namespace detail {

/// The one bridge between a context and the slot it is.
struct slot_access {
  static slot& of(context& self) noexcept { return self; }
  static context& context_of(slot& s) noexcept { return static_cast<context&>(s); }
  static context* make(void* place) { return ::new (place) context; }
};

}  // namespace detail

template <class... Args>
process::promise::promise(context& self, Args&...) noexcept {
  owner = &detail::slot_access::of(self);
}
template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cv_t<F>, context>)
process::promise::promise(F&, context& self, Args&...) noexcept {
  owner = &detail::slot_access::of(self);
}

}  // namespace troupe
