// SPDX-License-Identifier: BSL-1.0
// A server that keeps its callers waiting, and one that waits at a gate wherever it can: for the suites about ends.
#pragma once

#include "counter.hpp"

#include <string>
#include <utility>
#include <vector>

namespace behaviour_test {

struct wait_for_me {
  int n;
  using reply = int;
};
struct answer_all {
  int with;
};

/// Keeps who calls it.
class keeper : public gen_server {
 public:
  void keep(const wait_for_me&, from<int> who) { waiting_.push_back(std::move(who)); }
  void answer(const answer_all& m) {
    for (auto& who : waiting_) who.reply(m.with);
    waiting_.clear();
  }
  std::string end(const finish& m) {
    stop(m.reason);
    return "bye";
  }
  int fail(const break_down& m) { throw std::runtime_error(m.why); }
  void collapse(const note&) { throw std::runtime_error("collapsed"); }
  void leave_now(const leave& m) { stop(m.reason); }
  using handles = handlers<call<&keeper::keep>, cast<&keeper::answer>, call<&keeper::end>, call<&keeper::fail>,
                           info<&keeper::collapse>, cast<&keeper::leave_now>>;

 private:
  std::vector<from<int>> waiting_;
};

/// Where a waiter waits.
enum class place { nowhere, init, handler, cast, continued, terminate };
/// It has come to that place.
struct arrived {
  place at;
  pid who;
};
struct go_on {};
struct work {
  using reply = int;
};
struct go_further {};

/// Tells `told` when it has come to the place where it is to wait, and waits there for go_on.
class waiter : public gen_server {
 public:
  waiter(place where, pid told, bool traps = false) : where_(where), told_(told) { self().trap_exit(traps); }

  task<> init() {
    if (where_ == place::continued) continue_with(go_further());
    co_await pass(place::init);
  }
  task<int> handle(work) {
    co_await pass(place::handler);
    co_return 7;
  }
  task<> take(reset) { co_await pass(place::cast); }
  task<> go(go_further) { co_await pass(place::continued); }
  task<> terminate(const term&) {
    co_await pass(place::terminate);
    self().send<ended>(told_, term("done"_atom), 0);
  }
  void end(const leave& m) { stop(m.reason); }
  int read(const get&) { return 1; }
  using handles = handlers<call<&waiter::handle>, cast<&waiter::take>, continued<&waiter::go>, cast<&waiter::end>,
                           call<&waiter::read>>;

 private:
  task<> pass(place here) {
    if (where_ != here) co_return;
    self().send<arrived>(told_, here, self().pid());
    co_await self().receive<go_on>();
  }

  place where_;
  pid told_;
};

}  // namespace behaviour_test
