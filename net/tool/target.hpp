// SPDX-License-Identifier: BSL-1.0
// target: the node that a command is about, connected with. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/mailbox/node_id.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/tool/command.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::tool {

/// What all commands take that talk with a node.
struct target_options {
  std::string node;
  std::string cookie;
  std::string name;
  double timeout = 5;  ///< in seconds
  std::uint16_t epmd_port = 0;

  /// NODE and the options. It must outlive the parsing.
  void add_to(CLI::App& cli);
};

/// The node, and how its things are written. Only for the process whose command it is.
class target {
 public:
  target(troupe::node& here, const target_options& options, node_index home);

  /// Its name.
  atom node_atom() const noexcept { return node_; }
  std::string name() const { return std::string(node_.name()); }
  /// How long an answer may take.
  detail::duration patience() const noexcept { return patience_; }
  /// Changes that; gives what it was.
  detail::duration set_patience(detail::duration time) noexcept { return std::exchange(patience_, time); }

  /// Is it Erlang's? Asks once. Throws tool_error for a node of troupe's that serves no observer.
  task<bool> is_erlang(context& self);
  /// Is that process a supervisor? Nothing where nobody tells: at a node of troupe's that serves no observer.
  task<std::optional<bool>> is_supervisor(context& self, pid process);
  /// A function there. What goes wrong is a tool_error; nothing when there is no such function.
  task<std::optional<term>> try_rpc(context& self, export_name what, term arguments);
  /// The same; that there is none is an error, too.
  task<term> rpc(context& self, export_name what, term arguments);

  /// A pid as its node prints it, <0.12.0>, or a registered name. Throws tool_error.
  destination process(const std::string& text) const;
  /// The process's pid: it asks for that of a name. Throws tool_error when there is none.
  task<pid> pid_of(context& self, std::string text);
  /// Throws tool_error unless there is such a process.
  task<> must_exist(context& self, std::string text);
  /// An Erlang term, or JSON (alone with `json`). Throws tool_error, which says where it is wrong.
  term message(const std::string& text, bool json) const;

  /// As that node prints it: its own pids have a 0 in front.
  std::string show(const term& value) const;
  /// The same of what to_string has made.
  std::string show(const std::string& printed) const;
  /// The same for people: lists of characters are texts.
  std::string show_to_people(const term& value) const;
  /// The same as JSON.
  std::string show_json(const term& value) const;

  /// That process is not there.
  tool_error no_process(const std::string& process) const;
  /// That process, or function, or the node itself has not answered in time.
  tool_error no_answer(const std::string& who) const;
  /// A failed call as people want to read it.
  tool_error explain(const call_failed& failed, const std::string& process) const;

 private:
  node_index home() const;

  troupe::node& here_;
  atom node_;
  mutable node_index home_;  // of the incarnation that was connected last
  detail::duration patience_;
  std::optional<bool> erlang_;
};

/// The same error; when a process was not there, with the registered names that are most like its own, if the node
/// tells.
task<tool_error> with_suggestion(context& self, target& there, tool_error failed);

/// Makes a hidden node that takes no connections, connects it with the target and runs `work` there; gives the exit
/// code. Throws tool_error when there is no such node, or it refuses.
int with_target(const target_options& options, std::function<task<int>(context&, target&)> work);

}  // namespace troupe::tool
