// SPDX-License-Identifier: BSL-1.0
// Where json.hpp meets the JSON library.
#include <troupe/mailbox/json.hpp>

#include <troupe/mailbox/json_reader.hpp>
#include <troupe/mailbox/json_text.hpp>
#include <troupe/mailbox/json_writer.hpp>

namespace troupe {

using nlohmann::json;

json detail::write_json(const void* value, void (*visit)(const void* value, term_sink& to)) {
  json_writer writer;
  visit(value, writer);
  return writer.take();
}

std::string detail::write_json_text(const void* value, void (*visit)(const void* value, term_sink& to), int indent) {
  return write_json(value, visit).dump(indent);
}

void detail::read_json(const json& from, node_index home, void* to, void (*build)(void* to, term_source& from)) {
  json_reader reader(from, home);
  build(to, reader);
}

void detail::read_json_text(std::string_view text, node_index home, void* to,
                            void (*build)(void* to, term_source& from)) {
  read_json(json_of_json_text(text), home, to, build);
}

json parse_json(std::string_view text) {
  return detail::json_of_json_text(text);
}

json to_json(const type_descriptor& type, const void* value) {
  return detail::write_json(value, type.visit);
}

std::string to_json_text(const type_descriptor& type, const void* value, int indent) {
  return detail::write_json_text(value, type.visit, indent);
}

void from_json(const type_descriptor& type, void* to, const json& from, node_index home) {
  detail::read_json(from, home, to, type.build);
}

}  // namespace troupe
