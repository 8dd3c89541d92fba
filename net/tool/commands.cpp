// SPDX-License-Identifier: BSL-1.0
// The table of the commands.
#include <troupe/net/tool/command.hpp>

namespace troupe::tool {

const std::vector<command>& commands() {
  static const std::vector<command> all{
      run_command(),
      names_command(),
  };
  return all;
}

}  // namespace troupe::tool
