// SPDX-License-Identifier: BSL-1.0
// What the tests' nodes load: a counter under a supervisor, a process that keeps what it is sent, one that answers
// nothing.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/net/tool/plugin.hpp>
#include <troupe/net/tool/runner.hpp>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;

namespace {

struct increment {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};
struct reset {};
struct name_it {
  std::string text;
  int times;
  using reply = std::string;
};

struct spin {};
struct release {};

class counter : public gen_server {
 public:
  int add(const increment& m) { return value_ += m.by; }
  int read(const get&) const { return value_; }
  void clear(const reset&) { value_ = 0; }
  std::string name(const name_it& m) const {
    std::string all;
    for (int i = 0; i < m.times; ++i) all += m.text;
    return all;
  }
  int state() const { return value_; }
  using handles = handlers<call<&counter::add>, call<&counter::read>, call<&counter::name>, cast<&counter::clear>>;

 private:
  int value_ = 0;
};

/// Answers with the last message.
process keeper(context& self) {
  term last;
  for (;;) co_await self.receive([&](request<term> r) { r.reply(last); }, [&](const term& t) { last = t; });
}

process deaf(context& self) {
  struct never {};
  co_await self.receive<never>();
}

/// Holds its worker from `spin` until somebody has sent `release` to the other.
std::atomic<bool> released{false};
process spinner(context& self) {
  for (;;) {
    co_await self.receive<spin>();
    while (!released.load()) std::this_thread::yield();
  }
}
process releaser(context& self) {
  co_await self.receive<release>();
  released.store(true);
}

application counting() {
  application app{.name = "counting"};
  app.start = [](context& self, const environment&) -> task<start_result> {
    std::vector<child_spec> children{{.id = "counter", .start = child_of<counter>({.name = "counter"})},
                                     {.id = "keeper", .start = child_of(keeper)}};
    start_result made =
        co_await self.try_start_link<supervisor>({.name = "counting_sup"}, supervisor_flags{}, std::move(children));
    std::puts("counting");
    std::fflush(stdout);
    co_return made;
  };
  return app;
}

/// For scripts.
struct hail {
  std::string who;
  using reply = std::string;
};
process greeter(context& self, std::string word) {
  for (;;) co_await self.receive([&](request<hail> r) { r.reply(word + ", " + r->who); });
}
const script::registration scripted([](script::actors& all) {
  all.add("greeter", greeter).takes<hail>().about("greets");
});

}  // namespace

extern "C" void troupe_load(troupe::tool::plugin& to) {
  to.application(counting());
  to.setup([](node& here) {
    here.spawn({.name = "kept"}, keeper);
    here.spawn({.name = "deaf"}, deaf);
    here.spawn({.name = "spinner"}, spinner);
    here.spawn({.name = "releaser"}, releaser);
    here.spawn({.name = "a b\x1b"}, deaf);
  });
}
