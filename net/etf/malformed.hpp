// SPDX-License-Identifier: BSL-1.0
// The exception for bytes that are no term in the external term format.
#pragma once

#include <troupe/mailbox/errors.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace troupe::etf {

/// Bytes that are not in the external term format, or beyond a limit. what() reads
/// `byte 17: expected 8 bytes of a float, got 3f f0`. Erlang: badarg from binary_to_term.
class malformed : public decode_error {
 public:
  /// `bytes` are all of them; those at `offset` are shown.
  malformed(std::size_t offset, std::string expected, std::span<const std::byte> bytes);

  /// Counted from the first byte of what was read.
  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

}  // namespace troupe::etf
