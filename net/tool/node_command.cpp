// SPDX-License-Identifier: BSL-1.0
// troupe node: a node from the command line.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/plugin.hpp>

#include <troupe/net/run_line.hpp>

#include <CLI/CLI.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace troupe::tool {

namespace {

struct node_line {
  detail::run_line run;
  std::uint16_t epmd_port = 0;
  std::vector<std::string> load;
  std::vector<std::string> start;
};

void load_object(const std::string& file, plugin& to) {
  // A name without a slash would be looked for where the system's libraries are.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: its code may run until the end
  if (object == nullptr) throw tool_error("--load " + file + ": " + ::dlerror(), 2);
  void* found = ::dlsym(object, "troupe_load");
  if (found == nullptr)
    throw tool_error("--load " + file + ": it has no function troupe_load; see net/tool/plugin.hpp", 2);
  try {
    reinterpret_cast<decltype(&troupe_load)>(found)(to);
  } catch (const std::exception& e) {
    throw tool_error("--load " + file + ": its troupe_load failed: " + e.what());
  }
}

int run_node(const node_line& line) {
  if (line.run.name.empty()) throw tool_error("node: give it a --name, NAME@HOST", 2);
  check_node_name(line.run.name);
  plugin loaded;
  for (const std::string& file : line.load) load_object(file, loaded);
  application all{.name = "troupe_node"};
  std::string known;
  for (const application& app : loaded.applications()) known += (known.empty() ? "" : ", ") + app.name;
  for (const std::string& name : line.start) {
    const auto& there = loaded.applications();
    const auto found =
        std::find_if(there.begin(), there.end(), [&](const application& app) { return app.name == name; });
    if (found == there.end())
      throw tool_error("--start " + name + ": the loaded objects have no such application; they have " +
                           (known.empty() ? "none" : known),
                       2);
    all.dependencies.push_back(*found);
  }
  run_options options;
  options.adjust = [&](node_options& made) {
    if (line.epmd_port != 0) made.epmd_port = line.epmd_port;
  };
  options.setup = [&](actor_system& system) {  // a node, since it has a name
    for (const auto& setup : loaded.setups()) setup(static_cast<node&>(system));
  };
  return line.run.run(std::move(all), std::move(options));
}

}  // namespace

command node_command() {
  return {
      "node", "start a node, and applications in it",
      "Starts a node that runs until SIGTERM or SIGINT, with the applications and processes of the shared objects\n"
      "that --load names. These define the function troupe_load, see net/tool/plugin.hpp; they are not linked with\n"
      "troupe's libraries, which this program has. Applications are stopped in the reverse order of their start.",
      "troupe node --name shop@127.0.0.1 --cookie secret --observer --load ./shop.so --start shop",
      [](CLI::App& cli) -> std::function<int()> {
        auto line = std::make_shared<node_line>();
        line->run.add_to(cli);
        cli.add_option("--load", line->load, "a shared object with processes and applications; may be repeated")
            ->allow_extra_args(false);
        cli.add_option("--start", line->start, "an application of a loaded object; may be repeated")
            ->allow_extra_args(false);
        add_epmd_port(cli, line->epmd_port);
        return [line] { return run_node(*line); };
      }};
}

}  // namespace troupe::tool
