// expect: this method answers a message with another type than that message's own `reply`
// SPDX-License-Identifier: BSL-1.0
// A method whose result is not what its message says the answer is.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

#include <string>

using namespace troupe;

struct get {
  using reply = int;
};
class cell : public gen_server {
 public:
  std::string read(const get&) { return "1"; }
  using handles = handlers<call<&cell::read>>;
};

process worker(context& self) {
  co_await self.start<cell>({});
}
