// SPDX-License-Identifier: BSL-1.0
// The figures: what troupe's messages, processes and calls cost. One line a row: row, troupe, min, median, max, unit.
#include "report.hpp"

#include <troupe/actors/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

/// How large: 1 in full, less for a smoke test.
double scale = 1;

std::size_t scaled(std::size_t full) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(full) * scale));
}

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

actor_system_options workers(std::size_t n) {
  actor_system_options options;
  options.workers = n;
  return options;
}

struct ball {
  std::uint64_t left;
};
struct token {
  std::uint64_t left;
};
struct item {
  std::uint64_t number;
};
struct ask {
  std::uint64_t n;
  using reply = std::uint64_t;
};
struct noise {
  std::uint64_t n;
};
struct wanted {
  std::uint64_t n;
};
struct go {
  pid to;
};

// --- ping-pong
// -----------------------------------------------------------------------------------------------------------

process player(context& self, pid partner, std::uint64_t messages) {
  if (partner) self.send(partner, go{self.pid()});
  if (!partner) {
    const go g = co_await self.receive<go>();
    partner = g.to;
    self.send(partner, ball{messages});
  }
  for (;;) {
    const ball b = co_await self.receive<ball>();
    if (b.left > 0) self.send(partner, ball{b.left - 1});
    if (b.left <= 1) co_return;
  }
}

/// Seconds for `pairs` pairs that exchange `messages` messages each.
double play(actor_system& sys, std::size_t pairs, std::uint64_t messages) {
  const auto start = clock_type::now();
  std::vector<pid> all;
  for (std::size_t i = 0; i < pairs; ++i) {
    const pid first = sys.spawn(player, pid(), messages);
    all.push_back(first);
    all.push_back(sys.spawn(player, first, messages));
  }
  for (const pid& p : all) sys.wait(p);
  return seconds_since(start);
}

double ping_pong(std::size_t n) {
  actor_system sys(workers(n));
  const std::uint64_t messages = scaled(4'000'000);
  return play(sys, 1, messages) * 1e9 / static_cast<double>(messages);
}

double thousand_pairs() {
  actor_system sys(workers(2));
  const std::uint64_t each = scaled(4'000);
  return 1000.0 * static_cast<double>(each) / play(sys, 1000, each) / 1e6;
}

// --- fan-in
// -------------------------------------------------------------------------------------------------------------

process producer(context& self, pid to, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) co_await self.send(to, item{i});
}

process consumer(context& self, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) co_await self.receive<item>();
}

double fan_in() {
  actor_system sys(workers(2));
  const std::uint64_t each = scaled(100'000);
  const auto start = clock_type::now();
  const pid to = sys.spawn(consumer, 64 * each);
  for (int i = 0; i < 64; ++i) sys.spawn(producer, to, each);
  sys.wait(to);
  return 64.0 * static_cast<double>(each) / seconds_since(start) / 1e6;
}

// --- ring --------------------------------------------------------------------------------------------------

process ring_member(context& self, pid next, std::size_t rest) {
  pid following = next;
  if (rest > 0) following = self.spawn_link(ring_member, next, rest - 1);
  for (;;) {
    const token t = co_await self.receive<token>();
    if (t.left == 0) self.exit("done"_atom);  // the links end all others, and tell the head
    self.send(following, token{t.left - 1});
  }
}

process ring_head(context& self, std::size_t size, std::uint64_t hops) {
  self.trap_exit(true);
  const pid next = self.spawn_link(ring_member, self.pid(), size - 2);
  self.send(next, token{hops});
  for (;;) {
    auto got = co_await self.receive<token, exit_signal>();
    if (got.index() == 1) co_return;
    const token t = std::get<0>(got);
    if (t.left == 0) co_return;
    self.send(next, token{t.left - 1});
  }
}

double ring(std::size_t n) {
  actor_system sys(workers(n));
  const std::uint64_t hops = scaled(4'000'000);
  const auto start = clock_type::now();
  sys.wait(sys.spawn(ring_head, std::size_t{503}, hops));
  return seconds_since(start) * 1e9 / static_cast<double>(hops);
}

// --- spawn -------------------------------------------------------------------------------------------------

process one_message(context& self) {
  co_await self.receive<item>();
}

process spawner(context& self, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const pid p = self.spawn(one_message);
    co_await self.send(p, item{i});
  }
}

double spawning(std::size_t n) {
  actor_system sys(workers(n));
  const std::uint64_t count = scaled(1'000'000);
  const auto start = clock_type::now();
  sys.wait(sys.spawn(spawner, count));
  while (sys.process_count() > 0) std::this_thread::yield();
  return static_cast<double>(count) / seconds_since(start) / 1e6;
}

// --- memory ------------------------------------------------------------------------------------------------

process waits(context& self) {
  co_await self.receive<item>();
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

process spawn_many(context& self, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    self.spawn(waits);
    if (i % 100 == 0) co_await self.yield();
  }
}

double idle_bytes() {
  actor_system sys(workers(1));
  const std::uint64_t count = scaled(1'000'000);
  sys.wait(sys.spawn(spawn_many, std::uint64_t{1000}));
  const double before = resident_bytes();
  sys.wait(sys.spawn(spawn_many, count));
  return (resident_bytes() - before) / static_cast<double>(count);
}

double idle_cpu() {
  actor_system sys(workers(2));
  sys.wait(sys.spawn(spawn_many, std::uint64_t{100'000}));
  return bench::idle_share(scale < 1);
}

// --- calls -------------------------------------------------------------------------------------------------

process server(context& self) {
  for (;;) co_await self.receive([](request<ask> r) { r.reply(r->n + 1); });
}

process caller(context& self, pid to, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) co_await self.call(to, ask{i});
}

double calls(std::size_t clients, std::uint64_t each) {
  actor_system sys(workers(2));
  const pid to = sys.spawn(server);
  const auto start = clock_type::now();
  std::vector<pid> all;
  for (std::size_t i = 0; i < clients; ++i) all.push_back(sys.spawn(caller, to, each));
  for (const pid& p : all) sys.wait(p);
  return seconds_since(start);
}

double call_one() {
  const std::uint64_t count = scaled(1'000'000);
  return calls(1, count) * 1e9 / static_cast<double>(count);
}
double call_eight() {
  const std::uint64_t each = scaled(200'000);
  return 8.0 * static_cast<double>(each) / calls(8, each) / 1e3;
}

// --- selective receive -------------------------------------------------------------------------------------

process selective(context& self, std::uint64_t others, std::uint64_t rounds,
                  std::shared_ptr<const std::function<void(double)>> result) {
  for (std::uint64_t i = 0; i < others; ++i) self.send(self, noise{i});
  const auto start = clock_type::now();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    self.send(self, wanted{i});
    co_await self.receive<wanted>();
  }
  (*result)(seconds_since(start) * 1e6 / static_cast<double>(rounds));
}

double selective_receive() {
  actor_system sys(workers(1));
  double result = 0;
  sys.wait(sys.spawn(selective, std::uint64_t{10'000}, std::uint64_t{scaled(100'000)},
                     std::make_shared<const std::function<void(double)>>([&](double us) { result = us; })));
  return result;
}

// --- the driver --------------------------------------------------------------------------------------------

struct row {
  const char* name;
  const char* unit;
  double (*measure)();
};

const row rows[] = {
    {"ping-pong, one-way message, 1 worker", "ns", [] { return ping_pong(1); }},
    {"ping-pong, one-way message, 2 workers", "ns", [] { return ping_pong(2); }},
    {"1,000 pairs, 2 workers", "M messages/s", [] { return thousand_pairs(); }},
    {"fan-in 64 to 1, 2 workers", "M messages/s", [] { return fan_in(); }},
    {"ring of 503, a hop, 1 worker", "ns", [] { return ring(1); }},
    {"ring of 503, a hop, 2 workers", "ns", [] { return ring(2); }},
    {"spawn + message + exit of 1,000,000, 1 worker", "M/s", [] { return spawning(1); }},
    {"spawn + message + exit of 1,000,000, 2 workers", "M/s", [] { return spawning(2); }},
    {"idle process", "bytes", [] { return idle_bytes(); }},
    {"call, 1 client", "ns", [] { return call_one(); }},
    {"call, 8 clients", "k/s", [] { return call_eight(); }},
    {"selective receive past 10,000 others", "us", [] { return selective_receive(); }},
    {"idle CPU, 100,000 waiting processes, 3 s", "% of a core", [] { return idle_cpu(); }},
};

int usage(const char* program) {
  std::printf(
      "usage: %s [--quick] [--scale X] [--rounds N] [TEXT]\n"
      "Prints row, troupe, min, median, max, unit (tab-separated) of the rows whose name contains TEXT.\n"
      "Rounds alternate over the rows, so that a noisy moment does not hit one row alone.\n",
      program);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  bench::options options;
  for (int i = 1; i < argc; ++i)
    if (!bench::take_argument(options, argc, argv, i)) return usage(argv[0]);
  scale = options.scale;
  std::vector<std::vector<double>> figures(std::size(rows));
  for (std::size_t round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < std::size(rows); ++i)
      if (std::string_view(rows[i].name).find(options.filter) != std::string_view::npos)
        figures[i].push_back(rows[i].measure());
  for (std::size_t i = 0; i < std::size(rows); ++i)
    bench::print_figures(rows[i].name, "troupe", std::move(figures[i]), rows[i].unit);
}
