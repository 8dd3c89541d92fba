// SPDX-License-Identifier: BSL-1.0
// Uses troupe::actors and troupe::net: processes that call each other, here and over two nodes.
#include <troupe/actors/all.hpp>
#include <troupe/net/all.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

using namespace troupe;

struct add {
  int a, b;
  using reply = int;
};
struct shout {
  std::string text;
  using reply = std::string;
};

struct check {
  using reply = std::string;
};

process server(context& self) {
  for (;;)
    co_await self.receive([](request<add> r) { r.reply(r->a + r->b); },
                          [](request<shout> r) { r.reply(r->text + "!"); });
}

task<int> sum_of(context& self, destination there) {
  co_return co_await self.call<add>(there, 40, 2);
}

process client(context& self, destination there) {
  request<check> asked = co_await self.receive<request<check>>();
  const int sum = co_await sum_of(self, there);
  const std::string answer = co_await self.call<shout>(there, "pong");
  asked.reply(std::to_string(sum) + " " + answer);
}

process fails(context& self) {
  const request<check> unanswered = co_await self.receive<request<check>>();
  throw std::runtime_error("disk full");
}

int main() {
  actor_system_options quiet;
  quiet.log_crashes = false;
  // 14370: an epmd of our own, whatever this machine has.
  node b({.name = "b@127.0.0.1", .cookie = "secret", .epmd_port = 14370});
  b.spawn({.name = "server"}, server);
  node a({.name = "a@127.0.0.1", .cookie = "secret", .epmd_port = 14370, .system = quiet});

  const std::string near = a.call(a.spawn(client, destination(a.spawn(server))), check{});
  std::printf("within a node: %s\n", near.c_str());
  const std::string far = a.call(a.spawn(client, remote("server", "b@127.0.0.1")), check{});
  std::printf("over two nodes: %s\n", far.c_str());
  std::string crash;
  try {
    a.call(a.spawn(fails), check{});
  } catch (const call_failed& failed) {
    crash = failed.reason().to_string();
  }
  std::printf("an exception: %s\n", crash.c_str());
  return near == "42 pong!" && far == near && crash == "{error,<<\"disk full\">>}" ? 0 : 1;
}
