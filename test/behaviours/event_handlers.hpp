// SPDX-License-Identifier: BSL-1.0
// The event handlers that the suites of gen_event use.
#pragma once

#include "counter.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace behaviour_test {

struct line {
  std::string text;
};
struct tick {
  int n;
};
struct lines {
  using reply = std::vector<std::string>;
};
struct total {
  using reply = int;
};
struct fail_now {
  std::string why;
  using reply = int;
};
struct leave_bus {
  using reply = std::string;
};
struct swap_now {
  bool well;
  using reply = int;
};
struct ask_bus {
  pid bus;
  using reply = term;
};
struct farewell {
  std::string who;
  term why;
};

/// Keeps the lines it has heard.
class recorder : public event_handler {
 public:
  explicit recorder(std::string name = "r", pid told = {}) : name_(std::move(name)), told_(told) {}

  init_result init() {
    if (name_ == "stop") return init_stop{term("not_wanted"_atom)};
    if (name_ == "error") return init_error{term("not_now"_atom)};
    if (name_ == "ignore") return ignore;
    if (name_ == "throw") throw std::runtime_error("no recorder");
    return {};
  }
  init_result take_over(const term& left) {
    if (name_ == "refuse") return init_stop{left};
    lines_.push_back("after " + left.to_string());
    return {};
  }
  term terminate(const term& why) {
    if (told_) self().send<farewell>(told_, name_, why);
    if (why.is_atom("throw"_atom)) throw std::runtime_error("no end");
    return term::tuple({"left"_atom, why});
  }

  void on_line(const line& l) {
    if (l.text == "fail") throw std::runtime_error("as told");
    if (l.text == "exit") self().exit("tired"_atom);
    if (l.text == "remove") return remove();
    if (l.text == "swap") return swap_with<recorder>("swapped_out"_atom, std::string("new"), told_);
    lines_.push_back(l.text);
  }
  void on_note(const note& n) { lines_.push_back("note " + std::to_string(n.n)); }
  void on_exit(const exit_signal& e) { lines_.push_back("exit " + e.reason.to_string()); }
  std::vector<std::string> tell(const lines&) { return lines_; }
  int fail(const fail_now& f) { throw std::runtime_error(f.why); }
  std::string go(const leave_bus&) {
    remove();
    return "bye";
  }
  int swap(const swap_now& s) {
    swap_with<recorder>("swapped_out"_atom, std::string(s.well ? "new" : "refuse"), told_);
    return 5;
  }
  task<term> ask(ask_bus m) {
    term why = "none"_atom;
    try {
      static_cast<void>(co_await gen_event::which_handlers(self(), m.bus));
    } catch (const call_failed& e) {
      why = e.reason();
    }
    co_return why;
  }
  void hibernating() { lines_.push_back("hibernating"); }

  std::vector<std::string> state() const { return lines_; }
  void set_state(std::vector<std::string> l) { lines_ = std::move(l); }
  void code_change(const term& old_version, const term& extra) {
    lines_.push_back("from " + old_version.to_string() + " by " + extra.to_string());
  }

  using handles =
      handlers<event<&recorder::on_line>, info<&recorder::on_note>, info<&recorder::on_exit>, call<&recorder::tell>,
               call<&recorder::fail>, call<&recorder::go>, call<&recorder::swap>, call<&recorder::ask>>;

 private:
  std::string name_;
  pid told_;
  std::vector<std::string> lines_;
};

/// Adds up ticks, slowly.
class adder : public event_handler {
 public:
  explicit adder(int first = 0) : sum_(first) {}
  task<> init() { co_await self().sleep(1ms); }
  task<> on_tick(tick t) {
    co_await self().sleep(1ms);
    if (t.n < 0) throw std::runtime_error("negative");
    sum_ += t.n;
  }
  task<int> tell(total) {
    co_await self().sleep(1ms);
    co_return sum_;
  }
  task<> terminate(const term&) { co_await self().sleep(1ms); }
  int state() const { return sum_; }
  using handles = handlers<event<&adder::on_tick>, call<&adder::tell>>;

 private:
  int sum_;
};

/// Takes every event there is.
class listener : public event_handler {
 public:
  listener() = default;
  explicit listener(const term& arguments) { heard_.push_back(arguments.to_string()); }
  init_result init() {
    if (!heard_.empty() && heard_[0] == "fail") return init_stop{term("bad"_atom)};
    return {};
  }
  void on_any(const term& e) { heard_.push_back(e.to_string()); }
  std::vector<std::string> tell(const lines&) { return heard_; }
  using handles = handlers<event<&listener::on_any>, call<&listener::tell>>;

 private:
  std::vector<std::string> heard_;
};

inline const term no_exit("none"_atom);

template <class T>
task<term> why_not(task<T> asked) {
  try {
    if constexpr (std::is_void_v<T>)
      co_await std::move(asked);
    else
      static_cast<void>(co_await std::move(asked));
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return no_exit;
}

inline term exited(const char* text) {
  return term::tuple({"EXIT"_atom, term::tuple({"error"_atom, text})});
}

using texts = std::vector<std::string>;

}  // namespace behaviour_test
