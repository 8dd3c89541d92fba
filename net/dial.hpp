// SPDX-License-Identifier: BSL-1.0
// The processes behind a connection: who dials, who answers, who accepts. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/connection.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/stream.hpp>

#include <memory>

namespace troupe::detail {

/// Dials the connection's node, and serves the connection until it ends.
process dial_process(context& self, shared<distribution> home, shared<connection> c);
/// Answers whoever has dialled us, and serves the connection.
process answer_process(context& self, shared<distribution> home, shared<byte_stream> stream,
                       shared<std::atomic<int>> count);
/// Takes connections, for ever.
process accept_process(context& self, shared<distribution> home, shared<byte_listener> listener);

}  // namespace troupe::detail
