// SPDX-License-Identifier: BSL-1.0
// What is done to a process of a node. Internal.
#pragma once

#include <troupe/net/tool/target.hpp>

#include <string>

namespace troupe::tool {

/// Sends it, as a message or a cast. Throws tool_error, as all here; also when there is no such process.
task<> send_to(context& self, target& there, std::string process, term message, bool cast);
/// A call, as gen_server:call, and its answer.
task<term> call_to(context& self, target& there, std::string process, term message);
/// exit(Pid, Reason), and waits for the end; gives its reason.
task<term> end_process(context& self, target& there, std::string process, term reason);
/// sys:terminate: in good order.
task<> stop_process(context& self, target& there, std::string process, term reason);
/// sys:get_state.
task<term> state_of(context& self, target& there, std::string process);

}  // namespace troupe::tool
