// SPDX-License-Identifier: BSL-1.0
// recorder: what the processes of a script did, from the tracers of its nodes; as a diagram, and as a trace.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/trace.hpp>
#include <troupe/net/tool/values.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::script {

/// One event of a trace, as it travels from node to node.
struct trace_record {
  std::int64_t time;     ///< in ns, of the machine's clock or the simulation's
  std::string kind;      ///< send, receive, spawn, exit, link, unlink
  std::string role;      ///< message, request, answer, failure
  pid process;           ///< who; null: nobody
  term other;            ///< a pid, a name, {Name, Node}
  std::string message;   ///< its name
  std::string function;  ///< of spawn
  term content;          ///< of the message; of exit the reason
  reference ref;         ///< of a request, answer or failure: which question
};

/// The records of this OS process since the last call; the first call begins. Exported to directors as script:trace.
std::vector<trace_record> take_trace(actor_system& here);

/// Collects. Any thread.
class recorder {
 public:
  /// A span of the director: a step.
  struct span {
    std::string title;
    std::int64_t begin, end;
    bool failed;
  };

  /// From now on what happens in that system is recorded.
  void watch(actor_system& system);
  /// Of other OS processes.
  void add(std::vector<trace_record> records);
  /// A step has been played by that process.
  void add_span(const pid& by, span s);
  /// Something to be said across the diagram: a node has gone.
  void add_note(std::int64_t time, std::string text);

  /// What happened then is left out of the diagram: it would be the same again and again.
  void leave_out(std::int64_t begin, std::int64_t end);

  /// A Mermaid sequence diagram in a Markdown file.
  std::string diagram(const std::string& title, const vocabulary& words) const;
  /// Chrome's trace events, for Perfetto and chrome://tracing.
  nlohmann::json chrome_trace(const vocabulary& words) const;

 private:
  struct note {
    std::int64_t time;
    std::string text;
  };
  std::vector<trace_record> sorted() const;
  /// The processes that the script has made, and those that these have.
  static std::set<pid> troupe_of(const std::vector<trace_record>& records, const std::set<pid>& directors,
                                 const vocabulary& words);

  mutable std::mutex lock_;
  std::vector<trace_record> records_;
  std::map<pid, std::vector<span>> spans_;
  std::vector<note> notes_;
  std::vector<std::pair<std::int64_t, std::int64_t>> left_out_;
};

}  // namespace troupe::script
