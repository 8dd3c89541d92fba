// SPDX-License-Identifier: BSL-1.0
// How JSON is put together from its parts.
#include <troupe/mailbox/json_writer.hpp>

#include <troupe/mailbox/base64.hpp>
#include <troupe/mailbox/json_terms.hpp>

#include <cmath>
#include <stdexcept>
#include <utility>

namespace troupe::detail {

using nlohmann::json;

void json_writer::open(json value, bool tagged) {
  take_alternative();
  // The tag and what it is the tag of are two levels.
  if (levels_.size() + 2 > max_json_depth)
    throw std::invalid_argument("troupe: JSON may not nest deeper than " + std::to_string(max_json_depth) + " levels");
  levels_.push_back({std::move(value), tagged, {}});
}

void json_writer::close() {
  json done = std::move(levels_.back().value);
  levels_.pop_back();
  add(std::move(done));
}

void json_writer::add(json value) {
  take_alternative();
  if (levels_.empty()) {
    result_ = std::move(value);
  } else if (level& top = levels_.back(); top.value.is_object()) {
    top.value[top.member] = std::move(value);
  } else {
    top.value.push_back(std::move(value));
  }
}

void json_writer::put_floating(double value) {
  if (!std::isfinite(value)) throw std::invalid_argument("troupe: JSON has no float that is infinite or not a number");
  add(value);
}

void json_writer::put_binary(std::string_view bytes) {
  add(to_base64(bytes));
}

void json_writer::put_text(std::string_view text) {
  add(json_of_text(text));
}

void json_writer::put_opaque(const term& value) {
  if (value.is_port())
    add(value.as_port().to_string());
  else
    put_term(value);
}

void json_writer::put_term(const term& value) {
  add(json_of_term(value, levels_.size()));
}

void json_writer::end_map() {
  json parts = std::move(levels_.back().value);
  levels_.pop_back();
  json object = json::object();
  bool texts = true;
  for (std::size_t i = 0; texts && i < parts.size(); i += 2)
    texts = parts[i].is_string() && !object.contains(parts[i]) && (object[parts[i].get<std::string>()] = nullptr, true);
  json pairs = json::array();
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    if (texts)
      object[parts[i].get<std::string>()] = std::move(parts[i + 1]);
    else
      pairs.push_back(json::array({std::move(parts[i]), std::move(parts[i + 1])}));
  }
  add(texts ? std::move(object) : std::move(pairs));
}

void json_writer::begin_struct(atom, std::size_t size) {
  const bool tagged = take_alternative();
  if (size > 0) open(json::object(), tagged);
}

void json_writer::end_struct(atom name, std::size_t size) {
  if (size == 0) return add(std::string(name.name()));
  json done = std::move(levels_.back().value);
  const bool tagged = levels_.back().tagged;
  levels_.pop_back();
  if (!tagged) return add(std::move(done));
  json outer = json::object();
  outer[std::string(name.name())] = std::move(done);
  add(std::move(outer));
}

json json_writer::take() {
  if (!levels_.empty()) throw std::logic_error("troupe: a JSON value was not written to its end");
  return std::move(result_);
}

}  // namespace troupe::detail
