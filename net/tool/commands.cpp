// SPDX-License-Identifier: BSL-1.0
// The table of the commands.
#include <troupe/net/tool/command.hpp>

namespace troupe::tool {

const std::vector<command>& commands() {
  static const std::vector<command> all{
      run_command(),  node_command(), ping_command(),      names_command(),   ps_command(),
      top_command(),  tree_command(), info_command(),      send_command(),    call_command(),
      kill_command(), stop_command(), get_state_command(), console_command(),
  };
  return all;
}

}  // namespace troupe::tool
