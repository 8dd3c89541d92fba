// SPDX-License-Identifier: BSL-1.0
// What servers and supervision cost.
#include "behaviours.hpp"

#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

#include <chrono>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

struct value {
  using reply = int;
};

class idle_server : public gen_server {
 public:
  int read(const value&) const { return 1; }
  using handles = handlers<call<&idle_server::read>>;
};

struct told {
  pid whom;
};

/// Tells of its start, and ends when it is told to.
class short_lived : public gen_server {
 public:
  explicit short_lived(pid watcher) { self().send<told>(watcher, self().pid()); }
  void end(const value&) { stop("crash"_atom); }
  using handles = handlers<cast<&short_lived::end>>;
};

task<double> count_restarts(context& self, std::size_t restarts) {
  child_spec spec;
  spec.id = "child";
  spec.start = child_of<short_lived>({}, self.pid());
  const std::vector<child_spec> specs{spec};
  supervisor_flags flags;
  flags.intensity = static_cast<std::int64_t>(restarts) + 1;
  flags.period = std::chrono::milliseconds(1);
  const auto sup = co_await self.start<supervisor>({}, flags, specs);
  told child = co_await self.receive<told>();
  const auto start = clock_type::now();
  for (std::size_t i = 0; i < restarts; ++i) {
    self.cast(child.whom, value{});
    child = co_await self.receive<told>();
  }
  const double seconds = seconds_since(start);
  co_await stop(self, sup, "shutdown"_atom);
  co_return seconds;
}

/// Seconds to start the children, and to end them.
task<std::pair<double, double>> start_many(context& self, std::size_t children) {
  child_spec spec;
  spec.id = "child";
  spec.start = child_of<idle_server>({});
  spec.restart = temporary;
  const std::vector<child_spec> specs{spec};
  supervisor_flags flags;
  flags.strategy = simple_one_for_one;
  const auto sup = co_await self.start<supervisor>({}, flags, specs);
  auto start = clock_type::now();
  for (std::size_t i = 0; i < children; ++i) static_cast<void>(co_await start_child(self, sup));
  const double starting = seconds_since(start);
  start = clock_type::now();
  co_await stop(self, sup, "shutdown"_atom);
  co_return std::pair(starting, seconds_since(start));
}

std::pair<double, double> many(std::size_t children) {
  set_log_level(log_level::off);
  actor_system_options options;
  options.workers = 2;
  options.log_crashes = false;
  actor_system sys(options);
  std::pair<double, double> seconds;
  sys.wait(sys.spawn([&](context& self) -> process { seconds = co_await start_many(self, children); }));
  return seconds;
}

}  // namespace

double server_calls(std::size_t calls) {
  actor_system_options options;
  options.workers = 1;
  actor_system sys(options);
  double seconds = 0;
  sys.wait(sys.spawn([&](context& self) -> process {
    const auto ref = co_await self.start<idle_server>({});
    const auto start = clock_type::now();
    for (std::size_t i = 0; i < calls; ++i) static_cast<void>(co_await self.call<value>(ref));
    seconds = seconds_since(start);
    co_await stop(self, ref);
  }));
  return seconds * 1e9 / static_cast<double>(calls);
}

double supervisor_restarts(std::size_t restarts) {
  set_log_level(log_level::off);
  actor_system_options options;
  options.workers = 1;
  options.log_crashes = false;
  actor_system sys(options);
  double seconds = 0;
  sys.wait(sys.spawn([&](context& self) -> process { seconds = co_await count_restarts(self, restarts); }));
  return static_cast<double>(restarts) / seconds / 1e3;
}

double dynamic_children_start(std::size_t children) {
  return many(children).first * 1e3;
}
double dynamic_children_end(std::size_t children) {
  return many(children).second * 1e3;
}
