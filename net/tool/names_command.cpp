// SPDX-License-Identifier: BSL-1.0
// troupe names: the nodes of a machine.
#include <troupe/net/tool/command.hpp>

#include <troupe/actors/actor_system.hpp>
#include <troupe/net/epmd_client.hpp>
#include <troupe/net/tcp.hpp>
#include <troupe/net/tool/tool_system.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace troupe::tool {

namespace {

struct options {
  std::string host = "localhost";
  std::uint16_t epmd_port = 0;
  double timeout = 5;
};

task<int> print_names(context& self, std::shared_ptr<detail::network> net, std::shared_ptr<const options> o) {
  const std::uint16_t port = o->epmd_port != 0 ? o->epmd_port : detail::epmd_port();
  std::vector<detail::epmd_name> names;
  try {
    const detail::time_point deadline = self.now() + seconds(o->timeout);
    names = co_await detail::epmd_names(self, net, o->host, port, deadline);
  } catch (const std::exception& e) {
    throw tool_error("no epmd answers at " + o->host + ":" + std::to_string(port) + ": " + e.what());
  }
  for (const detail::epmd_name& n : names) std::printf("%s\t%u\n", n.name.c_str(), static_cast<unsigned>(n.port));
  co_return 0;
}

}  // namespace

command names_command() {
  return {"names", "list the nodes that a machine's epmd knows",
          "Prints a line for each node that is registered with the port mapper epmd of HOST: its name (what stands\n"
          "before the @) and the port it listens at.",
          "troupe names\n  shop    41234\n  erlang  35671", [](CLI::App& cli) -> std::function<int()> {
            auto o = std::make_shared<options>();
            cli.add_option("HOST", o->host, "whose nodes; this machine's unless said");
            add_epmd_port(cli, o->epmd_port);
            add_timeout(cli, o->timeout);
            return [o] {
              return run_with_network([&](context& self, std::shared_ptr<detail::network> net) {
                return print_names(self, std::move(net), o);
              });
            };
          }};
}

}  // namespace troupe::tool
