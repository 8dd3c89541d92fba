// SPDX-License-Identifier: BSL-1.0
// The names of processes.
#include <troupe/actors/registry.hpp>

#include <algorithm>
#include <mutex>

namespace troupe::detail {

pid registry::remove(atom name) {
  const std::unique_lock guard(lock_);
  const auto found = processes_.find(name);
  if (found == processes_.end()) return {};
  const pid process = found->second;
  processes_.erase(found);
  names_.erase(process);
  return process;
}

void registry::remove(const pid& process) noexcept {
  const std::unique_lock guard(lock_);
  const auto found = names_.find(process);
  if (found == names_.end()) return;
  processes_.erase(found->second);
  names_.erase(found);
}

pid registry::find(atom name) const {
  const std::shared_lock guard(lock_);
  const auto found = processes_.find(name);
  return found == processes_.end() ? pid() : found->second;
}

atom registry::name_of(const pid& process) const {
  const std::shared_lock guard(lock_);
  const auto found = names_.find(process);
  return found == names_.end() ? atom() : found->second;
}

std::vector<atom> registry::names() const {
  std::vector<atom> result;
  {
    const std::shared_lock guard(lock_);
    result.reserve(processes_.size());
    for (const auto& item : processes_) result.push_back(item.first);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace troupe::detail
