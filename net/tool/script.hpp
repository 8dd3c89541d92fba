// SPDX-License-Identifier: BSL-1.0
// script: a scenario, parsed and checked.
#pragma once

#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/step_table.hpp>
#include <troupe/net/tool/values.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::script {

/// One step.
struct step {
  const step_kind* kind = nullptr;          ///< which; never null
  nlohmann::json written;                   ///< as it stands in the script
  std::string pointer;                      ///< its JSON pointer
  position where;                           ///< its place in the file
  std::string number;                       ///< for people: "3", within others "3.1"
  std::vector<std::vector<step>> blocks{};  ///< the steps in it

  /// What stands behind that key; null when it is not there.
  const nlohmann::json* find(std::string_view key) const;
  /// What stands behind the key that says which step it is.
  const nlohmann::json& subject() const { return *find(kind->name); }
  /// A text; the other one when the key is not there.
  std::string text(std::string_view key, const std::string& otherwise = {}) const;
  /// A flag; false when the key is not there.
  bool flag(std::string_view key) const;
  /// A duration; the other one when the key is not there.
  std::chrono::nanoseconds duration(std::string_view key, std::chrono::nanoseconds otherwise) const;
  /// Without the steps in it, on one line.
  nlohmann::json summary() const;
};

/// A node of a script.
struct node_spec {
  std::string name;                  ///< in the script
  bool erlang = false;               ///< a node of Erlang's
  bool started = true;               ///< from the beginning on
  std::vector<std::string> modules;  ///< of an Erlang node
};

/// A script.
struct script {
  std::string file;              ///< its path
  std::string title;             ///< what it shows
  std::vector<node_spec> nodes;  ///< beside this process's own
  std::vector<step> steps;       ///< what happens

  /// Null when there is none.
  const node_spec* find_node(std::string_view name) const;
};

/// Parses and checks a script: everything that can be known before it runs. Throws script_error.
script parse_script(std::string file, const std::string& text, const actors& known);
/// The same from a file. Throws std::runtime_error when it cannot be read.
script read_script(const std::string& file, const actors& known);

/// "100ms", "1.5s", "2min", "1h", "50us"; nothing for other texts.
std::optional<std::chrono::nanoseconds> duration_of(std::string_view text);

/// A JSON Schema (2020-12) of the scripts of a program with these actors.
nlohmann::json schema(const actors& known);
/// The steps, each with its keys and an example.
std::string describe_steps();

}  // namespace troupe::script
