// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/pattern.hpp>

#include <troupe/mailbox/errors.hpp>
#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

const std::vector<std::string>& dollar_words() {
  static const std::vector<std::string> words{"$any_of", "$at_least", "$at_most", "$term",          "$atom",
                                              "$tuple",  "$map",      "$binary",  "$improper_list", "$function"};
  return words;
}

/// {"$atom": "ok"} may be written "ok".
bool same(const json& wanted, const json& got) {
  if (wanted == got) return true;
  const auto atom_text = [](const json& j) {
    return j.is_object() && j.size() == 1 && j.contains("$atom") ? j["$atom"] : j;
  };
  return (wanted.is_string() || got.is_string()) && atom_text(wanted) == atom_text(got);
}

/// The pattern that a term's text is: its wildcards and variables are atoms that no one else writes.
json pattern_of_term(const std::string& text, const variables& known, const vocabulary& words) {
  const auto print = [&](const json& value) {
    const bool identity = value.is_string() && words.pids().of_text(value.get<std::string>());
    return words.pids().hide(words.value(identity ? json{{"$term", value}} : value, {})).to_string();
  };
  const term parsed = term::parse(expand_term_text(text, known, true, print));
  json made = words.show_value(words.pids().reveal(parsed));
  const auto restore = [](auto& again, json& j) -> void {
    if (j.is_object() && j.size() == 1 && j.contains("$atom") && j["$atom"].is_string()) {
      const std::string name = j["$atom"].get<std::string>();
      if (name == "$_")
        j = "_";
      else if (name.starts_with('$'))
        j = name;
      return;
    }
    if (j.is_structured())
      for (json& part : j) again(again, part);
  };
  restore(restore, made);
  return made;
}

class matcher {
 public:
  matcher(variables& known, const vocabulary& words, std::vector<difference>* why)
      : known_(known), words_(words), why_(why) {}

  bool match(const json& p, const json& got, const std::string& at) {
    if (p == "_") return true;
    const std::string name = variable_of(p);
    if (!name.empty()) {
      const auto [where, is_new] = known_.emplace(name, got);
      if (is_new || same(where->second, got)) return true;
      return differ(at,
                    "expected $" + name + ", which is " + words_.print(where->second) + ", got " + words_.print(got));
    }
    if (p.is_string()) {
      const auto& text = p.get_ref<const std::string&>();
      return equal(text.starts_with("$$") ? json(text.substr(1)) : p, got, at);
    }
    if (p.is_array()) return match_array(p, got, at);
    if (!p.is_object()) return equal(p, got, at);
    if (p.contains("$term") && p.size() == 1 && p["$term"].is_string())
      return match(pattern_of_term(p["$term"].get<std::string>(), known_, words_), got, at);
    if (p.contains("$any_of")) return match_any(p["$any_of"], got, at);
    if (p.contains("$at_least") || p.contains("$at_most")) {
      const bool right = got.is_number() && (!p.contains("$at_least") || got >= p["$at_least"]) &&
                         (!p.contains("$at_most") || got <= p["$at_most"]);
      return right || differ(at, "expected a number that is " +
                                     (p.contains("$at_least") ? "at least " + p["$at_least"].dump() : std::string()) +
                                     (p.size() == 2 ? " and " : "") +
                                     (p.contains("$at_most") ? "at most " + p["$at_most"].dump() : std::string()) +
                                     ", got " + words_.print(got));
    }
    return match_object(p, got, at);
  }

 private:
  bool differ(const std::string& at, std::string what) {
    if (why_ != nullptr) why_->push_back({at, std::move(what)});
    return false;
  }
  bool equal(const json& wanted, const json& got, const std::string& at) {
    return same(wanted, got) || differ(at, "expected " + words_.print(wanted) + ", got " + words_.print(got));
  }
  bool match_array(const json& p, const json& got, const std::string& at) {
    if (!got.is_array()) return differ(at, "expected a list, got " + words_.print(got));
    const bool open = !p.empty() && p.back() == "...";
    const std::size_t wanted = p.size() - (open ? 1 : 0);
    if (open ? got.size() < wanted : got.size() != wanted)
      return differ(at, "expected " + std::to_string(wanted) + (open ? " or more" : "") + " elements, got " +
                            std::to_string(got.size()) + ": " + words_.print(got));
    bool right = true;
    for (std::size_t i = 0; i < wanted; ++i) right = match(p[i], got[i], pointer_to(at, i)) && right;
    return right;
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
  bool match_object(const json& p, const json& got, const std::string& at) {
    // A struct without members is its name.
    if (got.is_string() && p.size() == 1 && p.begin()->is_object() && p.begin()->empty())
      return equal(json(p.begin().key()), got, at);
    if (p.size() == 1 && p.contains("$atom")) return equal(p, got, at);
    if (!got.is_object()) return differ(at, "expected " + words_.print(p) + ", got " + words_.print(got));
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
                  ? differ(at, "expected " + words_.print(p) + ", got " + words_.print(got))
                  : differ(at, "there is no member '" + key + "'; " + suggestion(key, names));
    }
    return right;
  }

  variables& known_;
  const vocabulary& words_;
  std::vector<difference>* why_;
};

void check_at(const json& p, const vocabulary& words, const std::string& at) {
  if (p.is_array()) {
    for (std::size_t i = 0; i < p.size(); ++i) check_at(p[i], words, pointer_to(at, i));
    return;
  }
  if (!p.is_object()) return;
  for (const auto& [key, value] : p.items()) {
    const std::string here = pointer_to(at, key);
    if (key.starts_with('$') && std::count(dollar_words().begin(), dollar_words().end(), key) == 0)
      throw value_error(here, "there is no '" + key + "' in patterns; " + suggestion(key, dollar_words()));
    if (key == "$any_of" && !value.is_array()) throw value_error(here, "expected a list of patterns");
    if ((key == "$at_least" || key == "$at_most") && !value.is_number()) throw value_error(here, "expected a number");
    if (key == "$term") {
      if (!value.is_string()) throw value_error(here, "expected a text, a term as Erlang writes it");
      try {
        pattern_of_term(value.get<std::string>(), {}, words);
      } catch (const std::exception& e) {
        throw value_error(here, e.what());
      }
    } else {
      check_at(value, words, here);
    }
  }
}

void collect(const json& p, std::vector<std::string>& names) {
  const std::string name = variable_of(p);
  if (!name.empty()) names.push_back(name);
  if (p.is_object() && p.contains("$term") && p["$term"].is_string()) {
    const std::string text = p["$term"].get<std::string>();
    for (std::size_t i = text.find('$'); i != std::string::npos; i = text.find('$', i + 1)) {
      std::size_t end = i + 1;
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
      if (end > i + 1) names.push_back(text.substr(i + 1, end - i - 1));
    }
  } else if (p.is_structured()) {
    for (const json& part : p) collect(part, names);
  }
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

std::vector<std::string> variables_of(const json& pattern) {
  std::vector<std::string> names;
  collect(pattern, names);
  return names;
}

}  // namespace troupe::script
