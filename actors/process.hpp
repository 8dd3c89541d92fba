// SPDX-License-Identifier: BSL-1.0
// process: the return type of a coroutine that is the body of a process.
#pragma once

#include <troupe/actors/awaitable.hpp>

#include <coroutine>
#include <memory>
#include <source_location>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

class context;

/// The body of a process: a coroutine whose first parameter is `context& self` and whose other parameters are values.
///
///     process counter(context& self, int value) { ... co_await self.receive(...); ... }
///     pid c = sys.spawn(counter, 0);
///
/// It starts when it is spawned, ends when it returns (reason normal), calls self.exit(reason) or lets an exception out
/// (reason {error, What}), or when an exit signal ends it: then its frame is destroyed where it waits. Erlang: a
/// spawned fun.
class [[nodiscard]] process {
 public:
  struct promise;

  /// Takes the coroutine over; the other has none then. For spawn, which alone makes a process of it.
  process(process&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  process& operator=(process&&) = delete;
  /// A body that was never spawned is destroyed without having run.
  ~process() {
    if (handle_) handle_.destroy();
  }

  /// The machinery's: takes the frame over.
  std::coroutine_handle<> release() noexcept { return std::exchange(handle_, nullptr); }

 private:
  explicit process(std::coroutine_handle<> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<> handle_;
};

namespace detail {

/// Ends the process with the exception in flight as reason; called by the promise.
void process_threw(slot& s) noexcept;

template <class T>
inline constexpr bool is_view = false;
template <class C, class T>
inline constexpr bool is_view<std::basic_string_view<C, T>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_view<std::reference_wrapper<T>> = true;

template <class T>
inline constexpr bool is_shared_mutable = false;
template <class T>
inline constexpr bool is_shared_mutable<std::shared_ptr<T>> = !std::is_const_v<T>;

/// For what a spawn is given, too: it converts to a shared_ptr<const T>, and the spawner keeps the one that can change.
template <class T>
constexpr void check_argument() {
  static_assert(!is_shared_mutable<std::remove_cvref_t<T>>,
                "a process may not take a shared_ptr to something mutable: processes share nothing; take a "
                "std::shared_ptr<const T>");
}

template <class T>
constexpr void check_parameter() {
  static_assert(
      !std::is_reference_v<T>,
      "a process may not take a reference: it would outlive what the reference names; take the parameter by value");
  static_assert(
      !is_view<std::remove_cvref_t<T>>,
      "a process may not take a view (string_view, span, reference_wrapper): it would outlive what the view shows; "
      "take a std::string or std::vector by value");
  static_assert(
      !std::is_pointer_v<std::remove_cvref_t<T>> || std::is_function_v<std::remove_pointer_t<std::remove_cvref_t<T>>>,
      "a process may not take a raw pointer: processes share nothing; take a value, a std::unique_ptr or a "
      "std::shared_ptr<const T>");
  check_argument<T>();
}

template <class... Parameters>
struct process_promise_for;

}  // namespace detail

struct process::promise : detail::promise_base {
  template <class... Args>
  explicit promise(context& self, Args&...) noexcept;
  template <class F, class... Args>
    requires(!std::is_same_v<std::remove_cv_t<F>, context>)
  promise(F&, context& self, Args&...) noexcept;

  process get_return_object() noexcept { return process(std::coroutine_handle<promise>::from_promise(*this)); }
  std::suspend_always initial_suspend(std::source_location here = std::source_location::current()) noexcept {
    owner->function.store(here, std::memory_order_relaxed);
    owner->where.store(here, std::memory_order_relaxed);
    return {};
  }
  std::suspend_always final_suspend() noexcept {
    owner->finished = true;
    return {};
  }
  void return_void() noexcept {}
  void unhandled_exception() noexcept { detail::process_threw(*owner); }
};

namespace detail {

template <class... Parameters>
struct process_promise_for {
  static constexpr bool checked = ((check_parameter<Parameters>(), ...), true);
  using type = std::conditional_t<checked, process::promise, void>;
};

}  // namespace detail
}  // namespace troupe

/// A coroutine function whose parameters would dangle, or would share state with its spawner, does not compile.
template <class... Parameters>
struct std::coroutine_traits<troupe::process, troupe::context&, Parameters...> {
  using promise_type = typename troupe::detail::process_promise_for<Parameters...>::type;
};
/// The same for lambdas and member functions: their object comes first, and is kept alive by spawn.
template <class Object, class... Parameters>
struct std::coroutine_traits<troupe::process, Object, troupe::context&, Parameters...> {
  using promise_type = typename troupe::detail::process_promise_for<Parameters...>::type;
};
