// SPDX-License-Identifier: BSL-1.0
// stage: the nodes that a script runs on, real or simulated.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/task.hpp>
#include <troupe/net/tool/actors.hpp>
#include <troupe/net/tool/script.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::script {

/// The nodes of a script, and what can be done with them. Its tasks are for processes of the node here.
class stage {
 public:
  stage() = default;
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  virtual ~stage() = default;

  /// This process's own node.
  virtual actor_system& here() = 0;
  /// Does it run by a seed, in virtual time? Then it has no nodes of Erlang.
  virtual bool simulated() const = 0;
  /// What others call that node of the script; "here" is one of them.
  virtual std::string full_name(const std::string& node) const = 0;

  /// Starts a node. Throws node_error.
  virtual task<> start_node(context& self, const node_spec& spec) = 0;
  /// Ends it in good order.
  virtual task<> stop_node(context& self, const node_spec& spec) = 0;
  /// Ends it at once.
  virtual task<> crash_node(context& self, const node_spec& spec) = 0;
  /// Cuts what is between two nodes, or mends it.
  virtual task<> partition(context& self, std::string a, std::string b, bool cut) = 0;

  /// From an ordinary thread: until the process `director` has ended, and `is_done()`, in a simulation. Throws when
  /// that will never be.
  virtual void run(const std::function<bool()>& is_done, pid director) = 0;
  /// Called with each system of this OS process that is made later than here().
  std::function<void(actor_system&)> observe{};
  /// The nodes of this program in other OS processes that run now, by their full names.
  virtual std::vector<std::string> peers() { return {}; }
  /// For people: what the seed did; empty when there is none.
  virtual std::string summary() const { return {}; }
};

/// What real nodes are started with.
struct stage_options {
  std::vector<std::string> peer_arguments;  ///< what this program gets as a peer (see net/peer.hpp)
  std::string folder;                       ///< that paths in the script start from
};

/// OS processes and TCP.
std::unique_ptr<stage> make_real_stage(const script& what, const actors& known, const stage_options& options);
/// A simulation.
std::unique_ptr<stage> make_simulated_stage(const script& what, const actors& known, std::uint64_t seed);

}  // namespace troupe::script
