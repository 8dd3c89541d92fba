// SPDX-License-Identifier: BSL-1.0
// gen_event: a manager process that passes events on to the handlers that have been added to it.
#pragma once

#include <troupe/actors/behaviours/event_handler.hpp>
#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/mailbox/codec.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// Tells whoever supervises a handler that it has been removed. The reason: normal (it was deleted, or removed itself),
/// shutdown (its manager ended), {swapped, NewHandler, Pid}, or why it failed. Erlang: {gen_event_EXIT, Handler,
/// Reason}.
struct gen_event_exit {
  term handler;  ///< its class's name, or {Name, Id}
  term reason;   ///< why

  friend bool operator==(const gen_event_exit&, const gen_event_exit&) = default;
};
/// Its name is Erlang's.
template <>
struct description<gen_event_exit> {
  static constexpr std::string_view name = "gen_event_EXIT";  ///< as a term
};

/// An event manager, by its pid, its name, or its name on another node. A value; any thread. Erlang: EventMgrRef.
class event_manager {
 public:
  /// Nobody.
  event_manager() noexcept = default;
  /// That one.
  explicit event_manager(const destination& to) noexcept : to_(to) {}

  /// For send, monitor and their like.
  operator const destination&() const noexcept { return to_; }
  /// Its process; null when it is known by name alone.
  const troupe::pid& pid() const noexcept { return to_.process(); }

  friend bool operator==(const event_manager& a, const event_manager& b) { return a.to_.to_term() == b.to_.to_term(); }

 private:
  destination to_;
};

namespace detail {

/// {notify, Event}.
struct event_notice {
  any_message event;
};
/// {sync_notify, Event}.
struct event_sync_notice {
  any_message event;
};
/// {call, Handler, Question}.
struct event_question {
  term handler;
  any_message question;
};
/// A class of handlers that is to be added, or to take another's place; only on this node.
struct event_order {
  using stays_here = void;
  event_body_ptr body;
  bool supervised = false;
  std::optional<term> instead;  // of this handler, which ends by terminate(why)
  term why;
};

}  // namespace detail

/// What tells handlers of an event: {notify, Event}.
template <>
struct codec<detail::event_notice> : detail::reading<detail::event_notice> {
  static void visit(const detail::event_notice& value, term_sink& sink);
  static bool read(term_source& source, std::optional<detail::event_notice>& out);
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::tagged_key(detail::hash_text("notify"), 2); }
};
/// {sync_notify, Event}.
template <>
struct codec<detail::event_sync_notice> : detail::reading<detail::event_sync_notice> {
  static void visit(const detail::event_sync_notice& value, term_sink& sink);
  static bool read(term_source& source, std::optional<detail::event_sync_notice>& out);
  static constexpr std::uint64_t dynamic_key() noexcept {
    return detail::tagged_key(detail::hash_text("sync_notify"), 2);
  }
};
/// {call, Handler, Question}.
template <>
struct codec<detail::event_question> : detail::reading<detail::event_question> {
  static void visit(const detail::event_question& value, term_sink& sink);
  static bool read(term_source& source, std::optional<detail::event_question>& out);
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::tagged_key(detail::hash_text("call"), 3); }
};

namespace detail {

/// Asks the manager; the answer's envelope. Throws call_failed, also for the answer {error, Reason} of another node's,
/// unless `keeps_errors`.
task<envelope_ptr> ask_manager(context& self, destination bus, envelope_ptr request, duration patience,
                               bool keeps_errors);
task<> order_handler(context& self, destination bus, envelope_ptr order, duration patience);

template <class R>
task<R> call_handler(context& self, destination bus, envelope_ptr request, duration patience) {
  envelope_ptr answer = co_await ask_manager(self, bus, std::move(request), patience, std::is_same_v<R, term>);
  if constexpr (std::is_same_v<R, term>) {
    co_return answer->type == nullptr ? term(atom("ok")) : payload_to_term(*answer);
  } else if constexpr (!std::is_void_v<R>) {
    if (answer->type == nullptr || !payload_matches<R>(*answer))
      throw call_failed(term(atom("bad_reply")), bus.to_term(), "gen_event:call");
    co_return take_payload<R>(*answer);
  }
}

template <class T, class... Args>
envelope_ptr event_request(Args&&... args) {
  envelope_ptr e(make_envelope<request_envelope, T>(envelope_kind::request, std::forward<Args>(args)...));
  e->label = gen_label::event;
  return e;
}

using event_factory = std::function<event_body_ptr(const term& arguments)>;
void export_event_handler(atom name, event_factory make);

}  // namespace detail

/// An event manager: a process to which handlers are added, objects of classes that derive from event_handler. Started
/// as any behaviour: `auto bus = co_await self.start_link<gen_event>({.name = "bus"});`. Its functions ask a manager of
/// this node or another, troupe's or Erlang's, and throw call_failed as context::call does; a handler may not ask its
/// own manager (calling_self). Erlang: module gen_event.
class gen_event {
 public:
  /// How context::start makes a process of it.
  struct starter;

  /// The second of several handlers of one class: add_handler<C>(self, bus, gen_event::id(7), ...). Erlang: {Module,
  /// Id}.
  struct id {
    /// What tells it from others.
    explicit id(term v) : value(std::move(v)) {}
    term value;  ///< any term
  };
  /// A handler's name, as Erlang has it: the atom of its class's name, or {Name, Id}.
  template <class C>
  static term handler() {
    return atom(type_name<C>());
  }
  /// The same, with an id.
  template <class C>
  static term handler(const id& which) {
    return term::tuple({atom(type_name<C>()), which.value});
  }

  /// Tells all handlers of an event, without waiting. `from`: a context or an actor_system. Erlang: notify/2.
  template <class Sender, class E>
  static auto notify(Sender& from, const destination& bus, E&& event) {
    detail::refuse_doubly_destroyed_message<E>();
    return from.template send<detail::event_notice>(bus, any_message::of(std::forward<E>(event)));
  }
  /// Tells all handlers of an event, and waits until they have handled it. Erlang: sync_notify/2.
  template <class E>
  static task<> sync_notify(context& self, const destination& bus, E&& event, detail::duration patience = infinity) {
    detail::refuse_doubly_destroyed_message<E>();
    return detail::call_handler<void>(
        self, bus, detail::event_request<detail::event_sync_notice>(any_message::of(std::forward<E>(event))), patience);
  }

  /// Asks the handler of class C, typed by C's method. Throws call_failed: bad_module when there is no such handler,
  /// {'EXIT', Reason} when it has failed (and so was removed). Erlang: call/3,4.
  template <class C, class M>
  static auto call(context& self, const destination& bus, M&& question, detail::duration patience = default_timeout) {
    return call_one<C>(self, bus, handler<C>(), std::forward<M>(question), patience);
  }
  /// The same, of the one with that id.
  template <class C, class M>
  static auto call(context& self, const destination& bus, const id& which, M&& question,
                   detail::duration patience = default_timeout) {
    return call_one<C>(self, bus, handler<C>(which), std::forward<M>(question), patience);
  }
  /// Asks a handler by its name alone, of whatever language; the answer is a term.
  static task<term> call(context& self, const destination& bus, const term& handler, const term& question,
                         detail::duration patience = default_timeout);

  /// Adds a handler of class C, made from the arguments in the manager's process. Throws call_failed with the reason
  /// when its init fails. Managers of this node alone: usage_error for others. Erlang: add_handler/3.
  template <class C, class... Args>
  static task<> add_handler(context& self, const destination& bus, Args&&... args) {
    return order<C>(self, bus, false, {}, term(), std::forward<Args>(args)...);
  }
  /// Adds a handler and supervises it: this process gets gen_event_exit when it is removed, and it is removed, by
  /// terminate({stop, Reason}), when this process ends. (They are linked; the link stays.) Erlang: add_sup_handler/3.
  template <class C, class... Args>
  static task<> add_sup_handler(context& self, const destination& bus, Args&&... args) {
    return order<C>(self, bus, true, {}, term(), std::forward<Args>(args)...);
  }
  /// Puts a handler of class C in the place of `old`, which ends by terminate(why); what that leaves, C's take_over is
  /// given (`error` when there is no such handler). Whoever supervises the old one supervises the new one. Throws
  /// call_failed when C's init fails; the old one is gone then. Erlang: swap_handler/3.
  template <class C, class... Args>
  static task<> swap_handler(context& self, const destination& bus, const term& old, term why, Args&&... args) {
    return order<C>(self, bus, false, old, std::move(why), std::forward<Args>(args)...);
  }
  /// The same, and this process supervises the new one. Erlang: swap_sup_handler/3.
  template <class C, class... Args>
  static task<> swap_sup_handler(context& self, const destination& bus, const term& old, term why, Args&&... args) {
    return order<C>(self, bus, true, old, std::move(why), std::forward<Args>(args)...);
  }
  /// Adds a handler by its name alone, at a manager of any node: an Erlang module there, or a class that was exported.
  /// Erlang: add_handler/3.
  static task<> add_named(context& self, const destination& bus, const term& handler, const term& arguments);

  /// Ends a handler by terminate(why), and gives what that leaves (ok for void). Throws call_failed(module_not_found)
  /// when there is none. Erlang: delete_handler/3.
  static task<term> delete_handler(context& self, const destination& bus, const term& handler,
                                   const term& why = term());
  /// The same, of a class.
  template <class C>
  static task<term> delete_handler(context& self, const destination& bus, const term& why = term()) {
    return delete_handler(self, bus, handler<C>(), why);
  }
  /// The names of all handlers, the newest first. Erlang: which_handlers/1.
  static task<std::vector<term>> which_handlers(context& self, const destination& bus);

  /// From now on handlers of class C can be added under that name from other nodes, and by add_named: C is made from
  /// the arguments' term where it takes one, else from nothing. For the whole program; any thread.
  template <class C>
  static void export_handler(atom name = atom(type_name<C>())) {
    detail::export_event_handler(name, [name](const term& arguments) {
      detail::event_body_ptr body;
      if constexpr (std::is_constructible_v<C, term>)
        body = detail::make_event_body<C>(term(arguments));
      else
        body = detail::make_event_body<C>();
      body->module = name;
      return body;
    });
  }

 private:
  template <class C, class M>
  static auto call_one(context& self, const destination& bus, term handler, M&& question, detail::duration patience) {
    using message = std::remove_cvref_t<M>;
    using answer = typename detail::answer_of<message, typename C::handles>::type;
    static_assert(
        !std::is_same_v<answer, detail::no_answer>,
        "this handler answers no such call: its class has no call<&C::method> with that message in `handles`");
    detail::refuse_doubly_destroyed_message<M>();
    return detail::call_handler<answer>(
        self, bus,
        detail::event_request<detail::event_question>(std::move(handler), any_message::of(std::forward<M>(question))),
        patience);
  }

  template <class C>
  static detail::event_body_ptr make_body() {
    return detail::make_event_body<C>();
  }
  template <class C, class First, class... Rest>
  static detail::event_body_ptr make_body(First&& first, Rest&&... rest) {
    if constexpr (std::is_same_v<std::remove_cvref_t<First>, id>) {
      detail::event_body_ptr body = detail::make_event_body<C>(std::forward<Rest>(rest)...);
      body->id = first.value;
      return body;
    } else {
      return detail::make_event_body<C>(std::forward<First>(first), std::forward<Rest>(rest)...);
    }
  }
  template <class C, class... Args>
  static task<> order(context& self, const destination& bus, bool supervised, std::optional<term> instead, term why,
                      Args&&... args) {
    return place(self, bus, make_body<C>(std::forward<Args>(args)...), supervised, std::move(instead), std::move(why));
  }
  static task<> place(context& self, const destination& bus, detail::event_body_ptr body, bool supervised,
                      std::optional<term> instead, term why);
};

namespace detail {

/// The behaviour of gen_event.
class event_manager_behaviour final : public behaviour {
 public:
  task<init_result> init(gen_core& core) override;
  step handle(gen_core& core) override;
  step timed_out(gen_core&) override { return {}; }
  step terminate(gen_core& core, const term& reason) override;
  void hibernate() override;

  term state() override;
  bool set_state(const term& value) override;
  std::vector<term> status() override;
  step code_change(const term& old_version, const term& extra) override;

  const char* kind() const noexcept override { return "gen_event"; }
  std::string_view name() const noexcept override { return "manager"; }
  const char* header() const noexcept override { return "Status for event handler"; }

 private:
  task<> message(gen_core& core);
  task<> request(gen_core& core, envelope_ptr request);
  task<> command(gen_core& core, envelope_ptr request, term what);
  task<> tell_all(gen_core& core, envelope& e, bool is_event);
  task<> ask_one(gen_core& core, envelope_ptr request, event_question question);
  task<term> add(gen_core& core, event_body_ptr body, const term* left);
  task<term> swap(gen_core& core, term old, term why, event_body_ptr body);
  task<bool> runs_on(gen_core& core, std::size_t place, std::optional<term> failure, term last);
  task<term> finish(gen_core& core, event_body_ptr h, term why, term reason, term last);
  task<> adder_ended(gen_core& core, pid who, term reason);
  task<> stop_all(gen_core& core);
  task<> change_all(term old_version, term extra);
  std::size_t find(const term& handler) const;
  event_body_ptr take_out(std::size_t place);

  std::vector<event_body_ptr> handlers_;  // the newest first
};

}  // namespace detail

/// How context::start makes a process of a gen_event.
struct gen_event::starter {
  /// What users hold.
  template <class C>
  using reference = event_manager;
  /// For errors.
  template <class C>
  static std::string_view name() {
    return "gen_event";
  }
  /// Its behaviour.
  template <class C>
  static detail::behaviour_ptr make() {
    return detail::behaviour_ptr(new detail::event_manager_behaviour);
  }
};

}  // namespace troupe
