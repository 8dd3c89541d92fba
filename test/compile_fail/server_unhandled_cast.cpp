// expect: this server takes no such cast
// SPDX-License-Identifier: BSL-1.0
// A cast that the server's class has no handler for.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

using namespace troupe;

struct get {
  using reply = int;
};
class cell : public gen_server {
 public:
  int read(const get&) { return 1; }
  using handles = handlers<call<&cell::read>>;
};

process worker(context& self, server<cell> other) {
  self.cast(other, get{});
  co_return;
}
