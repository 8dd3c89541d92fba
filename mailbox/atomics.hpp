// SPDX-License-Identifier: BSL-1.0
// The atomics policy of the lock-free parts: the machine's own, or those of the model checker in test/model/. Internal.
#pragma once

#include <atomic>
#include <mutex>

namespace troupe::detail {

/// What mailbox, mailbox_room, room_line, run_ring and idle_workers are built from. test/model/ gives them another
/// policy, whose every operation is a point where threads may interleave and whose stores may wait in a store buffer.
struct std_atomics {
  template <class T>
  using atomic = std::atomic<T>;
  using mutex = std::mutex;
};

}  // namespace troupe::detail
