// SPDX-License-Identifier: BSL-1.0
// Timers of a system: a wheel for each worker, the processes' own deadlines, and messages sent later. Internal.
#pragma once

#include <troupe/actors/clock.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/actors/timer_wheel.hpp>
#include <troupe/mailbox/message.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace troupe::detail {

class runtime;
struct foreign_job;
struct slot;

enum class timer_kind : std::uint8_t { slot, message, job };

struct any_timer : timer_node {
  timer_kind kind = timer_kind::slot;
};

/// The deadline of what a process waits for. Moved later it stays queued where it is and looks again when it fires,
/// moved earlier it is queued anew: a timeout that is armed with every call and hardly ever fires costs two stores and
/// a load.
struct slot_timer : any_timer, pooled {
  pid owner;
  // The owner stores `deadline` (seq_cst), then loads `queued_for`; the wheel stores `queued_for` (seq_cst), then loads
  // `deadline`: one of the two sees the other, so an armed deadline is never without a queued node that fires no later.
  std::atomic<time_point> deadline{time_point::max()};
  std::atomic<time_point> queued_for{time_point::max()};  // written under the wheel's lock; max: not queued
  std::atomic<std::uint32_t> wait_number{0};
  std::uint32_t wheel = 0;  // whose lock guards it; only the owner changes it, and only while it is not queued
};

/// A message to be sent later. Owned by its wheel's table.
struct message_timer : any_timer, pooled {
  reference ref;
  destination to;  // a name: whoever has it then
  any_message message;
  time_point deadline;
  duration interval{0};  // 0: once
};

/// Makes a job runnable. Whoever owns it says that it is to be armed again only when the job runs.
struct job_timer : any_timer {
  explicit job_timer(foreign_job& j) noexcept : job(j) { kind = timer_kind::job; }
  foreign_job& job;
  std::size_t wheel = 0;  // where it is, or was last
};

/// Any thread may call; each wheel has its lock. A timer keeps no process alive.
class timer_service {
 public:
  timer_service(runtime& rt, std::size_t wheels);
  ~timer_service();

  /// The process's own deadline, for its present wait. Only its owner.
  void arm(slot& s, time_point deadline);
  void disarm(slot& s) noexcept;
  /// Takes the timer of an ending process out of its wheel.
  void forget(slot& s) noexcept;

  /// The job is to run at that time. It must not be armed; one thread at a time for each timer, as for the next two.
  void arm(job_timer& timer, time_point deadline);
  /// Armed, it is to fire at this earlier time; unless it has fired.
  void advance(job_timer& timer, time_point deadline);
  /// True: it was armed and is not any more. False: the job has run, or will.
  bool disarm(job_timer& timer) noexcept;

  void add(std::unique_ptr<message_timer> timer, std::size_t wheel);
  /// What remained until it would have fired; nothing when there is no such timer.
  std::optional<duration> cancel(const reference& ref);
  /// The time that remains, or nothing when it has fired or never was. Any thread.
  std::optional<duration> read(const reference& ref) const;

  /// Fires what is due; true when anything was. Takes the locks of the wheels that have something due.
  bool expire(time_point now);
  /// The earliest moment at which a wheel has something to do; max: never. May be early.
  time_point next_expiry() const noexcept;
  time_point next_expiry(std::size_t wheel) const noexcept;
  /// Drops all messages that wait to be sent. For the stop.
  void clear();

 private:
  struct shard {
    std::mutex delivery;  // before `lock`: held by who fires what is due
    std::mutex lock;
    timer_wheel wheel;
    boost::unordered::unordered_flat_map<reference, std::unique_ptr<message_timer>, std::hash<reference>> messages;
    // Written under the lock; seq_cst, since a parker reads it in its second look (pairs with an inserter's wake-up
    // decision).
    std::atomic<time_point> next{time_point::max()};
  };

  bool expire(std::size_t wheel, time_point now);
  void insert(shard& s, any_timer& node, time_point deadline);
  void after_insert(std::size_t wheel, time_point before);

  runtime& rt_;
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace troupe::detail
