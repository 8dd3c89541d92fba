// SPDX-License-Identifier: BSL-1.0
// Connecting with a node, and understanding what is written about it.
#include <troupe/net/tool/target.hpp>

#include <troupe/actors/behaviours/sys.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/net/connection.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/nearest.hpp>
#include <troupe/net/tool/shown.hpp>
#include <troupe/net/tool/tool_system.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace troupe::tool {

using namespace literals;

void target_options::add_to(CLI::App& cli) {
  cli.add_option("NODE", node, "the node, as it is called: shop@127.0.0.1")->required();
  cli.add_option("--cookie", cookie, "the node's cookie; else $TROUPE_COOKIE, or that of ~/.erlang.cookie")
      ->envname("TROUPE_COOKIE");
  cli.add_option("--name", name, "be a node of this name; else troupe_ and a number");
  add_timeout(cli, timeout);
  add_epmd_port(cli, epmd_port);
}

namespace {

bool is_undefined_function(const rpc_failed& e) {
  const term& reason = e.reason();
  return reason.is_tuple("EXIT"_atom) && reason.size() == 2 && reason[1].is_tuple("undef"_atom);
}

/// The message that this JSON stands for where its type is not known: {"increment": {"by": 3}} is {increment, 3}, with
/// the members in the order in which they are written, and "reset" is reset.
term message_of_json(const std::string& text, node_index home) {
  const auto written = nlohmann::ordered_json::parse(text);
  if (written.is_string()) return term(atom(written.get<std::string>()));
  if (written.is_object() && written.size() == 1 && !written.begin().key().starts_with("$") &&
      written.begin().value().is_object()) {
    const auto& members = written.begin().value();
    const atom name(written.begin().key());
    if (members.empty()) return term(name);
    if (!members.begin().key().starts_with("$")) {
      std::vector<term> parts{term(name)};
      for (const auto& [key, value] : members.items())
        parts.push_back(detail::term_of_json(nlohmann::json(value), home, "/" + std::string(name.name()) + "/" + key));
      return term::tuple(std::move(parts));
    }
  }
  return detail::term_of_json(nlohmann::json(written), home, "");
}

/// What nodes of troupe refuse from others; Erlang's take more.
constexpr int deepest = 256;

bool too_deep(const term& value, int depth) {
  if (depth > deepest) return true;
  const auto is = [&](const term& part) { return too_deep(part, depth + 1); };
  if (value.is_map())
    return std::any_of(value.items().begin(), value.items().end(),
                       [&](const auto& item) { return is(item.first) || is(item.second); });
  if (value.is_tuple() || value.is_list()) return std::any_of(value.elements().begin(), value.elements().end(), is);
  return false;
}

}  // namespace

target::target(troupe::node& here, const target_options& options, node_index home)
    : here_(here), node_(options.node), home_(home), patience_(seconds(options.timeout)) {}

/// It may have been started anew, and is another one then.
node_index target::home() const {
  const auto connection = here_.distribution().find(node_.name(), false);
  if (connection && connection->state() == detail::connection::stage::up)
    home_ = add_node(node_.name(), connection->facts().creation);
  return home_;
}

tool_error target::no_process(const std::string& process) const {
  return {name() + ": there is no process " + process, process};
}

tool_error target::no_answer(const std::string& who) const {
  return tool_error(name() + ": " + who + " has not answered within " + std::to_string(patience_.count() / 1'000'000) +
                    " ms");
}

tool_error target::explain(const call_failed& failed, const std::string& process) const {
  const term& why = failed.reason();
  const auto text = [&](const std::string& what) { return tool_error(name() + ": " + what); };
  if (why.is_atom("noproc"_atom)) return no_process(process);
  if (why.is_atom("timeout"_atom)) return no_answer(process);
  if (why.is_atom("noconnection"_atom)) {
    const std::string reason = here_.distribution().why_lost(node_.name());
    return text("the connection is lost" + (reason.empty() ? "" : ": " + reason));
  }
  return text("the call of " + process + " failed: " + show(why));
}

task<std::optional<term>> target::try_rpc(context& self, export_name what, term arguments) {
  const std::string function = what.module.to_string() + ":" + what.function.to_string();
  try {
    term result = co_await detail::rpc_term(self, node_, what, std::move(arguments), patience_);
    co_return std::optional<term>(std::move(result));
  } catch (const rpc_failed& e) {
    if (is_undefined_function(e)) co_return std::nullopt;
    throw tool_error(name() + ": " + function + " failed: " + show(e.reason()));
  } catch (const call_failed& e) {
    throw explain(e, function);
  }
}

task<term> target::rpc(context& self, export_name what, term arguments) {
  const std::string function = what.module.to_string() + ":" + what.function.to_string();
  std::optional<term> result = co_await try_rpc(self, what, std::move(arguments));
  if (!result) throw tool_error(name() + " has no function " + function);
  co_return std::move(*result);
}

task<std::optional<bool>> target::is_supervisor(context& self, pid process) {
  const term one = term::list({process});
  const auto seen = co_await try_rpc(self, "troupe_observer:process", one);
  if (seen) {
    const term* what = seen->is_map() ? seen->find("behaviour"_atom) : nullptr;
    co_return what != nullptr && what->is_binary() && what->as_binary().starts_with("supervisor ");
  }
  const auto call = co_await try_rpc(self, "proc_lib:translate_initial_call", one);
  if (!call) co_return std::nullopt;
  co_return call->is_tuple("supervisor"_atom);
}

task<bool> target::is_erlang(context& self) {
  if (erlang_) co_return *erlang_;
  const term nothing = term::list(std::vector<term>());
  const auto observer = co_await try_rpc(self, "troupe_observer:registered", nothing);
  if (!observer) {
    const auto erlang = co_await try_rpc(self, "erlang:node", nothing);
    if (!erlang)
      throw tool_error(name() +
                       " lets nobody look at its processes: it has to be started with --observer, or to call "
                       "serve_observer (net/observer.hpp)");
  }
  erlang_ = !observer;
  co_return *erlang_;
}

destination target::process(const std::string& text) const {
  if (text.starts_with('<')) {
    try {
      const term parsed = term::parse(text, home());
      if (parsed.is_pid()) return parsed.as_pid();
    } catch (const parse_error&) {
    }
    throw tool_error(text + " is no pid: write it as its node does, <0.12.0>", 2);
  }
  try {
    atom name;
    if (text.starts_with('\'')) {
      const term quoted = term::parse(text, home());
      if (!quoted.is_atom()) throw std::invalid_argument("it is no atom");
      name = quoted.as_atom();
    } else {
      if (text.empty()) throw std::invalid_argument("it is empty");
      name = atom(text);
    }
    return remote(name, node_);
  } catch (const std::exception& e) {  // of atoms and of the parser
    throw tool_error("'" + printable(text) + "' is no name of a process: " + e.what(), 2);
  }
}

task<pid> target::pid_of(context& self, std::string text) {
  const destination to = process(text);
  if (text.starts_with('<')) co_return to.to_term().as_pid();
  const term name = to.to_term();  // {Name, Node}
  const term arguments = term::list({name.is_tuple() ? name[0] : name});
  auto found = co_await try_rpc(self, "troupe_observer:whereis", arguments);
  if (!found) found = co_await try_rpc(self, "erlang:whereis", arguments);
  if (!found) {
    // Nobody tells; but a behaviour says who it is.
    try {
      found = co_await sys::get_status(self, to, patience_);
      if (found->is_tuple() && found->size() > 1 && (*found)[1].is_pid()) co_return (*found)[1].as_pid();
    } catch (const call_failed& e) {
      if (e.reason().is_atom("noproc"_atom)) throw explain(e, text);
    }
    throw tool_error(this->name() + " does not tell who is called " + text +
                     ": give the pid, or start the node with --observer");
  }
  if (!found->is_pid()) throw no_process(text);
  co_return found->as_pid();
}

task<> target::must_exist(context& self, std::string text) {
  const destination to = process(text);
  const reference watch = self.monitor(to);
  // What its node says about the process comes before the answer to what is asked afterwards.
  const bool there = co_await ping(self, node_, patience_);
  const auto mine = [&](const down& d) { return d.ref == watch; };
  std::optional<term> gone;
  const auto note = [&](const down& d) { gone = d.reason; };
  auto handler = when(mine, note);
  auto clause = after(detail::duration(0));
  co_await self.receive(handler, clause);
  self.demonitor(watch, true);
  if (!there) throw no_answer("the node");
  if (gone) throw explain(call_failed(*gone, to.to_term(), "monitor"), text);
}

term target::message(const std::string& text, bool json) const {
  std::string wrong;
  if (!json) {
    try {
      term parsed = term::parse(text, home());
      if (too_deep(parsed, 0)) throw tool_error("the message is nested more than 256 levels deep: no node takes it", 2);
      return parsed;
    } catch (const parse_error& e) {
      wrong = e.what();
      if (!text.starts_with('{') && !text.starts_with('"') && !text.starts_with('['))
        throw tool_error("'" + printable(text) + "' is no Erlang term: " + wrong, 2);
    }
  }
  try {
    return message_of_json(text, home());
  } catch (const std::exception& e) {
    throw tool_error("'" + printable(text) + "' is no " +
                         (json ? "JSON: " : "Erlang term: " + wrong + "; nor is it JSON: ") + e.what(),
                     2);
  }
}

std::string target::show(const term& value) const {
  return shown_at(home(), value);
}

std::string target::show(const std::string& printed) const {
  return shown_at(home(), printed);
}

std::string target::show_to_people(const term& value) const {
  return for_people(home(), value);
}

std::string target::show_json(const term& value) const {
  return printable(shown_at(home(), detail::json_of_term(value)).dump());
}

task<tool_error> with_suggestion(context& self, target& there, tool_error failed) {
  const std::string& missing = failed.missing_process();
  if (missing.empty() || missing.starts_with('<')) co_return failed;
  std::vector<std::string> names;
  try {
    names = co_await look_at_names(self, there);
  } catch (const tool_error&) {
    co_return failed;  // the node tells nobody
  }
  const std::vector<std::string> near = script::nearest(missing, names);
  if (near.empty()) co_return failed;
  co_return tool_error(std::string(failed.what()) + "; " + script::suggestion(missing, near), missing);
}

int with_target(const target_options& options, std::function<task<int>(context&, target&)> work) {
  check_node_name(options.node);
  if (!options.name.empty()) check_node_name(options.name);
  if (options.name == options.node)
    throw tool_error("--name " + options.name + ": that is the node to talk with, not one of its own", 2);
  set_log_level(log_level::off);  // what it would say, the commands say
  node_options made;
  // Where it pretends to live decides nothing but which kind of names it uses, and that has to be the target's.
  std::random_device chance;
  made.name = !options.name.empty() ? options.name
                                    : "troupe_" + std::to_string(::getpid()) + "_" + std::to_string(chance() % 10000) +
                                          options.node.substr(options.node.find('@'));
  made.cookie = options.cookie;
  made.hidden = true;
  made.listening = false;
  made.epmd_port = options.epmd_port;
  made.setup_time = seconds(options.timeout);
  made.system.workers = 1;
  made.system.log_crashes = false;
  // A look-up of a host's name may block for longer than anybody wants to wait: then the program ends without it.
  const auto failure = std::make_shared<tool_error>("interrupted");
  made.system.stop_timeout = std::chrono::seconds(1);
  made.system.on_stuck = [failure](const std::vector<stuck_process>&) {
    std::fflush(stdout);
    std::fprintf(stderr, "troupe: %s\n", failure->what());
    std::_Exit(failure->exit_code());
  };
  std::unique_ptr<troupe::node> here;
  try {
    here = std::make_unique<troupe::node>(made);
  } catch (const node_error& e) {
    throw tool_error(e.what());
  }
  const auto connect_and_work = [&](context& self) -> task<int> {
    const bool up = co_await connect_node(self, options.node, seconds(options.timeout));
    const auto connection = up ? here->distribution().find(options.node, false) : nullptr;
    if (!connection) {
      const std::string why = here->distribution().why_lost(options.node);
      throw tool_error("no connection with " + options.node + ": " +
                       (why.empty() ? "it has not answered in time" : why));
    }
    target there(*here, options, add_node(options.node, connection->facts().creation));
    std::optional<tool_error> failed;
    try {
      co_return co_await work(self, there);
    } catch (const tool_error& e) {
      failed = e;
    }
    throw co_await with_suggestion(self, there, *failed);
  };
  try {
    return run_as_process(*here, connect_and_work);
  } catch (const tool_error& e) {
    *failure = e;
    throw;
  }
}

}  // namespace troupe::tool
