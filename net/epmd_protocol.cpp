// SPDX-License-Identifier: BSL-1.0
// The messages of epmd, byte by byte.
#include <troupe/net/epmd_protocol.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace troupe::detail {

namespace {

constexpr std::uint8_t alive_request = 'x', alive_answer = 'y', alive_answer_wide = 'v', port_request = 'z',
                       port_answer = 'w', names_request = 'n', dump_request = 'd', kill_request = 'k',
                       stop_request = 's';
constexpr std::uint32_t refused_creation = 99;  // as the C program sends it

void put(std::vector<std::byte>& to, std::uint64_t number, std::size_t size) {
  for (std::size_t shift = size * 8; shift != 0;) to.push_back(static_cast<std::byte>(number >> (shift -= 8)));
}

void put(std::vector<std::byte>& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<std::byte>(c));
}

void put_counted(std::vector<std::byte>& to, std::string_view text) {
  put(to, text.size(), 2);
  put(to, text);
}

std::string text_in(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) text += static_cast<char>(b);
  return text;
}

[[noreturn]] void malformed(const std::string& what, std::span<const std::byte> bytes) {
  constexpr char hex[] = "0123456789abcdef";
  constexpr std::size_t most = 24;
  std::string text = "epmd: expected " + what + ", got " + std::to_string(bytes.size()) + " bytes:";
  for (const std::byte b : bytes.first(std::min(most, bytes.size()))) {
    const auto n = std::to_integer<unsigned>(b);
    (text += ' ') += {hex[n >> 4], hex[n & 15]};
  }
  throw epmd_error(text + (bytes.size() > most ? " ..." : ""));
}

/// Takes one field after the other; `complete` is false once one was not there.
class fields {
 public:
  explicit fields(std::span<const std::byte> left) : left_(left) {}
  template <class T>
  T number() {
    std::uint64_t n = 0;
    for (const std::byte b : bytes(sizeof(T))) n = n << 8 | static_cast<std::uint64_t>(b);
    return static_cast<T>(n);
  }
  std::string counted() { return text_in(bytes(number<std::uint16_t>())); }
  std::string rest() { return text_in(left_); }
  std::size_t left() const { return left_.size(); }

  bool complete = true;

 private:
  std::span<const std::byte> bytes(std::size_t count) {
    if (left_.size() < count) {
      complete = false;
      return {};
    }
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  std::span<const std::byte> left_;
};

/// What ALIVE2 and the answer to PORT_PLEASE2 have in common.
void put_node(std::vector<std::byte>& to, const epmd_node& n) {
  put(to, n.port, 2);
  put(to, n.type, 1);
  put(to, n.protocol, 1);
  put(to, n.highest, 2);
  put(to, n.lowest, 2);
  put_counted(to, n.name);
  put_counted(to, n.extra);
}

epmd_node take_node(fields& f) {
  epmd_node n;
  n.port = f.number<std::uint16_t>();
  n.type = f.number<std::uint8_t>();
  n.protocol = f.number<std::uint8_t>();
  n.highest = f.number<std::uint16_t>();
  n.lowest = f.number<std::uint16_t>();
  n.name = f.counted();
  n.extra = f.counted();
  return n;
}

}  // namespace

std::uint16_t epmd_port() {
  constexpr std::uint16_t usual = 4369;
  const char* text = std::getenv("ERL_EPMD_PORT");
  if (text == nullptr || *text == '\0') return usual;
  const std::string_view digits(text);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0)
    throw epmd_error("ERL_EPMD_PORT is no port: " + std::string(digits.substr(0, 40)));
  return port;
}

bool is_epmd_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= longest_epmd_name && std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '@';
  });
}

// --- requests
// -----------------------------------------------------------------------------------------------------------

std::vector<std::byte> epmd_request_bytes(const epmd_request& request) {
  std::vector<std::byte> bytes(2);  // the length, when it is known
  if (const auto* alive = std::get_if<epmd_alive_request>(&request)) {
    put(bytes, alive_request, 1);
    put_node(bytes, alive->node);
  } else if (const auto* port = std::get_if<epmd_port_request>(&request)) {
    put(bytes, port_request, 1);
    put(bytes, port->name);
  } else if (const auto* names = std::get_if<epmd_names_request>(&request)) {
    put(bytes, names->dump ? dump_request : names_request, 1);
  } else {
    put(bytes, kill_request, 1);
  }
  const std::size_t size = bytes.size() - 2;
  if (size > longest_epmd_request)
    throw epmd_error("epmd: a request of " + std::to_string(size) + " bytes is too long; " +
                     std::to_string(longest_epmd_request) + " are the most");
  bytes[0] = static_cast<std::byte>(size >> 8);
  bytes[1] = static_cast<std::byte>(size);
  return bytes;
}

epmd_request parse_epmd_request(std::span<const std::byte> body) {
  fields f(body);
  switch (f.number<std::uint8_t>()) {
    case alive_request: {
      epmd_alive_request r;
      r.node = take_node(f);
      // The C program takes a message that ends behind the name, too, which some old clients send.
      if (!f.complete && r.node.name.empty()) malformed("ALIVE2", body);
      return r;
    }
    case port_request: return epmd_port_request{f.rest()};
    case names_request: return epmd_names_request{false};
    case dump_request: return epmd_names_request{true};
    case kill_request:
    case stop_request: return epmd_kill_request{};
    default: malformed("a request", body);
  }
}

// --- answers
// ------------------------------------------------------------------------------------------------------------

std::vector<std::byte> epmd_alive_bytes(const epmd_alive_answer& answer, bool wide) {
  const bool refused = answer.creation == 0;
  std::vector<std::byte> bytes;
  put(bytes, wide ? alive_answer_wide : alive_answer, 1);
  put(bytes, refused ? 1 : 0, 1);
  put(bytes, refused ? refused_creation : answer.creation, wide ? 4 : 2);
  return bytes;
}

std::optional<epmd_alive_answer> parse_epmd_alive(std::span<const std::byte> bytes) {
  if (bytes.empty()) return std::nullopt;
  fields f(bytes);
  const auto tag = f.number<std::uint8_t>();
  if (tag != alive_answer && tag != alive_answer_wide) malformed("the answer to ALIVE2", bytes);
  const auto result = f.number<std::uint8_t>();
  const std::uint32_t creation = tag == alive_answer_wide ? f.number<std::uint32_t>() : f.number<std::uint16_t>();
  if (!f.complete) return std::nullopt;
  if (f.left() != 0 || (result == 0 && creation == 0)) malformed("the answer to ALIVE2", bytes);
  return epmd_alive_answer{result == 0 ? creation : 0};
}

std::vector<std::byte> epmd_port_bytes(const std::optional<epmd_node>& node) {
  std::vector<std::byte> bytes;
  put(bytes, port_answer, 1);
  put(bytes, node ? 0 : 1, 1);
  if (node) put_node(bytes, *node);
  return bytes;
}

std::optional<std::optional<epmd_node>> parse_epmd_port(std::span<const std::byte> bytes) {
  if (bytes.empty()) return std::nullopt;
  fields f(bytes);
  if (f.number<std::uint8_t>() != port_answer) malformed("the answer to PORT_PLEASE2", bytes);
  const auto result = f.number<std::uint8_t>();
  if (!f.complete) return std::nullopt;
  if (result != 0) return std::optional<epmd_node>();
  epmd_node node = take_node(f);
  if (!f.complete) return std::nullopt;
  return std::optional<epmd_node>(std::move(node));
}

std::vector<std::byte> epmd_names_bytes(std::uint16_t port, const std::vector<epmd_name>& names, bool dump) {
  std::vector<std::byte> bytes;
  put(bytes, port, 4);
  for (const epmd_name& n : names)
    put(bytes, dump ? "active name     <" + n.name + "> at port " + std::to_string(n.port) + ", fd = -1\n"
                    : "name " + n.name + " at port " + std::to_string(n.port) + "\n");
  return bytes;
}

std::vector<epmd_name> parse_epmd_names(std::span<const std::byte> bytes) {
  constexpr std::string_view before = "name ", between = " at port ";
  if (bytes.size() < 4) malformed("the list of names", bytes);
  std::vector<epmd_name> names;
  const std::string text = text_in(bytes.subspan(4));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    const std::size_t middle = line.rfind(between);
    if (!line.starts_with(before) || middle == std::string_view::npos || middle < before.size())
      malformed("the list of names", bytes);
    epmd_name n{std::string(line.substr(before.size(), middle - before.size())), 0};
    const auto digits = line.substr(middle + between.size());
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n.port);
    if (error != std::errc() || last != digits.data() + digits.size()) malformed("the list of names", bytes);
    names.push_back(std::move(n));
  }
  return names;
}

}  // namespace troupe::detail
