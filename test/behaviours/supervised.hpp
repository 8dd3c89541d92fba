// SPDX-License-Identifier: BSL-1.0
// What the suites of supervisors use: a journal, which decides how the starts of its members go and writes down what
// happens in the order in which it happens, and its members.
#pragma once

#include "../actors/everywhere.hpp"
#include "counter.hpp"

#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace supervisor_test {

using namespace behaviour_test;
using troupe_test::everywhere;
using strings = std::vector<std::string>;

/// A member says that it is there: what is it to do?
struct arrive {
  std::string name;
  using reply = std::string;
};
struct depart {
  std::string name;
  using reply = bool;
};
/// The next starts of that member go so: ok, ignore, fail, error, throw, hang.
struct script {
  std::string name;
  strings outcomes;
  using reply = bool;
};
/// What has happened since it was asked last.
struct news {
  using reply = strings;
};

class journal : public gen_server {
 public:
  std::string came(const arrive& m) {
    events_.push_back("+" + m.name);
    auto& next = scripts_[m.name];
    if (next.empty()) return "ok";
    std::string what = next.front();
    next.pop_front();
    if (what != "ok") events_.back() += " " + what;
    return what;
  }
  bool went(const depart& m) {
    events_.push_back("-" + m.name);
    return true;
  }
  bool plan(const script& m) {
    scripts_[m.name].assign(m.outcomes.begin(), m.outcomes.end());
    return true;
  }
  strings tell(const news&) { return std::exchange(events_, {}); }

  using handles = handlers<call<&journal::came>, call<&journal::went>, call<&journal::plan>, call<&journal::tell>>;

 private:
  strings events_;
  std::map<std::string, std::deque<std::string>> scripts_;
};

struct end_with {
  term reason;
};
struct unlink_from_parent {
  using reply = bool;
};
/// How it takes being told to shut down.
enum class manners { ends, ends_otherwise, does_not_listen };

class member : public gen_server {
 public:
  member(std::string name, server<journal> j, manners m = manners::ends) : name_(std::move(name)), journal_(j), m_(m) {
    self().trap_exit(true);
  }
  task<init_result> init() {
    const std::string what = co_await self().call<arrive>(journal_, name_);
    if (what == "ignore") co_return ignore;
    if (what == "fail") co_return init_stop{"failed"_atom};
    if (what == "error") co_return init_error{"not_now"_atom};
    if (what == "throw") throw std::runtime_error("thrown");
    if (what == "hang") co_await self().sleep(24h);
    co_return init_result();
  }
  task<> terminate(const term&) {
    static_cast<void>(co_await self().call<depart>(journal_, name_));
    if (m_ == manners::ends_otherwise) self().exit("otherwise"_atom);
    if (m_ == manners::does_not_listen) co_await self().sleep(24h);
  }
  void leave(const end_with& m) { stop(m.reason); }
  bool go_alone(const unlink_from_parent&) {
    self().unlink(parent());
    return true;
  }
  int answer(const get&) const { return 1; }
  using handles = handlers<cast<&member::leave>, call<&member::go_alone>, call<&member::answer>>;

 private:
  std::string name_;
  server<journal> journal_;
  manners m_;
};

/// A plain process, which ends with the exit signals of its supervisor or as it is told.
inline process plain(context& self) {
  const end_with m = co_await self.receive<end_with>();
  self.exit(m.reason);
}

inline child_spec spec_of(const char* name, server<journal> j, restart r = permanent, manners m = manners::ends) {
  child_spec spec;
  spec.id = name;
  spec.start = child_of<member>({.name = name}, std::string(name), j, m);
  spec.restart = r;
  return spec;
}
inline child_spec significant_one(const char* name, server<journal> j, restart r) {
  child_spec spec = spec_of(name, j, r);
  spec.significant = true;
  return spec;
}
inline std::vector<child_spec> specs_of(std::initializer_list<const char*> names, server<journal> j,
                                        restart r = permanent) {
  std::vector<child_spec> specs;
  for (const char* n : names) specs.push_back(spec_of(n, j, r));
  return specs;
}

inline supervisor_flags flags_of(strategy s, std::int64_t intensity = 10, detail::duration period = 10s,
                                 auto_shutdown rule = auto_shutdown::never) {
  return {.strategy = s, .intensity = intensity, .period = period, .auto_shutdown = rule};
}

/// A journal, with what supervisors say switched off.
inline task<server<journal>> open_journal(context& self) {
  set_log_level(log_level::off);
  co_return co_await self.start<journal>({});
}
inline task<strings> news_of(context& self, server<journal> j) {
  co_return co_await self.call(j, news{});
}
/// "fail error ok": the next three starts.
inline task<> plan(context& self, server<journal> j, const char* name, const char* outcomes) {
  script plans;
  plans.name = name;
  std::istringstream words(outcomes);
  for (std::string word; words >> word;) plans.outcomes.push_back(word);
  static_cast<void>(co_await self.call(j, plans));
}

/// Virtual time goes on only when nobody has anything to do.
inline task<> settle(context& self) {
  co_await self.sleep(1ms);
}
/// Ends a member, and waits until all is quiet again.
inline task<> end_member(context& self, std::string name, term reason) {
  self.cast<end_with>(destination(name), std::move(reason));
  co_await settle(self);
}
/// The reason of a process that ends now; the atom alive when it does not.
inline task<term> end_of(context& self, pid process) {
  const reference watch = self.monitor(process);
  term reason = "alive"_atom;
  co_await self.receive(when([&](const down& d) { return d.ref == watch; }, [&](const down& d) { reason = d.reason; }),
                        after(1ms, [] {}));
  self.demonitor(watch, true);
  co_return reason;
}

/// "a running, b restarting", in start order.
inline task<std::string> shown(context& self, destination sup) {
  const std::vector<child_info> all = co_await which_children(self, sup);
  std::string text;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    text += (text.empty() ? "" : ", ") + it->id.to_string();
    if (!it->running()) text += it->what == child_info::state::restarting ? " restarting" : " undefined";
  }
  co_return text;
}

}  // namespace supervisor_test
