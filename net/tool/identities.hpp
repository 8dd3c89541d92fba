// SPDX-License-Identifier: BSL-1.0
// identities: the pids of a script, as texts and by their labels.
#pragma once

#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::script {

/// The pids in a script's JSON. As texts they would be ambiguous (all own nodes are printed as 0, and a simulation has
/// several), so each gets a number, as a pid of a node that does not exist. Any thread.
class identities {
 public:
  /// None is known yet.
  identities();
  /// The text that stands for the process.
  std::string text_of(const pid& process);
  /// The process that this text stands for; a null pid when it stands for none.
  pid of_text(std::string_view text) const;
  /// With the numbered pids instead of the real ones. Throws value_error when it is nested too deeply for JSON.
  term hide(const term& value);
  /// The other way. Throws the same.
  term reveal(const term& value) const;
  /// What people call the process from now on.
  void set_label(const pid& process, std::string label);
  /// Its label, or how it prints.
  std::string label_of(const pid& process) const;
  /// The process has been registered under that name, on its node.
  void set_name(const pid& process, const std::string& name);
  /// What people call who is registered under that name on that node (its full name): the label, when it has always
  /// been the same process; empty when that is not known.
  std::string label_of_name(const std::string& name, const std::string& node) const;
  /// A text with labels instead of the numbered pids.
  std::string for_people(std::string_view text) const;

 private:
  std::string label(const pid& process) const;

  mutable std::mutex lock_;
  node_index nobody_;
  std::vector<pid> known_;
  std::map<pid, std::size_t> numbers_;
  std::map<pid, std::string> labels_;
  std::map<std::pair<std::string, std::string>, std::set<pid>> names_;  // by name and node
};

}  // namespace troupe::script
