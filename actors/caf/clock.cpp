// SPDX-License-Identifier: BSL-1.0
// CAF's clock on troupe's timers.
#include <troupe/actors/caf/clock.hpp>

#include <utility>
#include <vector>

namespace troupe::bridge::detail {

// What these replace or take out belongs to `self`, which the caller holds: no actor, and nothing of the user's, is
// destroyed under the lock.

void actor_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                       std::uint64_t id) {
  const std::lock_guard guard(lock_);
  super::set_ordinary_timeout(t, self, type, id);
  look_at_first();
}

void actor_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  const std::lock_guard guard(lock_);
  super::set_multi_timeout(t, self, type, id);
  look_at_first();
}

void actor_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  const std::lock_guard guard(lock_);
  super::set_request_timeout(t, self, id);
  look_at_first();
}

void actor_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  const std::lock_guard guard(lock_);
  super::cancel_ordinary_timeout(self, type);
}

void actor_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  const std::lock_guard guard(lock_);
  super::cancel_request_timeout(self, id);
}

void actor_clock::cancel_timeouts(caf::abstract_actor* self) {
  const std::lock_guard guard(lock_);
  super::cancel_timeouts(self);
}

void actor_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) {
  const std::lock_guard guard(lock_);
  super::schedule_message(t, std::move(receiver), std::move(content));
  look_at_first();
}

void actor_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                   caf::message content) {
  const std::lock_guard guard(lock_);
  super::schedule_message(t, std::move(target), std::move(sender), std::move(content));
  look_at_first();
}

void actor_clock::cancel_all() {
  schedule_map gone;  // destroyed after the lock: the messages and perhaps the actors are the user's
  const std::lock_guard guard(lock_);
  actor_lookup_.clear();
  gone.swap(schedule_);
}

void actor_clock::close() {
  {
    const std::lock_guard guard(lock_);
    closed_ = true;
  }
  cancel_all();
}

void actor_clock::look_at_first() {
  if (closed_ || schedule_.empty() || schedule_.begin()->first >= alarm_) return;
  const bool armed = std::exchange(alarm_, schedule_.begin()->first) != time_point::max();
  set_alarm(alarm_, armed);
}

void actor_clock::expire() {
  std::vector<unique_delayed_event_ptr> due;
  {
    const std::lock_guard guard(lock_);
    alarm_ = time_point::max();
    const time_point t = now();
    auto first = schedule_.begin();
    for (; first != schedule_.end() && first->first <= t; first = schedule_.erase(first)) {
      if (first->second->backlink != actor_lookup_.end()) actor_lookup_.erase(first->second->backlink);
      due.push_back(std::move(first->second));
    }
    look_at_first();
  }
  for (const auto& one : due) ship(*one);
}

}  // namespace troupe::bridge::detail
