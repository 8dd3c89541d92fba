// SPDX-License-Identifier: BSL-1.0
// What the examples over nodes have in common: a cluster of their own on this machine, which disturbs no other.
#pragma once

#include <troupe/net/node.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <string>
#include <system_error>

namespace example {

/// A TCP port that nobody uses at the moment.
inline std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = s >= 0 && ::bind(s, generic, length) == 0 && ::getsockname(s, generic, &length) == 0;
  const int error = errno;
  if (s >= 0) ::close(s);
  if (!found) throw std::system_error(error, std::generic_category(), "no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

/// A cookie that nobody can guess.
inline std::string random_cookie() {
  std::random_device device;
  std::string cookie;
  for (int i = 0; i < 24; ++i) cookie += static_cast<char>('A' + device() % 26);
  return cookie;
}

/// Options of a node `name`@127.0.0.1 with a cookie and an epmd that only it and the peers it starts know of. A program
/// that is to be found by others takes the machine's: node here({.name = "a@127.0.0.1"}).
inline troupe::node_options on_loopback(const std::string& name) {
  troupe::node_options options;
  options.name = name + "@127.0.0.1";
  options.cookie = random_cookie();
  options.epmd_port = free_port();
  return options;
}

}  // namespace example
