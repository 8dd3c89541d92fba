// SPDX-License-Identifier: BSL-1.0
// gen_statem: a process that is a state machine: its state says which events it takes, and what waits.
#pragma once

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/behaviours/gen_statem_machine.hpp>
#include <troupe/actors/behaviours/server.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/handlers.hpp>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace troupe {

/// In the list `handles` of a gen_statem: what happens in that state, a value that compares equal to the machine's.
/// The first handler that fits an event takes it. Erlang: a state function StateName/3.
///
///     using handles = states<in<light::red, enter<&C::stop>, call<&C::ask>, on_state_timeout<&C::go>>,
///                            in<light::green, ...>, in_every<cast<&C::power_off>>>;
template <auto State, class... H>
struct in {};
/// What happens in every state, tried after the state's own list. Alone it is Erlang's handle_event/4, for states that
/// are no constants: state() tells the present one.
template <class... H>
struct in_every {};
/// The list `handles` of a gen_statem, of in<> and in_every<>.
template <class... In>
struct states {};

/// The state has been entered: from another one, by repeat_state, or as the first one. void or task<> f(), or f(const
/// State& from), which is the state itself for the first one and after repeat_state. It may set timeouts, stop, and
/// answer; it may not change the state, postpone or insert events (usage_error). Erlang: state_enter of
/// callback_mode/0.
template <auto Method>
struct enter {};
/// An event that the machine has made itself, by next_event: void or task<> f(const M&). Erlang: the event type
/// internal.
template <auto Method>
struct internal {};
/// The timeout that state_timeout has started: void or task<> f(const M&) with M what was given there, or f(). Erlang:
/// the event type state_timeout.
template <auto Method>
struct on_state_timeout {};
/// The timeout that event_timeout has started; the same forms. Erlang: the event type timeout.
template <auto Method>
struct on_event_timeout {};
/// The timeout that set_timeout has started by that name; the same forms. Erlang: the event type {timeout, Name}.
template <detail::atom_literal Name, auto Method>
struct on_timeout {};
/// Every M waits for the next state: call, cast, message or internal event. Erlang: a clause that does no more than
/// {keep_state_and_data, [postpone]}.
template <class M>
struct postponed {};

/// What a state machine's init gives: its first state, `ignore`, init_stop{reason} or init_error{reason}. In a class
/// that derives from gen_statem it is called init_result. Erlang: the return values of init/1.
template <class State>
class statem_init {
 public:
  /// The first state.
  template <class S>
    requires(std::constructible_from<State, S> && !std::same_as<std::remove_cvref_t<S>, statem_init>)
  statem_init(S&& first) : state_(std::in_place, std::forward<S>(first)) {}
  /// It is not wanted.
  statem_init(ignore_start i) noexcept : failed_(i) {}
  /// It cannot be done.
  statem_init(init_stop s) : failed_(std::move(s)) {}
  /// The same without a noise.
  statem_init(init_error e) : failed_(std::move(e)) {}

  /// Nothing when there is to be no process.
  std::optional<State>& state() noexcept { return state_; }
  /// Why there is to be none.
  init_result& failed() noexcept { return failed_; }

 private:
  std::optional<State> state_;
  init_result failed_;
};

template <std::equality_comparable State>
class gen_statem;

namespace detail {

template <class C, class... Args>
class statem_behaviour;

/// What needs no state's type.
class statem_base {
 public:
  statem_base(const statem_base&) = delete;
  statem_base& operator=(const statem_base&) = delete;

 protected:
  statem_base();
  ~statem_base() = default;

  /// The process: to send, call, link.
  context& self() const noexcept { return core_.self; }
  /// Who has started it with a link; itself, when it was started without one.
  const pid& parent() const noexcept { return core_.parent; }

  /// The event in hand waits for the next state: after the state has changed it is handled again, before newer ones. A
  /// call is not answered now, whatever the method returns. The method must have its message by const&. Erlang:
  /// postpone.
  void postpone() { machine_.postpone(); }
  /// The same for a call whose method takes a from<R>, which is given back.
  template <class R>
  void postpone(from<R> caller) {
    machine_.postpone(caller.release());
  }

  /// An event for this machine, handled before anything that waits, and after those inserted by the same handler
  /// before: by internal<&C::f>. Erlang: {next_event, internal, Message}.
  template <class M>
  void next_event(M&& message) {
    machine_.insert(event_type::internal, any_message::of(std::forward<M>(message)));
  }
  /// The same as if it had come as a cast, or as a plain message (info).
  template <class M>
  void next_event(event_type as, M&& message) {
    machine_.insert(as, any_message::of(std::forward<M>(message)));
  }
  /// The same as if that caller had called with that message. Erlang: {next_event, {call, From}, Message}.
  template <class R, class M>
  void next_event(from<R> caller, M&& message) {
    using type = std::remove_cvref_t<M>;
    assert_sendable<type>();
    machine_.insert_call(caller.release(), envelope_ptr(make_envelope<request_envelope, type>(
                                               envelope_kind::request, std::forward<M>(message))));
  }

  // Timeouts are started, cancelled and changed when the handler, and the enter calls after it, have returned; the last
  // word for each counts. Time zero: at once, before anything in the mailbox. `infinity` cancels. A start replaces the
  // one that runs. An update gives the one that runs another message, and is a timeout at once when none does.

  /// When the state has not changed for that time, on_state_timeout<> gets the message. A change of the state cancels
  /// it. Erlang: {state_timeout, Time, Message}.
  template <class M = timeout>
  void state_timeout(duration time, M&& message = {}) {
    start(event_type::state_timeout, {}, time, {}, std::forward<M>(message));
  }
  void cancel_state_timeout() { cancel(event_type::state_timeout, {}); }
  template <class M>
  void update_state_timeout(M&& message) {
    update(event_type::state_timeout, {}, std::forward<M>(message));
  }

  /// When no event has been handled for that time, on_event_timeout<> gets the message; any event cancels it, those
  /// that were inserted or postponed too. Erlang: {timeout, Time, Message}.
  template <class M = timeout>
  void event_timeout(duration time, M&& message = {}) {
    start(event_type::event_timeout, {}, time, {}, std::forward<M>(message));
  }
  void cancel_event_timeout() { cancel(event_type::event_timeout, {}); }
  template <class M>
  void update_event_timeout(M&& message) {
    update(event_type::event_timeout, {}, std::forward<M>(message));
  }

  /// After that time on_timeout<"name", ...> gets the message, whatever comes meanwhile. Erlang: {{timeout, Name},
  /// Time, Message}.
  template <class M = timeout>
  void set_timeout(atom name, duration time, M&& message = {}) {
    start(event_type::timeout, name, time, {}, std::forward<M>(message));
  }
  template <class M = timeout>
  void set_timeout(std::string_view name, duration time, M&& message = {}) {
    set_timeout(atom(name), time, std::forward<M>(message));
  }
  /// At that moment of self().now(). Erlang: {{timeout, Name}, Time, Message, [{abs, true}]}.
  template <class M = timeout>
  void set_timeout_at(atom name, time_point moment, M&& message = {}) {
    start(event_type::timeout, name, {}, moment, std::forward<M>(message));
  }
  void cancel_timeout(atom name) { cancel(event_type::timeout, name); }
  void cancel_timeout(std::string_view name) { cancel_timeout(atom(name)); }
  template <class M>
  void update_timeout(atom name, M&& message) {
    update(event_type::timeout, name, std::forward<M>(message));
  }
  template <class M>
  void update_timeout(std::string_view name, M&& message) {
    update_timeout(atom(name), std::forward<M>(message));
  }

  /// Ends the machine when the handler that runs has returned and its answer is out: terminate(reason), then the exit.
  /// Callers who wait in a from<> may be answered before. Erlang: {stop, Reason}, {stop_and_reply, Reason, Replies}.
  void stop(term reason = term(atom("normal"))) { machine_.stop(std::move(reason)); }
  /// Gives back memory before the next wait, unless there are events to be handled first. Erlang: hibernate.
  void hibernate() noexcept { machine_.hibernate(); }

 private:
  template <class C, class... Args>
  friend class statem_behaviour;
  template <std::equality_comparable State>
  friend class troupe::gen_statem;

  template <class M>
  void start(event_type type, atom name, duration time, std::optional<time_point> at, M&& message) {
    machine_.set({.key = {type, name},
                  .wanted = timeout_wish::what::start,
                  .time = time,
                  .at = at,
                  .message = any_message::of(std::forward<M>(message)).release()});
  }
  template <class M>
  void update(event_type type, atom name, M&& message) {
    machine_.set({.key = {type, name},
                  .wanted = timeout_wish::what::update,
                  .message = any_message::of(std::forward<M>(message)).release()});
  }
  void cancel(event_type type, atom name) { machine_.set({.key = {type, name}, .wanted = timeout_wish::what::cancel}); }

  gen_core& core_;
  statem_machine machine_;
};

[[noreturn]] void throw_state_changed_in_enter();

}  // namespace detail

/// The base of a state machine's class, whose members are the machine's data. State is an enum, or any value that
/// compares by == and that to_term takes. What the class may have, all of it public; init and handles it must have:
///
///     using handles = states<in<light::red, call<&C::f>, ...>, in_every<info<&C::g>>>;
///     State init();                           // the first state; or init_result, or a task<> of one of them
///     void terminate(const term& reason);     // or task<>: before it ends, but not when it is killed
///     D data() const;                         // what sys:get_state shows beside the state; a term, or what to_term
///     takes void set_data(D);                       // for sys::replace_state, which gives {State, Data} void
///     code_change(const term& old, const term& extra);  // or it returns the new State void hibernating(); // it has
///     nothing to do for a while: give back memory
///
/// A handler's method has the forms that it has in a gen_server: R f(const M&), task<R> f(const M&), void f(const M&,
/// from<R>) ... It acts by the protected members below, which take effect when it has returned: then the enter call of
/// a new state is made, postponed events are put back, timeouts are started. An exception out of it ends the machine
/// with that reason, by way of terminate. A call that nobody takes fails its caller with {unexpected_call, Message};
/// other events that nobody takes are logged and dropped. Users hold a server<C>. Erlang: gen_statem.
template <std::equality_comparable State>
class gen_statem : public detail::statem_base {
 public:
  /// How context::start makes a process of it.
  struct starter;
  /// What tells its states apart.
  using state_type = State;
  /// What init may give instead of a state: `ignore`, init_stop{reason}, init_error{reason}.
  using init_result = statem_init<State>;

 protected:
  gen_statem() = default;
  ~gen_statem() = default;

  /// The present state. In a handler it stays the same until that has returned; in an enter call it is the new one.
  /// Throws std::bad_optional_access before init has chosen one.
  const State& state() const { return state_.value(); }
  /// The state when the handler has returned. The same one as now is keep_state. Erlang: {next_state, State, Data}.
  void next_state(State next) {
    if (machine_.is_entering() && !(next == *state_)) detail::throw_state_changed_in_enter();
    repeat_ = false;
    next_ = std::move(next);
  }
  /// What a handler does that says nothing; takes back what was said before. Erlang: keep_state.
  void keep_state() noexcept {
    repeat_ = false;
    next_.reset();
  }
  /// The state stays, and its enter call is made again; nothing else happens to timeouts or postponed events. Erlang:
  /// repeat_state.
  void repeat_state() noexcept {
    repeat_ = true;
    next_.reset();
  }

 private:
  template <class C, class... Args>
  friend class detail::statem_behaviour;

  std::optional<State> state_;
  std::optional<State> next_;
  std::optional<State> previous_;  // while a change is on its way
  bool repeat_ = false;
};

}  // namespace troupe

#include <troupe/actors/behaviours/gen_statem_behaviour.hpp>  // IWYU pragma: export
