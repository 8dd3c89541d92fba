// SPDX-License-Identifier: BSL-1.0
// A counter in C++ that an Erlang program calls, and an Erlang process that C++ calls
#include <troupe/actors/all.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

// On the wire {increment, By} and the atom get: what Erlang gives to gen_server:call.
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

// {hello, Pid}: the Erlang process says who it is. {double, N} is what it can be asked; {stop}, as an atom, ends it.
struct hello {
  pid from;
};
struct double_it {
  int number;
  using reply = int;
};
struct stop {};

process conversation(context& self) {
  const hello h = co_await self.receive<hello>();
  fmt::print("C++:    {} on {} says hello\n", h.from.to_string(), node_of(h.from).name());
  const int doubled = co_await self.call<double_it>(h.from, 21);
  fmt::print("C++:    it doubles 21: {}\n", doubled);
  const term release = co_await rpc(self, node_of(h.from), "erlang:system_info", "otp_release"_atom);
  fmt::print("C++:    rpc: its erlang:system_info(otp_release) is {}\n", release.to_string());
  std::fflush(stdout);
  self.send(h.from, stop{});
}

int main() {
  if (std::system("command -v escript >/dev/null") != 0) {
    fmt::print("escript is missing, so there is nothing to see: apt-get install erlang-base\n");
    return 0;
  }
  spdlog::set_level(spdlog::level::err);
  try {
    node here(on_loopback("cpp"));
    here.spawn({.name = "counter"}, counter, 0);
    here.spawn({.name = "conversation"}, conversation);
    // The script finds its name, the cookie and this node's name in its environment.
    peer_options options{.name = "erlang@127.0.0.1", .program = "escript"};
    options.arguments = {TROUPE_EXAMPLES_DIR "/erlang_counter.erl"};
    options.until = peer_start::connected;
    peer erlang = start_peer(here, options);
    const std::optional<peer_exit> how = erlang.wait(60s);
    const int value = here.call("counter", get{});
    fmt::print("C++:    the script has ended with {}; the counter is at {}\n", how ? how->to_string() : "no end",
               value);
    return how == peer_exit{} && value == 42 ? 0 : 1;
  } catch (const std::runtime_error& e) {  // node_error, call_failed
    fmt::print(stderr, "erlang_counter: {}\n", e.what());
    return 1;
  }
}

// What it shows
//
// - erlang_counter.erl beside this file knows nothing of C++: the counter is {counter, Node}, and gen_server:call,
//   links and monitors do what they always do.
// - A struct is a tuple with its name first, an empty struct an atom. There is nothing to declare.
// - The other way, an Erlang process is a pid, and rpc reaches what is not a process.
