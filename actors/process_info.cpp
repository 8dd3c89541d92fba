// SPDX-License-Identifier: BSL-1.0
// What is said of a process and of a system.
#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/process_info.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/mailbox/atom_table.hpp>

#include <unistd.h>
#include <algorithm>
#include <cstdio>

namespace troupe {

using namespace literals;

std::size_t atom_limit() noexcept {
  return detail::atom_table::instance().limit();
}

void set_atom_limit(std::size_t atoms) noexcept {
  detail::atom_table::instance().set_limit(atoms);
}

std::size_t atom_count() noexcept {
  return detail::atom_table::instance().size();
}

namespace detail {

std::vector<std::string> tasks_of(const slot& s) {
  std::vector<std::string> tasks;
  for_each_task(s.next, s.frame, [&](const task_promise_base& task) {
    tasks.push_back(task_place{task.function, task.called_from}.to_string());
  });
  return tasks;
}

std::uint64_t memory_of(const slot& s) noexcept {
  std::uint64_t bytes = sizeof(context);
  if (s.frame) bytes += allocated_size(s.frame.address());
  for_each_task(s.next, s.frame, [&](task_promise_base& task) {
    bytes += allocated_size(std::coroutine_handle<task_promise_base>::from_promise(task).address());
  });
  s.messages.for_each([&](const envelope& e) { bytes += allocated_size(&e); });
  if (const slot_extra* extra = s.extra) {
    bytes += allocated_size(extra) + extra->links.size() * sizeof(*extra->links.begin()) +
             (extra->watching.size() + extra->watched_by.size()) * sizeof(*extra->watching.begin()) +
             extra->questions.capacity() * sizeof(void*);
    if (extra->callable != nullptr) bytes += allocated_size(extra->callable.get());
  }
  return bytes;
}

troupe::process_info info_of(slot& s, process_state state) {
  troupe::process_info info;
  info.process = s.self();
  info.name = s.rt->names().name_of(info.process);
  info.state = state;
  info.function = function_of(s.function.load(std::memory_order_relaxed));
  info.where = place_of(s.where.load(std::memory_order_relaxed));
  if (s.waiting != nullptr) info.waits_for = s.waiting->how->describe(*s.waiting);
  info.tasks = tasks_of(s);
  info.mailbox_length = s.messages.size();
  if (const gate* g = gate_of(s)) {
    info.mailbox_limit = g->limit();
    info.policy = g->policy();
    info.mailbox_dropped = g->dropped();
    info.waiting_senders = g->waiting();
  }
  info.memory = memory_of(s);
  info.messages = s.handled;
  info.trap_exit = s.trap_exit;
  if (const slot_extra* extra = s.extra) {
    if (extra->behaviour != nullptr)
      info.behaviour = std::string(extra->behaviour->body.kind()) + " " + std::string(extra->behaviour->body.name());
    info.messages += extra->handled_before;
    for (const auto& [peer, end] : extra->links)
      if (end.unlink_id == 0) info.links.push_back(peer);
    for (const auto& [ref, watched] : extra->watching) {
      if (watched.name == atom())
        info.monitors.emplace_back(watched.peer);
      else if (watched.node == atom())
        info.monitors.emplace_back(watched.name);
      else
        info.monitors.push_back(term::tuple({watched.name, watched.node}));
    }
    for (const auto& [ref, watcher] : extra->watched_by) info.monitored_by.push_back(watcher.peer);
    info.group_leader = extra->group_leader;
  }
  std::sort(info.links.begin(), info.links.end());
  std::sort(info.monitors.begin(), info.monitors.end());
  std::sort(info.monitored_by.begin(), info.monitored_by.end());
  return info;
}

std::uint64_t resident_memory() noexcept {
  // The second figure of /proc/self/statm counts resident pages.
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0, resident = 0;
  const int got = std::fscanf(file, "%llu %llu", &size, &resident);
  std::fclose(file);
  return got == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace detail

task<std::optional<process_info>> context::process_info(troupe::pid process, detail::duration patience) {
  if (process == pid()) co_return detail::info_of(*this, process_state::running);
  if (process && !rt->is_local(process))
    throw usage_error("troupe: process_info of " + process.to_string() + ": it is no process of this node");
  auto* e = detail::make_request(detail::process_inquiry{});
  e->kind = detail::envelope_kind::inquiry;
  detail::call_awaiter<troupe::process_info> answer(*this, process, e, patience);
  std::optional<troupe::process_info> info;
  try {
    info = co_await answer;
  } catch (const call_failed& failed) {
    if (failed.reason() == term("timeout"_atom)) throw;
  }
  co_return info;
}

std::vector<troupe::pid> context::processes() const {
  return rt->processes();
}

}  // namespace troupe
