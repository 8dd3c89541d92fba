// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/values.hpp>

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/mailbox/node_id.hpp>
#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
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

namespace {

/// May it stand in an atom that is not quoted? Letters that are not ASCII's may.
bool in_word(char c) {
  return in_name(c) || c == '@' || static_cast<unsigned char>(c) >= 0x80;
}

/// Calls word(text) for each word and variable of a term, and other(text) for what is between them.
template <class Word, class Other>
void scan_term(std::string_view text, const Word& word, const Other& other) {
  for (std::size_t i = 0, end = 0; i < text.size(); i = end) {
    const char c = text[i];
    end = i + 1;
    if (c == '"' || c == '\'') {
      while (end < text.size() && text[end] != c) end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      other(text.substr(i, end - i));
    } else if (c == '$' && end < text.size() && !in_name(text[end])) {
      end = std::min(end + (text[end] == '\\' ? 2 : 1), text.size());  // a character, as in [$", $\\]
      other(text.substr(i, end - i));
    } else if (in_word(c) || c == '$') {
      const auto goes_on = c == '$' ? in_name : in_word;
      while (end < text.size() && goes_on(text[end])) ++end;
      word(text.substr(i, end - i));
    } else {
      other(text.substr(i, 1));
    }
  }
}

/// Begins the atoms that stand for variables; nobody else writes such.
constexpr std::string_view mark = "$variable ";

}  // namespace

std::vector<std::string> variables_of_term(std::string_view text) {
  std::vector<std::string> names;
  const auto word = [&](std::string_view w) {
    if (w.size() > 1 && w[0] == '$') names.emplace_back(w.substr(1));
  };
  scan_term(text, word, [](std::string_view) {});
  return names;
}

std::string expand_term_text(std::string_view text, const variables& known, bool as_pattern,
                             const std::function<std::string(const json&)>& print) {
  std::string result;
  const auto word = [&](std::string_view w) {
    const bool is_variable = w.size() > 1 && w[0] == '$';
    const auto found = is_variable ? known.find(std::string(w.substr(1))) : known.end();
    if (found != known.end())
      result += print(found->second);
    else if (as_pattern && (is_variable || w == "_"))
      result.append("'").append(mark).append(is_variable ? w.substr(1) : w).append("'");
    else
      result += w;
  };
  scan_term(text, word, [&](std::string_view other) { result += other; });
  return result;
}

std::string marked_variable(const json& value) {
  if (!value.is_object() || value.size() != 1 || !value.contains("$atom") || !value["$atom"].is_string()) return {};
  const auto& name = value["$atom"].get_ref<const std::string&>();
  return name.starts_with(mark) ? name.substr(mark.size()) : std::string();
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
      const auto print = [&](const json& value) { return words.erlang_text(value); };
      const auto& text = written["$term"].get_ref<const std::string&>();
      for (const std::string& name : variables_of_term(text)) value_of(name, known, pointer);
      return json{{"$term", expand_term_text(text, known, false, print)}};
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
  if (written.is_object() && written.contains("$term") && written["$term"].is_string())
    return !variables_of_term(written["$term"].get_ref<const std::string&>()).empty();
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
  return term_of(substitute(written, known, false, *this, ""));
}

term vocabulary::term_of(const json& filled) const {
  try {
    return pids_.reveal(troupe::detail::term_of_json(filled, own_node(), "", 0));
  } catch (const decode_error& e) {
    throw value_error(e.path(), "expected " + e.expected() + ", got " + e.got());
  } catch (const std::runtime_error& e) {
    throw value_error("", e.what());
  }
}

std::string vocabulary::erlang_text(const json& value) const {
  const bool identity = value.is_string() && pids_.of_text(value.get_ref<const std::string&>());
  return pids_.hide(term_of(identity ? json{{"$term", value}} : value)).to_string();
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
    const bool both = what.is_array() && what.size() == 2 && what[0].is_array() && !what[0].empty();
    if (key == "$improper_list" && both) {
      const std::string elements = text_of(what[0]);
      return elements.substr(0, elements.size() - 1) + " | " + text_of(what[1]) + "]";
    }
    if (key == "$map" && what.is_array()) {
      const auto pair = [](const auto& p) { return text_of(p->at(0)) + " => " + text_of(p->at(1)); };
      const auto is_pair = [](const json& p) { return p.is_array() && p.size() == 2; };
      if (std::all_of(what.begin(), what.end(), is_pair)) return "#{" + list(what, pair) + "}";
    }
    if (key == "$atom" && what.is_string() && troupe::detail::is_atom_text(what.get_ref<const std::string&>()))
      return term(atom(what.get<std::string>())).to_string();
  }
  return "{" + list(value, [](const auto& part) { return text_of(json(part.key())) + ": " + text_of(part.value()); }) +
         "}";
}

}  // namespace

json vocabulary::show_value(const term& got) const {
  term hidden;
  try {
    hidden = pids_.hide(got);
  } catch (const value_error&) {
    return json{{"$term", "a term nested too deeply"}};
  }
  try {
    return plain_identities(troupe::detail::json_of_term(hidden));
  } catch (const std::exception&) {
    return json{{"$term", hidden.to_string()}};  // JSON needs two levels for a tuple
  }
}

json vocabulary::show_message(const term& got) const {
  const bool tagged = got.is_tuple() && got.size() > 0 && got[0].is_atom();
  if (got.is_atom() || tagged) {
    const atom tag = tagged ? got[0].as_atom() : got.as_atom();
    for (const message_type* type : actors_.find_messages(tag.name())) {
      try {
        return plain_identities(type->to_json(pids_.hide(got)));
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
    if (!is_pattern) check_value(written);
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

void vocabulary::check_value(const json& written) const {
  if (written.is_object() && written.contains("$term")) {
    if (written.size() > 1) throw value_error("", "\"$term\" stands alone in its object");
    try {
      check_term(written["$term"], false);
    } catch (const value_error& e) {
      throw value_error("/$term", e.what());
    }
  } else if (!has_variables(written)) {
    value(written, {});
  } else if (written.is_structured()) {
    const json& parts = written;
    std::size_t i = 0;
    for (const auto& [key, part] : parts.items()) {
      const std::string at = written.is_array() ? pointer_to("", i++) : pointer_to("", key);
      try {
        check_value(part);
      } catch (const value_error& e) {
        throw value_error(at + e.pointer(), e.what());
      }
    }
  }
}

void vocabulary::check_term(const json& written, bool is_pattern) const {
  if (!written.is_string()) throw value_error("", "expected a text, a term as Erlang writes it, got " + written.dump());
  const auto& text = written.get_ref<const std::string&>();
  variables dummies;
  for (const std::string& name : variables_of_term(text)) dummies[name] = 0;
  try {
    pids_.reveal(term::parse(expand_term_text(text, dummies, is_pattern, [](const json&) { return "0"; })));
  } catch (const parse_error& e) {
    throw value_error("", "this is no Erlang term: expected " + e.expected() + ", found " + e.found());
  }
}

}  // namespace troupe::script
