// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/values.hpp>

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/mailbox/node_id.hpp>
#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <span>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The term with f(pid) instead of each pid.
template <class F>
term with_pids(const term& t, const F& f) {
  const auto all = [&](std::span<const term> some) {
    std::vector<term> made;
    for (const term& e : some) made.push_back(with_pids(e, f));
    return made;
  };
  switch (t.kind()) {
    case term_kind::pid: return f(t.as_pid());
    case term_kind::tuple: return term::tuple(all(t.elements()));
    case term_kind::list: return t.size() == 0 ? t : term::list(all(t.elements()));
    case term_kind::improper_list: return term::improper_list(all(t.elements()), with_pids(t.tail(), f));
    case term_kind::map: {
      std::vector<std::pair<term, term>> items;
      for (const auto& [k, v] : t.items()) items.emplace_back(with_pids(k, f), with_pids(v, f));
      return term::map(std::move(items));
    }
    default: return t;
  }
}

/// What a variable is where a type is expected: an atom is its text there, as in the JSON of types.
json flat(const json& value) {
  if (value.is_object() && value.size() == 1 && value.contains("$atom")) return value["$atom"];
  return value;
}

json value_of(const std::string& name, const variables& known, const std::string& pointer) {
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [n, v] : known) names.push_back(n);
  throw value_error(pointer, "there is no value for '$" + name + "' yet; " + suggestion(name, names));
}

}  // namespace

// --- identities ------------------------------------------------------------------------------------------------------

identities::identities() : nobody_(add_node("script@nowhere", 1)) {}

std::string identities::text_of(const pid& process) {
  const term hidden = hide(process);
  return hidden.to_string();
}

pid identities::of_text(std::string_view text) const {
  if (!text.starts_with('<')) return {};
  try {
    const term t = reveal(term::parse(text));
    return t.is_pid() ? t.as_pid() : pid();
  } catch (const parse_error&) {
    return {};
  }
}

term identities::hide(const term& value) {
  return with_pids(value, [&](const pid& p) {
    if (!p) return term(p);
    const std::lock_guard guard(lock_);
    const auto [where, is_new] = numbers_.emplace(p, known_.size());
    if (is_new) known_.push_back(p);
    return term::parse("<" + std::to_string(nobody_) + "." + std::to_string(where->second + 1) + ".0>");
  });
}

term identities::reveal(const term& value) const {
  return with_pids(value, [&](const pid& p) {
    if (p.node() != nobody_) return term(p);
    const std::lock_guard guard(lock_);
    return p.id() >= 1 && p.id() <= known_.size() ? term(known_[p.id() - 1]) : term(p);
  });
}

void identities::set_label(const pid& process, std::string label) {
  const std::lock_guard guard(lock_);
  labels_[process] = std::move(label);
}

std::string identities::label(const pid& process) const {
  const auto found = labels_.find(process);
  return found != labels_.end() ? found->second : process.to_string();
}

std::string identities::label_of(const pid& process) const {
  const std::lock_guard guard(lock_);
  return label(process);
}

std::string identities::for_people(std::string_view text) const {
  const std::string before = "<" + std::to_string(nobody_) + ".";
  const std::lock_guard guard(lock_);
  std::string result;
  for (;;) {
    const std::size_t begin = text.find(before);
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('>', begin);
    if (end == std::string_view::npos) return result + std::string(text);
    const std::size_t number = std::strtoul(std::string(text.substr(begin + before.size(), 10)).c_str(), nullptr, 10);
    result += text.substr(0, begin);
    if (number >= 1 && number <= known_.size()) {
      const auto labelled = labels_.find(known_[number - 1]);
      result += labelled != labels_.end() ? "<" + labelled->second + ">" : known_[number - 1].to_string();
    } else {
      result += text.substr(begin, end + 1 - begin);
    }
    text.remove_prefix(end + 1);
  }
}

// --- what is written -------------------------------------------------------------------------------------------------

bool is_typed(const json& written) {
  if (written.is_string()) return !written.get_ref<const std::string&>().starts_with('$');
  return written.is_object() && written.size() == 1 && !written.begin().key().starts_with('$');
}

std::string type_name_of(const json& written) {
  return written.is_string() ? written.get<std::string>() : written.begin().key();
}

std::string variable_of(const json& written) {
  if (!written.is_string()) return {};
  const auto& text = written.get_ref<const std::string&>();
  return text.size() > 1 && text[0] == '$' && text[1] != '$' ? text.substr(1) : std::string();
}

std::string expand_term_text(std::string_view text, const variables& known, bool with_wildcards,
                             const std::function<std::string(const json&)>& print) {
  std::string result;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      result += c;
      if (c == '\\' && i + 1 < text.size())
        result += text[++i];
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
      result += c;
    } else if (in_name(c) || c == '$') {
      std::size_t end = i + 1;
      while (end < text.size() && in_name(text[end])) ++end;
      const std::string_view word = text.substr(i, end - i);
      const auto found = c == '$' ? known.find(std::string(word.substr(1))) : known.end();
      if (found != known.end())
        result += print(found->second);
      else if (with_wildcards && (word == "_" || (c == '$' && word.size() > 1)))
        result += word == "_" ? "'$_'" : "'" + std::string(word) + "'";
      else
        result += word;
      i = end - 1;
    } else {
      result += c;
    }
  }
  return result;
}

namespace {

/// With values for variables: `typed` where the receiver's type says how they are read.
json substitute(const json& written, const variables& known, bool typed, const vocabulary& words,
                const std::string& pointer) {
  if (written.is_string()) {
    const std::string name = variable_of(written);
    if (!name.empty()) {
      const json value = value_of(name, known, pointer);
      if (typed) return flat(value);
      if (value.is_string() && words.pids().of_text(value.get_ref<const std::string&>())) return json{{"$term", value}};
      return value;
    }
    const auto& text = written.get_ref<const std::string&>();
    return text.starts_with("$$") ? json(text.substr(1)) : written;
  }
  if (written.is_array()) {
    json made = json::array();
    for (std::size_t i = 0; i < written.size(); ++i)
      made.push_back(substitute(written[i], known, typed, words, pointer_to(pointer, i)));
    return made;
  }
  if (written.is_object()) {
    if (written.size() == 1 && written.contains("$term") && written["$term"].is_string()) {
      const auto print = [&](const json& value) {
        return words.pids()
            .hide(words.value(
                value.is_string() && words.pids().of_text(value.get<std::string>()) ? json{{"$term", value}} : value,
                {}))
            .to_string();
      };
      return json{{"$term", expand_term_text(written["$term"].get_ref<const std::string&>(), known, false, print)}};
    }
    json made = json::object();
    for (const auto& [key, value] : written.items())
      made[key] = substitute(value, known, typed, words, pointer_to(pointer, key));
    return made;
  }
  return written;
}

std::string unknown_message(const std::string& name, const actors& known) {
  return "there is no message '" + name + "'; " + suggestion(name, known.message_names());
}

bool has_variables(const json& written) {
  if (!variable_of(written).empty()) return true;
  if (written.is_object() && written.contains("$term")) return true;
  if (written.is_structured())
    for (const json& part : written)
      if (has_variables(part)) return true;
  return false;
}

}  // namespace

term vocabulary::message(const json& written, const variables& known, const message_type** type) const {
  if (type != nullptr) *type = nullptr;
  if (!is_typed(written)) return value(written, known);
  const std::string name = type_name_of(written);
  const std::vector<const message_type*> candidates = actors_.find_messages(name);
  if (candidates.empty()) throw value_error("", unknown_message(name, actors_));
  const json filled = substitute(written, known, true, *this, "");
  std::string pointer, what;
  for (const message_type* candidate : candidates) {
    try {
      term made = pids_.reveal(candidate->to_term(filled));
      if (type != nullptr) *type = candidate;
      return made;
    } catch (const decode_error& e) {
      if (what.empty()) {
        pointer = e.path();
        what = "expected " + e.expected() + ", got " + pids_.for_people(e.got());
      }
    }
  }
  if (!pointer.empty() && pointer[0] != '/') pointer.clear();
  throw value_error(pointer, (pointer.empty() ? "" : "in " + pointer + ": ") + what);
}

term vocabulary::value(const json& written, const variables& known) const {
  const json filled = substitute(written, known, false, *this, "");
  try {
    return pids_.reveal(troupe::detail::term_of_json(filled, own_node(), "", 0));
  } catch (const decode_error& e) {
    throw value_error(e.path(), "expected " + e.expected() + ", got " + e.got());
  } catch (const std::runtime_error& e) {
    throw value_error("", e.what());
  }
}

term vocabulary::reason(const json& written, const variables& known) const {
  if (written.is_string() && variable_of(written).empty()) return term(atom(written.get_ref<const std::string&>()));
  return value(written, known);
}

json vocabulary::arguments(const json& written, const variables& known) const {
  return substitute(written, known, true, *this, "");
}

std::vector<term> vocabulary::reveal(std::vector<term> terms) const {
  for (term& t : terms) t = pids_.reveal(t);
  return terms;
}

// --- what is shown ---------------------------------------------------------------------------------------------------

namespace {

/// Pids and references as texts: as the JSON of types has them.
json plain_identities(json value) {
  if (value.is_object() && value.size() == 1 && value.contains("$term") && value["$term"].is_string()) {
    const auto& text = value["$term"].get_ref<const std::string&>();
    if (text.starts_with('<') && !text.starts_with("<<")) return value["$term"];
    if (text.starts_with("#Ref") || text.starts_with("#Port")) return value["$term"];
  }
  if (value.is_structured())
    for (json& part : value) part = plain_identities(std::move(part));
  return value;
}

}  // namespace

namespace {

/// JSON on one line, but for terms, which are as Erlang writes them.
std::string text_of(const json& value) {
  const auto list = [](const json& parts, const auto& one) {
    std::string text;
    for (auto part = parts.begin(); part != parts.end(); ++part) text += (text.empty() ? "" : ", ") + one(part);
    return text;
  };
  if (value.is_array()) return "[" + list(value, [](const auto& part) { return text_of(*part); }) + "]";
  if (!value.is_object()) return value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (value.size() == 1) {
    const std::string& key = value.begin().key();
    const json& what = value.begin().value();
    if (key == "$term" && what.is_string()) return what.get<std::string>();
    if (key == "$tuple" && what.is_array())
      return "{" + list(what, [](const auto& part) { return text_of(*part); }) + "}";
    if (key == "$atom" && what.is_string()) return term(atom(what.get<std::string>())).to_string();
  }
  return "{" + list(value, [](const auto& part) { return json(part.key()).dump() + ": " + text_of(part.value()); }) +
         "}";
}

}  // namespace

json vocabulary::show_value(const term& got) const {
  try {
    return plain_identities(troupe::detail::json_of_term(pids_.hide(got)));
  } catch (const std::exception&) {
    return json{{"$term", got.to_string()}};
  }
}

json vocabulary::show_message(const term& got) const {
  const bool tagged = got.is_tuple() && got.size() > 0 && got[0].is_atom();
  if (got.is_atom() || tagged) {
    const atom tag = tagged ? got[0].as_atom() : got.as_atom();
    const term hidden = pids_.hide(got);
    for (const message_type* type : actors_.find_messages(tag.name())) {
      try {
        return plain_identities(type->to_json(hidden));
      } catch (const std::exception&) {
        // It only has the name of that type.
      }
    }
  }
  return show_value(got);
}

json vocabulary::show_answer(const message_type* asked, const term& answer) const {
  if (asked != nullptr && asked->reply_to_json != nullptr) {
    try {
      return plain_identities(asked->reply_to_json(pids_.hide(answer)));
    } catch (const std::exception&) {
      // Then it is shown as it is.
    }
  }
  return show_value(answer);
}

std::string vocabulary::print(const json& value) const {
  return pids_.for_people(text_of(value));
}

// --- before anything runs --------------------------------------------------------------------------------------------

void vocabulary::check_message(const json& written, bool is_pattern) const {
  if (is_pattern && written == "_") return;
  if (!is_typed(written)) {
    if (!written.is_string() && !written.is_object() && !written.is_array() && !is_pattern)
      throw value_error("",
                        "expected a message: {\"name\": {\"member\": value}}, \"name\", or a term such as {\"$term\": "
                        "\"{ok, 1}\"}, got " +
                            written.dump());
    return;
  }
  const std::string name = type_name_of(written);
  const std::vector<const message_type*> candidates = actors_.find_messages(name);
  if (candidates.empty())
    throw value_error(written.is_object() ? pointer_to("", name) : "", unknown_message(name, actors_));
  if (written.is_object() && written[name].is_object()) {
    // A member must be in one of those that have the name.
    for (const auto& [key, value] : written[name].items()) {
      std::vector<std::string> members;
      bool known = false;
      for (const message_type* m : candidates) {
        known = known || !m->members_known || std::count(m->members.begin(), m->members.end(), key) != 0;
        members.insert(members.end(), m->members.begin(), m->members.end());
      }
      if (!known)
        throw value_error(pointer_to(pointer_to("", name), key),
                          "the message '" + name + "' has no member '" + key + "'; " + suggestion(key, members));
    }
  }
  if (!is_pattern && !has_variables(written)) message(written, {});
}

}  // namespace troupe::script
