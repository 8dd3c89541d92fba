// SPDX-License-Identifier: BSL-1.0
// How the methods in a gen_statem's `handles` are found, and run on the event in hand. Internal.
#pragma once

#include <troupe/actors/behaviours/gen_statem.hpp>
#include <troupe/actors/behaviours/object_behaviour.hpp>
#include <troupe/actors/behaviours/server.hpp>
#include <troupe/actors/handlers.hpp>

#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

// --- running a method on the event in hand --------------------------------------------------------------------------

/// Calls f(the message as Argument): a const& refers to what stays in the hand, so the event can be postponed. (Where
/// there is no M to refer to, taking the payload makes one and leaves what it was made of.)
template <class Argument, class M, class F>
decltype(auto) with_event(statem_machine& machine, F&& f) {
  envelope& e = machine.message();
  if constexpr (std::is_lvalue_reference_v<Argument>) {
    static_assert(std::is_const_v<std::remove_reference_t<Argument>>,
                  "a message is immutable: take it by value or by const&");
    if (const M* place = pattern<M>::peek(e)) return f(*place);
    const M value = take_payload<M>(e);
    return f(value);
  } else {
    machine.give_away();
    return f(take_payload<M>(e));
  }
}

/// Answers the call in hand, unless it was postponed.
template <class R, class... Value>
void answer_event(gen_core& core, const statem_machine& machine, Value&&... value) {
  if (machine.is_postponed()) return;
  if constexpr (std::is_void_v<R>)
    core.answer(std::move(core.current), nullptr);
  else
    core.answer(std::move(core.current),
                make_envelope<routed_envelope, R>(envelope_kind::reply, std::forward<Value>(value)...));
}

/// A method that is a task: its message stays with it while it runs. (Members of a class, since g++ 12 warns of the
/// frames of functions when C is in an anonymous namespace; and a task is made before it is awaited, since it destroys
/// a by-value parameter within a co_await expression twice.)
template <class C, auto Method>
struct task_method {
  using m = method_of<Method>;
  using message = typename m::message;

  /// `caller` is a from<>, or nothing.
  template <class... Caller>
  static typename m::raw run(C& object, statem_machine& machine, Caller... caller) {
    envelope& e = machine.message();
    if constexpr (std::is_lvalue_reference_v<typename m::argument>) {
      if (const message* place = pattern<message>::peek(e)) {
        auto running = (object.*Method)(*place, std::move(caller)...);
        co_return co_await std::move(running);
      }
      const message value = take_payload<message>(e);
      auto running = (object.*Method)(value, std::move(caller)...);
      co_return co_await std::move(running);
    } else {
      machine.give_away();
      message value = take_payload<message>(e);
      auto running = (object.*Method)(std::move(value), std::move(caller)...);
      co_return co_await std::move(running);
    }
  }

  static task<> answer(C& object, gen_core& core, statem_machine& machine) {
    auto running = run(object, machine);
    if constexpr (std::is_void_v<typename m::result>) {
      co_await std::move(running);
      answer_event<void>(core, machine);
    } else {
      auto result = co_await std::move(running);
      answer_event<typename m::result>(core, machine, std::move(result));
    }
  }
};

// --- which handler takes what ---------------------------------------------------------------------------------------

/// takes(machine): is it for the event in hand? run(object, core, machine): then this.
template <class H>
struct statem_handler {
  static_assert(!std::is_same_v<H, H>,
                "in the list of a state stand call, cast, info, internal, enter, on_state_timeout, on_event_timeout, "
                "on_timeout and postponed");
};

template <auto Method>
struct statem_handler<call<Method>> {
  using m = method_of<Method>;
  using message = typename m::message;
  using argument = typename m::argument;
  using result = typename m::result;
  static_assert(std::is_void_v<result> || sendable<result>,
                "what a call's method returns goes to another process: it must be sendable");

  static bool takes(const statem_machine& machine) {
    return machine.type() == event_type::call && machine.message().label == gen_label::none &&
           payload_matches<message>(machine.message());
  }
  template <class C>
  static step run(C& object, gen_core& core, statem_machine& machine) {
    if constexpr (m::is_task && m::is_later) {
      return task_method<C, Method>::run(object, machine, from<result>(machine.lend_asker()));
    } else if constexpr (m::is_task) {
      return task_method<C, Method>::answer(object, core, machine);
    } else if constexpr (m::is_later) {
      from<result> caller(machine.lend_asker());
      with_event<argument, message>(machine,
                                    [&]<class A>(A&& a) { (object.*Method)(std::forward<A>(a), std::move(caller)); });
    } else if constexpr (std::is_void_v<result>) {
      with_event<argument, message>(machine, [&]<class A>(A&& a) { (object.*Method)(std::forward<A>(a)); });
      answer_event<void>(core, machine);
    } else {
      with_event<argument, message>(
          machine, [&]<class A>(A&& a) { answer_event<result>(core, machine, (object.*Method)(std::forward<A>(a))); });
    }
    return {};
  }
};

template <event_type Type, auto Method>
struct statem_event_handler {
  static constexpr bool is_timeout = Type >= event_type::state_timeout;

  static bool takes(const statem_machine& machine) {
    if (machine.type() != Type) return false;
    if constexpr (is_without_message())
      return true;
    else if constexpr (std::is_same_v<typename method_of<Method>::message, any_message>)
      return true;
    else
      return payload_matches<typename method_of<Method>::message>(machine.message());
  }
  template <class C>
  static step run(C& object, gen_core& core, statem_machine& machine) {
    if constexpr (is_without_message()) {
      step todo;
      call_or_keep(todo, [&] { return (object.*Method)(); });
      return todo;
    } else {
      using m = method_of<Method>;
      using argument = typename m::argument;
      using message = typename m::message;
      static_assert(std::is_void_v<typename m::result> && !m::is_later,
                    "only a call has an answer: this method returns void or task<>");
      if constexpr (std::is_same_v<message, any_message>) {
        static_assert(!m::is_task && std::is_same_v<argument, const any_message&>,
                      "a method of a state machine for whatever is left is void f(const any_message&)");
        any_message whole(std::move(core.current));
        (object.*Method)(whole);
        core.current = whole.release();
      } else if constexpr (m::is_task) {
        return task_method<C, Method>::run(object, machine);
      } else {
        with_event<argument, message>(machine, [&]<class A>(A&& a) { (object.*Method)(std::forward<A>(a)); });
      }
      return {};
    }
  }

 private:
  template <class F>
  struct is_nullary : std::false_type {};
  template <class C, class R>
  struct is_nullary<R (C::*)()> : std::true_type {};
  template <class C, class R>
  struct is_nullary<R (C::*)() const> : std::true_type {};
  template <class C, class R>
  struct is_nullary<R (C::*)() noexcept> : std::true_type {};
  template <class C, class R>
  struct is_nullary<R (C::*)() const noexcept> : std::true_type {};

  static constexpr bool is_without_message() {
    constexpr bool nullary = is_nullary<std::remove_const_t<decltype(Method)>>::value;
    static_assert(is_timeout || !nullary, "this method takes the message that it handles");
    return nullary;
  }
};

template <auto Method>
struct statem_handler<cast<Method>> : statem_event_handler<event_type::cast, Method> {};
template <auto Method>
struct statem_handler<info<Method>> : statem_event_handler<event_type::info, Method> {};
template <auto Method>
struct statem_handler<internal<Method>> : statem_event_handler<event_type::internal, Method> {};
template <auto Method>
struct statem_handler<on_state_timeout<Method>> : statem_event_handler<event_type::state_timeout, Method> {};
template <auto Method>
struct statem_handler<on_event_timeout<Method>> : statem_event_handler<event_type::event_timeout, Method> {};
template <atom_literal Name, auto Method>
struct statem_handler<on_timeout<Name, Method>> : statem_event_handler<event_type::timeout, Method> {
  static bool takes(const statem_machine& machine) {
    return statem_event_handler<event_type::timeout, Method>::takes(machine) &&
           machine.name() == atom_of(literal_atom<Name>);
  }
};
template <class M>
struct statem_handler<postponed<M>> {
  static bool takes(const statem_machine& machine) {
    return machine.type() < event_type::state_timeout && machine.message().label != gen_label::event &&
           payload_matches<M>(machine.message());
  }
  template <class C>
  static step run(C&, gen_core&, statem_machine& machine) {
    machine.postpone();
    return {};
  }
};
template <auto Method>
struct statem_handler<enter<Method>> {
  static bool takes(const statem_machine&) { return false; }
  template <class C>
  static step run(C&, gen_core&, statem_machine&) {
    return {};
  }
};

template <class H>
inline constexpr bool is_enter = false;
template <auto Method>
inline constexpr bool is_enter<enter<Method>> = true;

template <class C, class State, auto Method>
void run_enter(C& object, const State& previous, step& todo, enter<Method>) {
  if constexpr (requires { (object.*Method)(); })
    call_or_keep(todo, [&] { return (object.*Method)(); });
  else
    call_or_keep(todo, [&] { return (object.*Method)(previous); });
}

// --- the lists ------------------------------------------------------------------------------------------------------

/// own(state): is it that state's list? Else it is in_every.
template <class In>
struct state_list {
  static_assert(!std::is_same_v<In, In>, "in `states` stand in<state, ...> and in_every<...>");
};
template <auto Value, class... H>
struct state_list<in<Value, H...>> {
  using list = handlers<H...>;
  static constexpr bool is_every = false;
  template <class State>
  static bool is(const State& now) {
    return now == Value;
  }
};
template <class... H>
struct state_list<in_every<H...>> {
  using list = handlers<H...>;
  static constexpr bool is_every = true;
  template <class State>
  static bool is(const State&) {
    return true;
  }
};

/// Offers the handlers of the state's own lists, then those of in_every, to f(std::type_identity<H>) until one says
/// true.
template <class State, class F, class... In>
bool first_in(const State& now, F&& f, states<In...>) {
  const auto try_list = [&]<class... H>(handlers<H...>) { return (f(std::type_identity<H>()) || ...); };
  const auto try_one = [&]<class List>(std::type_identity<List>, bool every) {
    return List::is_every == every && List::is(now) && try_list(typename List::list());
  };
  return (try_one(std::type_identity<state_list<In>>(), false) || ...) ||
         (try_one(std::type_identity<state_list<In>>(), true) || ...);
}

template <class List>
inline constexpr bool is_states = false;
template <class... In>
inline constexpr bool is_states<states<In...>> = true;

template <class... List>
struct joined;
template <class... H>
struct joined<handlers<H...>> {
  using type = handlers<H...>;
};
template <class... A, class... B, class... More>
struct joined<handlers<A...>, handlers<B...>, More...> : joined<handlers<A..., B...>, More...> {};

template <class Handles>
struct all_handlers;
template <class... In>
struct all_handlers<states<In...>> : joined<handlers<>, typename state_list<In>::list...> {};

/// A machine's answer to a call is the same type in every state: callers do not know the state.
template <class H, class All>
inline constexpr bool answers_alike = true;
template <auto Method, class All>
inline constexpr bool answers_alike<call<Method>, All> =
    std::is_same_v<typename method_of<Method>::result,
                   typename answer_of<typename method_of<Method>::message, All>::type>;

template <class... H>
constexpr bool all_answer_alike(handlers<H...> all) {
  return (answers_alike<H, decltype(all)> && ...);
}

// What server<C> checks.
template <class M, class... In>
struct answer_of<M, states<In...>> : answer_of<M, typename all_handlers<states<In...>>::type> {};
template <class M, class... In>
struct is_cast<M, states<In...>> : is_cast<M, typename all_handlers<states<In...>>::type> {};

}  // namespace detail
}  // namespace troupe
