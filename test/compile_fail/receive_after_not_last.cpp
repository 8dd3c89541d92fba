// expect: after comes last in a receive
// SPDX-License-Identifier: BSL-1.0
// An after that is not the last argument of receive is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
};

process worker(context& self, pid other) {
  co_await self.receive(after(1s, [] {}), [](const order&) {});
  self.send(other, order{1});
}
