// SPDX-License-Identifier: BSL-1.0
// scene: a process that plays steps, with its variables and its mailbox. The script's own, and one for each branch.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/tool/pattern.hpp>
#include <troupe/net/tool/recorder.hpp>
#include <troupe/net/tool/reporter.hpp>
#include <troupe/net/tool/script.hpp>
#include <troupe/net/tool/stage.hpp>
#include <troupe/net/tool/values.hpp>
#include <troupe/net/tool/wording.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::script {

/// An expectation that did not come true, with the difference. what() may have several lines.
class step_failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// It has been said already.
class reported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How far a script has come: for who waits for its end.
struct course {
  std::atomic<int> scenes{0};      ///< processes that play steps
  std::atomic<bool> ended{false};  ///< the script's own has come to its end, and was not ended by others
  std::atomic<bool> right{false};  ///< and all was as expected
};

/// One of a course's scenes while it exists: held by the process that plays it, however that ends.
class attendance {
 public:
  /// One more.
  explicit attendance(std::shared_ptr<course> of) : of_(std::move(of)) { ++of_->scenes; }
  attendance(const attendance&) = delete;
  attendance& operator=(const attendance&) = delete;
  ~attendance() {
    --of_->scenes;
    of_->scenes.notify_all();
  }

 private:
  std::shared_ptr<course> of_;  // kept: who has waited for the last of them may be done before notify_all is
};

/// What all scenes of a script share.
struct performance {
  const script& what;                ///< what is played
  const actors& known;               ///< by these actors
  const vocabulary& words;           ///< in these words
  stage& nodes;                      ///< on these nodes
  reporter& report;                  ///< who says what came of it
  recorder* record;                  ///< null when nobody wants it
  std::shared_ptr<course> progress;  ///< how far it has come
};

/// A message in the mailbox of a scene.
struct received {
  nlohmann::json shown;  ///< as patterns see it
  any_message message;   ///< itself
};

/// Plays steps. A process that may not be left while it does.
class scene {
 public:
  /// Of that process.
  scene(context& process, performance& shared) : self(process), all(shared) {}

  context& self;                 ///< the process
  performance& all;              ///< what it shares with the others
  variables known;               ///< what the variables are
  std::set<std::string> absent;  ///< the labels and variables of steps that were skipped
  std::string more;              ///< what the step wants to add to its line
  bool quiet = false;            ///< steps are not reported now, unless they fail

  /// Plays them, quietly or as it plays now; throws `reported` after the first that fails.
  task<> play(const std::vector<step>& steps, bool quietly = false);

  // --- what steps are made of ---------------------------------------------------------------------------------------

  /// Whom a field of the kind process means.
  destination destination_of(const nlohmann::json& written) const;
  /// The same, which has to be a pid.
  pid pid_of(const nlohmann::json& written) const;
  /// Gives a variable its value.
  void bind(const std::string& name, nlohmann::json value);
  /// Takes the value away, or gives it another: what "round" was before a loop.
  void restore(const std::string& name, const std::optional<nlohmann::json>& before);
  /// What it is; nothing when it has none.
  std::optional<nlohmann::json> value_of(const std::string& name) const;
  /// Does it fit? Then the pattern's variables are bound.
  bool fits(const nlohmann::json& pattern, const nlohmann::json& got, std::vector<difference>* why = nullptr);
  /// Gives the process a label.
  void give_label(const std::string& label, const pid& process);
  /// What others call the node of a field "on".
  std::string node_of_field(const step& w) const;
  /// The node in the script; null: here.
  const node_spec* spec_of(const std::string& node) const { return all.what.find_node(node); }
  /// Throws step_failed unless `got` fits; binds the variables.
  void expect(const nlohmann::json& pattern, const nlohmann::json& got, const std::string& what);
  /// Takes the first message out of the mailbox that `wanted` takes; waits for one. Throws step_failed with what is
  /// there instead.
  task<received> take(const std::function<bool(const nlohmann::json&)>& wanted, std::chrono::nanoseconds patience,
                      std::string expected, const nlohmann::json* pattern);
  /// The same: whether there was one.
  task<bool> comes(const std::function<bool(const nlohmann::json&)>& wanted, std::chrono::nanoseconds patience);
  /// Gets what the nodes in other OS processes have recorded.
  task<> fetch_records();

 private:
  task<> play_one(const step& w);
  /// In a simulation: does it need what is not there? Then why.
  std::string missing(const step& w) const;
  /// What it would have given a value to is absent from now on.
  void skip(const step& w);
  received arrived(any_message m) const;

  std::deque<received> mailbox_;
};

/// How long steps wait unless they say otherwise.
inline constexpr std::chrono::nanoseconds usual_patience = std::chrono::seconds(5);

}  // namespace troupe::script
