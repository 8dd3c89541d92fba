// SPDX-License-Identifier: BSL-1.0
// The state machine that the suites of gen_statem use: it does what its events say, and keeps a log of them.
#pragma once

#include "../actors/everywhere.hpp"
#include "counter.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statem_test {

using namespace behaviour_test;

enum class place { a, b, c };

using lines = std::vector<std::string>;

/// An event, with what its handler shall do. `a?` before a command: only in state a. `>` after an event's name: what
/// that does in its turn, with `,` between. The commands are in probe::command.
struct act {
  std::string name;
  lines todo;
  using reply = std::string;
};
/// A call that is answered by the command release, or when the next one comes.
struct hold {
  int n;
  using reply = int;
};

struct probe_options {
  place first = place::a;
  lines init{};                          // commands
  std::map<std::string, lines> enter{};  // what the first enter call of a state does
  pid told{};                            // of its end
};

inline std::string text(place p) {
  return to_term(p).to_string();
}

class probe : public gen_statem<place> {
 public:
  explicit probe(probe_options o) : options_(std::move(o)) {}

  init_result init() {
    const lines todo = std::exchange(options_.init, {});
    if (!todo.empty() && todo[0] == "ignore") return ignore;
    if (!todo.empty() && todo[0] == "refuse") return init_stop{term("refused"_atom)};
    if (!todo.empty() && todo[0] == "error") return init_error{term("not_now"_atom)};
    run(todo);
    return options_.first;
  }
  void terminate(const term& reason) {
    if (options_.told) self().send<ended>(options_.told, reason, static_cast<int>(state()));
  }
  void hibernating() { log_.push_back("hibernating"); }

  void entered(const place& before) {
    log_.push_back(text(state()) + " enter from " + text(before));
    run(std::exchange(options_.enter[text(state())], {}));
  }
  std::string asked(const act& m) {
    const std::string answer = m.name + "@" + text(state());
    note_and_run("call", m);
    return answer;
  }
  void told(const act& m) { note_and_run("cast", m); }
  void informed(const act& m) { note_and_run("info", m); }
  void internally(const act& m) { note_and_run("internal", m); }
  void state_time(const act& m) { note_and_run("state_timeout", m); }
  void event_time(const act& m) { note_and_run("event_timeout", m); }
  void time_1(const act& m) { note_and_run("t1", m); }
  void time_2(const act& m) { note_and_run("t2", m); }
  void held(const hold&, from<int> who) { callers_.push_back(std::move(who)); }
  lines tell(const seen&) { return log_; }
  void noted(const behaviour_test::note& n) { log_.push_back(text(state()) + " note " + std::to_string(n.n)); }

  lines data() const { return log_; }
  void set_data(lines l) { log_ = std::move(l); }
  place code_change(const term&, const term& extra) {
    if (extra.is_atom("bad"_atom)) throw std::runtime_error("no way");
    return place::c;
  }

  using handles =
      states<in<place::c, postponed<behaviour_test::note>>,
             in_every<enter<&probe::entered>, call<&probe::asked>, call<&probe::held>, call<&probe::tell>,
                      cast<&probe::told>, info<&probe::informed>, info<&probe::noted>, internal<&probe::internally>,
                      on_state_timeout<&probe::state_time>, on_event_timeout<&probe::event_time>,
                      on_timeout<"t1", &probe::time_1>, on_timeout<"t2", &probe::time_2>>>;

 private:
  void note_and_run(const char* kind, const act& m) {
    log_.push_back(text(state()) + " " + kind + " " + m.name);
    const lines todo = m.todo;
    run(todo);
  }
  void run(const lines& todo) {
    for (const std::string& one : todo) command(one);
  }
  static std::string cut(std::string& rest, char at) {
    const std::size_t n = rest.find(at);
    std::string head = rest.substr(0, n);
    rest = n == std::string::npos ? std::string() : rest.substr(n + 1);
    return head;
  }
  static act event(std::string name_and_todo) {
    act made;
    made.name = cut(name_and_todo, '>');
    while (!name_and_todo.empty()) made.todo.push_back(cut(name_and_todo, ','));
    return made;
  }
  static std::chrono::nanoseconds time(const std::string& text) {
    if (text == "inf") return infinity;
    return std::chrono::milliseconds(std::stoi(text));
  }
  static place place_of(const std::string& text) { return from_term<place>(term(atom(text))); }

  void command(std::string rest) {
    if (rest.size() > 2 && rest[1] == '?') {
      if (place_of(rest.substr(0, 1)) != state()) return;
      rest = rest.substr(2);
    }
    const std::string what = cut(rest, ':');
    if (what == "next") next_state(place_of(rest));
    if (what == "keep") keep_state();
    if (what == "repeat") repeat_state();
    if (what == "postpone") postpone();
    if (what == "insert") next_event(event(rest));
    if (what == "cast") next_event(event_type::cast, event(rest));
    if (what == "info") next_event(event_type::info, event(rest));
    if (what == "call") {
      from<int> who = std::move(callers_.front());
      callers_.erase(callers_.begin());
      next_event(std::move(who), hold{2});
    }
    if (what == "state") {
      const auto patience = time(cut(rest, ':'));
      state_timeout(patience, event(rest));
    }
    if (what == "event") {
      const auto patience = time(cut(rest, ':'));
      event_timeout(patience, event(rest));
    }
    if (what == "set") {
      const std::string name = cut(rest, ':');
      const auto patience = time(cut(rest, ':'));
      set_timeout(name, patience, event(rest));
    }
    if (what == "set_at") {
      const std::string name = cut(rest, ':');
      const auto patience = time(cut(rest, ':'));
      set_timeout_at(atom(name), self().now() + patience, event(rest));
    }
    if (what == "cancel_state") cancel_state_timeout();
    if (what == "cancel_event") cancel_event_timeout();
    if (what == "cancel") cancel_timeout(rest);
    if (what == "update_state") update_state_timeout(event(rest));
    if (what == "update_event") update_event_timeout(event(rest));
    if (what == "update") {
      const std::string name = cut(rest, ':');
      update_timeout(name, event(rest));
    }
    if (what == "release") {
      for (from<int>& who : callers_) who.reply(static_cast<int>(state()));
      callers_.clear();
    }
    if (what == "drop") callers_.clear();
    if (what == "stop") stop(atom(rest));
    if (what == "throw") throw std::runtime_error(rest);
    if (what == "exit") self().exit(atom(rest));
    if (what == "hibernate") hibernate();
  }

  probe_options options_;
  lines log_;
  std::vector<from<int>> callers_;
};

/// Its log so far; asking is an event as well.
inline task<lines> log_of(context& self, server<probe> p) {
  const seen question;
  co_return co_await self.call(p, question, infinity);
}
inline void tell(context& self, const server<probe>& p, const char* name, lines todo = {}) {
  const act m{name, std::move(todo)};
  self.cast(p, m);
}
inline task<std::string> asked_for(context& self, server<probe> p, std::string name) {
  const act m{std::move(name), {}};
  co_return co_await self.call(p, m, infinity);
}
/// As log_of, without the first enter call.
inline task<lines> rest_of_log(context& self, server<probe> p) {
  lines all = co_await log_of(self, p);
  if (!all.empty()) all.erase(all.begin());
  co_return all;
}
inline task<server<probe>> start_probe(context& self, const probe_options& o) {
  co_return co_await self.start<probe>({}, o);
}
inline task<server<probe>> start_probe(context& self) {
  const probe_options o;
  co_return co_await self.start<probe>({}, o);
}

}  // namespace statem_test
