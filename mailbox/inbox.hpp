// SPDX-License-Identifier: BSL-1.0
// The inbox: the messages that the owner has drained from its mailbox and that no receive has taken yet, in order.
#pragma once

#include <troupe/mailbox/envelope.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace troupe::detail {

class inbox_index;

/// One type that a receive takes: where its messages stand in the index.
struct pattern_key {
  std::uint64_t typed = 0;    // key of messages of this type; 0: none
  std::uint64_t dynamic = 0;  // key of terms that can decode to it; 0: none
  bool any = false;           // takes messages of many keys: only the total order will do
};

/// The key under which a message of this type (dynamic: a term of this shape) waits.
constexpr std::uint64_t inbox_key(std::uint64_t type_or_shape, bool request) noexcept {
  const std::uint64_t key = request ? type_or_shape * 0x9e3779b97f4a7c15ULL + 1 : type_or_shape;
  return key == 0 ? 1 : key;
}

/// Messages in arrival order, with selective removal. Up to some 32 it is a list that is walked; a search that refuses
/// more than that builds an index with a FIFO for each type key, so that a receive of fixed types costs O(1) however
/// many others wait. Only the owner of the process touches it. It owns what it holds.
class inbox {
 public:
  /// A receive that waits remembers how far it has looked, so that each message is tried once.
  /// It holds until the next message is taken out of the inbox, by whomever.
  struct position {
    envelope* last = nullptr;    // list: the last message refused
    std::uint64_t sequence = 0;  // index: the first one not looked at
  };

  inbox() = default;
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;
  ~inbox();

  void append(envelope* e) {
    e->next = nullptr;
    append_all(*e, *e, 1);
  }
  /// The same for `count` messages, linked from the first to the last, whose next is null.
  void append_all(envelope& first, envelope& last, std::uint32_t count) {
    if (indexed_) [[unlikely]]
      return append_indexed(first);
    size_ += count;
    (tail_ == nullptr ? head_ : tail_->next) = &first;
    tail_ = &last;
  }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// Takes out the first message that `match(e)` accepts, null when there is none. `Keys::get()` gives a span of
  /// pattern_key: the types that match can accept (messages of other keys may be skipped without asking). `from` is
  /// read and advanced. `match` may not touch the inbox.
  template <class Keys, class Match>
  envelope* find(position& from, Match&& match) {
    using plain = std::remove_reference_t<Match>;
    if (!indexed_) {
      envelope* previous = from.last;
      envelope* e = previous == nullptr ? head_ : previous->next;
      std::size_t refused = 0;
      for (; e != nullptr; previous = e, e = e->next) {
        if (match(*e)) {
          unlink(previous, e);
          from = {};
          return e;
        }
        ++refused;
      }
      from.last = previous;
      if (refused > index_threshold) build_index(from);
      return nullptr;
    }
    return find_indexed(Keys::get(), from,
                        matcher{const_cast<void*>(static_cast<const void*>(&match)),
                                [](void* m, const envelope& e) { return (*static_cast<plain*>(m))(e); }});
  }

  /// The keys of a search that looks at everything.
  struct everything {
    static std::span<const pattern_key> get() noexcept {
      static constexpr pattern_key keys[] = {{.typed = 0, .dynamic = 0, .any = true}};
      return keys;
    }
  };

  /// Takes out every message for which `match` holds and frees it; how many. For demonitor(flush).
  template <class Match>
  std::size_t remove_if(Match&& match) {
    std::size_t removed = 0;
    position from;
    while (envelope* e = find<everything>(from, match)) {
      free_envelope(e);
      ++removed;
    }
    return removed;
  }

  /// Takes out the oldest message, null when there is none.
  envelope* pop() {
    position from;
    return find<everything>(from, [](const envelope&) { return true; });
  }

  /// Calls f(const envelope&) for each message in order.
  template <class F>
  void for_each(F&& f) const {
    if (!indexed_) {
      for (const envelope* e = head_; e != nullptr; e = e->next) f(*e);
    } else {
      using plain = std::remove_reference_t<F>;
      for_each_indexed(const_cast<void*>(static_cast<const void*>(&f)),
                       [](void* g, const envelope& e) { (*static_cast<plain*>(g))(e); });
    }
  }

  /// Gives back what an empty inbox holds. Nothing while there are messages. For hibernation.
  void shrink() noexcept;

  /// Has the index been built? For tests and benchmarks.
  bool is_indexed() const noexcept { return indexed_; }

  static constexpr std::size_t index_threshold = 32;

 private:
  struct matcher {
    void* object;
    bool (*call)(void*, const envelope&);
  };

  void unlink(envelope* previous, envelope* e) noexcept {
    (previous == nullptr ? head_ : previous->next) = e->next;
    if (tail_ == e) tail_ = previous;
    e->next = nullptr;
    --size_;
  }
  void append_indexed(envelope& first);
  void build_index(position& from);
  envelope* find_indexed(std::span<const pattern_key> keys, position& from, matcher match);

  void for_each_indexed(void* object, void (*call)(void*, const envelope&)) const;

  // Small, because every process has one: while there is an index the list is empty.
  envelope* head_ = nullptr;
  union {
    envelope* tail_ = nullptr;
    inbox_index* index_;  // when indexed_
  };
  std::uint32_t size_ = 0;
  bool indexed_ = false;
};

}  // namespace troupe::detail
