// SPDX-License-Identifier: BSL-1.0
// An Elixir program that calls a counter in C++, and starts processes there
#include <troupe/actors/all.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <map>
#include <string>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

// {:increment, by} and :get in Elixir.
struct increment {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};

process counter(context& self, int value) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); });
}

// {:greeting, text, where}
struct greeting {
  std::string text;
  pid from;
};

// Elixir starts it: Node.spawn(node, :troupe, :greeter, [self(), "Elixir"]). That it may is what export_as says.
process greeter(context& self, pid whom, std::string name) {
  self.send<greeting>(whom, "Hello, " + name + "! I am a C++ coroutine.", self.pid());
  co_return;
}

// :rpc.call(node, :native, :histogram, [text])
std::map<std::string, int> histogram(const std::string& text) {
  std::map<std::string, int> letters;
  for (const char c : text) ++letters[std::string(1, c)];
  return letters;
}

int main() {
  if (std::system("command -v elixir >/dev/null") != 0) {
    fmt::print("elixir is missing, so there is nothing to see: apt-get install elixir\n");
    return 0;
  }
  spdlog::set_level(spdlog::level::err);
  try {
    node here(on_loopback("cpp"));
    here.spawn({.name = "counter"}, counter, 0);
    here.export_as("greeter", greeter);
    here.export_as("native:histogram", histogram);
    peer_options options{.name = "elixir@127.0.0.1", .program = "elixir"};
    options.arguments = {TROUPE_EXAMPLES_DIR "/elixir_client.exs"};
    options.environment.emplace_back("ELIXIR_ERL_OPTIONS", "-setcookie none");  // the script sets the right one
    options.until = peer_start::connected;
    options.patience = 60s;
    peer elixir = start_peer(here, options);

    // Meanwhile, the other way: an Elixir function from C++.
    const auto shout = [](context& self, atom there) -> process {
      const term loud = co_await rpc(self, there, "Elixir.String:upcase", "from c++ to elixir");
      fmt::print("C++:    String.upcase says {}\n", loud.as_binary());
      std::fflush(stdout);
      self.send(remote("main", there), "done"_atom);
    };
    here.spawn(shout, elixir.name());

    const std::optional<peer_exit> how = elixir.wait(60s);
    const int value = here.call("counter", get{});
    fmt::print("C++:    the script has ended with {}; the counter is at {}\n", how ? how->to_string() : "no end",
               value);
    return how == peer_exit{} && value == 42 ? 0 : 1;
  } catch (const std::runtime_error& e) {  // node_error, call_failed
    fmt::print(stderr, "elixir_client: {}\n", e.what());
    return 1;
  }
}

// What it shows
//
// - elixir_client.exs beside this file uses GenServer.call, Node.spawn, Process.monitor and :rpc.call as ever.
// - Processes can be reached once they are known by name or pid; functions and new processes only when they were
//   exported.
// - std::map is a map, std::string a binary: Elixir's strings need nothing.
