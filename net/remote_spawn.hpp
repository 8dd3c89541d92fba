// SPDX-License-Identifier: BSL-1.0
// Processes that other nodes start here. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <memory>
#include <optional>

namespace troupe::detail {

class connection;
class distribution;
struct exported;

/// What a spawn request says.
struct spawn_demand {
  reference ref;
  pid parent;
  pid group_leader;
  atom module;
  atom function;
  term arguments;  // a list
  term options;
};

/// The coroutine of an exported process, which `made` keeps alive as long as it runs. Throws decode_error when the
/// arguments do not fit, and what the user's code throws.
process start_exported(new_process& made, const std::shared_ptr<const exported>& what, const term& arguments);

/// Starts the process and answers the request; the answer leaves before anything that the process sends. What is not
/// exported is answered as Erlang does: with a process that ends by undef. `server`: the process that serves the
/// connection, which calls this.
void spawn_for(distribution& home, const std::shared_ptr<connection>& by, slot& server, spawn_demand demand);

/// What a call of an exported function has come to.
struct call_outcome {
  enum class kind : std::uint8_t { value, thrown, exit, error };
  kind how = kind::value;
  term value;  // or the reason
};

/// {undef,[{Module,Function,Arguments,[]}]}
term undefined_function(atom module, atom function, const term& arguments);

/// Runs the exported function in the calling process. What is not exported is the error undef; an exception is the
/// error {error, What}, arguments that do not fit badarg. (A kill still kills.)
task<call_outcome> call_exported(context& self, distribution& home, atom module, atom function, term arguments);

}  // namespace troupe::detail
