// SPDX-License-Identifier: BSL-1.0
// Crash reports, the tracer, and the notices of a system's monitor.
#include "everywhere.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

namespace {

struct job {
  int n;
};
struct get {
  using reply = int;
};
struct go {};

/// A list that several threads add to.
template <class T>
class gathered {
 public:
  void add(T value) {
    const std::lock_guard guard(lock_);
    values_.push_back(std::move(value));
  }
  std::vector<T> all() const {
    const std::lock_guard guard(lock_);
    return values_;
  }

 private:
  mutable std::mutex lock_;
  std::vector<T> values_;
};

task<int> divide(context&, int a, int b) {
  if (b == 0) throw std::runtime_error("division by zero");
  co_return a / b;
}
task<int> average(context& self, int sum, int count) {
  const int result = co_await divide(self, sum, count);
  co_return result;
}
process crashes(context& self) {
  co_await self.yield();
  co_await average(self, 1, 0);
}

/// Runs a process to its end and gives the crash reports.
template <class F>
std::vector<crash_report> reports_of(F body) {
  gathered<crash_report> reports;
  {
    actor_system_options options = troupe_test::quiet_options();
    options.on_crash = [&](const crash_report& r) { reports.add(r); };
    actor_system sys(options);
    sys.wait(sys.spawn(body));
  }
  return reports.all();
}

/// Runs a process in a simulated world and gives what the tracer saw.
std::vector<std::string> traced(const std::function<void(actor_system&)>& program, const trace_options& what = {}) {
  std::vector<std::string> events;
  testing::simulation world(7);
  actor_system sys(world.options());
  sys.trace([&](const trace_event& e) { events.push_back(e.to_string()); }, what);
  program(sys);
  sys.trace(nullptr);
  return events;
}

bool has(const std::vector<std::string>& events, const std::string& wanted) {
  return std::find(events.begin(), events.end(), wanted) != events.end();
}

process answers_once(context& self) {
  co_await self.receive([](request<get> r) { r.reply(7); });
}

}  // namespace

// --- crash reports
// ----------------------------------------------------------------------------------------------------

TEST_CASE("a crash report names the process, its function, the chain of tasks and the reason") {
  const auto reports = reports_of(crashes);
  REQUIRE(reports.size() == 1);
  const crash_report& r = reports[0];
  CHECK(r.function.ends_with("crashes"));
  CHECK(r.reason == term::tuple({"error"_atom, "division by zero"}));
  REQUIRE(r.tasks.size() == 2);
  CHECK(r.tasks[0].ends_with("divide, awaited at reports.cpp:51"));
  CHECK(r.tasks[1].ends_with("average, awaited at reports.cpp:56"));
  CHECK(r.where == "reports.cpp:51");
  CHECK(r.name == atom());
  CHECK(r.links.empty());
  const std::string text = r.to_string();
  CHECK(text.find(r.process.to_string() + " crashed\n  initial function: ") == 0);
  CHECK(text.find("\n  reason: {error,<<\"division by zero\">>}\n  mailbox: 0 messages\n  links: none") !=
        std::string::npos);
}

TEST_CASE("a crash report counts the messages that nobody will read and lists the links") {
  gathered<crash_report> reports;
  pid parent;
  {
    actor_system_options options = troupe_test::quiet_options();
    options.on_crash = [&](const crash_report& r) { reports.add(r); };
    actor_system sys(options);
    parent = sys.spawn([](context& self) -> process {
      self.trap_exit(true);
      spawn_options child;
      child.name = "child";
      child.link = true;
      self.spawn(child, [](context& me) -> process {
        me.trap_exit(true);
        for (int i = 0; i < 3; ++i) me.send<job>(me, i);
        me.exit("broken"_atom);
        co_return;
      });
      co_await self.receive<exit_signal>();
    });
    sys.wait(parent);
  }
  REQUIRE(reports.all().size() == 1);
  const crash_report r = reports.all()[0];
  CHECK(r.name == "child"_atom);
  CHECK(r.reason == term("broken"_atom));
  CHECK(r.mailbox_length == 3);
  CHECK(r.links == std::vector<pid>{parent});
  CHECK(r.trap_exit);
  CHECK(r.ancestors.empty());  // who has spawned a process is no behaviour's ancestor
  CHECK(r.to_string().ends_with("\n  traps exits"));
  CHECK(r.to_string().find(", registered as child\n") != std::string::npos);
}

TEST_CASE("whoever hears of the end finds the crash report written") {
  std::atomic<int> reported{0};
  actor_system_options options = troupe_test::quiet_options(2);
  const actor_system* system = nullptr;
  options.on_crash = [&](const crash_report& r) {
    if (system->is_alive(r.process)) ++reported;  // who would monitor it now does not hear noproc
  };
  actor_system sys(options);
  system = &sys;
  for (int ended = 1; ended <= 500; ++ended) {
    sys.wait(sys.spawn([](context& self) -> process {
      self.exit("broken"_atom);
      co_return;
    }));
    if (reported != ended) FAIL("after " << ended << " ends there were " << reported.load() << " reports");
  }
}

TEST_CASE("normal, shutdown and {shutdown, _} are no crashes, nor is an exit signal") {
  CHECK(reports_of([](context&) -> process { co_return; }).empty());
  CHECK(reports_of([](context& self) -> process {
          self.exit("normal"_atom);
          co_return;
        }).empty());
  CHECK(reports_of([](context& self) -> process {
          self.exit("shutdown"_atom);
          co_return;
        }).empty());
  CHECK(reports_of([](context& self) -> process {
          self.exit(term::tuple({"shutdown"_atom, 1}));
          co_return;
        }).empty());
  CHECK(reports_of([](context& self) -> process {
          const spawned p = self.spawn_monitor([](context& me) -> process { co_await me.receive<go>(); });
          self.exit(p.pid, "broken"_atom);
          co_await self.receive<down>();
        }).empty());
}

TEST_CASE("an exception that a process catches is not reported, and a later one is with its own tasks") {
  const auto reports = reports_of([](context& self) -> process {
    try {
      co_await average(self, 1, 0);
    } catch (const std::runtime_error&) {
    }
    throw std::logic_error("another");
  });
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].tasks.empty());
  CHECK(reports[0].reason == term::tuple({"error"_atom, "another"}));
  CHECK(reports_of([](context& self) -> process {
          try {
            co_await average(self, 1, 0);
          } catch (const std::runtime_error&) {
          }
        }).empty());
}

TEST_CASE("what on_crash throws is lost, and disturbs nobody") {
  actor_system_options options = troupe_test::quiet_options();
  options.on_crash = [](const crash_report&) { throw std::runtime_error("from on_crash"); };
  actor_system sys(options);
  set_log_level(log_level::off);
  sys.wait(sys.spawn(crashes));
  set_log_level(log_level::info);
  CHECK(sys.wait(sys.spawn([](context&) -> process { co_return; })).is_atom());
}

// --- tracing
// ----------------------------------------------------------------------------------------------------------

TEST_CASE("a tracer sees sends, receives, spawns, exits and links") {
  std::string parent, child;
  const auto events = traced([&](actor_system& sys) {
    const pid p = sys.spawn([](context& self) -> process {
      const pid c = self.spawn_link(answers_once);
      self.link(c);
      co_await self.call(c, get{});
      self.unlink(c);
      self.send<job>(c, 1);  // it is gone, or soon
      self.exit("shutdown"_atom);
    });
    parent = p.to_string();
    sys.wait(p);
    child = parent.substr(0, 3) + std::to_string(p.id() + 1) + parent.substr(parent.rfind('.'));
  });
  INFO(child);
  const auto spawns = std::count_if(events.begin(), events.end(), [&](const std::string& e) {
    return e.starts_with(parent + " spawns <") && e.ends_with("answers_once");
  });
  CHECK(spawns == 1);
  const auto some = [&](const std::string& start, const std::string& part) {
    return std::any_of(events.begin(), events.end(),
                       [&](const std::string& e) { return e.starts_with(start) && e.find(part) != std::string::npos; });
  };
  CHECK(some("outside spawns " + parent, ""));
  CHECK(some(parent, " ! request get to <"));
  CHECK(some("<", " << request get"));
  CHECK(some("<", " ! answer 7 to " + parent));
  CHECK(some(parent, " << answer 7"));
  CHECK(some(parent, " ! {job,1} to <"));
  CHECK(some(parent, " unlinks <"));
  CHECK(has(events, parent + " exits with shutdown"));
  CHECK(some("<", " exits with normal"));
}

TEST_CASE("a tracer sees only what was asked for, and nothing once it is taken away") {
  trace_options only_exits;
  only_exits.send = only_exits.receive = only_exits.spawn = only_exits.link = false;
  std::vector<std::string> events;
  testing::simulation world(7);
  actor_system sys(world.options());
  sys.trace([&](const trace_event& e) { events.push_back(e.to_string()); }, only_exits);
  const pid p = sys.spawn([](context& self) -> process {
    self.send<job>(self, 1);
    co_await self.receive<job>();
  });
  sys.wait(p);
  CHECK(has(events, p.to_string() + " exits with normal"));
  for (const std::string& e : events) CHECK(e.find(" exits with ") != std::string::npos);
  sys.trace(nullptr);
  events.clear();
  sys.wait(sys.spawn([](context&) -> process { co_return; }));
  CHECK(events.empty());
}

TEST_CASE("a link is traced by who links, with the other one") {
  const auto events = traced([](actor_system& sys) {
    const pid other = sys.spawn([](context& self) -> process { co_await self.receive<go>(); });
    sys.wait(sys.spawn(
        [](context& self, pid peer) -> process {
          self.link(peer);
          co_return;
        },
        other));
  });
  CHECK(std::count_if(events.begin(), events.end(),
                      [](const std::string& e) { return e.find(" links <") != std::string::npos; }) == 1);
}

TEST_CASE("what a tracer sends is not traced, and what it throws is lost") {
  testing::simulation world(7);
  actor_system sys(world.options());
  int called = 0;
  const pid sink = sys.spawn([](context& self) -> process {
    for (;;) co_await self.receive<job>();
  });
  set_log_level(log_level::off);
  sys.trace([&](const trace_event& e) {
    if (e.kind != trace_kind::send) return;
    ++called;
    sys.send<job>(sink, called);
    throw std::runtime_error("from a tracer");
  });
  sys.wait(sys.spawn([](context& self) -> process {
    self.send<go>(self);
    co_await self.receive<go>();
  }));
  sys.trace(nullptr);
  set_log_level(log_level::info);
  CHECK(called == 1);
}

TEST_CASE("a tracer may be set and taken away while processes on several threads send") {
  const troupe_test::hang_guard guard("tracer");
  actor_system sys(troupe_test::quiet_options(4));
  const auto over = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<const std::atomic<bool>> is_over = over;
  std::vector<pid> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(sys.spawn(
        [](context& self, std::shared_ptr<const std::atomic<bool>> end) -> process {
          while (!end->load()) {
            self.send<job>(self, 1);
            co_await self.receive<job>();
            co_await self.yield();
          }
        },
        is_over));
  std::atomic<std::uint64_t> seen{0};
  for (int i = 0; i < 50; ++i) {
    auto mine = std::make_unique<std::atomic<int>>(0);
    sys.trace([&seen, counter = mine.get()](const trace_event&) {
      ++*counter;
      ++seen;
    });
    while (mine->load() == 0) std::this_thread::yield();
    sys.trace(nullptr);
    mine.reset();  // nobody uses it any more
  }
  over->store(true);
  for (const pid& p : all) sys.wait(p);
  CHECK(seen.load() >= 50);
}

// --- the system's monitor
// ---------------------------------------------------------------------------------------------

TEST_CASE("the system's monitor hears of a mailbox that grows long, once, and of its end") {
  testing::simulation world(3);
  actor_system sys(world.options());
  const pid monitor = sys.spawn([](context& self) -> process {
    const auto first = co_await self.receive<long_message_queue>();
    CHECK(first.is_long);
    CHECK(first.length >= 10);
    const auto second = co_await self.receive<long_message_queue>();
    CHECK_FALSE(second.is_long);
    CHECK(second.length < 5);
    CHECK(second.process == first.process);
    const auto none = co_await self.receive<long_message_queue>(after(1h));
    CHECK_FALSE(none);
  });
  system_monitor_options what;
  what.long_message_queue = 10;
  sys.system_monitor(monitor, what);
  sys.spawn([](context& self) -> process {
    const pid p = self.spawn([](context& me) -> process {
      co_await me.receive<go>();
      while (co_await me.receive<job>(after(0s))) {
      }
      for (;;) co_await me.receive<go>();
    });
    for (int i = 0; i < 30; ++i) self.send<job>(p, i);
    co_await self.process_info(p);
    self.send<go>(p);
    co_await self.sleep(1s);
    self.send<go>(p);  // it looks at its mail once more
    co_await self.sleep(1s);
  });
  sys.wait(monitor);  // or it has ended already
}

TEST_CASE("the system's monitor hears of a process that takes much memory") {
  testing::simulation world(3);
  actor_system sys(world.options());
  const pid monitor = sys.spawn([](context& self) -> process {
    const auto notice = co_await self.receive<large_memory>();
    CHECK(notice.is_large);
    CHECK(notice.bytes >= 20'000);
  });
  system_monitor_options what;
  what.large_memory = 20'000;
  sys.system_monitor(monitor, what);
  sys.spawn([](context& self) -> process {
    for (int i = 0; i < 2'000; ++i) self.send<job>(self, i);
    co_await self.receive<go>();
  });
  sys.wait(monitor);  // or it has ended already
  sys.system_monitor(pid(), {});
}

TEST_CASE("the system's monitor and the log hear of a process that holds its worker") {
  const troupe_test::hang_guard guard("long schedule");
  actor_system sys(troupe_test::quiet_options(2));
  const auto over = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<const std::atomic<bool>> is_over = over;
  const pid monitor = sys.spawn(
      [](context& self, pid) -> process {
        const auto notice = co_await self.receive<long_schedule>();
        CHECK(notice.time >= 5ms);
        CHECK(notice.where.starts_with("reports.cpp:"));
        CHECK_FALSE(notice.function.empty());
      },
      pid());
  system_monitor_options what;
  what.long_schedule = 5ms;
  sys.system_monitor(monitor, what);
  const pid busy = sys.spawn(
      [](context& self, std::shared_ptr<const std::atomic<bool>> end) -> process {
        co_await self.yield();
        while (!end->load()) std::this_thread::yield();
      },
      is_over);
  sys.wait(monitor);  // or it has ended already
  over->store(true);
  sys.wait(busy);
}
