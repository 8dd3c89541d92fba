// SPDX-License-Identifier: BSL-1.0
// script_checks: what may stand behind each key of a script, before it runs. Internal: the parser's.
#pragma once

#include <troupe/net/tool/script.hpp>

#include <set>
#include <string>
#include <vector>

namespace troupe::script {

/// For messages: a value, but not all of a long one.
std::string kind_of(const nlohmann::json& j);
/// Letters, digits and _?
bool is_label(std::string_view text);

/// Knows the names of a script, and fails with the place in its file.
class script_checks {
 public:
  /// Both must live as long as it.
  script_checks(const document& doc, const actors& known);

  /// What follows may name these nodes, and here.
  void know_nodes(const std::vector<node_spec>& nodes);
  /// What follows may name all that these steps give a name to, wherever it stands in them.
  void know_labels(const nlohmann::json& steps, const std::string& pointer);

  /// Throws script_error: there, the value is wrong.
  [[noreturn]] void fail(const std::string& pointer, const std::string& what) const;
  /// The same of the key of that value.
  [[noreturn]] void fail_key(const std::string& pointer, const std::string& what) const;

  /// Has the object these keys (or `besides`), and those that are required? `what` is what people call the object.
  void check_keys(const nlohmann::json& object, const std::string& pointer, const std::vector<field>& fields,
                  const std::vector<std::string>& besides, const std::string& what) const;
  /// May the value stand behind that key?
  void check(const field& f, const nlohmann::json& value, const std::string& at) const;
  /// What cannot be said of one key alone: actors and their arguments, functions of Erlang's, nodes that are needed.
  void check_step(const step& made) const;

 private:
  template <class F>
  void located(const std::string& pointer, const F& f) const;
  void know_label(const std::string& name, const std::string& pointer, bool is_key);
  void check_spawn(const step& made) const;
  void check_text(const field& f, const nlohmann::json& value, const std::string& at) const;
  void check_name(const field& f, const nlohmann::json& value, const std::string& at) const;
  void check_function(const nlohmann::json& value, const std::string& at) const;
  void check_node(const nlohmann::json& value, const std::string& at) const;
  void check_process(const nlohmann::json& value, const std::string& at) const;
  void check_known(const std::string& name, const std::string& at) const;
  void check_variables(const nlohmann::json& value, const std::string& at) const;

  const document& doc_;
  const actors& actors_;
  mutable identities pids_;
  vocabulary words_;
  std::vector<node_spec> nodes_;
  std::vector<std::string> node_names_;
  std::set<std::string> labels_;
};

}  // namespace troupe::script
