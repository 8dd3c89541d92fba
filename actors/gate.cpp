// SPDX-License-Identifier: BSL-1.0
// How messages enter bounded mailboxes.
#include <troupe/actors/gate.hpp>
#include <troupe/mailbox/errors.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {

using namespace literals;

mailbox_full::mailbox_full(term to)
    : std::runtime_error("troupe: the mailbox of " + to.to_string() +
                         " is full, and its senders are to wait: co_await the send"),
      to_(std::move(to)) {}

namespace detail {

void gate::open(std::uint32_t serial, const mailbox_limit& limit) {
  policy_.store(limit.policy, std::memory_order_relaxed);
  limit_.store(limit.messages, std::memory_order_relaxed);
  dropped_.store(0, std::memory_order_relaxed);
  room.open(serial, static_cast<std::int32_t>(limit.messages));
}

gate::outcome gate::enter(envelope& e, std::uint32_t serial) noexcept {
  const overflow p = policy();
  // Those who wait are first. relaxed: only fairness depends on it.
  if (p == overflow::wait && waiting_.load(std::memory_order_relaxed) != 0) return outcome::full;
  switch (room.take(serial, p == overflow::drop_oldest || p == overflow::end_receiver)) {
    case mailbox_room<>::result::taken: e.counted = true; return outcome::passed;
    case mailbox_room<>::result::full: return outcome::full;
    case mailbox_room<>::result::stale: return outcome::passed;  // the receiver is gone: the mailbox will say so
  }
  return outcome::passed;
}

gate::outcome gate::wait(envelope* e, std::uint32_t serial, const pid& sender, room_ticket ticket, bool notify) {
  const std::lock_guard guard(lock_);
  queue_.push_back({e, sender, ticket, notify});
  // seq_cst: we say that we wait, then try once more; the owner gives a place back, then looks whether somebody waits.
  // One of us sees the other.
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  if (queue_.size() == 1) {
    const auto got = room.take(serial, false);
    if (got == mailbox_room<>::result::full) return outcome::waits;
    e->counted = got == mailbox_room<>::result::taken;
  } else if (!room.is(serial)) {
    e->counted = false;
  } else {
    return outcome::waits;
  }
  queue_.pop_back();
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return outcome::passed;
}

envelope* gate::leave(room_ticket ticket) noexcept {
  const std::lock_guard guard(lock_);
  const auto it = std::find_if(queue_.begin(), queue_.end(), [&](const entry& w) { return w.ticket == ticket; });
  if (it == queue_.end()) return nullptr;
  envelope* e = it->e;
  queue_.erase(it);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return e;
}

gate::entry gate::let_in() noexcept {
  const std::lock_guard guard(lock_);
  if (queue_.empty()) return {};
  if (room.take(room.serial(), false) != mailbox_room<>::result::taken) return {};
  entry next = queue_.front();
  queue_.pop_front();
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  next.e->counted = true;
  return next;
}

std::list<gate::entry> gate::close() noexcept {
  const std::lock_guard guard(lock_);
  room.close();
  waiting_.store(0, std::memory_order_relaxed);
  return std::exchange(queue_, {});
}

gate_table::~gate_table() {
  for (std::size_t i = 0; i < max_chunks; ++i) delete[] chunks_[i].load(std::memory_order_relaxed);
}

std::uint32_t gate_table::add() {
  const std::lock_guard guard(lock_);
  if (used_ == chunk_size * max_chunks)
    throw system_limit("troupe: too many bounded mailboxes: at most " + std::to_string(chunk_size * max_chunks));
  std::atomic<gate*>& chunk = chunks_[used_ / chunk_size];
  if (chunk.load(std::memory_order_relaxed) == nullptr)
    chunk.store(new gate[chunk_size], std::memory_order_release);  // pairs with at()
  return used_++;
}

}  // namespace detail
}  // namespace troupe
