// SPDX-License-Identifier: BSL-1.0
// What signals do to a process when it drains its mailbox.
#include <troupe/actors/context.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/signals.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <algorithm>

namespace troupe::detail {

using namespace literals;

namespace {

/// The number that slot::make_reference() put into the words.
std::uint64_t number_of(const reference& ref) {
  const auto words = ref.words();
  return words.size() < 3 ? 0 : std::uint64_t{words[0]} | std::uint64_t{words[1]} << 18 | std::uint64_t{words[2]} << 50;
}

void begin_exit(slot& s, term reason) {
  if (s.exit_pending || s.finished) return;  // the first one wins, and one that has returned has ended normally
  s.more().reason = std::move(reason);
  s.exit_pending = true;
}

/// An exit signal that arrived: from a link that broke, or sent by exit(Pid, Reason).
void exit_arrived(slot& s, const pid& from, const term& reason, bool by_link) {
  if (!by_link && reason == term("kill"_atom)) {
    begin_exit(s, "killed"_atom);
    return;
  }
  if (s.trap_exit) {
    s.messages.append(make_envelope<envelope, exit_signal>(envelope_kind::message, from, reason));
    return;
  }
  // normal ends nobody, except a process that sends it to itself: that never comes here, see context::exit.
  if (reason != term("normal"_atom)) begin_exit(s, reason);
}

void answered(slot& s, envelope* e) {
  const std::uint64_t number = number_of(static_cast<routed_envelope&>(*e).ref);
  if (s.extra != nullptr) {
    auto& questions = s.extra->questions;
    const auto it = std::lower_bound(questions.begin(), questions.end(), number,
                                     [](const open_question* q, std::uint64_t n) { return q->number < n; });
    if (it != questions.end() && (*it)->number == number && (*it)->answer == nullptr) {
      (*it)->answer = e;
      return;
    }
  }
  free_envelope(e);  // its time has passed: nobody waits any more
}

void alias_message(slot& s, envelope* e) {
  const std::uint64_t number = number_of(static_cast<routed_envelope&>(*e).ref);
  if (s.extra != nullptr) {
    auto& aliases = s.extra->aliases;
    const auto it = std::find_if(aliases.begin(), aliases.end(), [&](const auto& a) { return a.first == number; });
    if (it != aliases.end()) {
      if (it->second == alias_mode::reply) aliases.erase(it);
      e->kind = envelope_kind::message;
      s.messages.append(e);
      return;
    }
  }
  free_envelope(e);
}

}  // namespace

void act(slot& s, envelope* e) {
  runtime& rt = *s.rt;
  switch (e->kind) {
    case envelope_kind::message:
    case envelope_kind::request: s.messages.append(e); return;
    case envelope_kind::alias_message: alias_message(s, e); return;
    case envelope_kind::reply:
    case envelope_kind::failure: answered(s, e); return;
    case envelope_kind::timeout:
      if (s.waiting != nullptr && static_cast<std::uint32_t>(static_cast<number_envelope*>(e)->number) == s.wait_number)
        s.timed_out = true;
      free_envelope(e);
      return;
    case envelope_kind::resume:
      if (s.extra != nullptr) s.extra->blocking.reset();  // its waiter sees that
      free_envelope(e);
      return;
    default: break;
  }

  const envelope_ptr owned(e);
  auto& signal = static_cast<signal_envelope&>(*e);
  switch (signal.kind) {
    case envelope_kind::exit: exit_arrived(s, signal.from, signal.reason, false); return;
    case envelope_kind::link:
      s.more().links.try_emplace(signal.from);
      return;  // an inactive one stays so: OTP's protocol
    case envelope_kind::unlink: {
      auto& links = s.more().links;
      if (const auto it = links.find(signal.from); it != links.end() && it->second.unlink_id == 0) links.erase(it);
      signal_envelope* ack = make_signal(envelope_kind::unlink_ack, s.self());
      ack->number = signal.number;
      rt.deliver(s, signal.from, ack);
      return;
    }
    case envelope_kind::unlink_ack: {
      auto& links = s.more().links;
      if (const auto it = links.find(signal.from); it != links.end() && it->second.unlink_id == signal.number)
        links.erase(it);
      return;
    }
    case envelope_kind::link_exit: {
      if (s.extra == nullptr) return;
      const auto it = s.extra->links.find(signal.from);
      if (it == s.extra->links.end() || it->second.unlink_id != 0) return;  // after unlink nothing arrives
      s.extra->links.erase(it);
      exit_arrived(s, signal.from, signal.reason, true);
      return;
    }
    case envelope_kind::monitor: s.more().watched_by[signal.ref] = {signal.from, signal.name}; return;
    case envelope_kind::demonitor:
      if (s.extra != nullptr) s.extra->watched_by.erase(signal.ref);
      return;
    case envelope_kind::down: {
      if (s.extra == nullptr) return;
      const auto it = s.extra->watching.find(signal.ref);
      if (it == s.extra->watching.end()) return;
      s.extra->watching.erase(it);
      std::erase_if(s.extra->aliases,
                    [&](const auto& a) { return a.second == alias_mode::reply && a.first == number_of(signal.ref); });
      s.messages.append(
          make_envelope<envelope, down>(envelope_kind::message, signal.ref, signal.from, signal.reason, signal.name));
      return;
    }
    default: return;
  }
}

namespace {

/// The map's items by key. A hash table's own order would not be that of another run with the same seed.
template <class Map>
auto sorted(Map& map) {
  std::vector<std::pair<typename Map::key_type, typename Map::mapped_type>> items(map.begin(), map.end());
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  map.clear();
  return items;
}

}  // namespace

void announce_end(slot& s, const term& reason) {
  runtime& rt = *s.rt;
  slot_extra& extra = *s.extra;
  const pid self = s.self();
  for (const auto& [peer, end] : sorted(extra.links)) {
    if (end.unlink_id != 0) continue;
    signal_envelope* e = make_signal(envelope_kind::link_exit, self);
    e->reason = reason;
    rt.deliver(s, peer, e);
  }
  for (const auto& [ref, watcher] : sorted(extra.watched_by)) {
    signal_envelope* e = make_signal(envelope_kind::down, self);
    e->ref = ref;
    e->name = watcher.name;
    e->reason = reason;
    rt.deliver(s, watcher.peer, e);
  }
  for (const auto& [ref, watched] : sorted(extra.watching)) {
    signal_envelope* e = make_signal(envelope_kind::demonitor, self);
    e->ref = ref;
    rt.deliver(s, watched.peer, e);
  }
}

}  // namespace troupe::detail
