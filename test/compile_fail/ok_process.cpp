// SPDX-License-Identifier: BSL-1.0
// The control of the process_, receive_, send_ and request_ tests: this compiles.
#include <troupe/actors/all.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

struct order {
  int id;
  std::string text;
};
struct get {
  using reply = int;
};
struct clear {
  using reply = void;
};
struct parcel {
  std::unique_ptr<int> content;
};
struct parcels {
  std::vector<std::unique_ptr<int>> contents;
};

// Parameters: values, movable ones too, what is shared and constant, and functions.
process worker(context& self, std::string name, std::unique_ptr<int> owned, std::shared_ptr<const int> shared,
               int (*function)(int), pid other) {
  int value = function(*owned + *shared);
  self.log("{} starts", name);

  co_await self.receive([&](const order& o) { value += o.id; }, [&](parcel p) { value += *p.content; },
                        [&](request<get> r) { r.reply(value); }, [&](request<clear> r) { r.reply(); },
                        when([&](const order& o) { return o.id == value; }, [](order) {}), [](const term&) {},
                        [](const any_message&) {}, after(1s, [] {}));
  auto [id, text] = co_await self.receive<order>();
  value += id;

  const parcels many = co_await self.receive<parcels>();
  value += *many.contents.front();
  co_await self.send<parcel>(other, std::make_unique<int>(1));
  co_await self.send<order>(other, 1, "x");
  const order named{1, text};
  self.send_all(std::vector{other, self.pid()}, named);
  co_await self.call(other, named);
  value += co_await self.call(other, get{});
  co_await self.call(other, clear{}, 1s);
  co_await self.sleep(1s);
}

process named(context& self, std::string name) {
  co_await self.yield();
  self.log("{} ends", name);
}

void spawn(actor_system& sys, pid other) {
  sys.spawn(
      worker, std::string("a"), std::make_unique<int>(1), std::make_shared<const int>(2), [](int i) { return i; },
      other);
  // An argument need only convert to its parameter.
  const char* given = "text";
  sys.spawn(named, given);
  sys.spawn(named, "literal");
  // A lambda with captures is kept alive; its parameters are values too.
  sys.spawn([other](context& self, std::string text) -> process { co_await self.send<order>(other, 1, text); },
            std::string("text"));
}
