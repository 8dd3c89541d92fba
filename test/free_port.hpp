// SPDX-License-Identifier: BSL-1.0
// free_port: where an epmd of the tests' own can be.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace troupe_test {

/// A TCP port of 127.0.0.1 that nobody has at this moment. Throws std::runtime_error when there is none. Any thread.
inline std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool found = s >= 0 && ::bind(s, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (s >= 0) ::close(s);
  if (!found) throw std::runtime_error("there is no free port");
  return ntohs(address.sin_port);
}

}  // namespace troupe_test
