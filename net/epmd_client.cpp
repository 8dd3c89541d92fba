// SPDX-License-Identifier: BSL-1.0
// The client's side of epmd, and the keeper.
#include <troupe/net/epmd_client.hpp>

#include <troupe/net/epmd_server.hpp>
#include <troupe/net/stream_io.hpp>

#include <array>
#include <span>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

constexpr std::size_t longest_answer = std::size_t{1} << 20;

/// Adds what comes next; false at the end of the stream. Throws epmd_error when the answer becomes too long.
task<bool> read_more(context& self, byte_stream& from, std::vector<std::byte>& into, time_point deadline) {
  std::array<std::byte, 1024> buffer;
  const std::size_t n = co_await read_available(self, from, buffer, deadline);
  into.insert(into.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
  if (into.size() > longest_answer)
    throw epmd_error("epmd at " + from.peer() + " does not stop answering: " + std::to_string(into.size()) + " bytes");
  co_return n != 0;
}

/// Reads until `parse` has all it wants.
template <class Parse>
task<typename std::invoke_result_t<Parse, std::span<const std::byte>>::value_type> answer(context& self,
                                                                                          byte_stream& from,
                                                                                          Parse parse,
                                                                                          time_point deadline) {
  std::vector<std::byte> bytes;
  for (;;) {
    const bool more = co_await read_more(self, from, bytes, deadline);
    auto parsed = parse(std::span<const std::byte>(bytes));
    if (parsed) co_return std::move(*parsed);
    if (!more)
      throw epmd_error("epmd at " + from.peer() + " closed the connection after " + std::to_string(bytes.size()) +
                       " bytes of its answer");
  }
}

task<std::unique_ptr<byte_stream>> ask(context& self, std::shared_ptr<network> net, std::string host,
                                       std::uint16_t port, std::vector<std::byte> request, time_point deadline) {
  std::unique_ptr<byte_stream> stream = co_await connect(self, std::move(net), std::move(host), port, deadline);
  co_await write_all(self, *stream, request, deadline);
  co_return std::move(stream);
}

}  // namespace

task<epmd_registration> epmd_register(context& self, std::shared_ptr<network> net, std::string host, std::uint16_t port,
                                      const epmd_node& node, time_point deadline) {
  if (!is_epmd_name(node.name)) throw epmd_error("epmd: no node can be registered as \"" + node.name + "\"");
  const epmd_request request = epmd_alive_request{node};
  epmd_registration result;
  result.stream = co_await ask(self, std::move(net), std::move(host), port, epmd_request_bytes(request), deadline);
  const epmd_alive_answer got = co_await answer(self, *result.stream, parse_epmd_alive, deadline);
  if (got.creation == 0)
    throw epmd_error("epmd at " + result.stream->peer() + " refuses to register \"" + node.name +
                     "\": a node with that name is running already, most likely");
  result.creation = got.creation;
  co_return std::move(result);
}

task<std::optional<epmd_node>> epmd_lookup(context& self, std::shared_ptr<network> net, std::string host,
                                           std::uint16_t port, std::string name, time_point deadline) {
  const epmd_request request = epmd_port_request{std::move(name)};
  const std::unique_ptr<byte_stream> stream =
      co_await ask(self, std::move(net), std::move(host), port, epmd_request_bytes(request), deadline);
  std::optional<epmd_node> found = co_await answer(self, *stream, parse_epmd_port, deadline);
  co_return std::move(found);
}

task<std::vector<epmd_name>> epmd_names(context& self, std::shared_ptr<network> net, std::string host,
                                        std::uint16_t port, time_point deadline) {
  const epmd_request request = epmd_names_request{};
  const std::unique_ptr<byte_stream> stream =
      co_await ask(self, std::move(net), std::move(host), port, epmd_request_bytes(request), deadline);
  std::vector<std::byte> bytes;
  bool more = true;
  while (more) more = co_await read_more(self, *stream, bytes, deadline);
  co_return parse_epmd_names(bytes);
}

// --- keeping a node registered
// ----------------------------------------------------------------------------------------

namespace {

/// The keeper's own server, while it lives.
struct own_server {
  pid process;
  reference monitor;
};

/// Starts a server unless one of ours lives; true when it listens.
task<bool> serve(context& self, const epmd_keeper_options& options, own_server& server) {
  if (self.is_alive(server.process)) co_return true;
  self.demonitor(server.monitor, true);
  epmd_server_options o;
  o.net = options.net;
  o.address = options.serve_at;
  o.port = options.port;
  o.report = o.owner = self.pid();
  const spawned s = self.spawn_monitor(epmd_server, std::move(o));
  server = {s.pid, s.monitor};
  bool listens = false;
  const auto it_listens = [&listens](const epmd_listening&) { listens = true; };
  const auto is_its_end = [&server](const down& d) { return d.ref == server.monitor; };
  const auto it_ended = [](const down&) {};
  auto ended = when(is_its_end, it_ended);
  co_await self.receive(it_listens, ended);
  co_return listens;
}

task<epmd_registration> register_once(context& self, const epmd_keeper_options& options, own_server& server) {
  const time_point deadline = later(self.now(), options.patience);
  bool nobody_there = false;
  epmd_registration result;
  try {
    result = co_await epmd_register(self, options.net, options.host, options.port, options.node, deadline);
  } catch (const stream_error& e) {
    if (!options.serve || e.code() != std::errc::connection_refused) throw;
    nobody_there = true;
  }
  if (nobody_there) {
    // If another one has begun to listen there meanwhile, all the better.
    co_await serve(self, options, server);
    result = co_await epmd_register(self, options.net, options.host, options.port, options.node, deadline);
  }
  co_return std::move(result);
}

/// Until the stream breaks, or epmd says something, which it must not.
task<void> while_it_lives(context& self, byte_stream& stream) {
  std::array<std::byte, 1> buffer;
  try {
    co_await read_available(self, stream, buffer, time_point::max());
  } catch (const stream_error&) {
    // That is what was waited for.
  }
}

}  // namespace

process epmd_keeper(context& self, epmd_keeper_options options) {
  own_server server;
  std::uint32_t creation = 0;
  std::string last_trouble;
  for (;;) {
    std::string trouble;
    try {
      epmd_registration now = co_await register_once(self, options, server);
      if (creation == 0) {
        creation = now.creation;
        self.send<epmd_registered>(options.report, creation);
      }
      last_trouble.clear();
      co_await while_it_lives(self, *now.stream);
    } catch (const epmd_error& e) {
      // Whoever makes the node is told; it is no crash that the log should show.
      if (creation == 0) self.exit(term::tuple({"error"_atom, std::string(e.what())}));
      trouble = e.what();
    } catch (const stream_error& e) {
      trouble = e.what();
    }
    if (!trouble.empty() && trouble != last_trouble)
      self.log(log_level::warning, "{} is not registered with epmd: {}; trying again", options.node.name, trouble);
    last_trouble = trouble;
    co_await self.sleep(options.pause);
  }
}

}  // namespace troupe::detail
