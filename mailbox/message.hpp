// SPDX-License-Identifier: BSL-1.0
// A message whose type is known only at run time, and how a payload is looked at and taken out of its envelope.
#pragma once

#include <troupe/mailbox/copyable.hpp>
#include <troupe/mailbox/encoded_term.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/sendable.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

/// Any message: the owner of one envelope with its payload. Move-only; the handler `[](const any_message&)` or
/// `[](any_message)` takes whatever no other pattern took. Not thread-safe; belongs to the process that received it.
class any_message {
 public:
  any_message() = default;
  /// The machinery's: the message in that envelope.
  explicit any_message(detail::envelope_ptr e) noexcept : envelope_(std::move(e)) {}

  /// A message made here: any_message::of(order{1, "x"}).
  template <class T>
  static any_message of(T&& value) {
    using message = std::remove_cvref_t<T>;
    detail::assert_sendable<message>();
    return any_message(detail::envelope_ptr(
        detail::make_envelope<detail::envelope, message>(detail::envelope_kind::message, std::forward<T>(value))));
  }

  /// Is there a message?
  explicit operator bool() const noexcept { return envelope_ != nullptr; }

  /// The unqualified name of the payload's type: the tag it has on the wire. Empty for an empty any_message.
  std::string_view name() const noexcept {
    if (!envelope_) return {};
    return envelope_->type == &descriptor_of<detail::encoded_term> ? descriptor_of<term>.name : envelope_->type->name;
  }

  /// Was it sent by `call` or `request`, so that its sender waits for an answer?
  bool is_request() const noexcept { return envelope_ && envelope_->kind == detail::envelope_kind::request; }

  /// The payload, or null when it is of another type.
  template <class T>
  const T* get_if() const noexcept {
    if (!envelope_ || !same_type(envelope_->type, &descriptor_of<T>)) return nullptr;
    return static_cast<const T*>(detail::payload_of(*envelope_));
  }

  /// The payload as a term: a struct is the tuple {name, Member...}. Throws what to_term throws.
  term to_term() const;

  /// The machinery's view.
  const detail::envelope* get() const noexcept { return envelope_.get(); }
  /// The same, given up: nothing is left here.
  detail::envelope_ptr release() noexcept { return std::move(envelope_); }

 private:
  detail::envelope_ptr envelope_;
};

namespace detail {

/// One payload in the making for many receivers: gives each an envelope that shares it.
class shared_message {
 public:
  template <class T, class... Args>
  static shared_message of(Args&&... args) {
    static_assert(alignof(T) <= alignof(std::max_align_t), "a message may not be over-aligned");
    void* place = allocate(sizeof(T));
    try {
      return shared_message(new shared_payload(&descriptor_of<T>, ::new (place) T(std::forward<Args>(args)...)));
    } catch (...) {
      deallocate(place);
      throw;
    }
  }
  shared_message(const shared_message&) = delete;
  shared_message& operator=(const shared_message&) = delete;
  ~shared_message() { payload_->release(); }

  envelope* envelope_for_one() const {
    // relaxed: the count cannot fall to zero while this holds one.
    payload_->count.fetch_add(1, std::memory_order_relaxed);
    auto* e = make_envelope<envelope, shared_payload*>(envelope_kind::message, payload_);
    e->type = payload_->type;
    e->shared = true;
    return e;
  }

 private:
  explicit shared_message(shared_payload* payload) noexcept : payload_(payload) {}

  shared_payload* payload_;
};

/// Did the payload come in a wire's encoding? Then it serves as a term.
inline bool is_encoded(const envelope& e) noexcept {
  return e.type == &descriptor_of<encoded_term>;
}
inline const encoded_term& encoded_payload(const envelope& e) noexcept {
  return *static_cast<const encoded_term*>(payload_of(e));
}

/// payload_matches() where the address of the type does not say yes. Out of line, so that the rest is inlined: a look
/// at a message that is wanted takes some 20 instructions less.
template <class T>
[[gnu::noinline]] bool payload_serves(const envelope& e) {
  if (same_type(e.type, &descriptor_of<T>)) return true;
  if constexpr (std::is_same_v<T, term>) {
    return is_encoded(e);
  } else {
    if (is_encoded(e)) {
      if constexpr (std::is_move_constructible_v<T>) return encoded_payload(e).matches<T>();
      return false;
    }
    if (e.type == &descriptor_of<term>) {
      if constexpr (std::is_move_constructible_v<T>) {
        const auto& value = *static_cast<const term*>(payload_of(e));
        constexpr std::uint64_t key = descriptor_of<T>.dynamic_key;
        if (key != 0 && dynamic_key(value) != key) return false;
        return try_from_term<T>(value).has_value();
      }
    }
  }
  return false;
}

/// Does the payload of `e` (a message or request) serve as a T? A term serves when it decodes to a T.
template <class T>
bool payload_matches(const envelope& e) {
  return e.type == &descriptor_of<T> || payload_serves<T>(e);
}

/// Moves the payload of `e` out; copies it when other receivers hold it too. payload_matches<T>(e) must hold.
template <class T>
T take_payload(envelope& e) {
  if (!same_type(e.type, &descriptor_of<T>)) {
    if constexpr (std::is_same_v<T, term>) {
      if (is_encoded(e)) return encoded_payload(e).decode();
      throw std::logic_error("troupe: a payload that is no term was taken as one");
    } else {
      if (is_encoded(e)) return encoded_payload(e).take<T>();
      return from_term<T>(*static_cast<const term*>(payload_of(e)));
    }
  }
  if (e.shared) {
    auto* shared = *static_cast<shared_payload**>(e.payload());
    // acquire: pairs with the decrement of the receivers that have finished with the payload.
    if (shared->count.load(std::memory_order_acquire) != 1) {
      if constexpr (copyable_message<T>)
        return T(*static_cast<const T*>(shared->value));
      else
        throw std::logic_error("troupe: a shared payload that cannot be copied");
    }
    return T(std::move(*static_cast<T*>(shared->value)));
  }
  return T(std::move(*static_cast<T*>(e.payload())));
}

}  // namespace detail
}  // namespace troupe
