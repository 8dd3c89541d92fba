// expect: any_message cannot be guarded
// SPDX-License-Identifier: BSL-1.0
// A guard on any_message, which has nothing to look at, is refused.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
};

process worker(context& self, pid other) {
  co_await self.receive(when([](const any_message&) { return true; }, [](const any_message&) {}));
  self.send(other, order{1});
}
