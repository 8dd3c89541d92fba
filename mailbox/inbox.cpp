// SPDX-License-Identifier: BSL-1.0
// The inbox's index: messages by sequence number, and a FIFO of sequence numbers for each type key.
#include <troupe/mailbox/inbox.hpp>

#include <troupe/mailbox/message.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <vector>

namespace troupe::detail {

namespace {

std::uint64_t key_of(const envelope& e) {
  const bool request = e.kind == envelope_kind::request;
  if (is_encoded(e)) return inbox_key(~encoded_payload(e).key(), request);
  if (e.type == &descriptor_of<term>) return inbox_key(~dynamic_key(*static_cast<const term*>(payload_of(e))), request);
  return inbox_key(e.type->hash, request);
}

}  // namespace

/// A message taken out leaves a null in `entries` and its number in its FIFO; both are passed over, and swept away by
/// renumbering when they are more than the messages left, so nothing here needs a link back from the envelope. (A
/// position does not outlive the next message taken, so nobody remembers an old number.)
class inbox_index {
 public:
  void append(envelope* e) {
    const std::uint64_t sequence = base_ + entries_.size();
    entries_.push_back(e);
    queues_[key_of(*e)].numbers.push_back(sequence);
  }

  envelope* at(std::uint64_t sequence) const { return entries_[sequence - base_]; }
  std::uint64_t base() const { return base_; }
  std::uint64_t end() const { return base_ + entries_.size(); }

  void take(std::uint64_t sequence, std::size_t left) {
    entries_[sequence - base_] = nullptr;
    ++holes_;
    if (holes_ > 64 && holes_ > left) sweep();
  }

  /// The numbers waiting under `key`, from `sequence` on; null when there are none.
  struct fifo {
    std::vector<std::uint64_t> numbers;
    std::size_t first = 0;  // those before it are gone
  };

  fifo* queue(std::uint64_t key) {
    const auto found = queues_.find(key);
    return found == queues_.end() ? nullptr : &found->second;
  }

  /// Position in the FIFO of its first message that is still there and not before `sequence`.
  std::size_t first_from(fifo& q, std::uint64_t sequence) {
    while (q.first < q.numbers.size() && gone(q.numbers[q.first])) ++q.first;
    if (q.first > 64 && q.first * 2 > q.numbers.size()) {
      q.numbers.erase(q.numbers.begin(), q.numbers.begin() + static_cast<std::ptrdiff_t>(q.first));
      q.first = 0;
    }
    const auto begin = q.numbers.begin() + static_cast<std::ptrdiff_t>(q.first);
    const auto it =
        begin == q.numbers.end() || *begin >= sequence ? begin : std::lower_bound(begin, q.numbers.end(), sequence);
    return skip(q, static_cast<std::size_t>(it - q.numbers.begin()));
  }

  std::size_t skip(const fifo& q, std::size_t i) const {
    while (i < q.numbers.size() && gone(q.numbers[i])) ++i;
    return i;
  }

  std::uint64_t first_live() {
    while (first_live_ < end() && at(first_live_) == nullptr) ++first_live_;
    return first_live_;
  }

 private:
  bool gone(std::uint64_t sequence) const { return at(sequence) == nullptr; }

  void sweep() {
    std::vector<envelope*> live;
    live.reserve(entries_.size() - holes_);
    for (envelope* e : entries_)
      if (e != nullptr) live.push_back(e);
    entries_.clear();
    queues_.clear();
    holes_ = 0;
    first_live_ = base_ = 1;
    for (envelope* e : live) append(e);
  }

  std::vector<envelope*> entries_;
  std::uint64_t base_ = 1;
  std::uint64_t first_live_ = 1;
  std::size_t holes_ = 0;
  boost::unordered::unordered_flat_map<std::uint64_t, fifo> queues_;
};

inbox::~inbox() {
  while (envelope* e = pop()) free_envelope(e);
  if (indexed_) delete index_;
}

void inbox::shrink() noexcept {
  if (size_ != 0 || !indexed_) return;
  delete index_;
  tail_ = nullptr;
  indexed_ = false;
}

void inbox::append_indexed(envelope& first) {
  for (envelope* e = &first; e != nullptr;) {
    envelope* following = e->next;
    ++size_;
    index_->append(e);
    e = following;
  }
}

void inbox::build_index(position& from) {
  auto index = std::make_unique<inbox_index>();
  for (envelope* e = head_; e != nullptr; e = e->next) index->append(e);
  from.sequence = index->end();
  from.last = nullptr;
  head_ = nullptr;
  index_ = index.release();
  indexed_ = true;
}

void inbox::for_each_indexed(void* object, void (*call)(void*, const envelope&)) const {
  for (std::uint64_t i = index_->base(); i < index_->end(); ++i)
    if (const envelope* e = index_->at(i)) call(object, *e);
}

envelope* inbox::find_indexed(std::span<const pattern_key> keys, position& from, matcher match) {
  inbox_index& index = *index_;
  const std::uint64_t start = std::max(from.sequence, index.base());
  const auto taken = [&](std::uint64_t sequence) {
    envelope* e = index.at(sequence);
    --size_;
    index.take(sequence, size_);
    if (size_ == 0) {  // back to the list: a process that has caught up pays nothing
      delete index_;
      tail_ = nullptr;
      indexed_ = false;
    }
    from = {};
    e->next = nullptr;
    return e;
  };

  const bool walk = std::any_of(keys.begin(), keys.end(), [](const pattern_key& k) { return k.any; });
  if (walk || keys.size() > 16) {
    for (std::uint64_t i = std::max(start, index.first_live()); i < index.end(); ++i)
      if (envelope* e = index.at(i); e != nullptr && match.call(match.object, *e)) return taken(i);
    from.sequence = index.end();
    return nullptr;
  }

  // Merge the FIFOs of the keys by sequence number.
  struct cursor {
    inbox_index::fifo* queue;
    std::size_t at;
  };
  cursor cursors[32];
  std::size_t count = 0;
  const auto add = [&](std::uint64_t key) {
    if (key == 0) return;
    inbox_index::fifo* q = index.queue(key);
    if (q == nullptr) return;
    for (std::size_t i = 0; i < count; ++i)
      if (cursors[i].queue == q) return;
    cursors[count++] = {q, index.first_from(*q, start)};
  };
  for (const pattern_key& k : keys) {
    add(k.typed);
    add(k.dynamic);
  }
  for (;;) {
    cursor* lowest = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      cursor& c = cursors[i];
      if (c.at < c.queue->numbers.size() &&
          (lowest == nullptr || c.queue->numbers[c.at] < lowest->queue->numbers[lowest->at]))
        lowest = &c;
    }
    if (lowest == nullptr) break;
    const std::uint64_t sequence = lowest->queue->numbers[lowest->at];
    if (match.call(match.object, *index.at(sequence))) return taken(sequence);
    lowest->at = index.skip(*lowest->queue, lowest->at + 1);
  }
  from.sequence = index.end();
  return nullptr;
}

}  // namespace troupe::detail
