// SPDX-License-Identifier: BSL-1.0
// The messages of epmd, the port mapper of Erlang nodes: which node of a machine listens at which port. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::detail {

/// A message of epmd's that is none, a refusal, or an epmd that does not answer as it should. what() says which.
class epmd_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A node as it is registered.
struct epmd_node {
  std::string name;  ///< before the @
  std::uint16_t port = 0;
  std::uint8_t type = 'M';    ///< 'M' normal, 'H' hidden; OTP always writes 'M'
  std::uint8_t protocol = 0;  ///< TCP
  std::uint16_t highest = 6;  ///< versions of the distribution protocol
  std::uint16_t lowest = 6;
  std::string extra{};

  friend bool operator==(const epmd_node&, const epmd_node&) = default;
};

/// A line of the list of names.
struct epmd_name {
  std::string name;
  std::uint16_t port = 0;

  friend bool operator==(const epmd_name&, const epmd_name&) = default;
};

/// A longer request is not read by epmd.
inline constexpr std::size_t longest_epmd_request = 3 * 1020 - 1;
/// A longer name is not registered: 255 characters of UTF-8.
inline constexpr std::size_t longest_epmd_name = 1020;

/// $ERL_EPMD_PORT, or 4369. Throws epmd_error when the variable is no port.
std::uint16_t epmd_port();
/// Can it be registered? No control characters, not empty, not too long.
bool is_epmd_name(std::string_view name) noexcept;

// --- requests: written with their length, parsed without
// --------------------------------------------------------------

/// ALIVE2: the node lives as long as this connection.
struct epmd_alive_request {
  epmd_node node;
};
/// PORT_PLEASE2.
struct epmd_port_request {
  std::string name;
};
/// NAMES, or DUMP, which is for debugging.
struct epmd_names_request {
  bool dump = false;
};
/// KILL, or STOP of one node: what an epmd should not do for anyone who asks.
struct epmd_kill_request {};

using epmd_request = std::variant<epmd_alive_request, epmd_port_request, epmd_names_request, epmd_kill_request>;

/// Throws epmd_error: it is too long for epmd.
std::vector<std::byte> epmd_request_bytes(const epmd_request& request);
/// Throws epmd_error, which says what came.
epmd_request parse_epmd_request(std::span<const std::byte> body);

// --- answers: they have no length; parsed from what has come so far, nothing when more must come
// -----------------------

/// The answer to ALIVE2. `creation` 0: refused.
struct epmd_alive_answer {
  std::uint32_t creation = 0;
};

/// `wide`: 32 bits of creation, for who knows version 6.
std::vector<std::byte> epmd_alive_bytes(const epmd_alive_answer& answer, bool wide);
std::optional<epmd_alive_answer> parse_epmd_alive(std::span<const std::byte> bytes);

/// The answer to PORT_PLEASE2; an empty one: not found.
std::vector<std::byte> epmd_port_bytes(const std::optional<epmd_node>& node);
/// An empty inner optional: not found.
std::optional<std::optional<epmd_node>> parse_epmd_port(std::span<const std::byte> bytes);

/// The answer to NAMES; to DUMP with `dump`.
std::vector<std::byte> epmd_names_bytes(std::uint16_t port, const std::vector<epmd_name>& names, bool dump = false);
/// The whole answer, which ends with the connection.
std::vector<epmd_name> parse_epmd_names(std::span<const std::byte> bytes);

}  // namespace troupe::detail
