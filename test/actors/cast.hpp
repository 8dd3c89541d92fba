// SPDX-License-Identifier: BSL-1.0
// The messages and processes that many suites cast for small parts.
#pragma once

#include <troupe/actors/all.hpp>

#if defined(TROUPE_TEST_ACROSS)
#include "net/across.hpp"  // another context
#endif

namespace troupe_test {

struct done {};
/// Says who is there.
struct ready {
  troupe::pid who;
};
/// Tells the receiver to end, and why.
struct finish {
  troupe::term reason;
};

/// Ends with the reason it is told.
inline troupe::process obedient(troupe::context& self) {
  const finish f = co_await self.receive<finish>();
  self.exit(f.reason);
}

inline troupe::process ends_at_once(troupe::context& self, troupe::term reason) {
  self.exit(reason);
  co_return;
}

/// A pid that nobody has any more.
inline troupe::task<troupe::pid> dead_pid(troupe::context& self) {
  const troupe::spawned child = self.spawn_monitor([](troupe::context&) -> troupe::process { co_return; });
  co_await self.receive<troupe::down>();
  co_return child.pid;
}

/// Waits until nothing can happen any more (time stands still until then), and looks: is the mailbox empty?
inline troupe::task<bool> nothing_comes(troupe::context& self) {
  co_await self.sleep(std::chrono::seconds(1));
  co_return self.mailbox_length() == 0;
}

}  // namespace troupe_test
