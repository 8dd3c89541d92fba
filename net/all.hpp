// SPDX-License-Identifier: BSL-1.0
// Everything of net/ that programs use.
#pragma once

#include <troupe/net/exports.hpp>       // IWYU pragma: export
#include <troupe/net/loopback.hpp>      // IWYU pragma: export
#include <troupe/net/node.hpp>          // IWYU pragma: export
#include <troupe/net/node_options.hpp>  // IWYU pragma: export
#include <troupe/net/observer.hpp>      // IWYU pragma: export
#include <troupe/net/peer.hpp>          // IWYU pragma: export
#include <troupe/net/remote.hpp>        // IWYU pragma: export
#include <troupe/net/rpc.hpp>           // IWYU pragma: export
