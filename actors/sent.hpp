// SPDX-License-Identifier: BSL-1.0
// sent: what a send gives back, which waits for room when it is awaited.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/clock.hpp>
#include <troupe/actors/slot.hpp>

#include <chrono>
#include <coroutine>

namespace troupe {

/// How long call, request and an awaited send wait unless told otherwise. Erlang: gen_server:call/2.
inline constexpr detail::duration default_timeout = std::chrono::seconds(5);

namespace detail {

struct crowded_send;

/// Where the last message of the process found no room: taken over.
crowded_send* take_crowded(slot& s) noexcept;
void await_room(slot& s, crowded_send& c, duration patience, std::coroutine_handle<> h);
/// The wait is over: throws when the message is not in. Frees `c`.
void end_room_wait(slot& s, crowded_send* c);
/// Nobody awaits it (any more). Throws mailbox_full when the message was never sent, unless that would be a second
/// exception. Frees `c`.
void give_up_send(slot& s, crowded_send* c);

}  // namespace detail

/// What context::send returns. It may be discarded; awaited, it gives up the worker once the process's budget is spent,
/// and waits for room.
///
/// The message is in the mailbox (or on its way to another node) before send returns, but for one case: the receiver's
/// mailbox is full and its senders are to wait (overflow::wait). Then the message is sent once there is room; send it
/// without awaiting, and mailbox_full is thrown at the end of the statement. Awaited, it waits until there is room in
/// the mailbox, or in the connection to the receiver's node, or the receiver or the connection is gone; after 5 s, or
/// what `within` says, it throws call_failed(timeout): then a bounded mailbox has not got the message, a connection
/// has. Erlang: nothing like it; a send to a busy port suspends.
class sent : public detail::awaitable_base {
 public:
  /// The machinery's: what has just been sent by that process.
  explicit sent(detail::slot& s) noexcept : slot_(s), crowded_(s.crowded ? detail::take_crowded(s) : nullptr) {}
  sent(const sent&) = delete;
  sent& operator=(const sent&) = delete;
  // It throws to say that a message was not sent.
  ~sent() noexcept(false) {
    if (crowded_ != nullptr) [[unlikely]]
      detail::give_up_send(slot_, crowded_);
  }

  /// How long to wait for room: co_await self.send(p, m).within(1s). troupe::infinity: for ever.
  sent& within(detail::duration patience) noexcept {
    patience_ = patience;
    return *this;
  }

  /// For co_await: true when there is room and the budget is not spent.
  bool await_ready() noexcept { return slot_.spend() && crowded_ == nullptr; }
  /// For co_await.
  void await_suspend(std::coroutine_handle<> h) {
    if (crowded_ != nullptr) return detail::await_room(slot_, *crowded_, patience_, h);
    slot_.next = h;
    slot_.yielding = true;
  }
  /// For co_await. Throws call_failed(timeout) when there was no room in time.
  void await_resume() {
    if (crowded_ != nullptr) [[unlikely]] {
      detail::crowded_send* c = crowded_;
      crowded_ = nullptr;
      detail::end_room_wait(slot_, c);
    }
  }

 private:
  detail::slot& slot_;
  detail::crowded_send* crowded_;  // owned
  detail::duration patience_ = default_timeout;
};

}  // namespace troupe
