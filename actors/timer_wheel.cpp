// SPDX-License-Identifier: BSL-1.0
// The timer wheel.
#include <troupe/actors/timer_wheel.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace troupe::detail {

namespace {

std::int64_t tick_after(time_point moment) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

std::int64_t tick_before(time_point moment) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

time_point time_of(std::int64_t tick) noexcept {
  // The tick after the last expressible moment has no time_point; nobody will see it.
  if (tick > time_point::max().time_since_epoch() / timer_wheel::tick) return time_point::max();
  return time_point(tick * timer_wheel::tick);
}

/// Of nodes with equal deadlines those of `a` come first.
timer_node* merge(timer_node* a, timer_node* b) noexcept {
  timer_node* head = nullptr;
  timer_node** end = &head;
  while (a != nullptr && b != nullptr) {
    timer_node*& least = b->deadline < a->deadline ? b : a;
    *end = least;
    end = &least->next;
    least = least->next;
  }
  *end = a != nullptr ? a : b;
  return head;
}

/// Stable, in O(n log n) and without memory of its own: runs[i] holds nothing or 2^i nodes that came before those of
/// all lower ones.
timer_node* sort(timer_node* rest) noexcept {
  std::array<timer_node*, 48> runs{};
  while (rest != nullptr) {
    timer_node* run = std::exchange(rest, rest->next);
    run->next = nullptr;
    std::size_t i = 0;
    for (; runs[i] != nullptr; ++i) run = merge(std::exchange(runs[i], nullptr), run);
    runs[i] = run;
  }
  timer_node* sorted = nullptr;
  for (timer_node* run : runs) sorted = merge(run, sorted);
  return sorted;
}

}  // namespace

/// Nodes on their way out of a bucket, linked by `next`.
class timer_wheel::list {
 public:
  void push(timer_node& node) noexcept {
    if (head_ == nullptr)
      head_ = &node;
    else {
      ordered_ = ordered_ && tail_->deadline <= node.deadline;
      tail_->next = &node;
    }
    tail_ = &node;
    node.next = nullptr;
  }

  /// Appends all of `other`, put in order.
  void push_sorted(list&& other) noexcept {
    if (other.head_ == nullptr) return;
    if (!other.ordered_) {  // seldom: most buckets were filled in order, or hold one tick of whole milliseconds
      other.head_ = sort(other.head_);
      while (other.tail_->next != nullptr) other.tail_ = other.tail_->next;
    }
    (head_ == nullptr ? head_ : tail_->next) = other.head_;
    tail_ = other.tail_;
  }

  timer_node* head() const noexcept { return head_; }

 private:
  timer_node* head_ = nullptr;
  timer_node* tail_ = nullptr;
  bool ordered_ = true;
};

timer_wheel::timer_wheel() noexcept = default;

// Which bucket holds a tick follows from the tick and elapsed_ alone: its level is the highest digit (of 6 bits) in
// which the two differ, its bucket there that digit. So
// - in each level all occupied buckets come after elapsed_'s own digit, and all of a level come before all of the next;
// - nodes of one tick are always in one bucket, in the order in which they were inserted. expire() keeps this: it
// empties every bucket that
//   elapsed_ enters, and the finer ones below it before that.
int timer_wheel::bucket_for(std::int64_t at) const noexcept {
  if (at <= elapsed_) return overdue;
  const int digit = (static_cast<int>(std::bit_width(static_cast<std::uint64_t>(at ^ elapsed_))) - 1) / bits;
  return digit * buckets + static_cast<int>((at >> (digit * bits)) & (buckets - 1));
}

void timer_wheel::append(timer_node& node) noexcept {
  const int place = bucket_for(node.tick);
  bucket& b = buckets_[static_cast<std::size_t>(place)];
  node.bucket = static_cast<std::int16_t>(place);
  if (b.head == nullptr) {
    b.head = node.next = node.prev = &node;
    b.first = node.tick;
    if (place != overdue) occupied_[static_cast<std::size_t>(place / buckets)] |= std::uint64_t{1} << (place % buckets);
    return;
  }
  node.next = b.head;
  node.prev = b.head->prev;
  node.prev->next = node.next->prev = &node;
  b.first = std::min(b.first, node.tick);
}

void timer_wheel::insert(timer_node& node, time_point deadline) noexcept {
  assert(!node.is_queued());
  node.deadline = deadline;
  node.tick = tick_after(deadline);
  append(node);
  ++size_;
}

void timer_wheel::remove(timer_node& node) noexcept {
  if (!node.is_queued()) return;
  const int place = std::exchange(node.bucket, std::int16_t{-1});
  bucket& b = buckets_[static_cast<std::size_t>(place)];
  if (node.next == &node) {
    b.head = nullptr;
    if (place != overdue)
      occupied_[static_cast<std::size_t>(place / buckets)] &= ~(std::uint64_t{1} << (place % buckets));
  } else {
    node.prev->next = node.next;
    node.next->prev = node.prev;
    if (b.head == &node) b.head = node.next;
  }
  node.next = node.prev = nullptr;
  --size_;
}

time_point timer_wheel::next_expiry() const noexcept {
  const bucket* b = &buckets_[overdue];
  if (b->head == nullptr) {
    if (size_ == 0) return time_point::max();
    std::size_t level = 0;
    while (occupied_[level] == 0) ++level;
    b = &buckets_[level * buckets + static_cast<std::size_t>(std::countr_zero(occupied_[level]))];
  }
  return time_of(b->first);
}

/// Empties a bucket: what is due by `now`, in order, to the end of `due`, all else to the end of `rest`.
void timer_wheel::split(int from, std::int64_t now, list& due, list& rest) noexcept {
  bucket& b = buckets_[static_cast<std::size_t>(from)];
  timer_node* node = std::exchange(b.head, nullptr);
  if (from != overdue) occupied_[static_cast<std::size_t>(from / buckets)] &= ~(std::uint64_t{1} << (from % buckets));
  if (node == nullptr) return;
  node->prev->next = nullptr;
  list mine;
  while (node != nullptr) {
    timer_node& n = *std::exchange(node, node->next);
    n.prev = nullptr;
    n.bucket = -1;
    if (n.tick <= now) {
      --size_;
      mine.push(n);
    } else {
      rest.push(n);
    }
  }
  due.push_sorted(std::move(mine));
}

timer_node* timer_wheel::expire(time_point now) noexcept {
  const std::int64_t to = tick_before(now);
  list due;
  list rest;
  split(overdue, to, due, rest);  // first: these ticks are before all others
  if (to > elapsed_) {
    const std::int64_t from = std::exchange(elapsed_, to);
    for (int level = 0; level < levels; ++level) {
      const int shift = level * bits;
      // In the level where the two share all higher digits only the buckets up to the new digit are entered, none in
      // the levels above; in the levels below every bucket was passed.
      const bool last = from >> (shift + bits) == to >> (shift + bits);
      std::uint64_t entered = occupied_[static_cast<std::size_t>(level)];
      if (last) entered &= ~std::uint64_t{0} >> (buckets - 1 - ((to >> shift) & (buckets - 1)));
      for (; entered != 0; entered &= entered - 1) split(level * buckets + std::countr_zero(entered), to, due, rest);
      if (last) break;
    }
  }
  for (timer_node* n = rest.head(); n != nullptr;) append(*std::exchange(n, n->next));
  return due.head();
}

}  // namespace troupe::detail
