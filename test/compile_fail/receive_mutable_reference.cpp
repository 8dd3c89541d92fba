// expect: a message is immutable: take it by value or by const&
// SPDX-License-Identifier: BSL-1.0
// A handler that takes its message by a reference through which it could change it is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
};

process worker(context& self, pid other) {
  co_await self.receive([](order& o) { o.id = 1; });
  self.send(other, order{1});
}
