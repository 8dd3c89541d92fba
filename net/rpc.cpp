// SPDX-License-Identifier: BSL-1.0
// The two ways to call a function elsewhere, as their servers want them.
#include <troupe/net/rpc.hpp>

#include <utility>
#include <vector>

namespace troupe {

using namespace literals;

rpc_failed::rpc_failed(kind how, term reason, const std::string& what)
    : std::runtime_error(what), how_(how), reason_(std::move(reason)) {}

namespace detail {

namespace {

std::string call_text(atom node, const export_name& what, const term& arguments) {
  return "troupe: " + what.module.to_string() + ":" + what.function.to_string() + "/" +
         std::to_string(arguments.size()) + " on " + std::string(node.name()) + ": ";
}

}  // namespace

task<term> rpc_term(context& self, atom node, export_name what, term arguments, duration patience) {
  // `user` is a process of the other node's: output of the function appears there, and needs no server here.
  const term question = term::tuple({"call"_atom, what.module, what.function, arguments, "user"_atom});
  const destination rex = remote("rex", node);
  const term result = co_await self.call(rex, question, patience);
  if (result.is_tuple("badrpc"_atom) && result.size() == 2)
    throw rpc_failed(rpc_failed::kind::error, result[1], call_text(node, what, arguments) + result[1].to_string());
  co_return result;
}

task<term> erpc_term(context& self, atom node, export_name what, term arguments, duration patience) {
  const time_point deadline = later(self.now(), patience);
  const reference tag = self.make_reference();
  const term call = term::list({tag, what.module, what.function, arguments});
  spawn_at_options options;
  options.monitor = true;
  options.patience = patience;
  const export_name execute("erpc"_atom, "execute_call"_atom);
  const spawned child = co_await spawn_on(self, node, execute, call, options);
  const auto mine = [&child](const down& d) { return d.ref == child.monitor; };
  term reason;
  bool ended = false;
  const auto note = [&reason, &ended](const down& d) {
    reason = d.reason;
    ended = true;
  };
  auto handler = when(mine, note);
  auto clause = after(patience == infinity ? infinity : std::max(duration(0), deadline - self.now()));
  co_await self.receive(handler, clause);
  const term to = term::tuple({what.module, what.function, node});
  if (!ended) {
    self.demonitor(child.monitor, true);
    throw call_failed("timeout"_atom, to, "erpc");
  }
  using kind = rpc_failed::kind;
  const std::string text = call_text(node, what, arguments);
  if (reason.is_tuple() && reason.size() >= 3 && reason[0] == term(tag)) {
    if (reason[1].is_atom("return"_atom)) co_return reason[2];
    const kind how = reason[1].is_atom("exit"_atom)    ? kind::exit
                     : reason[1].is_atom("throw"_atom) ? kind::thrown
                                                       : kind::error;
    throw rpc_failed(how, reason[2], text + reason[2].to_string());
  }
  if (reason.is_atom("noconnection"_atom)) throw call_failed(reason, to, "erpc");
  throw rpc_failed(kind::exit, reason, text + reason.to_string());  // killed from outside
}

}  // namespace detail
}  // namespace troupe
