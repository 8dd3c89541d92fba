// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/script.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace troupe::script {

using nlohmann::json;

const json* step::find(std::string_view key) const {
  const auto found = written.find(std::string(key));
  return found == written.end() ? nullptr : &*found;
}

std::string step::text(std::string_view key, const std::string& otherwise) const {
  const json* found = find(key);
  return found == nullptr ? otherwise : found->get<std::string>();
}

bool step::flag(std::string_view key) const {
  const json* found = find(key);
  return found != nullptr && found->get<bool>();
}

std::chrono::nanoseconds step::duration(std::string_view key, std::chrono::nanoseconds otherwise) const {
  const json* found = find(key);
  return found == nullptr ? otherwise : duration_of(found->get<std::string>()).value();
}

json step::summary() const {
  json made = json::object();
  for (const auto& [key, value] : written.items())
    if (key != "steps" && key != kind->name && key != "within") made[key] = value;
  return made;
}

const node_spec* script::find_node(std::string_view name) const {
  for (const node_spec& n : nodes)
    if (n.name == name) return &n;
  return nullptr;
}

script read_script(const std::string& file, const actors& known) {
  if (std::filesystem::is_directory(file)) throw std::runtime_error("'" + file + "' is a directory, and no script");
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("the script '" + file + "' cannot be read");
  return parse_script(file, text.str(), known);
}

std::optional<std::chrono::nanoseconds> duration_of(std::string_view text) {
  // No exponents, no signs: as the schema has it.
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::size_t end = digits;
  if (end < text.size() && text[end] == '.') end = std::min(text.find_first_not_of("0123456789", end + 1), text.size());
  if (digits == 0 || end == digits + 1 || text.substr(end).starts_with('e')) return {};
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0) || number > 1e9) return {};
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  static const std::pair<std::string_view, double> units[] = {{"ns", 1},  {"us", 1e3},   {"ms", 1e6},
                                                              {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};
  for (const auto& [name, nanoseconds] : units)
    if (unit == name && number * nanoseconds < 9e18)
      return std::chrono::nanoseconds(static_cast<std::int64_t>(number * nanoseconds));
  return {};
}

}  // namespace troupe::script
