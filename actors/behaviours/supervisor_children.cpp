// SPDX-License-Identifier: BSL-1.0
// Children that have a specification each: one_for_one, one_for_all, rest_for_one.
#include <troupe/actors/behaviours/supervision.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <iterator>
#include <list>
#include <string>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

struct child {
  child_spec spec;
  pid process;  // null: it does not run
  attempts tries{};

  /// Erlang: its pid, undefined or {restarting, _}, and how a list of children shows it.
  term place() const {
    if (tries.restarting()) return "restarting"_atom;
    return process ? term(process) : "undefined"_atom;
  }
};

class static_children final : public supervision {
 public:
  using supervision::supervision;

  task<std::optional<term>> begin(std::vector<child_spec> specs) override;
  task<> end() override { return terminate_from(children_.begin()); }
  task<bool> ended(pid process, term reason) override;
  task<bool> again(try_again what) override;

  term which_children() const override;
  term count_children() const override;
  task<term> start_child(term what) override;
  task<term> add(child_spec spec) override;
  task<term> terminate_child(term id) override;
  task<term> restart_child(term id) override;
  term delete_child(const term& id) override;
  const child_spec* find(const term& id) const override {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? nullptr : &it->second->spec;
  }

 private:
  using list = std::list<child>;
  using place = list::iterator;

  term children_state() const override;
  term dynamics_state() const override { return "undefined"_atom; }

  place insert(child_spec spec);
  place erase(place c);
  void set_process(place c, const pid& process);
  void set_restarting(place c);
  /// It does not run any more; a temporary one goes.
  void remove_or_keep(place c);
  place look_up(const term& id) {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? children_.end() : it->second;
  }

  /// Starts the children from there on that do not run. The place and reason of one that cannot be started; else end.
  task<std::pair<place, term>> start_from(place first);
  /// Shuts down, in reverse order, the children from there on. Temporary ones go.
  task<> terminate_from(place first);
  task<> terminate(place c);

  /// One more restart; true when that was too many.
  bool is_too_many(place c);
  task<bool> restart(place c);
  task<bool> restart_now(place c);
  bool failed_again(place c);
  /// The supervisor's own end may follow from that child's.
  bool shuts_down_after(bool significant) const;

  void report_on(std::string_view context, const term& reason, const child& c) const;

  list children_;  // in the order in which they start
  boost::unordered::unordered_flat_map<term, place, std::hash<term>> by_id_;
  boost::unordered::unordered_flat_map<pid, place, std::hash<pid>> by_process_;
};

// --- the list of children -------------------------------------------------------------------------------------------

static_children::place static_children::insert(child_spec spec) {
  children_.push_back({std::move(spec), pid(), {}});
  const place c = std::prev(children_.end());
  by_id_.emplace(c->spec.id.value(), c);
  return c;
}

static_children::place static_children::erase(place c) {
  if (c->process) by_process_.erase(c->process);
  by_id_.erase(c->spec.id.value());
  return children_.erase(c);
}

void static_children::set_process(place c, const pid& process) {
  if (c->process) by_process_.erase(c->process);
  c->process = process;
  c->tries.attempt = 0;
  if (process) {
    by_process_[process] = c;
    note_start(c->tries);
  }
}

void static_children::set_restarting(place c) {
  set_process(c, pid());
  schedule(c->tries, c->spec, c->spec.id.value(), pid());
}

void static_children::remove_or_keep(place c) {
  if (c->spec.restart == temporary)
    erase(c);
  else
    set_process(c, pid());
}

void static_children::report_on(std::string_view context, const term& reason, const child& c) const {
  if (!reports()) return;
  std::vector<term> parts = offender(c.spec);
  parts.insert(parts.begin(), term::tuple({"pid"_atom, c.process ? term(c.process) : "undefined"_atom}));
  report(context, reason, term::list(std::move(parts)));
}

// --- starting and ending --------------------------------------------------------------------------------------------

task<std::pair<static_children::place, term>> static_children::start_from(place first) {
  for (place c = first; c != children_.end();) {
    const start_result made = co_await run(c->spec.start, {});
    if (made.what == start_result::outcome::failed) {
      report_on("start_error", made.reason, *c);
      co_return std::pair<place, term>(c, made.reason);
    }
    set_process(c, made.process);
    c = !made.started() && c->spec.restart == temporary ? erase(c) : std::next(c);
  }
  co_return std::pair<place, term>(children_.end(), term());
}

task<> static_children::terminate(place c) {
  if (!c->process) co_return;
  const std::optional<term> wrong = co_await shut_down(c->process, c->spec);
  if (wrong) report_on("shutdown_error", *wrong, *c);
}

task<> static_children::terminate_from(place first) {
  place c = children_.end();
  for (bool more = first != c; more;) {
    --c;
    more = c != first;
    co_await terminate(c);
    if (c->spec.restart == temporary)
      c = erase(c);
    else
      set_process(c, pid());
  }
}

task<std::optional<term>> static_children::begin(std::vector<child_spec> specs) {
  std::optional<term> wrong;
  try {
    check_specs(specs, flags_.auto_shutdown);
  } catch (const child_spec_error& e) {
    self_.log(log_level::error, "{}", e.what());
    wrong = term::tuple({"start_spec"_atom, e.reason()});
  }
  if (wrong) co_return wrong;
  for (child_spec& spec : specs) insert(std::move(spec));
  const auto failed = co_await start_from(children_.begin());
  if (failed.first == children_.end()) co_return std::nullopt;
  const term id = failed.first->spec.id.value();
  co_await terminate_from(children_.begin());
  co_return term::tuple({"shutdown"_atom, term::tuple({"failed_to_start_child"_atom, id, failed.second})});
}

// --- restarts -------------------------------------------------------------------------------------------------------

bool static_children::shuts_down_after(bool significant) const {
  if (!significant || flags_.auto_shutdown == auto_shutdown::never) return false;
  if (flags_.auto_shutdown == auto_shutdown::any_significant) return true;
  return std::none_of(children_.begin(), children_.end(),
                      [](const child& c) { return c.spec.significant && (c.process || c.tries.restarting()); });
}

task<bool> static_children::ended(pid process, term reason) {
  const auto found = by_process_.find(process);
  if (found == by_process_.end()) co_return false;
  const place c = found->second;
  const troupe::restart when_ended = c->spec.restart;
  const bool restarts = when_ended == permanent || (when_ended == transient && !is_good_order(reason));
  if (restarts || !is_good_order(reason)) report_on("child_terminated", reason, *c);
  if (restarts) {
    note_end(c->tries, c->spec);
    co_return co_await restart(c);
  }
  const bool significant = c->spec.significant;
  remove_or_keep(c);
  co_return shuts_down_after(significant);
}

bool static_children::is_too_many(place c) {
  if (add_restart()) return false;
  report_on("shutdown", "reached_max_restart_intensity"_atom, *c);
  remove_or_keep(c);
  return true;
}

task<bool> static_children::restart(place c) {
  if (is_too_many(c)) co_return true;
  if (c->spec.back_off) {
    set_restarting(c);
    co_return false;
  }
  co_return co_await restart_now(c);
}

/// Of a waiting restart the attempt has been counted when it was put off.
task<bool> static_children::again(try_again what) {
  const place c = look_up(what.id);
  if (c == children_.end() || c->tries.attempt != what.attempt) co_return false;
  if (!c->spec.back_off && is_too_many(c)) co_return true;
  co_return co_await restart_now(c);
}

bool static_children::failed_again(place c) {
  if (c->spec.back_off && is_too_many(c)) return true;
  set_restarting(c);
  return false;
}

task<bool> static_children::restart_now(place c) {
  if (flags_.strategy == strategy::one_for_one) {
    const start_result made = co_await run(c->spec.start, {});
    if (made.what == start_result::outcome::failed) {
      report_on("start_error", made.reason, *c);
      co_return failed_again(c);
    }
    set_process(c, made.process);
    co_return false;
  }
  const bool all = flags_.strategy == strategy::one_for_all;
  set_process(c, pid());
  co_await terminate_from(all ? children_.begin() : c);
  const auto failed = co_await start_from(all ? children_.begin() : c);
  co_return failed.first != children_.end() && failed_again(failed.first);
}

// --- calls ----------------------------------------------------------------------------------------------------------

term static_children::which_children() const {
  std::vector<term> all;
  for (auto c = children_.rbegin(); c != children_.rend(); ++c)
    all.push_back(term::tuple({c->spec.id.value(), c->place(), type_term(type_of(c->spec)), modules_of(c->spec)}));
  return term::list(std::move(all));
}

term static_children::count_children() const {
  std::int64_t active = 0;
  std::int64_t supervisors = 0;
  for (const child& c : children_) {
    // One of another node counts: whether it lives is known there.
    if (c.process && (c.process.node() != self_.pid().node() || self_.is_alive(c.process))) ++active;
    if (type_of(c.spec) == child_type::supervisor) ++supervisors;
  }
  const auto specs = static_cast<std::int64_t>(children_.size());
  return term::list({term::tuple({"specs"_atom, specs}), term::tuple({"active"_atom, active}),
                     term::tuple({"supervisors"_atom, supervisors}),
                     term::tuple({"workers"_atom, specs - supervisors})});
}

task<term> static_children::start_child(term what) {
  child_spec spec;
  std::optional<term> wrong;
  try {
    spec = child_spec_from_term(what);
  } catch (const child_spec_error& e) {
    self_.log(log_level::warning, "{}", e.what());
    wrong = e.reason();
  }
  if (wrong) co_return error_of(*wrong);
  co_return co_await add(std::move(spec));
}

task<term> static_children::add(child_spec spec) {
  const check_result checked = supervisor::check({spec}, flags_.auto_shutdown);
  if (!checked) co_return error_of(checked.reason);
  const place there = look_up(spec.id.value());
  if (there != children_.end())
    co_return error_of(there->process ? term::tuple({"already_started"_atom, there->process})
                                      : term("already_present"_atom));
  const start_result made = co_await run(spec.start, {});
  if (made.what == start_result::outcome::failed)
    co_return error_of(term::tuple({made.reason, child_record(spec, "undefined"_atom)}));
  if (!made.started() && spec.restart == temporary) co_return ok_with("undefined"_atom);
  const place c = insert(std::move(spec));
  set_process(c, made.process);
  co_return ok_with(c->place());
}

task<term> static_children::terminate_child(term id) {
  const place c = look_up(id);
  if (c == children_.end()) co_return error_of("not_found"_atom);
  co_await terminate(c);
  remove_or_keep(c);
  co_return "ok"_atom;
}

task<term> static_children::restart_child(term id) {
  const place c = look_up(id);
  if (c == children_.end()) co_return error_of("not_found"_atom);
  if (c->tries.restarting()) co_return error_of("restarting"_atom);
  if (c->process) co_return error_of("running"_atom);
  const start_result made = co_await run(c->spec.start, {});
  if (made.what == start_result::outcome::failed) co_return error_of(made.reason);
  set_process(c, made.process);
  co_return ok_with(c->place());
}

term static_children::delete_child(const term& id) {
  const place c = look_up(id);
  if (c == children_.end()) return error_of("not_found"_atom);
  if (c->tries.restarting()) return error_of("restarting"_atom);
  if (c->process) return error_of("running"_atom);
  erase(c);
  return "ok"_atom;
}

term static_children::children_state() const {
  std::vector<term> ids;
  std::vector<std::pair<term, term>> records;
  for (auto c = children_.rbegin(); c != children_.rend(); ++c) {
    const term shown = c->tries.restarting() ? term::tuple({"restarting"_atom, "undefined"_atom}) : c->place();
    ids.push_back(c->spec.id.value());
    records.emplace_back(c->spec.id.value(), child_record(c->spec, shown));
  }
  return term::tuple({term::list(std::move(ids)), term::map(std::move(records))});
}

}  // namespace

std::unique_ptr<supervision> make_static_children(context& self, const supervisor_flags& flags, atom registered) {
  return std::unique_ptr<supervision>(new static_children(self, flags, registered));
}

}  // namespace troupe::detail
