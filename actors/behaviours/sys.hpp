// SPDX-License-Identifier: BSL-1.0
// sys: looking into a behaviour's process, holding it, and ending it, on this node or another, of troupe or of Erlang.
#pragma once

#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/context.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

/// What Erlang's module sys does. Each function asks `process` (a pid, a name, remote(name, node), a server<C>) and
/// waits for the answer; throws call_failed as context::call does. Only for the process whose context it is given.
namespace troupe::sys {

/// The state: what the class's state() gives; a gen_server without one shows its class's name. Erlang: sys:get_state/2.
task<term> get_state(context& self, destination process, detail::duration patience = default_timeout);
/// {status, Pid, {module, Module}, [Dictionary, running | suspended, Parent, Debug, Misc]}. Erlang: sys:get_status/2.
task<term> get_status(context& self, destination process, detail::duration patience = default_timeout);
/// Gives the process another state: what `change` makes of its present one, in the process itself; returns it. The
/// class needs set_state. Throws call_failed when change throws, {callback_failed, ...}. Processes of this node alone:
/// usage_error for others. Erlang: sys:replace_state/3.
task<term> replace_state(context& self, destination process, std::function<term(const term&)> change,
                         detail::duration patience = default_timeout);

/// It handles no message but system messages and its parent's exit until it is resumed. Erlang: sys:suspend/2.
task<> suspend(context& self, destination process, detail::duration patience = default_timeout);
/// Erlang: sys:resume/2.
task<> resume(context& self, destination process, detail::duration patience = default_timeout);
/// Has the (suspended) process change its state to that of other code: calls the class's code_change. Throws
/// call_failed with what that threw. Erlang: sys:change_code/5.
task<> change_code(context& self, destination process, atom module, term old_version, term extra,
                   detail::duration patience = default_timeout);
/// Ends it with that reason, by way of its terminate; returns when it has agreed. Erlang: sys:terminate/3.
task<> terminate(context& self, destination process, term reason, detail::duration patience = default_timeout);

/// Each event of the process goes to its log, or no longer. Erlang: sys:trace/3.
task<> trace(context& self, destination process, bool on, detail::duration patience = default_timeout);
/// The last `length` events are kept; 0: none. Erlang: sys:log/3.
task<> log(context& self, destination process, std::size_t length, detail::duration patience = default_timeout);
/// The events kept, oldest first: {in, Message}, {out, Answer, To}. Erlang: sys:log(Name, get).
task<std::vector<term>> get_log(context& self, destination process, detail::duration patience = default_timeout);

/// What a process has done since its statistics were switched on.
struct process_statistics {
  std::uint64_t messages_in = 0;   ///< messages, casts and calls
  std::uint64_t messages_out = 0;  ///< answers
  std::uint64_t reductions = 0;    ///< messages and answers it has taken, those it waited for within a handler included
};
/// Counts from now on, or no longer. Erlang: sys:statistics/3.
task<> statistics(context& self, destination process, bool on, detail::duration patience = default_timeout);
/// Nothing when they are off.
task<std::optional<process_statistics>> get_statistics(context& self, destination process,
                                                       detail::duration patience = default_timeout);
/// Ends trace, log and statistics. Erlang: sys:no_debug/2.
task<> no_debug(context& self, destination process, detail::duration patience = default_timeout);

/// Any system request: {debug, {log, get}} and its like. The answer as it came.
task<term> request(context& self, destination process, term what, detail::duration patience = default_timeout);

}  // namespace troupe::sys

namespace troupe {

/// Ends a behaviour's process with that reason and waits until it is gone. Throws call_failed: noproc, timeout, or the
/// reason it ended with when that was another one. Erlang: gen_server:stop/3, proc_lib:stop/3.
task<> stop(context& self, destination process, term reason = term(atom("normal")),
            detail::duration patience = infinity);

}  // namespace troupe
