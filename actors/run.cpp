// SPDX-License-Identifier: BSL-1.0
// The run loop: the one place that resumes and destroys the frames of processes, and how a process ends.
#include <troupe/actors/context.hpp>
#include <troupe/actors/crash.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/signals.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <algorithm>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {
thread_local executor* this_executor = nullptr;
}

executor* current_executor() noexcept {
  return this_executor;
}
void set_current_executor(executor* e) noexcept {
  this_executor = e;
}

pid slot::self() const noexcept {
  // relaxed: the serial changes only when the slot is recycled, by its owner.
  return pid(id, serial.load(std::memory_order_relaxed), rt->creation(), rt->node());
}

slot_extra& slot::more() {
  if (extra == nullptr) extra = new slot_extra;
  return *extra;
}

std::uint64_t slot::references_made() const noexcept {
  return references | (extra == nullptr ? 0 : std::uint64_t{extra->many_references} << 32);
}

reference slot::make_reference() noexcept {
  if (++references == 0) [[unlikely]]
    ++more().many_references;
  const std::uint64_t n = references_made();
  const std::uint32_t words[] = {static_cast<std::uint32_t>(n & 0x3ffff), static_cast<std::uint32_t>(n >> 18),
                                 static_cast<std::uint32_t>(n >> 50), id, serial.load(std::memory_order_relaxed)};
  return reference(words, rt->creation(), rt->node());
}

void slot::drain() {
  envelope* const first = box.take_all();
  // One question for everything that is rare.
  if ((rt->hooks(hook_receive | hook_watch) | gate_index.load(std::memory_order_relaxed)) != 0) [[unlikely]]
    return drain_watched(first);
  // Nearly always there are messages alone, and they go over as they hang together.
  const std::uint32_t mine = serial.load(std::memory_order_relaxed);
  std::uint32_t count = 0;
  envelope* last = nullptr;
  for (envelope* e = first; e != nullptr; last = e, e = e->next, ++count)
    if (e->serial != mine || e->kind > envelope_kind::request) [[unlikely]]
      return sort_in(first);
  if (count != 0) messages.append_all(*first, *last, count);
}

void slot::drain_watched(envelope* first) {
  if (rt->hooked(hook_receive)) trace_received(*this, first);
  sort_in(first);
  if (gate_index.load(std::memory_order_relaxed) != 0) keep_limit(*this);
  if (rt->hooked(hook_watch)) rt->watch(*this);
}

void slot::sort_in(envelope* e) {
  const std::uint32_t mine = serial.load(std::memory_order_relaxed);
  while (e != nullptr) {
    envelope* following = e->next;
    if (e->serial != mine) [[unlikely]]
      rt->bounce(env, pid(id, e->serial, rt->creation(), rt->node()), e, "noproc"_atom);
    else if (e->kind <= envelope_kind::request)
      messages.append(e);
    else
      act(*this, e);
    e = following;
  }
}

void process_threw(slot& s) noexcept {
  // Not while it is being destroyed: the reason is known then.
  if (s.ending) return;
  term reason = reason_of_current_exception();
  if (!s.exit_pending) {
    note_crash(s);
    s.more().reason = std::move(reason);
    s.exit_pending = true;
  }
}

namespace {

/// What waited in the mailbox and will not be read.
void refuse(slot& s, envelope* e, const term& reason) {
  if (is_question(e->kind)) s.rt->fail_request(s.env, s.id, static_cast<request_envelope&>(*e), reason);
  free_envelope(e);
}

/// Signals that came too late, in order: they are answered like those to a process that is gone, but not before those
/// who are linked have heard the reason (two that link with each other at once must not hear noproc instead).
class late_signals {
 public:
  static bool takes(envelope_kind kind) noexcept {
    return kind == envelope_kind::link || kind == envelope_kind::monitor || kind == envelope_kind::unlink;
  }
  void add(envelope* e) noexcept {
    e->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = e;
    last_ = e;
  }
  void bounce(slot& s) {
    for (envelope* e = first_; e != nullptr;) {
      envelope* following = e->next;
      s.rt->bounce(s.env, s.self(), e, "noproc"_atom);
      e = following;
    }
  }

 private:
  envelope* first_ = nullptr;
  envelope* last_ = nullptr;
};

void destroy_frame(slot& s) {
  if (s.frame) std::exchange(s.frame, nullptr).destroy();
  s.next = nullptr;
  s.waiting = nullptr;
  if (s.extra != nullptr) s.extra->callable.reset();
}

/// Whose requests an exception destroyed now hear whether the process ended by it.
void answer_unwound(slot& s) {
  // A behaviour that has failed runs its terminate first, and ends with the reason then.
  if (s.extra->terminating && !s.exit_pending && !s.finished) return;
  s.unwound = false;
  const term reason = s.exit_pending ? s.extra->reason : term("no_reply"_atom);
  for (const auto& [caller, question, remote] : std::exchange(s.extra->unwound, {})) {
    if (remote == nullptr) {
      s.rt->fail_call(s.env, s.id, caller, question, reason);
    } else if (router* r = s.rt->router()) {
      request_envelope request;
      request.from = caller;
      request.ref = question;
      request.remote = remote.get();
      r->refuse(s.env, s.id, request, reason);
    }
  }
}

/// The last step: nobody may touch the slot after it.
void recycle(slot& s) {
  runtime& rt = *s.rt;
  executor* env = s.env;
  delete std::exchange(s.extra, nullptr);
  s.kind.store(runnable_kind::process, std::memory_order_relaxed);  // the serial's release store publishes it
  s.env = nullptr;
  rt.retire(s, env);
}

/// Ends the process, in this order: the frame's destructors, the crash report, the name, the mailbox with its requests,
/// links, monitors, the slot. While blocking(f) is out the frame and the slot stay, everything else goes at once (OTP's
/// rule for dirty NIFs): returns false then.
bool terminate(slot& s) {
  s.ending = true;
  runtime& rt = *s.rt;
  const bool blocked = s.extra != nullptr && s.extra->blocking != nullptr;
  if (!blocked) destroy_frame(s);
  const term reason = s.exit_pending ? s.extra->reason : term("normal"_atom);
  slot_extra* extra = s.extra;
  envelope* early = nullptr;
  if (extra != nullptr && extra->crashed != nullptr && extra->crashed->report) [[unlikely]] {
    // While it still lives for all others: who has heard of its end finds the report written. proc_lib's order, too.
    early = s.box.take();
    report_crash(s, rt.names().name_of(s.self()), reason, early);
  }
  if (rt.hooked(hook_exit)) [[unlikely]]
    trace_ended(s, reason);
  if (s.named.load(std::memory_order_relaxed)) rt.names().remove(s.self());
  envelope* left = s.box.close();
  // seq_cst, both: whoever registers us in this moment stores `named`, then looks at the mailbox, so one of us sees the
  // other.
  if (s.named.load(std::memory_order_seq_cst)) rt.names().remove(s.self());
  if (early != nullptr) [[unlikely]] {
    envelope* last = early;
    while (last->next != nullptr) last = last->next;
    last->next = std::exchange(left, early);
  }
  bool still_out = blocked;
  late_signals late;
  if (s.gate_index.load(std::memory_order_relaxed) != 0) [[unlikely]]
    close_gate(s, reason);
  while (envelope* e = s.messages.pop()) refuse(s, e, reason);
  while (left != nullptr) {
    envelope* following = left->next;
    if (left->kind == envelope_kind::resume && left->serial == s.serial.load(std::memory_order_relaxed))
      still_out = false;
    if (left->serial != s.serial.load(std::memory_order_relaxed))
      rt.bounce(s.env, pid(s.id, left->serial, rt.creation(), rt.node()), left, "noproc"_atom);
    else if (late_signals::takes(left->kind))
      late.add(left);
    else
      refuse(s, left, reason);
    left = following;
  }
  if (s.unwound) answer_unwound(s);
  if (extra != nullptr) {
    announce_end(s, reason);
    rt.timers().forget(s);
    extra->timer.reset();
  }
  late.bounce(s);
  if (still_out) {
    extra->blocking->request_stop();
    // acq_rel: f's end finds the mailbox closed and does the same exchange; the second of the two does the rest. After
    // the first nothing here may be touched.
    if (s.kind.exchange(runnable_kind::waiting, std::memory_order_acq_rel) == runnable_kind::process) return false;
  }
  if (blocked) {
    extra->blocking.reset();
    destroy_frame(s);
  }
  recycle(s);
  return true;
}

}  // namespace

namespace {

/// After a run, however it ends.
struct after_run {
  executor& env;
  ~after_run() {
    env.current = nullptr;
    if (env.has_unflushed()) [[unlikely]]
      env.flush();
  }
};

}  // namespace

run_result run_other(runnable& r, executor& env) {
  const after_run guard{env};
  if (r.kind.load(std::memory_order_relaxed) == runnable_kind::job) {
    struct in_job {
      executor& env;
      explicit in_job(executor& e) noexcept : env(e) { env.in_job = true; }
      ~in_job() { env.in_job = false; }
    } const mark(env);
    return static_cast<foreign_job&>(r).run(env);
  }
  auto& s = static_cast<slot&>(r);  // f has returned, after terminate()
  s.env = &env;
  env.current = &s;
  s.extra->blocking.reset();
  destroy_frame(s);
  recycle(s);
  return run_result::ended;
}

run_result run(slot& s, executor& env, std::int32_t budget) {
  s.env = &env;
  env.current = &s;
  const after_run guard{env};
  if (static_cast<std::int32_t>(s.handled) < 0) [[unlikely]]
    s.more().handled_before += std::exchange(s.handled, 0);
  s.until = s.handled + static_cast<std::uint32_t>(budget);
  for (;;) {
    if (s.box.has_mail()) {
      s.drain();
      if (s.waiting != nullptr) s.waiting->looked = false;
    }
    if (s.is_leaving()) [[unlikely]] {
      terminate(s);
      return run_result::ended;
    }
    if (s.waiting != nullptr) {
      if (s.is_spent()) return run_result::again;
      waiter& w = *s.waiting;
      if (w.looked || !w.how->poll(w, s)) {
        w.looked = true;
        if (!s.parked_before) {
          s.parked_before = true;
          if (w.patience != for_ever || w.deadline != time_point::max()) {
            // A fresh clock: the run may have taken long since the wait began to be set up.
            const time_point now = s.rt->time().now();
            ++s.more().wait_number;
            if (w.patience != for_ever) w.deadline = later(now, w.patience);
            if (w.deadline <= now && w.how->expire(w, s)) {  // after(0s), sleep(0s): no timer
              s.spend();
              s.waiting = nullptr;
              goto resume;
            }
          }
        }
        if (w.deadline != time_point::max()) {
          if (s.timed_out) {
            s.timed_out = false;
            if (s.rt->time().now() >= w.deadline && w.how->expire(w, s)) {
              s.waiting = nullptr;
              s.rt->timers().disarm(s);
              goto resume;
            }
          }
          s.rt->timers().arm(s, w.deadline);
        }
        s.env = nullptr;
        if (s.box.block()) return run_result::idle;
        s.env = &env;
        s.spend();  // a flood of messages that it does not want must not keep the worker for ever
        continue;
      }
      if (s.parked_before && w.deadline != time_point::max()) s.rt->timers().disarm(s);
      s.waiting = nullptr;
    }
  resume:
    do {
      std::exchange(s.next, nullptr).resume();
    } while (s.next && s.waiting == nullptr && !s.yielding);
    if (s.unwound) [[unlikely]]
      answer_unwound(s);
    if (s.yielding) {
      s.yielding = false;
      if (!s.finished) return run_result::again;
    }
  }
}

}  // namespace troupe::detail
