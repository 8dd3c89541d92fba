// SPDX-License-Identifier: BSL-1.0
// epmd: its messages, our client, server and keeper on the simulated network, and all of them with OTP's own.
#include <troupe/net/epmd_client.hpp>
#include <troupe/net/epmd_server.hpp>

#include "programs.hpp"

#include <troupe/actors/all.hpp>
#include <troupe/net/stream_io.hpp>
#include <troupe/net/testing/simulated_network.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe::testing::simulated_network;
using troupe::testing::simulation;

namespace {

constexpr std::uint64_t seeds = 100;
constexpr std::uint16_t epmd_at = 4369;
constexpr std::size_t own = 3;  // the processes of a test itself

std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int digits = 0, value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::byte>(std::exchange(value, 0)));
  }
  return bytes;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const epmd_error& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

epmd_node node_called(std::string name, std::uint16_t its_port = 4711) {
  epmd_node n;
  n.name = std::move(name);
  n.port = its_port;
  return n;
}

/// Machines h1 and h2, and one system.
struct machines {
  explicit machines(std::uint64_t seed)
      : world(seed), net(world), h1(net.host("h1")), h2(net.host("h2")), sys(options()) {
    set_log_level(log_level::off);  // keepers tell what goes wrong
  }
  actor_system_options options() {
    auto o = world.options();
    o.log_crashes = false;
    return o;
  }
  epmd_server_options server_options(const pid& report = pid()) {
    epmd_server_options o;
    o.net = h1;
    o.report = report;
    o.first_creation = [this] { return static_cast<std::uint32_t>(world.choose(1000)); };
    return o;
  }
  epmd_keeper_options keeper_options(const pid& report, std::string name) {
    epmd_keeper_options o;
    o.net = h1;
    o.node = node_called(std::move(name));
    o.report = report;
    return o;
  }

  simulation world;
  simulated_network net;
  std::shared_ptr<network> h1, h2;
  actor_system sys;
};

struct here {
  machines* all;
  machines* operator->() const { return all; }
};

void with_seeds(const std::function<process(context&, here)>& body, std::uint64_t count = seeds) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    machines m(seed);
    term reason;
    m.sys.wait(m.sys.spawn([&](context& self) -> process {
      self.spawn_monitor([&](context& me) -> process { return body(me, here{&m}); });
      down d = co_await self.receive<down>();
      reason = std::move(d.reason);
    }));
    REQUIRE(reason == term("normal"_atom));
  }
}

task<pid> start_server(context& self, epmd_server_options options) {
  const pid server = self.spawn(epmd_server, std::move(options));
  co_await self.receive<epmd_listening>();
  co_return server;
}

/// A registration, or why there is none.
task<epmd_registration> try_register(context& self, std::shared_ptr<network> net, std::string host, epmd_node node,
                                     std::string& error, std::uint16_t at = epmd_at) {
  epmd_registration r;
  try {
    r = co_await epmd_register(self, std::move(net), std::move(host), at, node, later(self.now(), 10s));
  } catch (const epmd_error& e) {
    error = e.what();
  } catch (const stream_error& e) {
    error = e.what();
  }
  co_return std::move(r);
}

task<std::vector<epmd_name>> names_at(context& self, std::shared_ptr<network> net, std::string host,
                                      std::uint16_t at = epmd_at) {
  std::vector<epmd_name> names = co_await epmd_names(self, std::move(net), std::move(host), at, later(self.now(), 10s));
  co_return std::move(names);
}

/// All that a request is answered, to the end of the stream; "..." when that does not come.
task<std::string> raw_answer(context& self, std::shared_ptr<network> net, std::string host,
                             std::vector<std::byte> request, duration patience = 1h) {
  const time_point deadline = later(self.now(), patience);
  const auto stream = co_await connect(self, std::move(net), std::move(host), epmd_at, deadline);
  co_await write_all(self, *stream, request, deadline);
  std::string text;
  try {
    for (;;) {
      std::array<std::byte, 100> buffer;
      const std::size_t n = co_await read_available(self, *stream, buffer, deadline);
      if (n == 0) break;
      for (const std::byte b : std::span(buffer).first(n)) text += static_cast<char>(b);
    }
  } catch (const stream_error& e) {
    if (e.code() == std::errc::timed_out) text += "...";
  }
  co_return std::move(text);
}

}  // namespace

// --- messages
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("requests have a length of two bytes before them") {
  epmd_node n = node_called("py", 0x1234);
  n.extra = "ab";
  const auto alive = hex("0013 78 1234 4d 00 0006 0006 0002 7079 0002 6162");
  CHECK(epmd_request_bytes(epmd_alive_request{n}) == hex("0011 78 1234 4d 00 0006 0006 0002 7079 0002 6162"));
  CHECK(epmd_request_bytes(epmd_port_request{"n1"}) == hex("0003 7a 6e31"));
  CHECK(epmd_request_bytes(epmd_names_request{}) == hex("0001 6e"));
  CHECK(epmd_request_bytes(epmd_names_request{true}) == hex("0001 64"));
  const auto parsed = parse_epmd_request(std::span(alive).subspan(2));
  CHECK(std::get<epmd_alive_request>(parsed).node == n);
  CHECK(std::get<epmd_port_request>(parse_epmd_request(hex("7a 6e31"))).name == "n1");
  CHECK(!std::get<epmd_names_request>(parse_epmd_request(hex("6e"))).dump);
  CHECK(std::get<epmd_names_request>(parse_epmd_request(hex("64"))).dump);
  CHECK(std::holds_alternative<epmd_kill_request>(parse_epmd_request(hex("6b"))));
  CHECK(std::holds_alternative<epmd_kill_request>(parse_epmd_request(hex("73 6e31"))));
}

TEST_CASE("what is no request, or too long for one, is refused") {
  CHECK(contains(error_of([] { parse_epmd_request(hex("00 01")); }), "2 bytes: 00 01"));
  CHECK(contains(error_of([] { parse_epmd_request({}); }), "0 bytes"));
  CHECK(contains(error_of([] { parse_epmd_request(hex("78 1234 4d 00 0006 0006 0009 7079")); }), "ALIVE2"));
  CHECK(contains(error_of([] { epmd_request_bytes(epmd_port_request{std::string(3060, 'x')}); }), "3061"));
  CHECK(epmd_request_bytes(epmd_port_request{std::string(3058, 'x')}).size() == 3061);
  CHECK(is_epmd_name("n1"));
  CHECK(is_epmd_name(std::string(1020, 'x')));
  for (const std::string& bad : {std::string(), std::string(1021, 'x'), std::string("a\nb"), std::string("a@b")})
    CHECK(!is_epmd_name(bad));
}

TEST_CASE("the answer to ALIVE2 has 32 bits of creation for version 6, else 16") {
  CHECK(epmd_alive_bytes({5}, true) == hex("76 00 00000005"));
  CHECK(epmd_alive_bytes({2}, false) == hex("79 00 0002"));
  CHECK(epmd_alive_bytes({0}, true) == hex("76 01 00000063"));
  CHECK(parse_epmd_alive(hex("76 00 6b0299ca"))->creation == 0x6b0299ca);
  CHECK(parse_epmd_alive(hex("79 00 0003"))->creation == 3);
  CHECK(parse_epmd_alive(hex("76 01 00000063"))->creation == 0);
  for (const char* part : {"", "76", "76 00", "76 00 00 00 00", "79 00 00"}) CHECK(!parse_epmd_alive(hex(part)));
  CHECK(contains(error_of([] { parse_epmd_alive(hex("77 00")); }), "77 00"));
  CHECK(contains(error_of([] { parse_epmd_alive(hex("79 00 0003 00")); }), "5 bytes"));
  CHECK(contains(error_of([] { parse_epmd_alive(hex("76 00 00000000")); }), "76 00"));
}

TEST_CASE("the answer to PORT_PLEASE2 is a node, or 77 01") {
  CHECK(epmd_port_bytes(std::nullopt) == hex("77 01"));
  const auto none = parse_epmd_port(hex("77 01"));
  CHECK(none.has_value());
  CHECK(!none->has_value());
  epmd_node n = node_called("n1", 0x1234);
  n.type = 'H';
  n.lowest = 5;
  const auto bytes = hex("77 00 1234 48 00 0006 0005 0002 6e31 0000");
  CHECK(epmd_port_bytes(n) == bytes);
  CHECK(parse_epmd_port(bytes).value() == n);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    if (size != 0) CHECK(!parse_epmd_port(std::span(bytes).first(size)));
  CHECK(contains(error_of([] { parse_epmd_port(hex("78 00")); }), "78 00"));
}

TEST_CASE("the list of names is text behind the port") {
  const std::vector<epmd_name> names{{"n1", 4711}, {"name at port 7", 1}};
  const auto bytes = epmd_names_bytes(0x1111, names);
  CHECK(std::vector(bytes.begin(), bytes.begin() + 4) == hex("00001111"));
  CHECK(std::vector(bytes.begin() + 4, bytes.end()) ==
        bytes_of("name n1 at port 4711\nname name at port 7 at port 1\n"));
  CHECK(parse_epmd_names(bytes) == names);
  CHECK(parse_epmd_names(hex("00001111")).empty());
  for (const char* bad : {"nam n1 at port 1\n", "name n1 at prt 1\n", "name n1 at port \n", "name n1 at port 65536\n",
                          "name n1 at port 1x\n", "\n", "name at port 1\n"}) {
    auto text = hex("00001111");
    for (const std::byte b : bytes_of(bad)) text.push_back(b);
    CAPTURE(bad);
    CHECK(contains(error_of([&] { parse_epmd_names(text); }), "the list of names"));
  }
  CHECK(contains(error_of([] { parse_epmd_names(hex("000011")); }), "3 bytes"));
}

TEST_CASE("the port comes from ERL_EPMD_PORT") {
  const char* before = std::getenv("ERL_EPMD_PORT");
  const std::string kept = before == nullptr ? "" : before;
  ::unsetenv("ERL_EPMD_PORT");
  CHECK(epmd_port() == 4369);
  ::setenv("ERL_EPMD_PORT", "5000", 1);
  CHECK(epmd_port() == 5000);
  for (const char* bad : {"0", "65536", "x", "12x", "-1"}) {
    ::setenv("ERL_EPMD_PORT", bad, 1);
    CHECK(contains(error_of([] { epmd_port(); }), bad));
  }
  if (before == nullptr)
    ::unsetenv("ERL_EPMD_PORT");
  else
    ::setenv("ERL_EPMD_PORT", kept.c_str(), 1);
}

// --- client and server
// --------------------------------------------------------------------------------------------------

TEST_CASE("a node is registered as long as its connection lives") {
  with_seeds([](context& self, here m) -> process {
    epmd_server_options options = m->server_options(self.pid());
    options.address = "0.0.0.0";
    co_await start_server(self, std::move(options));
    std::string error;
    epmd_node one = node_called("one", 1001);
    one.extra = "more";
    epmd_registration first = co_await try_register(self, m->h1, "127.0.0.1", one, error);
    CHECK(error == "");
    CHECK(first.creation >= 4);
    epmd_registration second = co_await try_register(self, m->h1, "localhost", node_called("two", 1002), error);
    CHECK(error == "");
    const std::vector<epmd_name> names = co_await names_at(self, m->h2, "h1");
    CHECK(names == std::vector<epmd_name>{{"one", 1001}, {"two", 1002}});
    const auto found = co_await epmd_lookup(self, m->h2, "h1", epmd_at, "one", later(self.now(), 10s));
    CHECK(found == std::optional(one));
    const auto none = co_await epmd_lookup(self, m->h1, "h1", epmd_at, "three", later(self.now(), 10s));
    CHECK(!none);
    first.stream.reset();
    co_await self.sleep(1s);
    const std::vector<epmd_name> fewer = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(fewer == std::vector<epmd_name>{{"two", 1002}});
  });
}

TEST_CASE("a name that comes again gets the next creation, another node's name is refused") {
  with_seeds([](context& self, here m) -> process {
    co_await start_server(self, m->server_options(self.pid()));
    std::string error;
    epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    const std::uint32_t creation = r.creation;
    epmd_registration again = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    CHECK(again.creation == 0);
    CHECK(contains(error, "refuses to register \"one\""));
    for (std::uint32_t i = 1; i <= 3; ++i) {
      r.stream.reset();
      co_await self.sleep(1s);
      error.clear();
      r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
      CHECK(error == "");
      CHECK(r.creation == creation + i);
    }
  });
}

TEST_CASE("any byte from a registered node unregisters it") {
  with_seeds([](context& self, here m) -> process {
    co_await start_server(self, m->server_options(self.pid()));
    std::string error;
    epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    const auto byte = bytes_of("x");
    co_await write_all(self, *r.stream, byte, later(self.now(), 10s));
    std::array<std::byte, 1> buffer;
    std::size_t n = 1;
    try {
      n = co_await read_available(self, *r.stream, buffer, later(self.now(), 10s));
    } catch (const stream_error& e) {
      n = e.code() == std::errc::timed_out ? 1 : 0;
    }
    CHECK(n == 0);
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names.empty());
  });
}

TEST_CASE("only nodes of the same machine are registered") {
  with_seeds([](context& self, here m) -> process {
    epmd_server_options options = m->server_options(self.pid());
    options.address = "0.0.0.0";
    co_await start_server(self, std::move(options));
    std::string error;
    const epmd_registration r = co_await try_register(self, m->h2, "h1", node_called("one"), error);
    CHECK(r.creation == 0);
    CHECK(error != "");
    const std::vector<epmd_name> names = co_await names_at(self, m->h2, "h1");
    CHECK(names.empty());
  });
}

TEST_CASE("impossible names are refused by both sides") {
  with_seeds(
      [](context& self, here m) -> process {
        co_await start_server(self, m->server_options(self.pid()));
        std::string error;
        const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("a@b"), error);
        CHECK(contains(error, "a@b"));
        const auto request = epmd_request_bytes(epmd_alive_request{node_called("a\nname b")});
        const std::string refused = co_await raw_answer(self, m->h1, "127.0.0.1", request);
        CHECK(bytes_of(refused) == hex("76 01 00000063"));
        epmd_node old = node_called("a@b");
        old.highest = 5;
        const auto old_request = epmd_request_bytes(epmd_alive_request{old});
        const std::string old_refused = co_await raw_answer(self, m->h1, "127.0.0.1", old_request);
        CHECK(bytes_of(old_refused) == hex("79 01 0063"));
      },
      20);
}

TEST_CASE("a node of before version 6 gets a creation of 1 to 3") {
  with_seeds(
      [](context& self, here m) -> process {
        co_await start_server(self, m->server_options(self.pid()));
        epmd_node old = node_called("old");
        old.highest = old.lowest = 5;
        std::string error;
        const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", old, error);
        CHECK(r.creation >= 1);
        CHECK(r.creation <= 3);
      },
      20);
}

TEST_CASE("the server lists and dumps, and refuses to be killed or to stop a node") {
  with_seeds([](context& self, here m) -> process {
    const pid server = co_await start_server(self, m->server_options(self.pid()));
    std::string error;
    const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    const std::string list = co_await raw_answer(self, m->h1, "127.0.0.1", hex("0001 6e"));
    const std::string dump = co_await raw_answer(self, m->h1, "127.0.0.1", hex("0001 64"));
    const std::string kill = co_await raw_answer(self, m->h1, "127.0.0.1", hex("0001 6b"));
    const std::string stop = co_await raw_answer(self, m->h1, "127.0.0.1", hex("0004 73 6f6e65"));
    CHECK(list == std::string("\0\0\x11\x11name one at port 4711\n", 26));
    CHECK(dump == std::string("\0\0\x11\x11", 4) + "active name     <one> at port 4711, fd = -1\n");
    CHECK(kill == "NO");
    CHECK(stop == "NO");
    CHECK(self.is_alive(server));
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names.size() == 1);
  });
}

TEST_CASE("garbage, empty and overlong requests are closed unanswered") {
  with_seeds(
      [](context& self, here m) -> process {
        const pid server = co_await start_server(self, m->server_options(self.pid()));
        for (const char* bad : {"0000", "0001 00", "0003 78 0000", "0bf4", "ffff", "0002 ffff"}) {
          CAPTURE(bad);
          const time_point start = self.now();
          const std::string text = co_await raw_answer(self, m->h1, "127.0.0.1", hex(bad));
          CHECK(text == "");
          CHECK(self.now() - start < 10s);
        }
        CHECK(self.is_alive(server));
      },
      30);
}

TEST_CASE("a silent connection is closed after 60 s, a registered one never") {
  with_seeds(
      [](context& self, here m) -> process {
        co_await start_server(self, m->server_options(self.pid()));
        std::string error;
        const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
        for (const char* part : {"", "00", "0005 7a61"}) {
          const time_point start = self.now();
          const std::string text = co_await raw_answer(self, m->h1, "127.0.0.1", hex(part));
          CHECK(text == "");
          CHECK(self.now() - start >= 60s);
          CHECK(self.now() - start < 62s);
        }
        co_await self.sleep(24h);
        const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
        CHECK(names.size() == 1);
      },
      20);
}

TEST_CASE("connections and names are bounded") {
  with_seeds(
      [](context& self, here m) -> process {
        epmd_server_options options = m->server_options(self.pid());
        options.max_connections = 4;
        options.max_names = 2;
        co_await start_server(self, std::move(options));
        std::string error;
        const epmd_registration one = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
        const epmd_registration two = co_await try_register(self, m->h1, "127.0.0.1", node_called("two"), error);
        CHECK(error == "");
        const epmd_registration three = co_await try_register(self, m->h1, "127.0.0.1", node_called("three"), error);
        CHECK(contains(error, "three"));
        co_await self.sleep(1s);
        std::vector<std::unique_ptr<byte_stream>> idle;
        for (int i = 0; i < 2; ++i) {
          auto stream = co_await connect(self, m->h1, "127.0.0.1", epmd_at, time_point::max());
          idle.push_back(std::move(stream));
        }
        co_await self.sleep(1s);
        const time_point start = self.now();
        bool closed = false;
        try {
          const std::vector<epmd_name> none = co_await names_at(self, m->h1, "127.0.0.1");
        } catch (const epmd_error&) {
          closed = true;
        } catch (const stream_error& e) {
          closed = e.code() != std::errc::timed_out;
        }
        CHECK(closed);
        CHECK(self.now() - start < 5s);
        idle.clear();
        co_await self.sleep(1s);
        const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
        CHECK(names.size() == 2);
      },
      30);
}

TEST_CASE("a server that cannot listen ends, and says where") {
  with_seeds(
      [](context& self, here m) -> process {
        co_await start_server(self, m->server_options(self.pid()));
        self.spawn_monitor(epmd_server, m->server_options(self.pid()));
        const down d = co_await self.receive<down>();
        CHECK(contains(d.reason.to_string(), "127.0.0.1:4369"));
      },
      10);
}

TEST_CASE("a server ends with its owner, and its connections with it") {
  with_seeds([](context& self, here m) -> process {
    const pid owner = self.spawn([](context& me) -> process { co_await me.receive<timeout>(); });
    epmd_server_options options = m->server_options(self.pid());
    options.owner = owner;
    const pid server = co_await start_server(self, std::move(options));
    std::string error;
    const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    self.monitor(server);
    co_await self.sleep(1ms);  // now it is monitored
    self.exit(owner, "kill"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term("shutdown"_atom));
    co_await self.sleep(1s);
    CHECK(m->net.streams() == 1);  // ours
    CHECK(m->sys.process_count() == own);
  });
}

TEST_CASE("connections may be killed at every wait: their names go, the server stays") {
  with_seeds(
      [](context& self, here m) -> process {
        const pid server = co_await start_server(self, m->server_options(self.pid()));
        for (int round = 0; round < 3; ++round) {
          const pid victim = self.spawn([m, name = "n" + std::to_string(round)](context& me) -> process {
            std::string error;
            const epmd_registration r = co_await try_register(me, m->h1, "127.0.0.1", node_called(name), error);
            CHECK(error == "");
            co_await me.sleep(1h);
          });
          const std::uint64_t steps = m->world.choose(30);
          for (std::uint64_t i = 0; i < steps; ++i) co_await self.sleep(200us);
          self.exit(victim, "kill"_atom);
          co_await self.sleep(1s);
          const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
          CHECK(names.empty());
        }
        CHECK(self.is_alive(server));
        self.exit(server, "kill"_atom);
        co_await self.sleep(1s);
        CHECK(m->net.streams() == 0);
      },
      3 * seeds);
}

TEST_CASE("an epmd that answers nonsense, too much or nothing is an error, not a hang") {
  struct liar {
    const char* answer;
    bool closes;
    const char* error;
  };
  for (const liar& l : {liar{"77 00", true, "expected the answer to ALIVE2"}, liar{"", true, "closed the connection"},
                        liar{"76 00", true, "closed the connection after 2 bytes"}, liar{"76 00", false, "timed out"},
                        liar{"", false, "timed out"}})
    with_seeds(
        [&](context& self, here m) -> process {
          m->net.set_delays(1ms, 1ms);
          std::error_code none;
          const auto listener = m->h1->listen("127.0.0.1", epmd_at, none);
          self.spawn([&](context& me) -> process {
            const auto stream = co_await accept(me, *listener);
            std::vector<std::byte> request = epmd_request_bytes(epmd_alive_request{node_called("one")});
            co_await read_exactly(me, *stream, request, time_point::max());
            const auto bytes = hex(l.answer);
            co_await write_all(me, *stream, bytes, time_point::max());
            if (!l.closes) co_await me.sleep(1h);
            co_await me.sleep(1s);
          });
          std::string error;
          const epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
          CHECK(contains(error, l.error));
        },
        20);
}

// --- the keeper
// -------------------------------------------------------------------------------------------------------

TEST_CASE("the keeper registers with the epmd that there is") {
  with_seeds([](context& self, here m) -> process {
    const pid server = co_await start_server(self, m->server_options(self.pid()));
    self.spawn(epmd_keeper, m->keeper_options(self.pid(), "one"));
    const epmd_registered r = co_await self.receive<epmd_registered>();
    CHECK(r.creation >= 4);
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names == std::vector<epmd_name>{{"one", 4711}});
    CHECK(self.is_alive(server));
  });
}

TEST_CASE("where there is no epmd, the keeper brings its own, which others use") {
  with_seeds([](context& self, here m) -> process {
    const pid first = self.spawn(epmd_keeper, m->keeper_options(self.pid(), "one"));
    const pid second = self.spawn(epmd_keeper, m->keeper_options(self.pid(), "two"));
    for (int i = 0; i < 2; ++i) co_await self.receive<epmd_registered>();
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names == std::vector<epmd_name>{{"one", 4711}, {"two", 4711}});
    // Whichever had the server: when it ends, the other brings a new one.
    self.exit(first, "kill"_atom);
    co_await self.sleep(5s);
    const std::vector<epmd_name> left = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(left == std::vector<epmd_name>{{"two", 4711}});
    self.exit(second, "kill"_atom);
    co_await self.sleep(5s);
    CHECK(m->net.streams() == 0);
    CHECK(m->sys.process_count() == own);
  });
}

TEST_CASE("a keeper that may not serve waits for an epmd, and one that serves no one does without") {
  with_seeds(
      [](context& self, here m) -> process {
        epmd_keeper_options options = m->keeper_options(self.pid(), "one");
        options.serve = false;
        self.spawn(epmd_keeper, std::move(options));
        const auto early = co_await self.receive<epmd_registered>(after(7s));
        CHECK(!early);
        co_await start_server(self, m->server_options(self.pid()));
        const time_point start = self.now();
        co_await self.receive<epmd_registered>();
        CHECK(self.now() - start < 3s);
      },
      30);
}

TEST_CASE("when epmd is gone the keeper tries every 2 s and keeps its creation") {
  with_seeds([](context& self, here m) -> process {
    const pid server = co_await start_server(self, m->server_options(self.pid()));
    epmd_keeper_options options = m->keeper_options(self.pid(), "one");
    options.serve = false;
    const pid keeper = self.spawn(epmd_keeper, std::move(options));
    co_await self.receive<epmd_registered>();
    self.exit(server, "kill"_atom);
    co_await self.sleep(20s);
    epmd_server_options again = m->server_options(self.pid());
    co_await start_server(self, std::move(again));
    co_await self.sleep(3s);
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names.size() == 1);
    CHECK(self.is_alive(keeper));
    const auto another = co_await self.receive<epmd_registered>(after(0s));
    CHECK(!another);
    // And when it is only the stream that breaks.
    m->net.reset("h1", "h1");
    co_await self.sleep(5s);
    const std::vector<epmd_name> still = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(still.size() == 1);
  });
}

TEST_CASE("a name that is taken ends the keeper at first, and is tried again later") {
  with_seeds([](context& self, here m) -> process {
    co_await start_server(self, m->server_options(self.pid()));
    std::string error;
    epmd_registration r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one"), error);
    self.spawn_monitor(epmd_keeper, m->keeper_options(self.pid(), "one"));
    const down d = co_await self.receive<down>();
    CHECK(contains(d.reason.to_string(), "refuses to register"));
    // Later: another node takes the name in the moment between.
    r.stream.reset();
    co_await self.sleep(1s);
    const pid keeper = self.spawn(epmd_keeper, m->keeper_options(self.pid(), "one"));
    co_await self.receive<epmd_registered>();
    m->net.reset("h1", "h1");
    co_await self.sleep(1s);
    r = co_await try_register(self, m->h1, "127.0.0.1", node_called("one", 9), error);
    co_await self.sleep(10s);
    CHECK(self.is_alive(keeper));
    r.stream.reset();
    co_await self.sleep(5s);
    const std::vector<epmd_name> names = co_await names_at(self, m->h1, "127.0.0.1");
    CHECK(names == std::vector<epmd_name>{{"one", 4711}});
  });
}

TEST_CASE("keepers may be killed at every wait: what they began ends with them") {
  with_seeds(
      [](context& self, here m) -> process {
        const pid keeper = self.spawn(epmd_keeper, m->keeper_options(self.pid(), "one"));
        const std::uint64_t steps = m->world.choose(60);
        for (std::uint64_t i = 0; i < steps; ++i) co_await self.sleep(200us);
        self.exit(keeper, "kill"_atom);
        co_await self.sleep(200s);
        CHECK(m->net.streams() == 0);
        CHECK(m->sys.process_count() == own);
        std::error_code error;
        const auto listener = m->h1->listen("127.0.0.1", epmd_at, error);
        CHECK(!error);
      },
      3 * seeds);
}

// --- with OTP's own epmd
// ------------------------------------------------------------------------------------------------

namespace {

/// `epmd -names` and its like, run in a process that blocks.
task<std::string> epmd_says(context& self, std::uint16_t at, std::string what) {
  const auto run = [at, what] {
    troupe_test::program p({"epmd", "-port", std::to_string(at), what}, {});
    return p.wait_for_end();
  };
  std::string text = co_await self.blocking(run);
  co_return std::move(text);
}

}  // namespace

TEST_CASE("our client and keeper register with OTP's epmd, which lists them until they end") {
  if (!troupe_test::is_installed("epmd")) {
    MESSAGE("NOT TESTED: there is no epmd");
    return;
  }
  troupe_test::real_world w;
  const std::uint16_t at = troupe_test::free_port(w.net);
  troupe_test::program epmd({"epmd", "-d", "-d", "-port", std::to_string(at), "-address", "127.0.0.1"}, {});
  epmd.wait_for("entering the main select() loop");
  w.run([&](context& self) -> process {
    std::string error;
    epmd_node node = node_called("troupe_one", 1001);
    node.extra = "\x01\x02";
    epmd_registration r = co_await try_register(self, w.net, "127.0.0.1", node, error, at);
    CHECK(error == "");
    CHECK(r.creation >= 4);
    const std::string listed = co_await epmd_says(self, at, "-names");
    CHECK(contains(listed, "name troupe_one at port 1001"));
    const auto found = co_await epmd_lookup(self, w.net, "127.0.0.1", at, "troupe_one", later(self.now(), 10s));
    CHECK(found == std::optional(node));
    const auto none = co_await epmd_lookup(self, w.net, "127.0.0.1", at, "troupe_two", later(self.now(), 10s));
    CHECK(!none);
    const std::vector<epmd_name> names = co_await names_at(self, w.net, "127.0.0.1", at);
    CHECK(names == std::vector<epmd_name>{{"troupe_one", 1001}});
    const epmd_registration taken = co_await try_register(self, w.net, "127.0.0.1", node, error, at);
    CHECK(taken.creation == 0);
    CHECK(contains(error, "refuses to register \"troupe_one\""));

    // The keeper finds this epmd and needs no other; killed, it is not listed any more.
    epmd_keeper_options options;
    options.net = w.net;
    options.node = node_called("troupe_kept", 1002);
    options.port = at;
    options.report = self.pid();
    const spawned keeper = self.spawn_monitor(epmd_keeper, options);
    const epmd_registered kept = co_await self.receive<epmd_registered>();
    CHECK(kept.creation >= 4);
    const std::string both = co_await epmd_says(self, at, "-names");
    CHECK(contains(both, "name troupe_kept at port 1002"));
    self.exit(keeper.pid, "kill"_atom);
    co_await self.receive<down>();
    std::vector<epmd_name> left = co_await names_at(self, w.net, "127.0.0.1", at);
    while (left.size() != 1) left = co_await names_at(self, w.net, "127.0.0.1", at);
    CHECK(left[0].name == "troupe_one");
  });
}

TEST_CASE("OTP's epmd program lists what our server knows, and cannot kill it") {
  if (!troupe_test::is_installed("epmd")) {
    MESSAGE("NOT TESTED: there is no epmd");
    return;
  }
  troupe_test::real_world w;
  w.run([&](context& self) -> process {
    epmd_server_options options;
    options.net = w.net;
    options.port = 0;
    options.report = self.pid();
    const pid server = self.spawn(epmd_server, options);
    const epmd_listening l = co_await self.receive<epmd_listening>();
    std::string error;
    epmd_registration r =
        co_await try_register(self, w.net, "127.0.0.1", node_called("troupe_one", 1001), error, l.port);
    CHECK(error == "");
    const std::string listed = co_await epmd_says(self, l.port, "-names");
    CHECK(contains(listed, "up and running on port " + std::to_string(l.port)));
    CHECK(contains(listed, "name troupe_one at port 1001"));
    const std::string killed = co_await epmd_says(self, l.port, "-kill");
    CHECK(contains(killed, "not allowed"));
    CHECK(self.is_alive(server));
  });
}

TEST_CASE("an Erlang node registers with our server, and asks it by erl_epmd") {
  if (!troupe_test::is_installed("erl")) {
    MESSAGE("NOT TESTED: there is no erl");
    return;
  }
  troupe_test::real_world w;
  w.run([&](context& self) -> process {
    epmd_server_options options;
    options.net = w.net;
    options.port = 0;
    options.report = self.pid();
    self.spawn(epmd_server, options);
    const epmd_listening l = co_await self.receive<epmd_listening>();
    std::string error;
    const epmd_node ours = node_called("troupe_one", 1001);
    const epmd_registration r = co_await try_register(self, w.net, "127.0.0.1", ours, error, l.port);
    const auto run = [&] {
      troupe_test::program erl(
          {"erl", "-noshell", "-name", "otp_one@127.0.0.1", "-setcookie", "ck", "-start_epmd", "false", "-eval",
           "{ok, Names} = erl_epmd:names(\"127.0.0.1\"),"
           "io:format(\"~p ~p ~p~n\", [lists:sort(Names), erl_epmd:port_please(\"troupe_one\", \"127.0.0.1\"),"
           " erl_epmd:port_please(\"nobody\", \"127.0.0.1\")]), halt()."},
          {"ERL_EPMD_PORT=" + std::to_string(l.port), "HOME=/nonexistent"});
      return erl.wait_for_end();
    };
    const std::string said = co_await self.blocking(run);
    CHECK(contains(said, "[{\"otp_one\","));
    CHECK(contains(said, "{\"troupe_one\",1001}] {port,1001,6} noport"));
    std::vector<epmd_name> left = co_await names_at(self, w.net, "127.0.0.1", l.port);
    while (left.size() != 1) left = co_await names_at(self, w.net, "127.0.0.1", l.port);
    CHECK(left[0].name == "troupe_one");
  });
}
