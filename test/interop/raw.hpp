// SPDX-License-Identifier: BSL-1.0
// A peer made of a plain socket: it sends what no node would.
#pragma once

#include "otp.hpp"

#include <troupe/net/etf/writer.hpp>
#include <troupe/net/handshake.hpp>

#include <optional>

namespace interop {

/// Blocks; every wait has a deadline, after which it throws.
class raw_peer {
 public:
  /// Connects with that port of the loopback interface.
  explicit raw_peer(std::uint16_t port);
  ~raw_peer();
  raw_peer(const raw_peer&) = delete;
  raw_peer& operator=(const raw_peer&) = delete;

  void send(std::span<const std::byte> bytes);
  void send(std::string_view bytes) { send(std::as_bytes(std::span(bytes))); }
  /// Nothing more will be sent.
  void end() noexcept;
  /// Waits until the other side has closed; what it sends before that is thrown away.
  bool is_closed();

  /// One message of the handshake, or its body; nothing when the other side closes instead.
  void send_message(const std::vector<std::byte>& body);
  std::optional<std::vector<std::byte>> read_message();
  /// Introduces itself: the status that it gets, empty when the other side closes.
  std::string introduce(const std::string& name, std::uint64_t flags = detail::our_flags, std::uint32_t creation = 77);
  /// The rest of the handshake. False when the other side closes.
  bool prove(const std::string& cookie);
  /// All of it, for a node that is to be let in.
  void connect_as(const std::string& name, std::uint32_t creation = 77);

  /// A frame: its length and these bytes.
  void send_frame(std::span<const std::byte> body);
  /// 112, 131 and the control message; and 131 and the payload.
  void send_control(const term& control, const std::optional<term>& payload = std::nullopt);
  /// The same with a payload of these bytes, the version included.
  void send_bytes(const term& control, std::string_view payload);
  /// The body of the next frame that is no tick; nothing when the other side closes.
  std::optional<std::vector<std::byte>> read_frame();

  /// Pids and references of the node that it is.
  pid process(std::uint32_t id = 1) const { return pid(id, 0, creation_, add_node(name_, creation_)); }
  reference ref(std::uint32_t n) const { return reference({n, 2, 3}, creation_, add_node(name_, creation_)); }
  const std::string& name() const noexcept { return name_; }

 private:
  bool read(std::span<std::byte> into);

  int socket_ = -1;
  std::string name_;
  std::uint32_t creation_ = 0;
};

}  // namespace interop
