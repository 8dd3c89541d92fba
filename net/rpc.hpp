// SPDX-License-Identifier: BSL-1.0
// Calling functions on other nodes: rpc and erpc.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/exports.hpp>
#include <troupe/net/remote.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

/// A function on another node did not return. Uncaught, the caller's exit reason is {badrpc, Reason}.
class rpc_failed : public std::runtime_error {
 public:
  /// How the function ended.
  enum class kind {
    error,  ///< Erlang's error: undef, badarg, an exception of C++'s
    exit,   ///< it called exit
    thrown  ///< it threw (erpc alone: rpc takes what is thrown for the result, as Erlang's does)
  };

  /// It failed so, for that reason; `what` is for people.
  rpc_failed(kind how, term reason, const std::string& what);

  /// How it failed.
  kind how() const noexcept { return how_; }
  /// The reason. Of rpc: what stands in {badrpc, Reason}.
  const term& reason() const noexcept { return reason_; }

 private:
  kind how_;
  term reason_;
};

namespace detail {
task<term> rpc_term(context& self, atom node, export_name what, term arguments, duration patience);
task<term> erpc_term(context& self, atom node, export_name what, term arguments, duration patience);
}  // namespace detail

/// Runs a function on that node and gives its result: `rpc(self, "b@host", "lists:reverse", list)`. Through the process
/// rex, as Erlang's. Throws rpc_failed, and call_failed: timeout (5 s), noconnection. A result {badrpc, Reason} is
/// taken for a failure, as in Erlang; erpc tells the two apart. Erlang: rpc:call/4.
template <class... Args>
task<term> rpc(context& self, process_name node, export_name what, Args... arguments) {
  return detail::rpc_term(self, node.atom(), what, detail::argument_list(arguments...), default_timeout);
}
/// The same with another timeout: rpc(self, "b@host", after(1min), "lists:reverse", list).
template <class... Args>
task<term> rpc(context& self, process_name node, detail::after_clause<void> patience, export_name what,
               Args... arguments) {
  return detail::rpc_term(self, node.atom(), what, detail::argument_list(arguments...), patience.patience);
}

/// The same without rex: a process is spawned there for the call, and each way to end is told apart. Throws rpc_failed
/// and call_failed. Erlang: erpc:call/4.
template <class... Args>
task<term> erpc(context& self, process_name node, export_name what, Args... arguments) {
  return detail::erpc_term(self, node.atom(), what, detail::argument_list(arguments...), default_timeout);
}
/// The same with another timeout.
template <class... Args>
task<term> erpc(context& self, process_name node, detail::after_clause<void> patience, export_name what,
                Args... arguments) {
  return detail::erpc_term(self, node.atom(), what, detail::argument_list(arguments...), patience.patience);
}

}  // namespace troupe
