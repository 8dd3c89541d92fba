// SPDX-License-Identifier: BSL-1.0
// A walk through a term and all that it holds, without recursion: a term nested a million levels deep must
// not overflow the stack. Internal.
#pragma once

#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <vector>

namespace troupe::detail {

/// Has it parts to walk, though there may be none?
inline bool may_have_parts(const term& t) noexcept {
  return t.is_tuple() || t.is_list() || t.is_map() || t.is_improper_list();
}

/// How many parts a term has: elements, or twice the items of a map; the tail of an improper list is one more.
inline std::size_t part_count(const term& t) noexcept {
  switch (t.kind()) {
    case term_kind::tuple:
    case term_kind::list: return t.elements().size();
    case term_kind::map: return 2 * t.items().size();
    case term_kind::improper_list: return t.elements().size() + 1;
    default: return 0;
  }
}

/// Part of a term; in a map keys and values take turns, in an improper list the tail is the last one.
inline const term& part_of(const term& t, std::size_t index) noexcept {
  if (t.kind() != term_kind::map) {
    const auto elements = t.elements();
    return index < elements.size() ? elements[index] : t.tail();
  }
  const auto& item = t.items()[index / 2];
  return index % 2 == 0 ? item.first : item.second;
}

/// Calls `visitor.leaf(t)` for a term without parts to walk, `visitor.open(t)` and `visitor.close(t)` around
/// the parts of a tuple, list (proper or not) or map, and `visitor.before(t, index)` before each part.
template <class Visitor>
void walk(const term& root, Visitor&& visitor) {
  struct level {
    const term* container;
    std::size_t next;
    std::size_t count;
  };
  std::vector<level> open;
  const auto enter = [&](const term& t) {
    if (!may_have_parts(t)) return visitor.leaf(t);
    visitor.open(t);
    open.push_back({&t, 0, part_count(t)});
  };
  enter(root);
  while (!open.empty()) {
    level& top = open.back();
    const term& container = *top.container;
    if (top.next == top.count) {
      open.pop_back();
      visitor.close(container);
      continue;
    }
    const std::size_t index = top.next++;
    visitor.before(container, index);
    enter(part_of(container, index));
  }
}

}  // namespace troupe::detail
