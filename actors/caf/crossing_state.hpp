// SPDX-License-Identifier: BSL-1.0
// What the two sides of a crossing share: who stands for whom, and whether it is open. Internal.
#pragma once

#include <troupe/actors/caf/messages.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/runtime.hpp>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/fwd.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/weak_intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace troupe::bridge::detail {

class process_actor;
class crossing_state;

/// As an argument of a process: those may not be a shared_ptr to what can change. Everything that is shared here is
/// meant to be.
class state_ref {
 public:
  state_ref() noexcept = default;
  explicit state_ref(std::shared_ptr<crossing_state> state) noexcept : state_(std::move(state)) {}
  crossing_state* operator->() const noexcept { return state_.get(); }
  crossing_state& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  std::shared_ptr<crossing_state> state_;
};

/// A question of a troupe process that a CAF actor has been asked. Answered or failed once, by whoever comes first: the
/// actor's response, or its end. Any thread.
class open_call {
 public:
  explicit open_call(troupe::detail::request_envelope* request) noexcept : request_(request) {}
  open_call(const open_call&) = delete;
  open_call& operator=(const open_call&) = delete;
  ~open_call();
  /// The question, for the first who asks; then null.
  // acq_rel: hands the request over.
  troupe::detail::request_envelope* take() noexcept { return request_.exchange(nullptr, std::memory_order_acq_rel); }
  void fail(const term& reason) noexcept;

 private:
  std::atomic<troupe::detail::request_envelope*> request_;
};

/// What the keeper shall do.
struct keeper_order {
  pid watch;                        // watch that process of another node
  caf::strong_actor_ptr actor;      // or see to it that the actor has a pid,
  caf::strong_actor_ptr linked_to;  // and tell this process_actor, which it has linked itself to,
  pid exit;                         // or give this process an exit signal from it
  term reason;
};

/// What a CAF actor sends to a process, on its way through the actor's stand-in, which keeps it in order. Destroyed on
/// the way, because the stand-in has just ended, it arrives all the same.
class carry {
 public:
  enum class kind : std::uint8_t { message, request, exit, ended };

  kind what = kind::message;
  pid to;
  pid by;                                // exit: from whom
  troupe::detail::envelope_ptr content;  // message, request
  term reason;                           // exit, ended
  // request: who wants the answer
  caf::strong_actor_ptr sender;
  caf::message_id mid;
  caf::mailbox_element::forwarding_stack stages;
  state_ref state;

  carry() = default;
  carry(carry&&) noexcept = default;
  carry& operator=(carry&&) = delete;
  ~carry();
};

/// Answers a request of CAF's: to its sender, or to the next stage of a composed actor.
void respond(const caf::strong_actor_ptr& from, caf::strong_actor_ptr to, caf::message_id mid,
             caf::mailbox_element::forwarding_stack stages, caf::message answer);
/// The same with an error.
void respond(const caf::strong_actor_ptr& from, const caf::strong_actor_ptr& to, caf::message_id mid,
             const caf::error& problem);

/// One crossing. Any thread, unless a comment says otherwise. Nothing is held while code of others runs: `lock_` is
/// taken for the look at a table alone, and references that may be the last are dropped after it.
class crossing_state final : public identities, public std::enable_shared_from_this<crossing_state> {
 public:
  crossing_state(caf::actor_system& system, troupe::detail::runtime& rt);

  /// Must be called once, by who made it; starts the keeper.
  void open();
  /// Nothing crosses any more: waits until its processes have ended; its CAF actors end with `reason`. Not on a worker.
  void close(const caf::error& reason);
  /// The actor_system of troupe stops: its keeper is gone. On one of its threads.
  void troupe_stops() noexcept;

  /// While one exists, both systems are there. Cheap: an increment.
  class passage {
   public:
    explicit passage(crossing_state& s) noexcept;
    ~passage();
    passage(const passage&) = delete;
    passage& operator=(const passage&) = delete;
    explicit operator bool() const noexcept { return open_; }

   private:
    crossing_state& state_;
    bool open_;
  };

  caf::actor_system& system() const noexcept { return system_; }
  troupe::detail::runtime& rt() const noexcept { return rt_; }
  translator& words() noexcept { return translator_; }

  /// The pid of an actor; its stand-in is made when there is none. `hold`: the actor shall live until it ends.
  pid pid_of(const caf::strong_actor_ptr& actor, bool hold);
  pid pid_of(const caf::strong_actor_ptr& actor) override { return pid_of(actor, false); }
  /// The same when it has one or is a process's; else the null pid.
  pid known_pid_of(const caf::strong_actor_ptr& actor) noexcept;
  /// Has the keeper do that. Unlike the others from inside of CAF's locks, too.
  void order_keeper(keeper_order order) noexcept;
  /// The actor of a process, made when there is none.
  caf::actor actor_of(const pid& process) override;
  /// A process_actor for that pid, even when it is an actor's own.
  caf::strong_actor_ptr process_actor_of(const pid& process);

  /// Sends it through the stand-in of that actor.
  void send_through(const pid& stand_in, carry what);
  /// Carries it out here and now, as if it came from nobody in particular.
  void carry_out(carry& what) noexcept;
  /// Puts an envelope into a mailbox of troupe's. Inside a passage.
  void deliver(const pid& to, troupe::detail::envelope* e);

  /// The stand-in has ended: nobody stands for that actor, until asked.
  void forget_actor(const caf::actor_control_block* key, const pid& stand_in) noexcept;
  /// A process has ended: so does its actor.
  void process_ended(const pid& process, const term& reason);

  /// Processes of the crossing that live: see close.
  void process_began() noexcept;
  void process_gone() noexcept;
  /// Is it closed, or about to be?
  bool is_closed() const noexcept { return (passages_.load(std::memory_order_acquire) & closed_bit) != 0; }

 private:
  static constexpr std::uint32_t closed_bit = 0x80000000U;

  struct stand_in {
    pid process;
    caf::weak_actor_ptr actor;   // keeps its address from being another's
    caf::strong_actor_ptr hold;  // null: it may go when CAF no longer needs it
  };

  void watch(const pid& process);
  void leave() noexcept;
  /// No passage from now on, and none is left. False: somebody else has done it.
  bool shut() noexcept;
  void end_actors(const caf::error& reason);

  caf::actor_system& system_;
  troupe::detail::runtime& rt_;
  translator translator_;
  std::atomic<std::uint32_t> passages_{0};  // those inside, and closed_bit
  std::mutex lock_;
  std::unordered_map<const caf::actor_control_block*, stand_in> actors_;
  std::unordered_map<pid, const caf::actor_control_block*> stand_ins_;
  std::unordered_map<pid, caf::strong_actor_ptr> processes_;
  pid keeper_;
  std::atomic<bool> troupe_gone_{false};
  std::atomic<std::uint32_t> living_{0};  // processes, and one for open .. close
  troupe::detail::latch all_gone_;
};

}  // namespace troupe::bridge::detail
