// SPDX-License-Identifier: BSL-1.0
// How envelopes leave by a connection.
#include <troupe/net/connection.hpp>

#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/net/control.hpp>
#include <troupe/net/distribution.hpp>

#include <algorithm>
#include <exception>

namespace troupe::detail {

using namespace literals;

namespace {

/// More than this is written before the run of its sender ends.
constexpr std::size_t flush_at = 65536;

/// Does the sender want to hear of the loss of the connection? Who that is, then.
pid who_waits(const envelope& e) noexcept {
  switch (e.kind) {
    case envelope_kind::request: return static_cast<const request_envelope&>(e).from;
    case envelope_kind::link:
    case envelope_kind::monitor: return static_cast<const signal_envelope&>(e).from;
    default: return {};
  }
}

/// No process has such a number.
std::uint32_t channel_of(std::string_view node) noexcept {
  std::uint64_t hash = 0;
  for (const char c : node) hash = mix(hash, static_cast<unsigned char>(c));
  return 0x8000'0000U | static_cast<std::uint32_t>(hash);
}

}  // namespace

void drop_silently(envelope* e) noexcept {
  if (e->kind == envelope_kind::request) static_cast<request_envelope&>(*e).home = nullptr;
  free_envelope(e);
}

connection::connection(distribution& home, connection_id id, std::string peer, std::size_t busy_limit)
    : home_(home), id_(id), peer_(std::move(peer)), channel_(channel_of(peer_)),
      out_(busy_limit, [this] { give_room(); }) {}

connection::~connection() {
  for (const kept& k : kept_) drop_silently(k.e);
}

bool connection::hand_over(executor* env, const pid& from, const destination& to, envelope* e) noexcept {
  const pid waits = who_waits(*e);
  // A process that has used this connection before is known: it need not be noted again with every call.
  const bool known = waits && env != nullptr && env->current != nullptr && env->current->self() == waits &&
                     env->current->extra != nullptr &&
                     std::find(env->current->extra->connections.begin(), env->current->extra->connections.end(), id_) !=
                         env->current->extra->connections.end();
  if (state() != stage::up || (waits && !known)) {
    const std::lock_guard guard(lock_);
    if (stage_.load(std::memory_order_relaxed) == stage::down) return false;
    if (waits && home_.runtime().is_local(waits)) {
      if (e->kind == envelope_kind::request && waits != from) {
        delegated_[static_cast<const request_envelope&>(*e).ref] = {waits, to};
        any_delegated_.store(true, std::memory_order_relaxed);
      } else {
        touched_.insert(waits);
      }
    }
    if (stage_.load(std::memory_order_relaxed) == stage::pending) {
      kept_.push_back({from, to, e});
      kept_count_.store(kept_.size(), std::memory_order_relaxed);
      return true;
    }
  }
  const reference question =
      e->kind == envelope_kind::request ? static_cast<const request_envelope&>(*e).ref : reference();
  if (auto s = encode(env, from, to, e))
    push(env, std::move(s));
  else if (question)
    settle(question, true);
  return true;
}

std::unique_ptr<segment> connection::encode(executor* env, const pid& from, const destination& to,
                                            envelope* e) noexcept {
  // A process of another incarnation of that node has ended, and OTP closes the connection for some signals to it.
  if (to.which() == destination::kind::process && to.process().creation() != facts_.creation) {
    home_.runtime().bounce(env, to.process(), e, "noproc"_atom);
    return nullptr;
  }
  try {
    auto s = std::make_unique<segment>();
    if (!write_frames(s->bytes, facts_.flags, from, to, *e)) {
      home_.runtime().bounce(env, to.process(), e, "notsup"_atom);
      return nullptr;
    }
    drop_silently(e);
    return s;
  } catch (const std::exception& error) {
    home_.report("a message to " + to.to_term().to_string() + " on " + peer_ + " cannot be sent: " + error.what());
    home_.runtime().bounce(env, to.process(), e, term::tuple({"badarg"_atom, term(std::string_view(error.what()))}));
    return nullptr;
  }
}

void connection::push(executor* env, std::unique_ptr<segment> s) noexcept {
  out_.push(std::move(s));
  // Outside of a run, as when a timer fires, nobody flushes afterwards.
  if (env == nullptr || env->current == nullptr || out_.queued() >= flush_at)
    flush();
  else
    env->must_flush(shared_from_this());
}

bool connection::touch(const pid& process) {
  const std::lock_guard guard(lock_);
  if (stage_.load(std::memory_order_relaxed) == stage::down) return false;
  touched_.insert(process);
  return true;
}

void connection::forget(const pid& process) noexcept {
  const std::lock_guard guard(lock_);
  touched_.erase(process);
}

void connection::add_named(const reference& monitor, const pid& process) {
  const std::lock_guard guard(lock_);
  named_[monitor] = process;
}

pid connection::take_named(const reference& monitor) noexcept {
  const std::lock_guard guard(lock_);
  const auto it = named_.find(monitor);
  if (it == named_.end()) return {};
  const pid process = it->second;
  named_.erase(it);
  return process;
}

void connection::settle(const reference& question, bool fired) noexcept {
  if (!any_delegated_.load(std::memory_order_relaxed)) return;
  delegated asked;
  {
    const std::lock_guard guard(lock_);
    const auto it = delegated_.find(question);
    if (it == delegated_.end()) return;
    asked = it->second;
    delegated_.erase(it);
  }
  if (fired) return;
  signal_envelope* e = make_signal(envelope_kind::demonitor, asked.caller);
  e->ref = question;
  e->connection = id_;
  home_.route(home_.runtime().this_env(), 0, asked.to, e);
}

bool connection::open(const peer_facts& facts, std::shared_ptr<byte_stream> stream) noexcept {
  executor* env = home_.runtime().this_env();
  {
    const std::lock_guard guard(lock_);
    if (stage_.load(std::memory_order_relaxed) != stage::pending) return false;
    facts_ = facts;
    out_.open(std::move(stream));
    // Under the lock, so that nobody sends past what was kept.
    for (const kept& k : std::exchange(kept_, {}))
      if (auto s = encode(env, k.from, k.to, k.e)) out_.push(std::move(s));
    kept_count_.store(0, std::memory_order_relaxed);
    stage_.store(stage::up, std::memory_order_release);  // who sees it sees facts_ and the stream
  }
  flush();
  give_room();
  return true;
}

std::optional<std::vector<pid>> connection::shut(std::vector<kept>& unsent) noexcept {
  std::vector<pid> touched;
  std::vector<std::pair<reference, pid>> asked;
  {
    const std::lock_guard guard(lock_);
    if (stage_.exchange(stage::down, std::memory_order_acq_rel) == stage::down) return std::nullopt;
    touched.assign(touched_.begin(), touched_.end());
    touched_.clear();
    named_.clear();
    for (const auto& [question, who] : delegated_) asked.emplace_back(question, who.caller);
    delegated_.clear();
    unsent.swap(kept_);
  }
  out_.close();
  kept_count_.store(0, std::memory_order_relaxed);
  std::sort(touched.begin(), touched.end());
  std::sort(asked.begin(), asked.end());
  runtime& rt = home_.runtime();
  for (const auto& [question, caller] : asked)
    rt.fail_call(rt.this_env(), channel_, caller, question, "noconnection"_atom);
  give_room();
  return touched;
}

void connection::give_up(const std::vector<kept>& unsent) noexcept {
  for (const kept& k : unsent) {
    // Who has asked from a third node waits for us alone.
    if (k.e->kind == envelope_kind::request && static_cast<request_envelope&>(*k.e).remote != nullptr)
      home_.runtime().bounce(home_.runtime().this_env(), k.to.process(), k.e, "noconnection"_atom);
    else
      drop_silently(k.e);
  }
}

bool connection::ask_for_room(const pid& process) noexcept {
  {
    const std::lock_guard guard(lock_);
    if (stage_.load(std::memory_order_relaxed) == stage::down) return false;
    room_wanted_.push_back(process);
  }
  // While it is pending, open() or shut() says so.
  if (out_.ask_for_room() || kept_count_.load(std::memory_order_relaxed) > most_kept) return true;
  give_room();  // there is room now: nobody else would say so
  return true;
}

void connection::give_room() noexcept {
  std::vector<pid> waiting;
  {
    const std::lock_guard guard(lock_);
    waiting.swap(room_wanted_);
  }
  auto& rt = home_.runtime();
  for (const pid& process : waiting) rt.deliver(rt.this_env(), 0, process, make_number(envelope_kind::room, id_));
}

}  // namespace troupe::detail
