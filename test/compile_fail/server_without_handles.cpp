// expect: a gen_server says what it handles
// SPDX-License-Identifier: BSL-1.0
// A server's class without `handles`.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

using namespace troupe;

struct get {
  using reply = int;
};
class cell : public gen_server {
 public:
  int read(const get&) { return 1; }
};

process worker(context& self) {
  co_await self.start<cell>({});
}
