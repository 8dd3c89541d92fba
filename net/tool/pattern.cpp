// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/pattern.hpp>

#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::script {

using nlohmann::json;

const std::vector<std::string>& pattern_words() {
  static const std::vector<std::string> words{"$any_of", "$at_least", "$at_most", "$term",          "$atom",
                                              "$tuple",  "$map",      "$binary",  "$improper_list", "$function"};
  return words;
}

namespace {

/// {"$atom": "ok"} may be written "ok".
bool same(const json& wanted, const json& got) {
  if (wanted == got) return true;
  const auto atom_text = [](const json& j) {
    return j.is_object() && j.size() == 1 && j.contains("$atom") ? j["$atom"] : j;
  };
  return (wanted.is_string() || got.is_string()) && atom_text(wanted) == atom_text(got);
}

/// What a term's text is as JSON, in which atoms that nobody else writes stand for wildcards and variables.
json json_of_term_text(const std::string& text, const variables& known, const vocabulary& words) {
  const auto print = [&](const json& value) { return words.erlang_text(value); };
  return words.show_value(words.pids().reveal(term::parse(expand_term_text(text, known, true, print))));
}

/// With wildcards and variables as they were written.
json as_written(json term_json) {
  const std::string name = marked_variable(term_json);
  if (!name.empty()) return json{{"$term", name == "_" ? name : "$" + name}};
  if (term_json.is_structured())
    for (json& part : term_json) part = as_written(std::move(part));
  return term_json;
}

/// The keys and values of a map, in either of its forms; nothing for what is none.
std::optional<std::vector<std::pair<json, json>>> pairs_of(const json& map) {
  if (!map.is_object()) return {};
  std::vector<std::pair<json, json>> pairs;
  if (map.size() == 1 && map.contains("$map") && map["$map"].is_array()) {
    for (const json& pair : map["$map"])
      if (pair.is_array() && pair.size() == 2) pairs.emplace_back(pair[0], pair[1]);
    return pairs;
  }
  for (const auto& [key, value] : map.items()) {
    if (key.starts_with('$')) return {};
    pairs.emplace_back(key, value);
  }
  return pairs;
}

bool is_only(const json& j, const char* key) {
  return j.is_object() && j.size() == 1 && j.contains(key);
}

bool is_improper_list(const json& j) {
  if (!is_only(j, "$improper_list")) return false;
  const json& parts = j["$improper_list"];
  return parts.is_array() && parts.size() == 2 && parts[0].is_array();
}

class matcher {
 public:
  matcher(variables& known, const vocabulary& words, std::vector<difference>* why, bool in_term = false)
      : known_(known), words_(words), why_(why), in_term_(in_term) {}

  bool match(const json& p, const json& got, const std::string& at) {
    const std::string name = in_term_ ? marked_variable(p) : p == "_" ? "_" : variable_of(p);
    if (name == "_") return true;
    if (!name.empty()) return match_variable(name, got, at);
    if (p.is_string() && in_term_) return p == got || differ(at, p, got);  // a text; an atom is another thing there
    if (p.is_string()) {
      const auto& text = p.get_ref<const std::string&>();
      return equal(text.starts_with("$$") ? json(text.substr(1)) : p, got, at);
    }
    if (p.is_array()) return match_array(p, got, at);
    if (!p.is_object()) return equal(p, got, at);
    if (!in_term_) {
      if (is_only(p, "$term") && p["$term"].is_string()) return match_term(p["$term"].get<std::string>(), got, at);
      if (is_only(p, "$any_of")) return match_any(p["$any_of"], got, at);
      if (p.contains("$at_least") || p.contains("$at_most")) return match_bounds(p, got, at);
    }
    if (is_improper_list(p)) return match_improper(p["$improper_list"], got, at);
    if (is_only(p, "$map") || (in_term_ && is_only(got, "$map"))) return match_map(p, got, at);
    if (is_only(p, "$atom")) return equal(p, got, at);
    return match_object(p, got, at);
  }

 private:
  bool differ(const std::string& at, std::string what) {
    if (why_ != nullptr) why_->push_back({at, std::move(what)});
    return false;
  }
  bool differ(const std::string& at, const json& wanted, const json& got) {
    return differ(at, "expected " + print(wanted) + ", got " + words_.print(got));
  }
  std::string print(const json& p) const { return words_.print(in_term_ ? as_written(p) : p); }
  bool equal(const json& wanted, const json& got, const std::string& at) {
    return same(wanted, got) || differ(at, wanted, got);
  }
  bool match_variable(const std::string& name, const json& got, const std::string& at) {
    const auto [where, is_new] = known_.emplace(name, got);
    if (is_new || same(where->second, got)) return true;
    return differ(at, "expected $" + name + ", which is " + words_.print(where->second) + ", got " + words_.print(got));
  }
  bool match_term(const std::string& text, const json& got, const std::string& at) {
    return matcher(known_, words_, why_, true).match(json_of_term_text(text, known_, words_), got, at);
  }
  bool match_bounds(const json& p, const json& got, const std::string& at) {
    const bool right = got.is_number() && (!p.contains("$at_least") || got >= p["$at_least"]) &&
                       (!p.contains("$at_most") || got <= p["$at_most"]);
    return right || differ(at, "expected a number that is " +
                                   (p.contains("$at_least") ? "at least " + p["$at_least"].dump() : std::string()) +
                                   (p.size() == 2 ? " and " : "") +
                                   (p.contains("$at_most") ? "at most " + p["$at_most"].dump() : std::string()) +
                                   ", got " + words_.print(got));
  }
  bool match_array(const json& p, const json& got, const std::string& at) {
    if (!got.is_array()) return differ(at, "expected a list, got " + words_.print(got));
    const bool open = !in_term_ && !p.empty() && p.back() == "...";
    const std::size_t wanted = p.size() - (open ? 1 : 0);
    if (open ? got.size() < wanted : got.size() != wanted)
      return differ(at, "expected " + std::to_string(wanted) + (open ? " or more" : "") + " elements, got " +
                            std::to_string(got.size()) + ": " + words_.print(got));
    bool right = true;
    for (std::size_t i = 0; i < wanted; ++i) right = match(p[i], got[i], pointer_to(at, i)) && right;
    return right;
  }
  /// [A, B | Tail]: the tail is what is left of a list.
  bool match_improper(const json& p, const json& got, const std::string& at) {
    const bool improper = is_improper_list(got);
    if (!improper && !got.is_array()) return differ(at, "expected a list, got " + words_.print(got));
    const json& heads = p[0];
    const json& elements = improper ? got["$improper_list"][0] : got;
    if (elements.size() < heads.size())
      return differ(at, "expected " + std::to_string(heads.size()) + " or more elements, got " +
                            std::to_string(elements.size()) + ": " + words_.print(got));
    bool right = true;
    for (std::size_t i = 0; i < heads.size(); ++i) right = match(heads[i], elements[i], pointer_to(at, i)) && right;
    json rest = json::array();
    for (std::size_t i = heads.size(); i < elements.size(); ++i) rest.push_back(elements[i]);
    if (improper) {
      json tail = got["$improper_list"][1];
      if (rest.empty())
        rest = std::move(tail);
      else
        rest = json{{"$improper_list", json::array({std::move(rest), std::move(tail)})}};
    }
    return match(p[1], rest, at) && right;
  }
  bool match_any(const json& choices, const json& got, const std::string& at) {
    for (const json& choice : choices) {
      variables tried = known_;
      if (matcher(tried, words_, nullptr).match(choice, got, at)) {
        known_ = std::move(tried);
        return true;
      }
    }
    return differ(at, "expected one of " + words_.print(choices) + ", got " + words_.print(got));
  }
  /// As Erlang does: these keys, and maybe others.
  bool match_map(const json& p, const json& got, const std::string& at) {
    const auto wanted = pairs_of(p), there = pairs_of(got);
    if (!wanted || !there) return differ(at, p, got);
    bool right = true;
    for (const auto& [key, value] : *wanted) {
      bool found = false;
      const json* other = nullptr;
      for (const auto& [k, v] : *there) {
        variables tried = known_;
        matcher quietly(tried, words_, nullptr, in_term_);
        if (!quietly.match(key, k, at)) continue;
        other = &v;
        found = quietly.match(value, v, at);
        if (found) known_ = std::move(tried);
        if (found) break;
      }
      if (found) continue;
      right = other != nullptr ? match(value, *other, pointer_to(at, print(key))) && false
                               : differ(at, "there is no key " + print(key) + " in " + words_.print(got));
    }
    return right;
  }
  bool match_object(const json& p, const json& got, const std::string& at) {
    // A struct without members is its name.
    if (!in_term_ && got.is_string() && p.size() == 1 && p.begin()->is_object() && p.begin()->empty())
      return equal(json(p.begin().key()), got, at);
    if (!got.is_object()) return differ(at, p, got);
    bool right = true;
    for (const auto& [key, value] : p.items()) {
      const auto found = got.find(key);
      if (found != got.end()) {
        right = match(value, *found, pointer_to(at, key)) && right;
        continue;
      }
      std::vector<std::string> names;
      for (const auto& [k, v] : got.items()) names.push_back(k);
      right = names.size() == 1 && p.size() == 1
                  ? differ(at, p, got)
                  : differ(at, "there is no member '" + key + "'; " + suggestion(key, names));
    }
    return right;
  }

  variables& known_;
  const vocabulary& words_;
  std::vector<difference>* why_;
  bool in_term_;  // the pattern is a term's JSON: texts are texts, and marked atoms are its variables
};

/// What stands behind a $word of a pattern.
void check_word(const std::string& key, const json& value, const vocabulary& words, const std::string& here) {
  const auto is_pair = [](const json& j) { return j.is_array() && j.size() == 2; };
  if (key == "$any_of" && (!value.is_array() || value.empty()))
    throw value_error(here, "expected a list of patterns, of which there is at least one");
  if ((key == "$at_least" || key == "$at_most") && !value.is_number()) throw value_error(here, "expected a number");
  if (key == "$atom" && !(value.is_string() && (value == "" || troupe::detail::is_atom_text(value.get<std::string>()))))
    throw value_error(here, "expected a text of at most 255 characters");
  if (key == "$tuple" && !value.is_array()) throw value_error(here, "expected a list");
  if (key == "$map" && !(value.is_array() && std::all_of(value.begin(), value.end(), is_pair)))
    throw value_error(here, "expected a list of [key, value]");
  if (key == "$improper_list" && !(is_pair(value) && value[0].is_array()))
    throw value_error(here, "expected [[element, ...], tail]");
  if (key != "$term") return;
  try {
    words.check_term(value, true);
  } catch (const value_error& e) {
    throw value_error(here, e.what());
  }
}

void check_at(const json& p, const vocabulary& words, const std::string& at) {
  if (p.is_array()) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] == "..." && i + 1 < p.size())
        throw value_error(pointer_to(at, i), "\"...\" is the rest of a list: nothing can stand behind it");
      check_at(p[i], words, pointer_to(at, i));
    }
    return;
  }
  if (!p.is_object()) return;
  for (const auto& [key, value] : p.items()) {
    const std::string here = pointer_to(at, key);
    if (key.starts_with('$')) {
      if (std::count(pattern_words().begin(), pattern_words().end(), key) == 0)
        throw value_error(here, "there is no '" + key + "' in patterns; " + suggestion(key, pattern_words()));
      const bool bounds = p.size() == 2 && p.contains("$at_least") && p.contains("$at_most");
      if (p.size() > 1 && !bounds) throw value_error(here, "'" + key + "' stands alone in its object");
      check_word(key, value, words, here);
    }
    if (key != "$term") check_at(value, words, here);
  }
}

void collect(const json& p, std::vector<std::string>& names) {
  const std::string name = variable_of(p);
  if (!name.empty()) names.push_back(name);
  if (is_only(p, "$term") && p["$term"].is_string()) {
    for (std::string& in_text : variables_of_term(p["$term"].get_ref<const std::string&>()))
      names.push_back(std::move(in_text));
  } else if (p.is_structured()) {
    for (const json& part : p) collect(part, names);
  }
}

/// With the values of the variables that have one.
json with_values(const json& p, const variables& known, const vocabulary& words) {
  if (const std::string name = variable_of(p); !name.empty()) {
    const auto found = known.find(name);
    return found == known.end() ? p : found->second;
  }
  if (is_only(p, "$term") && p["$term"].is_string()) {
    const auto print = [&](const json& value) { return words.erlang_text(value); };
    return json{{"$term", expand_term_text(p["$term"].get_ref<const std::string&>(), known, false, print)}};
  }
  json made = p;
  if (made.is_structured())
    for (json& part : made) part = with_values(part, known, words);
  return made;
}

}  // namespace

bool fits(const json& pattern, const json& got, variables& known, const vocabulary& words,
          std::vector<difference>* why) {
  variables tried = known;
  if (!matcher(tried, words, why).match(pattern, got, "")) return false;
  known = std::move(tried);
  return true;
}

void check_pattern(const json& pattern, const vocabulary& words) {
  check_at(pattern, words, "");
}

std::string print_pattern(const json& pattern, const variables& known, const vocabulary& words) {
  const std::string name = variable_of(pattern);
  return words.print(with_values(pattern, known, words)) + (known.count(name) != 0 ? " ($" + name + ")" : "");
}

std::vector<std::string> variables_of(const json& pattern) {
  std::vector<std::string> names;
  collect(pattern, names);
  return names;
}

}  // namespace troupe::script
