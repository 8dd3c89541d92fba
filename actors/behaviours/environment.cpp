// SPDX-License-Identifier: BSL-1.0
// Configurations.
#include <troupe/actors/behaviours/environment.hpp>

#include <nlohmann/json.hpp>

namespace troupe {

environment::environment() : environment("", std::make_shared<const nlohmann::json>(nlohmann::json::object())) {}

environment::environment(std::string application, std::shared_ptr<const nlohmann::json> json)
    : application_(std::move(application)), json_(std::move(json)) {
  if (!json_->is_object())
    throw environment_error("troupe: the environment of " + application_ + " is no JSON object: " + json_->dump());
}

const nlohmann::json* environment::find_json(std::string_view key) const {
  const auto found = json_->find(key);
  return found == json_->end() ? nullptr : &*found;
}

void environment::throw_wrong(std::string_view key, std::string_view why) const {
  throw environment_error("troupe: the environment of " + application_ + ", key " + std::string(key) + ": " +
                          std::string(why));
}

void environment::throw_missing(std::string_view key) const {
  throw environment_error("troupe: the environment of " + application_ + " has no key " + std::string(key) +
                          ", which has no default");
}

std::shared_ptr<const nlohmann::json> detail::parse_configuration(std::string_view text) {
  std::shared_ptr<const nlohmann::json> parsed;
  try {
    parsed = std::make_shared<const nlohmann::json>(parse_json(text));
  } catch (const decode_error& e) {
    throw environment_error(std::string("troupe: the configuration is no JSON: ") + e.what());
  }
  if (!parsed->is_object())
    throw environment_error("troupe: the configuration is no JSON object, {\"application\": {\"key\": value}}");
  for (const auto& [name, value] : parsed->items())
    if (!value.is_object())
      throw environment_error("troupe: the configuration of " + name + " is no JSON object: " + value.dump());
  return parsed;
}

}  // namespace troupe
