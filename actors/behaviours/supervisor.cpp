// SPDX-License-Identifier: BSL-1.0
// The supervisor's process: what it is asked, and what both kinds of supervision share.
#include <troupe/actors/behaviours/supervision.hpp>
#include <troupe/actors/runtime.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {

using namespace literals;

supervisor::supervisor() : supervisor(supervisor_flags(), {}) {}
supervisor::supervisor(supervisor_flags flags, std::vector<child_spec> children)
    : flags_(flags), children_(std::move(children)), registered_(detail::gen_core::making()->registered) {
  self().trap_exit(true);
}
supervisor::~supervisor() = default;

check_result supervisor::check(const std::vector<child_spec>& specs, std::optional<auto_shutdown> rule) {
  try {
    detail::check_specs(specs, rule);
    return {"ok"_atom, ""};
  } catch (const child_spec_error& e) {
    return {e.reason(), e.what()};
  }
}

namespace {

std::optional<term> wrong_flags(const supervisor_flags& flags) {
  const auto invalid = [](atom what, const term& value) {
    return term::tuple({"supervisor_data"_atom, term::tuple({what, value})});
  };
  if (flags.intensity < 0) return invalid("invalid_intensity"_atom, flags.intensity);
  if (flags.period <= detail::duration(0))
    return invalid("invalid_period"_atom, std::chrono::duration_cast<std::chrono::seconds>(flags.period).count());
  return std::nullopt;
}

}  // namespace

task<init_result> supervisor::supervise(supervisor_init given) {
  if (given.is_ignored) co_return ignore;
  if (auto wrong = wrong_flags(given.flags)) co_return init_stop{*wrong};
  flags_ = given.flags;
  supervision_ = detail::supervision::make(self(), flags_, registered_);
  std::optional<term> wrong = co_await supervision_->begin(std::move(given.children));
  if (wrong) co_return init_stop{*wrong};
  co_return init_result();
}

task<init_result> supervisor::supervise(task<supervisor_init> given) {
  supervisor_init now = co_await std::move(given);
  co_return co_await supervise(std::move(now));
}

task<> supervisor::terminate(const term&) {
  if (supervision_) co_await supervision_->end();
}

term supervisor::state() const {
  return supervision_ ? supervision_->state("supervisor"_atom) : term();
}

task<> supervisor::answer(term request, from<term> who) {
  if (request.is_atom("which_children"_atom)) {
    who.reply(supervision_->which_children());
    co_return;
  }
  if (request.is_atom("count_children"_atom)) {
    who.reply(supervision_->count_children());
    co_return;
  }
  const bool pair = request.is_tuple() && request.size() == 2 && request[0].is_atom();
  const atom what = pair ? request[0].as_atom() : atom();
  term answer;
  if (what == "start_child"_atom) {
    answer = co_await supervision_->start_child(request[1]);
  } else if (what == "terminate_child"_atom) {
    answer = co_await supervision_->terminate_child(request[1]);
  } else if (what == "restart_child"_atom) {
    answer = co_await supervision_->restart_child(request[1]);
  } else if (what == "delete_child"_atom) {
    answer = supervision_->delete_child(request[1]);
  } else if (what == "get_childspec"_atom) {
    const child_spec* spec = supervision_->find(request[1]);
    answer = spec == nullptr ? detail::error_of("not_found"_atom) : detail::ok_with(spec->to_term());
  } else {
    self().log(log_level::warning, "a supervisor answers no such call: {}", request.to_string());
    who.fail(term::tuple({"unexpected_call"_atom, request}));
    co_return;
  }
  who.reply(std::move(answer));
}

task<term> supervisor::add(detail::add_child request) {
  co_return co_await supervision_->add(std::move(request.spec));
}

detail::found_spec supervisor::find(const detail::find_spec& request) {
  detail::found_spec found;
  if (const child_spec* spec = supervision_->find(request.id)) found.spec = *spec;
  return found;
}

task<> supervisor::child_ended(exit_signal signal) {
  const bool over = co_await supervision_->ended(signal.from, std::move(signal.reason));
  if (over) stop("shutdown"_atom);
}

task<> supervisor::again(detail::try_again message) {
  const bool over = co_await supervision_->again(std::move(message));
  if (over) stop("shutdown"_atom);
}

void supervisor::other(const any_message& message) {
  self().log(log_level::error, "Supervisor received unexpected message: {}", message.to_term().to_string());
}

namespace detail {

term error_of(const term& reason) {
  return term::tuple({"error"_atom, reason});
}
term ok_with(const term& what) {
  return term::tuple({"ok"_atom, what});
}
bool is_good_order(const term& reason) {
  return reason.is_atom("normal"_atom) || reason.is_atom("shutdown"_atom) ||
         (reason.is_tuple("shutdown"_atom) && reason.size() == 2);
}

std::unique_ptr<supervision> supervision::make(context& self, const supervisor_flags& flags, atom registered) {
  return flags.strategy == strategy::simple_one_for_one ? make_dynamic_children(self, flags, registered)
                                                        : make_static_children(self, flags, registered);
}

task<start_result> supervision::run(child_start start, std::vector<term> later_arguments) {
  start_result result;
  try {
    result = co_await start.start(self_, later_arguments);
  } catch (...) {
    result = {};
    result.what = start_result::outcome::failed;
    result.reason = reason_of_current_exception();
  }
  co_return result;
}

bool supervision::ended_well(const term& reason, const child_spec& spec) {
  if (reason.is_atom(shutdown_of(spec).is_brutal() ? "killed"_atom : "shutdown"_atom)) return true;
  return spec.restart != restart::permanent && is_good_order(reason);
}

/// Waits for a monitor's message and not for the exit signal, which a child that has unlinked itself does not send.
task<std::optional<term>> supervision::shut_down(pid child, const child_spec& spec) {
  const child_shutdown how = shutdown_of(spec);
  const reference watch = self_.monitor(child);
  self_.exit(child, how.is_brutal() ? "kill"_atom : "shutdown"_atom);
  std::optional<term> reason;
  co_await self_.receive(when([&](const down& d) { return d.ref == watch; }, [&](const down& d) { reason = d.reason; }),
                         after(how.is_brutal() ? for_ever : how.bound(), [] {}));
  if (!reason) {
    self_.exit(child, "kill"_atom);
    reason = co_await self_.receive(
        when([&](const down& d) { return d.ref == watch; }, [](const down& d) { return d.reason; }));
  }
  // What the link has brought comes before that, and knows better: the monitor says noproc when it came too late.
  self_.unlink(child);
  co_await self_.receive(
      when([&](const exit_signal& e) { return e.from == child; }, [&](const exit_signal& e) { reason = e.reason; }),
      after(duration(0), [] {}));
  if (ended_well(*reason, spec)) co_return std::nullopt;
  co_return reason;
}

bool supervision::add_restart() {
  const time_point now = self_.now();
  while (!restarts_.empty() && now - restarts_.front() > flags_.period) restarts_.pop_front();
  restarts_.push_back(now);
  return restarts_.size() <= static_cast<std::uint64_t>(flags_.intensity);
}

void supervision::schedule(attempts& a, const child_spec& spec, const term& id, const pid& last) {
  a.attempt = ++last_attempt_;
  const try_again message{id, last, a.attempt};
  if (!spec.back_off) {
    self_.send(self_.pid(), message);
    return;
  }
  const back_off& b = *spec.back_off;
  const duration delay = std::max(a.delay, b.min);
  const double longer = static_cast<double>(delay.count()) * b.factor;
  a.delay = longer >= static_cast<double>(b.max.count()) ? b.max : duration(static_cast<duration::rep>(longer));
  self_.send_after(delay, self_.pid(), message);
}

void supervision::note_start(attempts& a) const noexcept {
  a.attempt = 0;
  a.started = self_.now();
}

void supervision::note_end(attempts& a, const child_spec& spec) const noexcept {
  if (spec.back_off && self_.now() - a.started >= spec.back_off->max) a.delay = {};
}

// --- reports --------------------------------------------------------------------------------------------------------

bool supervision::reports() const noexcept {
  return slot_access::of(self_).rt->options().log_crashes && log_enabled(log_level::error);
}

void supervision::report(std::string_view context, const term& reason, const term& offender) const noexcept {
  try {
    if (!reports()) return;
    const term name =
        registered_.empty() ? term::tuple({self_.pid(), "supervisor"_atom}) : term::tuple({"local"_atom, registered_});
    const std::string text = fmt::format("supervisor: {}\n    errorContext: {}\n    reason: {}\n    offender: {}",
                                         name.to_string(), context, reason.to_string(), offender.to_string());
    // For programs: OTP's supervisor report, with the pairs of the offender as a map.
    std::vector<std::pair<term, term>> parts;
    for (const term& part : offender.elements())
      if (part.is_tuple() && part.size() == 2) parts.emplace_back(part[0], part[1]);
    const term report = term::map({{"report"_atom, "supervisor"_atom},
                                   {"supervisor"_atom, name},
                                   {"errorContext"_atom, context},
                                   {"reason"_atom, reason},
                                   {"offender"_atom, term::map(std::move(parts))}});
    log_report(log_level::error, slot_access::of(self_), text, report);
  } catch (...) {
    self_.log(log_level::error, "a supervisor has lost a report: {}", context);
  }
}

std::vector<term> supervision::offender(const child_spec& spec) {
  const auto pair = [](const term& a, const term& b) { return term::tuple({a, b}); };
  return {pair("id"_atom, spec.id.value()),
          pair("mfargs"_atom, spec.start.to_term()),
          pair("restart_type"_atom, restart_term(spec.restart)),
          pair("significant"_atom, spec.significant),
          pair("shutdown"_atom, shutdown_of(spec).to_term()),
          pair("child_type"_atom, type_term(type_of(spec)))};
}

// --- for sys --------------------------------------------------------------------------------------------------------

/// {child, Pid, Id, {M, F, A}, Restart, Significant, Shutdown, Type, Modules}
term supervision::child_record(const child_spec& spec, const term& process) {
  return term::tuple({"child"_atom, process, spec.id.value(), spec.start.to_term(), restart_term(spec.restart),
                      spec.significant, shutdown_of(spec).to_term(), type_term(type_of(spec)), modules_of(spec)});
}

term supervision::state(atom module) const {
  const auto seconds = [](auto t) { return std::chrono::duration_cast<std::chrono::seconds>(t).count(); };
  std::vector<term> restarts;
  for (auto it = restarts_.rbegin(); it != restarts_.rend(); ++it)
    restarts.emplace_back(seconds(it->time_since_epoch()));
  const term name = registered_.empty() ? term::tuple({self_.pid(), module}) : term::tuple({"local"_atom, registered_});
  return term::tuple({"state"_atom, name, to_term(flags_.strategy), children_state(), dynamics_state(),
                      flags_.intensity, seconds(flags_.period), term::list(std::move(restarts)), 0,
                      to_term(flags_.auto_shutdown), module, term::list({})});
}

}  // namespace detail
}  // namespace troupe
