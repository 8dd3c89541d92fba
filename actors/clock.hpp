// SPDX-License-Identifier: BSL-1.0
// The clock that timers and timeouts go by: the machine's, or one that tests move by hand. Internal.
#pragma once

#include <atomic>
#include <chrono>

namespace troupe::detail {

/// A moment of the steady clock, or of a virtual one. time_point::max() means never.
using time_point = std::chrono::steady_clock::time_point;
/// A span of time in nanoseconds.
using duration = std::chrono::nanoseconds;

/// The moment `d` (not negative) after `t`; never when no clock gets there.
constexpr time_point later(time_point t, duration d) noexcept {
  return time_point::max() - t > d ? t + d : time_point::max();
}

/// Tells the time. Any thread may ask.
class clock {
 public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock();
  /// The present moment. It never goes back.
  virtual time_point now() const noexcept = 0;
};

/// The machine's own steady clock; lives as long as the program. Any thread.
clock& steady_clock_source() noexcept;

/// A clock that stands still until somebody moves it. Any thread may ask and move.
class virtual_clock final : public clock {
 public:
  /// Where a virtual clock starts unless told otherwise: the same in every run, so that a replayed run prints the same
  /// times, and an hour from zero, so that a moment before the start is still a positive number.
  static constexpr time_point epoch{std::chrono::hours(1)};

  explicit virtual_clock(time_point start = epoch) noexcept : now_(start) {}

  /// Where it was moved to last. Whoever reads a moment also sees what the thread that moved the clock there had done.
  time_point now() const noexcept override;
  /// Moves it forward to `moment`. Does nothing when it is there or past it already; returns whether it moved.
  bool advance_to(time_point moment) noexcept;

 private:
  std::atomic<time_point> now_;
};

}  // namespace troupe::detail
