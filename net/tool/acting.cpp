// SPDX-License-Identifier: BSL-1.0
// Sending, calling, ending.
#include <troupe/net/tool/acting.hpp>

#include <troupe/actors/behaviours/sys.hpp>

#include <optional>
#include <utility>

namespace troupe::tool {

using namespace literals;

task<> send_to(context& self, target& there, std::string process, term message, bool cast) {
  co_await there.must_exist(self, process);
  const destination to = there.process(process);
  if (cast)
    self.cast(to, message);
  else
    self.send(to, message);
  // What is sent is on its way when the node has answered something that was sent after it.
  const bool there_still = co_await ping(self, there.node_atom(), there.patience());
  if (!there_still) throw there.no_answer("the node");
}

task<term> call_to(context& self, target& there, std::string process, term message) {
  const destination to = there.process(process);
  try {
    co_return co_await self.call(to, message, there.patience());
  } catch (const call_failed& e) {
    throw there.explain(e, process);
  }
}

task<term> end_process(context& self, target& there, std::string process, term reason) {
  const pid victim = co_await there.pid_of(self, process);
  const reference watch = self.monitor(victim);
  self.exit(victim, reason);
  const auto mine = [&](const down& d) { return d.ref == watch; };
  std::optional<term> ended;
  const auto note = [&](const down& d) { ended = d.reason; };
  auto handler = when(mine, note);
  auto clause = after(there.patience());
  co_await self.receive(handler, clause);
  if (!ended) {
    const bool node_answers = co_await ping(self, there.node_atom(), there.patience());
    if (!node_answers)
      throw tool_error(std::string(there.no_answer("the node").what()) + "; the exit signal has been sent to it");
    throw tool_error(there.name() + ": " + process + " still lives: it traps exits, or ignores " + there.show(reason));
  }
  if (ended->is_atom("noproc"_atom) || ended->is_atom("noconnection"_atom))
    throw there.explain(call_failed(*ended, victim, "monitor"), process);
  co_return std::move(*ended);
}

task<> stop_process(context& self, target& there, std::string process, term reason) {
  const destination to = there.process(process);
  try {
    co_await stop(self, to, reason, there.patience());
  } catch (const call_failed& e) {
    throw there.explain(e, process);
  }
}

task<term> state_of(context& self, target& there, std::string process) {
  const destination to = there.process(process);
  try {
    co_return co_await sys::get_state(self, to, there.patience());
  } catch (const call_failed& e) {
    throw there.explain(e, process);
  }
}

}  // namespace troupe::tool
