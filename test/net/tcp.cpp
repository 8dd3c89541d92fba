// SPDX-License-Identifier: BSL-1.0
// Processes that talk over TCP: on threads, over the loopback interface, with the poller of sockets.
#include <troupe/actors/all.hpp>
#include <troupe/net/poller.hpp>
#include <troupe/net/stream_io.hpp>
#include <troupe/net/tcp.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using detail::byte_listener;
using detail::byte_stream;
using detail::network;
using detail::read_available;
using detail::read_exactly;
using detail::stream_error;
using detail::time_point;
using detail::write_all;

namespace {

struct go {};
struct ready {};

/// Ends the program, by SIGALRM, when a test takes longer than a minute: a lost wake-up shows as a hang.
struct hang_guard {
  hang_guard() { ::alarm(60); }
  ~hang_guard() { ::alarm(0); }
  hang_guard(const hang_guard&) = delete;
  hang_guard& operator=(const hang_guard&) = delete;
};

/// An actor_system whose workers wait for sockets, and its network.
struct place {
  explicit place(std::size_t workers) : sys(options(workers)) {}

  actor_system_options options(std::size_t workers) {
    actor_system_options result;
    result.workers = workers;
    result.log_crashes = false;
    result.long_run = 0ns;
    result.poller = detail::io_pollers(reactor);
    return result;
  }

  /// Runs it as a process to its end.
  template <class F>
  void run(F body) {
    term reason("unknown"_atom);
    // A process that watches it from the start; we may come too late for that.
    finish(sys.spawn([&](context& self) -> process {
      self.spawn_monitor(body);
      down ended = co_await self.receive<down>();
      reason = std::move(ended.reason);
    }));
    CHECK(reason == term("normal"_atom));
  }
  /// Waits for a process that ends by itself, and may have done so already.
  void finish(const pid& p) {
    const term reason = sys.wait(p, 60s);
    CHECK((reason == term("normal"_atom) || reason == term("noproc"_atom)));
  }
  std::shared_ptr<byte_listener> listen(const std::string& address = "127.0.0.1") const {
    std::error_code error;
    std::shared_ptr<byte_listener> result = net->listen(address, 0, error);
    REQUIRE_MESSAGE(result, error.message());
    return result;
  }

  const hang_guard guard;
  std::shared_ptr<detail::io_reactor> reactor = std::make_shared<detail::io_reactor>();
  std::shared_ptr<network> net = make_tcp_network(reactor);
  actor_system sys;
};

time_point soon(context& self) {
  return self.now() + 50s;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> result(text.size());
  std::transform(text.begin(), text.end(), result.begin(), [](char c) { return static_cast<std::byte>(c); });
  return result;
}

std::string text_of(std::span<const std::byte> bytes) {
  std::string result(bytes.size(), '\0');
  std::transform(bytes.begin(), bytes.end(), result.begin(), [](std::byte b) { return static_cast<char>(b); });
  return result;
}

/// Sends everything back until the other side ends.
task<void> echo(context& self, byte_stream& s) {
  std::vector<std::byte> buffer(64 * 1024);
  for (;;) {
    const std::size_t n = co_await read_available(self, s, buffer, soon(self));
    if (n == 0) co_return;
    co_await write_all(self, s, std::span(buffer).first(n), soon(self));
  }
}

/// A process that echoes `count` connections, each in a process of its own.
pid echo_server(place& here, const std::shared_ptr<byte_listener>& listener, int count) {
  return here.sys.spawn([listener, count](context& self) -> process {
    for (int i = 0; i < count; ++i) {
      const std::shared_ptr<byte_stream> s = co_await detail::accept(self, *listener, soon(self));
      self.spawn([s](context& me) -> process { co_await echo(me, *s); });
    }
  });
}

task<std::string> ask(context& self, byte_stream& s, std::string text) {
  const std::vector<std::byte> question = bytes_of(text);
  co_await write_all(self, s, question, soon(self));
  std::vector<std::byte> answer(question.size());
  co_await read_exactly(self, s, answer, soon(self));
  co_return text_of(answer);
}

/// The error that the task ends with; none if it does not.
template <class T>
task<std::error_code> error_of(task<T> work) {
  std::error_code result;
  try {
    co_await std::move(work);
  } catch (const stream_error& e) {
    result = e.code();
  }
  co_return result;
}

/// Both ends of a new connection.
struct couple {
  std::shared_ptr<byte_stream> near;
  std::shared_ptr<byte_stream> far;
};

task<void> meet(context& self, std::shared_ptr<network> net, byte_listener& listener, couple& result) {
  result.near = co_await detail::connect(self, net, "127.0.0.1", listener.port(), soon(self));
  result.far = co_await detail::accept(self, listener, soon(self));
}

constexpr std::size_t all_workers[] = {1, 2, 4};

}  // namespace

TEST_CASE("what a process writes another process reads, over IPv4, IPv6 and by name") {
  for (const std::size_t workers : all_workers) {
    for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
      CAPTURE(workers);
      CAPTURE(host);
      place here(workers);
      const auto listener = here.listen(host);
      const pid server = echo_server(here, listener, 1);
      here.run([&](context& self) -> process {
        const auto s = co_await detail::connect(self, here.net, host, listener->port(), soon(self));
        for (const char* text : {"a", "hello", "the third"}) {
          const std::string answer = co_await ask(self, *s, text);
          CHECK(answer == text);
        }
      });
      here.finish(server);
    }
  }
}

TEST_CASE("streams and listeners tell their addresses") {
  for (const std::string host : {"127.0.0.1", "::1"}) {
    place here(1);
    const auto listener = here.listen(host);
    CHECK(listener->port() != 0);
    const std::string shown = host == "::1" ? "[::1]" : host;
    CHECK(listener->address() == shown + ":" + std::to_string(listener->port()));
    here.run([&](context& self) -> process {
      const auto near = co_await detail::connect(self, here.net, host, listener->port(), soon(self));
      const auto far = co_await detail::accept(self, *listener, soon(self));
      CHECK(near->peer() == listener->address());
      CHECK(far->peer().starts_with(shown + ":"));
      CHECK(far->peer() != near->peer());
      CHECK(near->is_from_here());
      CHECK(far->is_from_here());
    });
  }
}

TEST_CASE("a listener for all addresses takes connections of IPv4 and IPv6, and knows that they are from here") {
  place here(1);
  const auto listener = here.listen("::");
  here.run([&](context& self) -> process {
    for (const char* host : {"::1", "127.0.0.1"}) {
      const auto near = co_await detail::connect(self, here.net, host, listener->port(), soon(self));
      const auto far = co_await detail::accept(self, *listener, soon(self));
      CHECK(far->is_from_here());
      CHECK(near->is_from_here());
    }
  });
}

TEST_CASE("a port that is taken, an address of another machine and an unknown name cannot be listened at") {
  place here(1);
  const auto listener = here.listen();
  std::error_code error;
  CHECK(here.net->listen("127.0.0.1", listener->port(), error) == nullptr);
  CHECK(error == std::errc::address_in_use);
  CHECK(here.net->listen("192.0.2.1", 0, error) == nullptr);  // RFC 5737: nobody's
  CHECK(error == std::errc::address_not_available);
  CHECK(here.net->listen("", 0, error) == nullptr);
  CHECK(error == std::errc::invalid_argument);
  CHECK(here.net->listen("no.such.host.invalid", 0, error) == nullptr);
  CHECK(error);
  CHECK(error.message() != "");
  // The same object again: the error goes.
  CHECK(here.net->listen("127.0.0.1", 0, error) != nullptr);
  CHECK_FALSE(error);
}

TEST_CASE("a connection is refused where nobody listens, and the error names host and port") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    std::uint16_t port = here.listen()->port();  // it ends at once
    here.run([&](context& self) -> process {
      for (const char* host : {"127.0.0.1", "localhost"}) {
        std::string what;
        std::error_code code;
        try {
          co_await detail::connect(self, here.net, host, port, soon(self));
        } catch (const stream_error& e) {
          what = e.what();
          code = e.code();
        }
        CHECK(code == std::errc::connection_refused);
        CHECK(what.find(host + (":" + std::to_string(port))) != std::string::npos);
      }
    });
  }
}

TEST_CASE("an unknown host, an empty one and one with a zero byte end connect with an error") {
  place here(1);
  here.run([&](context& self) -> process {
    const std::string cut("127.0.0.1\0x", 11);
    for (const std::string& host : {std::string("no.such.host.invalid"), std::string(), cut}) {
      auto attempt = detail::connect(self, here.net, host, 1, soon(self));
      const std::error_code code = co_await error_of(std::move(attempt));
      CHECK(code);
      CHECK(code != std::errc::timed_out);
    }
  });
}

TEST_CASE("nothing that has come by the deadline ends reading, accepting and connecting with timed_out") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    here.run([&](context& self) -> process {
      couple c;
      co_await meet(self, here.net, *listener, c);
      std::vector<std::byte> buffer(2);
      auto reading = read_exactly(self, *c.near, buffer, self.now() + 2ms);
      std::error_code code = co_await error_of(std::move(reading));
      CHECK(code == std::errc::timed_out);
      auto accepting = detail::accept(self, *listener, self.now() + 2ms);
      code = co_await error_of(std::move(accepting));
      CHECK(code == std::errc::timed_out);
      // After that the stream is as good as before.
      const std::vector<std::byte> text = bytes_of("ab");
      co_await write_all(self, *c.far, text, soon(self));
      co_await read_exactly(self, *c.near, buffer, soon(self));
      CHECK(text_of(buffer) == "ab");
    });
  }
}

TEST_CASE("writing to a peer that does not read ends at the deadline") {
  place here(2);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    couple c;
    co_await meet(self, here.net, *listener, c);
    const std::vector<std::byte> much(64 << 20);
    auto writing = write_all(self, *c.near, much, self.now() + 20ms);
    const std::error_code code = co_await error_of(std::move(writing));
    CHECK(code == std::errc::timed_out);
  });
}

TEST_CASE("the reader of a stream whose peer ends gets what was written and then the end; a half of it is an error") {
  place here(2);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    couple c;
    co_await meet(self, here.net, *listener, c);
    const std::vector<std::byte> text = bytes_of("abc");
    co_await write_all(self, *c.far, text, soon(self));
    c.far.reset();
    std::vector<std::byte> buffer(2);
    co_await read_exactly(self, *c.near, buffer, soon(self));
    CHECK(text_of(buffer) == "ab");
    auto reading = read_exactly(self, *c.near, buffer, soon(self));
    std::error_code code = co_await error_of(std::move(reading));
    CHECK(code == detail::end_of_stream());
    const std::size_t n = co_await read_available(self, *c.near, buffer, soon(self));
    CHECK(n == 0);
  });
}

TEST_CASE("a process that waits for bytes learns that the peer has gone") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    here.run([&](context& self) -> process {
      couple c;
      co_await meet(self, here.net, *listener, c);
      self.spawn_monitor([s = c.near](context& me) -> process {
        std::vector<std::byte> buffer(1);
        const std::size_t n = co_await read_available(me, *s, buffer, time_point::max());
        me.exit(term(static_cast<std::int64_t>(n)));
      });
      co_await self.sleep(1ms);  // it most likely waits now; if not, it is the other case
      c.far->close();
      const down d = co_await self.receive<down>();
      CHECK(d.reason == term(0));
    });
  }
}

TEST_CASE("writing to a peer that has gone is an error, and no signal ends the program") {
  place here(2);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    couple c;
    co_await meet(self, here.net, *listener, c);
    c.far.reset();
    std::error_code code;
    const std::vector<std::byte> text = bytes_of("abc");
    while (!code) {  // the first ones may go out
      auto writing = write_all(self, *c.near, text, soon(self));
      code = co_await error_of(std::move(writing));
    }
    CHECK((code == std::errc::broken_pipe || code == std::errc::connection_reset));
  });
}

TEST_CASE("a closed stream gives an error to both of its sides, at once and to those who wait") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    here.run([&](context& self) -> process {
      couple c;
      co_await meet(self, here.net, *listener, c);
      self.spawn_monitor([s = c.near](context& me) -> process {
        std::vector<std::byte> buffer(1);
        auto reading = read_available(me, *s, buffer, time_point::max());
        const std::error_code code = co_await error_of(std::move(reading));
        CHECK(code == std::errc::connection_aborted);
      });
      self.spawn_monitor([s = c.near](context& me) -> process {
        const std::vector<std::byte> much(64 << 20);
        auto writing = write_all(me, *s, much, time_point::max());
        const std::error_code code = co_await error_of(std::move(writing));
        CHECK(code == std::errc::connection_aborted);
      });
      co_await self.sleep(1ms);
      c.near->close();
      c.near->close();
      for (int i = 0; i < 2; ++i) {
        const down d = co_await self.receive<down>();
        CHECK(d.reason == term("normal"_atom));
      }
      std::error_code error;
      std::vector<std::byte> buffer(1);
      CHECK(c.near->read_some(buffer, error) == 0);
      CHECK(error == std::errc::connection_aborted);
      // Who begins to wait now learns of it as well.
      for (const bool reading : {true, false}) {
        const std::uint64_t ticket = detail::next_ticket();
        if (reading)
          c.near->when_readable(detail::waking(self, ticket));
        else
          c.near->when_writable(detail::waking(self, ticket));
        const detail::stream_ready r = co_await self.receive<detail::stream_ready>();
        CHECK(r.ticket == ticket);
      }
      // What the other side had sent is lost with it; it sees the end or a reset.
      for (;;) {
        buffer.resize(1 << 16);
        auto reading = read_available(self, *c.far, buffer, soon(self));
        std::size_t n = 0;
        try {
          n = co_await std::move(reading);
        } catch (const stream_error& e) {
          CHECK(e.code() == std::errc::connection_reset);
        }
        if (n == 0) break;
      }
    });
  }
}

TEST_CASE("close from an ordinary thread while a process reads and another writes") {
  place here(2);
  const auto listener = here.listen();
  for (int round = 0; round < 20; ++round)
    here.run([&](context& self) -> process {
      couple c;
      co_await meet(self, here.net, *listener, c);
      for (const auto& s : {c.near, c.far})
        self.spawn_monitor([s](context& me) -> process {
          auto work = echo(me, *s);
          co_await error_of(std::move(work));
        });
      const std::vector<std::byte> ball = bytes_of("ball");
      std::error_code error;
      const std::span<const std::byte> part = ball;
      c.near->write_some({&part, 1}, error);
      std::jthread closer([s = c.near] { s->close(); });
      for (int i = 0; i < 2; ++i) {
        const down d = co_await self.receive<down>();
        CHECK(d.reason == term("normal"_atom));
      }
    });
}

TEST_CASE("large transfers go through in parts, both ways at once, unchanged") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    const pid server = echo_server(here, listener, 1);
    here.run([&](context& self) -> process {
      constexpr std::size_t size = 24 << 20;
      const std::shared_ptr<byte_stream> s =
          co_await detail::connect(self, here.net, "127.0.0.1", listener->port(), soon(self));
      const auto fill = [](std::size_t i) { return static_cast<std::byte>((i * 2654435761U) >> 13); };
      self.spawn_link([s, fill](context& me) -> process {
        std::vector<std::byte> out(size);
        for (std::size_t i = 0; i < size; ++i) out[i] = fill(i);
        co_await write_all(me, *s, out, soon(me));
      });
      std::vector<std::byte> in(size);
      co_await read_exactly(self, *s, in, soon(self));
      bool same = true;
      for (std::size_t i = 0; i < size; ++i) same = same && in[i] == fill(i);
      CHECK(same);
    });
    here.finish(server);
  }
}

TEST_CASE("buffers of one write go out in order, empty ones and many of them too") {
  place here(1);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    couple c;
    co_await meet(self, here.net, *listener, c);
    std::vector<std::vector<std::byte>> parts;
    std::string all;
    for (int i = 0; i < 1500; ++i) {
      const std::string text = i % 3 == 0 ? "" : std::to_string(i);
      parts.push_back(bytes_of(text));
      all += text;
    }
    std::vector<std::span<const std::byte>> rest(parts.begin(), parts.end());
    std::error_code error;
    std::size_t written = 0;
    while (written < all.size()) {
      std::size_t n = c.near->write_some(rest, error);
      CHECK_MESSAGE(n > 0, error.message());
      if (n == 0) break;
      written += n;
      for (auto& part : rest) {
        const std::size_t of_it = std::min(n, part.size());
        part = part.subspan(of_it);
        n -= of_it;
      }
    }
    std::vector<std::byte> got(all.size());
    co_await read_exactly(self, *c.far, got, soon(self));
    CHECK(text_of(got) == all);
    // Nothing to write, and no room to read to, are mistakes and not the end of the stream.
    CHECK(c.near->write_some({}, error) == 0);
    CHECK(error == std::errc::invalid_argument);
    CHECK(c.near->read_some({}, error) == 0);
    CHECK(error == std::errc::invalid_argument);
  });
}

TEST_CASE("many streams at once, each with its own conversation") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    constexpr int count = 150;
    const pid server = echo_server(here, listener, count);
    here.run([&](context& self) -> process {
      for (int i = 0; i < count; ++i)
        self.spawn_monitor([&here, i, port = listener->port()](context& me) -> process {
          const auto s = co_await detail::connect(me, here.net, "127.0.0.1", port, soon(me));
          for (int round = 0; round < 20; ++round) {
            const std::string text = std::to_string(i) + ":" + std::to_string(round);
            const std::string answer = co_await ask(me, *s, text);
            CHECK(answer == text);
          }
        });
      for (int i = 0; i < count; ++i) {
        const down d = co_await self.receive<down>();
        CHECK(d.reason == term("normal"_atom));
      }
    });
    here.finish(server);
  }
}

TEST_CASE("a process can be killed wherever it waits for a stream, and loses nothing") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    const auto silent = here.listen();
    here.run([&](context& self) -> process {
      for (int round = 0; round < 10; ++round) {
        couple c;
        co_await meet(self, here.net, *listener, c);
        const std::weak_ptr<byte_stream> watched = c.near;
        std::vector<pid> victims;
        victims.push_back(self.spawn_monitor([s = c.near](context& me) -> process {
                                std::vector<std::byte> buffer(1);
                                co_await read_exactly(me, *s, buffer, soon(me));
                              })
                              .pid);
        victims.push_back(self.spawn_monitor([s = c.near](context& me) -> process {
                                const std::vector<std::byte> much(32 << 20);
                                co_await write_all(me, *s, much, soon(me));
                              })
                              .pid);
        victims.push_back(
            self.spawn_monitor([silent](context& me) -> process { co_await detail::accept(me, *silent); }).pid);
        victims.push_back(self.spawn_monitor([&here, port = listener->port()](context& me) -> process {
                                co_await detail::connect(me, here.net, "127.0.0.1", port, soon(me));
                                co_await me.receive<go>();
                              })
                              .pid);
        c.near.reset();
        if (round % 2 == 0) co_await self.sleep(1ms);
        for (const pid& p : victims) self.exit(p, "kill"_atom);
        for (std::size_t i = 0; i < victims.size(); ++i) {
          const down d = co_await self.receive<down>();
          CHECK(d.reason == term("killed"_atom));
        }
        CHECK(watched.expired());
        std::error_code error;
        while (listener->accept(error)) {  // what the fourth has left
        }
      }
    });
  }
}

TEST_CASE("a system that stops while processes wait for streams drops what they waited for") {
  for (const std::size_t workers : all_workers) {
    std::shared_ptr<byte_listener> listener;
    couple c;
    std::shared_ptr<network> net;
    {
      place here(workers);
      net = here.net;
      listener = here.listen();
      here.run([&](context& self) -> process { co_await meet(self, here.net, *listener, c); });
      for (const auto& s : {c.near, c.far})
        here.sys.spawn([s](context& me) -> process {
          std::vector<std::byte> buffer(1);
          co_await read_exactly(me, *s, buffer, time_point::max());
        });
      here.sys.spawn([listener](context& me) -> process { co_await detail::accept(me, *listener); });
      here.sys.spawn([net, port = listener->port()](context& me) -> process {
        co_await detail::connect(me, net, "127.0.0.1", port, time_point::max());
      });
    }
    // They outlive their system, and work as far as nobody is called.
    CHECK(c.near.use_count() == 1);
    std::error_code error;
    const std::vector<std::byte> text = bytes_of("x");
    const std::span<const std::byte> part = text;
    CHECK(c.near->write_some({&part, 1}, error) == 1);
    const auto token = std::make_shared<int>(0);
    c.near->when_readable([token] { ++*token; });
    c.far->when_readable([token] { ++*token; });
    CHECK(token.use_count() == 1);
  }
}

TEST_CASE("a busy worker serves sockets too") {
  place here(1);
  const auto listener = here.listen();
  const pid server = echo_server(here, listener, 1);
  std::atomic<bool> stop{false};
  // Always ready, so that the only worker never parks.
  const pid spinner = here.sys.spawn([&](context& self) -> process {
    while (!stop) co_await self.yield();
  });
  here.run([&](context& self) -> process {
    const auto s = co_await detail::connect(self, here.net, "127.0.0.1", listener->port(), soon(self));
    for (int i = 0; i < 20; ++i) {
      const std::string answer = co_await ask(self, *s, "hello");
      CHECK(answer == "hello");
    }
  });
  CHECK(here.sys.is_alive(spinner));
  stop = true;
  here.finish(spinner);
  here.finish(server);
}

TEST_CASE("when the worker that saw the sockets is in a long run, another one that sleeps takes its place") {
  place here(2);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    couple c;
    couple d;
    co_await meet(self, here.net, *listener, c);
    co_await meet(self, here.net, *listener, d);
    std::atomic<bool> came{false};
    // Woken by a socket, so by the leader; and it does not let its worker go until the other process has its byte.
    self.spawn_monitor([&came, mine = c.near, other = d.far](context& me) -> process {
      std::vector<std::byte> buffer(1);
      co_await read_exactly(me, *mine, buffer, soon(me));
      std::error_code error;
      const std::span<const std::byte> part = buffer;
      CHECK(other->write_some({&part, 1}, error) == 1);
      while (!came) std::this_thread::yield();
    });
    self.spawn_monitor([&came, mine = d.near](context& me) -> process {
      std::vector<std::byte> buffer(1);
      co_await read_exactly(me, *mine, buffer, soon(me));
      came = true;
    });
    for (int i = 0; i < 5; ++i) co_await self.sleep(1ms);  // so that both wait, and all workers sleep
    const std::vector<std::byte> text = bytes_of("x");
    co_await write_all(self, *c.far, text, soon(self));
    for (int i = 0; i < 2; ++i) {
      const down ended = co_await self.receive<down>();
      CHECK(ended.reason == term("normal"_atom));
    }
  });
}

TEST_CASE("an idle system leaves its sockets alone: nobody looks at them while nothing happens") {
  for (const std::size_t workers : all_workers) {
    place here(workers);
    const auto listener = here.listen();
    const pid server = echo_server(here, listener, 1);
    here.run([&](context& self) -> process {
      const auto s = co_await detail::connect(self, here.net, "127.0.0.1", listener->port(), soon(self));
      const std::string answer = co_await ask(self, *s, "hello");
      CHECK(answer == "hello");
      co_await self.sleep(30ms);  // until the watchdog sleeps as well
      const std::uint64_t before = here.reactor->looks();
      for (int i = 0; i < 3; ++i) co_await self.sleep(30ms);
      // Each time one worker wakes up and goes to sleep again; a poller that spins would look thousands of times.
      CHECK(here.reactor->looks() - before <= 30);
    });
    here.finish(server);
  }
}

TEST_CASE("a listener without a descriptor to spare lets connections wait, and does not spin") {
  place here(1);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    const std::shared_ptr<byte_stream> near =
        co_await detail::connect(self, here.net, "127.0.0.1", listener->port(), soon(self));
    // Fewer than are open now.
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int lowest = ::fcntl(STDIN_FILENO, F_DUPFD, 0);
    ::close(lowest);
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(lowest);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    const std::uint64_t looks = here.reactor->looks();
    auto accepting = detail::accept(self, *listener, self.now() + 30ms);
    const std::error_code code = co_await error_of(std::move(accepting));
    CHECK(here.reactor->looks() - looks <= 20);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(code == std::errc::timed_out);
    // Then it is taken.
    const auto far = co_await detail::accept(self, *listener, soon(self));
    CHECK(far != nullptr);
  });
}

TEST_CASE("a connection that nobody wants any more is closed when it comes") {
  place here(1);
  const auto listener = here.listen();
  here.run([&](context& self) -> process {
    const pid caller = self.spawn_monitor([&here, port = listener->port()](context& me) -> process {
                             co_await detail::connect(me, here.net, "127.0.0.1", port, me.now());
                           })
                           .pid;
    const down d = co_await self.receive<down>();
    CHECK(d.process == caller);
    // It may or may not have got so far as to reach us; if it has, we see its end.
    std::error_code error;
    const std::shared_ptr<byte_stream> s = listener->accept(error);
    if (s) {
      std::vector<std::byte> buffer(1);
      const std::size_t n = co_await read_available(self, *s, buffer, soon(self));
      CHECK(n == 0);
    }
  });
}

TEST_CASE("sockets are made as nodes need them: at once, alive, and not inherited") {
  place here(1);
  const auto listener = here.listen();
  // The descriptors that are new are those of the two streams.
  const auto open_sockets = [] {
    std::vector<int> result;
    for (int fd = 0; fd < 1024; ++fd) {
      int type = 0;
      socklen_t size = sizeof type;
      if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) result.push_back(fd);
    }
    return result;
  };
  const std::vector<int> before = open_sockets();
  here.run([&](context& self) -> process {
    couple c;
    co_await meet(self, here.net, *listener, c);
    int found = 0;
    for (const int fd : open_sockets()) {
      CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
      CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
      if (std::find(before.begin(), before.end(), fd) != before.end()) continue;
      ++found;
      int on = 0;
      socklen_t size = sizeof on;
      CHECK(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
      CHECK(on != 0);
      CHECK(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size) == 0);
      CHECK(on != 0);
    }
    CHECK(found == 2);
    c.near.reset();
    c.far.reset();
    CHECK(open_sockets() == before);  // closed at their end, not some time later
  });
}

TEST_CASE("a system whose options give no poller is not made") {
  actor_system_options options;
  options.workers = 1;
  options.poller = [](std::size_t) { return std::unique_ptr<detail::poller>(); };
  CHECK_THROWS_AS(actor_system{options}, usage_error);
}
