// SPDX-License-Identifier: BSL-1.0
// The steady and the virtual clock.
#include <troupe/actors/clock.hpp>

namespace troupe::detail {

namespace {

class steady final : public clock {
 public:
  time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
};

}  // namespace

clock::~clock() = default;

clock& steady_clock_source() noexcept {
  // Never destroyed: a system that is itself a static object may ask for the time after this file's statics are gone.
  static clock& source = *new steady;
  return source;
}

time_point virtual_clock::now() const noexcept {
  return now_.load(std::memory_order_acquire);  // pairs with the release in advance_to()
}

bool virtual_clock::advance_to(time_point moment) noexcept {
  // relaxed: only the value is used to decide; the exchange orders what others may conclude from the new time.
  time_point seen = now_.load(std::memory_order_relaxed);
  while (seen < moment)
    // acq_rel: the release pairs with the acquire in now(); the acquire keeps what earlier movers had done visible to
    // those who read our value (they synchronise with us alone).
    if (now_.compare_exchange_weak(seen, moment, std::memory_order_acq_rel, std::memory_order_relaxed)) return true;
  return false;
}

}  // namespace troupe::detail
