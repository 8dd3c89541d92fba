// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/runner.hpp>

#include <troupe/net/tool/recorder.hpp>
#include <troupe/net/tool/scene.hpp>
#include <troupe/net/tool/stage.hpp>

#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace troupe::script {

namespace {

/// A process may not take a reference; run_script, whose performance it is, outlives it.
struct director_order {
  performance* all;
  std::shared_ptr<attendance> present;
};

/// The script itself.
process director(context& self, director_order order) {
  self.trap_exit(true);
  performance& all = *order.all;
  all.words.pids().set_label(self.pid(), "script");
  scene s(self, all);
  s.known["self"] = all.words.pids().text_of(self.pid());
  s.known["here"] = nlohmann::json{{"$atom", all.nodes.full_name("here")}};
  for (const node_spec& n : all.what.nodes) s.known[n.name] = nlohmann::json{{"$atom", all.nodes.full_name(n.name)}};
  bool right = true;
  std::string problem;
  try {
    for (const node_spec& n : all.what.nodes)
      if (n.started && !(n.erlang && all.nodes.simulated())) co_await all.nodes.start_node(self, n);
    co_await s.play(all.what.steps);
    if (all.record != nullptr) co_await s.fetch_records();
  } catch (const reported&) {
    right = false;
  } catch (const std::exception& e) {
    problem = e.what();
    right = false;
  }
  if (!problem.empty()) all.report.broken(all.what.file, problem);
  all.progress->right = right;
  all.progress->ended = true;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write '" + path + "'");
}

}  // namespace

int run_script(const script& what, const actors& known, const run_settings& settings) {
  identities pids;
  const vocabulary words(known, pids);
  reporter report(settings.output, settings.how);
  recorder record;
  const bool recording = !settings.diagram.empty() || !settings.trace.empty();
  const std::filesystem::path path(what.file);
  report.begin(path.stem().string(), what.title);

  stage_options options;
  options.peer_arguments = settings.peer_arguments;
  options.folder = path.parent_path().string();
  // What scenes use is made before the nodes, whose end is the end of all processes.
  std::optional<performance> all;
  const auto progress = std::make_shared<course>();
  const std::unique_ptr<stage> nodes =
      settings.seed ? make_simulated_stage(what, known, *settings.seed) : make_real_stage(what, known, options);
  all.emplace(performance{what, known, words, *nodes, report, recording ? &record : nullptr, progress});
  if (recording) {
    record.watch(nodes->here());
    nodes->observe = [&](actor_system& system) { record.watch(system); };
  }
  const auto start = nodes->here().now();
  bool stalled = false;
  try {
    const pid player = nodes->here().spawn(director, director_order{&*all, std::make_shared<attendance>(progress)});
    nodes->run([&] { return progress->scenes == 0; }, player);
    // Branches end with their parents, if not at the same moment.
    for (int left = progress->scenes; left != 0 && !nodes->simulated(); left = progress->scenes)
      progress->scenes.wait(left);
  } catch (const std::exception& e) {
    stalled = true;
    report.broken(what.file, e.what());
  }
  const auto took = nodes->here().now() - start;
  if (!progress->ended && !stalled) report.broken(what.file, "the script's own process was killed");
  const bool passed = progress->ended && progress->right && !stalled;
  report.end(passed, nodes->summary(), took);
  if (recording) {
    nodes->here().trace({});
    nodes->observe = nullptr;
    if (!settings.diagram.empty())
      write_file(settings.diagram, record.diagram(path.stem().string() + ": " + what.title, words));
    if (!settings.trace.empty())
      write_file(settings.trace,
                 record.chrome_trace(words).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  return passed ? 0 : 1;
}

}  // namespace troupe::script
