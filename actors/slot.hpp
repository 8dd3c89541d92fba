// SPDX-License-Identifier: BSL-1.0
// The process control block: all that the runtime keeps of one process. Internal; users see it as `context`.
#pragma once

#include <troupe/actors/clock.hpp>
#include <troupe/actors/runnable.hpp>
#include <troupe/mailbox/inbox.hpp>
#include <troupe/mailbox/mailbox.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <source_location>
#include <string>

namespace troupe {
class context;
}

namespace troupe::detail {

class runtime;
class executor;
class gate;
struct slot;
struct slot_extra;

/// What a suspended process waits for. Lies in the awaiter, so in a frame; only the owner's run loop touches it.
struct waiter {
  /// How such a wait is looked at; constant, so that a wait costs one pointer.
  struct functions {
    // Has it come? Called after each drain; may not throw.
    bool (*poll)(waiter&, slot&);
    // The deadline has passed and poll said no. False: go on until the new deadline.
    bool (*expire)(waiter&, slot&);
    // What it waits for, for reports.
    std::string (*describe)(const waiter&);
    // Messages that it may remember have left the inbox. Null: it remembers none.
    void (*restart)(waiter&) = nullptr;
  };
  const functions* how = nullptr;
  bool looked = false;                      // poll would say no: nothing has come since
  duration patience = duration::max();      // from the first parking on; max: for ever
  time_point deadline = time_point::max();  // set at the first parking, or beforehand
};

/// An answer that is awaited. Lies in the question that waits for it, which takes it out of the slot's list again.
struct open_question {
  std::uint64_t number = 0;      // of the reference
  envelope* answer = nullptr;    // reply, failure or spawn_reply; owned
  std::uint64_t connection = 0;  // by which it was asked; 0: on this node
  gate* at = nullptr;            // where its request may still wait for room
  std::uint64_t ticket = 0;      // of that wait
};

constexpr duration for_ever = duration::max();

/// Slots live in chunks that are never unmapped while the system lives, so a stale pid always finds one. The members
/// before `next`, and `kind`, may be read by any thread at any time; all others belong to whoever runs the process (one
/// worker at a time: the hand-over goes through the mailbox head and the run queue, which order everything).
///
/// Two cache lines, no more: a send touches the first alone, a run both. When it was 160 bytes that lay anyhow, a run
/// touched three.
struct alignas(64) slot : runnable {
  // These lie in what is left of runnable's last word.
  std::atomic<bool> named{false};  // the registry may know it: any thread sets, the owner looks at its end
  bool simulated = false;          // constant: the scheduler delivers
  bool crowded = false;            // only the owner: the last message found no room, extra->crowd knows where
  std::uint32_t id = 0;            // constant
  mailbox<envelope> box;           // any thread pushes, the owner takes
  // The owner stores it when the slot is recycled. A sender's pid carries its own.
  std::atomic<std::uint32_t> serial{0};
  // Of its bounded mailbox, for good once it has one; 0: it never had. Its spawner stores it (release), senders read it
  // (acquire): one with a stale pid knows of the gate by nothing else. The owner reads it relaxed.
  std::atomic<std::uint32_t> gate_index{0};
  runtime* rt = nullptr;  // constant
  // Written by the owner, read for reports by anybody: of the co_await it waits in, and of its initial function.
  // relaxed: nothing depends on them.
  std::atomic<std::source_location> where{};
  std::atomic<std::source_location> function{};

  // Only the owner from here on.
  std::coroutine_handle<> next;  // the innermost coroutine: what to resume
  waiter* waiting = nullptr;
  inbox messages;
  // Messages and answers taken; extra->handled_before counts on where it started anew. One count serves for the budget
  // as well: this run ends when it has come to `until`.
  std::uint32_t handled = 0;
  std::uint32_t until = 0;
  bool timed_out = false;      // the timeout of this wait has come in
  bool parked_before = false;  // the deadline of this wait is set
  bool yielding = false;
  bool exit_pending : 1 = false;  // extra->reason is why
  bool finished : 1 = false;      // the coroutine has reached its end
  bool ending : 1 = false;        // terminate() has begun
  bool unwound : 1 = false;       // extra->unwound is not empty
  bool trap_exit : 1 = false;
  bool reshuffled : 1 = false;    // messages that a receive may remember have left the inbox
  bool long_noted : 1 = false;    // the system's monitor has been told of its long mailbox
  bool large_noted : 1 = false;   // and of its memory
  std::uint32_t references = 0;   // made so far, the lower half: see references_made
  std::coroutine_handle<> frame;  // the process's own coroutine
  slot_extra* extra = nullptr;    // links, monitors, names ...: most processes have none

  bool is_leaving() const noexcept { return (static_cast<unsigned>(exit_pending) | finished) != 0; }
  /// Has this run used its budget?
  bool is_spent() const noexcept { return static_cast<std::int32_t>(until - handled) <= 0; }
  /// Takes one from the budget, for something else than a message. Is some left?
  bool spend() noexcept {
    --until;
    return !is_spent();
  }

  pid self() const noexcept;
  slot_extra& more();  // extra, made when missing

  /// A reference that no other of this node equals: Erlang's make_ref(). It names its maker, so that aliases need no
  /// table.
  reference make_reference() noexcept;
  std::uint64_t references_made() const noexcept;

  /// Takes what the mailbox holds: signals act, messages go to the inbox. Only the owner.
  void drain();
  [[gnu::noinline]] void drain_watched(envelope* first);  // traced, watched or bounded
  [[gnu::noinline]] void sort_in(envelope* first);        // whatever they are

  /// A message that has a place in this bounded mailbox has left the inbox: the place is the next one's.
  void place_free(envelope& e) noexcept;

  /// Tells the run loop to wait for `w` and to resume `h` then.
  void suspend(waiter& w, std::coroutine_handle<> h) noexcept {
    next = h;
    waiting = &w;
    timed_out = false;
    parked_before = false;
  }
};

/// The executor of this thread, null on ordinary threads. Out of line: no thread_local may be cached over a suspension.
executor* current_executor() noexcept;
void set_current_executor(executor* e) noexcept;

static_assert(sizeof(slot) == 128 || sizeof(void*) != 8);

/// Runs the process until it waits, ends or has used its budget of messages. The caller owns it, and it is one
/// (runnable_kind::process). After idle and ended the caller may not touch it again.
run_result run(slot& s, executor& env, std::int32_t budget);
/// The same for what is no process, or none any more.
run_result run_other(runnable& r, executor& env);

}  // namespace troupe::detail
