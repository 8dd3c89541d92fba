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

/// A time as records have it.
std::int64_t trace_time(troupe::detail::time_point time);

/// The records of this OS process since the last call; the first call begins. Exported to directors as script:trace.
std::vector<trace_record> take_trace(actor_system& here);

/// Collects. Any thread.
class recorder {
 public:
  /// A span of the director: a step.
  struct span {
    std::string title;   ///< the step on one line
    std::int64_t begin;  ///< from when, as trace_time
    std::int64_t end;    ///< to when
    bool failed;         ///< it did not come out as expected
  };

  /// From now on what happens in that system is recorded.
  void watch(actor_system& system);
  /// Of other OS processes.
  void add(std::vector<trace_record> records);
  /// A step has been played by that process.
  void add_span(const pid& by, span s);
  /// Something to be said across the diagram: a node has gone.
  void add_note(std::int64_t time, std::string text);

  /// What comes next gets that number: virtual time does not tell before from after.
  std::uint64_t next_number() const;
  /// What has come since that number is left out of the diagram: it would be the same again and again.
  void leave_out_since(std::uint64_t number);

  /// A Mermaid sequence diagram in a Markdown file.
  std::string diagram(const std::string& title, const vocabulary& words) const;
  /// Chrome's trace events, for Perfetto and chrome://tracing.
  nlohmann::json chrome_trace(const vocabulary& words) const;

 private:
  struct numbered {
    std::uint64_t number;
    trace_record record;
  };
  struct note {
    std::int64_t time;
    std::uint64_t number;
    std::string text;
  };
  /// In the order of their times, and of their numbers where these are the same.
  std::vector<numbered> sorted() const;
  /// The processes that the script has made, and those that these have.
  static std::set<pid> troupe_of(const std::vector<numbered>& records, const std::set<pid>& directors,
                                 const vocabulary& words);

  mutable std::mutex lock_;
  std::uint64_t next_ = 0;
  std::vector<numbered> records_;
  std::map<pid, std::vector<span>> spans_;
  std::vector<note> notes_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> left_out_;  // from that number to before that one
};

}  // namespace troupe::script
