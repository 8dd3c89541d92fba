// SPDX-License-Identifier: BSL-1.0
// Frames out of a stream of bytes.
#include <troupe/net/frames.hpp>

#include <troupe/net/etf/tags.hpp>
#include <troupe/net/inbound.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace troupe::detail {

std::span<std::byte> frame_buffer::space() {
  const std::size_t held = end_ - begin_;
  std::size_t size = usual;
  if (wanted_ > usual) size = std::max(std::min(wanted_, believed), std::min(wanted_, 2 * held));
  const bool fits = block_ && end_ < block_->size() && (wanted_ == 0 || begin_ + wanted_ <= block_->size());
  const bool too_small = block_ && block_->size() < size;
  if (!fits || too_small) {
    if (!block_ || block_->is_shared() || block_->size() < size || block_->size() > std::max(size, usual)) {
      block_ptr fresh(byte_block::make(size));
      if (held != 0) std::memcpy(fresh->data(), block_->data() + begin_, held);
      block_ = std::move(fresh);
    } else if (held != 0 && begin_ != 0) {
      std::memmove(block_->data(), block_->data() + begin_, held);
    }
    begin_ = 0;
    end_ = held;
  }
  return {block_->data() + end_, block_->size() - end_};
}

std::optional<frame_buffer::frame> frame_buffer::next() {
  const std::size_t held = end_ - begin_;
  if (held < 4) return std::nullopt;
  const std::byte* from = block_->data() + begin_;
  const std::size_t length = load_big_endian<std::uint32_t>(from);
  if (length > max_frame_)
    throw protocol_error("a message of " + std::to_string(length) + " bytes, more than the limit of " +
                         std::to_string(max_frame_));
  wanted_ = 4 + length;
  if (held < wanted_) return std::nullopt;
  begin_ += wanted_;
  wanted_ = 0;
  return frame{{from + 4, length}, 2 * length >= block_->size() ? block_ : block_ptr()};
}

}  // namespace troupe::detail
