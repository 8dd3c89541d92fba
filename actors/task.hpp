// SPDX-License-Identifier: BSL-1.0
// task<T>: a helper coroutine that a process awaits; it may receive and call on the process's behalf.
#pragma once

#include <troupe/actors/awaitable.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace troupe {

template <class T>
class task;

namespace detail {

struct task_promise_base;

/// An exception leaves the task: its chain of tasks is noted, in case the process ends by it.
void task_threw(const task_promise_base& innermost) noexcept;

struct task_promise_base : promise_base {
  std::coroutine_handle<> awaiting;  // who goes on when this ends
  std::exception_ptr error;
  std::source_location function;     // for reports: which task this is
  std::source_location called_from;  // and where it is awaited

  std::suspend_always initial_suspend(std::source_location here = std::source_location::current()) noexcept {
    function = here;
    return {};
  }

  // Back to the run loop, which resumes the awaiting frame: symmetric transfer grows g++ 12's stack with every
  // synchronous await when it does not optimise.
  struct final_awaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> h) noexcept {
      h.promise().owner->next = h.promise().awaiting;
    }
    void await_resume() noexcept {}
  };
  final_awaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept {
    error = std::current_exception();
    task_threw(*this);
  }
};

/// Calls f(task) for the task that waits with `next` and those around it, innermost first, up to the process's own
/// frame.
template <class F>
void for_each_task(std::coroutine_handle<> next, std::coroutine_handle<> process_frame, F&& f) {
  while (next && next != process_frame) {
    // Every frame but the process's own is a task's, and every task's promise begins with this; task<T> sees to it that
    // all lie at the same place in their frames.
    auto& promise = std::coroutine_handle<task_promise_base>::from_address(next.address()).promise();
    f(promise);
    next = promise.awaiting;
  }
}

template <class T>
struct task_promise : task_promise_base {
  static_assert(alignof(std::optional<T>) <= alignof(std::max_align_t),
                "a task may not give an over-aligned value: hold it through a std::unique_ptr");
  std::optional<T> value;

  task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<T, U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct task_promise<void> : task_promise_base {
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

/// A coroutine that runs as part of the process that awaits it, once: `int n = co_await ask(self, server);`. It starts
/// when it is awaited; its exceptions come out of the co_await. Destroying it destroys its frame where it waits. T is a
/// value or void. Only the process that awaits it may touch it. Parameters may be references to what the awaiting frame
/// owns. A frame that is destroyed destroys the one it awaits, one inside the other, so a recursion of tasks that may
/// be killed should not go some 10,000 levels deep.
template <class T = void>
class [[nodiscard]] task : public detail::awaitable_base {
 public:
  /// For the compiler.
  using promise_type = detail::task_promise<T>;
  /// What co_await gives.
  using value_type = T;

  /// Takes the coroutine over; the other has none then.
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  /// The same; ends the one that this had.
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  /// For co_await: the coroutine always starts then.
  bool await_ready() const noexcept { return false; }
  /// For co_await.
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
    auto& promise = handle_.promise();
    promise.owner = awaiting.promise().owner;
    promise.awaiting = awaiting;
    // relaxed: our own; await_transform has just stored it.
    promise.called_from = promise.owner->where.load(std::memory_order_relaxed);
    promise.owner->next = handle_;
  }
  /// For co_await: what the coroutine returned, or the exception that left it.
  T await_resume() { return handle_.promise().take(); }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace troupe
