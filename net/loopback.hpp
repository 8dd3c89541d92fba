// SPDX-License-Identifier: BSL-1.0
// A cluster of one's own on this machine, for tests and demonstrations.
#pragma once

#include <troupe/net/node_options.hpp>

#include <cstdint>
#include <string>

namespace troupe {

/// A TCP port of 127.0.0.1 that nobody has at this moment, and that the next who asks, here or in a program started at
/// the same time, is not given: from 10000 to 32767, below Linux's for outgoing connections, in an order by process id.
/// Throws std::system_error when there is none. Any thread. Erlang leaves it to the kernel: gen_tcp:listen(0, _).
std::uint16_t free_port();

/// 24 random capital letters: a cookie that nobody guesses. Throws std::runtime_error when the machine has nothing
/// random. Any thread. Erlang: auth makes such a ~/.erlang.cookie.
std::string random_cookie();

/// Options of a node `name`@127.0.0.1 with a cookie of its own, and an epmd of its own that it serves itself: only the
/// peers that it starts know of it, and it disturbs no other. One that others should find takes the machine's epmd:
/// `node here({.name = "a@127.0.0.1"})`. Throws what those two do. Any thread. Erlang: peer:start/1 in a test.
node_options on_loopback(const std::string& name);

}  // namespace troupe
