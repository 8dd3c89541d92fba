// SPDX-License-Identifier: BSL-1.0
// The ends of CAF systems and of those whose workers they use, in either order. What would leak shows under
// AddressSanitizer, and in the shares of a token.
#include <troupe/actors/all.hpp>
#include <troupe/actors/caf/config.hpp>
#include <troupe/actors/testing/simulation.hpp>

#include <doctest/doctest.h>

#include <caf/all.hpp>

#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using token = std::shared_ptr<int>;

/// Holds its token until it ends; what it is sent, it only counts.
caf::behavior holder(caf::event_based_actor*, const token& t) {
  return {[t](int n) { *t += n; }};
}

}  // namespace

TEST_CASE("a CAF system ends before the processes' one, with its actors done") {
  const auto t = std::make_shared<int>(0);
  actor_system sys;
  {
    caf::actor_system_config cfg;
    bridge::install(cfg, sys);
    caf::actor_system actors{cfg};
    const auto a = actors.spawn(holder, t);
    caf::anon_send(a, 5);
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }
  CHECK(*t == 5);
  CHECK(t.use_count() == 1);
  // Those of the crossing have ended; their slots come back a moment later.
  while (sys.process_count() != 0) std::this_thread::yield();
  sys.wait(sys.spawn([](context&) -> process { co_return; }));
}

TEST_CASE("the processes' system ends first: its processes end, and the CAF actors go on") {
  const auto t = std::make_shared<int>(0);
  std::optional<actor_system> sys(std::in_place);
  caf::actor_system_config cfg;
  bridge::install(cfg, *sys);
  {
    caf::actor_system actors{cfg};
    caf::scoped_actor self{actors};
    const auto a = actors.spawn(holder, t);
    // Who answers has made its behavior, and let go of the arguments that it was made of.
    self->request(a, caf::infinite, 2).receive([] {}, [](const caf::error&) { FAIL("no"); });
    sys->spawn([held = t](context& me) -> process { co_await me.sleep(infinity); });
    CHECK(t.use_count() == 3);
    sys.reset();
    CHECK(t.use_count() == 2);
    const auto b = actors.spawn([](caf::event_based_actor* me) -> caf::behavior {
      me->delayed_send(me, 1ms, std::string("later"));
      return {[](int n) { return n; }, [](const std::string&) {}};
    });
    self->request(b, caf::infinite, 7).receive([](int n) { CHECK(n == 7); }, [](const caf::error&) { FAIL("no"); });
    self->send(a, 1);
    self->send_exit(a, caf::exit_reason::user_shutdown);
    self->send_exit(b, caf::exit_reason::user_shutdown);
    self->wait_for(a, b);
  }
  CHECK(*t == 3);
  CHECK(t.use_count() == 1);
}

TEST_CASE("two CAF systems use the workers of one, and outlive it") {
  std::optional<actor_system> sys(std::in_place);
  caf::actor_system_config cfg;
  bridge::install(cfg, *sys);
  std::optional<caf::actor_system> one(std::in_place, cfg), two(std::in_place, cfg);
  const auto pong = [](caf::event_based_actor*) -> caf::behavior { return {[](int n) { return n + 1; }}; };
  const auto a = one->spawn(pong), b = two->spawn(pong);
  const auto ask = [](caf::actor_system& actors, const caf::actor& whom) {
    caf::scoped_actor self{actors};
    int got = 0;
    self->request(whom, caf::infinite, 1).receive([&](int n) { got = n; }, [](const caf::error&) {});
    return got;
  };
  CHECK(ask(*one, a) == 2);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  one.reset();
  sys.reset();
  CHECK(ask(*two, b) == 2);
  caf::anon_send_exit(b, caf::exit_reason::user_shutdown);
  two.reset();
}

TEST_CASE("a CAF system that does not wait for its actors drops what is runnable") {
  const auto t = std::make_shared<int>(0);
  {
    bridge::config cfg;
    caf::actor_system actors{cfg};
    actors.await_actors_before_shutdown(false);
    // They wake one another for ever.
    std::vector<caf::actor> ring;
    for (int i = 0; i < 50; ++i)
      ring.push_back(actors.spawn([t](caf::event_based_actor*) -> caf::behavior {
        return {[t](const caf::actor& next, const caf::actor& after) { caf::anon_send(next, after, next); }};
      }));
    for (std::size_t i = 0; i < ring.size(); ++i) caf::anon_send(ring[i], ring[(i + 1) % 50], ring[(i + 2) % 50]);
  }
  CHECK(t.use_count() == 1);
}

TEST_CASE("a chain of links ends with its system") {
  const auto t = std::make_shared<int>(0);
  {
    bridge::config cfg;
    caf::actor_system actors{cfg};
    actors.await_actors_before_shutdown(false);
    caf::actor last = actors.spawn(holder, t);
    for (int i = 0; i < 5'000; ++i) {
      last = actors.spawn([t, last](caf::event_based_actor* self) -> caf::behavior {
        self->link_to(last);
        return {[t](int) {}};
      });
    }
    caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
  }
  CHECK(t.use_count() == 1);
}

TEST_CASE("delayed messages that are not due are dropped with their system") {
  const auto t = std::make_shared<int>(0);
  {
    bridge::config cfg;
    caf::actor_system actors{cfg};
    const auto a = actors.spawn(holder, t);
    caf::scoped_actor self{actors};
    self->delayed_send(a, 24h, 1);
    self->delayed_send(a, 0s, 2);
    self->send_exit(a, caf::exit_reason::user_shutdown);
    self->wait_for(a);
  }
  CHECK(t.use_count() == 1);
}

TEST_CASE("a detached actor that ends last is waited for") {
  const auto t = std::make_shared<int>(0);
  {
    bridge::config cfg;
    caf::actor_system actors{cfg};
    actors.await_actors_before_shutdown(false);
    const auto receiver = actors.spawn(holder, t);
    std::latch up(1);
    actors.spawn<caf::detached>([&up, t, receiver](caf::event_based_actor* self) {
      up.count_down();
      for (int i = 0; i < 10'000; ++i) self->send(receiver, 1);
    });
    up.wait();
    caf::anon_send_exit(receiver, caf::exit_reason::user_shutdown);
  }
  CHECK(t.use_count() == 1);
}

TEST_CASE("processes may spawn actors and use a scoped_actor, on a worker and off it") {
  // CAF notes in the thread that does so for which system it works, and that would keep the system from ending.
  actor_system sys;
  caf::actor_system_config cfg;
  bridge::install(cfg, sys);
  caf::actor_system actors{cfg};
  const pid p = sys.spawn([&](context& self) -> process {
    const auto a = actors.spawn<caf::lazy_init>(
        [](caf::event_based_actor*) -> caf::behavior { return {[](int n) { return n + 1; }}; });
    const auto ask = [&] {
      int got = 0;
      caf::scoped_actor asker{actors};
      asker->request(a, caf::infinite, 1).receive([&](int n) { got = n; }, [](const caf::error&) {});
      asker->send_exit(a, caf::exit_reason::user_shutdown);
      return got;
    };
    const int got = co_await self.blocking(ask);
    CHECK(got == 2);
    caf::scoped_actor left{actors};
  });
  sys.wait(p);
}

TEST_CASE("what an actor has printed is there when its system has ended") {
  bridge::config cfg;
  caf::actor_system actors{cfg};
  actors.spawn([](caf::event_based_actor* self) { caf::aout(self) << std::flush; });
}

TEST_CASE("a CAF system is not made on a worker that is to run its actors") {
  actor_system sys;
  caf::actor_system_config cfg;
  bridge::install(cfg, sys);
  std::string refused;
  sys.wait(sys.spawn([&](context&) -> process {
    try {
      const caf::actor_system actors{cfg};
    } catch (const usage_error& e) {
      refused = e.what();
    }
    co_return;
  }));
  CHECK(refused.find("cannot be made on a worker") != std::string::npos);
}

TEST_CASE("a CAF system is not made when the processes' system is gone") {
  std::optional<actor_system> sys(std::in_place);
  caf::actor_system_config cfg;
  bridge::install(cfg, *sys);
  sys.reset();
  CHECK_THROWS_AS(caf::actor_system{cfg}, usage_error);
}

TEST_CASE("a CAF system is not made on a simulated system") {
  caf::actor_system_config cfg;
  const testing::simulation world(1);
  actor_system sys(world.options());
  CHECK_THROWS_AS(bridge::install(cfg, sys), usage_error);
}
