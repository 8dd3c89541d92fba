// SPDX-License-Identifier: BSL-1.0
// command: one subcommand of the program `troupe`. `--help`, the man page and the completions are made of these.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace troupe::tool {

/// What a command cannot do, said to whoever typed it; the program ends with `exit_code`.
class tool_error : public std::runtime_error {
 public:
  /// 1: it was tried and failed; 2: the command line was wrong.
  explicit tool_error(const std::string& what, int exit_code = 1) : std::runtime_error(what), exit_code_(exit_code) {}
  /// There is no process of that name or pid.
  tool_error(const std::string& what, std::string missing_process)
      : std::runtime_error(what), exit_code_(1), missing_process_(std::move(missing_process)) {}

  /// What the program ends with.
  int exit_code() const noexcept { return exit_code_; }
  /// The name or pid of the process that is not there; empty when the error is another one.
  const std::string& missing_process() const noexcept { return missing_process_; }

 private:
  int exit_code_;
  std::string missing_process_;
};

/// A subcommand. Each stands in a file of its own, net/tool/NAME_command.cpp, and in the table of commands.cpp.
struct command {
  std::string_view name;         ///< as it is typed
  std::string_view summary;      ///< one line, without a full stop
  std::string_view description;  ///< paragraphs, for its --help and for the man page
  std::string_view example;      ///< lines to type, and under each what comes of it, indented
  /// Gives the command its options and arguments, and returns what does its work when they have been parsed: it gives
  /// the exit code, and throws tool_error.
  std::function<int()> (*prepare)(CLI::App& cli);
};

/// All of them, in the order of --help.
const std::vector<command>& commands();

/// The program: parses the command line and runs a command. 0: done; 1: tried and failed; 2: a wrong command line.
int main(int argc, const char* const* argv);

// What several commands take; the command line says what they mean, and refuses other values.

/// An option in seconds, within these bounds.
void add_seconds(CLI::App& cli, const std::string& option, double& seconds, double least, double most,
                 const std::string& what);
/// --timeout, in seconds.
void add_timeout(CLI::App& cli, double& seconds);
/// --epmd-port; 0 unless given.
void add_epmd_port(CLI::App& cli, std::uint16_t& port);
/// NAME@HOST? Throws tool_error, with exit code 2.
void check_node_name(const std::string& name);

// The entries of the table.
command node_command();
command ping_command();
command names_command();
command ps_command();
command top_command();
command tree_command();
command info_command();
command send_command();
command call_command();
command kill_command();
command stop_command();
command get_state_command();
command console_command();
command run_command();

}  // namespace troupe::tool
