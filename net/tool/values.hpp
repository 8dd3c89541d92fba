// SPDX-License-Identifier: BSL-1.0
// values: between the JSON of scripts and the terms of processes: messages, variables, and what is shown to people.
#pragma once

#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>
#include <troupe/net/tool/actors.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::script {

/// The variables of a script: "$x" stands for what `x` is here.
using variables = std::map<std::string, nlohmann::json>;

/// A value that cannot be made; what() says why, `pointer` where in what was written.
class value_error : public std::runtime_error {
 public:
  value_error(std::string pointer, const std::string& what) : std::runtime_error(what), pointer_(std::move(pointer)) {}
  /// A JSON pointer.
  const std::string& pointer() const noexcept { return pointer_; }

 private:
  std::string pointer_;
};

/// The pids in a script's JSON. As texts they would be ambiguous (all own nodes are printed as 0, and a simulation has
/// several), so each gets a number, as a pid of a node that does not exist. Any thread.
class identities {
 public:
  identities();
  /// The text that stands for the process.
  std::string text_of(const pid& process);
  /// The process that this text stands for; a null pid when it stands for none.
  pid of_text(std::string_view text) const;
  /// With the numbered pids instead of the real ones.
  term hide(const term& value);
  /// The other way.
  term reveal(const term& value) const;
  /// What people call the process from now on.
  void set_label(const pid& process, std::string label);
  /// Its label, or how it prints.
  std::string label_of(const pid& process) const;
  /// A text with labels instead of the numbered pids.
  std::string for_people(std::string_view text) const;

 private:
  std::string label(const pid& process) const;

  mutable std::mutex lock_;
  node_index nobody_;
  std::vector<pid> known_;
  std::map<pid, std::size_t> numbers_;
  std::map<pid, std::string> labels_;
};

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

  /// All that can be said of a message before anything runs. Throws value_error.
  void check_message(const nlohmann::json& written, bool is_pattern) const;

  /// The pids.
  identities& pids() const noexcept { return pids_; }

 private:
  const actors& actors_;
  identities& pids_;
};

/// Is it written as a message of a type: the type's name, or an object whose only key is that?
bool is_typed(const nlohmann::json& written);
/// The name of the type. Only when is_typed.
std::string type_name_of(const nlohmann::json& written);
/// The variable that "$x" names; empty for all else.
std::string variable_of(const nlohmann::json& written);
/// The text of a term with the variables in it replaced: `{hello, $me}`. What `unbound` gives stands for those that are
/// not known, and for _ when `with_wildcards`.
std::string expand_term_text(std::string_view text, const variables& known, bool with_wildcards,
                             const std::function<std::string(const nlohmann::json&)>& print);

}  // namespace troupe::script
