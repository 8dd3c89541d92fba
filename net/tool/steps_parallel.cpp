// SPDX-License-Identifier: BSL-1.0
// The step that plays lists of steps at once: each is a process with a scene of its own.
#include <troupe/net/tool/play.hpp>
#include <troupe/net/tool/scene.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace machinery {

/// What a branch is told. A process may not take a reference: what is pointed at outlives it, see run_script.
struct branch_order {
  performance* all;
  const std::vector<step>* steps;
  std::shared_ptr<attendance> present;
  pid parent;
  reference ticket;
  std::size_t number;
  std::string label;
  bool quiet;
  std::string known;  // the variables, as JSON
  std::vector<std::string> absent;
};

/// From a branch to the scene that it belongs to, which knows the ticket: scripts may send what they like.
struct branch_done {
  reference ticket;
  std::uint64_t number;
  bool right;
  std::string problem;               // what no step has reported
  std::string changed;               // the variables that differ, as JSON
  std::vector<std::string> missing;  // what has become absent
};

/// Scenes trap exits, so a branch does not end with its parent by a link. This does it.
process tether(context& self, pid parent, pid branch) {
  const reference parent_watch = self.monitor(parent);
  const reference branch_watch = self.monitor(branch);
  bool parent_gone = false;
  const auto one_of_them = [&](const down& d) { return d.ref == parent_watch || d.ref == branch_watch; };
  const auto see = [&](const down& d) { parent_gone = d.ref == parent_watch; };
  co_await self.receive(when(one_of_them, see));
  if (parent_gone) self.exit(branch, atom("kill"));
}

process branch(context& self, branch_order order) {
  self.trap_exit(true);
  scene s(self, *order.all);
  const json before = json::parse(order.known);
  for (const auto& [name, value] : before.items()) s.known[name] = value;
  s.known["self"] = order.all->words.pids().text_of(self.pid());
  order.all->words.pids().set_label(self.pid(), order.label);
  s.absent.insert(order.absent.begin(), order.absent.end());
  bool right = true;
  std::string problem;
  try {
    co_await s.play(*order.steps, order.quiet);
  } catch (const reported&) {
    right = false;
  } catch (const std::exception& e) {
    right = false;
    problem = e.what();
  }
  json changed = json::object();
  for (const auto& [name, value] : s.known) {
    const auto was = before.find(name);
    if (name != "self" && (was == before.end() || *was != value)) changed[name] = value;
  }
  for (const std::string& name : order.absent) s.absent.erase(name);
  self.send<branch_done>(order.parent, order.ticket, order.number, right, problem, changed.dump(),
                         std::vector<std::string>(s.absent.begin(), s.absent.end()));
}

}  // namespace machinery

task<> play_parallel(scene& s, const step& w) {
  struct running {
    std::string label;
    reference watch;
    bool done = false;
  };
  std::vector<running> branches;
  const reference ticket = s.self.make_reference();
  variables given = s.known;
  given.erase("self");
  const std::string known = json(given).dump();
  spawn_options options;
  options.monitor = true;
  for (std::size_t i = 0; i < w.blocks.size(); ++i) {
    const std::string label = "branch " + w.number + letters_of(i);
    machinery::branch_order order{&s.all,
                                  &w.blocks[i],
                                  std::make_shared<attendance>(s.all.progress),
                                  s.self.pid(),
                                  ticket,
                                  i,
                                  label,
                                  s.quiet,
                                  known,
                                  {s.absent.begin(), s.absent.end()}};
    const spawned made = s.self.spawn(options, machinery::branch, std::move(order));
    s.self.spawn(machinery::tether, s.self.pid(), made.pid);
    branches.push_back({label, made.monitor});
  }
  bool right = true;
  std::string problems;
  const auto failed = [&](const running& one, const std::string& what) {
    problems += (problems.empty() ? "" : "\n  ") + one.label + what;
  };
  const auto is_ours = [&](const machinery::branch_done& d) {
    return d.ticket == ticket && d.number < branches.size() && !branches[d.number].done;
  };
  const auto finish = [&](const machinery::branch_done& d) {
    running& one = branches[d.number];
    one.done = true;
    s.self.demonitor(one.watch, true);
    right = right && d.right;
    if (!d.problem.empty()) failed(one, ": " + d.problem);
    const json changed = json::parse(d.changed);
    for (const auto& [name, value] : changed.items()) s.bind(name, value);
    s.absent.insert(d.missing.begin(), d.missing.end());
  };
  const auto which = [&](const down& d) {
    return std::find_if(branches.begin(), branches.end(),
                        [&](const running& one) { return !one.done && one.watch == d.ref; });
  };
  const auto is_branch = [&](const down& d) { return which(d) != branches.end(); };
  const auto lose = [&](const down& d) {
    const auto one = which(d);
    one->done = true;
    failed(*one, " was ended: " + s.all.words.print(s.all.words.show_value(d.reason)));
  };
  for (std::size_t left = branches.size(); left > 0; --left)
    co_await s.self.receive(when(is_ours, finish), when(is_branch, lose));
  if (!problems.empty()) throw step_failed(problems);
  if (!right) throw reported("step " + w.number);
}

}  // namespace troupe::script
