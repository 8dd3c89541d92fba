// SPDX-License-Identifier: BSL-1.0
// The room and the guests of chat.cpp, which examples/scripts/chat.json plays with, too.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/net/node.hpp>

#include <fmt/core.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace example::chat {

using namespace troupe;

// --- the messages ----------------------------------------------------------------------------------------------------

// To the room. join is answered with the names of those who are there.
struct join {
  std::string name;
  pid guest;
  using reply = std::vector<std::string>;
};
struct say {
  pid guest;
  std::string text;
};
// To the guests, from the room.
struct heard {
  std::string who, text;
};
// To a guest: what its user has typed. Answered when the guest has heard it come back from the room.
struct typed {
  std::string text;
  using reply = void;
};

// --- the processes ---------------------------------------------------------------------------------------------------

// Knows the guests, wherever they are, by pid. It monitors them: who is lost has left.
inline process room(context& self) {
  struct guest {
    std::string name;
    reference monitor;
  };
  std::map<pid, guest> guests;
  const auto tell_all = [&](const std::string& who, const std::string& text) {
    for (const auto& [to, g] : guests) self.send<heard>(to, who, text);
  };
  for (;;)
    co_await self.receive(
        [&](request<join> r) {
          std::vector<std::string> present;
          for (const auto& [p, g] : guests) present.push_back(g.name);
          guests[r->guest] = {r->name, self.monitor(r->guest)};
          tell_all("room", r->name + " has come in");
          r.reply(std::move(present));
        },
        [&](const say& s) {
          const auto found = guests.find(s.guest);
          if (found != guests.end()) tell_all(found->second.name, s.text);
        },
        [&](const down& d) {
          const auto gone = guests.extract(d.process);
          if (gone) tell_all("room", fmt::format("{} has left ({})", gone.mapped().name, d.reason.to_string()));
        });
}

// Stands for one user on his node.
inline process guest(context& self, std::string name, std::string room_node) {
  const destination the_room = remote("room", room_node);
  self.monitor(the_room);
  const std::vector<std::string> present = co_await self.call<join>(the_room, name, self.pid());
  std::string others;
  for (const std::string& other : present) others += (others.empty() ? "" : ", ") + other;
  fmt::print("[{}] in the room: {}\n", name, others.empty() ? "nobody else" : others);
  std::fflush(stdout);

  std::vector<request<typed>> under_way;
  for (bool open = true; open;)
    co_await self.receive(
        [&](const heard& h) {
          fmt::print("[{}] {}: {}\n", name, h.who, h.text);
          std::fflush(stdout);
          if (h.who != name || under_way.empty()) return;
          under_way.front().reply();
          under_way.erase(under_way.begin());
        },
        [&](request<typed> r) {
          self.send<say>(the_room, self.pid(), r->text);
          under_way.push_back(std::move(r));
        },
        [&](const down& d) {
          fmt::print("[{}] the room is closed ({})\n", name, d.reason.to_string());
          open = false;
        });
}

}  // namespace example::chat
