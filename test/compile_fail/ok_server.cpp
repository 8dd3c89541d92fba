// SPDX-License-Identifier: BSL-1.0
// The control of the server_ tests: this compiles.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::literals;

struct get {
  using reply = int;
};
struct put {
  int n;
};
struct name_of {
  int n;
};
class cell;
struct introduction {
  server<cell> to;
};
class cell : public gen_server {
 public:
  explicit cell(int value) : value_(value) {}
  int read(const get&) { return value_; }
  task<std::string> name(name_of m) { co_return std::to_string(m.n); }
  void later(const int& n, from<int> who) { who.reply(n); }
  void write(const put& m) { value_ = m.n; }
  void meet(const introduction& m) { self().cast(m.to, put{1}); }
  using handles =
      handlers<call<&cell::read>, call<&cell::name>, call<&cell::later>, cast<&cell::write>, info<&cell::meet>>;

 private:
  int value_;
};

process worker(context& self) {
  const auto ref = co_await self.start<cell>({.name = "cell"}, 1);
  int n = co_await self.call(ref, get{});
  n += co_await self.call(ref, 2);
  const std::string text = co_await self.call(ref, name_of{n});
  self.cast(ref, put{2});
  self.send<introduction>(ref, ref);
  const std::vector<atom> nodes{"a@b"_atom};
  const auto all = co_await multi_call(self, nodes, server<cell>("cell"), get{});
  abcast(self, nodes, ref, put{1});
}

int ordinary(actor_system& sys) {
  const server<cell> ref = sys.start<cell>({}, 1);
  sys.cast(ref, put{2});
  return sys.call(ref, get{}) + sys.call<get>(ref);
}
