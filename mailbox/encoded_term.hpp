// SPDX-License-Identifier: BSL-1.0
// The message from another node: it stays in the bytes in which it came until a handler of its shape looks at it.
#pragma once

#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/term.hpp>
#include <troupe/mailbox/term_source.hpp>
#include <troupe/mailbox/term_writer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace troupe::detail {

/// Bytes that several messages may share, counted. They are written before they are shared and never afterwards.
class byte_block {
 public:
  /// One holder; the bytes are not set. Throws std::bad_alloc.
  static byte_block* make(std::size_t size);
  /// Of those bytes.
  static byte_block* copy_of(std::span<const std::byte> bytes);

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  std::span<const std::byte> bytes() const noexcept { return {reinterpret_cast<const std::byte*>(this + 1), size_}; }
  std::size_t size() const noexcept { return size_; }

  /// Does anybody else hold it?
  // acquire: pairs with release(): what the others read is done.
  bool is_shared() const noexcept { return count_.load(std::memory_order_acquire) != 1; }

  // relaxed: who takes another hold has one.
  void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

 private:
  explicit byte_block(std::size_t size) noexcept : size_(size) {}

  std::atomic<std::uint32_t> count_{1};
  std::size_t size_;
};

/// Holds a byte_block.
class block_ptr {
 public:
  block_ptr() noexcept = default;
  /// Takes the hold over.
  explicit block_ptr(byte_block* block) noexcept : block_(block) {}
  block_ptr(const block_ptr& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  block_ptr(block_ptr&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  block_ptr& operator=(block_ptr other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~block_ptr() {
    if (block_ != nullptr) block_->release();
  }

  byte_block* operator->() const noexcept { return block_; }
  byte_block& operator*() const noexcept { return *block_; }
  explicit operator bool() const noexcept { return block_ != nullptr; }

 private:
  byte_block* block_ = nullptr;
};

/// How the bytes are read. Each wire format has one, constant.
struct wire_format {
  /// The whole value. The bytes have been checked when they came in.
  term (*decode)(std::span<const std::byte> bytes);
  /// Gives `use(target, source)` a source that stands at the value, and returns what it says.
  bool (*read)(std::span<const std::byte> bytes, bool (*use)(void* target, term_source& source), void* target);
};

/// A value in the bytes of some wire format, with the dynamic_key of the term that it stands for. A payload: whoever
/// receives a term or a struct takes it as one.
class encoded_term {
 public:
  /// `bytes` lie in `block`.
  encoded_term(const wire_format& format, block_ptr block, std::span<const std::byte> bytes, std::uint64_t key) noexcept
      : format_(&format), block_(std::move(block)), bytes_(bytes), key_(key) {}
  encoded_term(const encoded_term& other)
      : format_(other.format_), block_(other.block_), bytes_(other.bytes_), key_(other.key_), whole_(other.whole_),
        whole_key_(other.whole_key_), by_alias_(other.by_alias_) {}
  encoded_term(encoded_term&&) noexcept = default;
  encoded_term& operator=(const encoded_term&) = delete;

  std::uint64_t key() const noexcept { return key_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  const wire_format& format() const noexcept { return *format_; }
  term decode() const { return format_->decode(bytes_); }

  /// The T that it stands for, nothing when it stands for none.
  template <class T>
  std::optional<T> read() const {
    std::optional<T> out;
    constexpr std::uint64_t wanted = dynamic_key_of<T>();
    if (wanted != 0 && key_ != wanted) return out;
    try {
      const auto use = [](void* target, term_source& source) {
        return detail::read(source, *static_cast<std::optional<T>*>(target));
      };
      if (!format_->read(bytes_, use, &out)) out.reset();
    } catch (const decode_error&) {  // nested too deep
      out.reset();
    }
    return out;
  }

  /// Does it stand for a T? That is kept for take(): who asks wants it, as a rule, and reading it twice would cost
  /// more.
  template <class T>
  bool matches() const {
    if (value<T>() != nullptr) return true;
    std::optional<T> found = read<T>();
    if (!found) return false;
    value_ = std::make_unique<value_of<T>>(std::move(*found));
    return true;
  }
  /// What matches<T>() has found; null when it was not asked, or another type since.
  template <class T>
  const T* value() const noexcept {
    return value_ != nullptr && value_->type == &type_mark<T> ? &static_cast<value_of<T>&>(*value_).value : nullptr;
  }
  /// The T; matches<T>() must hold.
  template <class T>
  T take() const {
    if (value<T>() == nullptr) return std::move(*read<T>());
    return std::move(static_cast<value_of<T>&>(*value_).value);
  }

  /// An answer lies inside of the message that brought it, {Tag, Answer}: this is that message again.
  void set_whole(std::span<const std::byte> whole, std::uint64_t key, bool by_alias) noexcept {
    whole_ = whole;
    whole_key_ = key;
    by_alias_ = by_alias;
  }
  bool is_by_alias() const noexcept { return by_alias_; }
  bool has_whole() const noexcept { return !whole_.empty(); }
  void become_whole() noexcept {
    bytes_ = std::exchange(whole_, {});
    key_ = whole_key_;
    value_.reset();
  }

 private:
  template <class T>
  inline static constexpr char type_mark = 0;
  struct any_value : pooled {
    explicit any_value(const void* t) noexcept : type(t) {}
    virtual ~any_value() = default;
    const void* type;
  };
  template <class T>
  struct value_of final : any_value {
    explicit value_of(T v) : any_value(&type_mark<T>), value(std::move(v)) {}
    T value;
  };

  const wire_format* format_;
  block_ptr block_;
  std::span<const std::byte> bytes_;
  std::uint64_t key_;
  std::span<const std::byte> whole_;
  std::uint64_t whole_key_ = 0;
  bool by_alias_ = false;
  mutable std::unique_ptr<any_value> value_;
};

}  // namespace troupe::detail

/// Written as the term that it stands for; never read.
template <>
struct troupe::codec<troupe::detail::encoded_term> {
  static void visit(const troupe::detail::encoded_term& value, troupe::term_sink& sink) {
    sink.put_term(value.decode());
  }
  static troupe::detail::encoded_term build(troupe::term_source& source);
};
