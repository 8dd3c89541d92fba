// SPDX-License-Identifier: BSL-1.0
// The figures of CAF actors, on CAF's own scheduler and on troupe's workers in one run. One line a row and scheduler:
// row, who, min, median, max, unit.
#include "report.hpp"

#include <troupe/actors/caf/config.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

enum class host { caf, troupe };

/// How large: 1 in full, less for a smoke test.
double scale = 1;

int scaled(int full) {
  return std::max(1, static_cast<int>(full * scale));
}

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

/// A CAF system with so many workers, CAF's own or troupe's.
class program {
 public:
  program(host h, std::size_t workers) : cfg_(make(h, workers)), actors(*cfg_) {}

 private:
  static std::unique_ptr<caf::actor_system_config> make(host h, std::size_t workers) {
    auto cfg = h == host::caf ? std::make_unique<caf::actor_system_config>()
                              : std::unique_ptr<caf::actor_system_config>(std::make_unique<troupe::bridge::config>());
    cfg->set("scheduler.max-threads", workers);
    return cfg;
  }

  std::unique_ptr<caf::actor_system_config> cfg_;

 public:
  caf::actor_system actors;
};

caf::behavior echo(caf::event_based_actor*) {
  return {[](int n) { return n; }};
}

/// Sends to `to` and waits for the answer, n times; then both end.
caf::behavior player(caf::event_based_actor* self, const caf::actor& to, int n) {
  self->send(to, n);
  return {[self, to](int left) {
    if (left > 1) {
      self->send(to, left - 1);
    } else {
      self->send_exit(to, caf::exit_reason::user_shutdown);
      self->quit();
    }
  }};
}

double ping_pong(host h, std::size_t workers) {
  program p(h, workers);
  const int n = scaled(500'000);
  const auto start = clock_type::now();
  p.actors.spawn(player, p.actors.spawn(echo), n);
  p.actors.await_all_actors_done();
  return seconds_since(start) / n / 2 * 1e9;
}

double pairs(host h) {
  program p(h, 2);
  const int n = scaled(1'000);
  const auto start = clock_type::now();
  for (int i = 0; i < 1'000; ++i) p.actors.spawn(player, p.actors.spawn(echo), n);
  p.actors.await_all_actors_done();
  return 1'000.0 * n * 2 / seconds_since(start) / 1e6;
}

double spawning(host h, int full) {
  program p(h, 2);
  const int n = scaled(full);
  const auto start = clock_type::now();
  p.actors.spawn([n](caf::event_based_actor* self) {
    for (int i = 0; i < n; ++i)
      self->send(
          self->spawn([](caf::event_based_actor* child) -> caf::behavior { return {[child](int) { child->quit(); }}; }),
          i);
  });
  p.actors.await_all_actors_done();
  return n / seconds_since(start) / 1e6;
}

double idle_cpu(host h) {
  program p(h, 2);
  std::vector<caf::actor> waiting;
  for (int i = 0; i < 10'000; ++i) waiting.push_back(p.actors.spawn(echo));
  const double share = bench::idle_share(scale < 1);
  for (const caf::actor& a : waiting) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  return share;
}

struct row {
  const char* name;
  const char* unit;
  double (*measure)(host);
  bool on_caf = true;
};

const row rows[] = {
    {"ping-pong, one-way message, 1 worker", "ns", [](host h) { return ping_pong(h, 1); }},
    {"ping-pong, one-way message, 2 workers", "ns", [](host h) { return ping_pong(h, 2); }},
    {"1,000 pairs, 2 workers", "M messages/s", pairs},
    {"spawn + message + exit of 50,000, 2 workers", "M/s", [](host h) { return spawning(h, 50'000); }},
    // CAF's work stealing looks through a list of all that is runnable under two locks.
    {"spawn + message + exit of 1,000,000, 2 workers", "M/s", [](host h) { return spawning(h, 1'000'000); }, false},
    {"idle CPU, 10,000 waiting actors, 3 s", "% of a core", idle_cpu},
};

int usage(const char* program) {
  std::printf(
      "usage: %s [--quick] [--scale X] [--rounds N] [--all] [TEXT]\n"
      "Prints row, scheduler, min, median, max, unit (tab-separated) of the rows whose name contains TEXT. Rounds\n"
      "alternate over rows and schedulers. --all: the million on CAF's own scheduler as well, which may take very "
      "long.\n",
      program);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  bench::options options;
  bool all = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--all")
      all = true;
    else if (!bench::take_argument(options, argc, argv, i))
      return usage(argv[0]);
  }
  scale = options.scale;
  std::vector<std::vector<double>> figures(std::size(rows) * 2);
  for (std::size_t round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < figures.size(); ++i) {
      const row& r = rows[i / 2];
      const host h = i % 2 == 0 ? host::caf : host::troupe;
      if (std::string_view(r.name).find(options.filter) == std::string_view::npos) continue;
      if (h == host::caf && !r.on_caf && !all && scale == 1) continue;
      figures[i].push_back(r.measure(h));
    }
  for (std::size_t i = 0; i < figures.size(); ++i)
    bench::print_figures(rows[i / 2].name, i % 2 == 0 ? "CAF's own" : "troupe", std::move(figures[i]),
                         rows[i / 2].unit);
}
