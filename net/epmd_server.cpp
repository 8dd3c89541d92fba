// SPDX-License-Identifier: BSL-1.0
// The server: one process owns the names, one more for each connection talks.
#include <troupe/net/epmd_server.hpp>

#include <troupe/net/stream_io.hpp>

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::detail {

using namespace literals;

namespace {

// --- what connections ask the server
// ------------------------------------------------------------------------------------

/// The creation; 0: refused.
struct add_node_name {
  epmd_node node;
  using reply = std::uint32_t;
};
struct find_node_name {
  std::string name;
  using reply = std::optional<epmd_node>;
};
struct list_node_names {
  using reply = std::vector<epmd_name>;
};

// --- a connection
// -------------------------------------------------------------------------------------------------------

/// What a connection's process is given. Moved into it.
struct guest {
  std::unique_ptr<byte_stream> stream;
  pid server;
  std::uint16_t port;
  duration idle;

  guest(std::unique_ptr<byte_stream> s, const troupe::pid& p, std::uint16_t its_port, duration patience)
      : stream(std::move(s)), server(p), port(its_port), idle(patience) {}
};

/// The next request; nothing at the end of the stream, and for what is no request. Throws stream_error.
task<std::optional<epmd_request>> next_request(context& self, guest& g) {
  const time_point deadline = later(self.now(), g.idle);
  std::array<std::byte, 2> head;
  co_await read_exactly(self, *g.stream, head, deadline);
  const std::size_t length = std::to_integer<std::size_t>(head[0]) << 8 | std::to_integer<std::size_t>(head[1]);
  std::optional<epmd_request> request;
  if (length == 0 || length > longest_epmd_request) co_return request;
  std::vector<std::byte> body(length);
  co_await read_exactly(self, *g.stream, body, deadline);
  try {
    request = parse_epmd_request(body);
  } catch (const epmd_error&) {
    // It is closed, as OTP's does.
  }
  co_return request;
}

task<void> answer(context& self, guest& g, std::vector<std::byte> bytes) {
  co_await write_all(self, *g.stream, bytes, later(self.now(), g.idle));
}

/// True when the node is registered.
task<bool> register_guest(context& self, guest& g, epmd_node node) {
  // OTP's does not even answer others; and a name that cannot be listed is none.
  if (!g.stream->is_from_here()) co_return false;
  const bool wide = node.highest >= 6;
  epmd_alive_answer reply;
  if (is_epmd_name(node.name)) {
    const add_node_name question{std::move(node)};  // copied: g++ 12 must not move it here
    reply.creation = co_await self.call(g.server, question, infinity);
  }
  const bool registered = reply.creation != 0;
  if (!wide && registered) reply.creation = reply.creation % 3 + 1;  // 1 to 3, in the old days
  co_await answer(self, g, epmd_alive_bytes(reply, wide));
  co_return registered;
}

process serve_guest(context& self, guest g) {
  try {
    std::optional<epmd_request> request = co_await next_request(self, g);
    if (!request) co_return;
    if (auto* alive = std::get_if<epmd_alive_request>(&*request)) {
      epmd_node node = std::move(alive->node);
      const bool registered = co_await register_guest(self, g, node);
      if (!registered) co_return;
      // Whatever happens at the stream now is the end of the node.
      std::array<std::byte, 1> buffer;
      co_await read_available(self, *g.stream, buffer, time_point::max());
    } else if (auto* port = std::get_if<epmd_port_request>(&*request)) {
      const find_node_name question{std::move(port->name)};
      const std::optional<epmd_node> found = co_await self.call(g.server, question, infinity);
      co_await answer(self, g, epmd_port_bytes(found));
    } else if (const auto* names = std::get_if<epmd_names_request>(&*request)) {
      const std::vector<epmd_name> list = co_await self.call(g.server, list_node_names{}, infinity);
      co_await answer(self, g, epmd_names_bytes(g.port, list, names->dump));
    } else {
      const std::vector<std::byte> no{std::byte{'N'}, std::byte{'O'}};
      co_await answer(self, g, no);
    }
  } catch (const stream_error&) {
    // The client has gone, or said nothing.
  } catch (const call_failed&) {
    // The server has gone.
  }
}

// --- the server
// ---------------------------------------------------------------------------------------------------------

std::uint32_t random_creation() {
  std::array<unsigned char, 4> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("OpenSSL gives no random bytes for a creation");
  std::uint32_t creation = 0;
  for (const unsigned char b : bytes) creation = creation << 8 | b;
  return creation;
}

/// Who is registered, and what creation those had that were.
class name_table {
 public:
  explicit name_table(const epmd_server_options& options) : options_(options) {}

  /// 0: taken, or there are too many.
  std::uint32_t add(const epmd_node& node, const pid& connection) {
    if (nodes_.contains(node.name) || nodes_.size() >= options_.max_names) return 0;
    auto last = creations_.find(node.name);
    if (last == creations_.end()) {
      forget_some();
      const std::uint32_t first = options_.first_creation ? options_.first_creation() : random_creation();
      last = creations_.emplace(node.name, valid(first)).first;
    } else {
      last->second = valid(last->second + 1);
    }
    nodes_.emplace(node.name, entry{node, connection});
    return last->second;
  }
  void remove(const pid& connection) {
    std::erase_if(nodes_, [&](const auto& n) { return n.second.connection == connection; });
  }
  std::optional<epmd_node> find(const std::string& name) const {
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? std::nullopt : std::optional(found->second.node);
  }
  std::vector<epmd_name> list() const {
    std::vector<epmd_name> names;
    for (const auto& [name, e] : nodes_) names.push_back({name, e.node.port});
    return names;
  }

 private:
  struct entry {
    epmd_node node;
    pid connection;
  };

  /// 0 to 3 are those of old.
  static std::uint32_t valid(std::uint32_t creation) { return std::max<std::uint32_t>(creation, 4); }
  /// Names that come and go must not fill the memory.
  void forget_some() {
    if (creations_.size() < 2 * options_.max_names) return;
    std::erase_if(creations_, [&](const auto& c) { return !nodes_.contains(c.first); });
  }

  const epmd_server_options& options_;
  std::map<std::string, entry, std::less<>> nodes_;
  std::map<std::string, std::uint32_t> creations_;
};

}  // namespace

process epmd_server(context& self, epmd_server_options options) {
  self.trap_exit(true);
  const reference owner = options.owner == pid() ? reference() : self.monitor(options.owner);
  std::error_code error;
  std::unique_ptr<byte_listener> listener;
  const auto open = [&] { listener = options.net->listen(options.address, options.port, error); };
  co_await self.blocking(open);
  if (!listener) {
    const std::string where = options.address + ":" + std::to_string(options.port);
    throw stream_error("epmd: listening at " + where + ": " + error.message(), error);
  }
  self.send<epmd_listening>(options.report, listener->port());

  name_table names(options);
  std::set<pid> guests;
  std::uint64_t waiting_for = 0;
  const auto take_guests = [&] {
    for (;;) {
      std::error_code why;
      std::unique_ptr<byte_stream> stream = listener->accept(why);
      if (!stream) {
        if (why != std::errc::operation_would_block && why != std::errc::resource_unavailable_try_again)
          throw stream_error("epmd: accepting at " + listener->address() + ": " + why.message(), why);
        break;
      }
      if (guests.size() >= options.max_connections) continue;  // closes it
      guests.insert(self.spawn_link(serve_guest, guest(std::move(stream), self.pid(), listener->port(), options.idle)));
    }
    waiting_for = next_ticket();
    listener->when_acceptable(waking(self, waiting_for));
  };
  const auto its_ready = [&](const stream_ready& r) { return r.ticket == waiting_for; };
  const auto on_ready = [&](const stream_ready&) { take_guests(); };
  const auto on_exit = [&](const exit_signal& e) {
    if (guests.erase(e.from) == 0) self.exit(e.reason);
    names.remove(e.from);
  };
  const auto is_owner = [&](const down& d) { return d.ref == owner; };
  // Not normal: that would leave the connections' processes alive.
  const auto on_owner = [&](const down&) { self.exit("shutdown"_atom); };
  const auto on_add = [&](request<add_node_name> r) {
    // One whose exit has been dealt with is not there any more, and would never be removed.
    r.reply(guests.contains(r.from()) ? names.add(r->node, r.from()) : 0U);
  };
  const auto on_find = [&](request<find_node_name> r) { r.reply(names.find(r->name)); };
  const auto on_list = [&](request<list_node_names> r) { r.reply(names.list()); };
  take_guests();
  for (;;) {
    auto ready = when(its_ready, on_ready);
    auto owner_ended = when(is_owner, on_owner);
    co_await self.receive(ready, on_exit, owner_ended, on_add, on_find, on_list);
  }
}

}  // namespace troupe::detail
