// SPDX-License-Identifier: BSL-1.0
// The awaitables of receive: by type, and by handlers. Internal; users call context::receive.
#pragma once

#include <troupe/actors/exit.hpp>
#include <troupe/actors/handlers.hpp>
#include <troupe/actors/slot.hpp>

#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace troupe::detail {

/// Lets what has arrived in: the deterministic scheduler may hand over more first.
void drain_now(slot& s);

/// "order, request<get>": what a receive takes, for reports.
template <class... T>
std::string pattern_names() {
  std::string text;
  ((text += text.empty() ? "" : ", ", text += pattern<T>::name()), ...);
  return text;
}

/// The selective wait that all receives share. `Pattern::matches(e)` says which of its patterns takes the message, -1:
/// none; `Pattern::get()` gives the index keys, `Pattern::describe()` the names. Lies in the awaiting frame.
template <class Pattern>
class selective_wait : public awaitable_base, private waiter {
 public:
  selective_wait(slot& s, duration patience_, Pattern pattern) : slot_(s), pattern_(std::move(pattern)) {
    static constexpr functions mine = {
        .poll = [](waiter& w, slot&) { return static_cast<selective_wait&>(w).look(); },
        .expire = [](waiter& w, slot&) { return static_cast<selective_wait&>(w).expired_ = true; },
        .describe = [](const waiter&) { return "receive of " + Pattern::describe(); },
        .restart = [](waiter& w) { static_cast<selective_wait&>(w).restart(); }};
    waiter::how = &mine;
    waiter::patience = patience_;
  }
  selective_wait(const selective_wait&) = delete;
  selective_wait& operator=(const selective_wait&) = delete;

  bool await_ready() {
    if (slot_.is_spent()) return false;
    if (!slot_.messages.empty() && look()) return true;
    if (slot_.box.has_mail() || slot_.simulated) {
      drain_now(slot_);
      if (slot_.exit_pending) return false;
      if (slot_.reshuffled) [[unlikely]]
        restart();
      if (look()) return true;
    }
    waiter::looked = true;
    expired_ = waiter::patience <= duration(0);
    if (expired_) slot_.spend();  // a loop of after(0s) must give up its worker in the end
    return expired_;
  }
  void await_suspend(std::coroutine_handle<> h) noexcept { slot_.suspend(*this, h); }

 protected:
  Pattern& pattern() noexcept { return pattern_; }
  int which() const noexcept { return expired_ ? -1 : which_; }
  envelope_ptr take() noexcept { return std::move(found_); }

 private:
  void restart() noexcept {
    slot_.reshuffled = false;
    position_ = {};
  }
  bool look() {
    envelope* e = slot_.messages.template find<Pattern>(position_, [this](const envelope& candidate) {
      which_ = pattern_.matches(candidate);
      return which_ >= 0;
    });
    if (e == nullptr) return false;
    static_cast<void>(found_.release());  // null: a wait finds one message; said, reset() need not look
    found_.reset(e);
    ++slot_.handled;
    if (e->counted) [[unlikely]]
      slot_.place_free(*e);
    return true;
  }

  slot& slot_;
  inbox::position position_;
  envelope_ptr found_;
  int which_ = -1;
  bool expired_ = false;
  [[no_unique_address]] Pattern pattern_;
};

// --- receive<A, B>() ----------------------------------------------------------------------------------------------

template <class... T>
struct type_patterns {
  static int matches(const envelope& e) noexcept {
    int which = -1;
    int i = 0;
    try {
      static_cast<void>(((pattern<T>::matches(e) ? (which = i, true) : (++i, false)) || ...));
    } catch (...) {
      return -1;  // bad_alloc while a term was decoded: not now
    }
    return which;
  }
  static std::string describe() { return pattern_names<T...>(); }
  static std::span<const pattern_key> get() {
    static const std::array<pattern_key, sizeof...(T)> keys{pattern<T>::key()...};
    return keys;
  }
};

/// What receive<T...> gives: a T; a variant of several; with after, an optional T, or the variant with timeout as its
/// last alternative.
template <bool Timed, class... T>
struct received {
  using type = std::variant<T...>;
};
template <class T>
struct received<false, T> {
  using type = T;
};
template <class T>
struct received<true, T> {
  using type = std::optional<T>;
};
template <class A, class B, class... T>
struct received<true, A, B, T...> {
  using type = std::variant<A, B, T..., timeout>;
};

template <bool Timed, class... T>
class receive_types final : public selective_wait<type_patterns<T...>> {
 public:
  using result = typename received<Timed, T...>::type;

  receive_types(slot& s, duration patience_) : selective_wait<type_patterns<T...>>(s, patience_, {}) {}

  result await_resume() {
    const int which = this->which();
    if constexpr (Timed) {
      if (which < 0) {
        if constexpr (sizeof...(T) == 1)
          return std::nullopt;
        else
          return result(std::in_place_type<timeout>);
      }
    }
    if constexpr (sizeof...(T) == 1) {
      return (pattern<T>::take(this->take()), ...);
    } else {
      return take_alternative(which, std::index_sequence_for<T...>());
    }
  }

 private:
  template <std::size_t... I>
  result take_alternative(int which, std::index_sequence<I...>) {
    using make = result (*)(envelope_ptr);
    static constexpr make makers[] = {
        [](envelope_ptr e) { return result(std::in_place_index<I>, pattern<T>::take(std::move(e))); }...};
    return makers[which](this->take());
  }
};

// --- receive(handlers...) -----------------------------------------------------------------------------------------

template <class... H>
struct handler_patterns {
  std::tuple<H...> handlers;

  template <class... G>
  explicit handler_patterns(std::in_place_t, G&&... h) : handlers(std::forward<G>(h)...) {}

  int matches(const envelope& e) noexcept {
    return std::apply(
        [&](H&... h) {
          int which = -1;
          int i = 0;
          static_cast<void>(((handler_takes(h, e) ? (which = i, true) : (++i, false)) || ...));
          return which;
        },
        handlers);
  }
  static std::string describe() { return pattern_names<handled<H>...>(); }
  static std::span<const pattern_key> get() {
    static const std::array<pattern_key, sizeof...(H)> keys{pattern<handled<H>>::key()...};
    return keys;
  }
};

template <class F>
struct after_result {
  using type = std::invoke_result_t<F&>;
};
template <>
struct after_result<void> {
  using type = void;
};

struct no_after {};

template <class After>
struct after_of {
  using raw = void;
};
template <class F>
struct after_of<after_clause<F>> {
  using raw = typename after_result<F>::type;
};

template <class After>
constexpr duration patience_in(const After& clause) noexcept {
  if constexpr (std::is_same_v<After, no_after>)
    return for_ever;
  else
    return clause.patience;
}

/// The common type of what the handlers, and that of after, give; void as soon as one gives nothing.
template <class... R>
struct common_result {
  using type = std::common_type_t<R...>;
};
template <class... R>
  requires(std::is_void_v<R> || ...)
struct common_result<R...> {
  using type = void;
};

template <class After, class... H>
struct receive_result {
  using type = typename common_result<typename awaited<handler_result<H>>::type...,
                                      typename awaited<typename after_of<After>::raw>::type>::type;
};
template <class... H>
struct receive_result<no_after, H...> {
  using type = typename common_result<typename awaited<handler_result<H>>::type...>::type;
};

template <class After, class... H>
class receive_handlers final : public selective_wait<handler_patterns<H...>> {
 public:
  using result = typename receive_result<After, H...>::type;
  using base = selective_wait<handler_patterns<H...>>;

  template <class... G>
  receive_handlers(slot& s, After after, G&&... handlers)
      : base(s, patience_in(after), handler_patterns<H...>(std::in_place, std::forward<G>(handlers)...)),
        after_(std::move(after)) {}

  result await_resume() {
    const int which = this->which();
    if constexpr (!std::is_same_v<After, no_after>) {
      if (which < 0) {
        if constexpr (std::is_same_v<After, after_clause<void>>)
          return;
        else
          return static_cast<result>(after_.handler());
      }
    }
    return dispatch(which, std::index_sequence_for<H...>());
  }

 private:
  template <std::size_t... I>
  result dispatch(int which, std::index_sequence<I...>) {
    using run = result (*)(receive_handlers&, envelope_ptr);
    static constexpr run runners[] = {[](receive_handlers& self, envelope_ptr e) -> result {
      return static_cast<result>(run_handler(std::get<I>(self.pattern().handlers), std::move(e)));
    }...};
    return runners[which](*this, this->take());
  }

  [[no_unique_address]] After after_;
};

// --- handlers that are tasks ----------------------------------------------------------------------------------------

/// Only finds the message; the coroutine around it runs the handler.
template <class... H>
class find_handler final : public selective_wait<handler_patterns<H&...>> {
 public:
  struct choice {
    int which;
    envelope_ptr message;
  };
  find_handler(slot& s, duration patience_, H&... handlers)
      : selective_wait<handler_patterns<H&...>>(s, patience_, handler_patterns<H&...>(std::in_place, handlers...)) {}
  choice await_resume() { return choice{this->which(), this->take()}; }
};

template <class R, class F>
task<R> handle_in_task(F& handler, envelope_ptr e) {
  if constexpr (requires { handler.guard; }) {
    co_return co_await handle_in_task<R>(handler.handler, std::move(e));
  } else {
    using argument = typename argument_of<F>::type;
    using wanted = handled<F>;
    using given = std::remove_cvref_t<std::invoke_result_t<F&, argument>>;
    // The message lives as long as the handler runs: a const& parameter refers to it.
    wanted message = pattern<wanted>::take(std::move(e));
    if constexpr (is_task<given>) {
      auto inner = std::invoke(handler, static_cast<argument&&>(message));
      if constexpr (std::is_void_v<R>)
        co_await std::move(inner);
      else
        co_return static_cast<R>(co_await std::move(inner));
    } else if constexpr (std::is_void_v<R>) {
      std::invoke(handler, static_cast<argument&&>(message));
      co_return;
    } else {
      co_return static_cast<R>(std::invoke(handler, static_cast<argument&&>(message)));
    }
  }
}

template <class R, class After, class... H>
task<R> receive_with_tasks(slot& s, After after, H... handlers) {
  find_handler<H...> search(s, patience_in(after), handlers...);
  auto found = co_await search;
  if constexpr (!std::is_same_v<After, no_after>) {
    if (found.which < 0) {
      if constexpr (std::is_same_v<After, after_clause<void>>) {
        co_return;
      } else if constexpr (is_task<typename after_of<After>::raw>) {
        auto inner = after.handler();
        if constexpr (std::is_void_v<R>)
          co_await std::move(inner);
        else
          co_return static_cast<R>(co_await std::move(inner));
      } else {
        co_return static_cast<R>(after.handler());
      }
      if constexpr (std::is_void_v<R>) co_return;
    }
  }
  std::tuple<H&...> all(handlers...);
  using run = task<R> (*)(std::tuple<H&...>&, envelope_ptr);
  constexpr auto runners = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<run, sizeof...(I)>{
        [](std::tuple<H&...>& t, envelope_ptr e) { return handle_in_task<R>(std::get<I>(t), std::move(e)); }...};
  }(std::index_sequence_for<H...>());
  auto inner = runners[static_cast<std::size_t>(found.which)](all, std::move(found.message));
  if constexpr (std::is_void_v<R>)
    co_await std::move(inner);
  else
    co_return co_await std::move(inner);
}

template <class After, class... H>
inline constexpr bool any_task =
    (is_task<std::remove_cvref_t<handler_result<H>>> || ...) || is_task<typename after_of<After>::raw>;

/// Splits off the after clause, which comes last.
template <class... A>
auto make_receive(slot& s, A&&... arguments) {
  constexpr std::size_t count = sizeof...(A);
  static_assert(count > 0, "receive needs a type, receive<T>(), or handlers");
  constexpr std::size_t clauses = (std::size_t{is_after<std::remove_cvref_t<A>>} + ...);
  static_assert(clauses <= 1, "a receive has one after clause");
  static_assert(count > clauses, "a receive without handlers only waits: use self.sleep");
  (refuse_doubly_destroyed_handler<A>(), ...);
  auto all = std::forward_as_tuple(std::forward<A>(arguments)...);
  using last = std::remove_cvref_t<std::tuple_element_t<count - 1, std::tuple<A...>>>;
  static_assert(clauses == 0 || is_after<last>, "after comes last in a receive");
  constexpr std::size_t handlers = count - clauses;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    using after_type = std::conditional_t<clauses == 1, last, no_after>;
    auto clause = [&]() -> after_type {
      if constexpr (clauses == 1)
        return std::get<count - 1>(std::move(all));
      else
        return no_after{};
    };
    if constexpr (any_task<after_type, std::remove_cvref_t<std::tuple_element_t<I, std::tuple<A...>>>...>) {
      using r =
          typename receive_result<after_type, std::remove_cvref_t<std::tuple_element_t<I, std::tuple<A...>>>...>::type;
      return receive_with_tasks<r, after_type, std::remove_cvref_t<std::tuple_element_t<I, std::tuple<A...>>>...>(
          s, clause(), std::get<I>(std::move(all))...);
    } else {
      return receive_handlers<after_type, std::remove_cvref_t<std::tuple_element_t<I, std::tuple<A...>>>...>(
          s, clause(), std::get<I>(std::move(all))...);
    }
  }(std::make_index_sequence<handlers>());
}

}  // namespace troupe::detail
