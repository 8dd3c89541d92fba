// SPDX-License-Identifier: BSL-1.0
// The buffer that a connection is read into, and the frames in it. Internal.
#pragma once

#include <troupe/mailbox/encoded_term.hpp>

#include <cstddef>
#include <optional>
#include <span>

namespace troupe::detail {

/// Bytes come in at one end, frames (4 bytes of length, then so many) go out at the other. Messages may keep a block of
/// it alive; then the next bytes go to a new one. One thread at a time.
class frame_buffer {
 public:
  /// A longer frame than `max_frame` is an error.
  explicit frame_buffer(std::size_t max_frame) : max_frame_(max_frame) {}

  struct frame {
    std::span<const std::byte> bytes;  // empty: a tick
    block_ptr block;                   // of the bytes, when they are most of it; else null
  };

  /// Where to read to; never empty.
  std::span<std::byte> space();
  /// So many bytes have been read there.
  void commit(std::size_t count) noexcept { end_ += count; }
  /// The next whole frame, valid until space() is called. Throws protocol_error when it is longer than it may be.
  std::optional<frame> next();

 private:
  static constexpr std::size_t usual = 65536;
  // A longer frame is believed as its bytes come in, not when it is announced.
  static constexpr std::size_t believed = std::size_t{4} << 20;

  const std::size_t max_frame_;
  block_ptr block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t wanted_ = 0;  // bytes of the frame that has begun, with its length; 0: not known
};

}  // namespace troupe::detail
