// SPDX-License-Identifier: BSL-1.0
// actor_system: the processes of one node, and what ordinary threads may do with them.
#pragma once

#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/options.hpp>
#include <troupe/actors/process_info.hpp>
#include <troupe/actors/system_monitor.hpp>
#include <troupe/actors/trace.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {

/// What an ordinary thread waits for: a process that asks on its behalf. Shared by both, for either may give up first.
struct ordinary_wait {
  latch done;
  std::exception_ptr error;
};

template <class R>
struct ordinary_result : ordinary_wait {
  std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> value;
};

/// The process's share. Lets the thread go on when the process ends, however it ends.
template <class R>
class ordinary_ticket {
 public:
  explicit ordinary_ticket(std::shared_ptr<ordinary_result<R>> result) noexcept : result_(std::move(result)) {}
  ordinary_ticket(ordinary_ticket&&) noexcept = default;
  ordinary_ticket& operator=(ordinary_ticket&&) = delete;
  ~ordinary_ticket() {
    if (result_) result_->done.set();
  }
  ordinary_result<R>* operator->() const noexcept { return result_.get(); }

 private:
  std::shared_ptr<ordinary_result<R>> result_;
};

/// Throws usage_error on a worker.
void refuse_on_worker();
/// Waits until the ticket is gone.
void wait_for(runtime& rt, ordinary_wait& w);
/// There is no value: throws what is known about it.
[[noreturn]] void throw_unanswered(ordinary_wait& w, term to, std::string_view message);

/// The process that asks.
template <class R>
process ask_for_thread(context& self, ordinary_ticket<R> result, destination to, any_message question,
                       duration patience) {
  try {
    auto* e = static_cast<request_envelope*>(question.release().release());
    call_awaiter<R> answer(slot_access::of(self), to, e, patience);
    if constexpr (std::is_void_v<R>) {
      co_await answer;
      result->value.emplace(true);
    } else {
      result->value.emplace(co_await answer);
    }
  } catch (const call_failed&) {
    result->error = std::current_exception();
  }
}

/// The process that starts a behaviour.
process start_for_thread(context& self, ordinary_ticket<start_result> result, behaviour_ptr b, start_options options);

}  // namespace detail

/// A node's processes and the threads that run them. Several may live in one program; they do not know one another. All
/// members may be called from any thread; those that block throw usage_error on a worker, where they would stop others.
///
/// Its destructor ends every process (exit reason killed), runs their destructors, joins its threads; see
/// actor_system_options::stop_timeout and on_stuck for what will not end. Erlang: a node.
class actor_system {
 public:
  /// A system that runs from now on, by these options.
  explicit actor_system(actor_system_options options = {});
  ~actor_system();
  actor_system(const actor_system&) = delete;
  actor_system& operator=(const actor_system&) = delete;

  /// Starts a process: a coroutine function and its arguments, taken by value. Throws system_limit.
  template <class F, class... Args>
    requires(!std::same_as<std::remove_cvref_t<F>, spawn_options>)
  pid spawn(F&& f, Args&&... args) {
    return detail::spawn_process(runtime(), nullptr, {}, std::forward<F>(f), std::forward<Args>(args)...).pid;
  }
  /// With a name; registration_error when it is taken. There is nobody to link or monitor with.
  template <class F, class... Args>
  pid spawn(const spawn_options& options, F&& f, Args&&... args) {
    return detail::spawn_process(runtime(), nullptr, options, std::forward<F>(f), std::forward<Args>(args)...).pid;
  }

  /// Sends a message, never blocks. Messages of one thread arrive at one receiver in the order they were sent. Throws
  /// mailbox_full when the receiver's mailbox is full and its senders are to wait (overflow::wait).
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, any_message>)
  void send(const destination& to, M&& message) {
    send_any(to, any_message::of(std::forward<M>(message)));
  }
  /// Builds the message in its envelope: sys.send<order>(to, 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  void send(const destination& to, Args&&... members) {
    detail::assert_sendable<T>();
    send_any(to, any_message(detail::envelope_ptr(detail::make_envelope<detail::envelope, T>(
                     detail::envelope_kind::message, std::forward<Args>(members)...))));
  }
  /// A message whose type is known only at run time.
  void send(const destination& to, any_message message) { send_any(to, std::move(message)); }

  /// Sends what a gen_server takes by a cast<&C::method>, and any other process as the message itself. To a server<C>
  /// it is checked when compiled. Throws as send does. Erlang: gen_server:cast/2.
  template <class M>
  void cast(const destination& to, M&& message) {
    cast_any(to, any_message::of(std::forward<M>(message)));
  }
  /// The same, to a server<C>.
  template <detail::typed_reference S, class M>
  void cast(const S& to, M&& message) {
    S::template check_cast<std::remove_cvref_t<M>>();
    cast_any(to.where(), any_message::of(std::forward<M>(message)));
  }

  /// Starts a behaviour and blocks until its init is done; nobody is linked with it. Gives C's reference: server<C> for
  /// a gen_server. Throws start_failed. Erlang: gen_server:start/3,4.
  template <class C, class... Args>
    requires detail::startable<C>
  detail::started_reference<C> start(const start_options& options, Args&&... args) {
    start_result made = try_start<C>(options, std::forward<Args>(args)...);
    if (!made.started()) detail::throw_not_started(C::starter::template name<C>(), std::move(made));
    return detail::started_reference<C>(made.process);
  }
  /// The same, but says what came of it instead of throwing.
  template <class C, class... Args>
    requires detail::startable<C>
  start_result try_start(const start_options& options, Args&&... args) {
    return start_behaviour(C::starter::template make<C>(std::forward<Args>(args)...), options);
  }

  /// Asks and blocks until the answer is there: M::reply or a term; throws call_failed.
  template <class M>
  auto call(const destination& to, M&& message, detail::duration patience = default_timeout) {
    using answer = reply_type<std::remove_cvref_t<M>>;
    return ask<answer>(to, detail::make_request(std::forward<M>(message)), patience);
  }
  /// Of a server<C>: refused, when compiled, unless C answers M; gives what its method gives.
  template <detail::typed_reference S, class M>
  auto call(const S& to, M&& message, detail::duration patience = default_timeout) {
    using answer = detail::answer_type<S, std::remove_cvref_t<M>>;
    return ask<answer>(to.where(), detail::make_request(std::forward<M>(message)), patience);
  }
  /// Builds the question in its envelope; with another timeout sys.call<order>(to, after(1s), 1, "x").
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  auto call(const destination& to, Args&&... members) {
    return call<T>(to, detail::after_clause<void>(default_timeout), std::forward<Args>(members)...);
  }
  /// The same, of a server<C>.
  template <class T, detail::typed_reference S, class... Args>
    requires detail::members_for<T, Args...>
  auto call(const S& to, Args&&... members) {
    return call<T>(to, detail::after_clause<void>(default_timeout), std::forward<Args>(members)...);
  }
  /// The same, with another timeout.
  template <class T, detail::typed_reference S, class... Args>
  auto call(const S& to, detail::after_clause<void> patience, Args&&... members) {
    detail::assert_sendable<T>();
    return ask<detail::answer_type<S, T>>(to.where(),
                                          detail::make_envelope<detail::request_envelope, T>(
                                              detail::envelope_kind::request, std::forward<Args>(members)...),
                                          patience.patience);
  }
  /// The same with another timeout: sys.call<order>(to, after(1s), 1, "x").
  template <class T, class... Args>
  auto call(const destination& to, detail::after_clause<void> patience, Args&&... members) {
    detail::assert_sendable<T>();
    return ask<reply_type<T>>(to,
                              detail::make_envelope<detail::request_envelope, T>(detail::envelope_kind::request,
                                                                                 std::forward<Args>(members)...),
                              patience.patience);
  }

  /// Blocks until the process has ended: its exit reason, noproc when it is gone already. Throws call_failed(timeout).
  term wait(const pid& process, detail::duration patience = infinity);

  /// Sends an exit signal. Erlang: exit/2.
  void exit(const pid& process, term reason);
  void exit(const pid& process, const char* reason) = delete;  // see context::exit
  /// Is the process there? It may be gone the next moment.
  bool is_alive(const pid& process) const noexcept;
  /// Processes that live now.
  std::size_t process_count() const noexcept;

  /// The processes that live now. Erlang: processes/0.
  std::vector<pid> processes() const;
  /// What a process is doing, by its own account; nothing when it is gone. One that does not answer in that time (it
  /// computes, or holds its worker) is described from outside: its state is running, and only its name, its initial
  /// function and the co_await it left last are known. Blocks. Erlang: process_info/1.
  std::optional<troupe::process_info> process_info(const pid& process,
                                                   detail::duration patience = std::chrono::seconds(1));
  /// Counts and limits. Erlang: system_info/1.
  system_info info() const;

  /// From now on `tracer` is called with the events that `what` selects, on the thread where they happen, by several
  /// threads at once: it may not block, nor call trace. What it does itself is not traced; what it throws is logged and
  /// lost. Another call replaces it; an empty one ends it, and when that returns none is running. Costs one predictable
  /// branch per send, receive, spawn, exit and link while there is none. Erlang: trace/3.
  void trace(std::function<void(const trace_event&)> tracer, const trace_options& what = {});

  /// From now on `receiver` gets the notices of system_monitor.hpp, as messages; there is one receiver, and no notice
  /// is about itself. A null pid ends it. Erlang: system_monitor/2.
  void system_monitor(const pid& receiver, const system_monitor_options& what);

  /// Names; as in context.
  void register_name(const process_name& name, const pid& process);
  /// False when nobody had the name. Erlang: unregister/1.
  bool unregister_name(const process_name& name);
  /// A null pid when nobody has the name. Erlang: whereis/1.
  pid whereis(const process_name& name) const;
  /// All registered names, sorted. Erlang: registered/0.
  std::vector<atom> registered() const;

  /// Its node's name and incarnation.
  std::string_view name() const noexcept;
  /// Which incarnation of that name it is: what tells the pids of two runs apart. Erlang: erlang:system_info(creation).
  std::uint32_t creation() const noexcept;
  /// The clock that timers and timeouts go by.
  detail::time_point now() const noexcept;

  /// The machinery, for other parts of troupe.
  detail::runtime& runtime() noexcept { return *runtime_; }

 private:
  void send_any(const destination& to, any_message message);
  void cast_any(const destination& to, any_message message);
  start_result start_behaviour(detail::behaviour_ptr b, const start_options& options);

  template <class R>
  R ask(const destination& to, detail::request_envelope* e, detail::duration patience) {
    any_message question{detail::envelope_ptr(e)};
    detail::refuse_on_worker();
    const std::string_view name = e->type->name;
    auto result = std::make_shared<detail::ordinary_result<R>>();
    spawn(detail::ask_for_thread<R>, detail::ordinary_ticket<R>(result), to, std::move(question), patience);
    detail::wait_for(runtime(), *result);
    if (!result->value) detail::throw_unanswered(*result, to.to_term(), name);
    if constexpr (!std::is_void_v<R>) return std::move(*result->value);
  }

  std::shared_ptr<detail::runtime> runtime_;  // shared with guests: see runtime::enter_guest
};

}  // namespace troupe
