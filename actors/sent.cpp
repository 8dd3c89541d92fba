// SPDX-License-Identifier: BSL-1.0
// Waiting for room: in a bounded mailbox, in a connection.
#include <troupe/actors/exit.hpp>
#include <troupe/actors/gate.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/sent.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <exception>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

gate& gate_at(slot& s, const pid& to) {
  return s.rt->gates().at(s.rt->table().find(to.id())->gate_index.load(std::memory_order_acquire));
}

/// Takes the message out of the gate when it is still there.
void withdraw(slot& s, crowded_send& c) noexcept {
  if (!c.queued || c.there) return;
  c.queued = false;
  if (envelope* e = gate_at(s, c.to).leave(c.ticket))
    c.e = e;
  else
    c.there = true;  // it went in, and the news of that is under way
}

}  // namespace

crowded_send::~crowded_send() {
  if (e != nullptr) free_envelope(e);
}

crowded_send* take_crowded(slot& s) noexcept {
  s.crowded = false;
  return s.extra->crowd.release();
}

void await_room(slot& s, crowded_send& c, duration patience, std::coroutine_handle<> h) {
  c.looked = false;
  static constexpr waiter::functions mine = {
      .poll = [](waiter& w, slot&) { return static_cast<crowded_send&>(w).there; },
      .expire =
          [](waiter& w, slot& owner) {
            withdraw(owner, static_cast<crowded_send&>(w));
            return true;
          },
      .describe = [](const waiter& w) { return static_cast<const crowded_send&>(w).to_string(); }};
  c.how = &mine;
  c.patience = patience;
  c.deadline = time_point::max();
  s.more().room = &c;
  if (c.e == nullptr) {
    router* r = s.rt->router();
    if (r == nullptr || !r->wait_for_room(c.ticket, s.self())) c.there = true;
  } else if (c.to == s.self()) {
    c.there = true;  // it would wait for itself: see end_room_wait
  } else {
    c.ticket = s.rt->gates().make_ticket();
    const auto outcome = gate_at(s, c.to).wait(c.e, c.to.serial(), s.self(), c.ticket, true);
    envelope* e = std::exchange(c.e, nullptr);
    if (outcome == gate::outcome::passed) {
      c.there = true;
      s.rt->deliver_admitted(s.env, s.id, c.to, e);
    } else {
      c.queued = true;
    }
  }
  s.suspend(c, h);
}

void end_room_wait(slot& s, crowded_send* c) {
  const std::unique_ptr<crowded_send> owned(c);
  s.extra->room = nullptr;
  if (c->e != nullptr && c->to == s.self()) throw mailbox_full(c->to);
  if (!c->there) throw call_failed("timeout"_atom, c->to, "send");
}

void give_up_send(slot& s, crowded_send* c) {
  const std::unique_ptr<crowded_send> owned(c);
  if (s.extra != nullptr && s.extra->room == c) {  // the frame that waits is destroyed
    s.extra->room = nullptr;
    withdraw(s, *c);
    return;
  }
  if (c->e == nullptr) return;
  if (s.ending || std::uncaught_exceptions() > 0) return;
  throw mailbox_full(c->to);
}

std::string crowded_send::to_string() const {
  if (!queued) return "send: room in a connection";
  return "send of " + std::string(what->name) + ": room in the mailbox of " + to.to_string();
}

}  // namespace troupe::detail
