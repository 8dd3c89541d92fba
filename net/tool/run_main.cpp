// SPDX-License-Identifier: BSL-1.0
// The command line of the runner of scripts.
#include <troupe/actors/log.hpp>
#include <troupe/net/peer.hpp>
#include <troupe/net/run_line.hpp>
#include <troupe/net/tool/recorder.hpp>
#include <troupe/net/tool/runner.hpp>

#include <CLI/CLI.hpp>

#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
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

/// A command line that makes no sense; null: it does.
const char* mistake_in(const command_line& line, bool seeded, bool many_seeds) {
  if (many_seeds && !seeded)
    return "--seeds says how many seeds to try, from the one on that --seed gives: both are needed";
  if (line.seeds == 0) return "--seeds 0 would run nothing: give 1 or more";
  const bool recording = !line.settings.diagram.empty() || !line.settings.trace.empty();
  if (recording && (line.files.size() > 1 || line.seeds > 1))
    return "--diagram and --trace write one run into one file: give one script, and one seed";
  return nullptr;
}

/// Runs a script with all the seeds that are wanted. 0, 1 or 2, as main.
int run_file(const std::string& file, const command_line& line, const actors& known, run_settings settings,
             bool seeded) {
  try {
    std::optional<script> what;
    try {
      what = read_script(file, known);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
      return 2;
    }
    int worst = 0;
    for (std::uint64_t i = 0; i < line.seeds; ++i) {
      if (seeded) settings.seed = line.seed + i;
      worst = std::max(worst, run_script(*what, known, settings));
    }
    return worst;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", file.c_str(), e.what());
    return 1;
  }
}

int run(const command_line& line, const actors_function& fill, std::vector<std::string> peer_arguments, bool seeded,
        bool many_seeds) {
  set_log_level(log_level::off);  // what fails is said by the script's steps
  load(line.libraries);
  if (const char* mistake = mistake_in(line, seeded, many_seeds); mistake != nullptr) {
    std::fprintf(stderr, "%s\n", mistake);
    return 2;
  }
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
  run_settings settings = line.settings;
  if (line.quiet) settings.how = verbosity::quiet;
  settings.peer_arguments = std::move(peer_arguments);
  for (const std::string& library : line.libraries) {
    settings.peer_arguments.push_back("--load");
    settings.peer_arguments.push_back(library);
  }
  int worst = 0;
  for (const std::string& file : line.files) worst = std::max(worst, run_file(file, line, known, settings, seeded));
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
  CLI::Option* seeds = cli.add_option("--seeds", line->seeds, "with --seed: so many seeds, from that one on");
  cli.add_option("--diagram", line->settings.diagram, "write a Mermaid sequence diagram of what happened, as Markdown");
  cli.add_option("--trace", line->settings.trace, "write a trace of it for Perfetto and chrome://tracing");
  cli.add_option("--load", line->libraries, "a shared object with actors; may be given repeatedly")
      ->allow_extra_args(false);
  cli.add_flag("--quiet", line->quiet, "print failures and results alone");
  cli.add_flag("--schema", line->schema, "print the JSON Schema of scripts");
  cli.add_flag("--actors", line->actors, "print what scripts can start, and the messages");
  cli.add_flag("--steps", line->steps, "print the steps, each with an example");
  // The library takes -1 for a very large number.
  const CLI::Validator whole(
      [](const std::string& text) {
        return text.find_first_not_of("0123456789") == std::string::npos
                   ? std::string()
                   : "expected a number from 0 on, got '" + text + "'";
      },
      "");
  seed->check(whole);
  seeds->check(whole);
  return [line, seed, seeds, fill = std::move(fill), peer_arguments = std::move(peer_arguments)] {
    return run(*line, fill, peer_arguments, seed->count() > 0, seeds->count() > 0);
  };
}

int main(int argc, const char* const* argv, const actors_function& fill) {
  troupe::detail::keep_standard_descriptors();
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
