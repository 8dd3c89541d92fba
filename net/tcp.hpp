// SPDX-License-Identifier: BSL-1.0
// The real network: TCP. Internal.
#pragma once

#include <troupe/net/poller.hpp>
#include <troupe/net/stream.hpp>

#include <memory>

namespace troupe::detail {

/// TCP over IPv4 and IPv6. Callbacks run on the workers whose pollers share `reactor`, and only while they do: what the
/// pollers of a stopped system have not called is dropped.
///
/// Streams send at once (TCP_NODELAY) and are not inherited by programs that this one starts. A name with several
/// addresses is tried at each, in the order of the resolver, until one answers. A listener that cannot take a
/// connection because descriptors or memory are short says that there is none, and looks again after 100 ms: the
/// connection waits in the kernel's queue. Errors beside the system's: std::errc::invalid_argument for an empty host or
/// one with a zero byte, the resolver's for an unknown one, std::errc::connection_aborted from a stream closed here.
std::shared_ptr<network> make_tcp_network(std::shared_ptr<io_reactor> reactor);

}  // namespace troupe::detail
