// SPDX-License-Identifier: BSL-1.0
// A bit string that is put together from the segments of Erlang's <<...>>. Internal.
#pragma once

#include <troupe/mailbox/term.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace troupe::detail {

/// How a segment of a binary is written: Value:Size/Type-Endianness-Signedness.
struct segment_form {
  enum class type { integer, utf8, utf16, utf32 };
  type of = type::integer;
  std::size_t bits = 8;
  bool little = false;
};

/// Bits, collected.
class bit_writer {
 public:
  void bits(unsigned value, std::size_t count) {  // the lowest `count` bits, 8 at most
    for (std::size_t left = count; left > 0;) {
      if (used_ % 8 == 0) bytes_ += '\0';
      const std::size_t room = 8 - used_ % 8;
      const std::size_t now = std::min(room, left);
      const unsigned part = (value >> (left - now)) & ((1U << now) - 1);
      bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | part << (room - now));
      used_ += now;
      left -= now;
    }
  }

  /// In two's complement, cut to the segment's size.
  void integer(const term& value, const segment_form& how) {
    const std::size_t whole = how.bits / 8;
    const std::size_t rest = how.bits % 8;
    const std::string bytes = twos_complement(value, whole + 1);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
    if (!how.little) bits(byte(whole), rest);
    for (std::size_t i = 0; i < whole; ++i) bits(byte(how.little ? i : whole - 1 - i), 8);
    if (how.little) bits(byte(whole), rest);
  }

  term take() const {
    return term::bit_string({reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size()}, used_);
  }

 private:
  /// The lowest `size` bytes, the lowest one first.
  static std::string twos_complement(const term& value, std::size_t size) {
    std::string bytes(size, '\0');
    if (!value.is_big()) {
      std::int64_t left = value.as_integer();
      for (char& byte : bytes) {
        byte = static_cast<char>(left & 0xff);
        left >>= 8;
      }
      return bytes;
    }
    const big_integer big = value.as_big();
    unsigned carry = big.negative ? 1 : 0;
    for (std::size_t i = 0; i < size; ++i) {
      unsigned byte = i < big.magnitude.size() ? std::to_integer<unsigned>(big.magnitude[i]) : 0;
      if (big.negative) byte = (~byte & 0xff) + carry;
      carry = byte >> 8;
      bytes[i] = static_cast<char>(byte);
    }
    return bytes;
  }

  std::string bytes_;
  std::size_t used_ = 0;
};

}  // namespace troupe::detail
