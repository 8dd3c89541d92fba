// SPDX-License-Identifier: BSL-1.0
// The inside of an actor_system: delivery, spawning, names. Internal.
#pragma once

#include <troupe/actors/bounded.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/options.hpp>
#include <troupe/actors/process_info.hpp>
#include <troupe/actors/process_table.hpp>
#include <troupe/actors/registry.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/actors/system_monitor.hpp>
#include <troupe/actors/timers.hpp>
#include <troupe/actors/trace.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/node_id.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::detail {

/// Any thread may call everything here unless a comment says otherwise.
class runtime final : public request_home, public std::enable_shared_from_this<runtime> {
 public:
  explicit runtime(actor_system_options options);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  const actor_system_options& options() const noexcept { return options_; }
  node_index node() const noexcept { return node_; }
  std::uint32_t creation() const noexcept { return creation_; }
  scheduler& sched() noexcept { return *scheduler_; }
  clock& time() noexcept { return *clock_; }
  process_table& table() noexcept { return *table_; }
  registry& names() noexcept { return names_; }
  timer_service& timers() noexcept { return *timers_; }
  bool is_local(const pid& p) const noexcept { return p.node() == node_; }
  bool is_stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

  /// The one way into a mailbox: takes the envelope over. `env`: the calling thread's executor in this system, or null;
  /// `from`: the id of the slot that sends, 0 for others. A receiver that is gone answers as Erlang's would: see
  /// bounce().
  void deliver(executor* env, std::uint32_t from, const pid& to, envelope* e,
               when_full mode = when_full::drop) noexcept;
  void deliver(slot& sender, const pid& to, envelope* e, when_full mode = when_full::drop) noexcept {
    deliver(sender.env, sender.id, to, e, mode);
  }
  /// The same for what is traced, simulated, bounded, elsewhere or gone. A function of its own, which deliver() jumps
  /// to at its end: so deliver() saves no registers, and a message costs it 26 instructions instead of 47.
  [[gnu::noinline]] void deliver_rarely(executor* env, std::uint32_t from, const pid& to, envelope* e,
                                        when_full mode) noexcept;
  /// For one that has its place in a bounded mailbox, or needs none.
  void deliver_admitted(executor* env, std::uint32_t from, const pid& to, envelope* e) noexcept;
  /// The same for any destination. Gives the connection by which it leaves; 0: it stays here.
  connection_id deliver_to(executor* env, std::uint32_t from, const destination& to, envelope* e,
                           when_full mode = when_full::drop) noexcept;
  connection_id deliver_to(slot& sender, const destination& to, envelope* e,
                           when_full mode = when_full::drop) noexcept {
    return deliver_to(sender.env, sender.id, to, e, mode);
  }
  /// Puts the envelope into the mailbox now; the second half of deliver().
  void push(executor* env, slot& to, envelope* e) noexcept;
  /// The envelope's receiver does not exist: requests fail, links and monitors answer with the reason, all else is
  /// dropped.
  void bounce(executor* env, const pid& to, envelope* e, const term& reason) noexcept;
  /// Tells the caller of a request, once, that it gets no answer. The request stays who calls's.
  void fail_request(executor* env, std::uint32_t from, request_envelope& request, const term& reason) noexcept;
  void fail_call(executor* env, std::uint32_t from, const pid& caller, const reference& question,
                 const term& reason) noexcept;
  /// A request was destroyed unanswered: its caller gets the exit reason of the process that ends, or no_reply.
  void request_dropped(request_envelope& request) noexcept override;

  /// The process of this node that a name or an alias stands for now; null pid when there is none.
  pid resolve(const destination& to) const;
  /// Does it name a process of another node?
  bool is_remote(const destination& to) const noexcept;

  /// Who connects this node with others; null when nobody does. Set once, before processes know of other nodes; whoever
  /// sets it outlives stop().
  detail::router* router() const noexcept { return router_.load(std::memory_order_acquire); }
  void set_router(detail::router* r) noexcept { router_.store(r, std::memory_order_release); }

  /// Throws registration_error: see context::register_name.
  void register_name(atom name, const pid& process);
  void add_name(atom name, slot& s, const pid& process);
  pid whereis(atom name) const;

  /// A reference made by no process.
  reference make_reference() noexcept;

  /// A slot for a new process, or system_limit or usage_error (the system stops).
  slot& prepare(executor* env);
  gate_table& gates() noexcept { return gates_; }
  /// Gives a slot from prepare() back: the coroutine could not be made.
  void abandon(slot& s, executor* env) noexcept;
  /// The process may run from now on.
  void launch(slot& s, executor* env) noexcept;
  /// Counts an ended process and recycles its slot.
  void retire(slot& s, executor* env) noexcept;

  /// Is the process there? Someone who asks for another's life knows the past only. Erlang: is_process_alive/1.
  bool is_alive(const pid& p) const noexcept;
  std::size_t process_count() const noexcept;

  std::vector<pid> processes() const;
  system_info info() const;
  /// What anybody can see of a process that does not answer; nothing when it is gone.
  std::optional<troupe::process_info> seen_from_outside(const pid& process) const;

  /// Does anybody want that? Costs a load that is nearly always in the cache.
  bool hooked(std::uint32_t bits) const noexcept { return hooks(bits) != 0; }
  /// Which of these?
  std::uint32_t hooks(std::uint32_t bits) const noexcept { return hooks_.load(std::memory_order_relaxed) & bits; }
  void set_tracer(std::function<void(const trace_event&)> tracer, const trace_options& what);
  tracing& tracer() noexcept { return tracing_; }

  /// See actor_system::system_monitor.
  void set_monitor(const pid& receiver, const system_monitor_options& what);
  /// The owner has drained: are its mailbox and its memory worth a notice? Only the owner.
  void watch(slot& s) noexcept;
  /// A process has held its worker for so long. The watchdog.
  void note_long_schedule(const slot& s, duration time) noexcept;
  duration long_schedule() const noexcept { return duration(long_schedule_.load(std::memory_order_relaxed)); }

  /// Ends all processes, and stops the scheduler unless there are guests. Twice is once; not on a worker.
  void stop();

  /// A guest's jobs use the workers: these go on until the last guest has left, even when the system has stopped and
  /// its actor_system is gone; a guest shares the runtime for that. False: the system has stopped.
  bool enter_guest();
  /// None of its jobs is queued or runs. Not on a worker: the last one of a stopped system joins them.
  void leave_guest();

  void add_executor(executor& e) { executors_.push_back(&e); }
  /// This thread's executor in this system, or null.
  executor* this_env() noexcept {
    executor* e = current_executor();
    return e != nullptr && &e->rt() == this ? e : nullptr;
  }

 private:
  std::vector<stuck_process> stuck() const;
  void check_memory();
  void set_hooks(std::uint32_t mask, std::uint32_t bits) noexcept;

  actor_system_options options_;
  std::uint32_t creation_;
  node_index node_;
  // relaxed: what the bits stand for is looked at under a lock of its own. Beside what every send reads.
  std::atomic<std::uint32_t> hooks_{0};
  std::unique_ptr<scheduler> scheduler_;
  clock* clock_;
  std::unique_ptr<process_table> table_;
  registry names_;
  std::unique_ptr<timer_service> timers_;
  std::atomic<detail::router*> router_{nullptr};  // release: whoever sees it sees what it is made of
  std::vector<executor*> executors_;
  std::atomic<std::uint64_t> references_{1};
  std::atomic<std::uint64_t> spawned_outside_{0};
  std::atomic<std::uint64_t> ended_outside_{0};
  std::atomic<bool> stopping_{false};
  gate_table gates_;
  tracing tracing_;
  mutable std::mutex monitor_lock_;
  pid monitor_;                                 // under monitor_lock_
  system_monitor_options monitored_;            // under monitor_lock_
  std::atomic<std::int64_t> long_schedule_{0};  // of monitored_, in ns, for the watchdog
  std::atomic<std::int64_t> memory_checked_{
      0};                                 // when the program's memory was looked at last, in ns of a steady clock
  std::atomic<bool> memory_full_{false};  // and whether it was too much. relaxed: a hint, looked at again
  bool stopped_ = false;                  // only who destroys the system
  std::mutex guest_lock_;
  std::size_t guests_ = 0;         // under guest_lock_
  bool closed_to_guests_ = false;  // under guest_lock_: the processes have ended
};

/// "file:line" and a function's name without its types, for people.
std::string place_of(const std::source_location& where);
std::string function_of(const std::source_location& function);

}  // namespace troupe::detail
