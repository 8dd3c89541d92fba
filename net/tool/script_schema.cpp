// SPDX-License-Identifier: BSL-1.0
// The table of steps as a JSON Schema, for editors, and as text, for people.
#include <troupe/net/tool/pattern.hpp>
#include <troupe/net/tool/script.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

json reference_to(const char* definition) {
  return {{"$ref", std::string("#/$defs/") + definition}};
}

json schema_of(field_kind kind) {
  switch (kind) {
    case field_kind::text: return {{"type", "string"}};
    case field_kind::name:
      return {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}, {"not", {{"const", "undefined"}}}};
    case field_kind::label: return {{"type", "string"}, {"pattern", "^[A-Za-z0-9_]+$"}};
    case field_kind::process: return reference_to("process");
    case field_kind::node: return {{"type", "string"}};
    case field_kind::node_kind: return {{"enum", {"process", "erlang"}}};
    case field_kind::node_pair:
      return {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 2}, {"maxItems", 2}};
    case field_kind::nodes: return {{"type", "object"}, {"additionalProperties", reference_to("node")}};
    case field_kind::factory: return reference_to("actor");
    case field_kind::application: return reference_to("application");
    case field_kind::function: return {{"type", "string"}, {"pattern", "^[^:]+:."}};
    case field_kind::message: return reference_to("message");
    case field_kind::expected: return reference_to("expected");
    case field_kind::value:
    case field_kind::reason:
    case field_kind::pattern: return json(true);
    case field_kind::arguments: return {{"type", "array"}};
    case field_kind::duration: return {{"type", "string"}, {"pattern", "^[0-9]+([.][0-9]+)?(ns|us|ms|s|min|h)$"}};
    case field_kind::count: return {{"type", "integer"}, {"minimum", 1}, {"maximum", 1'000'000'000}};
    case field_kind::flag: return {{"type", "boolean"}};
    case field_kind::files: return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case field_kind::bindings: return {{"type", "object"}};
    case field_kind::steps: return {{"type", "array"}, {"items", reference_to("step")}};
    case field_kind::branches: return {{"type", "array"}, {"minItems", 1}, {"items", schema_of(field_kind::steps)}};
  }
  return json(true);
}

json object_of(const std::vector<field>& fields) {
  json made{{"type", "object"}, {"additionalProperties", false}, {"properties", json::object()}};
  json required = json::array();
  for (const field& f : fields) {
    json one = schema_of(f.kind);
    if (one.is_object()) one["description"] = f.about;
    made["properties"][std::string(f.name)] = std::move(one);
    if (f.required) required.push_back(f.name);
  }
  if (!required.empty()) made["required"] = std::move(required);
  return made;
}

json message_schema(const actors& known, bool is_pattern) {
  json names = json::array(), properties = json::object();
  for (const std::string& name : known.message_names()) {
    if (std::count(names.begin(), names.end(), name) != 0) continue;
    names.push_back(name);
    json members = json::object();
    bool all_known = true;
    for (const message_type* m : known.find_messages(name)) {
      all_known = all_known && m->members_known;
      for (const std::string& member : m->members) members[member] = true;
    }
    json one{{"type", {"object", "string"}}};
    if (all_known) {
      one["properties"] = std::move(members);
      one["additionalProperties"] = false;
    }
    properties[name] = all_known ? one : json(true);
  }
  for (const std::string& word : pattern_words())
    if (is_pattern || (word != "$any_of" && word != "$at_least" && word != "$at_most")) properties[word] = true;
  if (is_pattern) names.push_back("_");
  json choices = json::array({{{"enum", names}},
                              {{"type", "string"}, {"pattern", "^\\$"}},
                              {{"type", "object"},
                               {"properties", properties},
                               {"additionalProperties", false},
                               {"minProperties", 1},
                               {"maxProperties", 1}},
                              // Of several keys: a map as it is.
                              {{"type", "object"}, {"propertyNames", {{"pattern", "^[^$]"}}}, {"minProperties", 2}},
                              {{"type", "array"}}});
  if (is_pattern) {
    choices.push_back({{"type", {"number", "boolean", "null"}}});
    choices.push_back({{"type", "object"}, {"required", {"$at_least", "$at_most"}}, {"maxProperties", 2}});
  }
  return {{"description", "a message: {\"name\": {\"member\": value}}, \"name\", or a term"},
          {"anyOf", std::move(choices)}};
}

}  // namespace

json schema(const actors& known) {
  json made = object_of(script_fields());
  made["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  made["title"] = "a script of troupe run";
  json steps = json::array();
  for (const step_kind& kind : step_kinds()) {
    std::vector<field> all{{kind.name, kind.kind, kind.about, true}};
    all.insert(all.end(), kind.fields.begin(), kind.fields.end());
    json one = object_of(all);
    one["description"] = kind.about;
    one["examples"] = json::array({json::parse(kind.example)});
    steps.push_back(std::move(one));
  }
  const auto one_of = [](const std::vector<std::string>& names, bool others) {
    json enumerated{{"enum", names}};
    if (others) enumerated = {{"anyOf", {enumerated, {{"type", "string"}, {"pattern", ":"}}}}};
    return enumerated;
  };
  made["$defs"] = {{"step", {{"oneOf", std::move(steps)}}},
                   {"node", object_of(node_fields())},
                   {"process",
                    {{"description", "a label, \"$x\", or a registered name"},
                     {"anyOf",
                      {{{"type", "string"}},
                       object_of({{"name", field_kind::name, "a registered name", true},
                                  {"on", field_kind::node, "on which node"}})}}}},
                   {"actor", one_of(known.factory_names(), true)},
                   {"application", one_of(known.application_names(), false)},
                   {"message", message_schema(known, false)},
                   {"expected", message_schema(known, true)}};
  return made;
}

std::string describe_steps() {
  std::string text;
  for (const step_kind& kind : step_kinds()) {
    text += std::string(kind.name) + "  " + std::string(kind.about) + "\n    " + std::string(kind.example) + "\n";
    for (const field& f : kind.fields)
      text += "      " + std::string(f.name) + std::string(f.name.size() < 10 ? 11 - f.name.size() : 1, ' ') +
              std::string(f.about) + (f.required ? " (needed)" : "") + "\n";
  }
  return text;
}

}  // namespace troupe::script
