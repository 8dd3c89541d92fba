// SPDX-License-Identifier: BSL-1.0
// The application controller, and the masters of applications.
#include <troupe/actors/behaviours/application.hpp>

#include <troupe/actors/behaviours/gen_server.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

constexpr const char* controller_name = "application_controller";

// --- what is said to the controller, and by it
// ---------------------------------------------------------------------------

struct start_order {
  using stays_here = void;
  std::shared_ptr<const application> app;
  application_type type;
};
struct stop_order {
  atom name;
  using reply = bool;
};
struct which_order {
  using reply = std::vector<running_application>;
};
struct environment_order {
  atom name;
};
struct end_order {};

/// A master's: what came of its start.
struct start_report {
  atom name;
  start_result result;
};
/// A master's: its root supervisor has ended by itself.
struct end_report {
  atom name;
  term reason;
};
/// To a master.
struct stop_master {};

// --- a master
// --------------------------------------------------------------------------------------------------------------

/// Starts the dependencies, the root supervisor and the phases.
task<start_result> start_parts(context& self, const application& app, const environment& env, application_type type) {
  start_result failed;
  failed.what = start_result::outcome::failed;
  for (const application& needed : app.dependencies) {
    const start_result r = co_await start_application(self, needed, type);
    if (r.started() || r.reason.is_tuple("already_started"_atom)) continue;
    failed.reason =
        term::tuple({atom(needed.name), r.what == start_result::outcome::ignored ? term("ignore"_atom) : r.reason});
    co_return failed;
  }
  start_result root;
  try {
    if (app.start) root = co_await app.start(self, env);
  } catch (const std::exception& e) {
    failed.reason = term::tuple({"error"_atom, e.what()});
    co_return failed;
  }
  if (!root.started()) co_return root;
  for (const std::string& phase : app.start_phases) {
    try {
      if (app.start_phase) co_await app.start_phase(self, phase);
      continue;
    } catch (const std::exception& e) {
      failed.reason = term::tuple({"start_phase"_atom, atom(phase), term(e.what())});
    }
    failed.process = root.process;
    co_return failed;
  }
  co_return root;
}

task<> stop_root(context& self, const application& app, pid root) {
  const reference watch = self.monitor(root);
  self.unlink(root);
  self.exit(root, "shutdown"_atom);
  const bool ended =
      co_await self.receive(when([&](const down& d) { return d.ref == watch; }, [](const down&) { return true; }),
                            after(app.shutdown, [] { return false; }));
  if (ended) co_return;
  self.log(log_level::error, "the root supervisor of application {} has not stopped in time and is killed", app.name);
  self.exit(root, "kill"_atom);
  co_await self.receive(when([&](const down& d) { return d.ref == watch; }, [](const down&) {}));
}

/// Linked with its root supervisor, and with nobody else. Ends with its application.
process application_master(context& self, std::shared_ptr<const application> app, environment env,
                           application_type type, pid controller) {
  self.trap_exit(true);
  const atom name(app->name);
  start_result root = co_await start_parts(self, *app, env, type);
  if (!root.started()) {
    if (root.process) co_await stop_root(self, *app, root.process);
    root.process = pid();
    self.send<start_report>(controller, name, root);
    co_return;
  }
  self.send<start_report>(controller, name, root);
  // An application without processes has no root.
  std::optional<term> ended;
  co_await self.receive([](const stop_master&) {}, when([&](const exit_signal& e) { return e.from == root.process; },
                                                        [&](const exit_signal& e) { ended = e.reason; }));
  if (ended) {
    if (app->stop) app->stop();
    self.send<end_report>(controller, name, *ended);
    co_return;
  }
  try {
    if (app->prep_stop) co_await app->prep_stop(self);
  } catch (const std::exception& e) {
    self.log(log_level::error, "prep_stop of application {} failed: {}", app->name, e.what());
  }
  if (root.process) co_await stop_root(self, *app, root.process);
  if (app->stop) app->stop();
}

// --- the controller
// ----------------------------------------------------------------------------------------------------------

class application_controller : public gen_server {
 public:
  explicit application_controller(std::shared_ptr<const nlohmann::json> configuration)
      : configuration_(std::move(configuration)) {}

  void start(start_order order, from<start_result> who) {
    const atom name(order.app->name);
    if (entry* known = find(name)) {
      if (known->starting) return known->starters.push_back(std::move(who));
      start_result already;
      already.what = start_result::outcome::failed;
      already.reason = term::tuple({"already_started"_atom, name});
      already.process = known->root;
      return who.reply(std::move(already));
    }
    environment env;
    try {
      env = environment_of(*order.app);
    } catch (const std::exception& e) {
      start_result wrong;
      wrong.what = start_result::outcome::failed;
      wrong.reason = term::tuple({"bad_environment"_atom, e.what()});
      return who.reply(std::move(wrong));
    }
    const spawned master = self().spawn_monitor(application_master, order.app, env, order.type, self().pid());
    entries_.push_back({name, order.type, env, master.pid, master.monitor});
    entries_.back().starters.push_back(std::move(who));
  }

  void started(const start_report& r) {
    entry* known = find(r.name);
    if (known == nullptr) return;
    known->starting = false;
    known->root = r.result.process;
    for (auto& who : std::exchange(known->starters, {})) who.reply(r.result);
    if (!r.result.started()) {
      for (auto& who : std::exchange(known->stoppers, {})) who.reply(false);
      return forget(r.name);
    }
    // In the order in which they were started: those it depends on come before it.
    const auto at = entries_.begin() + (known - entries_.data());
    std::rotate(at, at + 1, entries_.end());
  }

  void stop_one(const stop_order& order, from<bool> who) {
    entry* known = find(order.name);
    if (known == nullptr) return who.reply(false);
    known->stoppers.push_back(std::move(who));
    if (std::exchange(known->stopping, true)) return;
    self().send<stop_master>(known->master);
  }

  void ended(const end_report& r) {
    entry* known = find(r.name);
    if (known == nullptr) return;
    known->reason = r.reason;
  }

  void master_gone(const down& d) {
    const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.monitor == d.ref; });
    if (it == entries_.end()) return;
    entry gone = std::move(*it);
    entries_.erase(it);
    start_result failed;
    failed.what = start_result::outcome::failed;
    failed.reason = d.reason;
    for (auto& who : gone.starters) who.reply(failed);
    for (auto& who : gone.stoppers) who.reply(true);
    const term reason = gone.reason ? *gone.reason : d.reason;
    if (!gone.stopping && !gone.starting) {
      if (detail::slot_access::of(self()).rt->options().log_crashes)
        self().log(reason.is_atom("normal"_atom) ? log_level::info : log_level::error, "application {} ended: {}",
                   term(gone.name).to_string(), reason.to_string());
      if (gone.type == application_type::permanent ||
          (gone.type == application_type::transient && !reason.is_atom("normal"_atom)))
        if (!end_) end_ = reason;
    }
    if (end_) stop_last();
  }

  std::vector<running_application> which(const which_order&) const {
    std::vector<running_application> list;
    for (const entry& e : entries_)
      if (!e.starting) list.push_back({e.name, e.root});
    return list;
  }

  void get_environment(const environment_order& order, from<environment> who) {
    const entry* known = find(order.name);
    if (known == nullptr) return who.fail(term::tuple({"not_started"_atom, order.name}));
    who.reply(known->env);
  }

  void await_end(const end_order&, from<term> who) {
    waiting_.push_back(std::move(who));
    if (end_) stop_last();
  }

  using handles = handlers<call<&application_controller::start>, call<&application_controller::stop_one>,
                           call<&application_controller::which>, call<&application_controller::get_environment>,
                           call<&application_controller::await_end>, info<&application_controller::started>,
                           info<&application_controller::ended>, info<&application_controller::master_gone>>;

 private:
  struct entry {
    atom name;
    application_type type;
    environment env;
    pid master;
    reference monitor;
    pid root{};
    bool starting = true;
    bool stopping = false;
    std::optional<term> reason{};  // its root ended by itself
    std::vector<from<start_result>> starters{};
    std::vector<from<bool>> stoppers{};
  };

  entry* find(atom name) {
    const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.name == name; });
    return it == entries_.end() ? nullptr : &*it;
  }
  void forget(atom name) {
    std::erase_if(entries_, [&](const entry& e) { return e.name == name; });
  }

  environment environment_of(const application& app) const {
    auto merged = std::make_shared<nlohmann::json>(parse_json(app.environment));
    environment checked(app.name, merged);
    const auto said = configuration_->find(app.name);
    if (said == configuration_->end()) return checked;
    for (const auto& [key, value] : said->items()) (*merged)[key] = value;
    return environment(app.name, std::move(merged));
  }

  /// Something that the program cannot do without has ended: the others follow, the last one first.
  void stop_last() {
    if (entries_.empty()) {
      for (auto& who : std::exchange(waiting_, {})) who.reply(*end_);
      return;
    }
    entry& last = entries_.back();
    if (!std::exchange(last.stopping, true)) self().send<stop_master>(last.master);
  }

  std::shared_ptr<const nlohmann::json> configuration_;
  std::vector<entry> entries_;  // those that run in the order in which they were started; then those that start
  std::optional<term> end_;
  std::vector<from<term>> waiting_;
};

const server<application_controller>& controller() {
  static const server<application_controller> by_name{destination(controller_name)};
  return by_name;
}

}  // namespace

task<pid> start_application_controller(context& self, std::string configuration) {
  auto parsed = detail::parse_configuration(configuration);
  const auto made = co_await self.start<application_controller>({.name = controller_name}, std::move(parsed));
  co_return made.pid();
}

task<start_result> start_application(context& self, application app, application_type type) {
  if (app.name.empty()) throw usage_error("troupe: an application has a name");
  auto what = std::make_shared<const application>(std::move(app));
  co_return co_await self.call<start_order>(controller(), after(infinity), std::move(what), type);
}

task<bool> stop_application(context& self, process_name name) {
  co_return co_await self.call<stop_order>(controller(), after(infinity), name.atom());
}

task<> stop_all_applications(context& self) {
  for (;;) {
    const auto running = co_await which_applications(self);
    if (running.empty()) co_return;
    co_await stop_application(self, running.back().name);
  }
}

task<std::vector<running_application>> which_applications(context& self) {
  co_return co_await self.call<which_order>(controller());
}

task<environment> get_environment(context& self, process_name name) {
  co_return co_await self.call<environment_order>(controller(), name.atom());
}

task<term> await_applications_end(context& self) {
  co_return co_await self.call<end_order>(controller(), after(infinity));
}

}  // namespace troupe
