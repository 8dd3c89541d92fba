// SPDX-License-Identifier: BSL-1.0
// The steps about nodes and time, and those that contain others.
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/net/remote.hpp>
#include <troupe/net/tool/play.hpp>
#include <troupe/net/tool/scene.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe::script {

using nlohmann::json;
using std::chrono::nanoseconds;

namespace {

const node_spec& other_node(scene& s, const step& w) {
  const std::string name = w.subject().get<std::string>();
  const node_spec* spec = s.spec_of(name);
  if (spec == nullptr) throw step_failed("the node here is where the script runs: it stays");
  return *spec;
}

/// Says it in the diagram: before it is done, or its consequences would stand above it.
void note(scene& s, std::string text) {
  if (s.all.record != nullptr) s.all.record->add_note(trace_time(s.self.now()), std::move(text));
}

}  // namespace

task<> play_start_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  note(s, "the node " + spec.name + " starts");
  co_await s.all.nodes.start_node(s.self, spec);
}
task<> play_stop_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  if (s.all.record != nullptr) co_await s.fetch_records();
  note(s, "the node " + spec.name + " stops");
  co_await s.all.nodes.stop_node(s.self, spec);
}
task<> play_crash_node(scene& s, const step& w) {
  const node_spec& spec = other_node(s, w);
  note(s, "the node " + spec.name + " crashes");
  co_await s.all.nodes.crash_node(s.self, spec);
}
task<> play_monitor_nodes(scene& s, const step& w) {
  monitor_nodes(s.self, w.subject().get<bool>(), true);
  co_return;
}

task<> play_partition(scene& s, const step& w) {
  const auto a = w.subject()[0].get<std::string>();
  const auto b = w.subject()[1].get<std::string>();
  note(s, "the network between " + a + " and " + b + " is cut");
  co_await s.all.nodes.partition(s.self, a, b, true);
}
task<> play_heal(scene& s, const step& w) {
  const auto a = w.subject()[0].get<std::string>();
  const auto b = w.subject()[1].get<std::string>();
  note(s, "the network between " + a + " and " + b + " is mended");
  co_await s.all.nodes.partition(s.self, a, b, false);
}

task<> play_wait(scene& s, const step& w) {
  const auto time = duration_of(w.subject().get<std::string>()).value();
  co_await s.self.sleep(time);
}

namespace {

/// No deeper than that? A variable that is put into itself again and again would use up the stack of whoever copies it.
bool is_shallow(const json& value, std::size_t levels) {
  if (!value.is_structured()) return true;
  return levels > 0 &&
         std::all_of(value.begin(), value.end(), [&](const json& part) { return is_shallow(part, levels - 1); });
}

}  // namespace

task<> play_let(scene& s, const step& w) {
  for (const auto& [name, value] : w.subject().items()) {
    const std::string variable = variable_of(value);
    if (!variable.empty()) {
      const std::optional<json> other = s.value_of(variable);
      if (!other) throw step_failed("there is no value for '$" + variable + "' yet");
      s.bind(name, *other);
      continue;
    }
    json made = s.all.words.arguments(value, s.known);
    if (!is_shallow(made, troupe::detail::max_json_depth))
      throw step_failed("the value of '" + name + "' is nested deeper than " +
                        std::to_string(troupe::detail::max_json_depth) + " levels");
    s.bind(name, std::move(made));
  }
  co_return;
}

// --- loops -----------------------------------------------------------------------------------------------------------

task<> play_repeat(scene& s, const step& w) {
  const auto rounds = w.subject().get<std::int64_t>();
  const std::optional<json> outer = s.value_of("round");
  for (std::int64_t i = 1; i <= rounds; ++i) {
    s.known["round"] = i;
    // The first round is shown; the others would be the same lines again.
    co_await s.play(w.blocks[0], i > 1);
  }
  s.restore("round", outer);
  s.more = fmt::format("{} rounds", rounds);
}

namespace {

/// How long each round took; of very many every second one, every fourth ..., so that they fit.
class round_times {
 public:
  void add(nanoseconds time) {
    least_ = std::min(least_, time);
    most_ = std::max(most_, time);
    if (count_++ % stride_ != 0) return;
    if (kept_.size() == most_kept) {
      std::size_t to = 0;
      for (std::size_t from = 0; from < kept_.size(); from += 2) kept_[to++] = kept_[from];
      kept_.resize(to);
      stride_ *= 2;
    }
    kept_.push_back(time);
  }
  nanoseconds least() const { return least_; }
  nanoseconds most() const { return most_; }
  /// The one below which that share of them lies.
  nanoseconds at(double share) {
    std::sort(kept_.begin(), kept_.end());
    return kept_[static_cast<std::size_t>(share * static_cast<double>(kept_.size() - 1))];
  }

 private:
  static constexpr std::size_t most_kept = 1'000'000;
  std::vector<nanoseconds> kept_;
  std::uint64_t count_ = 0, stride_ = 1;
  nanoseconds least_ = nanoseconds::max(), most_{};
};

}  // namespace

task<> play_measure(scene& s, const step& w) {
  const auto rounds = w.subject().get<std::int64_t>();
  const std::optional<json> outer = s.value_of("round");
  const std::uint64_t first = s.all.record == nullptr ? 0 : s.all.record->next_number();
  round_times times;
  const auto begin = s.self.now();
  for (std::int64_t i = 1; i <= rounds; ++i) {
    const auto start = s.self.now();
    s.known["round"] = i;
    co_await s.play(w.blocks[0], true);
    times.add(s.self.now() - start);
  }
  const std::chrono::duration<double> all = s.self.now() - begin;
  s.restore("round", outer);
  if (s.all.record != nullptr) {
    co_await s.fetch_records();
    s.all.record->leave_out_since(first);
    note(s, fmt::format("{} rounds of a measurement", rounds));
  }
  const double rate = all.count() > 0 ? static_cast<double>(rounds) / all.count() : 0;
  s.more = fmt::format("{} a second; each {} (median), {} (99 %), {} to {}{}", people_number(rate),
                       people_time(times.at(0.5)), people_time(times.at(0.99)), people_time(times.least()),
                       people_time(times.most()), s.all.nodes.simulated() ? ", in virtual time" : "");
}

}  // namespace troupe::script
