// SPDX-License-Identifier: BSL-1.0
// plugin: what a shared object gives to `troupe node --load FILE.so`.
//
//     // counter.cpp: c++ -std=c++20 -shared -fPIC counter.cpp $(pkg-config --cflags troupe-net) -o counter.so
//     #include <troupe/net/tool/plugin.hpp>
//
//     extern "C" void troupe_load(troupe::tool::plugin& to) {
//       to.application(shop());                                    // started by --start shop
//       to.setup([](troupe::node& here) { here.export_as("counter", counter); });
//     }
//
// It is not linked with troupe's libraries: the program has all of them, and there may be only one of each. So it has
// to be compiled against the headers of the same version, by the same compiler.
#pragma once

#include <troupe/actors/behaviours/application.hpp>
#include <troupe/net/node.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tool {

/// Where a shared object says what is in it. Only while its troupe_load runs.
class plugin {
 public:
  /// An application that `--start NAME` starts.
  void application(troupe::application app) { applications_.push_back(std::move(app)); }
  /// Called with the node before applications start: exports, processes. Not called when there is no --name.
  void setup(std::function<void(troupe::node&)> f) { setups_.push_back(std::move(f)); }

  /// What has been said.
  const std::vector<troupe::application>& applications() const noexcept { return applications_; }
  /// Of all that were loaded, in their order.
  const std::vector<std::function<void(troupe::node&)>>& setups() const noexcept { return setups_; }

 private:
  std::vector<troupe::application> applications_;
  std::vector<std::function<void(troupe::node&)>> setups_;
};

}  // namespace troupe::tool

/// What the shared object defines. Exceptions end the program with their text.
extern "C" void troupe_load(troupe::tool::plugin& to);
