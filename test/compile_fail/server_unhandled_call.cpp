// expect: this server answers no such call
// SPDX-License-Identifier: BSL-1.0
// A call that the server's class has no handler for.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

using namespace troupe;

struct get {
  using reply = int;
};
struct put {
  int n;
};
class cell : public gen_server {
 public:
  int read(const get&) { return 1; }
  void write(const put&) {}
  using handles = handlers<call<&cell::read>, cast<&cell::write>>;
};

process worker(context& self, server<cell> other) {
  co_await self.call(other, put{1});
}
