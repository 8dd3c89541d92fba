// SPDX-License-Identifier: BSL-1.0
// Specifications of children, and whole supervisors, from JSON.
#include <troupe/actors/behaviours/supervisor.hpp>
#include <troupe/mailbox/json_terms.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

using nlohmann::json;

[[noreturn]] void wrong(const std::string& path, std::string_view expected, const json& got) {
  const std::string where = path.empty() ? std::string("/") : path;
  throw child_spec_error(term::tuple({"invalid_json"_atom, where}),
                         where + ": expected " + std::string(expected) + ", got " + detail::print_json(got));
}

std::string below(const std::string& path, std::string_view key) {
  std::string longer = path;
  detail::append_step(longer, key);
  return longer;
}

const json& object_at(const json& from, const std::string& path, std::initializer_list<std::string_view> known) {
  if (!from.is_object()) wrong(path, "an object", from);
  for (const auto& item : from.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    std::string names;
    for (const std::string_view k : known) names += (names.empty() ? "" : ", ") + std::string(k);
    wrong(below(path, item.key()), "one of the keys " + names, item.value());
  }
  return from;
}

/// The member, null when there is none.
const json* member(const json& from, const char* key) {
  const auto it = from.find(key);
  return it == from.end() ? nullptr : &*it;
}

template <class E, std::size_t N>
E one_of(const json& from, const std::string& path, const std::array<std::pair<const char*, E>, N>& values,
         std::string_view expected) {
  if (from.is_string())
    for (const auto& [name, value] : values)
      if (from.get_ref<const std::string&>() == name) return value;
  wrong(path, expected, from);
}

atom atom_at(const json& from, const std::string& path) {
  if (!from.is_string()) wrong(path, "a name", from);
  try {
    return atom(std::string_view(from.get_ref<const std::string&>()));
  } catch (const std::invalid_argument&) {
    wrong(path, "a name of at most 255 characters", from);
  }
}

detail::duration milliseconds_at(const json& from, const std::string& path, std::string_view expected) {
  if (!from.is_number_integer() || from.is_number_float() ||
      (!from.is_number_unsigned() && from.get<std::int64_t>() < 0))
    wrong(path, expected, from);
  return detail::patience_of(std::chrono::duration<std::uint64_t, std::milli>(from.get<std::uint64_t>()));
}

term term_at(const json& from, const std::string& path) {
  try {
    return detail::term_of_json(from, own_node(), path);
  } catch (const decode_error& e) {
    throw child_spec_error(term::tuple({"invalid_json"_atom, e.path()}), e.what());
  }
}

child_shutdown shutdown_at(const json& from, const std::string& path) {
  if (from == "brutal_kill") return brutal_kill;
  if (from == "infinity") return infinity;
  return milliseconds_at(from, path, "milliseconds, infinity or brutal_kill");
}

back_off back_off_at(const json& from, const std::string& path) {
  object_at(from, path, {"min", "max", "factor"});
  back_off result;
  if (const json* v = member(from, "min")) result.min = milliseconds_at(*v, below(path, "min"), "milliseconds");
  if (const json* v = member(from, "max")) result.max = milliseconds_at(*v, below(path, "max"), "milliseconds");
  if (const json* v = member(from, "factor")) {
    if (!v->is_number() || v->get<double>() < 1) wrong(below(path, "factor"), "a number of 1 or more", *v);
    result.factor = v->get<double>();
  }
  if (result.max < result.min) wrong(path, "a min that is not above max", from);
  return result;
}

term modules_at(const json& from, const std::string& path) {
  if (from == "dynamic") return "dynamic"_atom;
  if (!from.is_array()) wrong(path, "dynamic or a list of names", from);
  std::vector<term> names;
  for (std::size_t i = 0; i < from.size(); ++i) names.emplace_back(atom_at(from[i], below(path, std::to_string(i))));
  return term::list(std::move(names));
}

child_start start_at(const json& from, const std::string& path) {
  const json* start = member(from, "start");
  const json* sup = member(from, "supervisor");
  if ((start == nullptr) == (sup == nullptr)) wrong(path, "either start or supervisor", from);
  if (sup != nullptr) {
    if (const json* a = member(from, "arguments")) wrong(below(path, "arguments"), "none beside supervisor", *a);
    start_options options;
    if (const json* name = member(from, "name")) options.name = atom_at(*name, below(path, "name"));
    supervisor_init init = supervisor_init_from_json(*sup, below(path, "supervisor"));
    return child_of<supervisor>(options, init.flags, std::move(init.children));
  }
  if (const json* name = member(from, "name")) wrong(below(path, "name"), "none without supervisor", *name);
  std::vector<term> arguments;
  if (const json* given = member(from, "arguments")) {
    const std::string there = below(path, "arguments");
    if (!given->is_array()) wrong(there, "a list", *given);
    for (std::size_t i = 0; i < given->size(); ++i)
      arguments.push_back(term_at((*given)[i], below(there, std::to_string(i))));
  }
  const std::string there = below(path, "start");
  const atom factory = atom_at(*start, there);
  try {
    return child_start::named(factory, std::move(arguments));
  } catch (const child_spec_error& e) {
    throw child_spec_error(e.reason(),
                           there + ": expected a name of register_child_factory, got " + detail::print_json(*start));
  }
}

child_spec spec_at(const json& from, const std::string& path) {
  object_at(from, path,
            {"id", "start", "arguments", "supervisor", "name", "restart", "shutdown", "type", "significant", "modules",
             "back_off"});
  child_spec spec;
  const json* id = member(from, "id");
  if (id == nullptr) wrong(path, "an id", from);
  spec.id = id->is_string() ? child_id(atom_at(*id, below(path, "id"))) : child_id(term_at(*id, below(path, "id")));
  spec.start = start_at(from, path);
  if (const json* v = member(from, "restart"))
    spec.restart =
        one_of(*v, below(path, "restart"),
               std::array{std::pair{"permanent", restart::permanent}, std::pair{"transient", restart::transient},
                          std::pair{"temporary", restart::temporary}},
               "permanent, transient or temporary");
  if (const json* v = member(from, "shutdown")) spec.shutdown = shutdown_at(*v, below(path, "shutdown"));
  if (const json* v = member(from, "type"))
    spec.type =
        one_of(*v, below(path, "type"),
               std::array{std::pair{"worker", child_type::worker}, std::pair{"supervisor", child_type::supervisor}},
               "worker or supervisor");
  if (const json* v = member(from, "significant")) {
    if (!v->is_boolean()) wrong(below(path, "significant"), "true or false", *v);
    spec.significant = v->get<bool>();
  }
  if (const json* v = member(from, "modules")) spec.modules = modules_at(*v, below(path, "modules"));
  if (const json* v = member(from, "back_off")) spec.back_off = back_off_at(*v, below(path, "back_off"));
  return spec;
}

std::vector<child_spec> children_at(const json& from, const std::string& path, std::optional<auto_shutdown> rule) {
  if (!from.is_array()) wrong(path, "a list of children", from);
  std::vector<child_spec> specs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::string there = below(path, std::to_string(i));
    specs.push_back(spec_at(from[i], there));
    try {
      detail::check_spec(specs.back(), rule);
      for (std::size_t k = 0; k + 1 < specs.size(); ++k)
        if (specs[k].id == specs.back().id) wrong(below(there, "id"), "an id that no other child has", from[i]["id"]);
    } catch (const child_spec_error& e) {
      const std::string text = e.what();
      if (text.find(there) != std::string::npos) throw;
      throw child_spec_error(e.reason(), there + ": " + text.substr(text.find(' ') + 1));
    }
  }
  return specs;
}

}  // namespace

std::vector<child_spec> child_specs_from_json(const json& from, const std::string& path) {
  return children_at(from, path, std::nullopt);
}

supervisor_init supervisor_init_from_json(const json& from, const std::string& path) {
  object_at(from, path, {"strategy", "intensity", "period", "auto_shutdown", "children"});
  supervisor_flags flags;
  if (const json* v = member(from, "strategy"))
    flags.strategy = one_of(
        *v, below(path, "strategy"),
        std::array{std::pair{"one_for_one", strategy::one_for_one}, std::pair{"one_for_all", strategy::one_for_all},
                   std::pair{"rest_for_one", strategy::rest_for_one},
                   std::pair{"simple_one_for_one", strategy::simple_one_for_one}},
        "one_for_one, one_for_all, rest_for_one or simple_one_for_one");
  if (const json* v = member(from, "intensity")) {
    if (!v->is_number_unsigned()) wrong(below(path, "intensity"), "an integer of 0 or more", *v);
    flags.intensity = v->get<std::int64_t>();
  }
  if (const json* v = member(from, "period")) {
    flags.period = milliseconds_at(*v, below(path, "period"), "milliseconds, above 0");
    if (flags.period == detail::duration(0)) wrong(below(path, "period"), "milliseconds, above 0", *v);
  }
  if (const json* v = member(from, "auto_shutdown"))
    flags.auto_shutdown = one_of(*v, below(path, "auto_shutdown"),
                                 std::array{std::pair{"never", auto_shutdown::never},
                                            std::pair{"any_significant", auto_shutdown::any_significant},
                                            std::pair{"all_significant", auto_shutdown::all_significant}},
                                 "never, any_significant or all_significant");
  const json* children = member(from, "children");
  if (children == nullptr) wrong(path, "children", from);
  return supervisor_init(flags, children_at(*children, below(path, "children"), flags.auto_shutdown));
}

}  // namespace troupe
