// SPDX-License-Identifier: BSL-1.0
// The mailbox: many threads push envelopes, the owner takes them all at once; it also knows whether its owner sleeps.
#pragma once

#include <troupe/mailbox/atomics.hpp>

#include <cstdint>

namespace troupe::detail {

/// An intrusive lock-free stack (Treiber 1986) of nodes with a member `next`, which the owner takes whole and turns
/// round, so there is no ABA problem. One word holds all of its state:
///
///   0        empty, and the owner is running or about to run
///   blocked  empty, and the owner sleeps: whoever pushes next must make it run, and alone does
///   closed   there is no owner: pushes are refused
///   else     the node that was pushed last; the owner runs or is about to
///
/// One owner at a time calls take, block, close and open; anybody calls push and is_closed.
template <class Node, class Atomics = std_atomics>
class mailbox {
 public:
  enum class push_result : unsigned char {
    queued,  // the owner will see it
    wake,    // the owner slept: the caller is the one that must make it run
    closed   // refused: the caller still has the node
  };

  /// Closed until open().
  mailbox() noexcept : head_(closed) {}
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;

  /// Puts a node in, and takes it over unless the mailbox is closed. Any thread; nodes of one thread stay in order.
  push_result push(Node* node) noexcept {
    // acquire here and on failure: who finds the mailbox closed sees what the owner did before close().
    std::uintptr_t head = head_.load(std::memory_order_acquire);
    do {
      if (head == closed) return push_result::closed;
      node->next = head == blocked ? nullptr : reinterpret_cast<Node*>(head);
      // acq_rel: the release gives the node to the owner's take(); the acquire gives us, who may have to run the owner
      // next, all that it did before block().
    } while (!head_.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(node), std::memory_order_acq_rel,
                                          std::memory_order_acquire));
    return head == blocked ? push_result::wake : push_result::queued;
  }

  /// Is there anything to take? Only the owner, while it runs.
  bool has_mail() const noexcept {
    // relaxed: take() acquires; a push that is missed is found by block().
    return head_.load(std::memory_order_relaxed) != running;
  }

  /// Everything that was pushed, linked in the order of the pushes; null when there is nothing. Only the owner, while
  /// it runs.
  Node* take() noexcept { return has_mail() ? take_all() : nullptr; }
  /// The same for who knows that there is something.
  Node* take_all() noexcept {
    // acquire: pairs with the release of every push whose node we get (they form one release sequence of
    // read-modify-writes).
    return in_order(head_.exchange(running, std::memory_order_acquire));
  }

  /// The owner goes to sleep: true unless something was pushed meanwhile. After true it is no longer the owner; whoever
  /// gets push_result::wake is.
  bool block() noexcept {
    std::uintptr_t expected = running;
    // release: pairs with the acquire of the push that wakes the owner.
    return head_.compare_exchange_strong(expected, blocked, std::memory_order_release, std::memory_order_relaxed);
  }

  /// Refuses all pushes from now on and returns what was left, in order. Only the owner, while it runs.
  Node* close() noexcept {
    // acquire as in take(); release: who is refused sees what the owner did before. seq_cst, for the registry: see
    // terminate().
    return in_order(head_.exchange(closed, std::memory_order_seq_cst));
  }

  /// A new owner, which runs or is about to run. Only while closed, and by nobody else.
  void open() noexcept {
    // release: a push through a stale address finds the new owner's fields in place.
    head_.store(running, std::memory_order_release);
  }

  /// Any thread; the answer may be old. seq_cst as in close().
  bool is_closed() const noexcept { return head_.load(std::memory_order_seq_cst) == closed; }

 private:
  static constexpr std::uintptr_t running = 0;
  static constexpr std::uintptr_t blocked = 1;
  static constexpr std::uintptr_t closed = 2;

  static Node* in_order(std::uintptr_t head) noexcept {
    auto* node = reinterpret_cast<Node*>(head);
    Node* first = nullptr;
    while (node != nullptr) {
      Node* before = node->next;
      node->next = first;
      first = node;
      node = before;
    }
    return first;
  }

  typename Atomics::template atomic<std::uintptr_t> head_;
};

}  // namespace troupe::detail
