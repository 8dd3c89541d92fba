// SPDX-License-Identifier: BSL-1.0
// CAF's clock: delayed messages and the timeouts of CAF actors, which go by troupe's timers. Internal.
#pragma once

#include <caf/abstract_actor.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/detail/simple_actor_clock.hpp>

#include <cstdint>
#include <mutex>

namespace troupe::bridge::detail {

/// A caf::actor_clock that any thread may use, and that has no thread of its own: it says through set_alarm when it
/// wants expire() to be called next. Arming and cancelling are a lock and a look into CAF's own table; CAF's stock
/// clock sends its thread a message for each, through a queue of 64.
class actor_clock : public caf::detail::simple_actor_clock {
 public:
  // --- caf::actor_clock: any thread ---------------------------------------------------------------------------------

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override;
  void cancel_all() override;

  // --- for who owns it ----------------------------------------------------------------------------------------------

  /// The alarm has rung: sends what is due by now, and sets it for what is not. One thread at a time.
  void expire();
  /// Forgets what waits, and sets no alarm any more.
  void close();

 protected:
  /// expire() is to be called at that time. `armed`: it was to be called later, which no longer counts, unless the
  /// alarm has rung already and it is about to be called. Called with the lock held.
  virtual void set_alarm(time_point t, bool armed) = 0;

 private:
  using super = caf::detail::simple_actor_clock;

  /// Under lock_: the alarm, when what comes first comes earlier than it.
  void look_at_first();

  std::mutex lock_;  // of the tables of simple_actor_clock. Nothing that is the user's runs under it
  time_point alarm_ = time_point::max();  // under lock_: as all here
  bool closed_ = false;
};

}  // namespace troupe::bridge::detail
