// expect: a receive has one after clause
// SPDX-License-Identifier: BSL-1.0
// Two afters in one receive are refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
};

process worker(context& self, pid other) {
  co_await self.receive([](const order&) {}, after(1s, [] {}), after(2s, [] {}));
  self.send(other, order{1});
}
