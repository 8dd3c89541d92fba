// SPDX-License-Identifier: BSL-1.0
// The poller of sockets keeps the plain one's contract, and calls what has become ready on the thread that saw it.
#include <troupe/net/poller.hpp>
#include <troupe/net/tcp.hpp>

#include "actors/poller_contract.hpp"

#include <array>
#include <thread>

using namespace troupe::detail;
using namespace std::chrono_literals;

namespace {

struct io_office {
  std::shared_ptr<io_reactor> reactor = std::make_shared<io_reactor>();
  std::unique_ptr<poller> make() const { return make_io_poller(reactor); }
};

/// Two ends of a connection within this program.
struct couple {
  std::unique_ptr<byte_stream> near;
  std::unique_ptr<byte_stream> far;
};

/// One thread does it all: it polls until there is something.
couple connect_by_hand(const std::shared_ptr<io_reactor>& reactor, poller& p) {
  const std::shared_ptr<network> net = make_tcp_network(reactor);
  std::error_code error;
  const auto listener = net->listen("127.0.0.1", 0, error);
  REQUIRE_MESSAGE(listener, error.message());
  couple result;
  bool done = false;
  net->connect("127.0.0.1", listener->port(), [&](std::error_code e, std::unique_ptr<byte_stream> s) {
    CHECK_MESSAGE(!e, e.message());
    result.near = std::move(s);
    done = true;
  });
  CHECK_FALSE(done);  // not inside connect
  while (!done) {
    p.wait(time_point::max());
    p.poll();
  }
  while (!result.far) {
    result.far = listener->accept(error);
    if (result.far) break;
    listener->when_acceptable([] {});
    p.wait(time_point::max());
    p.poll();
  }
  return result;
}

void say(byte_stream& to) {
  const std::array<std::byte, 1> text{std::byte{'x'}};
  const std::span<const std::byte> part = text;
  std::error_code error;
  CHECK(to.write_some({&part, 1}, error) == 1);
}

}  // namespace

TROUPE_POLLER_CONTRACT(io_office)

TEST_CASE("the poller that waits records what is ready, and poll calls it") {
  const io_office office;
  const auto p = office.make();
  const couple c = connect_by_hand(office.reactor, *p);
  bool called = false;
  c.near->when_readable([&] { called = true; });
  CHECK_FALSE(p->is_ready());
  say(*c.far);
  p->wait(time_point::max());
  CHECK(p->is_ready());
  CHECK_FALSE(called);
  CHECK(p->poll());
  CHECK(called);
  CHECK_FALSE(p->is_ready());
}

TEST_CASE("a callback is called when there are bytes already, and not while it is given") {
  const io_office office;
  const auto p = office.make();
  const couple c = connect_by_hand(office.reactor, *p);
  say(*c.far);
  for (int i = 0; i < 3; ++i) {  // they stay unread
    bool called = false;
    c.near->when_readable([&] { called = true; });
    CHECK_FALSE(called);
    while (!called) {
      p->wait(time_point::max());
      p->poll();
    }
  }
}

TEST_CASE("a busy worker's poll sees sockets while nobody leads") {
  const io_office office;
  const auto p = office.make();
  const couple c = connect_by_hand(office.reactor, *p);
  bool called = false;
  c.near->when_readable([&] { called = true; });
  say(*c.far);
  while (!called) p->poll();
}

TEST_CASE("callbacks of many sockets that are ready at once are all called, each once") {
  const io_office office;
  const auto p = office.make();
  constexpr std::size_t count = 200;  // more than Asio takes from the system at once
  std::vector<couple> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(connect_by_hand(office.reactor, *p));
  std::vector<int> called(count);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    all[i].near->when_readable([&, i] {
      ++called[i];
      ++sum;
    });
  for (const couple& c : all) say(*c.far);
  while (sum < count) {
    p->wait(time_point::max());
    p->poll();
  }
  p->wait(std::chrono::steady_clock::now() + 1ms);
  p->poll();
  CHECK(called == std::vector<int>(count, 1));
}

TEST_CASE("a second callback for the same side takes the place of the first") {
  const io_office office;
  const auto p = office.make();
  const couple c = connect_by_hand(office.reactor, *p);
  int first = 0;
  int second = 0;
  c.near->when_readable([&] { ++first; });
  c.near->when_readable([&] { ++second; });
  say(*c.far);
  while (second == 0) {
    p->wait(time_point::max());
    p->poll();
  }
  CHECK(first == 0);
  CHECK(second == 1);
}

TEST_CASE("a callback may wait again, write, and destroy its stream") {
  const io_office office;
  const auto p = office.make();
  couple c = connect_by_hand(office.reactor, *p);
  bool gone = false;
  c.near->when_readable([&] {
    c.near->when_readable([&] {
      say(*c.near);
      c.near.reset();
      gone = true;
    });
  });
  say(*c.far);
  while (!gone) {
    p->wait(time_point::max());
    p->poll();
  }
}

TEST_CASE("no callback of a stream is called after its end, also when it was recorded before") {
  const io_office office;
  const auto p = office.make();
  couple c = connect_by_hand(office.reactor, *p);
  const auto token = std::make_shared<int>(0);
  c.near->when_readable([token] { ++*token; });
  c.near->when_writable([token] { ++*token; });
  p->wait(time_point::max());
  REQUIRE(p->is_ready());
  c.near.reset();
  CHECK(token.use_count() == 1);  // what it held has been let go of
  p->poll();
  CHECK(*token == 0);
}

TEST_CASE("a stream that has waited for room to write does not wake up for room when it waits for bytes") {
  const io_office office;
  const auto p = office.make();
  const couple c = connect_by_hand(office.reactor, *p);  // the near one has waited for its connection
  bool writable = false;
  c.far->when_writable([&] { writable = true; });
  while (!writable) {
    p->wait(time_point::max());
    p->poll();
  }
  for (byte_stream* s : {c.near.get(), c.far.get()}) {
    s->when_readable([] {});
    const std::uint64_t before = office.reactor->looks();
    p->wait(std::chrono::steady_clock::now() + 1ms);
    CHECK(office.reactor->looks() - before == 1);
  }
}

TEST_CASE("with the last poller of a system go the callbacks that wait, whatever circle they were in") {
  auto token = std::make_shared<int>(0);
  std::weak_ptr<io_reactor> reactor;
  {
    io_office office;
    reactor = office.reactor;
    auto p = office.make();
    auto other = office.make();
    couple c = connect_by_hand(office.reactor, *p);
    const std::shared_ptr<byte_stream> near = std::move(c.near);
    near->when_readable([near, token] { ++*token; });
    near->when_writable([near, token] { ++*token; });
    p->wait(time_point::max());
    CHECK(p->is_ready());  // recorded and never called
    const std::shared_ptr<network> net = make_tcp_network(office.reactor);
    net->connect("", 1, [net, near, token](std::error_code, const std::unique_ptr<byte_stream>&) { ++*token; });
    p.reset();
    CHECK(token.use_count() == 4);
    other.reset();
    CHECK(token.use_count() == 1);
    near->when_readable([near, token] { ++*token; });
    net->connect("127.0.0.1", 1,
                 [net, near, token](std::error_code, const std::unique_ptr<byte_stream>&) { ++*token; });
    net->connect("", 1, [net, near, token](std::error_code, const std::unique_ptr<byte_stream>&) { ++*token; });
    CHECK(token.use_count() == 1);
  }
  CHECK(reactor.expired());
  CHECK(*token == 0);
}

TEST_CASE("sockets are attended while a poller waits for them, and until the second question after one has looked") {
  const io_office office;
  const auto leader = office.make();
  const auto other = office.make();
  leader->wake();
  leader->wait(time_point::max());
  CHECK(other->attended());  // nobody has had the time
  CHECK_FALSE(other->attended());
  CHECK_FALSE(leader->attended());
  leader->poll();
  CHECK(other->attended());
  CHECK_FALSE(other->attended());
  const std::uint64_t before = office.reactor->looks();
  std::jthread worker([&] { leader->wait(time_point::max()); });
  while (office.reactor->looks() == before) std::this_thread::yield();
  CHECK(other->attended());
  CHECK(other->attended());
  leader->wake();
  worker.join();
  CHECK(other->attended());
  CHECK_FALSE(other->attended());
}

TEST_CASE("when the leader has left, the next poller that waits sees the sockets") {
  const io_office office;
  const auto first = office.make();
  const auto second = office.make();
  const couple c = connect_by_hand(office.reactor, *first);
  std::atomic<bool> called{false};
  const std::uint64_t before = office.reactor->looks();
  std::jthread leads([&] { first->wait(time_point::max()); });
  while (office.reactor->looks() == before) std::this_thread::yield();
  second->wait(std::chrono::steady_clock::now() + 1ms);  // it follows
  CHECK_FALSE(second->is_ready());
  first->wake();
  leads.join();
  c.near->when_readable([&] { called = true; });
  say(*c.far);
  second->wait(time_point::max());
  CHECK(second->poll());
  CHECK(called);
}
