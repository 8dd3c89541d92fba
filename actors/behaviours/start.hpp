// SPDX-License-Identifier: BSL-1.0
// How behaviours are started: options, and what comes of a start.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/clock.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/actors/mailbox_limit.hpp>
#include <troupe/actors/slot.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <concepts>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace troupe {

class context;

/// How a behaviour is started: self.start_link<counter>({.name = "counter"}, 0). Erlang: ServerName and Options of
/// gen_server:start_link/4.
struct start_options {
  process_name name{};                          ///< registers it before its init; the empty name: does not
  detail::duration timeout = detail::for_ever;  ///< of its init; then it is killed, and the start fails by timeout
  /// Idle for so long, it hibernates: gives back memory that it can do without.
  detail::duration hibernate_after = detail::for_ever;
  mailbox_limit mailbox{};  ///< how many messages may wait for it
};

/// What came of a start. A message like any other. Erlang: {ok, Pid} | ignore | {error, Reason}.
struct start_result {
  /// What has become of it.
  enum class outcome : std::uint8_t {
    started,  ///< `process` runs, and its init is done
    ignored,  ///< its init said that it is not wanted
    failed    ///< `reason` is why: what init gave or threw, timeout, {already_started, Pid}
  };
  outcome what = outcome::started;  ///< what has become of it
  troupe::pid process;              ///< null unless it was started
  term reason;                      ///< why not
  reference monitor{};              ///< of try_start_monitor

  /// Does it run?
  bool started() const noexcept { return what == outcome::started; }
  friend bool operator==(const start_result&, const start_result&) = default;
};

/// A start that gave no process. Uncaught, it is the exit reason of the starting process: ignore, or the reason.
class start_failed : public std::runtime_error {
 public:
  /// `what`: the name of the class.
  start_failed(std::string_view what, start_result result);

  /// Its init returned `ignore`: there was no error.
  bool is_ignored() const noexcept { return result_.what == start_result::outcome::ignored; }
  /// Why: what init gave or threw, timeout, {already_started, Pid}; the atom ignore when that is why.
  const term& reason() const noexcept { return result_.reason; }
  /// All that is known of the start.
  const start_result& result() const noexcept { return result_; }

 private:
  start_result result_;
};

/// A started behaviour, and the monitor on it. Erlang: {ok, {Pid, Monitor}} of gen_server:start_monitor/3.
template <class Reference>
struct monitored {
  Reference process;  ///< server<C> for a gen_server
  reference monitor;  ///< its down message carries it
};

namespace detail {

class behaviour;
struct behaviour_deleter {
  void operator()(behaviour* b) const noexcept;
};
using behaviour_ptr = std::unique_ptr<behaviour, behaviour_deleter>;

/// A class that says how it is made a process of: gen_server, gen_statem, supervisor ... `starter::make<C>(arguments)`
/// gives its behaviour, `starter::reference<C>` is what users hold.
template <class C>
concept startable = requires { typename C::starter; };

template <class C>
using started_reference = typename C::starter::template reference<C>;

struct start_relations {
  bool link = false;
  bool monitor = false;
  bool for_thread = false;  // who starts it is the helper of a thread, and no ancestor
};

/// Spawns it, waits until its init is done.
task<start_result> start_behaviour(context& self, behaviour_ptr b, start_options options, start_relations relations);
[[noreturn]] void throw_not_started(std::string_view name, start_result result);

template <class C>
task<started_reference<C>> start_or_throw(context& self, behaviour_ptr b, start_options options,
                                          start_relations relations) {
  start_result made = co_await start_behaviour(self, std::move(b), options, relations);
  if (!made.started()) throw_not_started(C::starter::template name<C>(), std::move(made));
  co_return started_reference<C>(made.process);
}
template <class C>
task<monitored<started_reference<C>>> start_monitored(context& self, behaviour_ptr b, start_options options) {
  start_result made = co_await start_behaviour(self, std::move(b), options, {.link = false, .monitor = true});
  if (!made.started()) throw_not_started(C::starter::template name<C>(), std::move(made));
  co_return monitored<started_reference<C>>{started_reference<C>(made.process), made.monitor};
}

}  // namespace detail
}  // namespace troupe
