// SPDX-License-Identifier: BSL-1.0
// task<T>: helper coroutines of a process.
#include "everywhere.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct note {
  std::string text;
};
struct get {
  using reply = int;
};

task<int> value(int n) {
  co_return n;
}
task<> nothing() {
  co_return;
}
task<int> thrower(const char* what) {
  throw std::runtime_error(what);
  co_return 0;
}
task<std::unique_ptr<int>> boxed(int n) {
  co_return std::make_unique<int>(n);
}
task<int> count_down(int n) {
  if (n == 0) co_return 0;
  const int rest = co_await count_down(n - 1);
  co_return rest + 1;
}
task<std::string> next_note(context& self) {
  note n = co_await self.receive<note>();
  co_return n.text;
}
task<int> ask(context& self, pid server) {
  co_return co_await self.call<get>(server);
}

struct mark {
  std::vector<std::string>& log;
  std::string name;
  mark(std::vector<std::string>& l, std::string n) : log(l), name(std::move(n)) {}
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { log.push_back(name); }
};

task<> marked(context& self, std::vector<std::string>& log, std::string name, int depth) {
  const mark here(log, name + std::to_string(depth));
  if (depth > 0)
    co_await marked(self, log, name, depth - 1);
  else
    co_await self.receive<note>();
}

}  // namespace

TEST_CASE("a task gives its value, which may be move-only, or nothing") {
  everywhere([](context&) -> process {
    const int n = co_await value(5);
    CHECK(n == 5);
    co_await nothing();
    const std::unique_ptr<int> p = co_await boxed(6);
    CHECK(*p == 6);
    task<int> later = value(7);
    const int m = co_await std::move(later);
    CHECK(m == 7);
  });
}

TEST_CASE("a task throws to who awaits it, through all that await") {
  everywhere([](context&) -> process {
    std::string what;
    try {
      co_await thrower("deep");
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    CHECK(what == "deep");
    const auto middle = []() -> task<int> {
      const int n = co_await thrower("deeper");
      co_return n;
    };
    try {
      co_await middle();
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    CHECK(what == "deeper");
  });
}

TEST_CASE("an exception that leaves a task and its process is the exit reason") {
  everywhere([](context& self) -> process {
    self.spawn_monitor([](context&) -> process { co_await thrower("out"); });
    const down d = co_await self.receive<down>();
    CHECK(d.reason == term::tuple({"error"_atom, "out"}));
    self.spawn_monitor([](context& me) -> process {
      const auto leave = [](context& who) -> task<> {
        co_await who.yield();
        who.exit("left"_atom);
      };
      co_await leave(me);
    });
    const down e = co_await self.receive<down>();
    CHECK(e.reason == term("left"_atom));
  });
}

TEST_CASE("a task receives and calls on the process's behalf") {
  everywhere([](context& self) -> process {
    const pid server = self.spawn([](context& me) -> process {
      for (;;) co_await me.receive([](request<get> r) { r.reply(3); });
    });
    self.send<note>(self, "first");
    self.send<note>(self, "second");
    const std::string a = co_await next_note(self);
    const int n = co_await ask(self, server);
    const std::string b = co_await next_note(self);
    CHECK(a == "first");
    CHECK(n == 3);
    CHECK(b == "second");
  });
}

TEST_CASE("a task starts when it is awaited, and one that never is never runs") {
  everywhere([](context& self) -> process {
    bool started = false;
    const auto held = std::make_shared<const int>(1);
    const auto starter = [](bool& flag, std::shared_ptr<const int>) -> task<> {
      flag = true;
      co_return;
    };
    {
      task<> unawaited = starter(started, held);
      co_await self.yield();
      CHECK(!started);
      CHECK(held.use_count() == 2);  // its argument lies in its frame
    }
    CHECK(held.use_count() == 1);
    task<> awaited = starter(started, held);
    CHECK(!started);
    co_await std::move(awaited);
    CHECK(started);
  });
}

TEST_CASE("a task that is assigned to destroys what it held") {
  everywhere([](context&) -> process {
    const auto held = std::make_shared<const int>(1);
    const auto keeper = [](std::shared_ptr<const int> p) -> task<int> { co_return *p; };
    task<int> t = keeper(held);
    CHECK(held.use_count() == 2);
    t = value(2);
    CHECK(held.use_count() == 1);
    const int n = co_await std::move(t);
    CHECK(n == 2);
  });
}

TEST_CASE("a million tasks awaited one after the other need no stack") {
  everywhere(
      [](context&) -> process {
        long sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await value(1);
        CHECK(sum == 1'000'000);
      },
      where::threads);
}

TEST_CASE("100,000 tasks awaited within one another need no stack") {
  const troupe_test::hang_guard guard("nested tasks");
  actor_system sys(troupe_test::quiet_options(1));
  int depth = 0;
  sys.wait(sys.spawn([&](context&) -> process { depth = co_await count_down(100'000); }));
  CHECK(depth == 100'000);
}

TEST_CASE("when its process is ended, the innermost frame is destroyed first") {
  everywhere([](context& self) -> process {
    auto log = std::make_unique<std::vector<std::string>>();
    const spawned child = self.spawn_monitor([&l = *log](context& me) -> process { co_await marked(me, l, "t", 2); });
    co_await self.sleep(1s);
    self.exit(child.pid, "kill"_atom);
    co_await self.receive<down>();
    CHECK(*log == std::vector<std::string>{"t0", "t1", "t2"});
  });
}

TEST_CASE("a task may yield, sleep and send until its process's budget is spent") {
  everywhere([](context& self) -> process {
    const auto work = [](context& me) -> task<int> {
      int sent = 0;
      for (int i = 0; i < 50; ++i) {
        co_await me.send<note>(me, "x");
        ++sent;
        if (i % 10 == 0) co_await me.yield();
        if (i % 20 == 0) co_await me.sleep(1ms);
      }
      co_return sent;
    };
    const int n = co_await work(self);
    CHECK(n == 50);
    for (int i = 0; i < 50; ++i) co_await next_note(self);
  });
}
