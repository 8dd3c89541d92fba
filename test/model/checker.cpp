// SPDX-License-Identifier: BSL-1.0
// The explorer: fibers, store buffers, and the depth-first walk over the schedules.

// The checked longjmp of _FORTIFY_SOURCE takes a switch between stacks for an error.
#undef _FORTIFY_SOURCE

#include "checker.hpp"

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <deque>
#include <vector>

#include <ucontext.h>

namespace troupe::model {

namespace {

// A process is what can take a step: thread t is process t, its store buffer is process max_threads + t.
constexpr std::size_t processes = 2 * max_threads;
using process_set = unsigned;
constexpr process_set bit(std::size_t process) {
  return 1U << process;
}

/// For each process its last step that comes before something; -1: none.
struct order_clock {
  std::array<std::int32_t, processes> last;
  order_clock() { last.fill(-1); }
  void join(const order_clock& other) noexcept {
    for (std::size_t p = 0; p < processes; ++p) last[p] = std::max(last[p], other.last[p]);
  }
};

void join(detail::knowledge& into, const detail::knowledge& from) noexcept {
  for (std::size_t t = 0; t < max_threads; ++t) into[t] = std::max(into[t], from[t]);
}

enum class access : unsigned char { start, read, write, compare, lock, unlock, wait, wake };

constexpr const char* name_of(access a) {
  constexpr const char* names[] = {"starts", "reads", "changes", "compares", "locks", "unlocks", "waits", "wakes"};
  return names[static_cast<std::size_t>(a)];
}

struct step {
  std::size_t process;
  std::size_t node;
  const location* where;
  access how;
  std::uint64_t before;
  order_clock clock;
};

/// For a report.
struct line {
  std::size_t process;
  std::uint32_t where;
  const char* what;
  std::uint64_t before;
  std::uint64_t after;
};

/// A place in the tree of schedules: who goes next, or what choose() returns.
struct node {
  process_set enabled = 0;
  process_set backtrack = 0;  // to be explored
  process_set sleep = 0;      // need not be explored: explored from here, or from a node above in an equivalent order
  std::size_t chosen = 0;
  std::size_t choices = 0;  // of choose(); 0 when it is a matter of who goes next
};

struct buffered {
  location* where;
  std::uint64_t value;
  access how;
  detail::knowledge released;
  order_clock issued;
};

struct location_state {
  order_clock writes;
  order_clock accesses;
  std::vector<std::int32_t> steps;
};

enum class thread_state : unsigned char { at_step, draining, running, done };

struct jump_buffer {
  std::jmp_buf buffer;
};

struct model_thread {
  thread_state state = thread_state::done;
  const location* where = nullptr;
  access how = access::start;
  std::uint64_t expected = 0;  // by a compare-exchange
  order_clock clock;
  order_clock buffer_clock;
  std::deque<buffered> buffer;
  detail::knowledge known{};

  // The fiber. It lives as long as the program; an execution that is dropped goes on from `base` the next time.
  std::vector<char> stack;
  ucontext_t context;
  bool started = false;
  jump_buffer here;
  jump_buffer base;
};

enum class outcome : unsigned char { at_rest, redundant, truncated, violated };

constexpr std::size_t nobody = processes;

bool acquires(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

}  // namespace

class explorer {
 public:
  result explore(std::size_t threads, const std::function<std::unique_ptr<scenario>()>& make, const options& how);

  // --- for the model's memory ----------------------------------------------------------------------------------------

  std::uint32_t new_location();
  bool in_thread() const noexcept { return current_ != nobody; }
  /// Returns when the scheduler has given the thread this step.
  void arrive(const location& where, access how, std::uint64_t expected = 0);
  void buffer_store(location& where, std::uint64_t value, access how, std::memory_order order);
  std::uint64_t visible(const location& where) const noexcept;
  void learn(const location& where, std::memory_order order);
  void tell(location& where, std::memory_order order, bool read_modify_write);
  void note(const location& where, const char* what, std::uint64_t before, std::uint64_t after);
  std::size_t choose(std::size_t count);
  void check(bool holds, const char* what);
  void on_read(detail::accesses& a);
  void on_write(detail::accesses& a);
  [[noreturn]] void body();

 private:
  model_thread& self() noexcept { return threads_[current_]; }
  void run_once(const std::function<std::unique_ptr<scenario>()>& make);
  bool backtrack();

  void schedule();
  process_set enabled() const;
  std::size_t pick(process_set enabled);
  void take_step(std::size_t process);
  void flush(std::size_t thread);
  [[noreturn]] void end(outcome how);

  bool is_pending(std::size_t process, const location*& where, access& how) const;
  void find_race(std::size_t process, const location* where, access how, const order_clock& before,
                 const order_clock& clock);
  void add_backtrack(std::int32_t at, std::size_t process, const order_clock& clock);
  void find_thread_race(std::size_t thread);
  void find_buffer_race(std::size_t thread);

  void switch_to(std::size_t thread);
  void switch_to_main();
  std::string report() const;

  std::array<model_thread, max_threads> threads_;
  std::size_t thread_count_ = 0;
  std::size_t current_ = nobody;
  jump_buffer main_;
  scenario* scenario_ = nullptr;
  options how_;

  std::vector<node> nodes_;   // the path through the tree; its first part is replayed
  std::size_t depth_ = 0;     // how many of them this execution has passed
  std::size_t replayed_ = 0;  // the nodes that were there when it began
  process_set sleep_ = 0;     // of the present state
  std::vector<step> steps_;
  std::vector<line> lines_;
  std::vector<location_state> locations_;
  std::uint32_t location_count_ = 0;
  outcome outcome_ = outcome::at_rest;
  const char* what_ = nullptr;
};

namespace {

explorer& the_explorer() {
  static explorer instance;
  return instance;
}

void fiber_body() {
  the_explorer().body();
}

bool dependent(const location* a, access how_a, const location* b, access how_b) noexcept {
  return a == b && a != nullptr && !(how_a == access::read && how_b == access::read);
}

/// Can there be a state in which both the step that was taken and the other one could be? Where not, their order cannot
/// be reversed.
bool reversible(const step& taken, access other) noexcept {
  if (taken.how == access::unlock && other == access::lock) return false;
  return !(taken.how == access::wake && taken.before == 0 && other == access::wait);
}

}  // namespace

// --- the walk --------------------------------------------------------------------------------------------------------

result explorer::explore(std::size_t threads, const std::function<std::unique_ptr<scenario>()>& make,
                         const options& how) {
  thread_count_ = threads;
  how_ = how;
  nodes_.clear();
  result r;
  do {
    replayed_ = nodes_.size();
    run_once(make);
    switch (outcome_) {
      case outcome::at_rest: ++r.executions; break;
      case outcome::redundant: ++r.redundant; break;
      case outcome::truncated: ++r.truncated; break;
      case outcome::violated:
        ++r.executions;
        r.violation = report();
        break;
    }
    r.longest = std::max(r.longest, steps_.size());
    if (!r.violation.empty()) return r;
    r.complete = !backtrack();
  } while (!r.complete && r.executions + r.redundant + r.truncated < how.max_executions);
  return r;
}

/// To the next schedule; false: there is none.
bool explorer::backtrack() {
  for (; !nodes_.empty(); nodes_.pop_back()) {
    node& n = nodes_.back();
    if (n.choices != 0) {
      if (++n.chosen < n.choices) return true;
      continue;
    }
    n.sleep |= bit(n.chosen);
    if (const process_set left = n.backtrack & ~n.sleep; left != 0) {
      n.chosen = static_cast<std::size_t>(std::countr_zero(left));
      return true;
    }
  }
  return false;
}

void explorer::run_once(const std::function<std::unique_ptr<scenario>()>& make) {
  depth_ = 0;
  sleep_ = 0;
  steps_.clear();
  lines_.clear();
  location_count_ = 0;
  outcome_ = outcome::at_rest;
  what_ = nullptr;
  const std::unique_ptr<scenario> made = make();
  scenario_ = made.get();
  for (std::size_t t = 0; t < thread_count_; ++t) {
    model_thread& thread = threads_[t];
    thread.state = thread_state::at_step;
    thread.where = nullptr;
    thread.how = access::start;
    thread.clock = thread.buffer_clock = order_clock();
    thread.buffer.clear();
    thread.known = {};
    thread.known[t] = 1;  // 0 is what the scenario's constructor did, which everybody knows
    thread.here = thread.base;
  }
  if (_setjmp(main_.buffer) == 0) schedule();
  current_ = nobody;
  if (outcome_ == outcome::at_rest) {
    for (std::size_t t = 0; t < thread_count_; ++t)
      if (threads_[t].state != thread_state::done && threads_[t].how == access::lock)
        check(false, "a thread waits for ever for a mutex");
    scenario_->at_rest();
  }
}

// --- one execution -----------------------------------------------------------------------------------------

process_set explorer::enabled() const {
  process_set result = 0;
  for (std::size_t t = 0; t < thread_count_; ++t) {
    const model_thread& thread = threads_[t];
    if (!thread.buffer.empty()) result |= bit(max_threads + t);
    if (thread.state != thread_state::at_step) continue;
    if (thread.how == access::lock && thread.where->value_ != 0) continue;
    if (thread.how == access::wait && thread.where->value_ == 0) continue;
    result |= bit(t);
  }
  return result;
}

/// Lets others go on until it is the current thread's turn to take its step.
void explorer::schedule() {
  for (;;) {
    const process_set able = enabled();
    if (able == 0) end(outcome::at_rest);
    if (steps_.size() >= how_.max_steps) end(outcome::truncated);
    const std::size_t process = pick(able);
    if (process == nobody) end(outcome::redundant);
    take_step(process);
    if (process >= max_threads) {
      flush(process - max_threads);
    } else {
      threads_[process].state = thread_state::running;
      if (process != current_) switch_to(process);
      return;
    }
  }
}

std::size_t explorer::pick(process_set able) {
  if (depth_ == nodes_.size()) {
    node n;
    n.enabled = able;
    n.sleep = sleep_;
    const process_set awake = able & ~sleep_;
    if (awake == 0) return nobody;
    // Who runs goes on, then the other threads, then the buffers: few switches of fibers, and stores come late.
    n.chosen = current_ != nobody && (awake & bit(current_)) != 0 ? current_
                                                                  : static_cast<std::size_t>(std::countr_zero(awake));
    n.backtrack = how_.reduced ? bit(n.chosen) : able;
    nodes_.push_back(n);
  }
  node& n = nodes_[depth_++];
  sleep_ = how_.reduced ? n.sleep : 0;
  return n.chosen;
}

void explorer::take_step(std::size_t process) {
  const bool is_buffer = process >= max_threads;
  model_thread& thread = threads_[is_buffer ? process - max_threads : process];
  const location* where = is_buffer ? thread.buffer.front().where : thread.where;
  access how = is_buffer ? thread.buffer.front().how : thread.how;
  // Before it is taken it must count as a write, for it may become one.
  if (how == access::compare) how = where->value_ == thread.expected ? access::write : access::read;
  order_clock& clock = is_buffer ? thread.buffer_clock : thread.clock;
  const auto index = static_cast<std::int32_t>(steps_.size());

  process_set still_asleep = 0;
  for (std::size_t p = 0; p < processes; ++p) {
    const location* other_where = nullptr;
    access other_how = access::start;
    if (p == process || !is_pending(p, other_where, other_how)) continue;
    if (!dependent(where, how, other_where, other_how)) still_asleep |= bit(p);
  }
  sleep_ &= still_asleep;

  if (is_buffer) clock.join(thread.buffer.front().issued);
  if (where != nullptr) {
    location_state& state = locations_[where->id_];
    const order_clock before = clock;
    clock.join(how == access::read ? state.writes : state.accesses);
    find_race(process, where, how, before, clock);
    clock.last[process] = index;
    if (how != access::read) state.writes.join(clock);
    state.accesses.join(clock);
    state.steps.push_back(index);
  } else {
    clock.last[process] = index;
  }
  steps_.push_back({process, depth_ - 1, where, how, where == nullptr ? 0 : where->value_, clock});

  // Others whose next step would have gone differently before this one.
  if (!how_.reduced || depth_ < replayed_) return;
  for (std::size_t p = 0; p < processes; ++p) {
    const location* other_where = nullptr;
    access other_how = access::start;
    if (p == process || !is_pending(p, other_where, other_how)) continue;
    if (!dependent(where, how, other_where, other_how) || !reversible(steps_.back(), other_how)) continue;
    order_clock other = p < max_threads ? threads_[p].clock : threads_[p - max_threads].buffer_clock;
    if (p >= max_threads) other.join(threads_[p - max_threads].buffer.front().issued);
    add_backtrack(index, p, other);
  }
}

/// The oldest store of a buffer reaches memory.
void explorer::flush(std::size_t t) {
  model_thread& thread = threads_[t];
  const buffered& oldest = thread.buffer.front();
  location& where = *oldest.where;
  lines_.push_back({max_threads + t, where.id_, "now in memory", where.value_, oldest.value});
  where.value_ = oldest.value;
  where.released_ = oldest.released;
  thread.buffer.pop_front();
  if (!thread.buffer.empty()) {
    find_buffer_race(t);
  } else if (thread.state == thread_state::draining) {
    thread.state = thread_state::at_step;
    thread.clock.join(thread.buffer_clock);
    find_thread_race(t);
  }
}

void explorer::end(outcome how) {
  outcome_ = how;
  std::longjmp(main_.buffer, 1);
}

// --- partial-order reduction
// -------------------------------------------------------------------------------------------

/// The next step of a process, if it is known. A thread that waits for its buffer has none yet.
bool explorer::is_pending(std::size_t process, const location*& where, access& how) const {
  if (process >= max_threads) {
    const model_thread& thread = threads_[process - max_threads];
    if (process - max_threads >= thread_count_ || thread.buffer.empty()) return false;
    where = thread.buffer.front().where;
    how = thread.buffer.front().how;
    return true;
  }
  const model_thread& thread = threads_[process];
  if (process >= thread_count_ || thread.state != thread_state::at_step) return false;
  where = thread.where;
  how = thread.how;
  return true;
}

void explorer::find_thread_race(std::size_t t) {
  const model_thread& thread = threads_[t];
  find_race(t, thread.where, thread.how, thread.clock, thread.clock);
}

void explorer::find_buffer_race(std::size_t t) {
  model_thread& thread = threads_[t];
  const buffered& next = thread.buffer.front();
  order_clock clock = thread.buffer_clock;
  clock.join(next.issued);
  find_race(max_threads + t, next.where, next.how, clock, clock);
}

/// The next step of a process has become known. The last write before it to the same word, and all reads since then
/// if it is a write itself, might have gone after it, unless they had to come before it.
void explorer::find_race(std::size_t process, const location* where, access how, const order_clock& before,
                         const order_clock& clock) {
  if (!how_.reduced || where == nullptr || depth_ < replayed_) return;
  const std::vector<std::int32_t>& touched = locations_[where->id_].steps;
  bool between = false;  // is there a read between the write and the process?
  for (auto at = touched.rbegin(); at != touched.rend(); ++at) {
    const step& s = steps_[static_cast<std::size_t>(*at)];
    if (!dependent(s.where, s.how, where, how) || !reversible(s, how)) continue;
    const bool race = before.last[s.process] < *at;
    if (s.how != access::read) {
      if (race && !between) add_backtrack(*at, process, clock);
      return;  // all before it came before the process too
    }
    if (race) add_backtrack(*at, process, clock);
    between = true;
  }
}

/// Another schedule must be tried from where step `at` was taken: one that begins with those later steps that must come
/// before the next step of `process` (as `clock` says) but not after step `at`, and then goes on with `process`.
void explorer::add_backtrack(std::int32_t at, std::size_t process, const order_clock& clock) {
  const step& reversed = steps_[static_cast<std::size_t>(at)];
  node& n = nodes_[reversed.node];
  process_set seen = 0;
  process_set first = 0;  // who can begin it: the "initials" of source sets
  for (std::size_t j = static_cast<std::size_t>(at) + 1; j < steps_.size(); ++j) {
    const step& s = steps_[j];
    if ((seen & bit(s.process)) != 0 || clock.last[s.process] < static_cast<std::int32_t>(j) ||
        s.clock.last[reversed.process] >= at)
      continue;
    seen |= bit(s.process);
    bool free = true;
    for (std::size_t p = 0; p < processes && free; ++p) free = p == s.process || s.clock.last[p] <= at;
    if (free) first |= bit(s.process);
  }
  if (seen == 0) first = bit(process);
  first &= n.enabled;
  if (first == 0)
    n.backtrack |= n.enabled;
  else if ((first & n.backtrack) == 0)
    n.backtrack |= (first & bit(process)) != 0 ? bit(process) : first & (~first + 1);
}

// --- fibers ------------------------------------------------------------------------------------------------

// ucontext makes the stacks; setjmp switches, because swapcontext asks the kernel for the signal mask each time.
__attribute__((noinline)) void explorer::switch_to(std::size_t t) {
  const std::size_t from = current_;
  if (from != nobody && threads_[from].state != thread_state::done && _setjmp(threads_[from].here.buffer) != 0) {
    return;
  }
  current_ = t;
  model_thread& to = threads_[t];
  if (to.started) std::longjmp(to.here.buffer, 1);
  to.started = true;
  to.stack.resize(256 * 1024);
  getcontext(&to.context);
  to.context.uc_stack.ss_sp = to.stack.data();
  to.context.uc_stack.ss_size = to.stack.size();
  to.context.uc_link = nullptr;
  makecontext(&to.context, &fiber_body, 0);
  setcontext(&to.context);
}

__attribute__((noinline)) void explorer::body() {
  _setjmp(self().base.buffer);
  scenario_->thread(current_);
  self().state = thread_state::done;
  schedule();
  std::abort();  // a thread that is done is never scheduled
}

// --- the model's memory ------------------------------------------------------------------------------------

std::uint32_t explorer::new_location() {
  if (location_count_ == locations_.size()) locations_.emplace_back();
  location_state& state = locations_[location_count_];
  state.writes = state.accesses = order_clock();
  state.steps.clear();
  return location_count_++;
}

void explorer::arrive(const location& where, access how, std::uint64_t expected) {
  if (!in_thread()) return;
  model_thread& thread = self();
  thread.expected = expected;
  thread.where = &where;
  thread.how = how;
  if (how != access::read && !thread.buffer.empty()) {
    thread.state = thread_state::draining;
  } else {
    thread.state = thread_state::at_step;
    find_thread_race(current_);
  }
  schedule();
}

void explorer::buffer_store(location& where, std::uint64_t value, access how, std::memory_order order) {
  if (!in_thread()) {
    where.value_ = value;
    return;
  }
  model_thread& thread = self();
  lines_.push_back({current_, where.id_, how == access::unlock ? "unlocks (in its buffer)" : "stores (in its buffer)",
                    visible(where), value});
  thread.buffer.push_back({&where, value, how, releases(order) ? thread.known : detail::knowledge{}, thread.clock});
  if (releases(order)) ++thread.known[current_];
  if (thread.buffer.size() == 1) find_buffer_race(current_);
}

std::uint64_t explorer::visible(const location& where) const noexcept {
  if (in_thread()) {
    const auto& buffer = threads_[current_].buffer;
    const auto own = std::find_if(buffer.rbegin(), buffer.rend(), [&](const buffered& b) { return b.where == &where; });
    if (own != buffer.rend()) return own->value;
  }
  return where.value_;
}

void explorer::learn(const location& where, std::memory_order order) {
  if (in_thread() && acquires(order)) join(self().known, where.released_);
}

void explorer::tell(location& where, std::memory_order order, bool read_modify_write) {
  if (!in_thread()) return;
  // A read-modify-write goes on with the release sequence that it finds, a store ends it.
  if (!read_modify_write) where.released_ = {};
  if (!releases(order)) return;
  join(where.released_, self().known);
  ++self().known[current_];
}

void explorer::note(const location& where, const char* what, std::uint64_t before, std::uint64_t after) {
  if (in_thread()) lines_.push_back({current_, where.id_, what, before, after});
}

std::size_t explorer::choose(std::size_t count) {
  if (depth_ == nodes_.size()) {
    node n;
    n.choices = count;
    nodes_.push_back(n);
  }
  return nodes_[depth_++].chosen;
}

void explorer::check(bool holds, const char* what) {
  if (holds || outcome_ == outcome::violated) return;
  what_ = what;
  outcome_ = outcome::violated;
  if (in_thread()) end(outcome::violated);
}

void explorer::on_read(detail::accesses& a) {
  if (!in_thread()) return;
  const detail::knowledge& known = self().known;
  for (std::size_t t = 0; t < thread_count_; ++t)
    check(a.writes[t] <= known[t] || t == current_, "a data race: a read does not happen after a write");
  a.reads[current_] = known[current_];
}

void explorer::on_write(detail::accesses& a) {
  if (!in_thread()) return;
  const detail::knowledge& known = self().known;
  for (std::size_t t = 0; t < thread_count_; ++t) {
    check(a.writes[t] <= known[t] || t == current_, "a data race: a write does not happen after another");
    check(a.reads[t] <= known[t] || t == current_, "a data race: a write does not happen after a read");
  }
  a.writes[current_] = known[current_];
}

std::string explorer::report() const {
  std::string text = what_;
  char buffer[160];
  for (const line& l : lines_) {
    const bool is_buffer = l.process >= max_threads;
    std::snprintf(buffer, sizeof buffer, "\n  %s %zu: word %u %s: %llx -> %llx", is_buffer ? "buffer" : "thread",
                  is_buffer ? l.process - max_threads : l.process, l.where, l.what,
                  static_cast<unsigned long long>(l.before), static_cast<unsigned long long>(l.after));
    text += buffer;
  }
  return text;
}

location::location(std::uint64_t value) : value_(value), id_(the_explorer().new_location()) {}

std::uint64_t location::load(std::memory_order order) const {
  explorer& e = the_explorer();
  e.arrive(*this, access::read);
  const std::uint64_t seen = e.visible(*this);
  e.learn(*this, order);
  e.note(*this, name_of(access::read), seen, seen);
  return seen;
}

void location::store(std::uint64_t value, std::memory_order order) {
  explorer& e = the_explorer();
  if (order != std::memory_order_seq_cst) {
    e.buffer_store(*this, value, access::write, order);
    return;
  }
  e.arrive(*this, access::write);
  e.note(*this, "stores", value_, value);
  value_ = value;
  e.tell(*this, order, false);
}

std::uint64_t location::exchange(std::uint64_t value, std::memory_order order) {
  explorer& e = the_explorer();
  e.arrive(*this, access::write);
  e.note(*this, "exchanges", value_, value);
  const std::uint64_t before = std::exchange(value_, value);
  e.learn(*this, order);
  e.tell(*this, order, true);
  return before;
}

std::uint64_t location::fetch_add(std::uint64_t value, std::memory_order order) {
  explorer& e = the_explorer();
  e.arrive(*this, access::write);
  e.note(*this, "adds", value_, value_ + value);
  const std::uint64_t before = std::exchange(value_, value_ + value);
  e.learn(*this, order);
  e.tell(*this, order, true);
  return before;
}

bool location::compare_exchange(std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                                std::memory_order failure) {
  explorer& e = the_explorer();
  e.arrive(*this, access::compare, expected);
  if (value_ != expected) {
    e.note(*this, "fails to compare and exchange", value_, value_);
    expected = value_;
    e.learn(*this, failure);
    return false;
  }
  e.note(*this, "compares and exchanges", value_, desired);
  value_ = desired;
  e.learn(*this, success);
  e.tell(*this, success, true);
  return true;
}

void mutex::lock() {
  explorer& e = the_explorer();
  e.arrive(*this, access::lock);
  e.note(*this, name_of(access::lock), value_, 1);
  value_ = 1;
  e.learn(*this, std::memory_order_acquire);
}

void mutex::unlock() {
  the_explorer().buffer_store(*this, 0, access::unlock, std::memory_order_release);
}

void wake_flag::wait() {
  explorer& e = the_explorer();
  e.arrive(*this, access::wait);
  e.note(*this, "is woken", value_, 0);
  value_ = 0;
  e.learn(*this, std::memory_order_acquire);
}

void wake_flag::wake() {
  explorer& e = the_explorer();
  e.arrive(*this, access::wake);
  e.note(*this, name_of(access::wake), value_, 1);
  value_ = 1;
  e.tell(*this, std::memory_order_release, true);
}

void check(bool holds, const char* what) {
  the_explorer().check(holds, what);
}
std::size_t choose(std::size_t count) {
  return the_explorer().choose(count);
}
void detail::on_read(accesses& a) {
  the_explorer().on_read(a);
}
void detail::on_write(accesses& a) {
  the_explorer().on_write(a);
}

std::string result::summary() const {
  std::string text = std::to_string(executions) + " executions (" + std::to_string(redundant) + " redundant), up to " +
                     std::to_string(longest) + " steps";
  if (truncated != 0) text += ", " + std::to_string(truncated) + " TRUNCATED";
  if (!complete && violation.empty()) text += ", INCOMPLETE";
  return text;
}

result explore(std::size_t threads, const std::function<std::unique_ptr<scenario>()>& make, options how) {
  return the_explorer().explore(threads, make, how);
}

}  // namespace troupe::model
