// SPDX-License-Identifier: BSL-1.0
// The table of node identities: chunks that never move, so that a lookup takes no lock.
#include <troupe/mailbox/node_id.hpp>

#include <troupe/mailbox/errors.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace troupe {

namespace {

struct identity {
  std::string_view name;
  std::uint32_t creation = 0;
  // relaxed everywhere: it only says how to print.
  std::atomic<bool> own{false};
};

constexpr std::size_t chunk_size = 4096;
constexpr std::size_t chunk_count = 1024;
using chunk = std::array<identity, chunk_size>;

class node_table {
 public:
  node_table() { add("nonode@nohost", 0); }

  node_index add(std::string_view name, std::uint32_t creation) {
    const std::scoped_lock lock(lock_);
    const auto found = indices_.find(std::pair(name, creation));
    if (found != indices_.end()) return found->second;
    // relaxed: only written under the lock that we hold.
    const std::uint32_t index = size_.load(std::memory_order_relaxed);
    if (index == chunk_size * chunk_count)
      throw system_limit("troupe: the table of node identities is full (4,194,304); " + std::string(name) +
                         " found no room");
    auto& place = chunks_[index / chunk_size];
    chunk* entries = place.load(std::memory_order_relaxed);  // as above
    if (entries == nullptr) {
      entries = new chunk;
      place.store(entries, std::memory_order_relaxed);  // published by the store of size_ below
    }
    const std::string& kept = names_.emplace_back(name);
    identity& entry = (*entries)[index % chunk_size];
    entry.name = kept;
    entry.creation = creation;
    indices_.emplace(std::pair(std::string_view(kept), creation), index);
    // release: whoever sees the new size sees the entry and its chunk. Pairs with the acquire in get().
    size_.store(index + 1, std::memory_order_release);
    return index;
  }

  void make_own(node_index index) {
    const std::scoped_lock lock(lock_);
    at(index).own.store(true, std::memory_order_relaxed);
    // release: whoever sees this index may look it up. Pairs with the acquire in first_own().
    if (first_own_.load(std::memory_order_relaxed) == 0) first_own_.store(index, std::memory_order_release);
  }

  node_index first_own() const noexcept { return first_own_.load(std::memory_order_acquire); }

  // acquire: pairs with the release at the end of add().
  std::uint32_t size() const noexcept { return size_.load(std::memory_order_acquire); }

  identity& at(node_index index) const noexcept {
    if (index >= size()) index = 0;
    return (*chunks_[index / chunk_size].load(std::memory_order_relaxed))[index % chunk_size];
  }

 private:
  std::array<std::atomic<chunk*>, chunk_count> chunks_{};
  std::atomic<std::uint32_t> size_{0};
  std::atomic<node_index> first_own_{0};
  std::mutex lock_;
  std::deque<std::string> names_;  // never moves what it holds
  std::map<std::pair<std::string_view, std::uint32_t>, node_index> indices_;
};

node_table& table() noexcept {
  static node_table& the_table = *new node_table;  // never destroyed: pids are printed until the very end
  return the_table;
}

}  // namespace

node_index add_node(std::string_view name, std::uint32_t creation) {
  return table().add(name, creation);
}

node_index add_own_node(std::string_view name, std::uint32_t creation) {
  const node_index index = table().add(name, creation);
  table().make_own(index);
  return index;
}

bool is_own_node(node_index node) noexcept {
  return table().first_own() == 0 || table().at(node).own.load(std::memory_order_relaxed);
}

node_index own_node() noexcept {
  return table().first_own();
}

std::uint32_t node_count() noexcept {
  return table().size();
}

std::string_view node_name(node_index node) noexcept {
  return table().at(node).name;
}

std::uint32_t node_creation(node_index node) noexcept {
  return table().at(node).creation;
}

}  // namespace troupe
