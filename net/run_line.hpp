// SPDX-License-Identifier: BSL-1.0
// The command line of troupe::run, of which `troupe node` makes its own. Internal.
#pragma once

#include <troupe/net/run.hpp>

#include <cstddef>
#include <string>

namespace CLI {
class App;
}

namespace troupe::detail {

/// What a shell has closed of standard input, output and error is /dev/null from now on: else a socket or a file would
/// get its number, and what is printed would go there. First of all in main.
void keep_standard_descriptors() noexcept;

/// What the command line has said.
struct run_line {
  std::string name;
  std::string cookie;
  std::string config;
  std::string listen;
  std::string level;
  std::size_t workers = 0;
  bool hidden = false;
  bool observer = false;
  bool json = false;

  /// The options that set these. It must outlive the parsing.
  void add_to(CLI::App& cli);
  /// troupe::run, once they are set.
  int run(application app, run_options options) const;
};

}  // namespace troupe::detail
