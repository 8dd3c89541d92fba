// SPDX-License-Identifier: BSL-1.0
// Terms as JSON and back.
#include <troupe/mailbox/json_terms.hpp>

#include <troupe/mailbox/base64.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace troupe::detail {

using nlohmann::json;

namespace {

constexpr std::string_view all_marks = "one of $atom, $binary, $function, $improper_list, $map, $term, $tuple";

json marked(const char* mark, json content) {
  json result = json::object();
  result[mark] = std::move(content);
  return result;
}

bool is_plain_key(const term& key) {
  if (!key.is_binary()) return false;
  const std::string_view text = key.as_binary();
  return !text.starts_with('$') && count_code_points(text) >= 0;
}

json json_of_function(const term& value) {
  if (value.is_external_function()) return marked("$term", value.to_string());
  const local_function f = value.as_local_function();
  const std::string_view external(reinterpret_cast<const char*>(f.external.data()), f.external.size());
  return marked("$function", json{{"module", std::string(f.module.name())},
                                  {"index", f.index},
                                  {"uniq", f.uniq},
                                  {"external", to_base64(external)}});
}

json json_of_elements(std::span<const term> elements, std::size_t depth) {
  json array = json::array();
  for (const term& e : elements) array.push_back(json_of_term(e, depth + 1));
  return array;
}

json json_of_map(const term& value, std::size_t depth) {
  const auto items = value.items();
  if (std::all_of(items.begin(), items.end(), [](const auto& item) { return is_plain_key(item.first); })) {
    json object = json::object();
    for (const auto& [key, mapped] : items) object[std::string(key.as_binary())] = json_of_term(mapped, depth + 1);
    return object;
  }
  json pairs = json::array();
  for (const auto& [key, mapped] : items)
    pairs.push_back(json::array({json_of_term(key, depth + 3), json_of_term(mapped, depth + 3)}));
  return marked("$map", std::move(pairs));
}

json json_of_integer(const term& value) {
  if (!value.is_big()) return value.as_integer();
  const big_integer big = value.as_big();
  if (!big.negative && big.magnitude.size() <= sizeof(std::uint64_t)) return value.as_unsigned();
  return marked("$term", value.to_string());
}

}  // namespace

json json_of_text(std::string_view text) {
  return count_code_points(text) >= 0 ? json(std::string(text)) : marked("$binary", to_base64(text));
}

json json_of_term(const term& value, std::size_t depth) {
  if (depth >= max_json_depth)
    throw std::invalid_argument("troupe: JSON may not nest deeper than " + std::to_string(max_json_depth) + " levels");
  switch (value.kind()) {
    case term_kind::integer: return json_of_integer(value);
    case term_kind::floating: return value.as_floating();
    case term_kind::atom: {
      const std::string_view name = value.as_atom().name();
      if (name == "undefined") return nullptr;
      if (name == "true" || name == "false") return name == "true";
      return marked("$atom", std::string(name));
    }
    case term_kind::binary: return json_of_text(value.as_binary());
    case term_kind::list: return json_of_elements(value.elements(), depth);
    case term_kind::tuple: return marked("$tuple", json_of_elements(value.elements(), depth + 1));
    case term_kind::improper_list: {
      json parts = json::array();
      parts.push_back(json_of_elements(value.elements(), depth + 2));
      parts.push_back(json_of_term(value.tail(), depth + 2));
      return marked("$improper_list", std::move(parts));
    }
    case term_kind::map: return json_of_map(value, depth);
    case term_kind::function: return json_of_function(value);
    case term_kind::pid:
    case term_kind::reference:
    case term_kind::port:
    case term_kind::bit_string: return marked("$term", value.to_string());
  }
  return nullptr;
}

namespace {

/// Reads one term.
class term_maker {
 public:
  term_maker(node_index home, std::string path) : home_(home), path_(std::move(path)) {}

  term make(const json& from, std::size_t depth) {
    if (depth >= max_json_depth)
      throw decode_error(path_, "at most " + std::to_string(max_json_depth) + " levels of nesting", "more");
    switch (from.type()) {
      case json::value_t::null: return "undefined"_atom;
      case json::value_t::boolean: return from.get<bool>();
      case json::value_t::number_integer: return from.get<std::int64_t>();
      case json::value_t::number_unsigned: return from.get<std::uint64_t>();
      case json::value_t::number_float: return floating(from);
      case json::value_t::string: return term(from.get_ref<const std::string&>());
      case json::value_t::array: return term::list(elements(from, depth));
      case json::value_t::object: return object(from, depth);
      case json::value_t::binary:
      case json::value_t::discarded: break;
    }
    refuse("JSON that text can hold", from);
  }

 private:
  /// Below a step, while it is in scope.
  class step {
   public:
    step(term_maker& maker, std::string_view key) : path_(maker.path_), before_(path_.size()) {
      append_step(path_, key);
    }
    ~step() { path_.resize(before_); }
    step(const step&) = delete;
    step& operator=(const step&) = delete;

   private:
    std::string& path_;
    std::size_t before_;
  };

  [[noreturn]] void refuse(std::string_view expected, const json& got) {
    throw decode_error(path_, std::string(expected), print_json(got));
  }

  term floating(const json& from) {
    const double value = from.get<double>();
    if (!(value - value == 0)) refuse("a finite number", from);
    return value;
  }

  std::vector<term> elements(const json& from, std::size_t depth) {
    if (!from.is_array()) refuse("array", from);
    std::vector<term> all;
    all.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      const step inside(*this, std::to_string(i));
      all.push_back(make(from[i], depth + 1));
    }
    return all;
  }

  term map(std::vector<std::pair<term, term>> items, const json& from) {
    try {
      return term::map(std::move(items));
    } catch (const std::invalid_argument&) {
      refuse("each key once", from);
    }
  }

  term object(const json& from, std::size_t depth) {
    for (auto it = from.begin(); it != from.end(); ++it) {
      if (!it.key().starts_with('$')) continue;
      if (from.size() == 1) return special(it.key(), it.value(), depth + 1);
      refuse("an object whose keys do not begin with $", from);
    }
    std::vector<std::pair<term, term>> items;
    items.reserve(from.size());
    for (auto it = from.begin(); it != from.end(); ++it) {
      const step inside(*this, it.key());
      items.emplace_back(term(it.key()), make(it.value(), depth + 1));
    }
    return map(std::move(items), from);
  }

  term special(const std::string& mark, const json& content, std::size_t depth) {
    if (mark != "$atom" && mark != "$binary" && mark != "$function" && mark != "$improper_list" && mark != "$map" &&
        mark != "$term" && mark != "$tuple")
      throw decode_error(path_, std::string(all_marks), print_json_text(mark));
    const step inside(*this, mark);
    if (mark == "$tuple") return term::tuple(elements(content, depth));
    if (mark == "$map") return pairs(content, depth);
    if (mark == "$improper_list") return improper_list(content, depth);
    if (mark == "$function") return function(content);
    if (!content.is_string()) refuse("string", content);
    const std::string& text = content.get_ref<const std::string&>();
    if (mark == "$atom") return name(content);
    if (mark == "$term") return parse(text);
    const std::optional<std::string> bytes = from_base64(text);
    if (!bytes) refuse("bytes in base64", content);
    return term(*bytes);
  }

  atom name(const json& from) {
    if (from.is_string()) {
      const std::string& text = from.get_ref<const std::string&>();
      const std::ptrdiff_t characters = count_code_points(text);
      if (characters >= 0 && characters <= 255) return atom(text);
    }
    refuse("string of at most 255 characters", from);
  }

  term parse(const std::string& text) {
    try {
      return term::parse(text, home_);
    } catch (const parse_error& e) {
      throw decode_error(path_, "an Erlang term: " + e.expected(),
                         e.found() + " in column " + std::to_string(e.column()));
    }
  }

  term pairs(const json& from, std::size_t depth) {
    if (!from.is_array()) refuse("array of [key, value]", from);
    std::vector<std::pair<term, term>> items;
    items.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      const step inside(*this, std::to_string(i));
      if (!from[i].is_array() || from[i].size() != 2) refuse("[key, value]", from[i]);
      std::vector<term> both = elements(from[i], depth + 1);
      items.emplace_back(std::move(both[0]), std::move(both[1]));
    }
    return map(std::move(items), from);
  }

  term improper_list(const json& from, std::size_t depth) {
    if (!from.is_array() || from.size() != 2 || !from[0].is_array()) refuse("[[element, ...], tail]", from);
    std::vector<term> all;
    {
      const step inside(*this, "0");
      all = elements(from[0], depth + 1);
    }
    const step inside(*this, "1");
    return term::improper_list(std::move(all), make(from[1], depth + 1));
  }

  term function(const json& from) {
    constexpr std::string_view wanted =
        "{\"module\": string, \"index\": integer, \"uniq\": integer, \"external\": base64}";
    const auto integer = [&](const char* key) -> std::int64_t {
      const json& value = from[key];
      if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        refuse(wanted, from);
      if (!value.is_number_integer()) refuse(wanted, from);
      return value.get<std::int64_t>();
    };
    if (!from.is_object() || from.size() != 4) refuse(wanted, from);
    for (const char* key : {"module", "index", "uniq", "external"})
      if (!from.contains(key)) refuse(wanted, from);
    const json& external = from["external"];
    const auto bytes = external.is_string() ? from_base64(external.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes || bytes->empty()) refuse(wanted, from);
    return term::function(local_function{name(from["module"]), integer("index"), integer("uniq"),
                                         std::as_bytes(std::span(bytes->data(), bytes->size()))});
  }

  node_index home_;
  std::string path_;
};

/// Appends what fits, and is not led far down or astray by a value of any size.
void print_short(std::string& out, const json& value, std::size_t depth) {
  constexpr std::size_t enough = 120;
  constexpr std::size_t deep = 20;
  if (out.size() > enough) return;
  if (!value.is_structured()) {
    if (value.is_string() && value.get_ref<const std::string&>().size() > enough)
      out += json(value.get_ref<const std::string&>().substr(0, enough))
                 .dump(-1, ' ', false, json::error_handler_t::replace);
    else
      out += value.dump(-1, ' ', false, json::error_handler_t::replace);
    return;
  }
  if (depth == deep) {
    out += "...";
    return;
  }
  out += value.is_array() ? '[' : '{';
  for (auto it = value.begin(); it != value.end() && out.size() <= enough; ++it) {
    if (it != value.begin()) out += ',';
    if (value.is_object()) {
      print_short(out, json(it.key()), depth);
      out += ':';
    }
    print_short(out, it.value(), depth + 1);
  }
  out += value.is_array() ? ']' : '}';
}

}  // namespace

term term_of_json(const json& from, node_index home, const std::string& path, std::size_t depth) {
  return term_maker(home, path).make(from, depth);
}

bool bytes_of_json(const json& from, std::string& bytes) {
  if (!from.is_object() || from.size() != 1 || from.begin().key() != "$binary" || !from.begin().value().is_string())
    return false;
  std::optional<std::string> found = from_base64(from.begin().value().get_ref<const std::string&>());
  if (found) bytes = std::move(*found);
  return found.has_value();
}

std::string print_json(const json& value) {
  std::string text;
  // A number that the parser could not hold looks as it was written.
  if (value.is_object() && value.size() == 1 && value.begin().key() == "$term" && value.begin().value().is_string()) {
    const std::string& inner = value.begin().value().get_ref<const std::string&>();
    if (!inner.empty() && inner.find_first_not_of("-0123456789") == inner.npos) text = inner;
  }
  if (text.empty()) print_short(text, value, 0);
  if (text.size() <= 100) return text;
  std::size_t end = 97;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  text.resize(end);
  return text + "...";
}

std::string print_json_text(std::string_view text) {
  return print_json(json(std::string(text)));
}

void append_step(std::string& pointer, std::string_view key) {
  pointer += '/';
  for (const char c : key) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

}  // namespace troupe::detail
