// SPDX-License-Identifier: BSL-1.0
// CAF actors on troupe's workers: they behave as on CAF's own, and share them with processes.
#include <troupe/actors/all.hpp>
#include <troupe/actors/caf/config.hpp>

#include <doctest/doctest.h>

#include <caf/all.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

actor_system_options workers(std::size_t n) {
  actor_system_options options;
  options.workers = n;
  return options;
}

/// Takes a number and answers the next one.
caf::behavior successor(caf::event_based_actor*) {
  return {[](int n) { return n + 1; }};
}

/// Asks and waits, on a thread of the test's own.
int ask(caf::actor_system& actors, const caf::actor& whom, int n) {
  int answer = 0;
  caf::scoped_actor self{actors};
  self->request(whom, caf::infinite, n)
      .receive([&](int got) { answer = got; }, [&](const caf::error& e) { FAIL(actors.render(e)); });
  return answer;
}

/// Something to be resumed that is no actor. Says when it is gone.
class piece : public caf::resumable, public caf::ref_counted {
 public:
  piece(std::function<resume_result(caf::execution_unit*, std::size_t)> f, std::latch& gone)
      : f_(std::move(f)), gone_(gone) {}
  ~piece() override { gone_.count_down(); }
  resume_result resume(caf::execution_unit* on, std::size_t throughput) override { return f_(on, throughput); }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  std::function<resume_result(caf::execution_unit*, std::size_t)> f_;
  std::latch& gone_;
};

}  // namespace

TEST_CASE("five lines put the actors of a CAF program on troupe's workers") {
  actor_system sys;
  caf::actor_system_config cfg;
  bridge::install(cfg, sys);
  caf::actor_system actors{cfg};
  CHECK(ask(actors, actors.spawn(successor), 41) == 42);
  CHECK(&bridge::processes(actors) == &sys);
}

TEST_CASE("a config of troupe's makes the workers, and is asked for the processes' system") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  CHECK(cfg.processes().info().workers == 1);
  CHECK(actors.scheduler().num_workers() == 1);
  CHECK(ask(actors, actors.spawn(successor), 1) == 2);
}

TEST_CASE("scheduler.max-threads says how many workers a config of troupe's makes") {
  bridge::config cfg;
  cfg.set("scheduler.max-threads", std::size_t{3});
  caf::actor_system actors{cfg};
  CHECK(bridge::processes(actors).info().workers == 3);
}

TEST_CASE("a CAF system on workers of its own has no processes") {
  caf::actor_system_config cfg;
  caf::actor_system actors{cfg};
  CHECK_THROWS_AS(bridge::processes(actors), usage_error);
}

TEST_CASE("processes and CAF actors run on the same threads") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  std::thread::id processes_run_on;
  cfg.processes().wait(cfg.processes().spawn([&](context&) -> process {
    processes_run_on = std::this_thread::get_id();
    co_return;
  }));
  std::thread::id actors_run_on;
  actors.spawn([&](caf::event_based_actor*) { actors_run_on = std::this_thread::get_id(); });
  actors.await_all_actors_done();
  CHECK(processes_run_on != std::this_thread::get_id());
  CHECK(actors_run_on == processes_run_on);
}

TEST_CASE("an actor is sent to by a process, by an actor and by another thread") {
  bridge::config cfg(workers(2));
  caf::actor_system actors{cfg};
  int sum = 0;
  const auto adder = actors.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&sum, self](int n) {
      sum += n;
      if (sum == 111) self->quit();
    }};
  });
  actors.spawn([=](caf::event_based_actor* self) { self->send(adder, 1); });
  cfg.processes().spawn([=](context&) -> process {
    caf::anon_send(adder, 10);
    co_return;
  });
  caf::anon_send(adder, 100);
  actors.await_all_actors_done();
  CHECK(sum == 111);
}

TEST_CASE("an actor that never runs out of messages lets processes and other actors run") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  std::atomic<int> others{0};
  actors.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->send(self, 0);
    return {[&, self](int n) {
      if (others == 2)
        self->quit();
      else
        self->send(self, n + 1);
    }};
  });
  cfg.processes().spawn([&](context&) -> process {
    ++others;
    co_return;
  });
  actors.spawn([&](caf::event_based_actor*) { ++others; });
  actors.await_all_actors_done();
  CHECK(others == 2);
}

TEST_CASE("scheduler.max-throughput is how many messages an actor takes before others have their turn") {
  bridge::config cfg(workers(1));
  cfg.set("scheduler.max-throughput", std::size_t{1});
  caf::actor_system actors{cfg};
  CHECK(actors.scheduler().max_throughput() == 1);
  std::string order;
  const auto taker = [&](char name) {
    return actors.spawn([&order, name](caf::event_based_actor* self) -> caf::behavior {
      return {[&order, name, self](int n) {
        order += name;
        if (n == 0) self->quit();
      }};
    });
  };
  const auto a = taker('a'), b = taker('b');
  actors.spawn([=](caf::event_based_actor* self) {
    for (int n = 3; n-- > 0;) {
      self->send(a, n);
      self->send(b, n);
    }
  });
  actors.await_all_actors_done();
  CHECK((order == "ababab" || order == "bababa"));
}

TEST_CASE("what is to be resumed later is, and is released when it is done or waits") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  for (const auto end : {caf::resumable::done, caf::resumable::awaiting_message}) {
    std::latch gone(1);
    std::atomic<int> runs{0};
    caf::execution_unit* unit = nullptr;
    std::size_t throughput = 0;
    actors.scheduler().enqueue(new piece(
        [&](caf::execution_unit* on, std::size_t most) {
          unit = on;
          throughput = most;
          return ++runs < 5 ? caf::resumable::resume_later : end;
        },
        gone));
    gone.wait();
    CHECK(runs == 5);
    CHECK(&unit->system() == &actors);
    CHECK(throughput == 256);
  }
}

TEST_CASE("a worker goes on when something says that it wants to end it") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  std::latch gone(1), ran(1);
  auto* helper = new piece(
      [&](caf::execution_unit*, std::size_t) {
        ran.count_down();
        return caf::resumable::shutdown_execution_unit;
      },
      gone);
  actors.scheduler().enqueue(helper);
  ran.wait();
  CHECK(ask(actors, actors.spawn(successor), 1) == 2);
  helper->deref();  // as with CAF's workers, which keep it
  gone.wait();
}

TEST_CASE("what an actor makes runnable is stolen while the actor runs") {
  bridge::config cfg(workers(2));
  caf::actor_system actors{cfg};
  // More than a ring holds. Two wait for one another: they end on two threads or not at all.
  std::latch both(2);
  std::latch gone(10'000);
  actors.spawn([&](caf::event_based_actor* self) {
    for (int i = 0; i < 10'000; ++i)
      self->context()->exec_later(new piece(
          [&, i](caf::execution_unit*, std::size_t) {
            if (i == 1'000 || i == 9'000) both.arrive_and_wait();
            return caf::resumable::done;
          },
          gone));
  });
  gone.wait();
}

TEST_CASE("a million that are runnable all run") {
  bridge::config cfg(workers(2));
  caf::actor_system actors{cfg};
  constexpr int all = 1'000'000;
  std::latch gone(1), held(1);
  std::atomic<int> ran{0};
  auto* one = new piece(
      [&](caf::execution_unit*, std::size_t) {
        held.wait();
        ++ran;
        return caf::resumable::done;
      },
      gone);
  for (int i = 1; i < all; ++i) one->ref();
  for (int i = 0; i < all; ++i) actors.scheduler().enqueue(one);
  held.count_down();
  gone.wait();
  CHECK(ran == all);
}

TEST_CASE("many actors spawn, take a message and end") {
  bridge::config cfg(workers(2));
  caf::actor_system actors{cfg};
  std::atomic<int> sum{0};
  constexpr int all = 20'000;
  actors.spawn([&](caf::event_based_actor* self) {
    for (int i = 0; i < all; ++i)
      self->send(self->spawn([&sum](caf::event_based_actor* child) -> caf::behavior {
        return {[&sum, child](int n) {
          sum += n;
          child->quit();
        }};
      }),
                 1);
  });
  actors.await_all_actors_done();
  CHECK(sum == all);
}

TEST_CASE("detached and blocking actors have threads of their own, and talk with the others") {
  bridge::config cfg(workers(1));
  caf::actor_system actors{cfg};
  const auto server = actors.spawn(successor);
  std::thread::id worker, detached, blocking;
  int got = 0;
  actors.spawn([&](caf::event_based_actor*) { worker = std::this_thread::get_id(); });
  const auto alone = actors.spawn<caf::detached>([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](int n) {
      detached = std::this_thread::get_id();
      return self->delegate(server, n);
    }};
  });
  actors.spawn([&](caf::blocking_actor* self) {
    blocking = std::this_thread::get_id();
    self->request(alone, caf::infinite, 6).receive([&](int n) { got = n; }, [](const caf::error&) {});
    self->send_exit(alone, caf::exit_reason::user_shutdown);
    self->send_exit(server, caf::exit_reason::user_shutdown);
    self->wait_for(alone, server);
  });
  actors.await_all_actors_done();
  CHECK(got == 7);
  CHECK(worker != detached);
  CHECK(worker != blocking);
  CHECK(detached != blocking);
}

TEST_CASE("links, monitors and exits between CAF actors are CAF's") {
  bridge::config cfg(workers(2));
  caf::actor_system actors{cfg};
  caf::scoped_actor self{actors};
  const auto linked = actors.spawn(successor);
  const auto failing = actors.spawn([=](caf::event_based_actor* me) -> caf::behavior {
    me->link_to(linked);
    return {[me](int) { me->quit(caf::exit_reason::unhandled_exception); }};
  });
  self->monitor(linked);
  self->send(failing, 1);
  self->receive([&](const caf::down_msg& down) {
    CHECK(down.source == linked.address());
    CHECK(down.reason == caf::exit_reason::unhandled_exception);
  });
}
