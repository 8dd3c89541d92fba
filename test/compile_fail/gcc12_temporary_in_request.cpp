// expect-gcc12: g++ before 13 would destroy this temporary message twice
// SPDX-License-Identifier: BSL-1.0
// A temporary aggregate in a request is refused by g++ 12, which would destroy it twice.
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
  co_await self.request(other, order{1, text});
}
