// SPDX-License-Identifier: BSL-1.0
// How the atom table checks, finds and adds.
#include <troupe/mailbox/atom_table.hpp>

#include <troupe/mailbox/errors.hpp>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace troupe::detail {

namespace {

/// An entry and its text in one piece.
const atom_entry* new_entry(std::string_view text, std::uint64_t hash) {
  void* memory = ::operator new(sizeof(atom_entry) + text.size());
  char* kept = static_cast<char*>(memory) + sizeof(atom_entry);
  std::memcpy(kept, text.data(), text.size());
  return ::new (memory) atom_entry{{kept, text.size()}, hash};
}

void delete_entry(const atom_entry* entry) noexcept {
  ::operator delete(const_cast<atom_entry*>(entry));
}

}  // namespace

atom_table::~atom_table() {
  for (shard& s : shards_)
    for (const auto& [text, entry] : s.entries) delete_entry(entry);
}

const atom_entry& atom_table::intern(std::string_view text) {
  if (text.empty()) return empty_atom;
  const std::uint64_t hash = hash_text(text);
  shard& s = shards_[hash >> 58];
  const std::scoped_lock lock(s.lock);
  if (const auto found = s.entries.find(text); found != s.entries.end()) return *found->second;

  const std::ptrdiff_t characters = count_code_points(text);
  if (characters < 0) {
    std::string shown = "'";
    append_quoted(shown, text.substr(0, 100), '\'');
    throw std::invalid_argument("troupe: an atom must be valid UTF-8, which this is not: " + shown + "'");
  }
  if (characters > 255)
    throw std::length_error("troupe: an atom has at most 255 characters, not " + std::to_string(characters));
  reserve_one(text);
  const atom_entry* entry = nullptr;
  try {
    entry = new_entry(text, hash);
    s.entries.emplace(entry->text, entry);
  } catch (...) {
    if (entry != nullptr) delete_entry(entry);
    size_.fetch_sub(1, std::memory_order_relaxed);  // a count, orders nothing
    throw;
  }
  return *entry;
}

const atom_entry* atom_table::find(std::string_view text) noexcept {
  if (text.empty()) return &empty_atom;
  shard& s = shards_[hash_text(text) >> 58];
  const std::scoped_lock lock(s.lock);
  const auto found = s.entries.find(text);
  return found == s.entries.end() ? nullptr : found->second;
}

void atom_table::reserve_one(std::string_view text) {
  // relaxed: only the count itself must be exact; the shard's lock orders the entry.
  std::size_t n = size_.load(std::memory_order_relaxed);
  do {
    const std::size_t limit = this->limit();
    if (n < limit) continue;
    throw system_limit("troupe: the atom table is full (limit " + std::to_string(limit) + " atoms); no room for '" +
                       std::string(text) + "'. Atoms are never freed: do not make them from unbounded input");
  } while (!size_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed));
}

atom_table& atom_table::instance() {
  static atom_table& table = *new atom_table;  // never destroyed: atoms are used until the very end
  return table;
}

}  // namespace troupe::detail
