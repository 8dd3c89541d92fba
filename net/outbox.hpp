// SPDX-License-Identifier: BSL-1.0
// What waits to be written to a connection: any thread puts in, whoever holds the writer token writes. Internal.
#pragma once

#include <troupe/mailbox/allocate.hpp>
#include <troupe/net/etf/buffer.hpp>
#include <troupe/net/stream.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace troupe::detail {

/// Some whole frames, encoded by their sender.
struct segment : pooled {
  segment* next = nullptr;
  etf::buffer bytes;
};

/// A queue without locks, in the order of each sender. Senders encode on their own threads; nobody waits for another.
///
/// The token is idle, writing or more. Who turns idle into writing writes; who finds writing leaves `more` behind, and
/// the holder goes round again. The holder keeps the token while the socket takes nothing, and goes on when it does.
class outbox {
 public:
  /// `room`: called by the holder when less than half of `busy_limit` bytes waits and somebody has asked for room.
  outbox(std::size_t busy_limit, std::function<void()> room);
  ~outbox();
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// From now on there is something to write to. Once, before the first flush().
  void open(std::shared_ptr<byte_stream> stream) noexcept { stream_ = std::move(stream); }

  /// Takes the segment over. Any thread.
  void push(std::unique_ptr<segment> s) noexcept;
  /// Writes what is there, unless another thread does. `owner` keeps this object alive. Any thread; after open().
  void flush(const std::shared_ptr<void>& owner) noexcept;
  /// Nothing is written from now on, and what waits is dropped; the stream is closed. Any thread.
  void close() noexcept;

  /// Bytes that wait. Any thread.
  std::size_t queued() const noexcept { return queued_.load(std::memory_order_relaxed); }
  bool is_busy() const noexcept { return queued() > busy_limit_; }
  /// Says `room` once it is there; false when there is room now. Any thread.
  bool ask_for_room() noexcept;
  /// Bytes written so far. Any thread.
  std::uint64_t written() const noexcept { return written_.load(std::memory_order_relaxed); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  enum token : int { idle, writing, more };
  static constexpr std::size_t most_buffers = 64;

  void take_all();
  bool write_some(const std::shared_ptr<void>& owner);
  void write_loop(const std::shared_ptr<void>& owner) noexcept;
  void drop_all() noexcept;
  void gone(std::size_t bytes) noexcept;

  const std::size_t busy_limit_;
  const std::function<void()> room_;
  std::atomic<segment*> head_{nullptr};  // newest first
  std::atomic<token> token_{idle};
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> wanted_{false};  // somebody waits for room

  std::shared_ptr<byte_stream> stream_;  // set before others know of this
  // Only the holder of the token.
  segment* first_ = nullptr;  // oldest first
  segment* last_ = nullptr;
  std::size_t offset_ = 0;  // written of the first one
};

}  // namespace troupe::detail
