// SPDX-License-Identifier: BSL-1.0
// What may be given to receive: handlers, when(guard, handler), after(time, handler); and how each is matched.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/request.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/mailbox/inbox.hpp>
#include <troupe/mailbox/message.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

/// Waits for ever: the patience of a receive, call or wait. Erlang: infinity.
inline constexpr detail::duration infinity = detail::for_ever;

namespace detail {

template <class F>
struct after_clause {
  duration patience;
  F handler;
  after_clause(duration d, F f) : patience(d), handler(std::move(f)) {}
};
template <>
struct after_clause<void> {
  duration patience;
  explicit after_clause(duration d) : patience(d) {}
};

template <class Guard, class Handler>
struct guarded {
  Guard guard;
  Handler handler;
  guarded(Guard g, Handler h) : guard(std::move(g)), handler(std::move(h)) {}
};

/// Arguments from which a T is built in place: not a finished T, and no timeout.
template <class T, class... Args>
concept members_for = (sizeof...(Args) != 1 || !(std::convertible_to<Args&&, T> && ...)) &&
                      !(std::same_as<std::remove_cvref_t<Args>, after_clause<void>> || ...);

/// A duration of any unit, without overflow: what does not fit is for ever.
template <class Rep, class Period>
constexpr duration patience_of(std::chrono::duration<Rep, Period> d) {
  using wide = std::chrono::duration<long double, std::nano>;
  const wide w(d);
  if (w >= wide(duration::max())) return duration::max();
  if (w <= wide(0)) return duration(0);
  return std::chrono::duration_cast<duration>(d);
}

}  // namespace detail

/// The last argument of a receive: after so long without a match, `handler()` runs; 0 looks once at what has arrived.
/// Erlang: after.
template <class Rep, class Period, class F>
auto after(std::chrono::duration<Rep, Period> patience, F&& handler) {
  detail::refuse_doubly_destroyed_handler<F>();
  return detail::after_clause<std::remove_cvref_t<F>>(detail::patience_of(patience), std::forward<F>(handler));
}
/// The same without a handler: receive<T>(after(1s)) then says that nothing came.
template <class Rep, class Period>
auto after(std::chrono::duration<Rep, Period> patience) {
  return detail::after_clause<void>(detail::patience_of(patience));
}

/// A handler that takes a message only if `guard(message)` holds: when([&](const job& j) { return j.id == id; },
/// handler). The guard of a request<T> is given the T. It may look, not touch; one that throws is a no, as in Erlang.
/// Erlang: when.
template <class Guard, class Handler>
auto when(Guard&& guard, Handler&& handler) {
  detail::refuse_doubly_destroyed_handler<Guard>();
  detail::refuse_doubly_destroyed_handler<Handler>();
  return detail::guarded<std::remove_cvref_t<Guard>, std::remove_cvref_t<Handler>>(std::forward<Guard>(guard),
                                                                                   std::forward<Handler>(handler));
}

namespace detail {

template <class T>
inline constexpr bool is_after = false;
template <class F>
inline constexpr bool is_after<after_clause<F>> = true;

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

// --- what a handler takes ---------------------------------------------------------------------------------------

template <class>
struct signature;
template <class R, class A>
struct signature<R (*)(A)> {
  using argument = A;
};
template <class R, class A>
struct signature<R (*)(A) noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A)> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const noexcept> : signature<R (*)(A)> {};

template <class F>
concept has_one_call = requires { &F::operator(); };

template <class F>
struct argument_of {
  static_assert(has_one_call<F> || std::is_pointer_v<F>,
                "a handler takes one message and names its type: [](const order& o) {...}; generic lambdas (auto) "
                "cannot be matched");
  using type = typename signature<decltype(&F::operator())>::argument;
};
template <class R, class A>
struct argument_of<R (*)(A)> {
  using type = A;
};
template <class R, class A>
struct argument_of<R (*)(A) noexcept> {
  using type = A;
};
template <class G, class H>
struct argument_of<guarded<G, H>> : argument_of<H> {};

/// A type that receive can take: how it matches an envelope, its index key, and how it is taken out.
template <class T>
struct pattern {
  using payload = T;
  static bool matches(const envelope& e) { return e.kind == envelope_kind::message && payload_matches<T>(e); }
  static pattern_key key() noexcept { return key_for(false); }
  static pattern_key key_for(bool request) noexcept {
    const std::uint64_t shape = descriptor_of<T>.dynamic_key;
    return {.typed = inbox_key(descriptor_of<T>.hash, request),
            .dynamic = shape == 0 ? 0 : inbox_key(~shape, request),
            .any = shape == 0};
  }
  /// The payload in place; null when it only stands for a T.
  static const T* peek(const envelope& e) noexcept {
    if (is_encoded(e)) return encoded_payload(e).value<T>();
    return e.type == &descriptor_of<term> && !std::is_same_v<T, term> ? nullptr : static_cast<const T*>(payload_of(e));
  }
  static T take(envelope_ptr e) {
    // Nearly always all that free_envelope() would ask the envelope is known here.
    if (e->type == &descriptor_of<T> && !e->shared) [[likely]] {
      T* payload = static_cast<T*>(e->payload());
      T value(std::move(*payload));
      std::destroy_at(payload);
      deallocate(e.release());
      return value;
    }
    return take_payload<T>(*e);
  }
  static std::string name() { return std::string(tag<T>()); }
};

template <>
struct pattern<term> {
  using payload = term;
  static bool matches(const envelope& e) { return e.kind == envelope_kind::message && payload_matches<term>(e); }
  static pattern_key key() noexcept { return key_for(false); }
  static pattern_key key_for(bool) noexcept { return {.typed = 0, .dynamic = 0, .any = true}; }
  static const term* peek(const envelope& e) noexcept {
    return is_encoded(e) ? nullptr : static_cast<const term*>(payload_of(e));
  }
  static term take(envelope_ptr e) { return take_payload<term>(*e); }
  static std::string name() { return "term"; }
};

template <>
struct pattern<any_message> {
  using payload = any_message;
  static bool matches(const envelope&) noexcept { return true; }
  static pattern_key key() noexcept { return {.typed = 0, .dynamic = 0, .any = true}; }
  static any_message take(envelope_ptr e) { return any_message(std::move(e)); }
  static std::string name() { return "any_message"; }
};

template <class T>
struct pattern<request<T>> {
  using payload = T;
  // A system request (a get_state, say) is no call, whatever its name.
  static bool matches(const envelope& e) {
    return e.kind == envelope_kind::request && e.label == gen_label::none && payload_matches<T>(e);
  }
  static pattern_key key() noexcept { return pattern<T>::key_for(true); }
  static const T* peek(const envelope& e) noexcept { return pattern<T>::peek(e); }
  static std::string name() { return "request<" + pattern<T>::name() + ">"; }
  static request<T> take(envelope_ptr e) {
    if (same_type(e->type, &descriptor_of<T>)) return request<T>(std::move(e));
    // A term that decodes to a T: the same question with the payload it stands for.
    auto& asked = static_cast<request_envelope&>(*e);
    auto* typed = make_envelope<request_envelope, T>(envelope_kind::request, take_payload<T>(asked));
    typed->from = asked.from;
    typed->ref = asked.ref;
    typed->home = std::exchange(asked.home, nullptr);
    typed->remote = std::exchange(asked.remote, nullptr);
    return request<T>(envelope_ptr(typed));
  }
};

template <class F>
using handled = std::remove_cvref_t<typename argument_of<std::remove_cvref_t<F>>::type>;

/// Does handler `h` take the message? May not throw: a guard that throws is a no.
template <class F>
bool handler_takes(F&, const envelope& e) noexcept {
  try {
    return pattern<handled<F>>::matches(e);
  } catch (...) {
    return false;
  }
}
template <class G, class H>
bool handler_takes(guarded<G, H>& h, const envelope& e) noexcept {
  using wanted = pattern<handled<H>>;
  using payload = typename wanted::payload;
  try {
    if (!wanted::matches(e)) return false;
    if constexpr (std::is_same_v<payload, any_message>) {
      static_assert(!std::is_same_v<payload, any_message>,
                    "a guard needs a type to look at: any_message cannot be guarded");
      return false;
    } else {
      if (const payload* value = wanted::peek(e)) return std::invoke(h.guard, *value);
      if constexpr (std::is_same_v<payload, term>)
        return std::invoke(h.guard, encoded_payload(e).decode());
      else
        return std::invoke(h.guard, from_term<payload>(*static_cast<const term*>(payload_of(e))));
    }
  } catch (...) {
    return false;
  }
}

/// Runs the handler on the message.
template <class F>
decltype(auto) run_handler(F& h, envelope_ptr e) {
  using argument = typename argument_of<F>::type;
  using wanted = handled<F>;
  static_assert(!std::is_lvalue_reference_v<argument> || std::is_const_v<std::remove_reference_t<argument>>,
                "a message is immutable: take it by value or by const&");
  if constexpr (std::is_lvalue_reference_v<argument> && !std::is_same_v<wanted, any_message> &&
                requires(const envelope& x) { pattern<wanted>::peek(x); }) {
    // By const&: in place, shared or not.
    if constexpr (std::is_same_v<typename pattern<wanted>::payload, wanted>)
      if (const wanted* value = pattern<wanted>::peek(*e)) return std::invoke(h, *value);
  }
  if constexpr (std::is_lvalue_reference_v<argument>) {
    const wanted value = pattern<wanted>::take(std::move(e));
    return std::invoke(h, value);
  } else {
    return std::invoke(h, pattern<wanted>::take(std::move(e)));
  }
}
template <class G, class H>
decltype(auto) run_handler(guarded<G, H>& h, envelope_ptr e) {
  return run_handler(h.handler, std::move(e));
}

template <class F>
using handler_result = decltype(run_handler(std::declval<F&>(), std::declval<envelope_ptr>()));

template <class R>
struct awaited {
  using type = std::remove_cvref_t<R>;
};
template <>
struct awaited<void> {
  using type = void;
};
template <class T>
struct awaited<task<T>> {
  using type = T;
};

}  // namespace detail
}  // namespace troupe
