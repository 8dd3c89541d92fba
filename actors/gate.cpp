// SPDX-License-Identifier: BSL-1.0
// How messages enter bounded mailboxes.
#include <troupe/actors/gate.hpp>
#include <troupe/mailbox/errors.hpp>

#include <optional>
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
  line_.room.open(serial, static_cast<std::int32_t>(limit.messages));
}

namespace {

using room_result = mailbox_room<>::result;

/// What a sender is told that has asked for a place. stale: the receiver is gone; the mailbox will say so.
gate::outcome told(envelope& e, room_result got, gate::outcome when_full) noexcept {
  e.counted = got == room_result::taken;
  return got == room_result::full ? when_full : gate::outcome::passed;
}

}  // namespace

gate::outcome gate::enter(envelope& e, std::uint32_t serial) noexcept {
  const overflow p = policy();
  const room_result got = p == overflow::wait
                              ? line_.enter(serial)
                              : line_.room.take(serial, p == overflow::drop_oldest || p == overflow::end_receiver);
  return told(e, got, outcome::full);
}

gate::outcome gate::wait(envelope* e, std::uint32_t serial, const pid& sender, room_ticket ticket, bool notify) {
  const room_result got = line_.join({e, sender, ticket, notify}, serial);
  // From here on one that waits may be let in by the owner: it is no longer ours.
  return got == room_result::full ? outcome::waits : told(*e, got, outcome::waits);
}

envelope* gate::leave(room_ticket ticket) noexcept {
  const std::optional<entry> who = line_.leave(ticket);
  return who ? who->e : nullptr;
}

gate::entry gate::let_in() noexcept {
  const std::optional<entry> first = line_.next();
  if (!first) return {};
  first->e->counted = true;
  return *first;
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
