// SPDX-License-Identifier: BSL-1.0
// A million processes alive at once: many_processes [PROCESSES]; what one costs, beside a thread and a forked child.
#include <troupe/actors/all.hpp>
#include <troupe/examples/cost.hpp>
#include <troupe/examples/sizes.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

// To each process, and back.
struct wake {
  std::int64_t number;
};
struct woken {
  std::int64_t number;
};
// To the crowd's leader: the whole job.
struct crowd {
  std::int64_t alive = 0;
  double bytes = 0, seconds = 0;  // of one: until it waits
  double waking = 0;              // seconds, until all have been woken and have answered
  bool right = false;             // do the answers add up?
};
struct gather {
  std::int64_t size;
  using reply = crowd;
};

// How many wait. A message from each would do as well, and would be measured with them.
std::atomic<std::int64_t> up{0};

process waiting(context& self, pid leader) {
  up.fetch_add(1, std::memory_order_relaxed);
  const wake w = co_await self.receive<wake>();
  self.send(leader, woken{w.number});
}

process leader(context& self) {
  request<gather> asked = co_await self.receive<request<gather>>();
  const std::int64_t size = asked->size;
  crowd found;
  std::vector<pid> all(static_cast<std::size_t>(size));  // its memory is there before it is measured

  const double before = co_await self.blocking([] { return cost::memory_of("self"); });
  auto start = self.now();
  try {
    for (; found.alive < size; ++found.alive) {
      all[static_cast<std::size_t>(found.alive)] = self.spawn(waiting, self.pid());
      if (found.alive % 100 == 99) co_await self.yield();
      if ((found.alive + 1) % (size / 4 + 1) == 0) std::printf("  %lld ...\n", static_cast<long long>(found.alive + 1));
    }
  } catch (const std::exception& e) {
    std::printf("  %lld is all that the system allows: %s\n", static_cast<long long>(found.alive), e.what());
  }
  while (up < found.alive) co_await self.yield();
  const auto n = static_cast<double>(found.alive);
  found.seconds = std::chrono::duration<double>(self.now() - start).count() / n;
  const double after = co_await self.blocking([] { return cost::memory_of("self"); });
  found.bytes = (after - before) / n;

  std::printf("%lld processes wait; each is sent a message\n", static_cast<long long>(found.alive));
  start = self.now();
  for (std::int64_t i = 0; i < found.alive; ++i) co_await self.send(all[static_cast<std::size_t>(i)], wake{i});
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < found.alive; ++i) {
    const woken w = co_await self.receive<woken>();
    sum += w.number;
  }
  found.waking = std::chrono::duration<double>(self.now() - start).count();
  found.right = sum == found.alive * (found.alive - 1) / 2;
  asked.reply(found);
}

void print_row(const char* what, std::int64_t alive, double bytes, double seconds) {
  std::printf("%-18s %10lld %14.0f %14.2f\n", what, static_cast<long long>(alive), bytes, seconds * 1e6);
}

int main(int argc, char** argv) {
  const auto [wanted] = example::sizes(argc, argv, {{"PROCESSES", 1'000'000, 1000, 100'000'000}});
  // A process and what is sent here to it take less than 1 KiB.
  const auto room = static_cast<std::int64_t>(cost::memory_free() / 1024);
  const std::int64_t size = room > 0 ? std::min(wanted, room) : wanted;
  if (size < wanted)
    std::printf("there is memory for %lld processes, not for %lld\n", static_cast<long long>(size),
                static_cast<long long>(wanted));

  if (cost::memory_of("self") == 0) std::puts("there is no /proc/self/smaps_rollup here, so no memory can be measured");

  // First, for it takes longer the larger the program is.
  std::puts("200 forked children");
  const cost::figures child = cost::of_forks(200);
  std::puts("2000 threads");
  const cost::figures thread = cost::of_threads(2000);

  std::printf("%lld processes\n", static_cast<long long>(size));
  actor_system_options options;
  options.max_processes = static_cast<std::size_t>(size) + 100;
  actor_system sys(options);
  const auto start = std::chrono::steady_clock::now();
  const crowd c = sys.call(sys.spawn(leader), gather{size}, infinity);
  while (sys.process_count() > 0) std::this_thread::sleep_for(1ms);
  std::printf("all have answered after %.2f s, and have ended; everything took %.2f s\n", c.waking,
              cost::seconds_since(start));

  std::printf("\n%-18s %10s %14s %14s\n", "", "at once", "bytes each", "start, us each");
  print_row("process of troupe", c.alive, c.bytes, c.seconds);
  print_row("thread", thread.alive, thread.bytes, thread.seconds);
  print_row("forked child", child.alive, child.bytes, child.seconds);
  std::puts(
      "\nbytes: pages that are its own (/proc/PID/smaps_rollup) and page tables. What the kernel keeps for a thread");
  std::puts("or a child, 16 KiB for a stack and more, comes on top.");
  if (!c.right) std::puts("the answers do not add up");
  return c.right ? 0 : 1;
}

// What it shows
//
// - A process is a coroutine's frame and a slot in a table, a few hundred bytes. It needs no stack of its own, and the
//   kernel does not know of it. So a program can have one for each connection, order or game that it deals with.
// - A thread has a stack, and a forked child the pages that either side has written to and its page tables. This one
//   does nothing; a program that is started in it has pages of its own from its first moment on.
// - A process that waits costs nothing but its memory. The message makes it run, on whichever core is free.
