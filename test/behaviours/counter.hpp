// SPDX-License-Identifier: BSL-1.0
// The server that the suites of behaviours use.
#pragma once

#include <troupe/actors/behaviours/all.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace behaviour_test {

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

struct increment {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};
struct get_later {
  std::chrono::milliseconds after;
};
struct never {
  using reply = int;
};
struct ask {
  pid whom;
};
struct finish {
  term reason;
  using reply = std::string;
};
struct break_down {
  std::string why;
};
struct leave {
  term reason;
};
struct reset {};
struct note {
  int n;
  friend bool operator==(const note&, const note&) = default;
};
struct seen {
  using reply = std::vector<std::string>;
};
struct ended {
  term reason;
  int value;
};

class counter : public gen_server {
 public:
  explicit counter(int value = 0, pid told = {}) : value_(value), told_(told) {}

  init_result init() {
    if (value_ == -1) return ignore;
    if (value_ == -2) return init_stop{term("bad_start"_atom)};
    if (value_ == -3) return init_error{term("not_now"_atom)};
    if (value_ == -4) throw std::runtime_error("no counter");
    return {};
  }
  void terminate(const term& reason) {
    if (told_) self().send<ended>(told_, reason, value_);
  }

  int add(const increment& m) { return value_ += m.by; }
  int read(const get&) const { return value_; }
  void read_later(const get_later& m, from<int> who) {
    self().spawn(
        [](context& me, std::chrono::milliseconds time, from<int> caller, int value) -> process {
          co_await me.sleep(time);
          caller.reply(value);
        },
        m.after, std::move(who), value_);
  }
  void forget(const never&, from<int>) {}
  task<int> ask_other(ask m) {
    const int n = co_await self().call(m.whom, get{});
    co_return n;
  }
  std::string end(const finish& m) {
    stop(m.reason);
    return "bye";
  }
  int fail(const break_down& m) { throw std::runtime_error(m.why); }
  int exit_now(const leave& m) { self().exit(m.reason); }
  void clear(const reset&) { value_ = 0; }
  void keep(const note& m) { value_ += 100 * m.n; }

  int state() const { return value_; }
  void set_state(int v) { value_ = v; }

  using handles = handlers<call<&counter::add>, call<&counter::read>, call<&counter::read_later>,
                           call<&counter::forget>, call<&counter::ask_other>, call<&counter::end>, call<&counter::fail>,
                           call<&counter::exit_now>, cast<&counter::clear>, info<&counter::keep>>;

 private:
  int value_;
  pid told_;
};

/// The reason why the call fails; the atom none when it does not.
template <class S, class M>
task<term> failure(context& self, S to, M message, detail::duration patience = default_timeout) {
  try {
    static_cast<void>(co_await self.call(to, message, patience));
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return term("none"_atom);
}

/// Waits for the process's end.
inline task<term> reason_of(context& self, pid process) {
  const reference watch = self.monitor(process);
  co_return co_await self.receive(
      when([&](const down& d) { return d.ref == watch; }, [](const down& d) { return d.reason; }));
}

}  // namespace behaviour_test
