// SPDX-License-Identifier: BSL-1.0
// The parser: a script's JSON, by the table of step_table.hpp.
#include <troupe/net/tool/nearest.hpp>
#include <troupe/net/tool/pattern.hpp>
#include <troupe/net/tool/script.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

std::string kind_of(const json& j) {
  if (j.is_object()) return "an object";
  if (j.is_array()) return "a list";
  std::string text = j.dump();
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

bool is_label(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// The label that a step gives to a process; empty when it gives none.
std::string label_given(const json& s, std::string_view verb) {
  if (verb != "spawn" && verb != "find" && verb != "application") return {};
  const json& named = s.contains("as") ? s["as"] : s[std::string(verb)];
  if (!named.is_string()) return {};
  const std::string text = named.get<std::string>();
  return s.contains("as") ? text : text.substr(0, text.find(':'));
}

class parser {
 public:
  parser(const document& doc, const actors& known) : doc_(doc), actors_(known), words_(known, pids_) {}

  script parse() {
    const json& root = doc_.root();
    if (!root.is_object()) fail("", "expected an object, {\"title\": ..., \"steps\": [...]}, got " + kind_of(root));
    script made;
    made.file = doc_.file();
    check_keys(root, "", script_fields(), {}, "a script");
    if (root.contains("nodes")) parse_nodes(root["nodes"], "/nodes", made);
    node_names_.push_back("here");
    for (const node_spec& n : made.nodes) node_names_.push_back(n.name);
    for (const char* name : {"self", "round"}) labels_.insert(name);
    labels_.insert(node_names_.begin(), node_names_.end());
    if (root["steps"].is_array()) collect_labels(root["steps"]);
    for (const field& f : script_fields())
      if (root.contains(f.name) && f.kind != field_kind::steps)
        check(f, root[std::string(f.name)], pointer_to("", std::string(f.name)));
    made.title = root["title"].get<std::string>();
    script_ = &made;
    made.steps = parse_steps(root["steps"], "/steps", "");
    return made;
  }

 private:
  [[noreturn]] void fail(const std::string& pointer, const std::string& what) const {
    throw script_error(doc_.file(), doc_.value_at(pointer), what);
  }
  [[noreturn]] void fail_key(const std::string& pointer, const std::string& what) const {
    throw script_error(doc_.file(), doc_.key_at(pointer), what);
  }

  /// Runs f; what is wrong in a value gets its place in the file.
  template <class F>
  void located(const std::string& pointer, const F& f) const {
    try {
      f();
    } catch (const value_error& e) {
      fail(pointer + e.pointer(), e.what());
    }
  }

  void check_keys(const json& object, const std::string& pointer, const std::vector<field>& fields,
                  const std::vector<std::string>& besides, const std::string& what) const {
    std::vector<std::string> names = besides;
    for (const field& f : fields) names.emplace_back(f.name);
    for (const auto& [key, value] : object.items())
      if (std::count(names.begin(), names.end(), key) == 0)
        fail_key(pointer_to(pointer, key), what + " has no '" + key + "'; " + suggestion(key, names));
    for (const field& f : fields)
      if (f.required && !object.contains(f.name))
        fail(pointer, what + " needs '" + std::string(f.name) + "': " + std::string(f.about));
  }

  void parse_nodes(const json& nodes, const std::string& pointer, script& made) const {
    if (!nodes.is_object()) fail(pointer, "expected an object, {\"b\": {}}, got " + kind_of(nodes));
    for (const auto& [name, said] : nodes.items()) {
      const std::string here = pointer_to(pointer, name);
      if (!is_label(name) || name == "here")
        fail_key(here, "a node is named by letters, digits and _, and not 'here', got '" + name + "'");
      if (!said.is_object()) fail(here, "expected an object, {} or {\"kind\": \"erlang\"}, got " + kind_of(said));
      check_keys(said, here, node_fields(), {}, "a node");
      for (const field& f : node_fields())
        if (said.contains(f.name)) check(f, said[std::string(f.name)], pointer_to(here, std::string(f.name)));
      node_spec spec;
      spec.name = name;
      spec.erlang = said.value("kind", "process") == "erlang";
      spec.started = said.value("started", true);
      if (said.contains("modules")) spec.modules = said["modules"].get<std::vector<std::string>>();
      made.nodes.push_back(std::move(spec));
    }
  }

  /// Every name that a step gives, wherever it stands.
  void collect_labels(const json& steps) {
    for (const json& s : steps) {
      if (!s.is_object()) continue;
      for (const step_kind& kind : step_kinds()) {
        if (!s.contains(kind.name)) continue;
        const std::string given = label_given(s, kind.name);
        if (!given.empty()) labels_.insert(given);
        std::vector<field> all = kind.fields;
        all.push_back({kind.name, kind.kind, ""});
        for (const field& f : all) {
          if (!s.contains(f.name)) continue;
          const json& value = s[std::string(f.name)];
          if (f.kind == field_kind::pattern || f.kind == field_kind::expected)
            for (const std::string& name : variables_of(value)) labels_.insert(name);
          if (f.kind == field_kind::bindings && value.is_object())
            for (const auto& [name, v] : value.items()) labels_.insert(name);
          if (f.kind == field_kind::steps && value.is_array()) collect_labels(value);
          if (f.kind == field_kind::branches && value.is_array())
            for (const json& branch : value)
              if (branch.is_array()) collect_labels(branch);
        }
      }
    }
  }

  std::vector<step> parse_steps(const json& list, const std::string& pointer, const std::string& prefix) const {
    if (!list.is_array()) fail(pointer, "expected a list of steps, got " + kind_of(list));
    std::vector<step> steps;
    for (std::size_t i = 0; i < list.size(); ++i)
      steps.push_back(parse_step(list[i], pointer_to(pointer, i), prefix + std::to_string(i + 1)));
    return steps;
  }

  step parse_step(const json& written, const std::string& pointer, const std::string& number) const {
    if (!written.is_object())
      fail(pointer, "expected a step, such as {\"send\": \"tick\", \"to\": \"c\"}, got " + kind_of(written));
    step made;
    made.written = written;
    made.pointer = pointer;
    made.where = doc_.value_at(pointer);
    made.number = number;
    std::vector<std::string> verbs;
    for (const step_kind& kind : step_kinds()) verbs.emplace_back(kind.name);
    // "note" goes with every other step, and "expect" is a key of call and rpc.
    std::vector<const step_kind*> named;
    for (const step_kind& kind : step_kinds()) {
      if (!written.contains(kind.name)) continue;
      const bool key_of_another = std::any_of(step_kinds().begin(), step_kinds().end(), [&](const step_kind& other) {
        return &other != &kind && written.contains(other.name) &&
               std::any_of(other.fields.begin(), other.fields.end(),
                           [&](const field& f) { return f.name == kind.name; });
      });
      if (!key_of_another) named.push_back(&kind);
    }
    if (named.size() > 1)
      fail_key(pointer_to(pointer, std::string(named[1]->name)), "one step cannot be '" + std::string(named[0]->name) +
                                                                     "' and '" + std::string(named[1]->name) +
                                                                     "': make two of it");
    if (named.empty()) fail_unknown_step(written, pointer, verbs);
    made.kind = named[0];
    const std::string verb(made.kind->name);
    check_keys(written, pointer, made.kind->fields, {verb}, "the step '" + verb + "'");
    check({made.kind->name, made.kind->kind, made.kind->about}, made.subject(), pointer_to(pointer, verb));
    for (const field& f : made.kind->fields)
      if (const json* value = made.find(f.name)) check(f, *value, pointer_to(pointer, std::string(f.name)));
    if (verb == "spawn") check_spawn(made);
    add_blocks(made);
    return made;
  }

  [[noreturn]] void fail_unknown_step(const json& written, const std::string& pointer,
                                      const std::vector<std::string>& verbs) const {
    // The key that is most like a step's is the one that was meant.
    std::string key;
    std::size_t best = 1000;
    std::vector<std::string> others;
    for (const step_kind& kind : step_kinds())
      for (const field& f : kind.fields) others.emplace_back(f.name);
    for (const auto& [k, v] : written.items()) {
      if (std::count(others.begin(), others.end(), k) != 0) continue;
      for (const std::string& verb : verbs)
        if (const std::size_t distance = edit_distance(k, verb); distance < best) best = distance, key = k;
    }
    if (key.empty()) fail(pointer, "this step does not say what it is; " + suggestion("", verbs));
    fail_key(pointer_to(pointer, key), "there is no step '" + key + "'; " + suggestion(key, verbs));
  }

  void add_blocks(step& made) const {
    if (const json* steps = made.find("steps"))
      made.blocks.push_back(parse_steps(*steps, pointer_to(made.pointer, "steps"), made.number + "."));
    if (made.kind->kind != field_kind::branches) return;
    const std::string at = pointer_to(made.pointer, std::string(made.kind->name));
    for (std::size_t i = 0; i < made.subject().size(); ++i)
      made.blocks.push_back(
          parse_steps(made.subject()[i], pointer_to(at, i), made.number + static_cast<char>('a' + i % 26) + "."));
  }

  /// The factory's arguments, when nothing in them is known only later.
  void check_spawn(const step& made) const {
    const std::string name = made.subject().get<std::string>();
    const std::string node = made.text("on", "here");
    const node_spec* spec = script_ == nullptr ? nullptr : script_->find_node(node);
    const std::string at = pointer_to(made.pointer, "spawn");
    const bool erlang = spec != nullptr && spec->erlang;
    if (erlang != (name.find(':') != std::string::npos))
      fail(at, erlang ? "an Erlang node's processes are started by \"module:function\", got '" + name + "'"
                      : "\"module:function\" is for Erlang nodes; '" + node + "' is none");
    if (erlang) return;
    const factory* found = actors_.find(name);
    if (found == nullptr) fail(at, "there is no actor '" + name + "'; " + suggestion(name, actors_.factory_names()));
    const json none = json::array();
    const json* given = made.find("arguments");
    const json& arguments = given == nullptr ? none : *given;
    if (arguments.size() != found->parameters.size()) {
      std::string takes;
      for (const std::string& p : found->parameters) takes += (takes.empty() ? "" : ", ") + p;
      fail(given == nullptr ? made.pointer : pointer_to(made.pointer, "arguments"),
           "the actor '" + name + "' takes " + std::to_string(found->parameters.size()) + " arguments" +
               (takes.empty() ? "" : " (" + takes + ")") + ", got " + std::to_string(arguments.size()));
    }
    if (!variables_of(arguments).empty()) return;
    try {
      found->decode(words_.arguments(arguments, {}));
    } catch (const decode_error& e) {
      fail(pointer_to(made.pointer, "arguments"),
           "the arguments of '" + name + "': expected " + e.expected() + ", got " + e.got());
    }
  }

  void check_text(const field& f, const json& value, const std::string& at) const {
    if (!value.is_string()) fail(at, "'" + std::string(f.name) + "' is a text, got " + kind_of(value));
  }
  void check_node(const json& value, const std::string& at) const {
    if (!value.is_string()) fail(at, "expected the name of a node, got " + kind_of(value));
    const std::string name = value.get<std::string>();
    if (std::count(node_names_.begin(), node_names_.end(), name) == 0)
      fail(at, "there is no node '" + name + "'; " + suggestion(name, node_names_));
  }
  void check_variables(const json& value, const std::string& at) const {
    const std::string name = variable_of(value);
    if (!name.empty() && labels_.count(name) == 0)
      fail(at, "nothing gives '$" + name + "' a value; " + suggestion(name, {labels_.begin(), labels_.end()}));
    if (value.is_array())
      for (std::size_t i = 0; i < value.size(); ++i) check_variables(value[i], pointer_to(at, i));
    if (value.is_object())
      for (const auto& [key, v] : value.items()) check_variables(v, pointer_to(at, key));
  }
  void check_process(const json& value, const std::string& at) const {
    if (value.is_object()) {
      check_keys(value, at, {{"name", field_kind::text, "a registered name", true}, {"on", field_kind::node, ""}}, {},
                 "a process");
      check_text({"name", field_kind::text, ""}, value["name"], pointer_to(at, "name"));
      if (value.contains("on")) check_node(value["on"], pointer_to(at, "on"));
      return;
    }
    if (!value.is_string())
      fail(at, "expected a process: a label, \"$x\", or {\"name\": \"registered\", \"on\": \"node\"}, got " +
                   kind_of(value));
    std::string name = value.get<std::string>();
    if (name.starts_with('$')) name.erase(0, 1);
    if (labels_.count(name) == 0)
      fail(at,
           "no step gives a process the label '" + name + "'; " + suggestion(name, {labels_.begin(), labels_.end()}));
  }

  void check(const field& f, const json& value, const std::string& at) const {
    switch (f.kind) {
      case field_kind::text: check_text(f, value, at); break;
      case field_kind::factory: check_text(f, value, at); break;
      case field_kind::label:
        check_text(f, value, at);
        if (!is_label(value.get<std::string>())) fail(at, "a label has letters, digits and _, got " + value.dump());
        break;
      case field_kind::function:
        check_text(f, value, at);
        if (value.get<std::string>().find(':') == std::string::npos)
          fail(at, "expected \"module:function\", got " + value.dump());
        break;
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
      case field_kind::value: check_variables(value, at); break;
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
          if (!is_label(name))
            fail_key(pointer_to(at, name), "a variable has letters, digits and _, got '" + name + "'");
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

  const document& doc_;
  const actors& actors_;
  mutable identities pids_;
  vocabulary words_;
  const script* script_ = nullptr;
  std::vector<std::string> node_names_;
  std::set<std::string> labels_;
};

}  // namespace

script parse_script(std::string file, const std::string& text, const actors& known) {
  const document doc(std::move(file), text);
  return parser(doc, known).parse();
}

}  // namespace troupe::script
