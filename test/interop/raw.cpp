// SPDX-License-Identifier: BSL-1.0
// The plain socket.
#include "raw.hpp"

#include <troupe/net/etf/tags.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace interop {

raw_peer::raw_peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("nobody listens at port " + std::to_string(port));
}

raw_peer::~raw_peer() {
  ::close(socket_);
}

void raw_peer::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // the other side has closed: the test asks for that
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void raw_peer::end() noexcept {
  ::shutdown(socket_, SHUT_WR);
}

bool raw_peer::read(std::span<std::byte> into) {
  while (!into.empty()) {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0)
      throw std::runtime_error("nothing comes, and the connection is not closed");
    const ssize_t n = ::recv(socket_, into.data(), into.size(), 0);
    if (n <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool raw_peer::is_closed() {
  std::byte one;
  try {
    while (read({&one, 1})) {
    }
  } catch (const std::runtime_error&) {
    return false;
  }
  return true;
}

void raw_peer::send_message(const std::vector<std::byte>& body) {
  etf::buffer out;
  out.put16(static_cast<std::uint16_t>(body.size()));
  out.append(body);
  send(out.bytes());
}

std::optional<std::vector<std::byte>> raw_peer::read_message() {
  std::vector<std::byte> length(2);
  if (!read(length)) return std::nullopt;
  std::vector<std::byte> body(detail::load_big_endian<std::uint16_t>(length.data()));
  if (!read(body)) return std::nullopt;
  return body;
}

std::string raw_peer::introduce(const std::string& name, std::uint64_t flags, std::uint32_t creation) {
  name_ = name;
  creation_ = creation;
  detail::name_message hello;
  hello.flags = flags;
  hello.creation = creation;
  hello.name = name;
  std::vector<std::byte> body;
  detail::write(body, hello);
  send_message(body);
  const auto answer = read_message();
  return answer ? detail::parse_status(*answer).status : std::string();
}

bool raw_peer::prove(const std::string& secret) {
  const auto message = read_message();
  if (!message) return false;
  const detail::challenge_message challenge = detail::parse_challenge(*message);
  detail::challenge_reply reply;
  reply.challenge = 12345;
  reply.digest = detail::digest_of(secret, challenge.challenge);
  std::vector<std::byte> body;
  detail::write(body, reply);
  send_message(body);
  const auto ack = read_message();
  return ack && detail::equal(detail::parse_challenge_ack(*ack).digest, detail::digest_of(secret, 12345));
}

void raw_peer::connect_as(const std::string& name, std::uint32_t creation) {
  const std::string status = introduce(name, detail::our_flags, creation);
  if (status != "ok") throw std::runtime_error(name + " is told '" + status + "'");
  if (!prove(cookie)) throw std::runtime_error(name + " is not let in");
}

void raw_peer::send_frame(std::span<const std::byte> body) {
  etf::buffer out;
  out.put32(static_cast<std::uint32_t>(body.size()));
  out.append(body);
  send(out.bytes());
}

void raw_peer::send_control(const term& control, const std::optional<term>& payload) {
  etf::buffer out;
  out.put8(112);
  etf::write_version(out);
  etf::writer(out).put_term(control);
  if (payload) {
    etf::write_version(out);
    etf::writer(out).put_term(*payload);
  }
  send_frame(out.bytes());
}

void raw_peer::send_bytes(const term& control, std::string_view payload) {
  etf::buffer out;
  out.put8(112);
  etf::write_version(out);
  etf::writer(out).put_term(control);
  out.append(payload);
  send_frame(out.bytes());
}

std::optional<std::vector<std::byte>> raw_peer::read_frame() {
  for (;;) {
    std::vector<std::byte> length(4);
    if (!read(length)) return std::nullopt;
    std::vector<std::byte> body(detail::load_big_endian<std::uint32_t>(length.data()));
    if (!read(body)) return std::nullopt;
    if (!body.empty()) return body;
  }
}

}  // namespace interop
