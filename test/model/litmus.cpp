// SPDX-License-Identifier: BSL-1.0
// The checker itself: the memory model's litmus tests, locks, lost wake-ups, and that the reduction loses no outcome.
#include "checker.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <mutex>
#include <random>
#include <set>
#include <vector>

using namespace troupe::model;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

/// Four words, what four threads do to them, and what they saw.
struct memory {
  atomic<unsigned> x, y;
  mutex lock;
  wake_flag flag;
  std::array<unsigned, 8> seen{};
};

using outcomes = std::set<std::array<unsigned, 8>>;

struct litmus : scenario {
  litmus(const std::vector<std::function<void(memory&)>>& b, outcomes& f) : bodies(b), found(f) {}
  void thread(std::size_t index) override { bodies[index](m); }
  void at_rest() override {
    m.seen[6] = m.x.load();
    m.seen[7] = m.y.load();
    found.insert(m.seen);
  }
  const std::vector<std::function<void(memory&)>>& bodies;
  outcomes& found;
  memory m;
};

/// All outcomes; that the reduced exploration finds exactly those of the full one is checked too.
outcomes all_outcomes(const std::vector<std::function<void(memory&)>>& bodies) {
  outcomes reduced;
  outcomes full;
  const result r =
      explore(bodies.size(), [&]() -> std::unique_ptr<scenario> { return std::make_unique<litmus>(bodies, reduced); });
  const result f =
      explore(bodies.size(), [&]() -> std::unique_ptr<scenario> { return std::make_unique<litmus>(bodies, full); },
              {.reduced = false});
  CHECK(r.proved());
  CHECK(f.proved());
  CHECK(r.executions <= f.executions);
  CHECK(reduced == full);
  MESSAGE(r.summary() << "; without reduction " << f.executions);
  return reduced;
}

template <class Outcome>
bool some(const outcomes& found, Outcome holds) {
  for (const auto& seen : found)
    if (holds(seen)) return true;
  return false;
}

}  // namespace

TEST_CASE("a store may be seen by others after the loads that follow it") {
  const auto both_missed = [](const auto& seen) { return seen[0] == 0 && seen[1] == 0; };
  CHECK(some(all_outcomes({[](memory& m) {
                             m.x.store(1, release);
                             m.seen[0] = m.y.load(seq_cst);
                           },
                           [](memory& m) {
                             m.y.store(1, release);
                             m.seen[1] = m.x.load(seq_cst);
                           }}),
             both_missed));
  CHECK_FALSE(some(all_outcomes({[](memory& m) {
                                   m.x.store(1, seq_cst);
                                   m.seen[0] = m.y.load(seq_cst);
                                 },
                                 [](memory& m) {
                                   m.y.exchange(1, seq_cst);
                                   m.seen[1] = m.x.load(seq_cst);
                                 }}),
                   both_missed));
  // One of them is enough to lose it.
  CHECK(some(all_outcomes({[](memory& m) {
                             m.x.exchange(1, seq_cst);
                             m.seen[0] = m.y.load(seq_cst);
                           },
                           [](memory& m) {
                             m.y.store(1, release);
                             m.seen[1] = m.x.load(seq_cst);
                           }}),
             both_missed));
}

TEST_CASE("stores of one thread are seen in their order, and loads are not early") {
  CHECK_FALSE(some(all_outcomes({[](memory& m) {
                                   m.x.store(1, relaxed);
                                   m.y.store(1, relaxed);
                                 },
                                 [](memory& m) {
                                   m.seen[0] = m.y.load(relaxed);
                                   m.seen[1] = m.x.load(relaxed);
                                 }}),
                   [](const auto& seen) { return seen[0] == 1 && seen[1] == 0; }));
  CHECK_FALSE(some(all_outcomes({[](memory& m) {
                                   m.seen[0] = m.x.load(relaxed);
                                   m.y.store(1, relaxed);
                                 },
                                 [](memory& m) {
                                   m.seen[1] = m.y.load(relaxed);
                                   m.x.store(1, relaxed);
                                 }}),
                   [](const auto& seen) { return seen[0] == 1 && seen[1] == 1; }));
}

TEST_CASE("a thread sees its own store before the others do") {
  const outcomes found = all_outcomes({[](memory& m) {
                                         m.x.store(1, relaxed);
                                         m.seen[0] = m.x.load(relaxed);
                                         m.seen[1] = m.y.load(relaxed);
                                       },
                                       [](memory& m) {
                                         m.y.store(1, relaxed);
                                         m.seen[2] = m.y.load(relaxed);
                                         m.seen[3] = m.x.load(relaxed);
                                       }});
  CHECK(some(found, [](const auto& s) { return s[0] == 1 && s[1] == 0 && s[2] == 1 && s[3] == 0; }));
  CHECK_FALSE(some(found, [](const auto& s) { return s[0] == 0 || s[2] == 0; }));
}

TEST_CASE("two readers see the stores of two writers in one order") {
  CHECK_FALSE(some(all_outcomes({[](memory& m) { m.x.store(1, relaxed); }, [](memory& m) { m.y.store(1, relaxed); },
                                 [](memory& m) {
                                   m.seen[0] = m.x.load(relaxed);
                                   m.seen[1] = m.y.load(relaxed);
                                 },
                                 [](memory& m) {
                                   m.seen[2] = m.y.load(relaxed);
                                   m.seen[3] = m.x.load(relaxed);
                                 }}),
                   [](const auto& s) { return s[0] == 1 && s[1] == 0 && s[2] == 1 && s[3] == 0; }));
}

TEST_CASE("read-modify-writes lose no update, load and store do") {
  const auto add = [](memory& m) {
    for (int i = 0; i < 2; ++i) {
      unsigned seen = m.x.load(relaxed);
      while (!m.x.compare_exchange_weak(seen, seen + 1, relaxed, relaxed)) {
      }
    }
    m.y.fetch_add(1, relaxed);
  };
  const outcomes exact = all_outcomes({add, add});
  CHECK_FALSE(some(exact, [](const auto& s) { return s[6] != 4 || s[7] != 2; }));
  const auto careless = [](memory& m) { m.x.store(m.x.load(relaxed) + 1, release); };
  CHECK(some(all_outcomes({careless, careless, careless}), [](const auto& s) { return s[6] == 1; }));
}

TEST_CASE("a mutex shuts others out") {
  const auto add = [](memory& m) {
    const std::lock_guard guard(m.lock);
    m.x.store(m.x.load(relaxed) + 1, relaxed);
  };
  CHECK_FALSE(some(all_outcomes({add, add, add}), [](const auto& s) { return s[6] != 3; }));
}

TEST_CASE("wake-ups count as one, are kept, and are used up") {
  const auto wake = [](memory& m) {
    m.x.fetch_add(1, relaxed);
    m.flag.wake();
  };
  const outcomes found = all_outcomes({wake, wake, [](memory& m) {
                                         m.flag.wait();
                                         m.seen[0] = m.x.load(relaxed);
                                         m.flag.wait();
                                         m.seen[1] = 1;
                                       }});
  CHECK(some(found, [](const auto& s) { return s[0] == 1 && s[1] == 0; }) == false);
  CHECK(some(found, [](const auto& s) { return s[0] == 1 && s[1] == 1; }));
  CHECK(some(found, [](const auto& s) { return s[0] == 2 && s[1] == 0; }));
  CHECK(some(found, [](const auto& s) { return s[0] == 2 && s[1] == 1; }));
}

TEST_CASE("every value of a choice gets its turn with every order") {
  const outcomes found = all_outcomes({[](memory& m) { m.seen[0] = m.x.load(relaxed) * 10 + unsigned(choose(3)); },
                                       [](memory& m) { m.x.store(1 + unsigned(choose(2)), relaxed); }});
  std::set<unsigned> values;
  for (const auto& s : found) values.insert(s[0]);
  CHECK(values == std::set<unsigned>{0, 1, 2, 10, 11, 12, 20, 21, 22});
}

TEST_CASE("the reduction loses no outcome of sixty random programs") {
  std::minstd_rand random(42);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() >> 4) % n; };
  std::uint64_t reduced_executions = 0;
  std::uint64_t full_executions = 0;
  for (int program = 0; program < 60; ++program) {
    std::vector<std::function<void(memory&)>> bodies;
    for (std::size_t t = 0; t < 3; ++t) {
      struct instruction {
        unsigned what, where, how;
      };
      std::vector<instruction> instructions;
      for (unsigned i = t == 0 ? 3 : 2; i > 0; --i) instructions.push_back({below(10), below(2), below(2)});
      bodies.emplace_back([=](memory& m) {
        unsigned sum = 0;
        for (const instruction& i : instructions) {
          atomic<unsigned>& word = i.where == 0 ? m.x : m.y;
          const unsigned mine = static_cast<unsigned>(t) + 1;
          switch (i.what) {
            case 0:
            case 1:
            case 2: word.store(sum + mine, release); break;
            case 3: word.store(sum + mine, seq_cst); break;
            case 4:
            case 5: sum = sum * 5 + word.load(acquire); break;
            case 6: sum = sum * 5 + word.fetch_add(mine, seq_cst); break;
            case 7: {
              unsigned expected = i.how;
              sum = sum * 5 + static_cast<unsigned>(word.compare_exchange_strong(expected, mine, seq_cst, relaxed));
              break;
            }
            case 8: {
              const std::lock_guard guard(m.lock);
              word.store(word.load(relaxed) + mine, relaxed);
              break;
            }
            default:
              if (i.how == 0)
                m.flag.wake();
              else
                m.flag.wait();
          }
        }
        m.seen[t] = sum;
        m.seen[3 + t] = 1;
      });
    }
    outcomes reduced;
    outcomes full;
    const result r =
        explore(3, [&]() -> std::unique_ptr<scenario> { return std::make_unique<litmus>(bodies, reduced); });
    const result f = explore(3, [&]() -> std::unique_ptr<scenario> { return std::make_unique<litmus>(bodies, full); },
                             {.reduced = false});
    CHECK(r.proved());
    CHECK(f.proved());
    CHECK(reduced == full);
    reduced_executions += r.executions + r.redundant;
    full_executions += f.executions;
  }
  MESSAGE(reduced_executions << " executions; without reduction " << full_executions);
}

namespace {

struct deadly_embrace : scenario {
  static constexpr std::size_t threads = 2;
  void thread(std::size_t index) override {
    const std::lock_guard first(locks[index]);
    const std::lock_guard second(locks[1 - index]);
  }
  void at_rest() override {}
  mutex locks[2];
};

/// A word is published by a flag.
template <weakness Weakness>
struct handover : scenario {
  static constexpr std::size_t threads = 2;
  void thread(std::size_t index) override {
    if (index == 0) {
      word = 1;
      ready.store(true, release);
    } else if (ready.load(acquire)) {
      check(word == 1, "the word is not there");
    }
  }
  void at_rest() override {}
  plain<int> word;
  atomic<bool, Weakness> ready;
};

struct endless : scenario {
  void thread(std::size_t index) override {
    if (index == 0)
      while (!go.load(acquire)) {
      }
    else
      go.store(true, release);
  }
  void at_rest() override {}
  atomic<bool> go;
};

}  // namespace

TEST_CASE("a deadlock of two mutexes is found") {
  const result r = explore<deadly_embrace>();
  CHECK(r.violation.find("for ever for a mutex") != std::string::npos);
}

TEST_CASE("a data race on plain memory is found although x86-64 would forgive it") {
  CHECK(explore<handover<weakness::none>>().proved());
  CHECK(explore<handover<weakness::relaxed>>().violation.find("a data race") != std::string::npos);
}

TEST_CASE("a loop without end is reported, not followed") {
  const result r = explore(2, [] { return std::make_unique<endless>(); }, {.max_executions = 100, .max_steps = 50});
  CHECK(r.truncated > 0);
  CHECK_FALSE(r.proved());
}
