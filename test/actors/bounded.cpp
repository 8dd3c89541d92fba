// SPDX-License-Identifier: BSL-1.0
// Bounded mailboxes: what counts, what becomes of one message too many, who waits and for how long.
#include "everywhere.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

struct item {
  int n;
};
struct question {
  using reply = int;
};
struct open_up {
  using reply = void;
};
struct go {};
struct done {
  int received;
  std::string order;
};

/// Lets those who call it go on once it is told to. Answers are not counted in mailboxes.
process latch(context& self) {
  std::vector<request<open_up>> waiting;
  bool is_open = false;
  for (;;)
    co_await self.receive(
        [&](request<open_up> r) {
          if (is_open)
            r.reply();
          else
            waiting.push_back(std::move(r));
        },
        [&](const go&) {
          is_open = true;
          for (auto& r : waiting) r.reply();
          waiting.clear();
        });
}

/// Looks at no message before the latch is open, then tells `report` which items it has.
process hoarder(context& self, pid report, pid opener) {
  co_await self.call(opener, open_up{}, infinity);
  done result{0, {}};
  for (;;) {
    const std::optional<item> i = co_await self.receive<item>(after(0s));
    if (!i) break;
    ++result.received;
    result.order += (result.order.empty() ? "" : " ") + std::to_string(i->n);
  }
  self.send(report, result);
  for (;;) co_await self.receive([&](request<question> r) { r.reply(42); }, [](const item&) {});
}

pid spawn_hoarder(context& self, pid opener, std::size_t limit, overflow policy) {
  spawn_options options;
  options.mailbox = {.messages = limit, .policy = policy};
  return self.spawn(options, hoarder, self.pid(), opener).pid;
}

process consumer(context& self, pid report, int wanted) {
  std::vector<int> next(8, 0);
  for (int i = 0; i < wanted; ++i) {
    const item got = co_await self.receive<item>();
    const int producer = got.n / 1000;
    CHECK(got.n % 1000 == next[static_cast<std::size_t>(producer)]++);
  }
  const done result{wanted, {}};
  self.send(report, result);
}

process producer(context& self, pid to, int number, int count) {
  for (int i = 0; i < count; ++i) co_await self.send<item>(to, number * 1000 + i);
}

/// Sends one item, waiting for room, and says what came of it.
process sender(context& self, pid to, pid report, int n, detail::duration patience) {
  std::string outcome = "sent";
  try {
    co_await self.send<item>(to, n).within(patience);
  } catch (const call_failed& failed) {
    outcome = failed.reason().to_string();
  } catch (const mailbox_full&) {
    outcome = "mailbox_full";
  }
  const done result{n, outcome};
  self.send(report, result);
}

}  // namespace

TEST_CASE("drop_newest: what finds a full mailbox is dropped and counted, the rest stays in order") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 3, overflow::drop_newest);
    for (int i = 0; i < 10; ++i) self.send<item>(h, i);
    const auto info = co_await self.process_info(h);  // answered after all of them have arrived
    CHECK(info->mailbox_length == 3);
    CHECK(info->mailbox_limit == 3);
    CHECK(info->policy == overflow::drop_newest);
    CHECK(info->mailbox_dropped == 7);
    self.send<go>(opener);
    const done d = co_await self.receive<done>();
    CHECK(d.order == "0 1 2");
    self.send<item>(h, 10);  // there is room again
    const auto later = co_await self.process_info(h);
    CHECK(later->mailbox_dropped == 7);
  });
}

TEST_CASE("drop_oldest: the newest messages stay") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 3, overflow::drop_oldest);
    for (int i = 0; i < 10; ++i) self.send<item>(h, i);
    const auto info = co_await self.process_info(h);
    CHECK(info->mailbox_length == 3);
    CHECK(info->mailbox_dropped == 7);
    self.send<go>(opener);
    const done d = co_await self.receive<done>();
    CHECK(d.order == "7 8 9");
  });
}

TEST_CASE("a dropped request fails its caller at once with mailbox_full") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    for (const overflow policy : {overflow::drop_newest, overflow::drop_oldest}) {
      const pid h = spawn_hoarder(self, opener, 2, policy);
      auto first = self.request(h, question{}, infinity);
      self.send<item>(h, 1);
      self.send<item>(h, 2);
      term reason;
      const auto before = self.now();
      try {
        if (policy == overflow::drop_newest)
          co_await self.call(h, question{});
        else
          co_await first;
      } catch (const call_failed& failed) {
        reason = failed.reason();
      }
      CHECK(reason == term("mailbox_full"_atom));
      CHECK(self.now() == before);
    }
  });
}

TEST_CASE("end_receiver: a process whose mailbox overflows ends with mailbox_full") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 3, overflow::end_receiver);
    const reference m = self.monitor(h);
    for (int i = 0; i < 3; ++i) self.send<item>(h, i);
    const auto info = co_await self.process_info(h);
    CHECK(info.has_value());
    self.send<item>(h, 3);
    const down ended = co_await self.receive<down>();
    CHECK(ended.ref == m);
    CHECK(ended.reason == term("mailbox_full"_atom));
  });
}

TEST_CASE("wait: an awaited send waits for room, nothing is lost and each sender's order is kept") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = 2, .policy = overflow::wait};
    const pid c = self.spawn(options, consumer, self.pid(), 3 * 20).pid;
    for (int p = 0; p < 3; ++p) self.spawn(producer, c, p, 20);
    while (self.is_alive(c)) {
      std::optional<process_info> info = co_await self.process_info(c);
      if (!info) break;
      CHECK(info->mailbox_length <= 2);
      CHECK(info->mailbox_dropped == 0);
      co_await self.yield();
    }
    const done d = co_await self.receive<done>();
    CHECK(d.received == 60);
  });
}

TEST_CASE("wait: a send that is not awaited throws mailbox_full when there is no room, and nothing is sent") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 2, overflow::wait);
    self.send<item>(h, 0);
    self.send<item>(h, 1);
    std::string text;
    try {
      self.send<item>(h, 2);
    } catch (const mailbox_full& full) {
      text = full.what();
      CHECK(full.to() == term(h));
    }
    CHECK(text ==
          "troupe: the mailbox of " + h.to_string() + " is full, and its senders are to wait: co_await the send");
    co_await self.process_info(h);  // both have arrived
    self.send<go>(opener);
    const done d = co_await self.receive<done>();
    CHECK(d.order == "0 1");
  });
}

TEST_CASE("an uncaught mailbox_full is the exit reason {mailbox_full, To}") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.spawn_monitor(
        [](context& me, pid to) -> process {
          me.send<item>(to, 0);
          me.send<item>(to, 1);
          co_return;
        },
        h);
    const down ended = co_await self.receive<down>();
    CHECK(ended.reason == term::tuple({"mailbox_full"_atom, h}));
  });
}

TEST_CASE("wait: those who wait go in one after the other, in the order they came") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    for (int n = 1; n <= 3; ++n) {
      self.spawn(sender, h, self.pid(), n, infinity);
      for (;;) {  // until it waits
        const auto info = co_await self.process_info(h);
        if (info->waiting_senders == static_cast<std::uint64_t>(n)) break;
        co_await self.yield();
      }
    }
    self.send<go>(opener);
    int reports = 0;
    std::string order;
    while (reports < 4) {
      const done d = co_await self.receive<done>();
      ++reports;
      if (d.order == "sent") continue;
      order = d.order;
    }
    // The hoarder stops when nothing is there at that moment; whatever it got is a beginning of 0 1 2 3.
    CHECK(std::string("0 1 2 3").starts_with(order));
  });
}

TEST_CASE("wait: after its time an awaited send throws call_failed(timeout), and its message is not in") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    const auto start = self.now();
    self.spawn(sender, h, self.pid(), 1, 2s);
    const done timed_out = co_await self.receive<done>();
    CHECK(timed_out.order == "timeout");
    CHECK(self.now() - start >= 2s);
    bool failed = false;
    try {
      co_await self.send<item>(h, 2);
    } catch (const call_failed& f) {
      failed = f.to() == term(h);
    }
    CHECK(failed);
    CHECK(self.now() - start >= 7s);
    const auto info = co_await self.process_info(h);
    CHECK(info->mailbox_length == 1);
    CHECK(info->waiting_senders == 0);
    self.send<go>(opener);
    const done d = co_await self.receive<done>();
    CHECK(d.order == "0");
  });
}

TEST_CASE("wait: the end of the receiver lets those go on who wait for room") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    for (int n = 1; n <= 2; ++n) self.spawn(sender, h, self.pid(), n, infinity);
    co_await self.yield();
    self.exit(h, "kill"_atom);
    for (int n = 1; n <= 2; ++n) {
      const done d = co_await self.receive<done>();
      CHECK(d.order == "sent");  // to somebody who has gone: as in Erlang, nobody minds
    }
    co_await self.send<item>(h, 3);  // and so now
  });
}

TEST_CASE("wait: who is killed while it waits takes its message back, and those behind it go in") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    const pid victim = self.spawn(sender, h, self.pid(), 1, infinity);
    for (;;) {
      const auto info = co_await self.process_info(h);
      if (info->waiting_senders == 1) break;
      co_await self.yield();
    }
    self.spawn(sender, h, self.pid(), 2, infinity);
    self.monitor(victim);
    self.exit(victim, "kill"_atom);
    co_await self.receive<down>();
    self.send<go>(opener);
    bool went_in = false;
    for (int i = 0; i < 2; ++i) {
      const done d = co_await self.receive<done>();
      if (d.received == 2 && d.order == "sent") went_in = true;
      if (d.order != "sent") CHECK(d.order.find('1') == std::string::npos);
    }
    CHECK(went_in);
  });
}

TEST_CASE("wait: a call waits for room, and its timeout covers both") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    term reason;
    try {
      co_await self.call(h, question{}, 1s);
    } catch (const call_failed& failed) {
      reason = failed.reason();
    }
    CHECK(reason == term("timeout"_atom));
    self.send<go>(opener);
    const int answer = co_await self.call(h, question{});
    CHECK(answer == 42);
  });
}

TEST_CASE("wait: a request that nobody waits for yet fails with mailbox_full when there is no room") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    auto response = self.request(h, question{});
    term reason;
    try {
      co_await response;
    } catch (const call_failed& failed) {
      reason = failed.reason();
    }
    CHECK(reason == term("mailbox_full"_atom));
  });
}

TEST_CASE("wait: the message of a timer is dropped when there is no room") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid h = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(h, 0);
    self.send_after(1s, h, item{1});
    co_await self.sleep(2s);
    const auto info = co_await self.process_info(h);
    CHECK(info->mailbox_dropped == 1);
    CHECK(info->mailbox_length == 1);
  });
}

TEST_CASE("wait: a process that would wait for room in its own mailbox gets mailbox_full") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = 1, .policy = overflow::wait};
    options.monitor = true;
    self.spawn(options, [](context& me) -> process {
      me.send<item>(me, 0);
      co_await me.send<item>(me, 1);
    });
    const down ended = co_await self.receive<down>();
    CHECK(ended.reason == term::tuple({"mailbox_full"_atom, ended.process}));
  });
}

TEST_CASE("signals, answers, timeouts, down and exit_signal take no place and are never dropped") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = 1, .policy = overflow::drop_newest};
    options.monitor = true;
    self.spawn(options, [](context& me) -> process {
      me.trap_exit(true);
      me.send<item>(me, 0);  // full
      const auto quits = [](context&) -> process { co_return; };
      for (int i = 0; i < 3; ++i) me.spawn_monitor(quits);
      me.spawn_link(quits);
      const auto answers = [](context& it) -> process { co_await it.receive([](request<question> r) { r.reply(7); }); };
      const int answer = co_await me.call(me.spawn(answers), question{});
      CHECK(answer == 7);
      for (int i = 0; i < 3; ++i) co_await me.receive<down>();
      co_await me.receive<exit_signal>();
      const auto nothing = co_await me.receive<go>(after(1s));
      CHECK(!nothing);
      const auto kept = co_await me.receive<item>(after(0s));
      CHECK(kept.has_value());
    });
    const down ended = co_await self.receive<down>();
    CHECK(ended.reason == term("normal"_atom));
  });
}

TEST_CASE("drop_oldest: a selective receive that waits sees none of what is dropped behind its back") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = 40, .policy = overflow::drop_oldest};  // more than 32: the index is built, too
    options.monitor = true;
    const pid p = self.spawn(options,
                             [](context& me) -> process {
                               co_await me.receive<done>();
                               int last = -1, count = 0;
                               while (const auto i = co_await me.receive<item>(after(0s))) {
                                 CHECK(i->n > last);
                                 last = i->n;
                                 ++count;
                               }
                               CHECK(last == 119);
                               CHECK(count == 39);
                             })
                      .pid;
    for (int i = 0; i < 120; ++i) {
      self.send<item>(p, i);
      if (i % 50 == 49) co_await self.process_info(p);  // it has looked at all so far
    }
    const done last{0, {}};
    self.send(p, last);
    const down ended = co_await self.receive<down>();
    CHECK(ended.reason == term("normal"_atom));
  });
}

TEST_CASE("messages to an alias take places, also when the alias has been given up") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = 2, .policy = overflow::drop_newest};
    const pid p = self.spawn(options,
                             [](context& me) -> process {
                               co_await me.receive([&](request<question> r) { r.reply(1); });
                               co_await me.receive<go>();
                             })
                      .pid;
    co_await self.call(p, question{});
    for (int i = 0; i < 5; ++i) self.send<item>(p, i);
    const auto full = co_await self.process_info(p);
    CHECK(full->mailbox_length == 2);
    CHECK(full->mailbox_dropped == 3);
    // Our own, given up: messages to it are dropped without keeping places.
    const reference gone = self.alias();
    self.unalias(gone);
    for (int i = 0; i < 5; ++i) self.send<item>(gone, i);
    const auto none = co_await self.receive<item>(after(0s));
    CHECK(!none);
  });
}

TEST_CASE("send_all reaches all who have room, and names one who has none") {
  everywhere([](context& self) -> process {
    const pid opener = self.spawn(latch);
    const pid full = spawn_hoarder(self, opener, 1, overflow::wait);
    self.send<item>(full, 0);
    const std::vector<pid> all{self.pid(), full, self.pid()};
    term who;
    try {
      self.send_all(all, item{1});
    } catch (const mailbox_full& f) {
      who = f.to();
    }
    CHECK(who == term(full));
    for (int i = 0; i < 2; ++i) co_await self.receive<item>();
    co_await self.send<item>(self, 2);  // what was left over is forgotten
  });
}

TEST_CASE("a limit that is too high is refused with its figure") {
  everywhere([](context& self) -> process {
    spawn_options options;
    options.mailbox = {.messages = (std::size_t{1} << 30) + 1, .policy = overflow::wait};
    std::string text;
    try {
      self.spawn(options, latch);
    } catch (const usage_error& e) {
      text = e.what();
    }
    CHECK(text.find("1073741825") != std::string::npos);
    co_return;
  });
}

TEST_CASE("a process without a limit is not limited by what its slot was before") {
  everywhere(
      [](context& self) -> process {
        for (int round = 0; round < 70; ++round) {  // until slots are used again
          spawn_options options;
          options.mailbox = {.messages = 1, .policy = overflow::drop_newest};
          options.monitor = true;
          self.spawn(options, [](context&) -> process { co_return; });
          co_await self.receive<down>();
          const pid opener = self.spawn(latch);
          const pid h = self.spawn(hoarder, self.pid(), opener);
          for (int i = 0; i < 4; ++i) self.send<item>(h, i);
          const auto info = co_await self.process_info(h);
          CHECK(info->mailbox_limit == 0);
          CHECK(info->mailbox_length == 4);
          self.exit(h, "kill"_atom);
          self.exit(opener, "kill"_atom);
        }
      },
      where::threads);
}

TEST_CASE("an ordinary thread's send into a full waiting mailbox throws mailbox_full") {
  actor_system sys(troupe_test::quiet_options());
  spawn_options options;
  options.mailbox = {.messages = 2, .policy = overflow::wait};
  const pid p = sys.spawn(options, [](context& me) -> process { co_await me.receive<go>(); });
  sys.send<item>(p, 0);
  sys.send<item>(p, 1);
  CHECK_THROWS_AS(sys.send<item>(p, 2), mailbox_full);
  sys.exit(p, "kill"_atom);
  sys.wait(p);
  sys.send<item>(p, 3);  // it is gone: nobody minds
}

TEST_CASE("a selective receive on a full mailbox can deadlock, and the simulation's report shows it") {
  testing::simulation world(1);
  actor_system sys(world.options());
  spawn_options options;
  options.mailbox = {.messages = 2, .policy = overflow::wait};
  options.name = "picky";
  // It wants `go` first; items fill its mailbox, and `go` waits for room behind them for ever.
  const pid picky = sys.spawn(options, [](context& self) -> process {
    co_await self.receive<go>();
    for (;;) co_await self.receive<item>();
  });
  const pid writer = sys.spawn(
      [](context& self, pid to) -> process {
        for (int i = 0; i < 2; ++i) self.send<item>(to, i);
        co_await self.send<go>(to).within(infinity);
      },
      picky);
  std::string report;
  try {
    sys.wait(writer);
  } catch (const testing::deadlock& d) {
    report = d.what();
  }
  INFO(report);
  CHECK(report.find("picky") != std::string::npos);
  CHECK(report.find("waits in receive of go at bounded.cpp:") != std::string::npos);
  CHECK(report.find(
            "2 message(s) in its mailbox, limited to 2 and full; 1 sender(s) wait for room; the oldest is a item") !=
        std::string::npos);
  CHECK(report.find("waits in send of go: room in the mailbox of " + picky.to_string()) != std::string::npos);
}

TEST_CASE("wait: many senders on many threads lose nothing and stay within the limit") {
  const troupe_test::hang_guard guard("bounded mailbox under load");
  actor_system sys(troupe_test::quiet_options(4));
  constexpr int producers = 6, each = 400;
  spawn_options options;
  options.mailbox = {.messages = 3, .policy = overflow::wait};
  const pid c = sys.spawn(options, [](context& self) -> process {
    std::vector<int> next(producers, 0);
    for (int i = 0; i < producers * each; ++i) {
      const item got = co_await self.receive<item>();
      CHECK(got.n % 1000 == next[static_cast<std::size_t>(got.n / 1000)]++);
      CHECK(self.mailbox_length() <= 3);
    }
  });
  for (int p = 0; p < producers; ++p)
    sys.spawn(
        [](context& self, pid to, int number) -> process {
          for (int i = 0; i < each; ++i) co_await self.send<item>(to, number * 1000 + i).within(infinity);
        },
        c, p);
  CHECK(sys.wait(c) == term("normal"_atom));
}
