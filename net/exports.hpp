// SPDX-License-Identifier: BSL-1.0
// What other nodes may run here: functions for rpc and erpc, and processes for spawn. Nothing unless it is exported.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/term.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// How exported things are called from afar: "calc:add" is calc:add in Erlang and :calc.add in Elixir; without a
/// module, "reducer" is troupe:reducer. The arity is that of the function without its context. Throws
/// std::invalid_argument for an empty part.
struct export_name {
  atom module;    ///< troupe unless said
  atom function;  ///< without its arity

  /// Of "module:function", or of "function" alone.
  export_name(std::string_view name);
  /// The same, from a C string.
  export_name(const char* name) : export_name(std::string_view(name)) {}
  /// The same, from a std::string.
  export_name(const std::string& name) : export_name(std::string_view(name)) {}
  /// Of its two parts.
  export_name(atom m, atom f) noexcept : module(m), function(f) {}
};

namespace detail {

/// An exported function or process, of one arity.
struct exported {
  std::size_t arity = 0;
  /// Runs the function. Null for processes. Throws decode_error when the arguments do not fit.
  std::function<task<term>(context&, const std::vector<term>&)> call;
  /// Makes the process's coroutine. Null for functions. Throws decode_error.
  std::function<process(context&, const std::vector<term>&)> start;
};

/// The parameters of a callable.
template <class F>
struct callable : callable<decltype(&F::operator())> {};
template <class R, class... A>
struct callable<R (*)(A...)> {
  using result = R;
  using parameters = std::tuple<A...>;
};
template <class R, class... A>
struct callable<R (*)(A...) noexcept> : callable<R (*)(A...)> {};
template <class R, class C, class... A>
struct callable<R (C::*)(A...)> : callable<R (*)(A...)> {};
template <class R, class C, class... A>
struct callable<R (C::*)(A...) const> : callable<R (*)(A...)> {};
template <class R, class C, class... A>
struct callable<R (C::*)(A...) noexcept> : callable<R (*)(A...)> {};
template <class R, class C, class... A>
struct callable<R (C::*)(A...) const noexcept> : callable<R (*)(A...)> {};

template <class Tuple>
struct takes_context {
  static constexpr bool value = false;
  using rest = Tuple;
};
template <class... A>
struct takes_context<std::tuple<context&, A...>> {
  static constexpr bool value = true;
  using rest = std::tuple<A...>;
};

template <class Tuple>
struct decayed;
template <class... A>
struct decayed<std::tuple<A...>> {
  using type = std::tuple<std::decay_t<A>...>;
};

/// The arguments as the types that the function takes.
template <class Tuple, std::size_t... I>
Tuple decode_arguments(const std::vector<term>& arguments, std::index_sequence<I...>) {
  return Tuple{from_term<std::tuple_element_t<I, Tuple>>(arguments[I])...};
}

template <class R>
term result_term(R&& value) {
  using type = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<type, std::string_view> || std::is_convertible_v<R, const char*>)
    return term(std::string_view(value));
  else
    return to_term(value);
}

template <bool WithContext, class Tuple, class F>
task<term> run_exported(std::shared_ptr<F> f, context& self, Tuple arguments) {
  const auto invoke = [&]() -> decltype(auto) {
    return std::apply(
        [&](auto&... a) -> decltype(auto) {
          if constexpr (WithContext)
            return (*f)(self, std::move(a)...);
          else
            return (*f)(std::move(a)...);
        },
        arguments);
  };
  using result = std::remove_cvref_t<decltype(invoke())>;
  if constexpr (is_task<result>) {
    auto work = invoke();
    using value = typename awaited<result>::type;
    if constexpr (std::is_void_v<value>) {
      co_await std::move(work);
      co_return term(atom("ok"));
    } else {
      const value got = co_await std::move(work);
      co_return result_term(got);
    }
  } else if constexpr (std::is_void_v<result>) {
    invoke();
    co_return term(atom("ok"));
  } else {
    co_return result_term(invoke());
  }
}

template <class F>
exported make_exported(F&& f) {
  using function = std::decay_t<F>;
  using traits = callable<function>;
  using with = takes_context<typename traits::parameters>;
  using arguments = typename decayed<typename with::rest>::type;
  constexpr std::size_t arity = std::tuple_size_v<arguments>;
  auto kept = std::make_shared<function>(std::forward<F>(f));
  exported e;
  e.arity = arity;
  if constexpr (std::is_same_v<typename traits::result, process>) {
    static_assert(with::value, "a process takes the context as its first parameter");
    e.start = [kept](context& self, const std::vector<term>& given) -> process {
      arguments decoded = decode_arguments<arguments>(given, std::make_index_sequence<arity>());
      return std::apply([&](auto&... a) -> process { return (*kept)(self, std::move(a)...); }, decoded);
    };
  } else {
    e.call = [kept](context& self, const std::vector<term>& given) -> task<term> {
      return run_exported<with::value, arguments, function>(
          kept, self, decode_arguments<arguments>(given, std::make_index_sequence<arity>()));
    };
  }
  return e;
}

/// All that is exported. Any thread.
class export_table {
 public:
  /// Replaces what had the name and the arity.
  void add(const export_name& name, exported what);
  bool remove(const export_name& name, std::size_t arity);
  /// Null when there is none.
  std::shared_ptr<const exported> find(atom module, atom function, std::size_t arity) const;

 private:
  mutable std::mutex lock_;
  std::map<std::tuple<atom, atom, std::size_t>, std::shared_ptr<const exported>> table_;
};

}  // namespace detail
}  // namespace troupe
