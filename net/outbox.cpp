// SPDX-License-Identifier: BSL-1.0
// The writer token at work.
#include <troupe/net/outbox.hpp>

#include <array>
#include <utility>

namespace troupe::detail {

outbox::outbox(std::size_t busy_limit, std::function<void()> room) : busy_limit_(busy_limit), room_(std::move(room)) {}

outbox::~outbox() {
  wanted_.store(false, std::memory_order_relaxed);  // who could be told has gone
  take_all();
  drop_all();
}

void outbox::push(std::unique_ptr<segment> s) noexcept {
  if (is_closed()) return;
  queued_.fetch_add(s->bytes.size(), std::memory_order_relaxed);  // a figure, nothing hangs on its order
  segment* added = s.release();
  segment* top = head_.load(std::memory_order_relaxed);
  do added->next = top;
  while (!head_.compare_exchange_weak(top, added, std::memory_order_seq_cst, std::memory_order_relaxed));
  // seq_cst: pairs with the exchange in take_all(), which sees the bytes; and comes before flush()'s look at the token.
}

void outbox::take_all() {
  segment* newest = head_.exchange(nullptr, std::memory_order_seq_cst);
  segment* oldest = nullptr;
  segment* end = newest;
  while (newest != nullptr) {
    segment* following = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = following;
  }
  if (oldest == nullptr) return;
  (last_ == nullptr ? first_ : last_->next) = oldest;
  last_ = end;
}

void outbox::gone(std::size_t bytes) noexcept {
  const std::size_t before = queued_.fetch_sub(bytes, std::memory_order_seq_cst);
  // seq_cst: who asks for room stores `wanted_` and then looks at `queued_`; one of us sees the other.
  if (before - bytes <= busy_limit_ / 2 && wanted_.load(std::memory_order_seq_cst) &&
      wanted_.exchange(false, std::memory_order_seq_cst))
    room_();
}

bool outbox::ask_for_room() noexcept {
  wanted_.store(true, std::memory_order_seq_cst);  // then the look: see gone()
  return queued_.load(std::memory_order_seq_cst) > busy_limit_ / 2 && !is_closed();
}

void outbox::drop_all() noexcept {
  while (first_ != nullptr) {
    segment* s = std::exchange(first_, first_->next);
    const std::size_t left = s->bytes.size() - std::exchange(offset_, 0);
    delete s;
    gone(left);
  }
  last_ = nullptr;
}

/// Writes what it has; false when the socket takes no more and will call back.
bool outbox::write_some(const std::shared_ptr<void>& owner) {
  while (first_ != nullptr) {
    std::array<std::span<const std::byte>, most_buffers> buffers;
    std::size_t count = 0;
    for (const segment* s = first_; s != nullptr && count < most_buffers; s = s->next)
      buffers[count++] = s->bytes.bytes().subspan(s == first_ ? offset_ : 0);
    std::error_code error;
    std::size_t n = stream_->write_some(std::span(buffers).first(count), error);
    if (n == 0) {
      if (error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again) {
        stream_->when_writable([this, owner] { write_loop(owner); });
        return false;
      }
      close();  // the reader sees it, too, and says why
      return true;
    }
    written_.fetch_add(n, std::memory_order_relaxed);
    gone(n);
    while (n > 0) {
      const std::size_t left = first_->bytes.size() - offset_;
      if (n < left) {
        offset_ += n;
        break;
      }
      n -= left;
      offset_ = 0;
      delete std::exchange(first_, first_->next);
    }
    if (first_ == nullptr) last_ = nullptr;
  }
  return true;
}

void outbox::write_loop(const std::shared_ptr<void>& owner) noexcept {
  for (;;) {
    try {
      take_all();
      if (!is_closed() && !write_some(owner)) return;  // the callback goes on
    } catch (...) {
      close();  // no memory for the callback
    }
    if (is_closed()) {
      take_all();
      drop_all();
    }
    // acq_rel: gives what only the holder touches to the next one. Who pushed before it found us writing left `more`.
    token expected = writing;
    if (token_.compare_exchange_strong(expected, idle, std::memory_order_acq_rel)) return;
    // seq_cst, as the push and take_all(): who has pushed and still saw `more` is seen by the next round.
    token_.store(writing, std::memory_order_seq_cst);
  }
}

void outbox::flush(const std::shared_ptr<void>& owner) noexcept {
  // seq_cst: what was pushed before is seen by the holder, which looks at the queue after it has taken `more` back.
  token seen = token_.load(std::memory_order_seq_cst);
  for (;;) {
    if (seen == idle) {
      if (token_.compare_exchange_weak(seen, writing, std::memory_order_seq_cst)) return write_loop(owner);
    } else if (seen == writing) {
      if (token_.compare_exchange_weak(seen, more, std::memory_order_seq_cst)) return;
    } else {
      return;
    }
  }
}

void outbox::close() noexcept {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  if (stream_) stream_->close();
}

}  // namespace troupe::detail
