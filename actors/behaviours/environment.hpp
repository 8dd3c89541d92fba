// SPDX-License-Identifier: BSL-1.0
// environment: what an application has been configured with.
#pragma once

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/json.hpp>

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// A configuration that is no JSON, or of another shape than is wanted; what() says where and what was expected.
class environment_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The keys and values of one application: its own defaults, and what the configuration says instead. An immutable
/// value; any thread. Erlang: application:get_env/2,3.
class environment {
 public:
  /// Empty.
  environment();
  /// Throws environment_error when `json` is no object.
  environment(std::string application, std::shared_ptr<const nlohmann::json> json);

  /// Whose it is.
  const std::string& application() const noexcept { return application_; }
  /// All of it.
  const nlohmann::json& json() const noexcept { return *json_; }

  /// The value of that key, nothing when it is not there. Throws environment_error when it is no T:
  /// "shop /port: expected integer, got ...".
  template <class T>
  std::optional<T> find(std::string_view key) const {
    const nlohmann::json* value = find_json(key);
    if (value == nullptr) return std::nullopt;
    try {
      return from_json<T>(*value);
    } catch (const decode_error& e) {
      throw_wrong(key, e.what());
    }
  }
  /// The same, or `otherwise`.
  template <class T>
  T get(std::string_view key, T otherwise) const {
    std::optional<T> found = find<T>(key);
    return found ? std::move(*found) : std::move(otherwise);
  }
  /// The value of a key that has to be there; else environment_error.
  template <class T>
  T get(std::string_view key) const {
    std::optional<T> found = find<T>(key);
    if (!found) throw_missing(key);
    return std::move(*found);
  }

  /// As a message it never leaves its node.
  using stays_here = void;

 private:
  const nlohmann::json* find_json(std::string_view key) const;
  [[noreturn]] void throw_wrong(std::string_view key, std::string_view why) const;
  [[noreturn]] void throw_missing(std::string_view key) const;

  std::string application_;
  std::shared_ptr<const nlohmann::json> json_;
};

namespace detail {

/// A configuration: {"application": {"key": value}}. Throws environment_error.
std::shared_ptr<const nlohmann::json> parse_configuration(std::string_view text);

}  // namespace detail
}  // namespace troupe
