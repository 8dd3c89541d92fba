// SPDX-License-Identifier: BSL-1.0
// event_handler: the base of the classes that live in an event manager, and what a class handles.
#pragma once

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/behaviours/gen_server.hpp>
#include <troupe/actors/behaviours/server.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/message.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

class gen_event;
class event_handler;

/// In the list `handles` of an event_handler: the method takes events of that type, those that notify and sync_notify
/// tell the manager: void or task<> f(const E&). With `const term&` it takes every event. Erlang: handle_event/2.
template <auto Method>
struct event {};

namespace detail {

class event_body;
class event_manager_behaviour;
using event_body_ptr = std::unique_ptr<event_body>;

/// A handler within its manager: the arguments until it is added, then the object. Any exception out of these removes
/// it.
class event_body : public pooled {
 public:
  virtual ~event_body() = default;

  /// Makes the object. `left`: what the handler whose place it takes has left, or null.
  virtual task<init_result> init(gen_core& core, const term* left) = 0;
  /// Does it take such an event, message or question? Then it handles it; a task is left in `todo`. The payload is for
  /// all handlers: it is looked at, not taken.
  virtual bool take_event(envelope& e, step& todo) = 0;
  virtual bool take_message(envelope& e, step& todo) = 0;
  virtual bool take_question(envelope& e, envelope_ptr& answer, step& todo) = 0;
  virtual task<term> terminate(const term& why) = 0;
  virtual term state() = 0;
  virtual bool set_state(const term& value) = 0;
  virtual step code_change(const term& old_version, const term& extra) = 0;
  virtual void hibernate() = 0;
  virtual event_handler& base() = 0;

  /// Module, or {Module, Id}.
  term handler() const;
  /// Is it what that term names?
  bool is(const term& handler) const { return this->handler() == handler; }

  atom module;
  std::optional<term> id;
  pid supervisor;  // null: nobody
};

}  // namespace detail

/// The base of a handler's class: an object that lives in an event manager, among others. It is made from the arguments
/// of gen_event::add_handler, and nobody outside of the manager's process can reach it. What the class may have, all of
/// it public:
///
///     using handles = handlers<event<&C::on_order>, call<&C::count>, info<&C::on_exit>>;
///     init_result init();                       // after the constructor; void will do, and task<init_result> may wait
///     init_result take_over(const term& left);  // in place of init, when it is swapped in: what the other has left
///     T terminate(const term& why);             // or void, or a task: before it is removed; what it leaves
///     S state() const;                          // what sys:get_state shows; a term, or what to_term takes
///     void set_state(S);                        // for sys::replace_state
///     void code_change(const term& old, const term& extra);
///     void hibernating();                       // the manager has nothing to do for a while: give back memory
///
/// Events are offered to all handlers, the newest first; one that its class does not handle passes it by. A handler
/// that throws is removed, with terminate({error, {'EXIT', Reason}}), and whoever supervises it is told; the manager
/// lives on. A handler that is a task keeps the manager, and so all other events, waiting. Erlang: gen_event's
/// callbacks.
class event_handler {
 public:
  event_handler(const event_handler&) = delete;
  event_handler& operator=(const event_handler&) = delete;

 protected:
  /// Only in a manager to which it is being added. Throws usage_error elsewhere.
  event_handler();
  ~event_handler() = default;

  /// The manager's process: to send, call others, set timers.
  context& self() const noexcept { return core_.self; }
  /// The handler is removed when the method that runs has returned: terminate(remove_handler). Erlang: remove_handler.
  void remove() noexcept { removed_ = true; }
  /// When the method that runs has returned this handler ends by terminate(why), and a C made from the arguments takes
  /// its place, and who supervises it. Erlang: {swap_handler, Args1, State, Handler2, Args2}.
  template <class C, class... Args>
  void swap_with(term why, Args&&... args);
  /// Gives back memory before the manager waits again. Erlang: hibernate.
  void hibernate() noexcept { core_.hibernate(); }

 private:
  friend class detail::event_manager_behaviour;

  detail::gen_core& core_;
  bool removed_ = false;
  detail::event_body_ptr successor_;
  term why_;
};

namespace detail {

template <class H>
inline constexpr bool is_event = false;
template <auto Method>
inline constexpr bool is_event<event<Method>> = true;
template <class H>
inline constexpr bool is_info = false;
template <auto Method>
inline constexpr bool is_info<info<Method>> = true;
template <class H>
inline constexpr bool is_call = false;
template <auto Method>
inline constexpr bool is_call<call<Method>> = true;

// As in gen_server.hpp.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

template <class H>
struct handled_by;
template <auto Method>
struct handled_by<event<Method>> : method_of<Method> {
  static constexpr auto function = Method;
};
template <auto Method>
struct handled_by<info<Method>> : method_of<Method> {
  static constexpr auto function = Method;
};
template <auto Method>
struct handled_by<call<Method>> : method_of<Method> {
  static constexpr auto function = Method;
};

/// A message that others will see, too: looked at in place, or copied.
template <class M>
class seen_payload {
 public:
  explicit seen_payload(const envelope& e) {
    if (same_type(e.type, &descriptor_of<M>)) {
      value_ = static_cast<const M*>(payload_of(e));
    } else {
      if (is_encoded(e))
        made_ = encoded_payload(e).read<M>();
      else if constexpr (std::is_same_v<M, term>)
        made_.emplace(payload_to_term(e));
      else
        made_.emplace(from_term<M>(*static_cast<const term*>(payload_of(e))));
    }
  }
  const M& operator*() const noexcept { return value_ != nullptr ? *value_ : *made_; }

 private:
  const M* value_ = nullptr;
  std::optional<M> made_;
};

template <class Argument, class M>
void check_seen() {
  static_assert(!std::is_lvalue_reference_v<Argument> || std::is_const_v<std::remove_reference_t<Argument>>,
                "a message is immutable: take it by value or by const&");
  static_assert(std::is_lvalue_reference_v<Argument> || copyable_message<M>,
                "every handler sees the event: take it by const&, for it cannot be copied");
}

template <class C, class H>
task<> see_in_task(C& object, seen_payload<typename handled_by<H>::message> payload) {
  co_await (object.*handled_by<H>::function)(typename handled_by<H>::argument(*payload));
}

template <class C, class H>
void see(C& object, const envelope& e, step& todo) {
  using m = handled_by<H>;
  static_assert(std::is_void_v<typename m::result>,
                "an event or a message has no answer: its method returns void or "
                "task<>");
  check_seen<typename m::argument, typename m::message>();
  seen_payload<typename m::message> payload(e);
  if constexpr (m::is_task)
    todo = see_in_task<C, H>(object, std::move(payload));
  else
    (object.*m::function)(typename m::argument(*payload));
}

template <class C, class H>
task<> answer_in_task(C& object, seen_payload<typename handled_by<H>::message> payload, envelope_ptr& answer) {
  using m = handled_by<H>;
  if constexpr (std::is_void_v<typename m::result>) {
    co_await (object.*m::function)(typename m::argument(*payload));
  } else {
    auto result = co_await (object.*m::function)(typename m::argument(*payload));
    answer.reset(make_envelope<routed_envelope, typename m::result>(envelope_kind::reply, std::move(result)));
  }
}

template <class C, class H>
void answer_question(C& object, const envelope& e, envelope_ptr& answer, step& todo) {
  using m = handled_by<H>;
  using checked = typename reply_checked<typename m::message, typename m::result>::type;
  static_assert(!m::is_later, "an event handler answers at once, or by a task<R>: from<R> is for servers");
  check_seen<typename m::argument, typename m::message>();
  seen_payload<typename m::message> payload(e);
  if constexpr (m::is_task) {
    todo = answer_in_task<C, H>(object, std::move(payload), answer);
  } else if constexpr (std::is_void_v<checked>) {
    (object.*m::function)(typename m::argument(*payload));
  } else {
    static_assert(sendable<checked>, "what a call's method returns goes to another process: it must be sendable");
    answer.reset(make_envelope<routed_envelope, checked>(envelope_kind::reply,
                                                         (object.*m::function)(typename m::argument(*payload))));
  }
}

/// Does the payload serve as what this handler takes? `const term&` takes every event.
template <class H>
bool serves(const envelope& e) noexcept {
  using message = typename handled_by<H>::message;
  static_assert(!std::is_same_v<message, any_message>, "take an event whose type is not known as a const term&");
  try {
    if constexpr (std::is_same_v<message, term> && is_event<H>)
      return e.type != nullptr;
    else
      return payload_matches<message>(e);
  } catch (...) {
    return false;  // a term that cannot be decoded now
  }
}

template <class C, class... Args>
class event_body_of final : public event_body {
 public:
  template <class... A>
  explicit event_body_of(std::in_place_t, A&&... args) : arguments_(std::in_place, std::forward<A>(args)...) {
    module = atom(type_name<C>());
  }

  task<init_result> init(gen_core& core, const term* left) override {
    {
      const gen_core::maker making(core);
      std::apply([&](Args&... args) { object_.emplace(std::move(args)...); }, *arguments_);
      arguments_.reset();
    }
    if constexpr (requires(C& c) { c.take_over(*left); })
      if (left != nullptr) return result_of([&] { return object_->take_over(*left); });
    if constexpr (requires(C& c) { c.init(); }) return result_of([&] { return object_->init(); });
    return fine();
  }
  bool take_event(envelope& e, step& todo) override { return take<0>(e, todo, typename C::handles()); }
  bool take_message(envelope& e, step& todo) override { return take<1>(e, todo, typename C::handles()); }
  bool take_question(envelope& e, envelope_ptr& answer, step& todo) override {
    return take_call(e, answer, todo, typename C::handles());
  }
  task<term> terminate(const term& why) override {
    if constexpr (requires(C& c) { c.terminate(why); }) {
      using given = decltype(object_->terminate(why));
      if constexpr (std::is_void_v<given>) {
        object_->terminate(why);
      } else if constexpr (std::is_same_v<given, task<>>) {
        co_await object_->terminate(why);
      } else if constexpr (unwrapped<given>::is_task) {
        auto left = co_await object_->terminate(why);
        co_return to_term(left);
      } else {
        co_return to_term(object_->terminate(why));
      }
    }
    co_return term(atom("ok"));
  }
  term state() override {
    if constexpr (requires(const C& c) { c.state(); }) return to_term(object_->state());
    return term();
  }
  bool set_state(const term& value) override {
    if constexpr (requires { &C::set_state; }) {
      object_->set_state(from_term<typename method_of<&C::set_state>::message>(value));
      return true;
    }
    return false;
  }
  step code_change(const term& old_version, const term& extra) override {
    step todo;
    if constexpr (requires(C& c) { c.code_change(old_version, extra); })
      call_or_keep(todo, [&] { return object_->code_change(old_version, extra); });
    return todo;
  }
  void hibernate() override {
    if constexpr (requires(C& c) { c.hibernating(); }) object_->hibernating();
  }
  event_handler& base() override { return *object_; }

 private:
  static task<init_result> fine() { co_return init_result(); }
  static task<init_result> when_done(task<> first) {
    co_await std::move(first);
    co_return init_result();
  }
  static task<init_result> at_once(init_result r) { co_return r; }
  template <class F>
  static task<init_result> result_of(F&& f) {
    using given = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<given>) {
      f();
      return fine();
    } else if constexpr (std::is_same_v<given, init_result>) {
      return at_once(f());
    } else if constexpr (std::is_same_v<given, task<>>) {
      return when_done(f());
    } else {
      static_assert(std::is_same_v<given, task<init_result>>,
                    "init and take_over return void, init_result, task<> or task<init_result>");
      return f();
    }
  }

  // Which: 0 events, 1 messages.
  template <int Which, class... H>
  bool take(envelope& e, step& todo, handlers<H...>) {
    const auto attempt = [&]<class One>(std::type_identity<One>) {
      if constexpr (Which == 0 ? is_event<One> : is_info<One>) {
        if (!serves<One>(e)) return false;
        see<C, One>(*object_, e, todo);
        return true;
      } else {
        return false;
      }
    };
    return (attempt(std::type_identity<H>()) || ...);
  }
  template <class... H>
  bool take_call(envelope& e, envelope_ptr& answer, step& todo, handlers<H...>) {
    const auto attempt = [&]<class One>(std::type_identity<One>) {
      if constexpr (is_call<One>) {
        if (!serves<One>(e)) return false;
        answer_question<C, One>(*object_, e, answer, todo);
        return true;
      } else {
        return false;
      }
    };
    return (attempt(std::type_identity<H>()) || ...);
  }

  std::optional<std::tuple<Args...>> arguments_;
  std::optional<C> object_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class C, class... Args>
event_body_ptr make_event_body(Args&&... args) {
  static_assert(std::derived_from<C, event_handler>, "C derives publicly from event_handler");
  static_assert(has_handles<C>,
                "an event_handler says what it handles: using handles = handlers<event<&C::f>, call<&C::g>>;");
  static_assert(std::is_constructible_v<C, std::decay_t<Args>...>,
                "no constructor of this class takes these arguments (by value)");
  (check_argument<Args>(), ...);
  return std::make_unique<event_body_of<C, std::decay_t<Args>...>>(std::in_place, std::forward<Args>(args)...);
}

}  // namespace detail

template <class C, class... Args>
void event_handler::swap_with(term why, Args&&... args) {
  successor_ = detail::make_event_body<C>(std::forward<Args>(args)...);
  why_ = std::move(why);
}

}  // namespace troupe
