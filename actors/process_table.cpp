// SPDX-License-Identifier: BSL-1.0
// The table of processes.
#include <troupe/actors/context.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/process_table.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/errors.hpp>

#include <limits>
#include <new>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define TROUPE_DETAIL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TROUPE_DETAIL_ASAN 1
#endif
#endif
#if defined(TROUPE_DETAIL_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace troupe::detail {

namespace {

constexpr std::uint32_t batch = 64;  // slots that move between an executor and the common list at once

#if defined(TROUPE_DETAIL_ASAN)
// Any thread may still read the mailbox head, the serial and what reports show of a free slot; the rest is nobody's.
void poison(slot& s) {
  auto* const hidden = reinterpret_cast<std::byte*>(&s.next);
  ASAN_POISON_MEMORY_REGION(hidden,
                            sizeof(context) - static_cast<std::size_t>(hidden - reinterpret_cast<std::byte*>(&s)));
}
void unpoison(slot* first) {
  ASAN_UNPOISON_MEMORY_REGION(first, sizeof(context) * process_table::chunk_slots);
}
#else
void unpoison(slot*) {}
#endif

}  // namespace

slot* process_table::at(slot* first, std::size_t index) noexcept {
  return &slot_access::of(*(&slot_access::context_of(*first) + index));
}

process_table::process_table(runtime& rt, std::size_t limit, std::size_t executors)
    : rt_(rt), limit_(std::min<std::size_t>(limit, (std::size_t{1} << 31))),
      slots_(limit_ + (executors + 1) * 2 * batch), chunk_count_((slots_ + chunk_slots) / chunk_slots),
      chunks_(new std::atomic<slot*>[chunk_count_]()) {}

void process_table::throw_full() const {
  throw system_limit("troupe: too many processes: max_processes = " + std::to_string(limit_));
}

process_table::~process_table() {
  for (std::size_t i = 0; i < chunk_count_; ++i) {
    slot* first = chunks_[i].load(std::memory_order_relaxed);
    if (first == nullptr) break;
    unpoison(first);
    for (std::size_t k = 0; k < chunk_slots; ++k) slot_access::context_of(*at(first, k)).~context();
    deallocate(first);
  }
}

slot& process_table::acquire(executor* env) {
  slot* s = nullptr;
  if (env != nullptr) {
    if (env->free_slots == nullptr) refill(env->free_slots, env->free_count, batch / 2);
    s = env->free_slots;
    env->free_slots = static_cast<slot*>(s->run_next);
    --env->free_count;
  } else {
    std::uint32_t count = 0;
    refill(s, count, 1);
  }
  s->run_next = nullptr;
  return *s;
}

void process_table::refill(slot*& list, std::uint32_t& count, std::uint32_t wanted) {
  const std::lock_guard guard(lock_);
  while (count < wanted && free_ != nullptr) {
    slot* s = free_;
    free_ = static_cast<slot*>(s->run_next);
    s->run_next = list;
    list = s;
    ++count;
  }
  // Slots that were never used, lowest id first: the list is a stack, so hand them out backwards.
  const std::uint32_t used = used_.load(std::memory_order_relaxed);  // only written under the lock
  std::uint32_t fresh = 0;
  while (count + fresh < wanted && used + fresh <= slots_) {
    const std::uint32_t id = used + fresh;
    std::atomic<slot*>& chunk = chunks_[id / chunk_slots];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
      auto* first = static_cast<context*>(allocate_aligned(sizeof(context) * chunk_slots, alignof(context)));
      for (std::size_t k = 0; k < chunk_slots; ++k) {
        slot* s = &slot_access::of(*slot_access::make(first + k));
        s->id = static_cast<std::uint32_t>(id / chunk_slots * chunk_slots + k);
        s->rt = &rt_;
        s->simulated = rt_.sched().delivers();
      }
      chunk.store(&slot_access::of(*first), std::memory_order_release);  // pairs with find()
    }
    ++fresh;
  }
  for (std::uint32_t i = fresh; i-- > 0;) {
    slot* s = find(used + i);
    s->run_next = list;
    list = s;
    ++count;
  }
  used_.store(used + fresh, std::memory_order_release);  // pairs with for_each()
  if (list == nullptr) throw_full();
}

void process_table::release(slot& s, executor* env) noexcept {
  const std::uint32_t serial = s.serial.load(std::memory_order_relaxed);  // the owner wrote it
  // release: whoever sees the new serial also sees the closed mailbox.
  s.serial.store(serial + 1, std::memory_order_release);
#if defined(TROUPE_NO_RECYCLE) && TROUPE_NO_RECYCLE
  static_cast<void>(env);
#if defined(TROUPE_DETAIL_ASAN)
  poison(s);
#endif
#else
  if (serial == std::numeric_limits<std::uint32_t>::max()) return;  // its serials are used up: retired
  if (env != nullptr) {
    s.run_next = env->free_slots;
    env->free_slots = &s;
    if (++env->free_count < 2 * batch) return;
    const std::lock_guard guard(lock_);
    for (std::uint32_t i = 0; i < batch; ++i) {
      slot* given = env->free_slots;
      env->free_slots = static_cast<slot*>(given->run_next);
      given->run_next = free_;
      free_ = given;
    }
    env->free_count -= batch;
  } else {
    const std::lock_guard guard(lock_);
    s.run_next = free_;
    free_ = &s;
  }
#endif
}

}  // namespace troupe::detail
