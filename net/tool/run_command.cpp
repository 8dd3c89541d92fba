// SPDX-License-Identifier: BSL-1.0
// troupe run: scripted demonstrations.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/runner.hpp>

namespace troupe::tool {

command run_command() {
  return {
      "run", "run scripts: scenarios in JSON",
      "Starts the nodes and actors that a SCRIPT names, plays its steps (send, call, expect, kill, partition ...) and\n"
      "says what came of each. Ends with 0 when all came as expected, 1 when something did not, and 2 for a mistake "
      "in\n"
      "a script, which is answered with its line.\n"
      "\n"
      "With --seed the whole script runs in a simulation, its nodes and their network included: in virtual time, by\n"
      "the choices of the seed. The same seed does the same.",
      "troupe run examples/scripts/ping_pong.json\n"
      "troupe run examples/scripts/partition_and_heal.json --seed 7 --diagram partition.md",
      [](CLI::App& cli) { return script::prepare_run(cli, script::fill_with_registered, {"run"}); }};
}

}  // namespace troupe::tool
