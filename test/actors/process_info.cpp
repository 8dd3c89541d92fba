// SPDX-License-Identifier: BSL-1.0
// What can be seen of processes and systems from outside, and the system's limits.
#include "everywhere.hpp"

#include <troupe/actors/process_info.hpp>
#include <troupe/mailbox/atom_table.hpp>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct job {
  int n;
};
struct get {
  using reply = int;
};
struct go {};
struct stop {};

task<int> wait_inside(context& self) {
  const job j = co_await self.receive<job>();
  co_return j.n;
}
task<int> wait_outside(context& self) {
  const int n = co_await wait_inside(self);
  co_return n + 1;
}

process waits_in_tasks(context& self) {
  co_await wait_outside(self);
  co_await self.receive<stop>();
}

process selective(context& self) {
  co_await self.receive([](const go&) {}, [](request<get> r) { r.reply(1); });
}

/// Waits until the process waits: it has nothing more to do.
task<process_info> settled(context& self, pid p) {
  for (;;) {
    std::optional<process_info> info = co_await self.process_info(p);
    if (info && info->state == process_state::waiting) co_return std::move(*info);
    co_await self.yield();
  }
}

}  // namespace

TEST_CASE("process_info says where a process waits, and for what") {
  everywhere([](context& self) -> process {
    const pid p = self.spawn(selective);
    const process_info info = co_await settled(self, p);
    CHECK(info.process == p);
    CHECK(info.state == process_state::waiting);
    CHECK(info.waits_for == "receive of go, request<get>");
    CHECK(info.where == "process_info.cpp:45");
    CHECK(info.function.ends_with("selective"));
    CHECK(info.name == atom());
    CHECK(info.tasks.empty());
    CHECK(info.mailbox_length == 0);
    CHECK(info.messages == 0);
    CHECK_FALSE(info.trap_exit);
  });
}

TEST_CASE("process_info shows the chain of tasks that a process is in, innermost first") {
  everywhere([](context& self) -> process {
    const pid p = self.spawn(waits_in_tasks);
    const process_info info = co_await settled(self, p);
    REQUIRE(info.tasks.size() == 2);
    CHECK(info.tasks[0].ends_with("wait_inside, awaited at process_info.cpp:35"));
    CHECK(info.tasks[1].ends_with("wait_outside, awaited at process_info.cpp:40"));
    CHECK(info.where == "process_info.cpp:31");
    self.send<job>(p, 1);
    process_info later = co_await settled(self, p);
    while (later.messages == 0) later = co_await settled(self, p);
    CHECK(later.tasks.empty());
    CHECK(later.waits_for == "receive of stop");
    CHECK(later.messages == 1);
  });
}

TEST_CASE("process_info shows links, monitors, who monitors, the name, the mailbox and what was handled") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.name = "shown";
    const pid other = self.spawn(selective);
    const pid p = self.spawn(
                          options,
                          [](context& me, pid peer) -> process {
                            me.trap_exit(true);
                            me.link(peer);
                            me.monitor(peer);
                            me.monitor("nobody");
                            co_await me.receive<down>();  // of nobody
                            for (int i = 0; i < 3; ++i) co_await me.receive<job>();
                            co_await me.receive<stop>();
                          },
                          other)
                      .pid;
    self.monitor(p);
    for (int i = 0; i < 5; ++i) self.send<job>(p, i);
    process_info info = co_await settled(self, p);
    while (info.messages < 4) info = co_await settled(self, p);
    CHECK(info.name == "shown"_atom);
    CHECK(info.trap_exit);
    CHECK(info.links == std::vector<pid>{other});
    CHECK(info.monitors == std::vector<term>{term(other)});
    CHECK(info.monitored_by == std::vector<pid>{self.pid()});
    CHECK(info.messages == 4);
    CHECK(info.mailbox_length == 2);
    CHECK_FALSE(info.policy.has_value());
    process_info of_other = co_await settled(self, other);
    while (of_other.monitored_by.empty() || of_other.links.empty()) of_other = co_await settled(self, other);
    CHECK(of_other.links == std::vector<pid>{p});
    CHECK(of_other.monitored_by == std::vector<pid>{p});
  });
}

TEST_CASE("process_info of a process that is gone is nothing; of oneself it says running") {
  everywhere([](context& self) -> process {
    const spawned p = self.spawn_monitor([](context&) -> process { co_return; });
    co_await self.receive<down>();
    const auto gone = co_await self.process_info(p.pid);
    CHECK_FALSE(gone.has_value());
    const auto nobody = co_await self.process_info(pid());
    CHECK_FALSE(nobody.has_value());
    const auto own = co_await self.process_info(self);
    CHECK(own->state == process_state::running);
    CHECK(own->process == self.pid());
  });
}

TEST_CASE("a process that ends before it is asked leaves nobody waiting") {
  everywhere([](context& self) -> process {
    const pid p = self.spawn(selective);
    self.send<go>(p);
    const auto info = co_await self.process_info(p);  // it may have ended or not
    if (info) CHECK(info->process == p);
  });
}

TEST_CASE("what waits in the mailbox counts as memory, and so do frames of tasks") {
  everywhere(
      [](context& self) -> process {
        const pid p = self.spawn(selective);
        const process_info before = co_await settled(self, p);
        CHECK(before.memory > 0);
        for (int i = 0; i < 100; ++i) self.send<job>(p, i);
        const process_info after = co_await settled(self, p);
        CHECK(after.mailbox_length == 100);
        CHECK(after.memory >= before.memory + 100 * sizeof(job));
        const process_info in_tasks = co_await settled(self, self.spawn(waits_in_tasks));
        CHECK(in_tasks.memory > before.memory);
      },
      where::simulated);
}

TEST_CASE("processes lists who lives") {
  everywhere([](context& self) -> process {
    std::vector<pid> spawned_here;
    for (int i = 0; i < 5; ++i) spawned_here.push_back(self.spawn(selective));
    std::vector<pid> all = self.processes();
    for (const pid& p : spawned_here) CHECK(std::count(all.begin(), all.end(), p) == 1);
    CHECK(std::count(all.begin(), all.end(), self.pid()) == 1);
    self.monitor(spawned_here[2]);
    self.exit(spawned_here[2], "kill"_atom);
    co_await self.receive<down>();
    all = self.processes();
    CHECK(std::count(all.begin(), all.end(), spawned_here[2]) == 0);
  });
}

TEST_CASE("a process in blocking(f) answers that it blocks") {
  everywhere([](context& self) -> process {
    const pid p = self.spawn(
        [](context& me, pid parent) -> process {
          co_await me.blocking([&me, parent] {
            static_cast<void>(me);
            static_cast<void>(parent);
            std::this_thread::yield();
          });
          co_await me.receive<stop>();
        },
        self.pid());
    for (;;) {
      const auto info = co_await self.process_info(p);
      if (info->state == process_state::blocking) {
        CHECK(info->waits_for == "blocking");
        break;
      }
      if (info->waits_for == "receive of stop") break;  // it was too quick for us
      co_await self.yield();
    }
  });
}

TEST_CASE("an ordinary thread asks for process_info, lists processes and sees the counts") {
  actor_system_options options = troupe_test::quiet_options();
  options.max_processes = 1000;
  options.max_memory = std::size_t{1} << 40;
  actor_system sys(options);
  const pid p = sys.spawn({.name = "here"}, selective);
  std::optional<process_info> info;
  do info = sys.process_info(p);
  while (info->state != process_state::waiting);
  CHECK(info->name == "here"_atom);
  // Beside it, perhaps, those that asked for us and have not quite ended.
  const std::vector<pid> all = sys.processes();
  CHECK(std::count(all.begin(), all.end(), p) == 1);
  const system_info counts = sys.info();
  CHECK(counts.processes >= 1);
  CHECK(counts.max_processes == 1000);
  CHECK(counts.spawned >= 2);  // those that asked for us, too
  CHECK(counts.names == 1);
  CHECK(counts.workers == 2);
  CHECK(counts.memory > 0);
  CHECK(counts.max_memory == std::size_t{1} << 40);
  CHECK(counts.max_atoms == 1'048'576);
  CHECK(counts.name == sys.name());
  sys.exit(p, "kill"_atom);
  sys.wait(p);
  CHECK_FALSE(sys.process_info(p).has_value());
}

TEST_CASE("one that holds its worker is described from outside when it does not answer") {
  const troupe_test::hang_guard guard("process_info of a busy process");
  actor_system sys(troupe_test::quiet_options(2));
  const auto stop_it = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<const std::atomic<bool>> stopped = stop_it;
  const pid p = sys.spawn(
      {.name = "busy"},
      [](context& self, std::shared_ptr<const std::atomic<bool>> over) -> process {
        co_await self.yield();
        while (!over->load()) std::this_thread::yield();
      },
      stopped);
  std::optional<process_info> info;
  do info = sys.process_info(p, 20ms);
  while (info && info->state != process_state::running);
  CHECK(info->state == process_state::running);
  CHECK(info->name == "busy"_atom);
  CHECK(info->where.starts_with("process_info.cpp:"));
  stop_it->store(true);
  sys.wait(p);
}

TEST_CASE("the limit of processes is an error that names it, and holds again when some have ended") {
  actor_system_options options = troupe_test::quiet_options();
  options.max_processes = 50;
  actor_system sys(options);
  std::vector<pid> all;
  std::string text;
  try {
    for (int i = 0; i < 1000; ++i) all.push_back(sys.spawn(selective));
  } catch (const system_limit& e) {
    text = e.what();
  }
  CHECK(text == "troupe: too many processes: max_processes = 50");
  for (const pid& p : all) sys.exit(p, "kill"_atom);
  while (sys.process_count() != 0) std::this_thread::yield();
#if !defined(TROUPE_NO_RECYCLE)
  CHECK_NOTHROW(sys.wait(sys.spawn([](context&) -> process { co_return; })));
#endif
}

TEST_CASE("the limit of memory is an error that names it and what is in use") {
  actor_system_options options = troupe_test::quiet_options();
  options.max_memory = 1;
  actor_system sys(options);
  std::string text;
  try {
    sys.spawn(selective);
  } catch (const system_limit& e) {
    text = e.what();
  }
  CHECK(text.starts_with("troupe: no memory for another process: the program holds "));
  CHECK(text.ends_with(" bytes, and max_memory = 1"));
}

TEST_CASE("the limit of atoms is an error that names it and the text, and can be set") {
  const std::size_t before = atom_limit();
  set_atom_limit(atom_count());
  std::string text;
  try {
    atom("an atom that nobody has made yet");
  } catch (const system_limit& e) {
    text = e.what();
  }
  set_atom_limit(before);
  CHECK(text.find("limit " + std::to_string(atom_count()) + " atoms") != std::string::npos);
  CHECK(text.find("'an atom that nobody has made yet'") != std::string::npos);
  CHECK_NOTHROW(atom("an atom that nobody has made yet"));
}

TEST_CASE("read_timer gives the time that remains, and nothing once it has fired or never was") {
  everywhere([](context& self) -> process {
    const reference timer = self.send_after(10s, self, go{});
    const auto at_first = self.read_timer(timer);
    CHECK(at_first.value() > 0s);
    CHECK(at_first.value() <= 10s);
    co_await self.receive<go>();
    CHECK_FALSE(self.read_timer(timer).has_value());
    CHECK_FALSE(self.read_timer(self.make_reference()).has_value());
  });
}
