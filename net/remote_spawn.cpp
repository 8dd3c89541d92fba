// SPDX-License-Identifier: BSL-1.0
// Spawn requests, and the calls of erpc that come as such.
#include <troupe/net/remote_spawn.hpp>

#include <troupe/actors/runtime.hpp>
#include <troupe/net/connection.hpp>
#include <troupe/net/control.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/exports.hpp>

#include <utility>
#include <vector>

namespace troupe::detail {

using namespace literals;

namespace {

/// erpc's child: what it has to say is its exit reason, {Res, return, Value} or an error.
process erpc_child(context& self, shared<distribution> home, term tag, atom module, atom function, term arguments,
                   bool tell) {
  const call_outcome got = co_await call_exported(self, *home, module, function, arguments);
  if (!tell) co_return;
  switch (got.how) {
    case call_outcome::kind::value: self.exit(term::tuple({tag, "return"_atom, got.value}));
    case call_outcome::kind::thrown: self.exit(term::tuple({tag, "throw"_atom, got.value}));
    case call_outcome::kind::exit: self.exit(term::tuple({tag, "exit"_atom, got.value}));
    case call_outcome::kind::error: {
      // {undef, Stack} comes apart; other errors have no stack.
      const bool with_stack = got.value.is_tuple("undef"_atom) && got.value.size() == 2;
      self.exit(term::tuple(
          {tag, "error"_atom, with_stack ? got.value[0] : got.value, with_stack ? got.value[1] : term::list({})}));
    }
  }
}

process ends_by(context& self, term reason) {
  self.exit(std::move(reason));
  co_return;
}

}  // namespace

process start_exported(new_process& made, const std::shared_ptr<const exported>& what, const term& arguments) {
  struct kept_export final : kept_callable {
    std::shared_ptr<const exported> what;
  };
  auto kept = std::make_unique<kept_export>();
  kept->what = what;
  made.keep(std::move(kept));
  const auto given = arguments.elements();
  return what->start(made.self(), std::vector<term>(given.begin(), given.end()));
}

term undefined_function(atom module, atom function, const term& arguments) {
  return term::tuple(
      {"undef"_atom, term::list({term::tuple({module, function, arguments, term::list(std::vector<term>())})})});
}

task<call_outcome> call_exported(context& self, distribution& home, atom module, atom function, term arguments) {
  using kind = call_outcome::kind;
  const auto found = arguments.is_list() ? home.exports().find(module, function, arguments.size()) : nullptr;
  call_outcome outcome;
  if (found == nullptr || !found->call) {
    outcome.how = kind::error;
    outcome.value = undefined_function(module, function, arguments);
    co_return outcome;
  }
  const auto given = arguments.elements();
  const std::vector<term> list(given.begin(), given.end());
  try {
    outcome.value = co_await found->call(self, list);
  } catch (const process_exit& e) {
    if (slot_access::of(self).exit_pending) throw;  // it really ends
    outcome.how = kind::exit;
    outcome.value = e.reason();
  } catch (const decode_error& e) {
    outcome.how = kind::error;
    outcome.value = term::tuple({"badarg"_atom, term(std::string_view(e.what()))});
  } catch (const call_failed& e) {
    outcome.how = kind::exit;
    outcome.value = e.exit_reason();
  } catch (...) {
    outcome.how = kind::error;
    outcome.value = reason_of_current_exception();
  }
  co_return outcome;
}

void spawn_for(distribution& home, const std::shared_ptr<connection>& by, slot& server, spawn_demand demand) {
  runtime& rt = home.runtime();
  remote_parent parent;
  parent.parent = demand.parent;
  parent.ref = demand.ref;
  parent.connection = by->id();
  parent.group_leader = demand.group_leader;
  bool understood = demand.options.is_list();
  if (understood) {
    for (const term& option : demand.options.elements()) {
      if (option.is_atom("link"_atom))
        parent.link = true;
      else if (option.is_atom("monitor"_atom))
        parent.monitor = true;
      // Others are about priority and the heap, which processes here do not have.
    }
  }
  const auto answer = [&](const pid& child, atom error) {
    std::uint64_t made = 0;
    if (child && parent.link) made |= made_link;
    if (child && parent.monitor) made |= made_monitor;
    by->send(server.env, [&](etf::buffer& out, std::uint64_t) {
      write_spawn_reply(out, demand.ref, demand.parent, made, child, error);
      return true;
    });
  };
  if (!understood) return answer({}, "badopt"_atom);

  const auto launch = [&](new_process& made, process body) {
    const pid child = made.self().pid();
    if (!by->touch(child)) return;  // the connection is going: nobody asks any more
    answer(child, atom());
    made.launch(std::move(body), {}, &parent);
  };
  try {
    const term& arguments = demand.arguments;
    const bool erpc =
        demand.module == "erpc"_atom && ((demand.function == "execute_call"_atom && arguments.size() == 4) ||
                                         (demand.function == "execute_cast"_atom && arguments.size() == 3));
    new_process made(rt, nullptr);
    if (erpc) {
      const bool tell = arguments.size() == 4;
      const std::size_t first = tell ? 1 : 0;
      if (!arguments[first].is_atom() || !arguments[first + 1].is_atom())
        return launch(made, ends_by(made.self(), "badarg"_atom));
      return launch(made,
                    erpc_child(made.self(), shared<distribution>(home.shared_from_this()), tell ? arguments[0] : term(),
                               arguments[first].as_atom(), arguments[first + 1].as_atom(), arguments[first + 2], tell));
    }
    const auto found = home.exports().find(demand.module, demand.function, arguments.size());
    if (found != nullptr && found->start) {
      try {
        return launch(made, start_exported(made, found, arguments));
      } catch (const decode_error& e) {
        return launch(made, ends_by(made.self(), term::tuple({"badarg"_atom, term(std::string_view(e.what()))})));
      } catch (...) {
        return launch(made, ends_by(made.self(), reason_of_current_exception()));
      }
    }
    if (found != nullptr)
      return launch(made, erpc_child(made.self(), shared<distribution>(home.shared_from_this()), term(), demand.module,
                                     demand.function, arguments, false));
    launch(made, ends_by(made.self(), undefined_function(demand.module, demand.function, arguments)));
  } catch (const system_limit&) {
    answer({}, "system_limit"_atom);
  } catch (const usage_error&) {
    answer({}, "noproc"_atom);  // the system stops
  }
}

}  // namespace troupe::detail
