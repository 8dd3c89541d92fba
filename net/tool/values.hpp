// SPDX-License-Identifier: BSL-1.0
// values: between the JSON of scripts and the terms of processes: messages, variables, and what is shown to people.
#pragma once

#include <troupe/mailbox/term.hpp>
#include <troupe/net/tool/actors.hpp>
#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/identities.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::script {

/// The variables of a script: "$x" stands for what `x` is here.
using variables = std::map<std::string, nlohmann::json>;

/// Converts. Any thread.
class vocabulary {
 public:
  /// Both must live as long as it.
  vocabulary(const actors& known, identities& pids) : actors_(known), pids_(pids) {}

  /// A message: {"increment": {"by": 3}}, "reset", or a term. Throws value_error. `type`, when given, is set to its
  /// type, or to null for terms.
  term message(const nlohmann::json& written, const variables& known, const message_type** type = nullptr) const;
  /// Anything, as json.hpp writes terms. Throws value_error.
  term value(const nlohmann::json& written, const variables& known) const;
  /// A value, but for texts, which are atoms here: "shutdown". Throws value_error.
  term reason(const nlohmann::json& written, const variables& known) const;
  /// With the values of the variables in their places, as the arguments of factories need them. Throws value_error.
  nlohmann::json arguments(const nlohmann::json& written, const variables& known) const;
  /// With the pids that scripts see made real.
  std::vector<term> reveal(std::vector<term> terms) const;

  /// A message that has come: by its type where that is known, otherwise as a term.
  nlohmann::json show_message(const term& got) const;
  /// The answer to a message of that type, which may be null.
  nlohmann::json show_answer(const message_type* asked, const term& answer) const;
  /// Any term.
  nlohmann::json show_value(const term& got) const;
  /// For people, on one line.
  std::string print(const nlohmann::json& value) const;

  /// A value as Erlang writes it, to stand in the text of a term. Throws value_error.
  std::string erlang_text(const nlohmann::json& value) const;

  /// All that can be said of a message before anything runs. Throws value_error.
  void check_message(const nlohmann::json& written, bool is_pattern) const;
  /// The same of a value, of which only what variables will be is not known. Throws value_error.
  void check_value(const nlohmann::json& written) const;
  /// The same of what stands behind "$term", in a pattern or not. Throws value_error.
  void check_term(const nlohmann::json& written, bool is_pattern) const;

  /// The pids.
  identities& pids() const noexcept { return pids_; }

 private:
  term term_of(const nlohmann::json& filled) const;

  const actors& actors_;
  identities& pids_;
};

/// Is it written as a message of a type: the type's name, or an object whose only key is that?
bool is_typed(const nlohmann::json& written);
/// The name of the type. Only when is_typed.
std::string type_name_of(const nlohmann::json& written);
/// The variable that "$x" names; empty for all else.
std::string variable_of(const nlohmann::json& written);
/// The variables in the text of a term: `{hello, $me}`. What is quoted in it has none.
std::vector<std::string> variables_of_term(std::string_view text);
/// The text with what `print` makes of their values instead of the variables. With `as_pattern` the others, and _, are
/// atoms that marked_variable knows; without they stay as they are.
std::string expand_term_text(std::string_view text, const variables& known, bool as_pattern,
                             const std::function<std::string(const nlohmann::json&)>& print);
/// The variable that this atom in the JSON of an expanded term stands for, "_" for the wildcard; empty for all else.
std::string marked_variable(const nlohmann::json& value);

}  // namespace troupe::script
