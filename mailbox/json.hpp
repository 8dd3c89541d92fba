// SPDX-License-Identifier: BSL-1.0
// Values as JSON and back: the second face of the reflection that makes terms of them.
#pragma once

// | C++                                     | JSON                                                                  |
// | --------------------------------------- | --------------------------------------------------------------------- |
// | struct increment { int by; }            | {"increment": {"by": 3}} where the type is not known: at the top, and |
// |                                         | in a variant; {"by": 3} everywhere else                               |
// | struct reset {}                         | "reset"                                                               |
// | enum class color { red }                | "red"                                                                 |
// | integers, std::byte, durations          | a number without a fraction                                           |
// | float, double                           | a number                                                              |
// | bool                                    | true or false                                                         |
// | std::string                             | a string; {"$binary": base64} when it is no UTF-8                     |
// | vector or array of std::byte            | a string: base64                                                      |
// | vector, list, array, set ...            | an array                                                              |
// | map, unordered_map                      | an object when all its keys are strings here, else [[key, value] ...] |
// | pair, tuple                             | an array                                                              |
// | optional, unique_ptr, shared_ptr<const> | null, or the value; a member may be left out                          |
// | variant                                 | the alternative; it is read as the first that fits                    |
// | atom, pid, reference, port              | a string, as they print: "ok", "<0.5.0>"                              |
// | term                                    | see below                                                             |
//
// What description says (described.hpp) holds here too. A member with a default is not left out unless its description
// calls it defaulted: nobody can see that it has one.
//
// A term comes back as it was. Written by hand it is
//
//     1, -7, 18446744073709551615   integers              2.0, 1e9        floats (they have a fraction or an exponent)
//     "text"                        a binary              true, false     the atoms; null is the atom undefined
//     [1, 2]                        a list                {"a": 1}        a map whose keys are binaries
//     {"$atom": "ok"}               any other atom        {"$tuple": [1, 2]}
//     {"$map": [[1, 2]]}            any other map         {"$binary": "/w=="}      bytes that are no UTF-8
//     {"$improper_list": [[1], 2]}  [1|2]                 {"$term": "{ok,<0.5.0>}"}  anything as Erlang writes it
//
// Pids, references, ports, integers beyond 64 bits, bit strings and fun m:f/1 are written as $term; other functions as
// {"$function": {"module": "m", "index": 1, "uniq": 2, "external": base64}}. Keys of objects that begin with $ are kept
// for this.
//
// Include <nlohmann/json.hpp> to do more with a nlohmann::json than to pass it on.

#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/descriptor.hpp>
#include <troupe/mailbox/node_id.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <nlohmann/json_fwd.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

namespace detail {

nlohmann::json write_json(const void* value, void (*visit)(const void* value, term_sink& to));
std::string write_json_text(const void* value, void (*visit)(const void* value, term_sink& to), int indent);
void read_json(const nlohmann::json& from, node_index home, void* to, void (*build)(void* to, term_source& from));
void read_json_text(std::string_view text, node_index home, void* to, void (*build)(void* to, term_source& from));

/// build for a place that may hold a T.
template <class T>
void build_optional(void* to, term_source& from) {
  static_cast<std::optional<T>*>(to)->emplace(build_whole<T>(from));
}

}  // namespace detail

/// The JSON of `value`. Throws std::invalid_argument for what to_term refuses (a float that is infinite or not a
/// number, an enumerator without a name) and for what nests deeper than 512 levels of JSON. Any thread.
template <class T, std::same_as<nlohmann::json> Json = nlohmann::json>
Json to_json(const T& value) {
  return detail::write_json(&value, &detail::visit_value<T>);
}

/// The same as text; with an `indent` of 0 or more on several lines, indented by so many blanks.
template <class T>
std::string to_json_text(const T& value, int indent = -1) {
  return detail::write_json_text(&value, &detail::visit_value<T>, indent);
}

/// The T that this JSON stands for. Pids, references and ports are read as term::parse reads them, with `home` for
/// their 0. Throws decode_error, whose path is a JSON pointer: `/order/lines/3/qty: expected integer, got "x"`;
/// system_limit when there is no room for another atom. Any thread.
template <class T>
T from_json(const nlohmann::json& from, node_index home = own_node()) {
  std::optional<T> value;
  detail::read_json(from, home, &value, &detail::build_optional<T>);
  return std::move(*value);
}

/// The same from text. For text that is no JSON the path is the place: `line 2, column 7`.
template <class T>
T parse_json(std::string_view text, node_index home = own_node()) {
  std::optional<T> value;
  detail::read_json_text(text, home, &value, &detail::build_optional<T>);
  return std::move(*value);
}

/// The JSON that this text is, for those who find the type by its tag: a key may not be there twice, nothing nests
/// deeper than 512 levels, and an integer beyond 64 bits becomes {"$term": digits}. Throws decode_error.
nlohmann::json parse_json(std::string_view text);

/// The JSON of a value whose type is known only at run time.
nlohmann::json to_json(const type_descriptor& type, const void* value);
/// The same as text; with an `indent` of 0 or more on several lines.
std::string to_json_text(const type_descriptor& type, const void* value, int indent = -1);
/// The same the other way: constructs the value at `to`, or throws and leaves the place as it was.
void from_json(const type_descriptor& type, void* to, const nlohmann::json& from, node_index home = own_node());

}  // namespace troupe
