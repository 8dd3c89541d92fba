// SPDX-License-Identifier: BSL-1.0
// A node of ours in an OS process of its own, for tests that kill it: interop_child NAME COOKIE EPMD_PORT.
#include <troupe/actors/all.hpp>
#include <troupe/net/node.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <semaphore>

using namespace troupe;
using namespace troupe::literals;

namespace {

/// Answers {got, Question}; whoever sends it {tell, Pid, Message} has it send that.
process server(context& self) {
  for (;;)
    co_await self.receive(
        [&](request<term> r) {
          const term question = *r;
          r.reply(term::tuple({"got"_atom, question}));
        },
        [&](const term& m) {
          if (m.is_tuple("tell"_atom) && m.size() == 3) self.send(m[1].as_pid(), m[2]);
        });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    node_options options;
    options.name = argv[1];
    options.cookie = argv[2];
    options.hidden = true;
    options.epmd_port = static_cast<std::uint16_t>(std::atoi(argv[3]));
    options.tick_time = std::chrono::seconds(1);
    node here(options);
    here.export_as("server", server);
    here.spawn({.name = "server"}, server);
    std::binary_semaphore for_ever(0);
    for_ever.acquire();
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
