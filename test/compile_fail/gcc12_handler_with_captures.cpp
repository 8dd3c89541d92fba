// expect-gcc12: g++ before 13 would destroy this temporary handler twice
// SPDX-License-Identifier: BSL-1.0
// A handler that captures a string by value is refused by g++ 12, which would destroy it twice.
#include <troupe/actors/all.hpp>

#include <string>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
  std::string text;
};

process worker(context& self, pid other) {
  const std::string text = "a text that is too long to lie in the string itself";
  co_await self.receive([text](const order&) { static_cast<void>(text.size()); });
  co_await self.send<order>(other, 1, text);
}
