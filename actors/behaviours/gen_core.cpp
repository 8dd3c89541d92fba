// SPDX-License-Identifier: BSL-1.0
// The life of a behaviour's process, and how one is started.
#include <troupe/actors/behaviours/gen_core.hpp>

#include <troupe/actors/behaviours/sys_debug.hpp>
#include <troupe/actors/crash.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <exception>
#include <span>
#include <utility>

namespace troupe {

using namespace literals;

start_failed::start_failed(std::string_view what, start_result result)
    : std::runtime_error("troupe: " + std::string(what) + " was not started: " + result.reason.to_string()),
      result_(std::move(result)) {}

namespace detail {

void behaviour_deleter::operator()(behaviour* b) const noexcept {
  delete b;
}

void throw_not_started(std::string_view name, start_result result) {
  if (result.what == start_result::outcome::ignored) result.reason = "ignore"_atom;
  throw start_failed(name, std::move(result));
}

std::vector<term> behaviour::status() {
  return {term::tuple({"data"_atom, term::list({term::tuple({charlist("State"), state()})})})};
}
step behaviour::code_change(const term&, const term&) {
  return {};
}

namespace {

/// What a new behaviour hears first; its answer is what becomes of the start.
struct start_demand {
  using reply = start_result;
};

thread_local gen_core* core_in_the_making = nullptr;

struct gen_pattern {
  const gen_core* core;
  int matches(const envelope& e) const noexcept { return core->takes(e) ? 0 : -1; }
  static std::string describe() { return "the next message of a behaviour"; }
  static std::span<const pattern_key> get() noexcept { return inbox::everything::get(); }
};

/// The next message, null when none came in time.
class next_message final : public selective_wait<gen_pattern> {
 public:
  next_message(gen_core& core, duration time)
      : selective_wait<gen_pattern>(slot_access::of(core.self), time, gen_pattern{&core}) {}
  envelope_ptr await_resume() noexcept { return take(); }
};

std::string shortened(std::string text) {
  constexpr std::size_t most = 1000;
  if (text.size() > most) text.replace(most, std::string::npos, "...");
  return text;
}

void log_termination(gen_core& core, const term& reason) noexcept {
  try {
    if (is_orderly(reason) || !slot_access::of(core.self).rt->options().log_crashes) return;
    std::string text = core.describe() + " terminating: " + shortened(reason.to_string());
    if (core.current)
      text += "\n  last message: " +
              shortened(core.current->type == nullptr ? "ok" : payload_to_term(*core.current).to_string());
    if (core.current && core.current->kind == envelope_kind::request)
      text += "\n  client: " + static_cast<const request_envelope&>(*core.current).from.to_string();
    text += "\n  state: " + shortened(core.body.state().to_string());
    core.self.log(log_level::error, "{}", text);
  } catch (...) {
    core.self.log(log_level::error, "a behaviour is terminating, and cannot say why");
  }
}

}  // namespace

gen_core::gen_core(context& s, behaviour& b, troupe::pid parent_, term ancestors_, const start_options& options)
    : self(s), body(b), parent(parent_ ? parent_ : s.pid()), ancestors(std::move(ancestors_)),
      registered(options.name.atom()), hibernate_after(options.hibernate_after) {
  slot_access::of(self).more().behaviour = this;
}

gen_core::~gen_core() {
  slot_access::of(self).more().behaviour = nullptr;
  if (held_reply_ != nullptr) free_envelope(held_reply_);
}

gen_core* gen_core::making() noexcept {
  return core_in_the_making;
}
gen_core::maker::maker(gen_core& core) noexcept : before_(std::exchange(core_in_the_making, &core)) {}
gen_core::maker::~maker() {
  core_in_the_making = before_;
}

bool gen_core::is_parents_exit(const envelope& e) const noexcept {
  return e.kind == envelope_kind::message && e.type == &descriptor_of<exit_signal> &&
         static_cast<const exit_signal*>(payload_of(e))->from == parent;
}

bool gen_core::takes(const envelope& e) const noexcept {
  return !suspended_ || (e.kind == envelope_kind::request && e.label == gen_label::system) || is_parents_exit(e);
}

void gen_core::answer(envelope_ptr request, envelope* reply) noexcept {
  if (debug_) [[unlikely]] {
    const auto& asked = static_cast<const request_envelope&>(*request);
    note(
        term::tuple({"out"_atom, reply == nullptr || reply->type == nullptr ? term("ok"_atom) : payload_to_term(*reply),
                     asked.from}));
  }
  if (stop_ && !held_request_) {
    held_request_ = std::move(request);
    held_reply_ = reply;
  } else {
    answer_request(static_cast<request_envelope&>(*request), reply);
  }
}

void gen_core::answer_held() noexcept {
  if (!held_request_) return;
  answer_request(static_cast<request_envelope&>(*held_request_), std::exchange(held_reply_, nullptr));
  held_request_.reset();
}

std::string gen_core::describe() const {
  std::string text = std::string(body.kind()) + " " + std::string(body.name());
  if (!registered.empty()) text += " (" + term(registered).to_string() + ")";
  return text;
}

/// It ends by an exception: for the crash report, which is made when this is gone.
void gen_core::leave_ancestors() const noexcept {
  try {
    auto& crashed = slot_access::of(self).more().crashed;
    if (crashed == nullptr) crashed = std::make_unique<crash>();
    const std::span<const term> all = ancestors.elements();
    crashed->ancestors.assign(all.begin(), all.end());
  } catch (...) {  // no memory: then without
  }
}

process run_behaviour(context& self, behaviour_ptr b, troupe::pid parent, term ancestors, start_options options) {
  gen_core core(self, *b, parent, std::move(ancestors), options);
  slot& s = slot_access::of(self);
  {
    auto start = co_await self.receive<request<start_demand>>();
    init_result made;
    std::exception_ptr error;
    term why;
    try {
      made = co_await b->init(core);
    } catch (...) {
      error = std::current_exception();
      why = reason_of_current_exception();
    }
    if (core.stop_ && !error && made.what() == init_result::kind::ok) made = init_stop{*core.stop_};
    if (error || made.what() != init_result::kind::ok) {
      // Before the answer, so that whoever starts it again does not find its name taken.
      if (!core.registered.empty()) self.unregister_name(core.registered);
      start_result answer;
      answer.what = made.what() == init_result::kind::ignored && !error ? start_result::outcome::ignored
                                                                        : start_result::outcome::failed;
      answer.reason = error ? why : made.reason();
      start.reply(std::move(answer));
      if (error || made.what() == init_result::kind::stop) core.leave_ancestors();
      if (error) std::rethrow_exception(error);
      if (made.what() == init_result::kind::stop) self.exit(made.reason());
      co_return;
    }
    start_result answer;
    answer.process = self.pid();
    start.reply(std::move(answer));
  }

  std::exception_ptr error;
  term reason;
  bool idle = false;  // hibernating, and nothing has come since
  try {
    while (!core.stop_) {
      step todo;
      if (b->has_next() && !core.suspended_) {
        // One that goes on and on must be killable, and leave the worker to others.
        if (!s.spend()) co_await self.yield();
        todo = b->next(core);
      } else {
        if (core.hibernate_) {
          core.hibernate_ = false;
          idle = true;
          s.messages.shrink();
          b->hibernate();
        }
        duration patience = core.suspended_ ? for_ever : b->patience();
        const bool hibernates_first = !idle && patience == for_ever && core.hibernate_after != for_ever;
        if (hibernates_first) patience = core.hibernate_after;
        next_message wait(core, patience);
        core.current = co_await wait;
        if (!core.current && hibernates_first) {
          core.hibernate_ = true;
          continue;
        }
        idle = false;
        if (!core.current) {
          todo = b->timed_out(core);
        } else if (core.current->label == gen_label::system && core.current->kind == envelope_kind::request) {
          todo = core.system_message();
        } else if (core.is_parents_exit(*core.current)) {
          core.stop(static_cast<const exit_signal*>(payload_of(*core.current))->reason);
        } else {
          core.note_in();
          todo = b->handle(core);
        }
      }
      if (todo) co_await std::move(*todo);
      if (!core.stop_) core.current.reset();
    }
    reason = *core.stop_;
  } catch (...) {
    error = std::current_exception();
    reason = reason_of_current_exception();
  }

  // Requests that the exception has destroyed are answered with the reason, at the end.
  s.more().terminating = true;
  try {
    step last = b->terminate(core, reason);
    if (last) co_await std::move(*last);
  } catch (...) {
    error = std::current_exception();
    reason = reason_of_current_exception();
  }
  core.answer_held();
  log_termination(core, reason);
  if (error || !is_orderly(reason)) core.leave_ancestors();
  if (error) std::rethrow_exception(error);
  if (!reason.is_atom("normal"_atom)) self.exit(reason);
}

// --- starting
// ---------------------------------------------------------------------------------------------------------

namespace {

/// The exit signal of a process whose failed start has been told by its result.
task<> take_exit_signal(context& self, pid from) {
  co_await self.receive(when([&](const exit_signal& e) { return e.from == from; }, [](const exit_signal&) {}),
                        after(duration(0)));
}

task<term> wait_until_gone(context& self, reference watch) {
  co_return co_await self.receive(
      when([&](const down& d) { return d.ref == watch; }, [](const down& d) { return d.reason; }));
}

/// Of a process that `self` starts: itself, and its own.
term ancestors_of_child(context& self) {
  const slot& s = slot_access::of(self);
  const atom name = s.named.load(std::memory_order_relaxed) ? s.rt->names().name_of(self.pid()) : atom();
  std::vector<term> all{name == atom() ? term(self.pid()) : term(name)};
  if (s.extra != nullptr && s.extra->behaviour != nullptr) {
    const std::span<const term> above = s.extra->behaviour->ancestors.elements();
    all.insert(all.end(), above.begin(), above.end());
  }
  return term::list(std::move(all));
}

}  // namespace

task<start_result> start_behaviour(context& self, behaviour_ptr b, start_options options, start_relations relations) {
  start_result result;
  const pid parent = relations.link ? self.pid() : pid();
  spawn_options how;
  how.name = options.name;
  how.link = relations.link;
  how.monitor = true;
  how.mailbox = options.mailbox;
  spawned made;
  try {
    term ancestors = relations.for_thread ? term::list({}) : ancestors_of_child(self);
    made = self.spawn(how, run_behaviour, std::move(b), parent, std::move(ancestors), options);
  } catch (const registration_error&) {
    result.what = start_result::outcome::failed;
    const pid taken = self.whereis(options.name);
    result.reason = term::tuple({"already_started"_atom, taken});
    co_return result;
  }
  bool timed_out = false;
  try {
    result = co_await self.call(made.pid, start_demand{}, options.timeout);
  } catch (const call_failed& e) {
    result.what = start_result::outcome::failed;
    result.reason = e.reason();
    timed_out = e.reason().is_atom("timeout"_atom) && self.is_alive(made.pid);
  }
  if (result.started()) {
    if (relations.monitor)
      result.monitor = made.monitor;
    else
      self.demonitor(made.monitor, true);
    co_return result;
  }
  if (timed_out) {
    if (relations.link) self.unlink(made.pid);
    self.exit(made.pid, "kill"_atom);
  }
  // It is gone when this returns, and so are its name and its exit signal, which whoever traps exits has no use for.
  static_cast<void>(co_await wait_until_gone(self, made.monitor));
  if (relations.link) co_await take_exit_signal(self, made.pid);
  co_return result;
}

}  // namespace detail
}  // namespace troupe
