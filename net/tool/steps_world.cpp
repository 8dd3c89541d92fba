// SPDX-License-Identifier: BSL-1.0
// The steps about nodes and time, and those that contain others.
#include <troupe/net/remote.hpp>
#include <troupe/net/tool/play.hpp>
#include <troupe/net/tool/scene.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::script {

using nlohmann::json;
using std::chrono::nanoseconds;

namespace {

const node_spec& other_node(scene& s, const step& w) {
  const std::string name = w.subject().get<std::string>();
  const node_spec* spec = s.spec_of(name);
  if (spec == nullptr) throw step_failed("the node here is where the script runs: it stays");
  return *spec;
}

void note(scene& s, std::string text) {
  if (s.all.record != nullptr)
    s.all.record->add_note(std::chrono::duration_cast<nanoseconds>(s.self.now().time_since_epoch()).count(),
                           std::move(text));
}

/// From a branch to the scene that it belongs to.
struct branch_done {
  int number;
  bool right;
  std::string known;  // its variables, as JSON
  std::vector<std::string> absent;
};

/// A process may not take a reference; the scene that waits for the branch outlives it.
struct shared_by_branches {
  performance* all;
  const std::vector<step>* steps;
};

process branch(context& self, pid parent, int number, shared_by_branches shared, std::string known,
               std::vector<std::string> absent, bool quiet) {
  self.trap_exit(true);
  self.link(parent);
  scene s(self, *shared.all);
  const json values = json::parse(known);
  for (const auto& [name, value] : values.items()) s.known[name] = value;
  s.known["self"] = shared.all->words.pids().text_of(self.pid());
  shared.all->words.pids().set_label(self.pid(), "branch " + std::to_string(number + 1));
  s.absent.insert(absent.begin(), absent.end());
  bool right = true;
  try {
    co_await s.play(*shared.steps, quiet);
  } catch (const reported&) {
    right = false;
  }
  s.known.erase("self");
  self.unlink(parent);
  self.send<branch_done>(parent, number, right, json(s.known).dump(),
                         std::vector<std::string>(s.absent.begin(), s.absent.end()));
}

}  // namespace

task<> play_start_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  co_await s.all.nodes.start_node(s.self, spec);
  note(s, "the node " + spec.name + " starts");
}
task<> play_stop_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  if (s.all.record != nullptr) co_await s.fetch_records();
  co_await s.all.nodes.stop_node(s.self, spec);
  note(s, "the node " + spec.name + " stops");
}
task<> play_crash_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  co_await s.all.nodes.crash_node(s.self, spec);
  note(s, "the node " + spec.name + " crashes");
}
task<> play_monitor_nodes(scene& s, const step& w) {
  monitor_nodes(s.self, w.subject().get<bool>(), true);
  co_return;
}

task<> play_partition(scene& s, const step& w) {
  const auto a = w.subject()[0].get<std::string>();
  const auto b = w.subject()[1].get<std::string>();
  note(s, "the network between " + a + " and " + b + " is cut");
  co_await s.all.nodes.partition(s.self, a, b, true);
}
task<> play_heal(scene& s, const step& w) {
  const auto a = w.subject()[0].get<std::string>();
  const auto b = w.subject()[1].get<std::string>();
  co_await s.all.nodes.partition(s.self, a, b, false);
  note(s, "the network between " + a + " and " + b + " is mended");
}

task<> play_wait(scene& s, const step& w) {
  const auto time = duration_of(w.subject().get<std::string>()).value();
  co_await s.self.sleep(time);
}

task<> play_let(scene& s, const step& w) {
  for (const auto& [name, value] : w.subject().items()) {
    const std::string variable = variable_of(value);
    if (variable.empty())
      s.known[name] = s.all.words.arguments(value, s.known);
    else if (s.known.count(variable) != 0)
      s.known[name] = s.known[variable];
    else
      throw step_failed("there is no value for '$" + variable + "' yet");
  }
  co_return;
}

task<> play_repeat(scene& s, const step& w) {
  const auto rounds = w.subject().get<std::int64_t>();
  for (std::int64_t i = 1; i <= rounds; ++i) {
    s.known["round"] = i;
    // The first round is shown; the others would be the same lines again.
    co_await s.play(w.blocks[0], i > 1);
  }
  s.more = fmt::format("{} rounds", rounds);
}

task<> play_parallel(scene& s, const step& w) {
  std::vector<pid> branches;
  const json known(s.known);
  const std::vector<std::string> absent(s.absent.begin(), s.absent.end());
  for (std::size_t i = 0; i < w.blocks.size(); ++i)
    branches.push_back(s.self.spawn(branch, s.self.pid(), static_cast<int>(i), shared_by_branches{&s.all, &w.blocks[i]},
                                    known.dump(), absent, false));
  bool right = true;
  for (std::size_t left = branches.size(); left > 0; --left) {
    const branch_done done = co_await s.self.receive<branch_done>();
    right = right && done.right;
    const json values = json::parse(done.known);
    for (const auto& [name, value] : values.items()) s.known[name] = value;
    s.absent.insert(done.absent.begin(), done.absent.end());
  }
  if (!right) throw reported("step " + w.number);
}

task<> play_measure(scene& s, const step& w) {
  const auto rounds = w.subject().get<std::int64_t>();
  std::vector<nanoseconds> each;
  each.reserve(static_cast<std::size_t>(rounds));
  const auto begin = s.self.now();
  for (std::int64_t i = 1; i <= rounds; ++i) {
    const auto start = s.self.now();
    s.known["round"] = i;
    co_await s.play(w.blocks[0], true);
    each.push_back(s.self.now() - start);
  }
  const std::chrono::duration<double> all = s.self.now() - begin;
  if (s.all.record != nullptr) {
    co_await s.fetch_records();
    const auto ns = [](auto time) { return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count(); };
    s.all.record->leave_out(ns(begin), ns(s.self.now()));
    note(s, fmt::format("{} rounds of a measurement", rounds));
  }
  std::sort(each.begin(), each.end());
  const auto at = [&](double share) {
    return people_time(each[static_cast<std::size_t>(share * static_cast<double>(each.size() - 1))]);
  };
  const double rate = all.count() > 0 ? static_cast<double>(rounds) / all.count() : 0;
  s.more = fmt::format("{} a second; each {} (median), {} (99 %), {} to {}{}", people_number(rate), at(0.5), at(0.99),
                       at(0), at(1), s.all.nodes.simulated() ? ", in virtual time" : "");
}

}  // namespace troupe::script
