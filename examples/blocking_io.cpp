// SPDX-License-Identifier: BSL-1.0
// Hundreds of processes read files while one ticks on, all on one worker: blocking_io [READERS]; and a kill meanwhile.
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

struct tick {};
// To the ticker: how many ticks so far?
struct ticks {
  using reply = std::int64_t;
};
// From a reader.
struct has_read {
  std::uint64_t checksum;
};
// To the director: the whole play. Answered with whether all went as it should.
struct play {
  std::int64_t readers;
  using reply = bool;
};

// --- work that blocks ------------------------------------------------------------------------------------------------

// Ordinary code that knows nothing of processes. It holds its thread while the disk, a slow one, gets ready and reads.
std::uint64_t checksum_of_this_program() {
  std::this_thread::sleep_for(20ms);
  std::ifstream in("/proc/self/exe", std::ios::binary);
  std::string bytes(64 * 1024, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// What becomes of work whose process is killed, step by step.
enum class stage { none, under_way, kill_is_known, over };
std::atomic<stage> reached{stage::none};
void reach(stage s) {
  reached = s;
  reached.notify_all();
}
void wait_until(stage s) {
  for (stage now = reached; now < s; now = reached) reached.wait(now);
}

// Would take for ever. It looks at the stop token, as long work should, and tidies up.
void endless_work(std::stop_token stop) {
  reach(stage::under_way);
  std::mutex m;
  std::unique_lock lock(m);
  std::condition_variable_any never;
  never.wait(lock, stop, [] { return false; });
  wait_until(stage::kill_is_known);  // tidies up, until somebody has heard that its process is gone
  reach(stage::over);
}

// --- the processes ---------------------------------------------------------------------------------------------------

process reader(context& self, pid director) {
  const std::uint64_t checksum = co_await self.blocking([] { return checksum_of_this_program(); });
  self.send(director, has_read{checksum});
}

process ticker(context& self) {
  std::int64_t n = 0;
  self.send_interval(1ms, self, tick{});
  for (;;) co_await self.receive([&](const tick&) { ++n; }, [&](request<ticks> r) { r.reply(n); });
}

process stubborn(context& self) {
  co_await self.blocking([](std::stop_token stop) { endless_work(stop); });
  std::puts("never printed: the process is killed before its work returns");
}

process director(context& self) {
  request<play> asked = co_await self.receive<request<play>>();
  const std::int64_t readers = asked->readers;
  const std::uint64_t expected = co_await self.blocking([] { return checksum_of_this_program(); });

  const pid t = self.spawn_link(ticker);
  const auto start = self.now();
  for (std::int64_t i = 0; i < readers; ++i) self.spawn_link(reader, self.pid());
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < readers; ++i) {
    const has_read r = co_await self.receive<has_read>();
    right += r.checksum == expected ? 1 : 0;
  }
  const std::chrono::duration<double> elapsed = self.now() - start;
  const std::int64_t n = co_await self.call(t, ticks{});
  std::printf("%lld reads of 20 ms, %lld of them right, took %.3f s; meanwhile the ticker has ticked %lld times\n",
              static_cast<long long>(readers), static_cast<long long>(right), elapsed.count(),
              static_cast<long long>(n));

  const spawned victim = self.spawn_monitor(stubborn);
  co_await self.blocking([] { wait_until(stage::under_way); });
  self.exit(victim.pid, "kill"_atom);
  const down d = co_await self.receive<down>();
  const bool still_out = reached < stage::over;
  std::printf("a process is killed in the middle of its work, and it is known at once: %s; its work %s\n",
              d.reason.to_string().c_str(), still_out ? "is still out" : "is over");
  reach(stage::kill_is_known);
  co_await self.blocking([] { wait_until(stage::over); });
  std::puts("the work was told to stop, and has returned");
  asked.reply(right == readers && n > 0 && still_out && d.reason == term("killed"_atom));
}

int main(int argc, char** argv) {
  const auto [readers] = example::sizes(argc, argv, {{"READERS", 400, 1, 1'000'000}});
  actor_system_options options;
  options.workers = 1;  // for all processes: were it blocked, nothing else would happen
  options.max_blocking_threads = 32;
  actor_system sys(options);
  return sys.call(sys.spawn(director), play{readers}, infinity) ? 0 : 1;
}

// What it shows
//
// - `self.blocking(f)` runs f on a thread that may block, and the process goes on with what f returns or throws. The
//   workers, one for each core, are never held: they run the other processes.
// - The pool grows with the work, up to `max_blocking_threads`; beyond it, work queues up. Here 32 reads at once.
// - The kill of a process whose f is out acts at once for everyone else: monitors, links and its name. f itself cannot
//   be ended from outside, so it is asked to, by its std::stop_token; the frame that it may refer to stays until then.
// - For waiting alone no thread is needed: `self.sleep`, `after` and `send_after` hold none.
