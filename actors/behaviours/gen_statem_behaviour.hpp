// SPDX-License-Identifier: BSL-1.0
// How a gen_statem's process finds and runs its class's handlers. Internal.
#pragma once

#include <troupe/actors/behaviours/gen_server.hpp>
#include <troupe/actors/behaviours/gen_statem.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {

// --- running a method on the event in hand --------------------------------------------------------------------------

/// The payload where it lies, null when there is only something that it can be made of. payload_matches<M>(e) holds.
template <class M>
const M* payload_in_place(const envelope& e) noexcept {
  if (same_type(e.type, &descriptor_of<M>)) return static_cast<const M*>(payload_of(e));
  if constexpr (!std::is_same_v<M, term>)
    if (is_encoded(e)) return encoded_payload(e).value<M>();
  return nullptr;
}

template <class M>
M copy_of_payload(const envelope& e) {
  if constexpr (std::is_same_v<M, term>)
    return encoded_payload(e).decode();
  else
    return from_term<M>(*static_cast<const term*>(payload_of(e)));
}

/// Calls f(the message as Argument): a const& refers to what stays in the hand, so the event can be postponed.
template <class Argument, class M, class F>
decltype(auto) with_event(statem_machine& machine, F&& f) {
  envelope& e = machine.message();
  if constexpr (std::is_lvalue_reference_v<Argument>) {
    static_assert(std::is_const_v<std::remove_reference_t<Argument>>,
                  "a message is immutable: take it by value or by const&");
    if (const M* place = payload_in_place<M>(e)) return f(*place);
    const M value = copy_of_payload<M>(e);
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
      if (const message* place = payload_in_place<message>(e)) {
        auto running = (object.*Method)(*place, std::move(caller)...);
        co_return co_await std::move(running);
      }
      const message value = copy_of_payload<message>(e);
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

// --- the behaviour --------------------------------------------------------------------------------------------------

template <class State>
std::string state_text(const State& state) {
  try {
    return to_term(state).to_string();
  } catch (...) {
    return "?";
  }
}

/// A gen_statem's behaviour: the arguments until it runs, then the object.
template <class C, class... Args>
class statem_behaviour final : public behaviour {
 public:
  using state_type = typename C::state_type;

  template <class... A>
  explicit statem_behaviour(std::in_place_t, A&&... args) : arguments_(std::in_place, std::forward<A>(args)...) {}

  task<init_result> init(gen_core& core) override {
    {
      const gen_core::maker making(core);
      std::apply([&](Args&... args) { object_.emplace(std::move(args)...); }, *arguments_);
      arguments_.reset();
    }
    using given = decltype(object_->init());
    if constexpr (unwrapped<given>::is_task) {
      auto first = co_await object_->init();
      co_return chosen(statem_init<state_type>(std::move(first)));
    } else {
      static_assert(std::is_convertible_v<given, statem_init<state_type>>,
                    "init of a state machine returns its first state, an init_result, or a task<> of one of them");
      co_return chosen(statem_init<state_type>(object_->init()));
    }
  }

  step handle(gen_core& core) override {
    if (!machine().take_received()) return {};
    return handle_event(core);
  }
  bool has_next() const override { return !begun_ || base().machine_.has_next(); }
  step next(gen_core& core) override {
    if (!begun_) {
      begun_ = true;
      enter_due_ = true;
      return finish(core);
    }
    machine().take_next();
    return handle_event(core);
  }
  step timed_out(gen_core&) override { return {}; }
  step terminate(gen_core&, const term& reason) override {
    step todo;
    if constexpr (requires(C& c) { c.terminate(reason); })
      call_or_keep(todo, [&] { return object_->terminate(reason); });
    return todo;
  }
  void hibernate() override {
    if constexpr (requires(C& c) { c.hibernating(); }) object_->hibernating();
  }

  term state() override { return term::tuple({to_term(machine_state().state_.value()), data()}); }
  bool set_state(const term& value) override {
    if constexpr (requires { &C::set_data; }) {
      if (!value.is_tuple() || value.size() != 2)
        throw usage_error("troupe: a state machine's state is replaced by {State, Data}");
      auto changed = from_term<state_type>(value.elements()[0]);
      object_->set_data(from_term<typename method_of<&C::set_data>::message>(value.elements()[1]));
      machine_state().state_ = std::move(changed);
      return true;
    }
    return behaviour::set_state(value);
  }
  step code_change(const term& old_version, const term& extra) override {
    step todo;
    if constexpr (requires(C& c) { c.code_change(old_version, extra); }) {
      if constexpr (std::is_same_v<decltype(object_->code_change(old_version, extra)), state_type>)
        machine_state().state_ = object_->code_change(old_version, extra);
      else
        call_or_keep(todo, [&] { return object_->code_change(old_version, extra); });
    }
    return todo;
  }
  std::vector<term> status() override { return machine().status(state()); }

  const char* kind() const noexcept override { return "gen_statem"; }
  std::string_view name() const noexcept override { return type_name<C>(); }
  const char* header() const noexcept override { return "Status for state machine"; }

 private:
  statem_base& base() noexcept { return *object_; }
  const statem_base& base() const noexcept { return *object_; }
  statem_machine& machine() noexcept { return base().machine_; }
  gen_statem<state_type>& machine_state() noexcept { return *object_; }

  term data() {
    if constexpr (requires(const C& c) { c.data(); }) return to_term(object_->data());
    return atom(name());
  }

  init_result chosen(statem_init<state_type> made) {
    if (!made.state()) return std::move(made.failed());
    machine_state().state_ = std::move(made.state());
    if (machine().is_stopping()) machine().settle(false);
    return {};
  }

  step handle_event(gen_core& core) {
    step todo;
    statem_machine& m = machine();
    if (core.is_watched()) [[unlikely]]
      event_ = m.describe();
    const auto attempt = [&]<class H>(std::type_identity<H>) {
      using handler = statem_handler<H>;
      try {
        if (!handler::takes(m)) return false;
      } catch (...) {
        return false;  // a term that cannot be decoded now
      }
      todo = handler::run(*object_, core, m);
      return true;
    };
    if (!first_in(state_now(), attempt, typename C::handles())) m.unexpected(state_text(state_now()));
    if (todo) return go_on(core, std::move(*todo));
    return finish(core);
  }

  task<> go_on(gen_core& core, task<> first) {
    co_await std::move(first);
    step rest = finish(core);
    if (rest) co_await std::move(*rest);
  }

  /// The handler has returned: the state changes, its enter call is made (again, when that says so), and then all that
  /// was asked for is done.
  step finish(gen_core& core) {
    gen_statem<state_type>& s = machine_state();
    statem_machine& m = machine();
    while (!m.is_stopping()) {
      if (s.next_ && !(*s.next_ == *s.state_)) {
        s.previous_ = std::exchange(s.state_, std::exchange(s.next_, std::nullopt));
        enter_due_ = true;
      }
      s.next_.reset();
      if (std::exchange(s.repeat_, false)) enter_due_ = true;
      if (!std::exchange(enter_due_, false)) break;
      m.enter();
      step todo;
      const auto attempt = [&]<class H>(std::type_identity<H>) {
        if constexpr (is_enter<H>) run_enter(*object_, s.previous_ ? *s.previous_ : *s.state_, todo, H());
        return is_enter<H>;
      };
      first_in(state_now(), attempt, typename C::handles());
      if (todo) return go_on(core, std::move(*todo));
    }
    const bool changed = s.previous_.has_value();
    if (event_) [[unlikely]]
      note(core, s.previous_ ? *s.previous_ : *s.state_);
    s.previous_.reset();
    m.settle(changed);
    return {};
  }

  /// {consume | postpone, Event, State, NextState}
  void note(gen_core& core, const state_type& before) {
    core.note(term::tuple(
        {atom(machine().is_postponed() ? "postpone" : "consume"), *event_, to_term(before), to_term(state_now())}));
    event_.reset();
  }

  const state_type& state_now() noexcept { return *machine_state().state_; }

  std::optional<std::tuple<Args...>> arguments_;
  std::optional<C> object_;
  bool begun_ = false;         // the first enter call has been made
  bool enter_due_ = false;     // between a handler and the enter call that follows
  std::optional<term> event_;  // the one in hand, for whoever watches
};

}  // namespace detail

template <std::equality_comparable State>
struct gen_statem<State>::starter {
  template <class C>
  using reference = server<C>;
  template <class C>
  static std::string_view name() {
    return type_name<C>();
  }
  template <class C, class... Args>
  static detail::behaviour_ptr make(Args&&... args) {
    static_assert(std::derived_from<C, gen_statem<State>>, "C derives publicly from gen_statem");
    static_assert(detail::has_handles<C>,
                  "a gen_statem says what it handles: using handles = states<in<state, call<&C::f>>, in_every<...>>;");
    static_assert(detail::is_states<typename C::handles>, "`handles` of a gen_statem is a states<...>");
    static_assert(detail::all_answer_alike(typename detail::all_handlers<typename C::handles>::type()),
                  "two methods of this class answer the same message with different types");
    static_assert(requires(C& c) { c.init(); }, "a gen_statem has an init, which gives its first state");
    static_assert(std::is_constructible_v<C, std::decay_t<Args>...>,
                  "no constructor of this class takes these arguments (by value)");
    (detail::check_argument<Args>(), ...);
    return detail::behaviour_ptr(
        new detail::statem_behaviour<C, std::decay_t<Args>...>(std::in_place, std::forward<Args>(args)...));
  }
};

}  // namespace troupe
