// SPDX-License-Identifier: BSL-1.0
// Specifications of children: how they are checked, and as terms.
#include <troupe/actors/behaviours/child_spec.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <troupe/actors/behaviours/pair.hpp>

#include <cmath>
#include <mutex>
#include <string>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

/// The names of register_child_factory.
struct factories {
  std::mutex mutex;
  boost::unordered::unordered_flat_map<atom, child_start, std::hash<atom>> by_name;

  static factories& all() {
    static factories one;
    return one;
  }
};

/// A start by such a name: its arguments are later ones of what is registered.
class named_starter final : public detail::child_starter {
 public:
  named_starter(atom name, child_start target, std::vector<term> arguments)
      : name_(name), target_(std::move(target)), arguments_(std::move(arguments)) {}

  task<start_result> start(context& self, const std::vector<term>& later_arguments) const override {
    std::vector<term> all = arguments_;
    all.insert(all.end(), later_arguments.begin(), later_arguments.end());
    co_return co_await target_.start(self, all);
  }
  term to_term() const override { return term::tuple({name_, "start_link"_atom, term::list(arguments_)}); }
  bool is_supervisor() const noexcept override { return target_.is_supervisor(); }

 private:
  atom name_;
  child_start target_;
  std::vector<term> arguments_;
};

std::string of_child(const term* id) {
  return id == nullptr ? "" : " of the child " + id->to_string();
}

[[noreturn]] void invalid(atom what, const term& value, const term* id, std::string_view part,
                          std::string_view expected) {
  throw child_spec_error(detail::pair(what, value), "the " + std::string(part) + of_child(id) + " is " +
                                                        value.to_string() + "; expected " + std::string(expected));
}

void check_modules(const term& modules, const term* id) {
  if (modules.is_atom("dynamic"_atom)) return;
  if (!modules.is_list()) invalid("invalid_modules"_atom, modules, id, "modules", "dynamic or a list of atoms");
  for (const term& m : modules.elements())
    if (!m.is_atom()) invalid("invalid_module"_atom, m, id, "list of modules", "atoms in it");
}

}  // namespace

child_start child_start::named(const process_name& name, std::vector<term> arguments) {
  child_start found;
  {
    factories& f = factories::all();
    const std::lock_guard lock(f.mutex);
    const auto it = f.by_name.find(name.atom());
    if (it != f.by_name.end()) found = it->second;
  }
  if (!found) {
    const std::string text = term(name.atom()).to_string();
    throw child_spec_error(detail::pair("no_child_factory"_atom, name.atom()),
                           "no child factory is registered as " + text + "; call register_child_factory(\"" + text +
                               "\", child_of<...>(...)) before");
  }
  return child_start(std::make_shared<const named_starter>(name.atom(), std::move(found), std::move(arguments)));
}

term child_start::to_term() const {
  return starter_ ? starter_->to_term() : term();
}

void register_child_factory(const process_name& name, child_start start) {
  if (!start) throw usage_error("troupe: register_child_factory was given nothing to start");
  factories& f = factories::all();
  const std::lock_guard lock(f.mutex);
  f.by_name[name.atom()] = std::move(start);
}

term child_shutdown::to_term() const {
  if (brutal_) return "brutal_kill"_atom;
  if (bound_ == infinity) return "infinity"_atom;
  return std::chrono::duration_cast<std::chrono::milliseconds>(bound_).count();
}

child_spec_error::child_spec_error(term reason, const std::string& what)
    : std::invalid_argument("troupe: " + what), reason_(std::move(reason)) {}

term child_spec::to_term() const {
  return term::map({{"id"_atom, id.value()},
                    {"start"_atom, start.to_term()},
                    {"restart"_atom, detail::restart_term(restart)},
                    {"significant"_atom, significant},
                    {"shutdown"_atom, detail::shutdown_of(*this).to_term()},
                    {"type"_atom, detail::type_term(detail::type_of(*this))},
                    {"modules"_atom, detail::modules_of(*this)}});
}

namespace {

restart restart_from(const term& value, const term* id) {
  if (value.is_atom("permanent"_atom)) return restart::permanent;
  if (value.is_atom("transient"_atom)) return restart::transient;
  if (value.is_atom("temporary"_atom)) return restart::temporary;
  invalid("invalid_restart_type"_atom, value, id, "restart", "permanent, transient or temporary");
}

child_type type_from(const term& value, const term* id) {
  if (value.is_atom("worker"_atom)) return child_type::worker;
  if (value.is_atom("supervisor"_atom)) return child_type::supervisor;
  invalid("invalid_child_type"_atom, value, id, "type", "worker or supervisor");
}

child_shutdown shutdown_from(const term& value, const term* id) {
  if (value.is_atom("brutal_kill"_atom)) return brutal_kill;
  if (value.is_atom("infinity"_atom)) return infinity;
  if (value.is_integer() && !value.is_big() && value.as_integer() >= 0)
    return std::chrono::duration<std::int64_t, std::milli>(value.as_integer());
  invalid("invalid_shutdown"_atom, value, id, "shutdown", "brutal_kill, infinity or milliseconds");
}

child_start start_from(const term& value, const term* id) {
  if (!value.is_tuple() || value.size() != 3 || !value[0].is_atom() || !value[1].is_atom() || !value[2].is_list())
    invalid("invalid_mfa"_atom, value, id, "start", "{Module, Function, Arguments}");
  const auto arguments = value[2].elements();
  return child_start::named(value[0].as_atom(), {arguments.begin(), arguments.end()});
}

}  // namespace

child_spec child_spec_from_term(const term& from) {
  return detail::spec_from_term(from, start_from);
}

child_spec detail::spec_from_term(const term& from, child_start (*make_start)(const term& mfa, const term* id)) {
  term map = from;
  if (from.is_tuple() && from.size() == 6)
    map = term::map({{"id"_atom, from[0]},
                     {"start"_atom, from[1]},
                     {"restart"_atom, from[2]},
                     {"shutdown"_atom, from[3]},
                     {"type"_atom, from[4]},
                     {"modules"_atom, from[5]}});
  if (!map.is_map())
    throw child_spec_error(detail::pair("invalid_child_spec"_atom, from),
                           "no specification of a child: " + from.to_string() + "; expected a map");
  child_spec spec;
  const term* id = map.find("id"_atom);
  if (id == nullptr) throw child_spec_error("missing_id"_atom, "a child has no id: " + from.to_string());
  spec.id = *id;
  const term* start = map.find("start"_atom);
  if (start == nullptr) throw child_spec_error("missing_start"_atom, "there is no start" + of_child(id));
  spec.start = make_start(*start, id);
  if (const term* r = map.find("restart"_atom)) spec.restart = restart_from(*r, id);
  if (const term* s = map.find("significant"_atom)) {
    if (!s->is_atom("true"_atom) && !s->is_atom("false"_atom))
      invalid("invalid_significant"_atom, *s, id, "significant", "true or false");
    spec.significant = s->as_bool();
  }
  // Where Erlang says nothing a child is a worker.
  const term* type = map.find("type"_atom);
  spec.type = type == nullptr ? child_type::worker : type_from(*type, id);
  if (const term* s = map.find("shutdown"_atom)) spec.shutdown = shutdown_from(*s, id);
  if (const term* m = map.find("modules"_atom)) {
    check_modules(*m, id);
    spec.modules = *m;
  }
  return spec;
}

namespace detail {

start_result arguments_do_not_fit(const std::vector<term>& later_arguments) {
  start_result result;
  result.what = start_result::outcome::failed;
  result.reason = detail::pair("badarg"_atom, term::list(later_arguments));
  return result;
}

start_result name_is_taken(context& self, const process_name& name) {
  start_result result;
  result.what = start_result::outcome::failed;
  result.reason = detail::pair("already_started"_atom, self.whereis(name));
  return result;
}

term opaque_argument() {
  return "opaque"_atom;
}

term start_term(std::string_view module, atom function, std::vector<term> arguments) {
  return term::tuple({atom(module), function, term::list(std::move(arguments))});
}

child_type type_of(const child_spec& spec) noexcept {
  return spec.type ? *spec.type : spec.start.is_supervisor() ? child_type::supervisor : child_type::worker;
}

child_shutdown shutdown_of(const child_spec& spec) noexcept {
  if (spec.shutdown) return *spec.shutdown;
  if (type_of(spec) == child_type::supervisor) return infinity;
  return std::chrono::seconds(5);
}

term modules_of(const child_spec& spec) {
  if (spec.modules) return *spec.modules;
  const term start = spec.start.to_term();
  return start.is_tuple() ? term::list({start[0]}) : term::list({});
}

term restart_term(restart r) {
  switch (r) {
    case restart::permanent: return "permanent"_atom;
    case restart::transient: return "transient"_atom;
    default: return "temporary"_atom;
  }
}

term type_term(child_type t) {
  return t == child_type::supervisor ? "supervisor"_atom : "worker"_atom;
}

void check_spec(const child_spec& spec, const std::optional<auto_shutdown>& rule) {
  if (!spec.id) throw child_spec_error("missing_id"_atom, "a child has no id: " + spec.to_term().to_string());
  const term* id = &spec.id.value();
  if (!spec.start) throw child_spec_error("missing_start"_atom, "there is no start" + of_child(id));
  const auto bad_combination = [&](const term& key, const term& value, const char* text) {
    throw child_spec_error(detail::pair("bad_combination"_atom,
                                        term::list({detail::pair(key, value), detail::pair("significant"_atom, true)})),
                           "the child " + id->to_string() + " is significant, " + text);
  };
  if (spec.significant && rule == auto_shutdown::never)
    bad_combination("auto_shutdown"_atom, "never"_atom,
                    "but the supervisor's auto_shutdown is never; expected any_significant or all_significant");
  if (spec.significant && spec.restart == restart::permanent)
    bad_combination("restart"_atom, "permanent"_atom, "but permanent; expected transient or temporary");
  if (spec.shutdown && !spec.shutdown->is_brutal() && spec.shutdown->bound() < duration(0))
    invalid("invalid_shutdown"_atom, -1, id, "shutdown", "brutal_kill, infinity or a time that is not negative");
  if (spec.modules) check_modules(*spec.modules, id);
  if (spec.back_off) {
    const back_off& b = *spec.back_off;
    if (b.min < duration(0) || b.max < b.min || !(b.factor >= 1) || std::isinf(b.factor)) {
      const term value = term::tuple({b.min.count(), b.max.count(), std::isfinite(b.factor) ? term(b.factor) : term()});
      invalid("invalid_back_off"_atom, value, id, "back_off (min and max in ns, factor)",
              "0 <= min <= max and a factor of 1 or more");
    }
  }
}

void check_specs(const std::vector<child_spec>& specs, const std::optional<auto_shutdown>& rule) {
  boost::unordered::unordered_flat_set<term, std::hash<term>> ids;
  for (const child_spec& spec : specs) {
    check_spec(spec, rule);
    if (!ids.insert(spec.id.value()).second)
      throw child_spec_error(detail::pair("duplicate_child_name"_atom, spec.id.value()),
                             "two children have the id " + spec.id.value().to_string());
  }
}

}  // namespace detail
}  // namespace troupe
