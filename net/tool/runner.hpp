// SPDX-License-Identifier: BSL-1.0
// The runner of scripts: as a function, and as a main for programs with actors of their own.
#pragma once

#include <troupe/net/tool/actors.hpp>
#include <troupe/net/tool/reporter.hpp>
#include <troupe/net/tool/script.hpp>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace troupe::script {

/// How a script is run.
struct run_settings {
  std::optional<std::uint64_t> seed;        ///< in a simulation, by this seed
  std::string diagram;                      ///< where to write a Mermaid sequence diagram; empty: nowhere
  std::string trace;                        ///< where to write Chrome's trace events; empty: nowhere
  std::vector<std::string> peer_arguments;  ///< what this program gets when it is one of the script's nodes
  verbosity how = verbosity::normal;        ///< what is printed
  std::FILE* output = stdout;               ///< where to
};

/// Runs a script. 0: all came as expected; 1: something did not. Throws std::runtime_error when it cannot be run.
int run_script(const script& what, const actors& known, const run_settings& settings);

/// What fills the table of a program's actors.
using actors_function = std::function<void(actors&)>;

/// A main: `PROGRAM SCRIPT.json... [--seed N] [--diagram FILE] [--trace FILE] [--schema] [--actors] [--steps]`. It is
/// also what the program does as one of the script's nodes. 0: all scripts passed; 1: one failed; 2: a mistake in a
/// script, or on the command line.
///
///     int main(int argc, char** argv) { return troupe::script::main(argc, argv, my_actors); }
int main(int argc, const char* const* argv, const actors_function& fill);

/// Adds actors to those of the program `troupe`: a static object of an object file that is linked with it, or of a
/// shared object that `troupe run --load` loads. On one thread.
///
///     static const troupe::script::registration mine(my_actors);
class registration {
 public:
  /// `fill` is called when the program runs a script, as often as it is one of its nodes.
  explicit registration(actors_function fill);
};

/// Gives a command line its options; what it returns does the work when they have been parsed. `peer_arguments`: as in
/// run_settings, before the names of shared objects.
std::function<int()> prepare_run(CLI::App& cli, actors_function fill, std::vector<std::string> peer_arguments);
/// All that registrations have added.
void fill_with_registered(actors& known);

}  // namespace troupe::script
