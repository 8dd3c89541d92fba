// SPDX-License-Identifier: BSL-1.0
// Children of one kind, any number of them: simple_one_for_one. To start one and to hear of its end takes the same time
// whether there are ten or a million.
#include <troupe/actors/behaviours/supervision.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

/// One child, found by its pid; while it is restarting by its last one.
struct dynamic_child {
  std::vector<term> arguments;  // the later ones; none of a temporary one, which needs them no more
  attempts tries{};
};

class dynamic_children final : public supervision {
 public:
  using supervision::supervision;

  task<std::optional<term>> begin(std::vector<child_spec> specs) override;
  task<> end() override;
  task<bool> ended(pid process, term reason) override;
  task<bool> again(try_again what) override;

  term which_children() const override;
  term count_children() const override;
  task<term> start_child(term what) override;
  task<term> add(child_spec spec) override;
  task<term> terminate_child(term id) override;
  task<term> restart_child(term) override { co_return error_of("simple_one_for_one"_atom); }
  term delete_child(const term&) override { return error_of("simple_one_for_one"_atom); }
  const child_spec* find(const term& id) const override;

 private:
  using children = boost::unordered::unordered_flat_map<pid, dynamic_child, std::hash<pid>>;

  term children_state() const override;
  term dynamics_state() const override;

  void store(const pid& process, dynamic_child c);
  bool is_too_many(const pid& last);
  task<bool> restart_now(pid last);
  void erase(children::iterator c) {
    if (c->second.tries.restarting()) --restarting_;
    children_.erase(c);
  }
  /// Those that run, in an order that is the same in every run.
  std::vector<pid> sorted() const;
  void report_on(std::string_view context, const term& reason, const pid& process) const;

  child_spec spec_;
  children children_;
  std::size_t restarting_ = 0;
};

void dynamic_children::report_on(std::string_view context, const term& reason, const pid& process) const {
  if (!reports()) return;
  std::vector<term> parts = offender(spec_);
  parts.insert(parts.begin(), term::tuple({"pid"_atom, process}));
  report(context, reason, term::list(std::move(parts)));
}

std::vector<pid> dynamic_children::sorted() const {
  std::vector<pid> all;
  all.reserve(children_.size());
  for (const auto& [process, c] : children_)
    if (!c.tries.restarting()) all.push_back(process);
  std::sort(all.begin(), all.end());
  return all;
}

task<std::optional<term>> dynamic_children::begin(std::vector<child_spec> specs) {
  if (specs.size() != 1) {
    std::vector<term> terms;
    for (const child_spec& s : specs) terms.push_back(s.to_term());
    co_return term::tuple({"bad_start_spec"_atom, term::list(std::move(terms))});
  }
  const check_result checked = supervisor::check(specs, flags_.auto_shutdown);
  if (!checked) {
    self_.log(log_level::error, "{}", checked.text);
    co_return term::tuple({"start_spec"_atom, checked.reason});
  }
  spec_ = std::move(specs.front());
  co_return std::nullopt;
}

// --- restarts -------------------------------------------------------------------------------------------------------

void dynamic_children::store(const pid& process, dynamic_child c) {
  note_start(c.tries);
  children_.insert_or_assign(process, std::move(c));
}

task<bool> dynamic_children::ended(pid process, term reason) {
  const auto found = children_.find(process);
  if (found == children_.end() || found->second.tries.restarting()) co_return false;
  const bool well = is_good_order(reason);
  const bool restarts = spec_.restart == permanent || (spec_.restart == transient && !well);
  if (restarts || !well) report_on("child_terminated", reason, process);
  if (restarts) {
    note_end(found->second.tries, spec_);
    if (is_too_many(process)) co_return true;
    if (!spec_.back_off) co_return co_await restart_now(process);
    ++restarting_;
    schedule(found->second.tries, spec_, term(), process);
    co_return false;
  }
  erase(found);
  co_return spec_.significant && (flags_.auto_shutdown == auto_shutdown::any_significant ||
                                  (flags_.auto_shutdown == auto_shutdown::all_significant && children_.empty()));
}

bool dynamic_children::is_too_many(const pid& last) {
  if (add_restart()) return false;
  report_on("shutdown", "reached_max_restart_intensity"_atom, last);
  if (const auto c = children_.find(last); c != children_.end()) erase(c);
  return true;
}

task<bool> dynamic_children::again(try_again what) {
  const auto found = children_.find(what.last);
  if (found == children_.end() || found->second.tries.attempt != what.attempt) co_return false;
  if (!spec_.back_off && is_too_many(what.last)) co_return true;
  co_return co_await restart_now(what.last);
}

task<bool> dynamic_children::restart_now(pid last) {
  // Taken out and not referred to: the map may move what it holds.
  const auto found = children_.find(last);
  dynamic_child c = std::move(found->second);
  if (c.tries.restarting()) --restarting_;
  children_.erase(found);
  const start_result made = co_await run(spec_.start, c.arguments);
  if (made.started()) {
    store(made.process, std::move(c));
    co_return false;
  }
  if (made.what == start_result::outcome::ignored) co_return false;
  report_on("start_error", made.reason, last);
  const auto kept = children_.insert_or_assign(last, std::move(c)).first;
  ++restarting_;
  kept->second.tries.attempt = ++last_attempt_;
  if (spec_.back_off && is_too_many(last)) co_return true;
  schedule(kept->second.tries, spec_, term(), last);
  co_return false;
}

// --- the end --------------------------------------------------------------------------------------------------------

/// All are told at once, and have the same time. Exit signals and monitors' messages are taken in the order in which
/// they come, so none is searched for; that of the link comes first, and knows the reason even of one that had ended
/// before it was monitored.
task<> dynamic_children::end() {
  const child_shutdown how = shutdown_of(spec_);
  struct waited_for {
    reference watch;
    std::optional<term> reason;
  };
  boost::unordered::unordered_flat_map<pid, waited_for, std::hash<pid>> waiting;
  const std::vector<pid> all = sorted();
  waiting.reserve(all.size());
  for (const pid& p : all) {
    waiting[p].watch = self_.monitor(p);
    self_.exit(p, how.is_brutal() ? "kill"_atom : "shutdown"_atom);
  }
  std::vector<std::pair<term, std::size_t>> wrong;  // reasons, and how many ended so
  bool bounded = !how.is_brutal() && how.bound() != for_ever;
  const time_point deadline = bounded ? later(self_.now(), how.bound()) : time_point::max();
  while (!waiting.empty()) {
    bool expired = false;
    const duration patience = bounded ? std::max(duration(0), deadline - self_.now()) : for_ever;
    co_await self_.receive(
        [&](const exit_signal& e) {
          if (const auto it = waiting.find(e.from); it != waiting.end()) it->second.reason = e.reason;
        },
        [&](const down& d) {
          const auto it = waiting.find(d.process);
          if (it == waiting.end() || it->second.watch != d.ref) return;
          const term reason = it->second.reason ? *it->second.reason : d.reason;
          self_.unlink(d.process);
          waiting.erase(it);
          if (ended_well(reason, spec_)) return;
          const auto same = std::find_if(wrong.begin(), wrong.end(), [&](const auto& w) { return w.first == reason; });
          if (same == wrong.end())
            wrong.emplace_back(reason, 1);
          else
            ++same->second;
        },
        after(patience, [&] { expired = true; }));
    if (expired) {
      bounded = false;
      for (const pid& p : all)
        if (waiting.contains(p)) self_.exit(p, "kill"_atom);
    }
  }
  children_.clear();
  restarting_ = 0;
  if (!reports()) co_return;
  for (const auto& [reason, number] : wrong) {
    std::vector<term> parts = offender(spec_);
    parts.insert(parts.begin(), term::tuple({"nb_children"_atom, number}));
    report("shutdown_error", reason, term::list(std::move(parts)));
  }
}

// --- calls ----------------------------------------------------------------------------------------------------------

term dynamic_children::which_children() const {
  const term type = type_term(type_of(spec_));
  const term modules = modules_of(spec_);
  std::vector<term> all;
  all.reserve(children_.size());
  for (const pid& p : sorted()) all.push_back(term::tuple({"undefined"_atom, p, type, modules}));
  for (std::size_t i = 0; i < restarting_; ++i)
    all.push_back(term::tuple({"undefined"_atom, "restarting"_atom, type, modules}));
  return term::list(std::move(all));
}

term dynamic_children::count_children() const {
  const bool supervisors = type_of(spec_) == child_type::supervisor;
  const std::size_t all = children_.size();
  return term::list({term::tuple({"specs"_atom, 1}), term::tuple({"active"_atom, all - restarting_}),
                     term::tuple({"supervisors"_atom, supervisors ? all : 0}),
                     term::tuple({"workers"_atom, supervisors ? 0 : all})});
}

namespace {

/// Elixir's DynamicSupervisor describes the whole child, {{Module, Function, Arguments}, Restart, Shutdown, Type,
/// Modules}: the arguments, when it is of the one kind that there is here; else what it was.
term elixirs_arguments(const term& what, const term& kind) {
  if (!what.is_tuple() || what.size() != 5) return what;
  const term& start = what[0];
  if (!start.is_tuple() || start.size() != 3 || !start[2].is_list() || start[0] != kind[0]) return what;
  return start[2];
}

}  // namespace

task<term> dynamic_children::start_child(term what) {
  what = elixirs_arguments(what, spec_.start.to_term());
  if (!what.is_list()) co_return error_of(term::tuple({"badarg"_atom, what}));
  dynamic_child c;
  const auto given = what.elements();
  c.arguments.assign(given.begin(), given.end());
  const start_result made = co_await run(spec_.start, c.arguments);
  if (made.what == start_result::outcome::failed) co_return error_of(made.reason);
  if (!made.started()) co_return ok_with("undefined"_atom);
  if (spec_.restart == temporary) c.arguments = {};
  store(made.process, std::move(c));
  co_return ok_with(made.process);
}

task<term> dynamic_children::add(child_spec spec) {
  co_return error_of(term::tuple({"badarg"_atom, spec.to_term()}));
}

task<term> dynamic_children::terminate_child(term id) {
  if (!id.is_pid()) co_return error_of("simple_one_for_one"_atom);
  const pid process = id.as_pid();
  if (!children_.contains(process)) {
    const bool alive = process.node() != self_.pid().node() || self_.is_alive(process);
    co_return alive ? error_of("not_found"_atom) : term("ok"_atom);
  }
  if (!children_.find(process)->second.tries.restarting()) {
    const std::optional<term> wrong = co_await shut_down(process, spec_);
    if (wrong) report_on("shutdown_error", *wrong, process);
  }
  erase(children_.find(process));
  co_return "ok"_atom;
}

const child_spec* dynamic_children::find(const term& id) const {
  if (id == spec_.id.value()) return &spec_;
  return id.is_pid() && children_.contains(id.as_pid()) ? &spec_ : nullptr;
}

term dynamic_children::children_state() const {
  const term& id = spec_.id.value();
  return term::tuple({term::list({id}), term::map({{id, child_record(spec_, "undefined"_atom)}})});
}

term dynamic_children::dynamics_state() const {
  std::vector<std::pair<term, term>> items;
  items.reserve(children_.size());
  for (const auto& [process, c] : children_) {
    const term key = c.tries.restarting() ? term::tuple({"restarting"_atom, process}) : term(process);
    items.emplace_back(key, spec_.restart == temporary ? term::list({}) : term::list(c.arguments));
  }
  return term::tuple({spec_.restart == temporary ? "mapsets"_atom : "maps"_atom, term::map(std::move(items))});
}

}  // namespace

std::unique_ptr<supervision> make_dynamic_children(context& self, const supervisor_flags& flags, atom registered) {
  return std::unique_ptr<supervision>(new dynamic_children(self, flags, registered));
}

}  // namespace troupe::detail
