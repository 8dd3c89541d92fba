// SPDX-License-Identifier: BSL-1.0
// What signals do to a process when it drains its mailbox.
#include <troupe/actors/bounded.hpp>
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

/// The open question with that reference, null when nobody waits (any more) for its answer.
open_question* question_of(slot& s, const reference& ref) {
  if (s.extra == nullptr || ref.node() != s.rt->node()) return nullptr;
  const std::uint64_t number = number_of(ref);
  auto& questions = s.extra->questions;
  const auto it = std::lower_bound(questions.begin(), questions.end(), number,
                                   [](const open_question* q, std::uint64_t n) { return q->number < n; });
  return it != questions.end() && (*it)->number == number && (*it)->answer == nullptr ? *it : nullptr;
}

void alias_message(slot& s, envelope* e);

void answered(slot& s, envelope* e) {
  if (open_question* q = question_of(s, static_cast<routed_envelope&>(*e).ref)) {
    q->answer = e;
    ++s.handled;
    return;
  }
  // Its time has passed: nobody waits any more. What another node sent may only look like an answer.
  if (e->kind == envelope_kind::reply && e->type == &descriptor_of<encoded_term>) {
    auto& payload = *static_cast<encoded_term*>(e->payload());
    if (payload.has_whole()) {
      payload.become_whole();
      if (payload.is_by_alias()) return alias_message(s, e);
      e->kind = envelope_kind::message;
      s.messages.append(e);
      return;
    }
  }
  free_envelope(e);
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
  if (e->counted) s.place_free(*e);
  free_envelope(e);
}

/// A question that ends without an answer.
void fail(open_question& q, const term& reason) {
  signal_envelope* failure = make_signal(envelope_kind::failure, pid());
  failure->reason = reason;
  q.answer = failure;
}

void monitored_ended(slot& s, const reference& ref, const pid& process, const term& reason) {
  if (s.extra == nullptr) return;
  const auto it = s.extra->watching.find(ref);
  if (it == s.extra->watching.end()) {
    // A call to another node monitors whom it asks, under the reference of the question.
    if (open_question* q = question_of(s, ref)) fail(*q, reason);
    return;
  }
  const monitor_end watched = it->second;
  s.extra->watching.erase(it);
  std::erase_if(s.extra->aliases,
                [&](const auto& a) { return a.second == alias_mode::reply && a.first == number_of(ref); });
  s.messages.append(
      make_envelope<envelope, down>(envelope_kind::message, ref, process, reason, watched.name, watched.node));
}

void connection_lost(slot& s, connection_id connection);

/// Something from another node hangs on that connection from now on: its loss shall be heard of. That is told by the
/// process itself, so that whatever comes for one that has ended leaves nothing behind. False: it is lost already.
bool use(slot& s, connection_id connection) {
  slot_extra& extra = s.more();
  if (std::find(extra.connections.begin(), extra.connections.end(), connection) != extra.connections.end()) return true;
  router* r = s.rt->router();
  if (r == nullptr || !r->touch(connection, s.self())) return false;
  extra.connections.push_back(connection);
  return true;
}

/// A process that was spawned on another node, or why there is none: links and monitors are there from now on.
void spawn_answered(slot& s, envelope* e) {
  auto& answer = static_cast<signal_envelope&>(*e);
  open_question* q = question_of(s, answer.ref);
  if (q == nullptr) {
    // Nobody waits any more. Erlang: spawn_request_abandon/1.
    if (answer.from && (answer.number & made_link) != 0) {
      signal_envelope* back = make_signal(envelope_kind::link_exit, s.self());
      back->reason = "abandoned"_atom;
      back->connection = answer.connection;
      s.rt->deliver(s, answer.from, back);
    }
    if (answer.from && (answer.number & made_monitor) != 0)
      stop_watching(s, answer.ref, {answer.from, atom(), atom(), answer.connection});
    free_envelope(e);
    return;
  }
  if (answer.from) {
    slot_extra& extra = s.more();
    if ((answer.number & made_link) != 0) {
      extra.links[answer.from] = {0, answer.connection};
    }
    if ((answer.number & made_monitor) != 0)
      extra.watching[answer.ref] = {answer.from, atom(), atom(), answer.connection};
    // Lost already: then it is as if that came now.
    if (answer.number != 0 && !use(s, answer.connection)) connection_lost(s, answer.connection);
  }
  q->answer = e;
}

/// Says what the process is doing.
void inquired(slot& s, envelope* e) {
  const envelope_ptr owned(e);
  auto& question = static_cast<request_envelope&>(*e);
  if (s.gate_index.load(std::memory_order_relaxed) != 0) keep_limit(s);  // of what came before it
  const process_state state = s.extra != nullptr && s.extra->blocking != nullptr ? process_state::blocking
                              : s.waiting != nullptr                             ? process_state::waiting
                              : s.next                                           ? process_state::runnable
                                                                                 : process_state::running;
  auto* reply = make_envelope<routed_envelope, process_info>(envelope_kind::reply, info_of(s, state));
  reply->ref = question.ref;
  question.home = nullptr;
  s.rt->deliver(s, question.from, reply);
}

}  // namespace

void stop_watching(slot& s, const reference& ref, const monitor_end& watched) {
  signal_envelope* e = make_signal(envelope_kind::demonitor, s.self());
  e->ref = ref;
  e->name = watched.name;
  e->connection = watched.connection;
  if (watched.connection != 0 && !watched.peer)
    s.rt->deliver_to(s, destination(watched.name, watched.node), e);
  else
    s.rt->deliver(s, watched.peer, e);
}

void act(slot& s, envelope* e) {
  runtime& rt = *s.rt;
  switch (e->kind) {
    case envelope_kind::message:
    case envelope_kind::request: s.messages.append(e); return;
    case envelope_kind::alias_message: alias_message(s, e); return;
    case envelope_kind::reply:
    case envelope_kind::failure: answered(s, e); return;
    case envelope_kind::spawn_reply: spawn_answered(s, e); return;
    case envelope_kind::inquiry: inquired(s, e); return;
    case envelope_kind::lost:
      connection_lost(s, static_cast<number_envelope*>(e)->number);
      free_envelope(e);
      return;
    case envelope_kind::room:
      if (s.extra != nullptr) s.extra->note_room(static_cast<number_envelope*>(e)->number);
      free_envelope(e);
      return;
    case envelope_kind::timeout:
      if (s.waiting != nullptr && s.extra != nullptr &&
          static_cast<std::uint32_t>(static_cast<number_envelope*>(e)->number) == s.extra->wait_number)
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
    case envelope_kind::link: {
      const bool is_there = signal.connection == 0 || use(s, signal.connection);
      const auto [it, fresh] = s.more().links.try_emplace(signal.from);
      if (is_there) {
        if (signal.connection != 0) it->second.connection = signal.connection;
      } else if (fresh) {
        s.extra->links.erase(it);
        exit_arrived(s, signal.from, "noconnection"_atom, true);
      }
      return;  // an inactive one stays so: OTP's protocol
    }
    case envelope_kind::unlink: {
      auto& links = s.more().links;
      if (const auto it = links.find(signal.from); it != links.end() && it->second.unlink_id == 0) links.erase(it);
      signal_envelope* ack = make_signal(envelope_kind::unlink_ack, s.self());
      ack->number = signal.number;
      ack->connection = signal.connection;
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
    case envelope_kind::monitor:
      if (signal.number == monitor_made_for_it && signal.connection == 0) {
        s.more().watching[signal.ref] = {signal.from, atom(), atom(), 0};
        return;
      }
      if (signal.connection != 0 && !use(s, signal.connection)) return;  // nobody is there to be told
      s.more().watched_by[signal.ref] = {signal.from, signal.name, atom(), signal.connection};
      return;
    case envelope_kind::demonitor:
      if (s.extra != nullptr) s.extra->watched_by.erase(signal.ref);
      return;
    case envelope_kind::down: monitored_ended(s, signal.ref, signal.from, signal.reason); return;
    case envelope_kind::group_leader: s.more().group_leader = signal.from; return;
    default: return;
  }
}

namespace {

/// The map's items by key. A hash table's own order would not be that of another run with the same seed.
template <class Map>
auto sorted(const Map& map) {
  std::vector<std::pair<typename Map::key_type, typename Map::mapped_type>> items(map.begin(), map.end());
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return items;
}

void connection_lost(slot& s, connection_id connection) {
  if (s.extra == nullptr) return;
  slot_extra& extra = *s.extra;
  std::erase(extra.connections, connection);
  const term reason = "noconnection"_atom;
  for (const auto& [peer, end] : sorted(extra.links)) {
    if (end.connection != connection) continue;
    extra.links.erase(peer);
    if (end.unlink_id == 0) exit_arrived(s, peer, reason, true);
  }
  for (const auto& [ref, watched] : sorted(extra.watching))
    if (watched.connection == connection) monitored_ended(s, ref, watched.peer, reason);
  boost::unordered::erase_if(extra.watched_by, [&](const auto& w) { return w.second.connection == connection; });
  for (open_question* q : extra.questions)
    if (q->connection == connection && q->answer == nullptr) fail(*q, reason);
  extra.note_room(connection);
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
    e->connection = end.connection;
    rt.deliver(s, peer, e);
  }
  extra.links.clear();
  for (const auto& [ref, watcher] : sorted(extra.watched_by)) {
    signal_envelope* e = make_signal(envelope_kind::down, self);
    e->ref = ref;
    e->name = watcher.name;
    e->reason = reason;
    e->connection = watcher.connection;
    rt.deliver(s, watcher.peer, e);
  }
  extra.watched_by.clear();
  for (const auto& [ref, watched] : sorted(extra.watching)) stop_watching(s, ref, watched);
  extra.watching.clear();
  if (router* r = rt.router())
    for (const connection_id connection : extra.connections) r->forget(connection, self);
}

}  // namespace troupe::detail
