// SPDX-License-Identifier: BSL-1.0
// The parser: a script's JSON, by the table of step_table.hpp.
#include <troupe/net/tool/nearest.hpp>
#include <troupe/net/tool/script.hpp>
#include <troupe/net/tool/script_checks.hpp>
#include <troupe/net/tool/wording.hpp>

#include <algorithm>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

class parser {
 public:
  parser(const document& doc, const actors& known) : doc_(doc), checks_(doc, known) {}

  script parse() {
    const json& root = doc_.root();
    if (!root.is_object())
      checks_.fail("", "expected an object, {\"title\": ..., \"steps\": [...]}, got " + kind_of(root));
    script made;
    made.file = doc_.file();
    checks_.check_keys(root, "", script_fields(), {}, "a script");
    if (root.contains("nodes")) parse_nodes(root["nodes"], "/nodes", made);
    checks_.know_nodes(made.nodes);
    if (root["steps"].is_array()) checks_.know_labels(root["steps"], "/steps");
    for (const field& f : script_fields())
      if (root.contains(f.name) && f.kind != field_kind::steps)
        checks_.check(f, root[std::string(f.name)], pointer_to("", std::string(f.name)));
    made.title = root["title"].get<std::string>();
    made.steps = parse_steps(root["steps"], "/steps", "");
    return made;
  }

 private:
  void parse_nodes(const json& nodes, const std::string& pointer, script& made) const {
    if (!nodes.is_object()) checks_.fail(pointer, "expected an object, {\"b\": {}}, got " + kind_of(nodes));
    for (const auto& [name, said] : nodes.items()) {
      const std::string here = pointer_to(pointer, name);
      if (!is_label(name) || name.size() > 200)
        checks_.fail_key(here, "a node is named by up to 200 letters, digits and _, got '" + shortened(name, 60) + "'");
      if (name == "here" || name == "self" || name == "round")
        checks_.fail_key(here, "no node can be called '" + name + "': $" + name + " has a value of its own");
      if (!said.is_object())
        checks_.fail(here, "expected an object, {} or {\"kind\": \"erlang\"}, got " + kind_of(said));
      checks_.check_keys(said, here, node_fields(), {}, "a node");
      for (const field& f : node_fields())
        if (said.contains(f.name)) checks_.check(f, said[std::string(f.name)], pointer_to(here, std::string(f.name)));
      node_spec spec;
      spec.name = name;
      spec.erlang = said.value("kind", "process") == "erlang";
      spec.started = said.value("started", true);
      if (said.contains("modules")) spec.modules = said["modules"].get<std::vector<std::string>>();
      if (!spec.erlang && said.contains("modules"))
        checks_.fail_key(pointer_to(here, "modules"), "\"modules\" are of Erlang nodes: this one is none");
      made.nodes.push_back(std::move(spec));
    }
  }

  std::vector<step> parse_steps(const json& list, const std::string& pointer, const std::string& prefix) const {
    if (!list.is_array()) checks_.fail(pointer, "expected a list of steps, got " + kind_of(list));
    std::vector<step> steps;
    for (std::size_t i = 0; i < list.size(); ++i)
      steps.push_back(parse_step(list[i], pointer_to(pointer, i), prefix + std::to_string(i + 1)));
    return steps;
  }

  step parse_step(const json& written, const std::string& pointer, const std::string& number) const {
    if (!written.is_object())
      checks_.fail(pointer, "expected a step, such as {\"send\": \"tick\", \"to\": \"c\"}, got " + kind_of(written));
    step made;
    made.written = written;
    made.pointer = pointer;
    made.where = doc_.value_at(pointer);
    made.number = number;
    std::vector<std::string> verbs;
    for (const step_kind& kind : step_kinds()) verbs.emplace_back(kind.name);
    // "expect" is a step, and a key of call and rpc: then it does not count.
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
      checks_.fail_key(pointer_to(pointer, std::string(named[1]->name)),
                       "one step cannot be '" + std::string(named[0]->name) + "' and '" + std::string(named[1]->name) +
                           "': make two of it");
    if (named.empty()) fail_unknown_step(written, pointer, verbs);
    made.kind = named[0];
    const std::string verb(made.kind->name);
    checks_.check_keys(written, pointer, made.kind->fields, {verb}, "the step '" + verb + "'");
    checks_.check({made.kind->name, made.kind->kind, made.kind->about}, made.subject(), pointer_to(pointer, verb));
    for (const field& f : made.kind->fields)
      if (const json* value = made.find(f.name)) checks_.check(f, *value, pointer_to(pointer, std::string(f.name)));
    checks_.check_step(made);
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
    if (key.empty()) checks_.fail(pointer, "this step does not say what it is; " + suggestion("", verbs));
    checks_.fail_key(pointer_to(pointer, key),
                     "there is no step '" + shortened(key, 60) + "'; " + suggestion(key, verbs));
  }

  void add_blocks(step& made) const {
    if (const json* steps = made.find("steps"))
      made.blocks.push_back(parse_steps(*steps, pointer_to(made.pointer, "steps"), made.number + "."));
    if (made.kind->kind != field_kind::branches) return;
    const std::string at = pointer_to(made.pointer, std::string(made.kind->name));
    for (std::size_t i = 0; i < made.subject().size(); ++i)
      made.blocks.push_back(parse_steps(made.subject()[i], pointer_to(at, i), made.number + letters_of(i) + "."));
  }

  const document& doc_;
  script_checks checks_;
};

}  // namespace

script parse_script(std::string file, const std::string& text, const actors& known) {
  const document doc(std::move(file), text);
  return parser(doc, known).parse();
}

}  // namespace troupe::script
