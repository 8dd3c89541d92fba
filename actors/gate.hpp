// SPDX-License-Identifier: BSL-1.0
// The gate of a bounded mailbox: its limit, its room, and the messages whose senders wait for room. Internal.
#pragma once

#include <troupe/actors/mailbox_limit.hpp>
#include <troupe/actors/room_line.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/pid.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace troupe::detail {

/// A gate belongs to one slot for good, and counts for the process that lives there when that is bounded. So a sender
/// with a stale pid finds a gate that is not its receiver's, never freed memory.
class gate {
 public:
  enum class outcome : unsigned char {
    passed,  // push it
    full,    // the caller still has it
    waits    // the gate has it, and lets it in when there is room
  };
  struct entry {
    envelope* e = nullptr;
    pid sender;
    room_ticket ticket = 0;
    bool notify = false;  // the sender waits to be told
  };

  /// The slot's new process is bounded. Only its spawner, before anybody knows its pid.
  void open(std::uint32_t serial, const mailbox_limit& limit);

  /// May that message go in? If so it has taken its place. Any thread.
  outcome enter(envelope& e, std::uint32_t serial) noexcept;
  /// Its sender will wait: the gate keeps the message, and when it lets it in, `notify` says whether the sender is to
  /// be told. passed: there is room now, or the receiver is gone. Any thread.
  outcome wait(envelope* e, std::uint32_t serial, const pid& sender, room_ticket ticket, bool notify);
  /// Takes the message of that wait out again; null when it has gone in. Any thread.
  envelope* leave(room_ticket ticket) noexcept;

  /// One of the messages that had a place was taken out of the mailbox. True: somebody waits for it, call let_in().
  bool give() noexcept { return line_.give(); }
  /// The next one that waits, when there is room: it has its place. Only the owner.
  entry let_in() noexcept;
  /// The process has ended: those who wait, to be told. Only the owner.
  std::list<entry> close() noexcept { return line_.close(); }
  /// One that had a place was thrown out of the mailbox, where nobody waits. Only the owner.
  void give_up_place() noexcept { line_.room.give(); }

  /// Is it that process's? Any thread.
  bool is(std::uint32_t serial) const noexcept { return line_.room.is(serial); }
  /// Places left; below 0 when more is in than there is room for. Any thread; the answer may be old.
  std::int32_t left() const noexcept { return line_.room.left(); }
  overflow policy() const noexcept { return policy_.load(std::memory_order_relaxed); }
  std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  std::size_t waiting() const noexcept { return line_.size(); }
  void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  // relaxed, these three: the room's serial says whether they are those of the process that is meant, and its acquire
  // brings them along.
  std::atomic<overflow> policy_{overflow::drop_newest};
  std::atomic<std::size_t> limit_{0};
  std::atomic<std::uint64_t> dropped_{0};
  room_line<entry> line_;
};

/// The gates of a system; they live as long as it does. Index 0 is none.
class gate_table {
 public:
  gate_table() = default;
  gate_table(const gate_table&) = delete;
  gate_table& operator=(const gate_table&) = delete;
  ~gate_table();

  /// A new one's index. Any thread.
  std::uint32_t add();
  /// Any thread that has the index from a slot, by an acquire when its pid may be a stale one.
  gate& at(std::uint32_t index) const noexcept {
    // acquire: pairs with add()'s release, so that the gates are there.
    return chunks_[index / chunk_size].load(std::memory_order_acquire)[index % chunk_size];
  }
  room_ticket make_ticket() noexcept {
    return tickets_.fetch_add(1, std::memory_order_relaxed) | std::uint64_t{1} << 63;  // uniqueness is all
  }

 private:
  static constexpr std::size_t chunk_size = 1024;
  static constexpr std::size_t max_chunks = std::size_t{1} << 12;

  std::mutex lock_;
  std::uint32_t used_ = 1;  // under lock_
  std::unique_ptr<std::atomic<gate*>[]> chunks_{new std::atomic<gate*>[max_chunks]()};
  std::atomic<std::uint64_t> tickets_{1};
};

}  // namespace troupe::detail
