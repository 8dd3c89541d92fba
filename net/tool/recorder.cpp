// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/recorder.hpp>

#include <troupe/net/remote.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe::script {

std::int64_t trace_time(troupe::detail::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

namespace {

trace_record record_of(const trace_event& e) {
  trace_record r{};
  r.time = trace_time(e.time);
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
    if (records_.size() < 1'000'000) records_.push_back({next_++, std::move(r)});
  });
}

void recorder::add(std::vector<trace_record> records) {
  const std::lock_guard guard(lock_);
  for (trace_record& r : records) records_.push_back({next_++, std::move(r)});
}

void recorder::add_span(const pid& by, span s) {
  const std::lock_guard guard(lock_);
  spans_[by].push_back(std::move(s));
}

void recorder::add_note(std::int64_t time, std::string text) {
  const std::lock_guard guard(lock_);
  notes_.push_back({time, next_++, std::move(text)});
}

std::uint64_t recorder::next_number() const {
  const std::lock_guard guard(lock_);
  return next_;
}

void recorder::leave_out_since(std::uint64_t number) {
  const std::lock_guard guard(lock_);
  left_out_.emplace_back(number, next_);
}

std::vector<recorder::numbered> recorder::sorted() const {
  const std::lock_guard guard(lock_);
  std::vector<numbered> all = records_;
  std::sort(all.begin(), all.end(), [](const numbered& a, const numbered& b) {
    return std::pair(a.record.time, a.number) < std::pair(b.record.time, b.number);
  });
  return all;
}

std::set<pid> recorder::troupe_of(const std::vector<numbered>& records, const std::set<pid>& directors,
                                  const vocabulary& words) {
  std::set<pid> members = directors;
  const auto labelled = [&](const pid& p) { return p && words.pids().label_of(p) != p.to_string(); };
  // Twice: what a node spawns for another one's script is labelled only by that.
  for (int round = 0; round < 2; ++round)
    for (const auto& [number, r] : records) {
      if (labelled(r.process)) members.insert(r.process);
      if (r.kind != "spawn" || !r.other.is_pid()) continue;
      // What an rpc runs in, for one, and what holds the branches of a script.
      if (r.function.find("detail::") != std::string::npos ||
          r.function.find("script::machinery::") != std::string::npos)
        continue;
      if (labelled(r.other.as_pid()) || members.count(r.process) != 0) members.insert(r.other.as_pid());
    }
  return members;
}

}  // namespace troupe::script
