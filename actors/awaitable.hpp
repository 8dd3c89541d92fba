// SPDX-License-Identifier: BSL-1.0
// What process and task have in common: which awaitables they accept, and the guard against g++ 12's coroutine bug.
#pragma once

#include <troupe/actors/slot.hpp>

#include <concepts>
#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// The base of everything that a process may await: the run loop resumes frames, nobody else, so a foreign awaitable
/// would never wake.
struct awaitable_base {};

template <class T>
concept process_awaitable = std::derived_from<std::remove_cvref_t<T>, awaitable_base>;

// g++ before 13 destroys a temporary inside a co_await expression twice when its type has no constructor of its own (an
// aggregate, a lambda) and a destructor that does something. Our awaitables refuse such arguments there.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool temporaries_die_twice = true;
#else
inline constexpr bool temporaries_die_twice = false;
#endif

/// A way round another fault of g++ before 13: it copies into the frame what await_transform returns by reference.
template <class A>
struct awaited_in_place {
  A& awaitable;
  bool await_ready() { return awaitable.await_ready(); }
  template <class P>
  void await_suspend(std::coroutine_handle<P> h) {
    awaitable.await_suspend(h);
  }
  decltype(auto) await_resume() { return awaitable.await_resume(); }
};

/// The promises of process and task<T>: both know the slot they run in.
struct promise_base {
  slot* owner = nullptr;

  template <class A>
  decltype(auto) await_transform(A&& awaitable, std::source_location where = std::source_location::current()) noexcept {
    static_assert(process_awaitable<A>,
                  "a process may only await what troupe offers (self.receive, self.call, self.sleep, a task<T> ...): "
                  "anything else would never be resumed; run blocking work with self.blocking(f)");
    owner->where.store(where, std::memory_order_relaxed);
    if constexpr (temporaries_die_twice)
      return awaited_in_place<std::remove_reference_t<A>>{awaitable};
    else
      return static_cast<A&&>(awaitable);
  }

  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* p, std::size_t) noexcept { deallocate(p); }
};

/// For a message given to send, call, request: T is deduced from a forwarding reference.
template <class T>
constexpr void refuse_doubly_destroyed_message() {
  static_assert(
      !temporaries_die_twice || std::is_lvalue_reference_v<T> || !std::is_aggregate_v<std::remove_cvref_t<T>> ||
          std::is_trivially_destructible_v<std::remove_cvref_t<T>>,
      "g++ before 13 would destroy this temporary message twice inside a co_await expression: build it in place, "
      "self.call<T>(to, members...), or name it first and pass it without std::move, or use clang 16+ or g++ 13+");
}

/// For a handler given to receive.
template <class T>
constexpr void refuse_doubly_destroyed_handler() {
  static_assert(!temporaries_die_twice || std::is_lvalue_reference_v<T> ||
                    std::is_trivially_destructible_v<std::remove_cvref_t<T>>,
                "g++ before 13 would destroy this temporary handler twice inside a co_await expression: capture by "
                "reference ([&]), "
                "or name the handler first, or use clang 16+ or g++ 13+");
}

}  // namespace troupe::detail
