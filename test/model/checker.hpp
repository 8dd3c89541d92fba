// SPDX-License-Identifier: BSL-1.0
// A stateless model checker: runs a few threads in every order that can make a difference, store buffers included.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

/// A scenario is a few threads (fibers, in fact) over memory that is made of the types below. explore() runs it again
/// and again from the start, each time with another order of the threads' steps, until no order is left that could have
/// another outcome; it stops at the first violation and tells the steps that lead there.
///
/// What a step is: one operation on an atomic, a mutex or a wake_flag. Stores that are not seq_cst go into the thread's
/// own FIFO buffer, where only its own loads see them; the buffer's oldest store reaches memory at any later moment, as
/// a step of its own. Read-modify-writes, seq_cst stores, lock, wait and wake empty the buffer first. That is total
/// store order, x86-64's.
///
/// Which orders are left out: those that only swap steps which do not touch the same word, or both only read it. That
/// is dynamic partial-order reduction (Flanagan and Godefroid 2005) with sleep sets and with the races and initials of
/// source sets (Abdulla and others 2014; the older rule for races loses outcomes together with sleep sets: litmus.cpp
/// compares with the full walk on random programs, and found that). A buffer is a process of its own, as in Zhang,
/// Kusano and Wang 2015. There is no bound on preemptions. So, for the given scenario, result::proved() is meant.
///
/// What it does not see:
/// - reorderings that ARM and POWER allow and x86-64 does not: a load is never delayed or speculated. An order weaker
///   than the code needs is found only where it matters for plain<T>, see there;
/// - plain memory that is not wrapped in plain<T>: it has no steps and no buffer;
/// - runs longer than options::max_steps (counted in result::truncated), more threads and more work than the scenario
///   has, and the rest of the program.
namespace troupe::model {

constexpr std::size_t max_threads = 4;

/// Throws nothing and returns only if `holds`: else the execution ends here, as a violation. In a thread or at_rest().
void check(bool holds, const char* what);

/// One of 0 ... count - 1; every one of them gets its turn. Only in a thread.
std::size_t choose(std::size_t count);

namespace detail {

/// What a thread knows that others did, in the sense of C++'s happens-before: for each thread the number of its
/// releases.
using knowledge = std::array<std::uint32_t, max_threads>;

}  // namespace detail

/// One word of the model's memory. Made and destroyed with its scenario.
class location {
 public:
  location(const location&) = delete;
  location& operator=(const location&) = delete;

 protected:
  explicit location(std::uint64_t value);
  ~location() = default;

  std::uint64_t load(std::memory_order order) const;
  void store(std::uint64_t value, std::memory_order order);
  std::uint64_t exchange(std::uint64_t value, std::memory_order order);
  std::uint64_t fetch_add(std::uint64_t value, std::memory_order order);
  bool compare_exchange(std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                        std::memory_order failure);

 private:
  friend class explorer;
  friend class mutex;
  friend class wake_flag;

  std::uint64_t value_;
  std::uint32_t id_;
  detail::knowledge released_{};  // what an acquiring load of the present value learns
};

/// A fault that is put into the atomics, to see that it is found.
enum class weakness : unsigned char {
  none,
  exchange_is_store,    // exchange(): a load, and a release store that may stay in the buffer
  strong_cas_is_store,  // compare_exchange_strong(): the same
  fetch_is_store,       // fetch_add() and fetch_sub(): the same
  relaxed               // every order is relaxed: nothing is published
};

/// std::atomic for words of up to 64 bits.
template <class T, weakness Weakness = weakness::none>
class atomic : location {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  atomic() : atomic(T()) {}
  atomic(T value) : location(bits(value)) {}

  T load(std::memory_order order = std::memory_order_seq_cst) const { return value(location::load(weakened(order))); }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    location::store(bits(value), weakened(order));
  }
  T exchange(T desired, std::memory_order order = std::memory_order_seq_cst) {
    if constexpr (Weakness == weakness::exchange_is_store)
      return replace(desired);
    else
      return value(location::exchange(bits(desired), weakened(order)));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    if constexpr (Weakness == weakness::strong_cas_is_store) {
      const T present = load(failure);
      if (present == expected) {
        store(desired, std::memory_order_release);
        return true;
      }
      expected = present;
      return false;
    } else {
      std::uint64_t raw = bits(expected);
      const bool done = location::compare_exchange(raw, bits(desired), weakened(success), weakened(failure));
      expected = value(raw);
      return done;
    }
  }
  /// Does not fail without reason: on x86-64 it does not either.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    std::uint64_t raw = bits(expected);
    const bool done = location::compare_exchange(raw, bits(desired), weakened(success), weakened(failure));
    expected = value(raw);
    return done;
  }
  T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst)
    requires std::is_unsigned_v<T>
  {
    if constexpr (Weakness == weakness::fetch_is_store)
      return add(by);
    else
      return value(location::fetch_add(bits(by), weakened(order)));
  }
  T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst)
    requires std::is_unsigned_v<T>
  {
    return fetch_add(static_cast<T>(0 - by), order);
  }

 private:
  static std::uint64_t bits(T value) noexcept {
    std::uint64_t raw = 0;
    std::memcpy(&raw, &value, sizeof value);
    return raw;
  }
  static T value(std::uint64_t raw) noexcept {
    T result;
    std::memcpy(&result, &raw, sizeof result);
    return result;
  }
  static std::memory_order weakened(std::memory_order order) noexcept {
    return Weakness == weakness::relaxed ? std::memory_order_relaxed : order;
  }
  T replace(T desired) {
    const T before = load(std::memory_order_relaxed);
    store(desired, std::memory_order_release);
    return before;
  }
  T add(T by) {
    const T before = load(std::memory_order_relaxed);
    store(static_cast<T>(before + by), std::memory_order_release);
    return before;
  }
};

/// std::mutex. Its unlock() is a release store, which may wait in the buffer. A thread that waits for it when nobody
/// can go on is a violation.
class mutex : location {
 public:
  mutex() : location(0) {}
  void lock();
  void unlock();
};

/// What a parked worker waits in, as condition_poller promises it: wake-ups count as one and are kept.
class wake_flag : location {
 public:
  wake_flag() : location(0) {}
  /// Waits for wake() and uses it up. To wait for ever is no violation: at_rest() knows what must have happened.
  void wait();
  void wake();
};

/// Memory that is not atomic. An access that does not happen after the last write, or a write that does not happen
/// after all reads, in the sense of C++'s acquire and release, is a violation even where x86-64 would forgive it.
template <class T>
class plain;

namespace detail {

struct accesses {
  knowledge reads{};
  knowledge writes{};
};
void on_read(accesses& a);
void on_write(accesses& a);

}  // namespace detail

template <class T>
class plain {
 public:
  plain() = default;
  plain(T value) : value_(value) {}
  plain(const plain&) = delete;
  plain& operator=(T value) {
    detail::on_write(accesses_);
    value_ = value;
    return *this;
  }
  operator T() const {
    detail::on_read(accesses_);
    return value_;
  }
  T operator->() const { return *this; }

 private:
  T value_{};
  mutable detail::accesses accesses_;
};

/// The policy for mailbox, mailbox_room, room_line, run_ring and idle_workers.
template <weakness Weakness>
struct weak_atomics {
  template <class T>
  using atomic = model::atomic<T, Weakness>;
  using mutex = model::mutex;
};
using atomics = weak_atomics<weakness::none>;

/// What is explored. Made anew for each execution, so that it must do the same each time: no clock, no chance, nothing
/// that depends on an address. A thread may be dropped in the middle, without its destructors: what it owns belongs
/// into the scenario.
class scenario {
 public:
  scenario() = default;
  scenario(const scenario&) = delete;
  scenario& operator=(const scenario&) = delete;
  virtual ~scenario() = default;
  /// The body of thread `index`.
  virtual void thread(std::size_t index) = 0;
  /// Every thread has returned or waits for ever, every buffer is empty: is all as it should be? Use check().
  virtual void at_rest() = 0;
};

struct options {
  std::uint64_t max_executions = 20'000'000;  // then result::complete is false
  std::size_t max_steps = 2'000;              // of one execution
  bool reduced = true;                        // false: really every order. To test the checker itself
};

struct result {
  std::uint64_t executions = 0;  // those that came to an end
  std::uint64_t redundant = 0;   // those that were dropped because another one was equivalent
  std::uint64_t truncated = 0;   // those that were dropped at max_steps
  std::size_t longest = 0;       // steps of the longest
  bool complete = false;         // nothing was left out
  std::string violation;         // what went wrong, and how it came to that; empty if nothing did

  /// Nothing went wrong, and nothing was left out.
  bool proved() const noexcept { return complete && truncated == 0 && violation.empty(); }
  /// "12345 executions (67 redundant), up to 89 steps".
  std::string summary() const;
};

result explore(std::size_t threads, const std::function<std::unique_ptr<scenario>()>& make, options how = {});

/// Explores a Scenario(arguments...) with as many threads as its member `threads` says.
template <class Scenario, class... Arguments>
result explore(Arguments... arguments) {
  return explore(Scenario::threads,
                 [&]() -> std::unique_ptr<scenario> { return std::make_unique<Scenario>(arguments...); });
}

}  // namespace troupe::model
