// SPDX-License-Identifier: BSL-1.0
// The simulated network: what it promises of streams, and each of its faults.
#include <troupe/net/testing/simulated_network.hpp>

#include <troupe/actors/all.hpp>
#include <troupe/net/stream_io.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe::testing::simulated_network;
using troupe::testing::simulation;

namespace {

using net_ptr = std::shared_ptr<detail::network>;
using stream_ptr = std::unique_ptr<detail::byte_stream>;

struct listening {
  std::uint16_t port;
};
struct done {};

constexpr std::uint64_t seeds = 300;

/// A world with a system and two machines.
struct two_machines {
  explicit two_machines(std::uint64_t seed)
      : world(seed), net(world), h1(net.host("h1")), h2(net.host("h2")), sys(options()) {}
  actor_system_options options() {
    auto o = world.options();
    o.log_crashes = false;
    return o;
  }
  template <class F>
  term run(F f) {
    term reason;
    sys.wait(sys.spawn([&](context& self) -> process {
      self.spawn_monitor(f);
      down d = co_await self.receive<down>();
      reason = std::move(d.reason);
    }));
    return reason;
  }

  simulation world;
  simulated_network net;
  net_ptr h1, h2;
  actor_system sys;
};

/// What a body gets, since a process takes no references.
struct here {
  two_machines* all;
  two_machines* operator->() const { return all; }
};

/// A network that a process may take.
struct lan {
  net_ptr net;
};

/// The same test body with many seeds; it must end normally.
void with_seeds(const std::function<process(context&, here)>& body) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    two_machines t(seed);
    CAPTURE(seed);
    const term reason = t.run([&](context& self) -> process { return body(self, here{&t}); });
    REQUIRE(reason == term("normal"_atom));
  }
}

detail::time_point in(context& self, detail::duration d) {
  return self.now() + d;
}

std::vector<std::byte> bytes_of(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 256);
  return bytes;
}

/// Sends back what it reads, until the end.
process echo(context& self, stream_ptr stream) {
  std::array<std::byte, 100> buffer;
  for (;;) {
    const std::size_t n = co_await detail::read_available(self, *stream, buffer, detail::time_point::max());
    if (n == 0) co_return;
    co_await detail::write_all(self, *stream, std::span(buffer).first(n), detail::time_point::max());
  }
}

process echo_server(context& self, lan at, std::string address, std::uint16_t port, pid tell) {
  std::error_code error;
  const auto listener = at.net->listen(address, port, error);
  CHECK(!error);
  self.send<listening>(tell, listener->port());
  for (;;) {
    stream_ptr s = co_await detail::accept(self, *listener);
    self.spawn(echo, std::move(s));
  }
}

task<std::uint16_t> start_echo(context& self, net_ptr net, std::string address = "0.0.0.0") {
  self.spawn(echo_server, lan{std::move(net)}, std::move(address), std::uint16_t{0}, self.pid());
  const listening l = co_await self.receive<listening>();
  co_return l.port;
}

/// Both sides of one stream, in this process's hands.
struct both_sides {
  std::unique_ptr<detail::byte_listener> listener;
  stream_ptr dialled, accepted;
  both_sides() = default;
  both_sides(both_sides&&) = default;
  ~both_sides() = default;
};

task<both_sides> stream_between(context& self, net_ptr from, net_ptr to, std::string to_name) {
  both_sides s;
  std::error_code error;
  s.listener = to->listen("0.0.0.0", 0, error);
  s.dialled = co_await detail::connect(self, from, to_name, s.listener->port(), in(self, 10s));
  s.accepted = co_await detail::accept(self, *s.listener, in(self, 10s));
  co_return std::move(s);
}

/// What a read at the stream says: "" when bytes came, otherwise the error's message.
task<std::string> read_error(context& self, detail::byte_stream& s, detail::duration patience = 10s) {
  std::array<std::byte, 16> buffer;
  std::string text;
  try {
    const std::size_t n = co_await detail::read_available(self, s, buffer, in(self, patience));
    if (n == 0) text = "end";
  } catch (const detail::stream_error& e) {
    text = e.code().message();
  }
  co_return text;
}

task<std::string> connect_error(context& self, net_ptr net, std::string host, std::uint16_t port,
                                detail::duration patience = 1000s) {
  std::string text;
  try {
    const stream_ptr s = co_await detail::connect(self, std::move(net), std::move(host), port, in(self, patience));
  } catch (const detail::stream_error& e) {
    text = e.code().message();
  }
  co_return text;
}

std::string text_of(std::errc e) {
  return std::make_error_code(e).message();
}

/// Something with many streams whose order is the seed's.
std::uint64_t trace(std::uint64_t seed, std::string* order = nullptr) {
  two_machines t(seed);
  const term reason = t.run([&](context& self) -> process {
    const std::uint16_t port = co_await start_echo(self, t.h2);
    for (int i = 0; i < 4; ++i)
      self.spawn_monitor([&t, port, i, order](context& me) -> process {
        const stream_ptr s = co_await detail::connect(me, t.h1, "h2", port, in(me, 10s));
        const auto out = bytes_of(300);
        co_await detail::write_all(me, *s, out, in(me, 10s));
        std::vector<std::byte> back(300);
        co_await detail::read_exactly(me, *s, back, in(me, 10s));
        CHECK(back == out);
        if (order != nullptr) *order += std::to_string(i);
      });
    for (int i = 0; i < 4; ++i) co_await self.receive<down>();
  });
  CHECK(reason == term("normal"_atom));
  return t.world.trace_hash();
}

}  // namespace

TEST_CASE("bytes arrive complete and in order, whatever the segments") {
  with_seeds([](context& self, here t) -> process {
    const std::uint16_t port = co_await start_echo(self, t->h2);
    const stream_ptr s = co_await detail::connect(self, t->h1, "h2", port, in(self, 10s));
    const auto out = bytes_of(2000);
    co_await detail::write_all(self, *s, out, in(self, 100s));
    std::vector<std::byte> back(out.size());
    co_await detail::read_exactly(self, *s, back, in(self, 100s));
    CHECK(back == out);
  });
}

TEST_CASE("a network's events are among the choices of the seed, and a seed replays them") {
  std::set<std::uint64_t> traces;
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::string order, again;
    const std::uint64_t first = trace(seed, &order);
    CHECK(trace(seed, &again) == first);
    CHECK(again == order);
    traces.insert(first);
    orders.insert(order);
  }
  CHECK(traces.size() > 55);
  CHECK(orders.size() > 10);
}

TEST_CASE("segments are cut at any byte and take their time") {
  std::set<std::size_t> first_reads;
  std::set<detail::duration> times;
  with_seeds([&](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const auto start = self.now();
    const auto out = bytes_of(12);
    co_await detail::write_all(self, *s.dialled, out, in(self, 10s));
    std::array<std::byte, 12> buffer;
    const std::size_t n = co_await detail::read_available(self, *s.accepted, buffer, in(self, 10s));
    first_reads.insert(n);
    times.insert(self.now() - start);
  });
  CHECK(first_reads.size() == 12);
  CHECK(times.size() > seeds / 4);
  CHECK(*times.begin() == 0ns);
  CHECK(*times.rbegin() > 3ms);
}

TEST_CASE("delays are as long as they are set") {
  with_seeds([&](context& self, here t) -> process {
    t->net.set_delays(0ns, 0ns);
    const auto start = self.now();
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const auto out = bytes_of(100);
    co_await detail::write_all(self, *s.dialled, out, in(self, 10s));
    std::vector<std::byte> back(100);
    co_await detail::read_exactly(self, *s.accepted, back, in(self, 10s));
    CHECK(self.now() == start);
  });
}

TEST_CASE("writing would block while 64 KiB are not read") {
  with_seeds([](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const auto lump = bytes_of(10'000);
    std::size_t written = 0;
    std::error_code error;
    for (;;) {
      const std::span<const std::byte> pieces[] = {std::span(lump).first(1), lump};
      const std::size_t n = s.dialled->write_some(pieces, error);
      if (n == 0) break;
      written += n;
    }
    CHECK(error == std::errc::operation_would_block);
    CHECK(written == 65536);
    bool timed_out = false;
    try {
      co_await detail::write_all(self, *s.dialled, lump, in(self, 5s));
    } catch (const detail::stream_error& e) {
      timed_out = e.code() == std::errc::timed_out;
    }
    CHECK(timed_out);
    // Room comes as the other side reads.
    std::vector<std::byte> some(100);
    co_await detail::read_exactly(self, *s.accepted, some, in(self, 5s));
    co_await detail::write_all(self, *s.dialled, some, in(self, 5s));
  });
}

TEST_CASE("nobody listens: connection refused; no such machine: host unreachable") {
  with_seeds([](context& self, here t) -> process {
    const std::string refused = co_await connect_error(self, t->h1, "h2", 4369);
    CHECK(refused == text_of(std::errc::connection_refused));
    const std::string unknown = co_await connect_error(self, t->h1, "h3", 4369);
    CHECK(unknown == text_of(std::errc::host_unreachable));
    std::uint16_t port = 0;
    {
      std::error_code error;
      const auto listener = t->h2->listen("0.0.0.0", 0, error);
      port = listener->port();
    }
    const std::string gone = co_await connect_error(self, t->h1, "h2", port);
    CHECK(gone == text_of(std::errc::connection_refused));
  });
}

TEST_CASE("a machine reaches itself by loopback and by its name, and others do not reach its loopback") {
  with_seeds([](context& self, here t) -> process {
    const std::uint16_t port = co_await start_echo(self, t->h1, "127.0.0.1");
    for (const char* name : {"127.0.0.1", "localhost", "::1", "h1"}) {
      const stream_ptr s = co_await detail::connect(self, t->h1, name, port, in(self, 10s));
      CHECK(s->is_from_here());
      CHECK(s->peer() == "h1:" + std::to_string(port));
    }
    const std::string refused = co_await connect_error(self, t->h2, "h1", port);
    CHECK(refused == text_of(std::errc::connection_refused));
    const std::uint16_t open = co_await start_echo(self, t->h1, "h1");
    const stream_ptr s = co_await detail::connect(self, t->h2, "h1", open, in(self, 10s));
    CHECK(!s->is_from_here());
  });
}

TEST_CASE("a port is one listener's, an address must be the machine's") {
  simulation world(1);
  simulated_network net(world);
  const auto h1 = net.host("h1");
  const auto h2 = net.host("h2");
  std::error_code error;
  const auto first = h1->listen("0.0.0.0", 4369, error);
  CHECK(!error);
  CHECK(first->address() == "h1:4369");
  CHECK(h1->listen("127.0.0.1", 4369, error) == nullptr);
  CHECK(error == std::errc::address_in_use);
  CHECK(h2->listen("0.0.0.0", 4369, error) != nullptr);
  CHECK(h1->listen("h2", 1, error) == nullptr);
  CHECK(error == std::errc::address_not_available);
}

TEST_CASE("closing ends the other side's reading, and its own at once") {
  with_seeds([&](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    s.dialled->close();
    s.dialled->close();
    std::array<std::byte, 4> buffer;
    std::error_code error;
    CHECK(s.dialled->read_some(buffer, error) == 0);
    CHECK(error == std::errc::bad_file_descriptor);
    const std::span<const std::byte> one[] = {buffer};
    CHECK(s.dialled->write_some(one, error) == 0);
    CHECK(error == std::errc::bad_file_descriptor);
    const std::string end = co_await read_error(self, *s.accepted);
    CHECK(end == "end");
  });
}

TEST_CASE("bytes before the end arrive; writing to who has closed gives an error in the end") {
  with_seeds([&](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const auto out = bytes_of(40);
    co_await detail::write_all(self, *s.dialled, out, in(self, 10s));
    s.dialled.reset();
    std::vector<std::byte> got(40);
    co_await detail::read_exactly(self, *s.accepted, got, in(self, 10s));
    CHECK(got == out);
    const std::string end = co_await read_error(self, *s.accepted);
    CHECK(end == "end");
    std::string text;
    try {
      for (;;) {
        co_await detail::write_all(self, *s.accepted, out, in(self, 10s));
        co_await self.sleep(1s);
      }
    } catch (const detail::stream_error& e) {
      text = e.code().message();
    }
    CHECK(text == text_of(std::errc::broken_pipe));
  });
}

TEST_CASE("closing with unread bytes resets the other side, which may lose the end of what was written") {
  std::set<std::size_t> arrived;
  with_seeds([&](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const auto out = bytes_of(40);
    co_await detail::write_all(self, *s.accepted, out, in(self, 10s));
    co_await self.sleep(5s);
    co_await detail::write_all(self, *s.dialled, out, in(self, 10s));
    s.dialled.reset();
    std::size_t count = 0;
    std::string end;
    while (end.empty()) {
      end = co_await read_error(self, *s.accepted);
      ++count;
    }
    CHECK(end == text_of(std::errc::connection_reset));
    arrived.insert(count);
  });
  CHECK(arrived.size() > 3);
}

TEST_CASE("a partition holds bytes and tells nobody; healing lets them go on") {
  with_seeds([](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    t->net.partition("h1", "h2");
    const auto out = bytes_of(20);
    co_await detail::write_all(self, *s.dialled, out, in(self, 1s));
    co_await detail::write_all(self, *s.accepted, out, in(self, 1s));
    const std::string nothing = co_await read_error(self, *s.accepted, 24h);
    CHECK(nothing == text_of(std::errc::timed_out));
    const std::string nothing_either = co_await read_error(self, *s.dialled, 24h);
    CHECK(nothing_either == text_of(std::errc::timed_out));
    s.dialled->close();
    const std::string still = co_await read_error(self, *s.accepted, 24h);
    CHECK(still == text_of(std::errc::timed_out));
    t->net.heal("h2", "h1");
    std::string end;
    while (end.empty()) end = co_await read_error(self, *s.accepted);
    // What was held for the side that has closed is answered by a reset.
    CHECK((end == "end" || end == text_of(std::errc::connection_reset)));
  });
}

TEST_CASE("connects across a partition wait for their deadline, and 127 s for an answer") {
  with_seeds([](context& self, here t) -> process {
    const std::uint16_t port = co_await start_echo(self, t->h2);
    t->net.partition("h1", "h2");
    auto start = self.now();
    const std::string early = co_await connect_error(self, t->h1, "h2", port, 7s);
    CHECK(early == text_of(std::errc::timed_out));
    CHECK(self.now() - start == 7s);
    start = self.now();
    const std::string late = co_await connect_error(self, t->h1, "h2", port);
    CHECK(late == text_of(std::errc::host_unreachable));
    CHECK(self.now() - start == 127s);
    // Others are reached.
    t->net.host("h3");
    const net_ptr h3 = t->net.host("h3");
    const std::string fine = co_await connect_error(self, h3, "h2", port);
    CHECK(fine == "");
    // One that waits goes on when it heals.
    self.spawn([t](context& me) -> process {
      co_await me.sleep(20s);
      t->net.heal("h1", "h2");
    });
    const std::string healed = co_await connect_error(self, t->h1, "h2", port);
    CHECK(healed == "");
  });
}

TEST_CASE("a reset breaks all streams between two machines for both sides, and no others") {
  with_seeds([](context& self, here t) -> process {
    const net_ptr h3 = t->net.host("h3");
    both_sides one = co_await stream_between(self, t->h1, t->h2, "h2");
    both_sides two = co_await stream_between(self, t->h2, t->h1, "h1");
    both_sides other = co_await stream_between(self, h3, t->h1, "h1");
    t->net.reset("h1", "h2");
    for (const auto* s : {&one.dialled, &one.accepted, &two.dialled, &two.accepted}) {
      const std::string text = co_await read_error(self, **s);
      CHECK(text == text_of(std::errc::connection_reset));
      std::error_code error;
      const auto out = bytes_of(3);
      const std::span<const std::byte> pieces[] = {out};
      CHECK((*s)->write_some(pieces, error) == 0);
      CHECK(error == std::errc::broken_pipe);
    }
    const auto out = bytes_of(1);
    co_await detail::write_all(self, *other.dialled, out, in(self, 1s));
    const std::string fine = co_await read_error(self, *other.accepted);
    CHECK(fine == "");
    both_sides again = co_await stream_between(self, t->h1, t->h2, "h2");
    CHECK(again.dialled != nullptr);
  });
}

TEST_CASE("who waits at a stream is woken by a reset") {
  with_seeds([](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    const spawned waiting = self.spawn_monitor(
        [](context& me, stream_ptr stream) -> process {
          const std::string text = co_await read_error(me, *stream, 1000h);
          CHECK(text == text_of(std::errc::connection_reset));
        },
        std::move(s.dialled));
    co_await self.sleep(1s);
    t->net.reset("h1", "h2");
    const down d = co_await self.receive<down>();
    CHECK(d.process == waiting.pid);
    CHECK(d.reason == term("normal"_atom));
  });
}

TEST_CASE("a crashed machine loses its streams and listeners, and may come up again") {
  with_seeds([](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    both_sides inner = co_await stream_between(self, t->h2, t->h2, "localhost");
    const std::uint16_t port = s.listener->port();
    t->net.crash("h2");
    for (const auto* broken : {&s.accepted, &s.dialled, &inner.accepted, &inner.dialled}) {
      const std::string text = co_await read_error(self, **broken);
      CHECK(text == text_of(std::errc::connection_reset));
    }
    std::error_code error;
    CHECK(s.listener->accept(error) == nullptr);
    CHECK(error == std::errc::bad_file_descriptor);
    const std::string refused = co_await connect_error(self, t->h1, "h2", port);
    CHECK(refused == text_of(std::errc::connection_refused));
    const auto listener = t->h2->listen("0.0.0.0", port, error);
    CHECK(!error);
    const std::string fine = co_await connect_error(self, t->h1, "h2", port);
    CHECK(fine == "");
  });
}

TEST_CASE("who waits on a crashed machine is told, and a partition hides the crash from others") {
  with_seeds([](context& self, here t) -> process {
    both_sides s = co_await stream_between(self, t->h1, t->h2, "h2");
    t->net.partition("h1", "h2");
    // An accept and a connect of h2 that will never be answered.
    self.spawn_monitor([t](context& me) -> process {
      std::error_code error;
      const auto listener = t->h2->listen("0.0.0.0", 0, error);
      bool failed = false;
      try {
        const stream_ptr none = co_await detail::accept(me, *listener);
      } catch (const detail::stream_error&) {
        failed = true;
      }
      CHECK(failed);
    });
    self.spawn_monitor([t](context& me) -> process {
      const std::string text = co_await connect_error(me, t->h2, "h1", 1);
      CHECK(text == text_of(std::errc::connection_reset));
    });
    co_await self.sleep(1s);
    t->net.crash("h2");
    for (int i = 0; i < 2; ++i) {
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term("normal"_atom));
    }
    const std::string hidden = co_await read_error(self, *s.dialled, 24h);
    CHECK(hidden == text_of(std::errc::timed_out));
    t->net.heal("h1", "h2");
    const std::string told = co_await read_error(self, *s.dialled);
    CHECK(told == text_of(std::errc::connection_reset));
  });
}

TEST_CASE("a listener that goes breaks the connections that nobody has accepted") {
  with_seeds([](context& self, here t) -> process {
    std::error_code error;
    auto listener = t->h2->listen("0.0.0.0", 0, error);
    const stream_ptr s = co_await detail::connect(self, t->h1, "h2", listener->port(), in(self, 10s));
    listener.reset();
    const std::string text = co_await read_error(self, *s);
    CHECK((text == "end" || text == text_of(std::errc::connection_reset)));
  });
}

TEST_CASE("processes may be killed at every wait, and leave no stream") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    two_machines t(seed);
    const term reason = t.run([&](context& self) -> process {
      const std::uint16_t port = co_await start_echo(self, t.h2);
      const spawned victim = self.spawn_monitor([&t, port](context& me) -> process {
        for (;;) {
          const stream_ptr s = co_await detail::connect(me, t.h1, "h2", port, in(me, 100s));
          const auto out = bytes_of(50);
          co_await detail::write_all(me, *s, out, in(me, 100s));
          std::vector<std::byte> back(50);
          co_await detail::read_exactly(me, *s, back, in(me, 100s));
        }
      });
      const std::uint64_t steps = t.world.choose(200);
      for (std::uint64_t i = 0; i < steps; ++i) co_await self.sleep(100us);
      self.exit(victim.pid, "kill"_atom);
      co_await self.receive<down>();
      co_await self.sleep(10s);  // the echo sees the end
      CHECK(t.net.streams() == 0);
    });
    REQUIRE(reason == term("normal"_atom));
  }
}

TEST_CASE("a system that ends is not called any more, and others in its world go on") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    simulation world(seed);
    simulated_network net(world);
    const auto h1 = net.host("h1"), h2 = net.host("h2");
    auto options = world.options("other@h1");
    options.log_crashes = false;
    actor_system stays(world.options("stays@h2"));
    {
      actor_system goes(options);
      std::error_code error;
      const auto listener = h2->listen("0.0.0.0", 99, error);
      for (int i = 0; i < 3; ++i)
        goes.spawn([&](context& self) -> process {
          const stream_ptr s = co_await detail::connect(self, h1, "h2", 99, in(self, 100s));
          const std::string text = co_await read_error(self, *s, 100s);
        });
      net.partition("h1", "h2");
      const std::uint64_t steps = world.choose(60);
      for (std::uint64_t i = 0; i < steps; ++i) {
        if (i == steps / 2) net.heal("h1", "h2");
        world.step();
      }
    }
    world.run();
    stays.wait(stays.spawn([](context& self) -> process { co_await self.sleep(1000s); }));
    CHECK(net.streams() == 0);
  }
}

TEST_CASE("faults name machines that are there") {
  simulation world(1);
  simulated_network net(world);
  net.host("h1");
  std::string what;
  try {
    net.partition("h1", "h9");
  } catch (const std::invalid_argument& e) {
    what = e.what();
  }
  CHECK(what.find("h9") != std::string::npos);
  CHECK_THROWS_AS(net.heal("h9", "h1"), std::invalid_argument);
  CHECK_THROWS_AS(net.reset("h1", "h9"), std::invalid_argument);
  CHECK_THROWS_AS(net.crash("h9"), std::invalid_argument);
}
