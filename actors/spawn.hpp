// SPDX-License-Identifier: BSL-1.0
// How a process is made from a coroutine function and its arguments.
#pragma once

#include <troupe/actors/destination.hpp>
#include <troupe/actors/mailbox_limit.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {

/// What a spawn does besides: spawn({.name = "counter", .link = true}, counter, 0).
struct spawn_options {
  process_name name{};      ///< registers the process before it runs; a taken name throws registration_error
  bool link = false;        ///< links it with the spawning process; ignored when spawned from outside
  bool monitor = false;     ///< the spawning process monitors it: see spawned::monitor
  mailbox_limit mailbox{};  ///< how many messages may wait for it, and what becomes of one too many
};

/// A new process and the monitor on it. Erlang: {Pid, Ref} of spawn_monitor.
struct spawned {
  troupe::pid pid;    ///< the process
  reference monitor;  ///< null without monitor
};

namespace detail {

struct kept_callable : pooled {
  virtual ~kept_callable() = default;
};

template <class F>
struct kept_function final : kept_callable {
  F function;
  explicit kept_function(F f) : function(std::move(f)) {}
};

/// Who has asked for a process from another node: its link and monitor are there from the first moment on.
struct remote_parent {
  pid parent;
  reference ref;  // of the monitor
  bool link = false;
  bool monitor = false;
  std::uint64_t connection = 0;
  pid group_leader;
};

/// A spawn in progress: gives the slot back unless it is launched.
class new_process {
 public:
  /// `parent`: the spawning process or null. Throws system_limit, usage_error.
  new_process(runtime& rt, slot* parent);
  ~new_process();
  new_process(const new_process&) = delete;
  new_process& operator=(const new_process&) = delete;

  context& self() noexcept;
  void keep(std::unique_ptr<kept_callable> callable);
  /// Registers, links, monitors, and lets it run. Throws registration_error.
  spawned launch(process body, const spawn_options& options, const remote_parent* remote = nullptr);

 private:
  runtime& rt_;
  slot* parent_;
  slot* slot_;
};

/// A coroutine that lives in an object without state (a function, a lambda without captures) needs nothing kept.
template <class F>
inline constexpr bool has_state = !std::is_function_v<std::remove_pointer_t<F>> && !std::is_empty_v<F>;

template <class F, class... Args>
spawned spawn_process(runtime& rt, slot* parent, const spawn_options& options, F&& f, Args&&... args) {
  using function = std::decay_t<F>;
  static_assert(std::is_invocable_r_v<process, function&, context&, Args...>,
                "spawn takes a coroutine function `process f(context& self, ...)` and its arguments");
  (check_argument<Args>(), ...);
  new_process made(rt, parent);
  if constexpr (has_state<function>) {
    auto kept = std::make_unique<kept_function<function>>(std::forward<F>(f));
    function& callable = kept->function;
    made.keep(std::move(kept));
    return made.launch(callable(made.self(), std::forward<Args>(args)...), options);
  } else {
    return made.launch(f(made.self(), std::forward<Args>(args)...), options);
  }
}

}  // namespace detail
}  // namespace troupe
