// SPDX-License-Identifier: BSL-1.0
// A chat room over nodes: chat --room, chat --join NAME; without arguments a demonstration with three nodes
#include <troupe/actors/all.hpp>
#include <troupe/examples/chat_room.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace example::chat;
using namespace troupe::literals;
using namespace std::chrono_literals;

// --- the demonstration -----------------------------------------------------------------------------------------------

// To the director of the demonstration.
struct play {
  using reply = void;
};

// Plays the users: what they type, and that Bob's machine breaks down.
process director(context& self, std::string room_node) {
  request<play> asked = co_await self.receive<request<play>>();
  const peer_options for_ann{.name = "ann@127.0.0.1", .arguments = {"ann", room_node}};
  const peer_options for_bob{.name = "bob@127.0.0.1", .arguments = {"bob", room_node}};
  peer ann = co_await start_peer(self, for_ann);
  peer bob = co_await start_peer(self, for_bob);
  const destination to_ann = remote("guest", ann.name());
  const destination to_bob = remote("guest", bob.name());
  co_await self.call<typed>(to_ann, "is anybody there?");
  co_await self.call<typed>(to_bob, "I am, from OS process " + std::to_string(bob.os_pid()));

  self.monitor(to_bob);
  fmt::print("--- kill -9 {}: bob's node\n", bob.os_pid());
  std::fflush(stdout);
  bob.kill();
  co_await self.receive<down>();
  co_await self.call<typed>(to_ann, "Bob? Are you still there?");

  fmt::print("--- and his node comes back\n");
  std::fflush(stdout);
  bob = co_await start_peer(self, for_bob);
  co_await self.call<typed>(to_bob, "sorry, my machine broke down");
  co_await self.call<typed>(to_ann, "good night");
  asked.reply();
}

int demonstrate() {
  spdlog::set_level(spdlog::level::err);  // the room says itself who is lost
  node here(on_loopback("room"));
  here.spawn({.name = "room"}, room);
  here.call(here.spawn(director, std::string(here.name())), play{}, 60s);
  return 0;
}

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (is_peer()) {
    spdlog::set_level(spdlog::level::err);
    if (arguments.size() != 2) return 2;
    return run_peer([&](node& here) { here.spawn({.name = "guest"}, guest, arguments[0], arguments[1]); });
  }
  try {
    if (arguments.empty()) return demonstrate();
    const std::string where = arguments.back().find('@') != std::string::npos ? arguments.back() : "room@127.0.0.1";
    if (arguments[0] == "--room") {
      node here({.name = where});
      here.wait(here.spawn({.name = "room"}, room));
      return 0;
    }
    if (arguments[0] == "--join" && arguments.size() >= 2) {
      node here({.name = arguments[1] + "@127.0.0.1"});
      const pid me = here.spawn(guest, arguments[1], where);
      for (std::string line; here.is_alive(me) && std::getline(std::cin, line);) here.call<typed>(me, line);
      return 0;
    }
  } catch (const std::runtime_error& e) {  // node_error, call_failed
    fmt::print(stderr, "chat: {}\n", e.what());
    return 1;
  }
  fmt::print(stderr,
             "chat                          a demonstration\n"
             "chat --room [NODE]            a room; NODE is room@127.0.0.1 unless given\n"
             "chat --join NAME [NODE]       somebody in it, who says what is typed\n");
  return 2;
}

// What it shows
//
// - The room keeps pids, and does not know where their processes are. `self.send` and `self.monitor` are all it needs.
// - A user who leaves, whose program crashes, or whose machine breaks down is one message to the room: `down`.
// - `remote("room", node)` is the only address: guests find the room by its name, and the room finds them by the pid
//   that they send along.
