// SPDX-License-Identifier: BSL-1.0
// child_start: how a supervisor starts a child, any number of times.
#pragma once

#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/mailbox/sendable.hpp>
#include <troupe/mailbox/to_term.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

class supervisor;

/// The type of `later<T>`.
template <class T>
struct later_argument {};
/// Stands for an argument that is given when the child is started: by start_child of a simple_one_for_one supervisor,
/// by JSON, or by Erlang. child_of<connection>({}, config, later<int>). It comes as a term, and must decode to a T.
template <class T>
inline constexpr later_argument<T> later{};

namespace detail {

/// What a child_start shares with its copies. Immutable: any thread.
class child_starter {
 public:
  virtual ~child_starter() = default;
  /// Starts it, linked with the process of `self`; `later` are the arguments that came later. The caller keeps both.
  virtual task<start_result> start(context& self, const std::vector<term>& later_arguments) const = 0;
  /// {Module, Function, Arguments}
  virtual term to_term() const = 0;
  virtual bool is_supervisor() const noexcept { return false; }
};

}  // namespace detail

/// How a child is started. Made by child_of; a value that is cheap to copy and may be used any number of times, by any
/// thread. Erlang: {Module, Function, Arguments}.
class child_start {
 public:
  /// Starts nothing.
  child_start() noexcept = default;
  /// The machinery's.
  explicit child_start(std::shared_ptr<const detail::child_starter> s) noexcept : starter_(std::move(s)) {}

  /// What register_child_factory has under that name, with these arguments. Throws child_spec_error when there is
  /// nothing.
  static child_start named(const process_name& name, std::vector<term> arguments = {});

  /// Does it start something?
  explicit operator bool() const noexcept { return starter_ != nullptr; }
  /// Does it start a supervisor?
  bool is_supervisor() const noexcept { return starter_ && starter_->is_supervisor(); }
  /// {Module, Function, Arguments}: for C++ classes {their name, start_link, what of the arguments has a term}.
  term to_term() const;
  /// Starts it, linked with the process of `self`, which is the supervisor. The caller keeps both arguments until the
  /// task has ended.
  task<start_result> start(context& self, const std::vector<term>& later_arguments) const {
    return starter_->start(self, later_arguments);
  }

 private:
  std::shared_ptr<const detail::child_starter> starter_;
};

/// Lets JSON and Erlang start such children: {Name, start_link, Arguments} calls `start` with these as its later
/// arguments. A second one of that name takes the place of the first. Any thread.
///
///     register_child_factory("counter", child_of<counter>({}, later<int>));
void register_child_factory(const process_name& name, child_start start);

namespace detail {

template <class A>
struct started_with {
  using type = A;
};
template <class T>
struct started_with<later_argument<T>> {
  using type = T;
};
template <class A>
inline constexpr bool is_later = false;
template <class T>
inline constexpr bool is_later<later_argument<T>> = true;

template <class A>
A take_argument(const A& given, const std::vector<term>&, std::size_t&) {
  return given;
}
template <class T>
T take_argument(const later_argument<T>&, const std::vector<term>& later_arguments, std::size_t& next) {
  return from_term<T>(later_arguments[next++]);
}

/// Copies of the arguments, the later ones in their places; nothing when those are too many, too few or of other types.
template <class... A>
std::optional<std::tuple<typename started_with<A>::type...>> take_arguments(const std::tuple<A...>& given,
                                                                            const std::vector<term>& later_arguments) {
  constexpr std::size_t wanted = (std::size_t{is_later<A>} + ... + 0);
  if (later_arguments.size() != wanted) return std::nullopt;
  try {
    [[maybe_unused]] std::size_t next = 0;
    return std::apply(
        [&](const A&... a) {
          // Braces: from left to right.
          return std::tuple<typename started_with<A>::type...>{take_argument(a, later_arguments, next)...};
        },
        given);
  } catch (const decode_error&) {
    return std::nullopt;
  }
}

/// {error, {badarg, Arguments}}
start_result arguments_do_not_fit(const std::vector<term>& later_arguments);
start_result name_is_taken(context& self, const process_name& name);
/// The term of an argument that has none.
term opaque_argument();
term start_term(std::string_view module, atom function, std::vector<term> arguments);

template <class A>
void append_argument(std::vector<term>& to, const A& a) {
  if constexpr (std::is_convertible_v<const A&, const char*>) {
    to.emplace_back(static_cast<const char*>(a));
  } else if constexpr (is_later<A>) {
    return;
  } else if constexpr (sendable<A>) {
    try {
      to.push_back(troupe::to_term(a));
    } catch (const std::exception&) {
      to.push_back(opaque_argument());
    }
  } else {
    to.push_back(opaque_argument());
  }
}

template <class... A>
std::vector<term> argument_terms(const std::tuple<A...>& arguments) {
  std::vector<term> terms;
  std::apply([&](const A&... a) { (append_argument(terms, a), ...); }, arguments);
  return terms;
}

template <class... A>
inline constexpr bool copied_for_each_start = (std::is_copy_constructible_v<A> && ...);

template <class C, class... A>
class behaviour_starter final : public child_starter {
 public:
  template <class... B>
  explicit behaviour_starter(start_options options, B&&... b) : options_(options), arguments_(std::forward<B>(b)...) {}

  task<start_result> start(context& self, const std::vector<term>& later_arguments) const override {
    auto arguments = take_arguments(arguments_, later_arguments);
    if (!arguments) co_return arguments_do_not_fit(later_arguments);
    behaviour_ptr b = std::apply([](auto&... a) { return C::starter::template make<C>(std::move(a)...); }, *arguments);
    const start_options options = options_;
    const start_relations relations{.link = true, .monitor = false};
    co_return co_await start_behaviour(self, std::move(b), options, relations);
  }
  term to_term() const override {
    return start_term(C::starter::template name<C>(), atom("start_link"), argument_terms(arguments_));
  }
  bool is_supervisor() const noexcept override { return std::derived_from<C, supervisor>; }

 private:
  start_options options_;
  std::tuple<A...> arguments_;
};

template <class F, class... A>
class function_starter final : public child_starter {
 public:
  template <class G, class... B>
  explicit function_starter(spawn_options options, G&& f, B&&... b)
      : options_(options), function_(std::forward<G>(f)), arguments_(std::forward<B>(b)...) {
    options_.link = true;
    options_.monitor = false;
  }

  task<start_result> start(context& self, const std::vector<term>& later_arguments) const override {
    auto arguments = take_arguments(arguments_, later_arguments);
    if (!arguments) co_return arguments_do_not_fit(later_arguments);
    start_result result;
    try {
      result.process =
          std::apply([&](auto&... a) { return self.spawn(options_, function_, std::move(a)...).pid; }, *arguments);
    } catch (const registration_error&) {
      result = name_is_taken(self, options_.name);
    }
    co_return result;
  }
  term to_term() const override { return start_term("troupe", atom("spawn_link"), argument_terms(arguments_)); }

 private:
  spawn_options options_;
  F function_;
  std::tuple<A...> arguments_;
};

template <class F>
class custom_starter final : public child_starter {
 public:
  explicit custom_starter(F f) : function_(std::move(f)) {}
  task<start_result> start(context& self, const std::vector<term>& later_arguments) const override {
    return function_(self, later_arguments);
  }
  term to_term() const override { return start_term("troupe", atom("child_started_by"), {}); }

 private:
  F function_;
};

}  // namespace detail

/// Starts a behaviour of class C (a gen_server, gen_statem, supervisor ...) linked with its supervisor, from copies of
/// these arguments: child_of<counter>({.name = "counter"}, 0). `later<T>` among them: given with each start. Erlang:
/// {counter, start_link, [0]}.
template <class C, class... Args>
  requires detail::startable<C>
child_start child_of(const start_options& options, Args&&... args) {
  static_assert(detail::copied_for_each_start<std::decay_t<Args>...>,
                "a child may be started again: its arguments are copied for each start, so they must be copyable");
  return child_start(std::make_shared<const detail::behaviour_starter<C, std::decay_t<Args>...>>(
      options, std::forward<Args>(args)...));
}
/// Spawns a plain process, linked: child_of(listen, 8080), or with a name child_of(spawn_options{.name = "l"}, listen,
/// 8080). It counts as started at once. Erlang: {proc_lib, spawn_link, ...}.
template <class F, class... Args>
  requires(!std::same_as<std::decay_t<F>, spawn_options> && !detail::startable<std::decay_t<F>>)
child_start child_of(const spawn_options& options, F&& f, Args&&... args) {
  static_assert(detail::copied_for_each_start<std::decay_t<F>, std::decay_t<Args>...>,
                "a child may be started again: function and arguments are copied for each start, so they must be "
                "copyable");
  return child_start(std::make_shared<const detail::function_starter<std::decay_t<F>, std::decay_t<Args>...>>(
      options, std::forward<F>(f), std::forward<Args>(args)...));
}
/// The same without a name.
template <class F, class... Args>
  requires(!std::same_as<std::decay_t<F>, spawn_options> && !std::same_as<std::decay_t<F>, start_options> &&
           !detail::startable<std::decay_t<F>>)
child_start child_of(F&& f, Args&&... args) {
  return child_of(spawn_options{}, std::forward<F>(f), std::forward<Args>(args)...);
}
/// Starts a child in a way of its own: `task<start_result> f(context& self, const std::vector<term>& later)` runs in
/// the supervisor for each start, and links it with what it starts (on this node or another). `f` must be copyable. An
/// exception is a failed start.
template <class F>
child_start child_started_by(F f) {
  static_assert(std::is_same_v<std::invoke_result_t<const F&, context&, const std::vector<term>&>, task<start_result>>,
                "child_started_by takes a coroutine function task<start_result> f(context& self, const "
                "std::vector<term>& later)");
  return child_start(std::make_shared<const detail::custom_starter<F>>(std::move(f)));
}

}  // namespace troupe
