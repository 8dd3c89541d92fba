// SPDX-License-Identifier: BSL-1.0
// What is made of the table of commands: the command line, the manual page, the completions. Internal.
#pragma once

#include <troupe/net/tool/command.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tool {

/// The command line with all commands in it.
struct parsed_commands {
  parsed_commands();
  ~parsed_commands();
  parsed_commands(const parsed_commands&) = delete;
  parsed_commands& operator=(const parsed_commands&) = delete;

  std::unique_ptr<CLI::App> cli;
  std::vector<std::pair<CLI::App*, std::function<int()>>> work;  ///< a command, and what runs it
};

/// troff, for man.
std::string manual_page(const parsed_commands& of);
/// A script that bash reads.
std::string bash_completions(const parsed_commands& of);

}  // namespace troupe::tool
