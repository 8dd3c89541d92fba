// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/recorder.hpp>

#include <troupe/net/remote.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe::script {

namespace {

std::int64_t ns(troupe::detail::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

trace_record record_of(const trace_event& e) {
  trace_record r{};
  r.time = ns(e.time);
  switch (e.kind) {
    case trace_kind::send: r.kind = "send"; break;
    case trace_kind::receive: r.kind = "receive"; break;
    case trace_kind::spawn: r.kind = "spawn"; break;
    case trace_kind::exit: r.kind = "exit"; break;
    case trace_kind::link: r.kind = "link"; break;
    case trace_kind::unlink: r.kind = "unlink"; break;
  }
  switch (e.role) {
    case message_role::message: r.role = "message"; break;
    case message_role::request: r.role = "request"; break;
    case message_role::answer: r.role = "answer"; break;
    case message_role::failure: r.role = "failure"; break;
  }
  r.process = e.process;
  r.other = e.other.to_term();
  r.message = std::string(e.message);
  r.function = std::string(e.function);
  if (e.kind == trace_kind::send || e.kind == trace_kind::receive) {
    if (e.role != message_role::message && e.envelope != nullptr)
      r.ref = static_cast<const troupe::detail::routed_envelope*>(e.envelope)->ref;
    try {
      r.content = e.role == message_role::failure ? e.reason : e.content();
    } catch (const std::exception&) {
      r.content = atom("unprintable");
    }
  } else if (e.kind == trace_kind::exit) {
    r.content = e.reason;
  }
  return r;
}

/// What has been recorded in this OS process, where it is a node of another one's script.
struct pending_records {
  std::mutex lock;
  std::vector<trace_record> records;
};

}  // namespace

std::vector<trace_record> take_trace(actor_system& here) {
  static std::shared_ptr<pending_records> pending;
  static std::once_flag begun;
  std::call_once(begun, [&] {
    pending = std::make_shared<pending_records>();
    here.trace([kept = pending](const trace_event& e) {
      trace_record r = record_of(e);
      const std::lock_guard guard(kept->lock);
      if (kept->records.size() < 100'000) kept->records.push_back(std::move(r));
    });
  });
  const std::lock_guard guard(pending->lock);
  return std::exchange(pending->records, {});
}

void recorder::watch(actor_system& system) {
  system.trace([this](const trace_event& e) {
    trace_record r = record_of(e);
    const std::lock_guard guard(lock_);
    if (records_.size() < 1'000'000) records_.push_back(std::move(r));
  });
}

void recorder::add(std::vector<trace_record> records) {
  const std::lock_guard guard(lock_);
  for (trace_record& r : records) records_.push_back(std::move(r));
}

void recorder::add_span(const pid& by, span s) {
  const std::lock_guard guard(lock_);
  spans_[by].push_back(std::move(s));
}

void recorder::add_note(std::int64_t time, std::string text) {
  const std::lock_guard guard(lock_);
  notes_.push_back({time, std::move(text)});
}

void recorder::leave_out(std::int64_t begin, std::int64_t end) {
  const std::lock_guard guard(lock_);
  left_out_.emplace_back(begin, end);
}

std::vector<trace_record> recorder::sorted() const {
  const std::lock_guard guard(lock_);
  // In the order in which they came, where the clock does not tell. (clang takes std::stable_sort of g++ 12's library
  // for deprecated.)
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < records_.size(); ++i) order.emplace_back(records_[i].time, i);
  std::sort(order.begin(), order.end());
  std::vector<trace_record> all;
  for (const auto& [time, i] : order) all.push_back(records_[i]);
  return all;
}

std::set<pid> recorder::troupe_of(const std::vector<trace_record>& records, const std::set<pid>& directors,
                                  const vocabulary& words) {
  std::set<pid> members = directors;
  const auto labelled = [&](const pid& p) { return p && words.pids().label_of(p) != p.to_string(); };
  // Twice: what a node spawns for another one's script is labelled only by that.
  for (int round = 0; round < 2; ++round)
    for (const trace_record& r : records) {
      if (labelled(r.process)) members.insert(r.process);
      if (r.kind != "spawn" || !r.other.is_pid()) continue;
      if (r.function.find("detail::") != std::string::npos) continue;  // what an rpc runs in, for one
      if (labelled(r.other.as_pid()) || members.count(r.process) != 0) members.insert(r.other.as_pid());
    }
  return members;
}

}  // namespace troupe::script
