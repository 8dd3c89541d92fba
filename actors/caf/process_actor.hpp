// SPDX-License-Identifier: BSL-1.0
// The CAF actor that stands for a process. Internal; users have it as a caf::actor.
#pragma once

#include <troupe/actors/caf/crossing_state.hpp>

#include <caf/monitorable_actor.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace troupe::bridge::detail {

/// What it is sent, the process gets; the process's end is its own. It has no mailbox and runs nowhere: all happens on
/// the thread of who calls. Any thread.
class process_actor final : public caf::monitorable_actor {
 public:
  process_actor(caf::actor_config& config, std::shared_ptr<crossing_state> state, const pid& process);
  ~process_actor() override;

  using caf::monitorable_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override;
  const char* name() const override;
  bool add_backlink(caf::abstract_actor* other) override;
  bool remove_backlink(caf::abstract_actor* other) override;

  const pid& process() const noexcept { return process_; }

  /// The process has asked a CAF actor: the id of the request whose response is the answer. An id of 0 when the process
  /// has ended.
  caf::message_id add_call(std::shared_ptr<open_call> call);
  /// Null when it has been answered.
  std::shared_ptr<open_call> take_call(caf::message_id response) noexcept;
  /// That actor has linked itself to the process, and this is its pid.
  void note_link(const caf::strong_actor_ptr& actor, const pid& process);
  /// The process has ended, or its crossing is closed.
  void end(const caf::error& reason);

 private:
  void responded(caf::message_id mid, caf::message answer);
  void arrived(caf::mailbox_element& what, caf::message content);
  void exit_arrived(const caf::strong_actor_ptr& sender, const caf::exit_msg& signal);
  void down_arrived(const caf::down_msg& signal);
  void hand_on(process_actor& caller, caf::message_id mid, troupe::detail::envelope_ptr content);
  /// The pid of that linked actor, which is not linked any more; the null pid when it was not.
  pid take_link(const caf::actor_control_block* actor) noexcept;

  const std::shared_ptr<crossing_state> state_;
  const pid process_;

  std::mutex lock_;                                                      // of all that follows
  std::unordered_map<std::uint64_t, std::shared_ptr<open_call>> calls_;  // by the number of the request
  std::unordered_map<const caf::actor_control_block*, pid> links_;       // until that actor ends or unlinks
  std::uint64_t last_request_ = 0;
  bool ended_ = false;
};

/// Null when it is another kind of actor.
process_actor* as_process_actor(const caf::strong_actor_ptr& actor) noexcept;

}  // namespace troupe::bridge::detail
