// SPDX-License-Identifier: BSL-1.0
// The part of multi_call that needs no types.
#include <troupe/actors/behaviours/multi_call.hpp>

#include <string>

namespace troupe::detail {

atom common_name(const destination& server) {
  if (server.name().empty())
    throw usage_error("troupe: on every node a server has the same name, not the same process: " +
                      server.to_term().to_string() + " is no name");
  return server.name();
}

}  // namespace troupe::detail
