// SPDX-License-Identifier: BSL-1.0
// Bounded mailboxes at work.
#include <troupe/actors/bounded.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <memory>
#include <string>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

constexpr std::size_t most_messages = std::size_t{1} << 30;

/// A message that had no room, or lost it.
void drop(runtime& rt, executor* env, const pid& to, gate& g, envelope* e) noexcept {
  g.count_dropped();
  if (e->kind == envelope_kind::request)
    rt.fail_request(env, to.id(), static_cast<request_envelope&>(*e), "mailbox_full"_atom);
  free_envelope(e);
}

}  // namespace

void bound(slot& s, const mailbox_limit& limit) {
  if (limit.messages > most_messages)
    throw usage_error("troupe: a mailbox cannot be limited to " + std::to_string(limit.messages) +
                      " messages: at most " + std::to_string(most_messages));
  gate_table& gates = s.rt->gates();
  std::uint32_t index = s.gate_index.load(std::memory_order_relaxed);
  if (index == 0) index = gates.add();
  gates.at(index).open(s.serial.load(std::memory_order_relaxed), limit);
  s.gate_index.store(index, std::memory_order_release);  // see slot
}

bool admit(runtime& rt, executor* env, slot& target, const pid& to, envelope* e, when_full mode) noexcept {
  if (!takes_place(e->kind) || e->counted) return true;
  gate& g = rt.gates().at(target.gate_index.load(std::memory_order_acquire));
  if (g.enter(*e, to.serial()) == gate::outcome::passed) return true;
  if (g.policy() != overflow::wait || mode == when_full::drop || env == nullptr || env->current == nullptr) {
    drop(rt, env, to, g, e);
    return false;
  }
  slot& sender = *env->current;
  if (mode == when_full::queue) {
    open_question& asked = *sender.extra->questions.back();
    asked.ticket = rt.gates().make_ticket();
    if (g.wait(e, to.serial(), sender.self(), asked.ticket, false) == gate::outcome::passed) return true;
    asked.at = &g;
    return false;
  }
  auto crowd = std::make_unique<crowded_send>();
  crowd->e = e;
  crowd->what = e->type;
  crowd->to = to;
  sender.more().crowd = std::move(crowd);
  sender.crowded = true;
  return false;
}

void withdraw(open_question& q) noexcept {
  // An answer says that the request has left the gate.
  gate* g = std::exchange(q.at, nullptr);
  envelope* e = g == nullptr || q.answer != nullptr ? nullptr : g->leave(q.ticket);
  if (e == nullptr) return;
  static_cast<request_envelope*>(e)->home = nullptr;  // its caller knows
  free_envelope(e);  // not under the gate's lock: the payload's destructor may do what it likes
}

bool is_refused(runtime& rt, const pid& to, envelope& e) noexcept {
  const slot* target = rt.is_local(to) ? rt.table().find(to.id()) : nullptr;
  const std::uint32_t index = target == nullptr ? 0 : target->gate_index.load(std::memory_order_acquire);
  if (index == 0 || !takes_place(e.kind)) return false;
  gate& g = rt.gates().at(index);
  return g.policy() == overflow::wait && g.enter(e, to.serial()) == gate::outcome::full;
}

gate* gate_of(const slot& s) noexcept {
  const std::uint32_t index = s.gate_index.load(std::memory_order_relaxed);
  if (index == 0) return nullptr;
  gate& g = s.rt->gates().at(index);
  return g.is(s.serial.load(std::memory_order_relaxed)) ? &g : nullptr;
}

void slot::place_free(envelope& e) noexcept {
  e.counted = false;
  gate& g = rt->gates().at(gate_index.load(std::memory_order_relaxed));
  if (!g.give()) return;
  for (gate::entry let = g.let_in(); let.e != nullptr; let = g.let_in()) {
    // Through the mailbox, behind what its sender sent before.
    rt->deliver_admitted(env, let.sender.id(), self(), let.e);
    if (let.notify) rt->deliver(*this, let.sender, make_number(envelope_kind::room, let.ticket));
  }
}

void keep_limit(slot& s) noexcept {
  gate* g = gate_of(s);
  if (g == nullptr || g->left() >= 0) return;
  if (g->policy() == overflow::end_receiver) {
    if (s.exit_pending || s.finished) return;
    s.more().reason = "mailbox_full"_atom;
    s.exit_pending = true;
    return;
  }
  while (g->left() < 0) {
    inbox::position from;
    envelope* e = s.messages.find<inbox::everything>(from, [](const envelope& oldest) { return oldest.counted; });
    if (e == nullptr) return;  // those that are too many are still under way
    s.reshuffled = true;
    if (s.waiting != nullptr && s.waiting->how->restart != nullptr) s.waiting->how->restart(*s.waiting);
    g->give_up_place();
    drop(*s.rt, s.env, s.self(), *g, e);
  }
}

void close_gate(slot& s, const term& reason) noexcept {
  gate* g = gate_of(s);
  if (g == nullptr) return;
  for (const gate::entry& waiting : g->close()) {
    if (waiting.e->kind == envelope_kind::request)
      s.rt->fail_request(s.env, s.id, static_cast<request_envelope&>(*waiting.e), reason);
    free_envelope(waiting.e);
    if (waiting.notify) s.rt->deliver(s.env, s.id, waiting.sender, make_number(envelope_kind::room, waiting.ticket));
  }
}

}  // namespace troupe::detail
