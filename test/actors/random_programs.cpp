// SPDX-License-Identifier: BSL-1.0
// Random programs of links, monitors and exits: each process hears what a sequential model of Erlang's rules says.
#include "cast.hpp"
#include "everywhere.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using namespace troupe_test;

namespace {

struct number {
  int value;
};

/// Random numbers of a program; a seed gives the same ones on every machine.
class chance {
 public:
  explicit chance(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t n) {
    state_ += 0x9e3779b97f4a7c15ULL;  // splitmix64
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<std::size_t>((x ^ (x >> 31)) % n);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// A seed for the program that this run makes. On the deterministic scheduler it is the scheduler's own choice, so that
/// TROUPE_SEED replays the program too; on threads every system has another creation.
task<std::uint64_t> program_seed(context& self) {
  constexpr int racers = 12;
  for (int i = 0; i < racers; ++i)
    self.spawn(
        [](context& me, pid top, int n) -> process {
          me.send<number>(top, n);
          co_return;
        },
        self.pid(), i);
  std::uint64_t seed = self.pid().creation();
  for (int i = 0; i < racers; ++i) {
    const number n = co_await self.receive<number>();
    seed = seed * racers + static_cast<std::uint64_t>(n.value);
  }
  co_return seed;
}

// --- one step after the other, against a model
// --------------------------------------------------------------------------

enum class action { link, unlink, monitor, monitor_name, demonitor, trap, no_trap, exit, exit_other, fail };

struct order {
  action what;
  pid whom;
  atom name;
  reference ref;
  term reason;
};
struct made {
  reference ref;
};
struct tell {};
struct heard {
  std::vector<std::string> signals;
};

std::string line_of(const exit_signal& e) {
  return "exit from " + e.from.to_string() + ": " + e.reason.to_string();
}
std::string line_of(const down& d) {
  // Who is monitored by name on another node has no pid there: the suite of monitors looks at those of this node.
  const std::string who = d.name == atom() ? d.process.to_string() : term(d.name).to_string();
  return "down " + d.ref.to_string() + " of " + who + ": " + d.reason.to_string();
}

/// Does what it is told, and remembers what it hears.
process member(context& self, pid master) {
  std::vector<std::string> signals;
  for (;;)
    co_await self.receive(
        [&](const order& o) {
          switch (o.what) {
            case action::link: self.link(o.whom); break;
            case action::unlink: self.unlink(o.whom); break;
            case action::monitor: self.send<made>(master, self.monitor(o.whom)); break;
            case action::monitor_name: self.send<made>(master, self.monitor(o.name)); break;
            case action::demonitor: self.demonitor(o.ref); break;
            case action::trap: self.trap_exit(true); break;
            case action::no_trap: self.trap_exit(false); break;
            case action::exit: self.exit(o.reason); break;
            case action::exit_other: self.exit(o.whom, o.reason); break;
            case action::fail: throw std::runtime_error("failed");
          }
        },
        [&](const exit_signal& e) { signals.push_back(line_of(e)); },
        [&](const down& d) { signals.push_back(line_of(d)); },
        [&](const tell&) {
          heard h{std::move(signals)};
          self.send(master, h);
          signals.clear();
        });
}

/// Erlang's rules, one signal after the other.
class model {
 public:
  struct member_state {
    pid process;
    atom name;
    bool alive = true;
    bool traps = false;
    term reason;
    std::vector<std::string> signals;
  };
  struct watch {
    std::size_t by, of;
    reference ref;
    atom name;
  };

  std::vector<member_state> members;
  std::vector<watch> watches;

  void add(const pid& p, atom name) { members.push_back({p, name, true, false, term(), {}}); }

  void link(std::size_t a, std::size_t b) {
    if (a == b) return;
    if (members[b].alive)
      links_.insert(std::minmax(a, b));
    else
      exit_signal_to(a, b, "noproc"_atom);
  }
  void unlink(std::size_t a, std::size_t b) { links_.erase(std::minmax(a, b)); }

  void monitor(std::size_t a, std::size_t b, const reference& ref, atom name) {
    if (a == b) return;
    if (members[b].alive)
      watches.push_back({a, b, ref, name});
    else
      hear(a, line_of(down{ref, members[b].process, "noproc"_atom, name}));
  }
  void monitor_nobody(std::size_t a, const reference& ref, atom name) {
    hear(a, line_of(down{ref, pid(), "noproc"_atom, name}));
  }

  void exit_other(std::size_t a, std::size_t b, const term& reason) {
    member_state& to = members[b];
    if (!to.alive) return;
    if (reason == term("kill"_atom))
      end(b, "killed"_atom);
    else if (to.traps)
      hear(b, line_of(exit_signal{members[a].process, reason}));
    else if (a == b || reason != term("normal"_atom))
      end(b, reason);
  }

  void end(std::size_t a, const term& reason) {
    if (!members[a].alive) return;
    members[a].alive = false;
    members[a].reason = reason;
    std::vector<std::size_t> linked;
    for (const auto& [x, y] : links_) {
      if (x == a) linked.push_back(y);
      if (y == a) linked.push_back(x);
    }
    std::erase_if(links_, [&](const auto& l) { return l.first == a || l.second == a; });
    std::vector<watch> watchers;
    for (const watch& w : watches)
      if (w.of == a) watchers.push_back(w);
    std::erase_if(watches, [&](const watch& w) { return w.of == a || w.by == a; });
    for (const watch& w : watchers) hear(w.by, line_of(down{w.ref, members[a].process, reason, w.name}));
    for (const std::size_t b : linked) exit_signal_to(b, a, reason);
  }

 private:
  void exit_signal_to(std::size_t to, std::size_t from, const term& reason) {
    if (!members[to].alive) return;
    if (members[to].traps)
      hear(to, line_of(exit_signal{members[from].process, reason}));
    else if (reason != term("normal"_atom))
      end(to, reason);
  }
  void hear(std::size_t who, std::string what) {
    if (members[who].alive) members[who].signals.push_back(std::move(what));
  }

  std::set<std::pair<std::size_t, std::size_t>> links_;
};

/// Several members, of whom one does something random, again and again, and what they heard.
process random_program(context& self) {
  constexpr std::size_t wanted = 8, steps = 40;
  chance random(co_await program_seed(self));
  model m;
  std::vector<reference> mine;  // this process's monitors of the members
  const term reasons[] = {"normal"_atom,
                          "boom"_atom,
                          "kill"_atom,
                          "killed"_atom,
                          "normal"_atom,
                          "noproc"_atom,
                          term::tuple({"shutdown"_atom, 1})};

  for (std::size_t step = 0; step < steps; ++step) {
    std::vector<std::size_t> living;
    for (std::size_t i = 0; i < m.members.size(); ++i)
      if (m.members[i].alive) living.push_back(i);
    while (living.size() < wanted && (m.members.size() < wanted || random.one_in(3))) {
      // A name whose process has ended is used again at once.
      atom name;
      for (std::size_t n = 0; n < 3 && name == atom(); ++n) {
        const atom candidate("member_" + std::to_string(n));
        if (std::none_of(living.begin(), living.end(), [&](std::size_t i) { return m.members[i].name == candidate; }))
          name = candidate;
      }
      const spawned child = self.spawn({.name = name, .monitor = true}, member, self.pid());
      living.push_back(m.members.size());
      m.add(child.pid, name);
      mine.push_back(child.monitor);
    }
    if (living.empty()) continue;

    const std::size_t a = living[random.below(living.size())];
    // Mostly the living and those that ended lately.
    const std::size_t b = random.one_in(4) ? random.below(m.members.size()) : living[random.below(living.size())];
    order o{action::link, m.members[b].process, atom(), reference(), reasons[random.below(std::size(reasons))]};
    const pid to = m.members[a].process;
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        m.link(a, b);
        self.send(to, o);
        break;
      case 5:
        o.what = action::unlink;
        m.unlink(a, b);
        self.send(to, o);
        break;
      case 6:
      case 7: {
        o.what = action::monitor;
        self.send(to, o);
        const made answer = co_await self.receive<made>();
        m.monitor(a, b, answer.ref, atom());
        break;
      }
      case 8: {
        o.what = action::monitor_name;
        o.name = atom("member_" + std::to_string(random.below(3)));
        self.send(to, o);
        const made answer = co_await self.receive<made>();
        const auto holder =
            std::find_if(living.begin(), living.end(), [&](std::size_t i) { return m.members[i].name == o.name; });
        if (holder == living.end())
          m.monitor_nobody(a, answer.ref, o.name);
        else
          m.monitor(a, *holder, answer.ref, o.name);
        break;
      }
      case 9: {
        if (m.watches.empty()) break;
        // Of anybody: a stranger's does nothing.
        const model::watch w = m.watches[random.below(m.watches.size())];
        o.what = action::demonitor;
        o.ref = w.ref;
        std::erase_if(m.watches, [&](const model::watch& x) { return x.ref == w.ref && x.by == a; });
        self.send(to, o);
        break;
      }
      case 10:
      case 11:
        o.what = action::trap;
        m.members[a].traps = true;
        self.send(to, o);
        break;
      case 12:
        o.what = action::no_trap;
        m.members[a].traps = false;
        self.send(to, o);
        break;
      case 13:
        o.what = action::exit;
        m.end(a, o.reason);
        self.send(to, o);
        break;
      case 14:
        o.what = action::exit_other;
        m.exit_other(a, b, o.reason);
        self.send(to, o);
        break;
      default:
        o.what = action::fail;
        m.end(a, term::tuple({"error"_atom, "failed"}));
        self.send(to, o);
        break;
    }
    co_await self.sleep(1ms);  // until nothing can happen any more
  }

  for (std::size_t i = 0; i < m.members.size(); ++i) {
    model::member_state& member = m.members[i];
    CHECK(self.is_alive(member.process) == member.alive);
    if (!member.alive) {
      const down d = co_await self.receive(
          when([&](const down& x) { return x.ref == mine[i]; }, [&](const down& x) { return x; }));
      CHECK(d.reason == member.reason);
      continue;
    }
    self.send(member.process, tell{});
    heard h = co_await self.receive<heard>();
    std::sort(h.signals.begin(), h.signals.end());
    std::sort(member.signals.begin(), member.signals.end());
    const auto lines = [](const std::vector<std::string>& all) {
      std::string text;
      for (const std::string& one : all) text += "\n  " + one;
      return text;
    };
    INFO(member.process, " heard:", lines(h.signals), "\nand should have heard:", lines(member.signals));
    CHECK(h.signals == member.signals);
  }
  CHECK(self.mailbox_length() == 0);
}

// --- many at once, against what must hold however they meet
// --------------------------------------------------------------

struct crowd {
  std::vector<pid> victims;
  std::uint64_t seed;
};

/// Links to others of its kind, and ends by itself, some time.
process victim(context& self) {
  const crowd c = co_await self.receive<crowd>();
  chance random(c.seed);
  for (std::size_t i = random.below(6); i > 0; --i) {
    const pid other = c.victims[random.below(c.victims.size())];
    if (random.one_in(4))
      self.unlink(other);
    else
      self.link(other);
    if (random.one_in(2)) co_await self.yield();
  }
  switch (random.below(5)) {
    case 0: co_return;
    case 1: self.exit("boom"_atom);
    case 2: self.exit("kill"_atom);
    case 3: self.exit(c.victims[random.below(c.victims.size())], "kill"_atom); break;
    default: break;
  }
  co_await self.receive<done>();
}

/// Watches victims, links to them, changes its mind; at last each monitor that it kept has given one down, each link
/// that it kept one exit signal, and nothing else has come.
process survivor(context& self, pid master) {
  self.trap_exit(true);
  const crowd c = co_await self.receive<crowd>();
  chance random(c.seed);
  struct kept_monitor {
    reference ref;
    pid of;
  };
  std::vector<kept_monitor> monitors;
  std::vector<bool> linked(c.victims.size());
  for (int step = 0; step < 25; ++step) {
    const std::size_t v = random.below(c.victims.size());
    const pid whom = c.victims[v];
    switch (random.below(4)) {
      case 0: monitors.push_back({self.monitor(whom), whom}); break;
      case 1:
        if (!monitors.empty()) {
          const std::size_t i = random.below(monitors.size());
          self.demonitor(monitors[i].ref, true);
          monitors.erase(monitors.begin() + static_cast<std::ptrdiff_t>(i));
        }
        break;
      case 2:
        if (!linked[v]) {
          self.link(whom);
          if (random.one_in(3)) self.link(whom);
          linked[v] = true;
        }
        break;
      default:
        // The manual's idiom: afterwards the link has no effect any more.
        self.unlink(whom);
        co_await self.receive(when([&](const exit_signal& e) { return e.from == whom; }, [&](const exit_signal&) {}),
                              after(0s, [&] {}));
        linked[v] = false;
        break;
    }
    if (random.one_in(3)) co_await self.yield();
  }
  self.send(master, done{});
  co_await self.receive<done>();  // all victims are dead, and all is quiet

  for (const kept_monitor& m : monitors) {
    const std::optional<down> d = co_await self.receive(
        when([&](const down& x) { return x.ref == m.ref; }, [&](const down& x) { return std::optional<down>(x); }),
        after(0s, [&] { return std::optional<down>(); }));
    REQUIRE(d.has_value());
    CHECK(d->process == m.of);
  }
  for (std::size_t v = 0; v < linked.size(); ++v) {
    if (!linked[v]) continue;
    const bool came = co_await self.receive(
        when([&](const exit_signal& e) { return e.from == c.victims[v]; }, [&](const exit_signal&) { return true; }),
        after(0s, [&] { return false; }));
    CHECK(came);
  }
  CHECK(self.mailbox_length() == 0);
  self.send(master, done{});
}

}  // namespace

TEST_CASE("random programs of links, monitors and exits do what the rules say") {
  everywhere([](context& self) -> process { return random_program(self); });
}

TEST_CASE(
    "however they meet, each kept monitor gives one down, each kept link one exit signal, and nothing else comes") {
  everywhere([](context& self) -> process {
    constexpr std::size_t victims = 5, survivors = 4;
    crowd c{{}, co_await program_seed(self)};
    std::vector<spawned> doomed;
    for (std::size_t i = 0; i < victims; ++i) {
      doomed.push_back(self.spawn_monitor(victim));
      c.victims.push_back(doomed.back().pid);
    }
    std::vector<pid> others;
    for (std::size_t i = 0; i < survivors; ++i) others.push_back(self.spawn(survivor, self.pid()));
    for (std::size_t i = 0; i < survivors; ++i, ++c.seed) self.send(others[i], c);
    for (std::size_t i = 0; i < victims; ++i, ++c.seed) self.send(c.victims[i], c);
    for (std::size_t i = 0; i < survivors; ++i) co_await self.receive<done>();
    for (const pid& v : c.victims) self.exit(v, "kill"_atom);
    for (std::size_t i = 0; i < victims; ++i) co_await self.receive<down>();
    co_await self.sleep(1ms);
    for (const pid& s : others) self.send(s, done{});
    for (std::size_t i = 0; i < survivors; ++i) co_await self.receive<done>();
    CHECK(self.mailbox_length() == 0);
  });
}
