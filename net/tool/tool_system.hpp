// SPDX-License-Identifier: BSL-1.0
// The processes of the commands themselves, and how what they throw reaches main.
#pragma once

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/net/stream.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace troupe::tool {

/// Seconds of the command line as a time.
inline detail::duration seconds(double s) {
  return std::chrono::duration_cast<detail::duration>(std::chrono::duration<double>(s));
}

/// Runs `work` as a process of that system, waits for its end, and gives what it gives or throws what it throws.
int run_as_process(actor_system& system, std::function<task<int>(context&)> work);

/// The same in a system of its own that has a network and is no node.
int run_with_network(std::function<task<int>(context&, std::shared_ptr<detail::network>)> work);

}  // namespace troupe::tool
