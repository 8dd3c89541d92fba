// SPDX-License-Identifier: BSL-1.0
// The actors that the scripts of this folder play with: `troupe run --actors` lists them.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/examples/bank_servers.hpp>
#include <troupe/examples/chat_room.hpp>
#include <troupe/net/tool/runner.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace example::scripts {

using namespace troupe;
using namespace std::chrono_literals;

// --- a ball, as in ping_pong.cpp -------------------------------------------------------------------------------------

struct ping {
  pid from;
  std::int64_t number;
};
struct pong {
  std::int64_t number;
};

process ponger(context& self) {
  for (;;) {
    const ping p = co_await self.receive<ping>();
    self.send<pong>(p.from, p.number);
  }
}

// --- a counter, as in counter.cpp ------------------------------------------------------------------------------------

struct increment {
  std::int64_t by;
  using reply = std::int64_t;
};
struct get {
  using reply = std::int64_t;
};

process counter(context& self, std::int64_t value) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); });
}

// --- a clerk who does what is urgent first ---------------------------------------------------------------------------

struct letter {
  std::string text;
};
struct telegram {
  std::string text;
};
struct next {
  using reply = std::string;
};

process clerk(context& self) {
  for (;;) {
    request<next> asked = co_await self.receive<request<next>>();
    const std::optional<telegram> urgent = co_await self.receive<telegram>(after(0s));
    if (urgent) {
      asked.reply("urgent: " + urgent->text);
    } else {
      const letter usual = co_await self.receive<letter>();
      asked.reply(usual.text);
    }
  }
}

// --- a worker that fails, as in crash_and_trap.cpp, and one who depends on it ----------------------------------------

struct job {
  std::int64_t number;
  using reply = std::int64_t;
};
struct depend_on {
  pid other;
  using reply = void;
};

process worker(context& self) {
  for (;;)
    co_await self.receive([](request<job> r) {
      if (r->number == 13) throw std::runtime_error("job 13 brings bad luck");
      r.reply(r->number * r->number);
    });
}

process companion(context& self) {
  for (;;)
    co_await self.receive([&](request<depend_on> r) {
      self.link(r->other);
      r.reply();
    });
}

// --- a server under a supervisor -------------------------------------------------------------------------------------

struct add {
  std::int64_t number;
  using reply = std::int64_t;
};
struct spoil {};

class tally : public gen_server {
 public:
  std::int64_t count(const add& a) { return sum_ += a.number; }
  void go_bad(const spoil&) { throw std::runtime_error("spoilt"); }
  using handles = handlers<call<&tally::count>, cast<&tally::go_bad>>;

 private:
  std::int64_t sum_ = 0;
};

class tally_tree : public supervisor {
 public:
  explicit tally_tree(int intensity) : intensity_(intensity) {}
  supervisor_init init() {
    return {{.intensity = intensity_, .period = 10s}, {{.id = "tally", .start = child_of<tally>({.name = "tally"})}}};
  }

 private:
  int intensity_;
};

application tally_application() {
  application app;
  app.name = "tally_shop";
  app.start = [](context& self, const environment&) -> task<start_result> {
    start_result made = co_await self.try_start_link<tally_tree>({.name = "tally_shop_top"}, 3);
    co_return made;
  };
  return app;
}

// --- native code with a bug ------------------------------------------------------------------------------------------

struct square {
  std::int64_t number;
  using reply = std::int64_t;
};
// What a bug in native code is like.
struct trample {
  using reply = std::int64_t;
};

process native(context& self) {
  for (;;)
    co_await self.receive([](request<square> r) { r.reply(r->number * r->number); },
                          [&](request<trample> r) -> task<> {
                            co_await script::segfault(self);
                            r.reply(0);
                          });
}

// ---------------------------------------------------------------------------------------------------------------------

void fill(script::actors& a) {
  a.add("ponger", ponger).takes<ping>().about("answers each ping by a pong");
  a.add("counter", counter).takes<increment, get>().about("counts, from that number on");
  a.add("clerk", clerk).takes<letter, telegram, next>().about("next: takes a telegram before all letters");
  a.add("worker", worker).takes<job>().about("squares numbers, and fails at 13");
  a.add("companion", companion).takes<depend_on>().about("links itself with another process");
  a.add<tally>("tally").takes<add, spoil>().about("a gen_server: sums up; spoil, a cast, makes it fail");
  a.add<tally_tree, int>("tally_tree").about("a supervisor of a tally, with that intensity");
  a.add(tally_application());
  a.add("native", native).takes<square, trample>().about("trample: a segmentation fault");
  a.add<banking::journal, std::int64_t>("journal").takes<banking::enter_transfer, banking::look_up>().about(
      "writes transfers down; so many accounts");
  a.add<banking::account, std::int64_t>("account").takes<banking::balance, banking::entered>().about(
      "the account of that number");
  a.add("room", chat::room).takes<chat::join, chat::say>().about("a chat room");
  a.add("guest", chat::guest).takes<chat::typed, chat::heard>().about("somebody in it: his name, and the room's node");
  a.messages<pong>();
}

const script::registration registered(fill);

}  // namespace example::scripts
