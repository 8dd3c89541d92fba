// SPDX-License-Identifier: BSL-1.0
// across: test bodies, written for one actor_system, whose processes are spread over the nodes of a simulated network.
// Included by everywhere.hpp and its like in suites of test/actors, where TROUPE_TEST_ACROSS says so: for
// nodes_semantics_test.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/testing/simulation.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {
class far_context;
}

namespace troupe_test {

/// Where a spawn of this process goes: another node as often as not.
struct far_place {
  troupe::detail::runtime* where = nullptr;  // null: the process's own node
  std::uint64_t connection_here = 0;
  std::uint64_t connection_there = 0;
};
/// The seed's choice. With `linked` both ends of the connection know that the two processes use it.
far_place choose_place(troupe::detail::slot& s);
void use_connection(troupe::detail::runtime& rt, std::uint64_t connection, const troupe::pid& process);
/// A name is that of a process here; if nobody here has it, of one that has it elsewhere.
troupe::destination wherever(const troupe::destination& to);
/// Is it alive, on whichever node?
bool is_alive_somewhere(const troupe::pid& p);

}  // namespace troupe_test

/// As for context itself.
template <class... Parameters>
struct std::coroutine_traits<troupe::process, troupe::far_context&, Parameters...> {
  using promise_type = typename troupe::detail::process_promise_for<Parameters...>::type;
};
template <class Object, class... Parameters>
struct std::coroutine_traits<troupe::process, Object, troupe::far_context&, Parameters...> {
  using promise_type = typename troupe::detail::process_promise_for<Parameters...>::type;
};

namespace troupe {

/// A context whose spawns go to other nodes, too. Links and monitors of spawn are there from the first moment on, as
/// with spawn_at; names are found wherever they are. What has a name, and what is given something that cannot be
/// copied, stays on its own node.
class far_context : public context {
 public:
  template <class F, class... Args>
    requires(!std::same_as<std::remove_cvref_t<F>, spawn_options>)
  troupe::pid spawn(F&& f, Args&&... args) {
    return start({}, std::forward<F>(f), std::forward<Args>(args)...).pid;
  }
  template <class F, class... Args>
  spawned spawn(const spawn_options& options, F&& f, Args&&... args) {
    return start(options, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  troupe::pid spawn_link(F&& f, Args&&... args) {
    return start({.name = {}, .link = true}, std::forward<F>(f), std::forward<Args>(args)...).pid;
  }
  template <class F, class... Args>
  spawned spawn_monitor(F&& f, Args&&... args) {
    return start({.name = {}, .link = false, .monitor = true}, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, any_message>)
  sent send(const destination& to, M&& message) {
    return context::send(troupe_test::wherever(to), std::forward<M>(message));
  }
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  sent send(const destination& to, Args&&... members) {
    return context::send<T>(troupe_test::wherever(to), std::forward<Args>(members)...);
  }
  sent send(const destination& to, any_message message) {
    return context::send(troupe_test::wherever(to), std::move(message));
  }
  template <class M>
  auto call(const destination& to, M&& message, detail::duration patience = default_timeout) {
    return context::call(troupe_test::wherever(to), std::forward<M>(message), patience);
  }
  template <class T, class... Args>
    requires detail::members_for<T, Args...>
  auto call(const destination& to, Args&&... members) {
    return context::call<T>(troupe_test::wherever(to), std::forward<Args>(members)...);
  }
  template <class T, class... Args>
  auto call(const destination& to, detail::after_clause<void> patience, Args&&... members) {
    return context::call<T>(troupe_test::wherever(to), patience, std::forward<Args>(members)...);
  }
  reference monitor(const destination& other) { return context::monitor(troupe_test::wherever(other)); }
  bool is_alive(const troupe::pid& other) const noexcept {
    return context::is_alive(other) || troupe_test::is_alive_somewhere(other);
  }

  /// The function as one that takes a context.
  template <class F>
  static auto adapted(F&& f) {
    using function = std::decay_t<F>;
    return [f = function(std::forward<F>(f))](context& self, auto&&... given) mutable -> process {
      if constexpr (std::is_invocable_v<function&, far_context&, decltype(given)...>)
        return f(static_cast<far_context&>(self), std::forward<decltype(given)>(given)...);
      else
        return f(self, std::forward<decltype(given)>(given)...);
    };
  }

 private:
  template <class F, class... Args>
  spawned start(const spawn_options& options, F&& f, Args&&... args) {
    auto body = adapted(std::forward<F>(f));
    constexpr bool can_travel = (std::is_copy_constructible_v<std::decay_t<Args>> && ...);
    detail::slot& s = detail::slot_access::of(*this);
    troupe_test::far_place place;
    if (can_travel && options.name.atom().empty()) place = troupe_test::choose_place(s);
    if (place.where == nullptr)
      return detail::spawn_process(*s.rt, &s, options, std::move(body), std::forward<Args>(args)...);

    detail::new_process made(*place.where, nullptr);
    auto kept = std::make_unique<detail::kept_function<decltype(body)>>(std::move(body));
    auto& callable = kept->function;
    made.keep(std::move(kept));
    spawned result{made.self().pid(), {}};
    detail::remote_parent parent;
    parent.parent = pid();
    parent.link = options.link;
    parent.monitor = options.monitor;
    parent.connection = place.connection_there;
    if (options.link) s.more().links[result.pid] = {0, place.connection_here};
    if (options.monitor) {
      parent.ref = result.monitor = context::make_reference();
      s.more().watching[result.monitor] = {result.pid, atom(), atom(), place.connection_here};
    }
    s.more().uses(place.connection_here);
    troupe_test::use_connection(*s.rt, place.connection_here, pid());
    troupe_test::use_connection(*place.where, place.connection_there, result.pid);
    made.launch(callable(made.self(), std::forward<Args>(args)...), {}, &parent);
    return result;
  }
};

/// For the cases that make a system of their own: they stay on it.
class far_system : public actor_system {
 public:
  using actor_system::actor_system;
  template <class F, class... Args>
    requires(!std::same_as<std::remove_cvref_t<F>, spawn_options>)
  pid spawn(F&& f, Args&&... args) {
    return actor_system::spawn(far_context::adapted(std::forward<F>(f)), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  pid spawn(const spawn_options& options, F&& f, Args&&... args) {
    return actor_system::spawn(options, far_context::adapted(std::forward<F>(f)), std::forward<Args>(args)...);
  }
};

}  // namespace troupe

#define context far_context
#define actor_system far_system
