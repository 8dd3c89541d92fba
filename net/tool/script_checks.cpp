// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/script_checks.hpp>

#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/tool/nearest.hpp>
#include <troupe/net/tool/pattern.hpp>
#include <troupe/net/tool/wording.hpp>

#include <algorithm>
#include <utility>

namespace troupe::script {

using nlohmann::json;

std::string kind_of(const json& j) {
  if (j.is_object()) return "an object";
  if (j.is_array()) return "a list";
  return shortened(j.dump(-1, ' ', false, json::error_handler_t::replace), 60);
}

bool is_label(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

namespace {

/// The label that a step gives to a process; empty when it gives none.
std::string label_given(const json& s, std::string_view verb) {
  if (verb != "spawn" && verb != "find" && verb != "application") return {};
  const json& named = s.contains("as") ? s["as"] : s[std::string(verb)];
  if (!named.is_string()) return {};
  const std::string text = named.get<std::string>();
  return s.contains("as") ? text : text.substr(0, text.find(':'));
}

}  // namespace

script_checks::script_checks(const document& doc, const actors& known)
    : doc_(doc), actors_(known), words_(known, pids_), node_names_{"here"}, labels_{"here", "self", "round"} {}

void script_checks::fail(const std::string& pointer, const std::string& what) const {
  throw script_error(doc_.file(), doc_.value_at(pointer), what);
}

void script_checks::fail_key(const std::string& pointer, const std::string& what) const {
  throw script_error(doc_.file(), doc_.key_at(pointer), what);
}

/// Runs f; what is wrong in a value gets its place in the file.
template <class F>
void script_checks::located(const std::string& pointer, const F& f) const {
  try {
    f();
  } catch (const value_error& e) {
    fail(pointer + e.pointer(), e.what());
  }
}

// --- names -----------------------------------------------------------------------------------------------------------

void script_checks::know_nodes(const std::vector<node_spec>& nodes) {
  nodes_ = nodes;
  for (const node_spec& n : nodes) {
    node_names_.push_back(n.name);
    labels_.insert(n.name);
  }
}

void script_checks::know_label(const std::string& name, const std::string& pointer, bool is_key) {
  std::string what;
  if (name == "self" || name == "here" || name == "round")
    what = "'" + name + "' cannot be given a value: $" + name + " has one of its own";
  else if (std::count(node_names_.begin(), node_names_.end(), name) != 0)
    what = "'" + name + "' is a node of this script: its name cannot be given to something else" +
           (is_key ? "" : "; \"as\" gives a process a label of its own");
  if (what.empty())
    labels_.insert(name);
  else if (is_key)
    fail_key(pointer, what);
  else
    fail(pointer, what);
}

void script_checks::know_labels(const json& steps, const std::string& pointer) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const json& s = steps[i];
    const std::string at = pointer_to(pointer, i);
    if (!s.is_object()) continue;
    for (const step_kind& kind : step_kinds()) {
      if (!s.contains(kind.name)) continue;
      const std::string given = label_given(s, kind.name);
      if (!given.empty()) know_label(given, pointer_to(at, s.contains("as") ? "as" : std::string(kind.name)), false);
      std::vector<field> all = kind.fields;
      all.push_back({kind.name, kind.kind, ""});
      for (const field& f : all) {
        if (!s.contains(f.name)) continue;
        const json& value = s[std::string(f.name)];
        if (f.kind == field_kind::pattern || f.kind == field_kind::expected)
          for (const std::string& name : variables_of(value)) labels_.insert(name);
        if (f.kind == field_kind::bindings && value.is_object())
          for (const auto& [name, v] : value.items())
            know_label(name, pointer_to(pointer_to(at, std::string(f.name)), name), true);
      }
    }
    // Once for a step, whatever kinds of steps it claims to be.
    if (s.contains("steps") && s["steps"].is_array()) know_labels(s["steps"], pointer_to(at, "steps"));
    if (s.contains("parallel") && s["parallel"].is_array())
      for (std::size_t b = 0; b < s["parallel"].size(); ++b)
        if (s["parallel"][b].is_array()) know_labels(s["parallel"][b], pointer_to(pointer_to(at, "parallel"), b));
  }
}

// --- keys ------------------------------------------------------------------------------------------------------------

void script_checks::check_keys(const json& object, const std::string& pointer, const std::vector<field>& fields,
                               const std::vector<std::string>& besides, const std::string& what) const {
  std::vector<std::string> names = besides;
  for (const field& f : fields) names.emplace_back(f.name);
  for (const auto& [key, value] : object.items())
    if (std::count(names.begin(), names.end(), key) == 0)
      fail_key(pointer_to(pointer, key), what + " has no '" + shortened(key, 60) + "'; " + suggestion(key, names));
  for (const field& f : fields)
    if (f.required && !object.contains(f.name))
      fail(pointer, what + " needs '" + std::string(f.name) + "': " + std::string(f.about));
}

void script_checks::check_text(const field& f, const json& value, const std::string& at) const {
  if (!value.is_string()) fail(at, "'" + std::string(f.name) + "' is a text, got " + kind_of(value));
}
void script_checks::check_node(const json& value, const std::string& at) const {
  if (!value.is_string()) fail(at, "expected the name of a node, got " + kind_of(value));
  const std::string name = value.get<std::string>();
  if (std::count(node_names_.begin(), node_names_.end(), name) == 0)
    fail(at, "there is no node '" + name + "'; " + suggestion(name, node_names_));
}
void script_checks::check_name(const field& f, const json& value, const std::string& at) const {
  check_text(f, value, at);
  const auto& name = value.get_ref<const std::string&>();
  if (!troupe::detail::is_atom_text(name) || name == "undefined")
    fail(at, "a process is registered under 1 to 255 characters that are not 'undefined', got '" + shortened(name, 60) +
                 "'");
}
void script_checks::check_function(const json& value, const std::string& at) const {
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || !troupe::detail::is_atom_text(text.substr(0, colon)) ||
      !troupe::detail::is_atom_text(text.substr(colon + 1)))
    fail(at, "expected \"module:function\", got " + kind_of(value));
}
void script_checks::check_known(const std::string& name, const std::string& at) const {
  if (labels_.count(name) == 0)
    fail(at, "nothing gives '$" + name + "' a value; " + suggestion(name, {labels_.begin(), labels_.end()}));
}
void script_checks::check_variables(const json& value, const std::string& at) const {
  const std::string variable = variable_of(value);
  if (!variable.empty()) check_known(variable, at);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) check_variables(value[i], pointer_to(at, i));
  if (!value.is_object()) return;
  if (value.contains("$term")) {
    located(at, [&] { words_.check_value(value); });
    const auto& text = value["$term"].get_ref<const std::string&>();
    for (const std::string& name : variables_of_term(text)) check_known(name, pointer_to(at, "$term"));
  }
  for (const auto& [key, v] : value.items())
    if (key != "$term") check_variables(v, pointer_to(at, key));
}
void script_checks::check_process(const json& value, const std::string& at) const {
  if (value.is_object()) {
    check_keys(value, at, {{"name", field_kind::name, "a registered name", true}, {"on", field_kind::node, ""}}, {},
               "a process");
    check_name({"name", field_kind::name, ""}, value["name"], pointer_to(at, "name"));
    if (value.contains("on")) check_node(value["on"], pointer_to(at, "on"));
    return;
  }
  if (!value.is_string())
    fail(at,
         "expected a process: a label, \"$x\", or {\"name\": \"registered\", \"on\": \"node\"}, got " + kind_of(value));
  std::string name = value.get<std::string>();
  if (name.starts_with('$')) name.erase(0, 1);
  if (labels_.count(name) == 0)
    fail(at, "no step gives a process the label '" + name + "'; " + suggestion(name, {labels_.begin(), labels_.end()}));
}

void script_checks::check(const field& f, const json& value, const std::string& at) const {
  switch (f.kind) {
    case field_kind::text: check_text(f, value, at); break;
    case field_kind::factory: check_text(f, value, at); break;
    case field_kind::label:
      check_text(f, value, at);
      if (!is_label(value.get<std::string>())) fail(at, "a label has letters, digits and _, got " + value.dump());
      break;
    case field_kind::name: check_name(f, value, at); break;
    case field_kind::function: check_function(value, at); break;
    case field_kind::application:
      check_text(f, value, at);
      if (actors_.find_application(value.get<std::string>()) == nullptr)
        fail(at, "there is no application " + value.dump() + "; " +
                     suggestion(value.get<std::string>(), actors_.application_names()));
      break;
    case field_kind::process: check_process(value, at); break;
    case field_kind::node: check_node(value, at); break;
    case field_kind::node_kind:
      if (value != "process" && value != "erlang")
        fail(at, "a node is a \"process\" or \"erlang\", got " + kind_of(value) +
                     (value.is_string() ? "; " + suggestion(value.get<std::string>(), {"process", "erlang"}) : ""));
      break;
    case field_kind::node_pair:
      if (!value.is_array() || value.size() != 2)
        fail(at, "expected two nodes, [\"here\", \"b\"], got " + kind_of(value));
      check_node(value[0], pointer_to(at, std::size_t{0}));
      check_node(value[1], pointer_to(at, std::size_t{1}));
      if (value[0] == value[1]) fail(at, "expected two nodes, got the same one twice");
      break;
    case field_kind::message:
      located(at, [&] { words_.check_message(value, false); });
      check_variables(value, at);
      break;
    case field_kind::expected: located(at, [&] { words_.check_message(value, true); }); [[fallthrough]];
    case field_kind::pattern: located(at, [&] { check_pattern(value, words_); }); break;
    case field_kind::reason:
      if (value.is_string() && troupe::detail::count_code_points(value.get_ref<const std::string&>()) > 255)
        fail(at, "a text as a reason is an atom, which has at most 255 characters");
      [[fallthrough]];
    case field_kind::value:
      located(at, [&] { words_.check_value(value); });
      check_variables(value, at);
      break;
    case field_kind::arguments:
      if (!value.is_array()) fail(at, "'" + std::string(f.name) + "' is a list, got " + kind_of(value));
      check_variables(value, at);
      break;
    case field_kind::duration:
      if (!value.is_string() || !duration_of(value.get<std::string>()))
        fail(at, "expected a time: a number and ns, us, ms, s, min or h, such as \"100ms\", got " + kind_of(value));
      break;
    case field_kind::count:
      if (!value.is_number_integer() || value < 1 || value > 1'000'000'000)
        fail(at, "expected a number from 1 to 1000000000, got " + kind_of(value));
      break;
    case field_kind::flag:
      if (!value.is_boolean()) fail(at, "'" + std::string(f.name) + "' is true or false, got " + kind_of(value));
      break;
    case field_kind::files:
      if (!value.is_array() || !std::all_of(value.begin(), value.end(), [](const json& j) { return j.is_string(); }))
        fail(at, "'" + std::string(f.name) + "' is a list of paths, got " + kind_of(value));
      break;
    case field_kind::bindings:
      if (!value.is_object()) fail(at, "expected an object, {\"x\": 1}, got " + kind_of(value));
      for (const auto& [name, v] : value.items()) {
        if (!is_label(name)) fail_key(pointer_to(at, name), "a variable has letters, digits and _, got '" + name + "'");
        check_variables(v, pointer_to(at, name));
      }
      break;
    case field_kind::branches:
      if (!value.is_array() || value.empty()) fail(at, "expected a list of lists of steps, got " + kind_of(value));
      break;
    case field_kind::nodes:
    case field_kind::steps: break;  // looked at where they are parsed
  }
}

// --- a whole step ---------------------------------------------------------------------------------------------------

void script_checks::check_step(const step& made) const {
  const std::string_view verb = made.kind->name;
  if ((verb == "rpc" || verb == "monitor_nodes") && nodes_.empty())
    fail(made.pointer, "the step '" + std::string(verb) + "' is for scripts with nodes: this one has none");
  if (const json* arguments = made.find("arguments"); verb == "rpc" && arguments != nullptr)
    located(pointer_to(made.pointer, "arguments"), [&] { words_.check_value(*arguments); });
  if (verb == "spawn") check_spawn(made);
}

/// The factory's arguments, when nothing in them is known only later.
void script_checks::check_spawn(const step& made) const {
  const std::string name = made.subject().get<std::string>();
  const std::string node = made.text("on", "here");
  const std::string at = pointer_to(made.pointer, "spawn");
  const bool erlang =
      std::any_of(nodes_.begin(), nodes_.end(), [&](const node_spec& n) { return n.erlang && n.name == node; });
  if (erlang != (name.find(':') != std::string::npos))
    fail(at, erlang ? "an Erlang node's processes are started by \"module:function\", got '" + name + "'"
                    : "\"module:function\" is for Erlang nodes; '" + node + "' is none");
  const json none = json::array();
  const json* given = made.find("arguments");
  const json& arguments = given == nullptr ? none : *given;
  if (erlang) {
    check_function(made.subject(), at);
    located(pointer_to(made.pointer, "arguments"), [&] { words_.check_value(arguments); });
    return;
  }
  const factory* found = actors_.find(name);
  if (found == nullptr) fail(at, "there is no actor '" + name + "'; " + suggestion(name, actors_.factory_names()));
  if (arguments.size() != found->parameters.size()) {
    std::string takes;
    for (const std::string& p : found->parameters) takes += (takes.empty() ? "" : ", ") + p;
    fail(given == nullptr ? made.pointer : pointer_to(made.pointer, "arguments"),
         "the actor '" + name + "' takes " + std::to_string(found->parameters.size()) + " arguments" +
             (takes.empty() ? "" : " (" + takes + ")") + ", got " + std::to_string(arguments.size()));
  }
  if (!variables_of(arguments).empty()) return;  // they are not known yet
  try {
    found->decode(words_.arguments(arguments, {}));
  } catch (const decode_error& e) {
    fail(pointer_to(made.pointer, "arguments"),
         "the arguments of '" + name + "': expected " + e.expected() + ", got " + e.got());
  }
}

}  // namespace troupe::script
