// SPDX-License-Identifier: BSL-1.0
// The command line of the runner of scripts.
#include <troupe/actors/log.hpp>
#include <troupe/net/peer.hpp>
#include <troupe/net/tool/recorder.hpp>
#include <troupe/net/tool/runner.hpp>

#include <CLI/CLI.hpp>

#include <dlfcn.h>
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace troupe::script {

namespace {

std::vector<actors_function>& registered() {
  static std::vector<actors_function> all;
  return all;
}

struct command_line {
  std::vector<std::string> files, libraries;
  run_settings settings;
  std::uint64_t seed = 0, seeds = 1;
  bool schema = false, actors = false, steps = false, quiet = false;
};

/// What this program does as a node of a script.
int be_peer(const actors& known) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // a crash is part of the play
  return run_peer([&](node& here) {
    known.export_to(here);
    here.export_as("script:trace", [&here] { return take_trace(here); });
  });
}

void load(const std::vector<std::string>& libraries) {
  for (const std::string& file : libraries)
    if (::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
      throw std::runtime_error("the shared object '" + file + "' cannot be loaded: " + ::dlerror());
}

int run(const command_line& line, const actors_function& fill, std::vector<std::string> peer_arguments, bool seeded) {
  set_log_level(log_level::off);  // what fails is said by the script's steps
  load(line.libraries);
  actors known;
  fill(known);
  if (is_peer()) return be_peer(known);
  if (line.schema) std::puts(schema(known).dump(2).c_str());
  if (line.actors) std::fputs(known.to_string().c_str(), stdout);
  if (line.steps) std::fputs(describe_steps().c_str(), stdout);
  if (line.files.empty()) {
    if (line.schema || line.actors || line.steps) return 0;
    std::fputs("which script? A file is needed; --help shows more\n", stderr);
    return 2;
  }
  int worst = 0;
  for (const std::string& file : line.files) {
    try {
      const script what = read_script(file, known);
      run_settings settings = line.settings;
      if (line.quiet) settings.how = verbosity::quiet;
      settings.peer_arguments = std::move(peer_arguments);
      for (const std::string& library : line.libraries) {
        settings.peer_arguments.push_back("--load");
        settings.peer_arguments.push_back(library);
      }
      for (std::uint64_t i = 0; i < (seeded ? line.seeds : 1); ++i) {
        if (seeded) settings.seed = line.seed + i;
        worst = std::max(worst, run_script(what, known, settings));
      }
      peer_arguments = std::move(settings.peer_arguments);
    } catch (const script_error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      worst = std::max(worst, 2);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), e.what());
      worst = std::max(worst, 1);
    }
  }
  return worst;
}

}  // namespace

registration::registration(actors_function fill) {
  registered().push_back(std::move(fill));
}

void fill_with_registered(actors& known) {
  for (const actors_function& fill : registered()) fill(known);
}

std::function<int()> prepare_run(CLI::App& cli, actors_function fill, std::vector<std::string> peer_arguments) {
  auto line = std::make_shared<command_line>();
  cli.add_option("SCRIPT", line->files, "the scripts to run, one after the other");
  CLI::Option* seed =
      cli.add_option("--seed", line->seed, "run in a simulation, nodes and network included, by this seed");
  cli.add_option("--seeds", line->seeds, "with --seed: so many seeds, from that one on");
  cli.add_option("--diagram", line->settings.diagram, "write a Mermaid sequence diagram of what happened, as Markdown");
  cli.add_option("--trace", line->settings.trace, "write a trace of it for Perfetto and chrome://tracing");
  cli.add_option("--load", line->libraries, "a shared object with actors; may be given repeatedly")->expected(1);
  cli.add_flag("--quiet", line->quiet, "print failures and results alone");
  cli.add_flag("--schema", line->schema, "print the JSON Schema of scripts");
  cli.add_flag("--actors", line->actors, "print what scripts can start, and the messages");
  cli.add_flag("--steps", line->steps, "print the steps, each with an example");
  return [line, seed, fill = std::move(fill), peer_arguments = std::move(peer_arguments)] {
    return run(*line, fill, peer_arguments, seed->count() > 0);
  };
}

int main(int argc, const char* const* argv, const actors_function& fill) {
  CLI::App cli("runs scripts: scenarios in JSON, with the actors of this program");
  const std::function<int()> work = prepare_run(cli, fill, {});
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? 0 : 2;
  }
  try {
    return work();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

}  // namespace troupe::script
