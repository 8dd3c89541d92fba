// SPDX-License-Identifier: BSL-1.0
// reporter: what a script says while it runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::script {

struct step;
class vocabulary;

/// How much is said.
enum class verbosity {
  quiet,   ///< failures and the last line
  normal,  ///< each step
};

/// Prints. Any thread.
class reporter {
 public:
  /// Writes to that file, so much.
  reporter(std::FILE* to, verbosity how) : to_(to), how_(how) {}

  /// The title, and the nodes.
  void begin(const std::string& name, const std::string& title);
  /// A step has been done; `more` is added to its line.
  void done(const step& what, const vocabulary& words, std::chrono::nanoseconds took, const std::string& more);
  /// It was left out, and why.
  void skipped(const step& what, const vocabulary& words, const std::string& why);
  /// It failed; `place` is "file:line:column", `details` has a line for each.
  void failed(const step& what, const vocabulary& words, const std::string& place, const std::string& details);
  /// The script cannot go on, for a reason that is no step's; `file` is the script's.
  void broken(const std::string& file, const std::string& why);
  /// A line of its own.
  void say(const std::string& line);
  /// The last lines.
  void end(bool right, const std::string& summary, std::chrono::nanoseconds took);

 private:
  std::FILE* to_;
  verbosity how_;
  std::mutex lock_;
  std::size_t done_ = 0, skipped_ = 0, failed_ = 0;
};

/// A step on one line: `send {"ping":...} to ponger`.
std::string line_of(const step& what, const vocabulary& words);

}  // namespace troupe::script
