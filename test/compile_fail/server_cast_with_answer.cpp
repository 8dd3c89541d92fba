// expect: a cast or a message has no answer
// SPDX-License-Identifier: BSL-1.0
// A method for casts that returns something.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

using namespace troupe;

struct put {
  int n;
};
class cell : public gen_server {
 public:
  int write(const put& m) { return m.n; }
  using handles = handlers<cast<&cell::write>>;
};

process worker(context& self) {
  co_await self.start<cell>({});
}
