// SPDX-License-Identifier: BSL-1.0
// A cluster of one's own on this machine.
#include <troupe/net/loopback.hpp>

#include <troupe/net/cookie.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace troupe {

namespace {

constexpr unsigned first_port = 10'000, end_of_ports = 32'768;  // /proc/sys/net/ipv4/ip_local_port_range starts there

/// Whether a listener could be there now; an error that another port does not mend is thrown.
bool is_free(std::uint16_t port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) throw std::system_error(errno, std::generic_category(), "no socket to look for a free port");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::close(s);
  if (bound) return true;
  if (error == EADDRINUSE || error == EACCES) return false;
  throw std::system_error(error, std::generic_category(), "no free port on 127.0.0.1");
}

}  // namespace

std::uint16_t free_port() {
  // Programs started one after the other begin 61 ports apart, and each goes on from what it gave last. A port that the
  // kernel chooses for bind(0) may go to the next who asks before the first listens there: six runs of a suite met it.
  static std::atomic<unsigned> given{0};
  constexpr unsigned count = end_of_ports - first_port;
  const unsigned start = static_cast<unsigned>(::getpid()) % count * 61;
  for (unsigned tries = 0; tries < count; ++tries) {
    const auto port = static_cast<std::uint16_t>(first_port + (start + given.fetch_add(1)) % count);
    if (is_free(port)) return port;
  }
  throw std::system_error(EADDRINUSE, std::generic_category(), "no free port on 127.0.0.1 from 10000 to 32767");
}

std::string random_cookie() {
  return detail::random_letters(24);
}

node_options on_loopback(const std::string& name) {
  node_options options;
  options.name = name + "@127.0.0.1";
  options.cookie = random_cookie();
  options.epmd_port = free_port();
  return options;
}

}  // namespace troupe
