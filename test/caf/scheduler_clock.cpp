// SPDX-License-Identifier: BSL-1.0
// The clock of CAF actors on troupe's workers is that of the processes. Most here run in virtual time.
#include <troupe/actors/all.hpp>
#include <troupe/actors/caf/config.hpp>

#include <doctest/doctest.h>

#include <caf/all.hpp>

#include <atomic>
#include <string>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

actor_system_options virtual_time() {
  actor_system_options options;
  options.workers = 2;
  options.virtual_time = true;
  return options;
}

}  // namespace

TEST_CASE("delayed messages arrive in the order of their times") {
  bridge::config cfg(virtual_time());
  caf::actor_system actors{cfg};
  std::string order;
  const auto begin = cfg.processes().now();
  actors.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->delayed_send(self, 3h, std::string("c"));
    self->delayed_send(self, 1h, std::string("a"));
    self->delayed_send(self, 2h, std::string("b"));
    return {[&, self](const std::string& text) {
      order += text;
      if (order.size() == 3) self->quit();
    }};
  });
  actors.await_all_actors_done();
  CHECK(order == "abc");
  CHECK(cfg.processes().now() - begin >= 3h);
}

TEST_CASE("delayed messages arrive in real time too") {
  bridge::config cfg;
  caf::actor_system actors{cfg};
  std::string order;
  const auto begin = std::chrono::steady_clock::now();
  actors.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->delayed_send(self, 20ms, std::string("b"));
    self->delayed_send(self, 5ms, std::string("a"));
    return {[&, self](const std::string& text) {
      order += text;
      if (order.size() == 2) self->quit();
    }};
  });
  actors.await_all_actors_done();
  CHECK(order == "ab");
  CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
}

TEST_CASE("a request that is not answered in time fails, and one that is does not") {
  bridge::config cfg(virtual_time());
  caf::actor_system actors{cfg};
  const auto silent = actors.spawn([](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);
    return {[](const std::string&) {}};
  });
  const auto quick = actors.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int n) { return n; }}; });
  std::vector<std::string> seen;
  actors.spawn([&](caf::event_based_actor* self) {
    self->request(quick, 7200s, 1)
        .then([&](int) { seen.emplace_back("answer"); }, [&](const caf::error&) { seen.emplace_back("error"); });
    self->request(silent, 3600s, 1)
        .then([&](int) { seen.emplace_back("answer"); },
              [&, self](const caf::error& e) {
                seen.emplace_back(e == caf::sec::request_timeout ? "timeout" : "error");
                self->send_exit(silent, caf::exit_reason::user_shutdown);
                self->send_exit(quick, caf::exit_reason::user_shutdown);
              });
  });
  actors.await_all_actors_done();
  CHECK(seen == std::vector<std::string>{"answer", "timeout"});
}

TEST_CASE("a behavior's after runs when no message comes, and each message puts it off") {
  bridge::config cfg(virtual_time());
  caf::actor_system actors{cfg};
  int messages = 0;
  bool timed_out = false;
  const auto begin = cfg.processes().now();
  actors.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->delayed_send(self, 40min, 1);
    self->delayed_send(self, 80min, 1);
    return {[&](int) { ++messages; }, caf::after(60min) >>
                                          [&, self] {
                                            timed_out = true;
                                            self->quit();
                                          }};
  });
  actors.await_all_actors_done();
  CHECK(messages == 2);
  CHECK(timed_out);
  CHECK(cfg.processes().now() - begin >= 140min);
}

TEST_CASE("processes and CAF actors wait for the same time") {
  bridge::config cfg(virtual_time());
  caf::actor_system actors{cfg};
  std::string order;
  // The actor is spawned by the process: time does not jump before both wait.
  const pid sleeper = cfg.processes().spawn([&](context& self) -> process {
    actors.spawn([&](caf::event_based_actor* actor) -> caf::behavior {
      actor->delayed_send(actor, 2h, 0);
      return {[&, actor](int) {
        order += "c";
        actor->quit();
      }};
    });
    co_await self.sleep(1h);
    order += "p";
    co_await self.sleep(2h);
    order += "q";
  });
  cfg.processes().wait(sleeper);
  actors.await_all_actors_done();
  CHECK(order == "pcq");
}

TEST_CASE("many timeouts are armed and cancelled from several actors") {
  bridge::config cfg;
  caf::actor_system actors{cfg};
  const auto server = actors.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int n) { return n; }}; });
  std::atomic<int> answers{0};
  constexpr int clients = 8, each = 200;
  for (int c = 0; c < clients; ++c)
    actors.spawn([&](caf::event_based_actor* self) {
      for (int i = 0; i < each; ++i)
        self->request(server, 3600s, i).then([&, self](int) {
          if (++answers == clients * each) self->send_exit(server, caf::exit_reason::user_shutdown);
        });
    });
  actors.await_all_actors_done();
  CHECK(answers == clients * each);
}
