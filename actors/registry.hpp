// SPDX-License-Identifier: BSL-1.0
// The names of processes. Internal; users see it through context and actor_system.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <mutex>
#include <shared_mutex>
#include <vector>

namespace troupe::detail {

/// Name to pid and back. Any thread. A process frees its name when it ends; whoever asks in the moment between checks
/// is_alive.
class registry {
 public:
  enum class outcome { added, name_taken, has_a_name };

  /// `alive(pid)`: does the present holder still live? A name whose holder has gone is free.
  template <class Alive>
  outcome add(atom name, const pid& process, Alive&& alive) {
    const std::unique_lock guard(lock_);
    const auto found = processes_.find(name);
    if (found != processes_.end()) {
      if (alive(found->second)) return outcome::name_taken;
      names_.erase(found->second);
      processes_.erase(found);
    }
    if (!names_.try_emplace(process, name).second) return outcome::has_a_name;
    processes_.emplace(name, process);
    return outcome::added;
  }

  /// The process that had the name; null pid when nobody had.
  pid remove(atom name);
  /// Whatever name the process has.
  void remove(const pid& process) noexcept;
  /// Null pid when nobody has the name.
  pid find(atom name) const;
  /// The empty atom when it has none.
  atom name_of(const pid& process) const;
  /// All names, sorted by text.
  std::vector<atom> names() const;

 private:
  mutable std::shared_mutex lock_;
  boost::unordered::unordered_flat_map<atom, pid, std::hash<atom>> processes_;
  boost::unordered::unordered_flat_map<pid, atom, std::hash<pid>> names_;
};

}  // namespace troupe::detail
