// SPDX-License-Identifier: BSL-1.0
// Waits for room in a bounded mailbox that end without it: what is left at the gate, and what becomes of the place.
#include "everywhere.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe_test::everywhere;
using troupe_test::where;

namespace {

using token = std::shared_ptr<const int>;  // its count tells how many messages with it there are

struct ask {
  using reply = int;
  int n;
  token mark;
};
struct item {
  token mark;
};
struct stone {};  // stays in the server's mailbox
struct outcome {
  int n;
  std::string what;
};

/// Sleeps first; then answers questions, of which it sees none twice, and naps after each.
process server(context& self, detail::duration sleep, detail::duration nap) {
  std::vector<int> seen(10'000, 0);
  co_await self.sleep(sleep);
  for (;;) {
    co_await self.receive(
        [&](request<ask> r) {
          CHECK(seen[static_cast<std::size_t>(r->n)]++ == 0);
          r.reply(r->n);
        },
        [](const item&) {});
    if (nap > 0s) co_await self.sleep(nap);
  }
}

pid spawn_server(context& self, std::size_t limit, detail::duration sleep, detail::duration nap = 0s) {
  spawn_options options;
  options.mailbox = {.messages = limit, .policy = overflow::wait};
  return self.spawn(options, server, sleep, nap).pid;
}

/// A server that sleeps for an hour behind a full mailbox.
pid spawn_full_server(context& self) {
  const pid s = spawn_server(self, 1, 1h);
  self.send<item>(s);
  return s;
}

/// Asks once and says what came of it.
process asker(context& self, pid to, pid report, int n, detail::duration patience, token mark) {
  std::string what;
  try {
    const int answer = co_await self.call<ask>(to, after(patience), n, mark);
    CHECK(answer == n);
    what = "answered";
  } catch (const call_failed& failed) {
    what = failed.reason().to_string();
  }
  self.send<outcome>(report, n, what);
}

/// Asks `tries` times, with patience of 0, 1 and 2 `unit`.
process impatient(context& self, pid to, pid report, int number, int tries, detail::duration unit) {
  int ended = 0;
  for (int i = 0; i < tries; ++i) {
    const int n = number * tries + i;
    try {
      const int answer = co_await self.call<ask>(to, after(i % 3 * unit), n, token());
      CHECK(answer == n);
      ++ended;
    } catch (const call_failed& failed) {
      CHECK(failed.reason() == term("timeout"_atom));
      ++ended;
    }
    CHECK(self.mailbox_length() == 0);
  }
  CHECK(ended == tries);
  self.send<outcome>(report, number, "done");
}

/// Many who give up while room comes free. In the end each place must be free, and no more than that.
process crowd(context& self, std::size_t limit, int callers, int tries, detail::duration nap, detail::duration unit) {
  const pid s = spawn_server(self, limit, 0s, nap);
  for (int c = 0; c < callers; ++c) self.spawn(impatient, s, self.pid(), c, tries, unit);
  for (int c = 0; c < callers; ++c) co_await self.receive<outcome>();
  const auto info = co_await self.process_info(s);
  CHECK(info->waiting_senders == 0);
  CHECK(info->mailbox_dropped == 0);
  for (std::size_t i = 0; i < limit; ++i) co_await self.send<stone>(s).within(1h);
  bool full = false;
  try {
    self.send<stone>(s);
  } catch (const mailbox_full&) {
    full = true;
  }
  CHECK(full);
}

/// For long bodies: a few seeds, then on threads.
void everywhere_briefly(const troupe_test::body& b) {
  const std::uint64_t before = troupe_test::failed_checks();
  for (std::uint64_t seed = 1; seed <= 20 && troupe_test::failed_checks() == before; ++seed)
    troupe_test::run_seed(seed, b);
  everywhere(b, where::threads);
}

}  // namespace

TEST_CASE("a caller that tries 1,000 times without patience leaves nothing at the gate") {
  everywhere_briefly([](context& self) -> process {
    const pid s = spawn_full_server(self);
    const token mark = std::make_shared<const int>(0);
    int timeouts = 0;
    for (int i = 0; i < 1000; ++i) {
      try {
        co_await self.call<ask>(s, after(0s), i, mark);
      } catch (const call_failed& failed) {
        if (failed.reason() == term("timeout"_atom)) ++timeouts;
      }
      CHECK(mark.use_count() == 1);
    }
    CHECK(timeouts == 1000);
    const auto info = co_await self.process_info(s);
    CHECK(info->waiting_senders == 0);
    CHECK(info->mailbox_length == 1);
    CHECK(info->mailbox_dropped == 0);
  });
}

TEST_CASE("awaited sends, 1,000 times without patience, leave nothing at the gate") {
  everywhere_briefly([](context& self) -> process {
    const pid s = spawn_full_server(self);
    const token mark = std::make_shared<const int>(0);
    int timeouts = 0;
    for (int i = 0; i < 1000; ++i) {
      try {
        co_await self.send<item>(s, mark).within(0s);
      } catch (const call_failed& failed) {
        if (failed.reason() == term("timeout"_atom)) ++timeouts;
      }
      CHECK(mark.use_count() == 1);
    }
    CHECK(timeouts == 1000);
    const auto info = co_await self.process_info(s);
    CHECK(info->waiting_senders == 0);
    CHECK(info->mailbox_length == 1);
  });
}

TEST_CASE("a call that times out while it waits for room is not seen by the receiver later") {
  everywhere([](context& self) -> process {
    const pid s = spawn_full_server(self);
    const token mark = std::make_shared<const int>(0);
    self.spawn(asker, s, self.pid(), 1, 1s, mark);
    const outcome first = co_await self.receive<outcome>();
    CHECK(first.what == "timeout");
    const auto info = co_await self.process_info(s);
    CHECK(info->waiting_senders == 0);
    co_await self.sleep(2h);
    const int second = co_await self.call<ask>(s, 2, token());
    CHECK(second == 2);
    const int same_number = co_await self.call<ask>(s, 1, token());  // else it would be seen twice
    CHECK(same_number == 1);
  });
}

TEST_CASE("who is killed while its call waits for room takes the request back, and those behind it go in") {
  everywhere([](context& self) -> process {
    const pid s = spawn_full_server(self);
    const token mark = std::make_shared<const int>(0);
    const pid victim = self.spawn(asker, s, self.pid(), 1, infinity, mark);
    for (;;) {
      const auto info = co_await self.process_info(s);
      if (info->waiting_senders == 1) break;
      co_await self.yield();
    }
    self.spawn(asker, s, self.pid(), 2, infinity, token());
    for (;;) {
      const auto info = co_await self.process_info(s);
      if (info->waiting_senders == 2) break;
      co_await self.yield();
    }
    self.monitor(victim);
    self.exit(victim, "kill"_atom);
    co_await self.receive<down>();
    CHECK(mark.use_count() == 1);
    const auto info = co_await self.process_info(s);
    CHECK(info->waiting_senders == 1);
    const outcome other = co_await self.receive<outcome>();
    CHECK(other.n == 2);
    CHECK(other.what == "answered");
    const int same_number = co_await self.call<ask>(s, 1, token());
    CHECK(same_number == 1);
  });
}

TEST_CASE("calls given up while room comes free go in once or not at all, and no place is lost") {
  everywhere([](context& self) -> process {
    const std::size_t limit = 2;
    self.spawn_monitor(crowd, limit, 3, 6, 1ms, 1ms);
    const down ended = co_await self.receive<down>();
    CHECK(ended.reason == term("normal"_atom));
  });
}

TEST_CASE("calls given up on many threads go in once or not at all, and no place is lost") {
  for (const std::size_t limit : {1U, 3U}) {
    const troupe_test::hang_guard guard("calls given up under load");
    actor_system sys(troupe_test::quiet_options(4));
    term reason;
    sys.wait(sys.spawn([&](context& self) -> process {
      self.spawn_monitor(crowd, limit, 5, 600, 0us, 20us);
      down ended = co_await self.receive<down>();
      reason = std::move(ended.reason);
    }));
    CHECK(reason == term("normal"_atom));
  }
}

TEST_CASE("whose call waits for room when the receiver ends hears of it once, however impatient it is") {
  everywhere([](context& self) -> process {
    const pid s = spawn_full_server(self);
    const auto caller = [](context& me, pid to, pid report, int number) -> process {
      std::string what = "timeout";
      for (int i = 0; what == "timeout"; ++i) {
        try {
          co_await me.call<ask>(to, after(i % 2 * 1ms), number, token());
          what = "answered";
        } catch (const call_failed& failed) {
          what = failed.reason().to_string();
        }
      }
      CHECK(me.mailbox_length() == 0);
      me.send<outcome>(report, number, what);
    };
    for (int c = 0; c < 3; ++c) self.spawn(caller, s, self.pid(), c);
    self.spawn(asker, s, self.pid(), 3, infinity, token());
    co_await self.sleep(3ms);
    self.exit(s, "kill"_atom);
    for (int c = 0; c < 4; ++c) {
      const outcome o = co_await self.receive<outcome>();
      CHECK((o.what == "killed" || o.what == "noproc"));
    }
    const auto more = co_await self.receive<outcome>(after(1h));
    CHECK(!more);
  });
}
