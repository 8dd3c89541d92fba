// SPDX-License-Identifier: BSL-1.0
// identities: the pids of a script, as texts and by their labels.
#pragma once

#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
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
  /// Has a process of that node (its full name) this label?
  bool has_label_on(std::string_view label, std::string_view node) const;
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

}  // namespace troupe::script
