// SPDX-License-Identifier: BSL-1.0
// Crash reports.
#include <troupe/actors/crash.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/process_info.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/actors/task.hpp>

#include <algorithm>
#include <exception>

namespace troupe {

using namespace literals;

std::string crash_report::to_string() const {
  std::string text = process.to_string() + " crashed";
  if (name != atom()) text += ", registered as " + term(name).to_string();
  text += "\n  initial function: " + function;
  if (!ancestors.empty()) text += "\n  ancestors:";
  for (const term& ancestor : ancestors) text += " " + ancestor.to_string();
  if (!where.empty()) text += "\n  last co_await: " + where;
  for (const std::string& task : tasks) text += "\n  in task: " + task;
  text += "\n  reason: " + reason.to_string() + "\n  mailbox: " + std::to_string(mailbox_length) +
          (mailbox_length == 1 ? " message" : " messages");
  text += "\n  links:";
  if (links.empty()) text += " none";
  for (const pid& peer : links) text += " " + peer.to_string();
  if (trap_exit) text += "\n  traps exits";
  if (metadata.is_map() && metadata.size() != 0) text += "\n  metadata: " + metadata.to_string();
  return text;
}

namespace detail {

bool is_orderly(const term& reason) {
  return reason.is_atom("normal"_atom) || reason.is_atom("shutdown"_atom) ||
         (reason.is_tuple("shutdown"_atom) && reason.size() == 2);
}

namespace {

/// By self.exit(reason); then is that in good order?
enum class ending { orderly, by_exit, by_exception };
ending how_it_ends() noexcept {
  try {
    throw;
  } catch (const process_exit& e) {
    return is_orderly(e.reason()) ? ending::orderly : ending::by_exit;
  } catch (...) {
    return ending::by_exception;
  }
}

}  // namespace

std::string task_place::to_string() const {
  return function_of(function) + ", awaited at " + place_of(called_from);
}

void task_threw(const task_promise_base& innermost) noexcept {
  try {
    slot& s = *innermost.owner;
    if (s.ending) return;
    auto& known = s.more().crashed;
    if (known != nullptr && known->error == innermost.error) return;  // it has come through a task inside this one
    auto seen = std::make_unique<crash>();
    seen->error = innermost.error;
    seen->tasks.push_back({innermost.function, innermost.called_from});
    for_each_task(innermost.awaiting, s.frame,
                  [&](const task_promise_base& task) { seen->tasks.push_back({task.function, task.called_from}); });
    known = std::move(seen);
  } catch (...) {  // no memory: then without
  }
}

void note_crash(slot& s) noexcept {
  try {
    auto& known = s.more().crashed;
    const ending how = how_it_ends();
    if (how == ending::orderly) {
      known.reset();
      return;
    }
    if (known == nullptr) known = std::make_unique<crash>();
    if (known->error != std::current_exception()) {  // these tasks are of another one; its ancestors stay
      known->error = nullptr;
      known->tasks.clear();
    }
    known->report = true;
    known->by_exception = how == ending::by_exception;
  } catch (...) {
  }
}

void report_crash(slot& s, atom name, const term& reason, const envelope* left) noexcept {
  try {
    runtime& rt = *s.rt;
    crash_report report;
    report.process = s.self();
    report.name = name;
    report.function = function_of(s.function.load(std::memory_order_relaxed));
    report.where = place_of(s.where.load(std::memory_order_relaxed));
    report.ancestors = std::move(s.extra->crashed->ancestors);
    for (const task_place& task : s.extra->crashed->tasks) report.tasks.push_back(task.to_string());
    report.reason = reason;
    report.mailbox_length = s.messages.size();
    for (; left != nullptr; left = left->next)
      if (takes_place(left->kind)) ++report.mailbox_length;
    for (const auto& [peer, end] : s.extra->links)
      if (end.unlink_id == 0) report.links.push_back(peer);
    std::sort(report.links.begin(), report.links.end());
    report.trap_exit = s.trap_exit;
    report.metadata = s.extra->metadata != nullptr ? *s.extra->metadata : term::map({});
    const bool logged = s.extra->crashed->by_exception && rt.options().log_crashes;
    s.extra->crashed.reset();
    if (logged) log_report(log_level::error, report);
    if (rt.options().on_crash) rt.options().on_crash(report);
  } catch (...) {
    log_line(log_level::error, "a crash report could not be made, or on_crash threw");
  }
}

}  // namespace detail
}  // namespace troupe
