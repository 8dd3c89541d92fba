// SPDX-License-Identifier: BSL-1.0
// What a gen_statem's process does: its handlers, its enter calls, and what sys asks of it. Internal.
#pragma once

#include <troupe/actors/behaviours/gen_statem.hpp>
#include <troupe/actors/behaviours/gen_statem_handlers.hpp>
#include <troupe/actors/behaviours/object_behaviour.hpp>
#include <troupe/actors/behaviours/server.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {

template <class State>
std::string state_text(const State& state) {
  try {
    return to_term(state).to_string();
  } catch (...) {
    return "?";
  }
}

/// A gen_statem's behaviour.
template <class C, class... Args>
class statem_behaviour final : public object_behaviour<C, Args...> {
 public:
  using state_type = typename C::state_type;
  using object_behaviour<C, Args...>::object_behaviour;

  task<init_result> init(gen_core& core) override {
    this->make_object(core);
    using given = decltype(object().init());
    if constexpr (unwrapped<given>::is_task) {
      auto first = co_await object().init();
      co_return chosen(statem_init<state_type>(std::move(first)));
    } else {
      static_assert(std::is_convertible_v<given, statem_init<state_type>>,
                    "init of a state machine returns its first state, an init_result, or a task<> of one of them");
      co_return chosen(statem_init<state_type>(object().init()));
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

  term state() override { return term::tuple({to_term(machine_state().state_.value()), data()}); }
  bool set_state(const term& value) override {
    if constexpr (requires { &C::set_data; }) {
      if (!value.is_tuple() || value.size() != 2)
        throw usage_error("troupe: a state machine's state is replaced by {State, Data}");
      auto changed = from_term<state_type>(value.elements()[0]);
      object().set_data(from_term<typename method_of<&C::set_data>::message>(value.elements()[1]));
      machine_state().state_ = std::move(changed);
      return true;
    }
    return behaviour::set_state(value);
  }
  step code_change(const term& old_version, const term& extra) override {
    // It may give the state of the new code.
    if constexpr (requires(C& c) {
                    { c.code_change(old_version, extra) } -> std::same_as<state_type>;
                  }) {
      machine_state().state_ = object().code_change(old_version, extra);
      return {};
    } else {
      return this->change_code(old_version, extra);
    }
  }
  std::vector<term> status() override { return machine().status(state()); }

  const char* kind() const noexcept override { return "gen_statem"; }
  const char* header() const noexcept override { return "Status for state machine"; }

 private:
  using object_behaviour<C, Args...>::object;
  statem_base& base() noexcept { return object(); }
  const statem_base& base() const noexcept { return object(); }
  statem_machine& machine() noexcept { return base().machine_; }
  gen_statem<state_type>& machine_state() noexcept { return object(); }

  term data() {
    if constexpr (requires(const C& c) { c.data(); }) return to_term(object().data());
    return atom(this->name());
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
      todo = handler::run(object(), core, m);
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
        if constexpr (is_enter<H>) run_enter(this->object(), s.previous_ ? *s.previous_ : *s.state_, todo, H());
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
    return detail::make_behaviour<C, detail::statem_behaviour>(std::forward<Args>(args)...);
  }
};

}  // namespace troupe
