// SPDX-License-Identifier: BSL-1.0
// The buffer that encoded terms are appended to.
#pragma once

#include <troupe/mailbox/allocate.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace troupe::etf {

/// Bytes that grow at their end, without being cleared first. Numbers are appended highest byte first, as all formats
/// of Erlang's have them. One thread at a time. What needs memory throws std::bad_alloc and leaves the buffer as it
/// was.
class buffer {
 public:
  buffer() noexcept = default;
  /// Room for so many bytes.
  explicit buffer(std::size_t capacity) { reserve(capacity); }
  /// Takes the bytes over; the other is empty then.
  buffer(buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  /// The same; drops the bytes that this had.
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    std::swap(capacity_, taken.capacity_);
    return *this;
  }
  ~buffer() { troupe::detail::deallocate(data_); }

  /// The bytes, to be written over. Until the next one is appended.
  std::byte* data() noexcept { return data_; }
  /// The bytes. Until the next one is appended.
  const std::byte* data() const noexcept { return data_; }
  /// How many bytes have been appended.
  std::size_t size() const noexcept { return size_; }
  /// How many have room without another allocation.
  std::size_t capacity() const noexcept { return capacity_; }
  /// Has nothing been appended?
  bool empty() const noexcept { return size_ == 0; }
  /// All bytes. Until the next one is appended.
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

  /// Forgets the bytes and keeps the memory.
  void clear() noexcept { size_ = 0; }
  /// Forgets what lies behind the first `size` bytes; never more than there are.
  void truncate(std::size_t size) noexcept {
    if (size < size_) size_ = size;
  }
  /// Room for `capacity` bytes in all.
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) reallocate(capacity);
  }

  /// `count` more bytes, to be written by the caller; valid until the buffer grows again.
  std::byte* extend(std::size_t count) {
    if (count > capacity_ - size_) [[unlikely]]
      grow(count);
    return data_ + std::exchange(size_, size_ + count);
  }
  /// Appends `count` bytes.
  void append(const void* from, std::size_t count) {
    std::byte* place = extend(count);
    if (count != 0) std::memcpy(place, from, count);
  }
  /// Appends these bytes.
  void append(std::span<const std::byte> from) { append(from.data(), from.size()); }
  /// Appends the text's bytes.
  void append(std::string_view from) { append(from.data(), from.size()); }

  /// Appends a byte.
  void put8(std::uint8_t value) { *extend(1) = static_cast<std::byte>(value); }
  /// Appends 2 bytes, the highest first.
  void put16(std::uint16_t value) { store(extend(sizeof value), value); }
  /// Appends 4 bytes, the highest first.
  void put32(std::uint32_t value) { store(extend(sizeof value), value); }
  /// Appends 8 bytes, the highest first.
  void put64(std::uint64_t value) { store(extend(sizeof value), value); }
  /// Writes over what is there: a length that is known only afterwards. `at` + 4 is at most size().
  void set32(std::size_t at, std::uint32_t value) noexcept { store(data_ + at, value); }

  /// Stores a number, highest byte first.
  template <class Unsigned>
  static void store(std::byte* place, Unsigned value) noexcept {
    for (std::size_t i = 0; i < sizeof value; ++i)  // compiled to a byte swap and one store
      place[i] = static_cast<std::byte>(value >> (8 * (sizeof value - 1 - i)));
  }

 private:
  void grow(std::size_t count);
  void reallocate(std::size_t capacity);

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace troupe::etf
