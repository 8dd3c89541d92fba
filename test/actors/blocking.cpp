// SPDX-License-Identifier: BSL-1.0
// blocking(f): work off the workers. (What kill does to it is in kill.cpp.)
#include "everywhere.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct note {
  int n;
};
struct get {
  using reply = int;
};

}  // namespace

TEST_CASE("blocking gives what f returns") {
  everywhere([](context& self) -> process {
    const std::string base = "from ";
    auto text = co_await self.blocking([&] { return base + "the pool"; });
    static_assert(std::is_same_v<decltype(text), std::string>);
    CHECK(text == "from the pool");
    std::unique_ptr<int> moved = co_await self.blocking([] { return std::make_unique<int>(4); });
    CHECK(*moved == 4);
    bool ran = false;
    co_await self.blocking([&] { ran = true; });
    CHECK(ran);
    static_assert(std::is_void_v<decltype(self.blocking([] {}).await_resume())>);
  });
}

TEST_CASE("blocking throws what f throws") {
  everywhere([](context& self) -> process {
    std::string what;
    try {
      co_await self.blocking([]() -> int { throw std::runtime_error("disk full"); });
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    CHECK(what == "disk full");
    const spawned child = self.spawn_monitor(
        [](context& me) -> process { co_await me.blocking([] { throw std::runtime_error("unread"); }); });
    const down d = co_await self.receive<down>();
    CHECK(d.process == child.pid);
    CHECK(d.reason == term::tuple({"error"_atom, "unread"}));
  });
}

#if defined(__clang__) || __GNUC__ >= 13  // g++ 12 destroys temporaries inside of co_await twice: refused there
TEST_CASE("f may be move-only, and is destroyed before the process goes on") {
  everywhere([](context& self) -> process {
    const auto held = std::make_shared<const int>(5);
    auto f = [held, one = std::make_unique<int>(1)] { return *held + *one; };
    const int n = co_await self.blocking(std::move(f));
    CHECK(n == 6);
    CHECK(held.use_count() == 2);  // f here, moved from or not, and held itself
  });
}
#endif

TEST_CASE("f may take a stop_token, which is quiet unless the process is ended") {
  everywhere([](context& self) -> process {
    const bool stopped = co_await self.blocking([](const std::stop_token& stop) { return stop.stop_requested(); });
    CHECK(!stopped);
  });
}

TEST_CASE("messages that come meanwhile wait in order") {
  everywhere([](context& self) -> process {
    self.spawn([parent = self.pid()](context& me) -> process {
      for (int i = 0; i < 5; ++i) me.send<note>(parent, i);
      co_return;
    });
    for (int i = 0; i < 3; ++i) co_await self.blocking([] {});
    for (int i = 0; i < 5; ++i) {
      const note n = co_await self.receive<note>();
      CHECK(n.n == i);
    }
  });
}

TEST_CASE("a task may block on the process's behalf, again and again") {
  everywhere([](context& self) -> process {
    const auto twice = [](context& me, int n) -> task<int> {
      const int a = co_await me.blocking([&] { return n; });
      const int b = co_await me.blocking([&] { return n; });
      co_return a + b;
    };
    int sum = 0;
    for (int i = 0; i < 5; ++i) {
      const int n = co_await twice(self, i);
      sum += n;
    }
    CHECK(sum == 20);
  });
}

TEST_CASE("other processes run while f blocks, even on one worker") {
  everywhere(
      [](context& self) -> process {
        struct shared {
          std::atomic<bool> go{false};
        };
        auto state = std::make_shared<shared>();
        const pid server = self.spawn([state](context& me) -> process {
          auto r = co_await me.receive<request<get>>();
          state->go = true;
          state->go.notify_all();
          r.reply(1);
        });
        auto r = self.request(server, get{});
        co_await self.blocking([&s = *state] { s.go.wait(false); });
        const int n = co_await r;
        CHECK(n == 1);
      },
      where::threads);
}

TEST_CASE("many may block at once, more than there are threads for") {
  const troupe_test::hang_guard guard("many that block");
  actor_system_options options = troupe_test::quiet_options(2);
  options.max_blocking_threads = 3;
  actor_system sys(options);
  std::atomic<int> now{0}, most{0}, total{0};
  sys.wait(sys.spawn([&](context& self) -> process {
    constexpr int count = 100;
    for (int i = 0; i < count; ++i)
      self.spawn_monitor([&](context& me) -> process {
        co_await me.blocking([&] {
          const int n = ++now;
          int seen = most.load();
          while (n > seen && !most.compare_exchange_weak(seen, n)) {
          }
          std::this_thread::yield();
          --now;
          ++total;
        });
      });
    for (int i = 0; i < count; ++i) co_await self.receive<down>();
  }));
  CHECK(total.load() == 100);
  CHECK(most.load() <= 3);
}

TEST_CASE("f runs on no worker: it may call the system and wait") {
  const troupe_test::hang_guard guard("blocking that calls");
  actor_system sys(troupe_test::quiet_options(1));
  const pid server = sys.spawn([](context& self) -> process {
    for (;;) co_await self.receive([](request<get> r) { r.reply(5); });
  });
  int got = 0;
  term reason;
  sys.wait(sys.spawn([&](context& self) -> process {
    got = co_await self.blocking([&] { return sys.call<get>(server); });
    reason = co_await self.blocking([&] {
      return sys.wait(sys.spawn([](context& me) -> process {
        co_await me.receive<note>(after(1ms));
        me.exit("done"_atom);
      }));
    });
  }));
  CHECK(got == 5);
  CHECK((reason == term("done"_atom) || reason == term("noproc"_atom)));
}

TEST_CASE("a system that ends stops what blocks, if that listens") {
  const troupe_test::hang_guard guard("stopping what blocks");
  std::atomic<bool> entered{false};
  std::atomic<bool> stopped{false};
  {
    actor_system sys(troupe_test::quiet_options(1));
    sys.spawn([&](context& self) -> process {
      co_await self.blocking([&](std::stop_token stop) {
        entered = true;
        entered.notify_all();
        std::atomic<bool> wake{false};
        const std::stop_callback on_stop(stop, [&] {
          wake = true;
          wake.notify_all();
        });
        wake.wait(false);
        stopped = true;
      });
    });
    entered.wait(false);
  }
  CHECK(stopped.load());
}
