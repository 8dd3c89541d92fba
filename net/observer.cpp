// SPDX-License-Identifier: BSL-1.0
// What a node tells of itself and its processes.
#include <troupe/net/observer.hpp>

#include <troupe/actors/behaviours/supervisor_calls.hpp>
#include <troupe/actors/runtime.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

using namespace literals;
using namespace std::chrono_literals;

namespace {

constexpr const char* module = "troupe_observer";

export_name named(const char* function) {
  return {atom(module), atom(function)};
}

term list_of(const std::vector<std::string>& texts) {
  std::vector<term> all(texts.begin(), texts.end());
  return term::list(std::move(all));
}
template <class T>
term list_of_terms(const std::vector<T>& values) {
  std::vector<term> all;
  for (const T& v : values) all.emplace_back(v);
  return term::list(std::move(all));
}

atom status_of(process_state state) {
  switch (state) {
    case process_state::waiting: return "waiting"_atom;
    case process_state::runnable: return "runnable"_atom;
    case process_state::running: return "running"_atom;
    case process_state::blocking: return "blocking"_atom;
  }
  return "waiting"_atom;
}

std::vector<std::pair<term, term>> items_of(const process_info& p) {
  const term none;
  return {{"pid"_atom, p.process},
          {"registered_name"_atom, p.name.empty() ? none : term(p.name)},
          {"status"_atom, status_of(p.state)},
          {"initial_function"_atom, p.function},
          {"behaviour"_atom, p.behaviour.empty() ? none : term(p.behaviour)},
          {"where"_atom, p.where},
          {"waits_for"_atom, p.waits_for},
          {"tasks"_atom, list_of(p.tasks)},
          {"message_queue_len"_atom, p.mailbox_length},
          {"mailbox_limit"_atom, p.mailbox_limit},
          {"dropped"_atom, p.mailbox_dropped},
          {"waiting_senders"_atom, p.waiting_senders},
          {"links"_atom, list_of_terms(p.links)},
          {"monitors"_atom, list_of_terms(p.monitors)},
          {"monitored_by"_atom, list_of_terms(p.monitored_by)},
          {"memory"_atom, p.memory},
          {"messages"_atom, p.messages},
          {"trap_exit"_atom, p.trap_exit},
          {"group_leader"_atom, p.group_leader ? term(p.group_leader) : none}};
}

term map_of(const process_info& p) {
  return term::map(items_of(p));
}

term system_map(const system_info& s) {
  return term::map({{"node"_atom, atom(s.name)},
                    {"creation"_atom, s.creation},
                    {"processes"_atom, s.processes},
                    {"max_processes"_atom, s.max_processes},
                    {"spawned"_atom, s.spawned},
                    {"registered"_atom, s.names},
                    {"atoms"_atom, s.atoms},
                    {"max_atoms"_atom, s.max_atoms},
                    {"memory"_atom, s.memory},
                    {"max_memory"_atom, s.max_memory},
                    {"workers"_atom, s.workers}});
}

/// Its own account; of one that does not answer in time, since it holds its worker, what is known from outside.
task<std::optional<process_info>> seen(context& self, pid process, detail::duration patience) {
  try {
    co_return co_await self.process_info(process, patience);
  } catch (const call_failed&) {
  }
  co_return detail::slot_access::of(self).rt->seen_from_outside(process);
}

constexpr detail::duration patience_for_one = 100ms;
// However many do not answer, the whole table is there in time for the caller's own timeout.
constexpr detail::duration patience_for_all = 1s;

/// In the order of the pids.
task<std::vector<process_info>> all_processes(context& self) {
  std::vector<process_info> all;
  const detail::time_point deadline = self.now() + patience_for_all;
  for (const pid& p : self.processes()) {
    if (p == self.pid()) continue;
    const detail::duration left = std::max<detail::duration>(deadline - self.now(), 1ms);
    if (auto info = co_await seen(self, p, std::min(left, patience_for_one))) all.push_back(std::move(*info));
  }
  std::sort(all.begin(), all.end(),
            [](const process_info& a, const process_info& b) { return a.process.id() < b.process.id(); });
  co_return all;
}

term maps_of(const std::vector<process_info>& all) {
  std::vector<term> maps;
  maps.reserve(all.size());
  for (const process_info& p : all) maps.push_back(map_of(p));
  return term::list(std::move(maps));
}

using figure = std::uint64_t process_info::*;

figure figure_of(atom key) {
  if (key == "messages"_atom) return &process_info::messages;
  if (key == "message_queue_len"_atom) return &process_info::mailbox_length;
  if (key == "memory"_atom) return &process_info::memory;
  throw std::invalid_argument("troupe_observer:processes sorts by messages, message_queue_len or memory, not by " +
                              term(key).to_string());
}

task<term> processes(context& self) {
  const std::vector<process_info> all = co_await all_processes(self);
  co_return maps_of(all);
}

task<term> most(context& self, atom key, std::uint32_t n) {
  const figure of = figure_of(key);
  std::vector<process_info> all = co_await all_processes(self);
  std::sort(all.begin(), all.end(), [&](const process_info& a, const process_info& b) {
    return a.*of != b.*of ? a.*of > b.*of : a.process.id() < b.process.id();
  });
  if (all.size() > n) all.resize(n);
  co_return maps_of(all);
}

/// Those whose figure grew the most meanwhile; by how much stands in the map.
task<term> most_grown(context& self, atom key, std::uint32_t n, std::uint32_t milliseconds) {
  const figure of = figure_of(key);
  if (milliseconds > 60'000)
    throw std::invalid_argument("troupe_observer:processes/3 watches for 60000 ms at most, not for " +
                                std::to_string(milliseconds));
  std::unordered_map<pid, std::uint64_t> before;
  const std::vector<process_info> first = co_await all_processes(self);
  for (const process_info& p : first) before.emplace(p.process, p.*of);
  co_await self.sleep(std::chrono::milliseconds(milliseconds));
  std::vector<process_info> all = co_await all_processes(self);
  std::vector<std::pair<std::int64_t, const process_info*>> grown;
  for (const process_info& p : all) {
    const auto was = before.find(p.process);  // one that is new began with nothing
    const auto growth = static_cast<std::int64_t>(p.*of - (was == before.end() ? 0 : was->second));
    // One that was asked before and does not answer now has not lost its messages.
    grown.emplace_back(key == "messages"_atom ? std::max<std::int64_t>(growth, 0) : growth, &p);
  }
  std::sort(grown.begin(), grown.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->process.id() < b.second->process.id();
  });
  if (grown.size() > n) grown.resize(n);
  std::vector<term> maps;
  for (const auto& [growth, p] : grown) {
    auto items = items_of(*p);
    items.emplace_back("growth"_atom, growth);
    maps.push_back(term::map(std::move(items)));
  }
  co_return term::list(std::move(maps));
}

task<term> one_process(context& self, term which) {
  const pid process =
      which.is_pid() ? which.as_pid()
      : which.is_atom()
          ? self.whereis(which.as_atom())
          : throw std::invalid_argument("troupe_observer:process/1 takes a pid or a name, not " + which.to_string());
  if (!process) co_return term();
  if (!detail::slot_access::of(self).rt->is_local(process))
    throw std::invalid_argument("troupe_observer:process/1: " + which.to_string() + " is no process of this node");
  const auto info = co_await seen(self, process, patience_for_one);
  co_return info ? map_of(*info) : term();
}

/// Those whom no supervisor names as its child.
task<term> roots(context& self) {
  const std::vector<process_info> all = co_await all_processes(self);
  std::vector<pid> supervisors;
  std::set<pid> children;
  for (const process_info& p : all) {
    if (!p.behaviour.starts_with("supervisor ")) continue;
    supervisors.push_back(p.process);
    try {
      const destination sup = p.process;
      const std::vector<child_info> below = co_await which_children(self, sup, 1s);
      for (const child_info& c : below)
        if (c.running()) children.insert(c.process);
    } catch (const call_failed&) {
      // It has just ended, or starts a child for long.
    }
  }
  std::erase_if(supervisors, [&](const pid& p) { return children.contains(p); });
  co_return list_of_terms(supervisors);
}

}  // namespace

void serve_observer(node& here) {
  node* const it = &here;  // which outlives its processes
  here.export_as(named("system"), [it] { return system_map(it->info()); });
  here.export_as(named("processes"), &processes);
  here.export_as(named("processes"), &most);
  here.export_as(named("processes"), &most_grown);
  here.export_as(named("process"), &one_process);
  here.export_as(named("whereis"), [it](atom name) {
    const pid process = it->whereis(name);
    return process ? term(process) : term();
  });
  here.export_as(named("registered"), [it] { return list_of_terms(it->registered()); });
  here.export_as(named("roots"), &roots);
}

void stop_observer(node& here) {
  for (const auto& [function, arity] : std::initializer_list<std::pair<const char*, std::size_t>>{{"system", 0},
                                                                                                  {"processes", 0},
                                                                                                  {"processes", 2},
                                                                                                  {"processes", 3},
                                                                                                  {"process", 1},
                                                                                                  {"whereis", 1},
                                                                                                  {"registered", 0},
                                                                                                  {"roots", 0}})
    here.unexport(named(function), arity);
}

}  // namespace troupe
