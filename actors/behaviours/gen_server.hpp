// SPDX-License-Identifier: BSL-1.0
// gen_server: a process that keeps a state and answers calls. A class says what it handles; the rest is here.
#pragma once

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/behaviours/object_behaviour.hpp>
#include <troupe/actors/behaviours/server.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace troupe {

class supervisor;

namespace detail {
template <class C, class... Args>
class server_behaviour;
}

/// The base of a server's class. The object is made from the start's arguments, lives in its own process, and nobody
/// else can reach it. What the class may have, all of it public:
///
///     using handles = handlers<call<&C::f>, cast<&C::g>, info<&C::h>, continued<&C::k>>;
///     init_result init();                     // after the constructor; void will do, and task<init_result> may wait
///     void terminate(const term& reason);     // or task<>: before it ends, but not when it is killed
///     S state() const;                        // what sys:get_state shows; a term, or what to_term takes
///     void set_state(S);                      // for sys::replace_state
///     void code_change(const term& old, const term& extra);
///     void hibernating();                     // it has nothing to do for a while: give back memory
///
/// An exception out of a handler ends the server with that reason, by way of terminate. When terminate runs: after
/// stop(), an exception, sys's terminate, and, if the server traps exits, its parent's exit signal. A server that does
/// not trap exits is ended by its parent's end at once, as is one that is killed.
///
/// A call that no handler takes fails its caller with {unexpected_call, Message}; other messages that none takes are
/// logged and dropped. Erlang: gen_server.
class gen_server {
 public:
  /// How context::start makes a process of it.
  struct starter;

  gen_server(const gen_server&) = delete;
  gen_server& operator=(const gen_server&) = delete;

 protected:
  /// Only in the process that a start has made for it. Throws usage_error elsewhere.
  gen_server();
  ~gen_server() = default;

  /// The process: to send, call, link, set timers.
  context& self() const noexcept { return core_.self; }
  /// Who has started it with a link; itself, when it was started without one.
  const pid& parent() const noexcept { return core_.parent; }
  /// Ends the server when the handler that runs has returned: terminate(reason), then the answer of that handler goes
  /// out, then the process exits with the reason. In init it fails the start with that reason. Erlang: {stop, Reason,
  /// Reply, State}.
  void stop(term reason = term(atom("normal"))) { core_.stop(std::move(reason)); }
  /// Runs the continued<> handler for that message next, before any other. Erlang: {continue, Term}.
  template <class M>
  void continue_with(M&& message) {
    next_.push_back(any_message::of(std::forward<M>(message)));
  }
  /// When nothing comes within that time after this handler, the handler of `timeout` runs: info<&C::idle> with void
  /// idle(const timeout&). Any message ends the wait. Erlang: {noreply, State, Timeout}.
  void set_timeout(detail::duration patience) noexcept { patience_ = patience; }
  /// Gives back memory before the next wait. Erlang: hibernate.
  void hibernate() noexcept { core_.hibernate(); }

 private:
  template <class C, class... Args>
  friend class detail::server_behaviour;

  detail::gen_core& core_;
  std::vector<any_message> next_;  // oldest first
  detail::duration patience_ = detail::for_ever;
};

namespace detail {

/// A message that no handler takes: refuses it when it is a call, and says so.
void unexpected_message(gen_core& core) noexcept;
[[noreturn]] void throw_no_continued(const envelope& e);

// g++ warns of a coroutine's frame, which is its own affair, when the class lives in an unnamed namespace.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

/// Stays with its message while it runs: a const& parameter refers to it.
template <class C, auto Method>
task<> answer_in_task(C& object, gen_core& core, envelope_ptr e) {
  using m = method_of<Method>;
  using message = typename m::message;
  message question = take_payload<message>(*e);
  if constexpr (m::is_later) {
    co_await (object.*Method)(static_cast<typename m::argument&&>(question), from<typename m::result>(std::move(e)));
  } else {
    core.current = std::move(e);
    if constexpr (std::is_void_v<typename m::result>) {
      co_await (object.*Method)(static_cast<typename m::argument&&>(question));
      core.answer(std::move(core.current), nullptr);
    } else {
      auto result = co_await (object.*Method)(static_cast<typename m::argument&&>(question));
      core.answer(std::move(core.current),
                  make_envelope<routed_envelope, typename m::result>(envelope_kind::reply, std::move(result)));
    }
  }
}

template <class C, auto Method>
task<> run_in_task(C& object, envelope_ptr e) {
  using m = method_of<Method>;
  if constexpr (std::is_same_v<typename m::message, any_message>) {
    any_message message(std::move(e));
    co_await (object.*Method)(static_cast<typename m::argument&&>(message));
  } else {
    typename m::message message = take_payload<typename m::message>(*e);
    co_await (object.*Method)(static_cast<typename m::argument&&>(message));
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Calls f(argument) with the payload in place where it can be, else taken out.
template <class Argument, class M, class F>
decltype(auto) with_payload(envelope& e, F&& f) {
  if constexpr (std::is_lvalue_reference_v<Argument>) {
    static_assert(std::is_const_v<std::remove_reference_t<Argument>>,
                  "a message is immutable: take it by value or by const&");
    if (const M* place = pattern<M>::peek(e)) return f(*place);
    const M value = take_payload<M>(e);
    return f(value);
  } else {
    return f(take_payload<M>(e));
  }
}

template <class H>
struct handler_kind;

template <auto Method>
struct handler_kind<call<Method>> {
  using m = method_of<Method>;
  using message = typename m::message;
  using checked = typename reply_checked<message, typename m::result>::type;
  static bool takes(const envelope& e) {
    return e.kind == envelope_kind::request && e.label == gen_label::none && payload_matches<message>(e);
  }
  template <class C>
  static step run(C& object, gen_core& core) {
    envelope& e = *core.current;
    if constexpr (m::is_task) {
      return answer_in_task<C, Method>(object, core, std::move(core.current));
    } else if constexpr (m::is_later) {
      // from<> takes the envelope over, and with it a payload in place: so the message is taken out.
      message question = take_payload<message>(e);
      (object.*Method)(static_cast<typename m::argument&&>(question),
                       from<typename m::result>(std::move(core.current)));
    } else if constexpr (std::is_void_v<typename m::result>) {
      with_payload<typename m::argument, message>(e, [&]<class A>(A&& a) { (object.*Method)(std::forward<A>(a)); });
      core.answer(std::move(core.current), nullptr);
    } else {
      using result = typename m::result;
      static_assert(sendable<result>, "what a call's method returns goes to another process: it must be sendable");
      envelope* reply = with_payload<typename m::argument, message>(e, [&]<class A>(A&& a) -> envelope* {
        return make_envelope<routed_envelope, result>(envelope_kind::reply, (object.*Method)(std::forward<A>(a)));
      });
      core.answer(std::move(core.current), reply);
    }
    return {};
  }
};

template <auto Method>
struct message_handler {
  using m = method_of<Method>;
  using message = typename m::message;
  static_assert(std::is_void_v<typename m::result>,
                "a cast or a message has no answer: its method returns void or task<>");
  static bool fits(const envelope& e) {
    if constexpr (std::is_same_v<message, any_message>)
      return true;
    else
      return payload_matches<message>(e);
  }
  template <class C>
  static step run(C& object, gen_core& core) {
    if constexpr (m::is_task) {
      return run_in_task<C, Method>(object, std::move(core.current));
    } else if constexpr (std::is_same_v<message, any_message>) {
      any_message whole(std::move(core.current));
      (object.*Method)(static_cast<typename m::argument&&>(whole));
    } else {
      with_payload<typename m::argument, message>(*core.current,
                                                  [&]<class A>(A&& a) { (object.*Method)(std::forward<A>(a)); });
    }
    return {};
  }
};

template <auto Method>
struct handler_kind<cast<Method>> : message_handler<Method> {
  static bool takes(const envelope& e) {
    return e.kind == envelope_kind::message && e.label == gen_label::cast && message_handler<Method>::fits(e);
  }
};
template <auto Method>
struct handler_kind<info<Method>> : message_handler<Method> {
  static bool takes(const envelope& e) {
    return e.kind == envelope_kind::message && e.label != gen_label::cast && message_handler<Method>::fits(e);
  }
};
template <auto Method>
struct handler_kind<continued<Method>> : message_handler<Method> {
  // continue_with's alone.
  static bool takes(const envelope&) { return false; }
};

template <class H>
inline constexpr bool is_continued = false;
template <auto Method>
inline constexpr bool is_continued<continued<Method>> = true;

/// Runs the first handler that takes core.current; false when none does.
template <class C, class... H>
bool dispatch(C& object, gen_core& core, step& todo, handlers<H...>) {
  const auto takes = []<class One>(std::type_identity<One>, const envelope& e) noexcept {
    try {
      return handler_kind<One>::takes(e);
    } catch (...) {
      return false;  // a term that cannot be decoded now
    }
  };
  return ((takes(std::type_identity<H>(), *core.current) && (todo = handler_kind<H>::run(object, core), true)) || ...);
}

/// Runs the first continued<> handler that takes core.current; false when none does.
template <class C, class... H>
bool dispatch_continued(C& object, gen_core& core, step& todo, handlers<H...>) {
  const auto attempt = [&]<class One>(std::type_identity<One>) {
    if constexpr (is_continued<One>) {
      if (!handler_kind<One>::fits(*core.current)) return false;
      todo = handler_kind<One>::run(object, core);
      return true;
    }
    return false;
  };
  return (attempt(std::type_identity<H>()) || ...);
}

/// A gen_server's behaviour.
template <class C, class... Args>
class server_behaviour final : public object_behaviour<C, Args...> {
 public:
  using object_behaviour<C, Args...>::object_behaviour;

  task<init_result> init(gen_core& core) override {
    this->make_object(core);
    if constexpr (requires(C& c) { c.supervise(c.init()); }) {
      // A supervisor's init says what there is to do.
      co_return co_await object().supervise(object().init());
    } else if constexpr (requires(C& c) { c.init(); }) {
      using given = decltype(object().init());
      if constexpr (std::is_void_v<given>) {
        object().init();
      } else if constexpr (std::is_same_v<given, init_result>) {
        co_return object().init();
      } else if constexpr (std::is_same_v<given, task<>>) {
        co_await object().init();
      } else {
        static_assert(std::is_same_v<given, task<init_result>>,
                      "init returns void, init_result, task<> or task<init_result>");
        co_return co_await object().init();
      }
    }
    co_return init_result();
  }

  step handle(gen_core& core) override {
    step todo;
    base().patience_ = for_ever;
    if (!dispatch(object(), core, todo, typename C::handles())) unexpected_message(core);
    return todo;
  }
  step timed_out(gen_core& core) override {
    core.current.reset(make_envelope<envelope, timeout>(envelope_kind::message, timeout{}));
    return handle(core);
  }
  bool has_next() const override { return !base().next_.empty(); }
  step next(gen_core& core) override {
    step todo;
    base().patience_ = for_ever;
    core.current = base().next_.front().release();
    base().next_.erase(base().next_.begin());
    if (!dispatch_continued(object(), core, todo, typename C::handles())) throw_no_continued(*core.current);
    return todo;
  }
  duration patience() override { return base().patience_; }

  term state() override {
    if constexpr (requires(const C& c) { c.state(); }) return to_term(object().state());
    return atom(this->name());
  }
  bool set_state(const term& value) override {
    if constexpr (requires { &C::set_state; }) {
      object().set_state(from_term<typename method_of<&C::set_state>::message>(value));
      return true;
    }
    return behaviour::set_state(value);
  }
  step code_change(const term& old_version, const term& extra) override {
    return this->change_code(old_version, extra);
  }

  const char* kind() const noexcept override { return std::is_base_of_v<supervisor, C> ? "supervisor" : "gen_server"; }
  const char* header() const noexcept override { return "Status for generic server"; }

 private:
  using object_behaviour<C, Args...>::object;
  gen_server& base() noexcept { return object(); }
  const gen_server& base() const noexcept { return object(); }
};

}  // namespace detail

/// The machinery's.
struct gen_server::starter {
  /// What users hold.
  template <class C>
  using reference = server<C>;
  /// The class's own name.
  template <class C>
  static std::string_view name() {
    return type_name<C>();
  }
  /// Its behaviour, not yet a process.
  template <class C, class... Args>
  static detail::behaviour_ptr make(Args&&... args) {
    static_assert(std::derived_from<C, gen_server>, "C derives publicly from gen_server");
    static_assert(detail::has_handles<C>,
                  "a gen_server says what it handles: using handles = handlers<call<&C::f>, cast<&C::g>>;");
    return detail::make_behaviour<C, detail::server_behaviour>(std::forward<Args>(args)...);
  }
};

}  // namespace troupe
