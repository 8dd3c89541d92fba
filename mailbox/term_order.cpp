// SPDX-License-Identifier: BSL-1.0
// Term order, equality, hashes, and what depends on them: maps and the keys of dynamic messages.
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/term_walk.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <stdexcept>

namespace troupe {

namespace {

using std::strong_ordering;

strong_ordering compare_floats(double a, double b) noexcept {  // both finite
  return a < b ? strong_ordering::less : b < a ? strong_ordering::greater : strong_ordering::equal;
}

/// Exactly: 9007199254740993 is more than 9007199254740992.0.
strong_ordering compare_integer_to_float(std::int64_t i, double f) noexcept {
  if (f >= 0x1p63) return strong_ordering::less;
  if (f < -0x1p63) return strong_ordering::greater;
  const double whole = std::trunc(f);
  if (const auto order = i <=> static_cast<std::int64_t>(whole); order != 0) return order;
  return compare_floats(whole, f);
}

int rank(const term& t) noexcept {
  switch (t.kind()) {
    case term_kind::integer:
    case term_kind::floating: return 0;
    case term_kind::atom: return 1;
    case term_kind::reference: return 2;
    case term_kind::pid: return 3;
    case term_kind::tuple: return 4;
    case term_kind::map: return 5;
    case term_kind::list: return t.elements().empty() ? 6 : 7;
    case term_kind::binary: return 8;
  }
  return 9;
}

/// Compares two terms; those inside are put on a stack of its own. `of_keys`: the order of map keys, where
/// every integer precedes every float.
class comparison {
 public:
  strong_ordering run(const term& a, const term& b, bool of_keys) {
    strong_ordering order = compare(a, b, of_keys);
    while (order == 0 && !stack_.empty()) {
      level& top = stack_.back();
      const std::size_t i = top.next++;
      if (i == top.steps) {
        order = top.afterwards;
        stack_.pop_back();
      } else if (top.a->is_map()) {  // all keys, then all values
        const auto x = top.a->items();
        const auto y = top.b->items();
        order = i < x.size() ? compare(x[i].first, y[i].first, true)
                             : compare(x[i - x.size()].second, y[i - x.size()].second, top.of_keys);
      } else {
        order = compare(top.a->elements()[i], top.b->elements()[i], top.of_keys);
      }
    }
    return order == 0 ? tie_ : order;
  }

 private:
  struct level {
    const term* a;
    const term* b;
    std::size_t next;
    std::size_t steps;
    strong_ordering afterwards;
    bool of_keys;
  };

  /// Numbers that are equal by value decide only if nothing else does: to Erlang {1,b} is more than {1.0,a}.
  strong_ordering integer_first(strong_ordering by_value, strong_ordering by_kind) noexcept {
    if (by_value == 0 && tie_ == 0) tie_ = by_kind;
    return by_value;
  }

  /// The order of two terms, or `equal` with their parts put on the stack.
  strong_ordering compare(const term& a, const term& b, bool of_keys) {
    if (const auto order = rank(a) <=> rank(b); order != 0) return order;
    switch (a.kind()) {
      case term_kind::integer:
        if (b.is_integer()) return a.as_integer() <=> b.as_integer();
        if (of_keys) return strong_ordering::less;
        return integer_first(compare_integer_to_float(a.as_integer(), b.as_floating()), strong_ordering::less);
      case term_kind::floating:
        if (b.is_floating()) return compare_floats(a.as_floating(), b.as_floating());
        if (of_keys) return strong_ordering::greater;
        return integer_first(0 <=> compare_integer_to_float(b.as_integer(), a.as_floating()), strong_ordering::greater);
      case term_kind::atom: return a.as_atom() <=> b.as_atom();
      case term_kind::reference: return a.as_reference() <=> b.as_reference();
      case term_kind::pid: return a.as_pid() <=> b.as_pid();
      case term_kind::binary: return a.as_binary() <=> b.as_binary();
      case term_kind::list: {
        const auto x = a.elements();
        const auto y = b.elements();
        if (x.data() == y.data() && x.size() == y.size()) return strong_ordering::equal;
        stack_.push_back({&a, &b, 0, std::min(x.size(), y.size()), x.size() <=> y.size(), of_keys});
        return strong_ordering::equal;
      }
      case term_kind::tuple:
        if (const auto order = a.size() <=> b.size(); order != 0) return order;
        if (a.elements().data() == b.elements().data()) return strong_ordering::equal;
        stack_.push_back({&a, &b, 0, a.size(), strong_ordering::equal, of_keys});
        return strong_ordering::equal;
      case term_kind::map:
        if (const auto order = a.size() <=> b.size(); order != 0) return order;
        if (a.items().data() == b.items().data()) return strong_ordering::equal;
        stack_.push_back({&a, &b, 0, 2 * a.size(), strong_ordering::equal, of_keys});
        return strong_ordering::equal;
    }
    return strong_ordering::equal;
  }

  std::vector<level> stack_;
  strong_ordering tie_ = strong_ordering::equal;
};

strong_ordering compare_keys(const term& a, const term& b) {
  return comparison().run(a, b, true);
}

}  // namespace

bool operator==(const term& a, const term& b) noexcept {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == term_kind::atom) return a.as_atom() == b.as_atom();
  return comparison().run(a, b, false) == 0;
}

std::strong_ordering operator<=>(const term& a, const term& b) noexcept {
  return comparison().run(a, b, false);
}

term term::map(std::vector<std::pair<term, term>> items) {
  if (items.empty()) return term(term_kind::map, nullptr);
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return compare_keys(a.first, b.first) < 0; });
  const auto twice = std::adjacent_find(
      items.begin(), items.end(), [](const auto& a, const auto& b) { return compare_keys(a.first, b.first) == 0; });
  if (twice != items.end())
    throw std::invalid_argument("troupe: a map with the key " + twice->first.to_string() + " twice");
  using item = std::pair<term, term>;
  auto* box = ::new (detail::allocate(sizeof(detail::term_box) + items.size() * sizeof(item))) detail::term_box;
  box->kind_and_size = static_cast<std::uint64_t>(term_kind::map) << 56 | items.size();
  std::uninitialized_move(items.begin(), items.end(), static_cast<item*>(box->payload()));
  return term(term_kind::map, box);
}

const term* term::find(const term& key) const {
  const auto all = items();
  const auto found = std::lower_bound(all.begin(), all.end(), key,
                                      [](const auto& i, const term& k) { return compare_keys(i.first, k) < 0; });
  if (found == all.end() || compare_keys(found->first, key) != 0) return nullptr;
  return &found->second;
}

std::uint64_t term::hash() const noexcept {
  struct hasher {
    std::uint64_t h = 0;
    void add(std::uint64_t x) noexcept { h = detail::mix(h, x); }
    void leaf(const term& t) noexcept {
      add(static_cast<std::uint64_t>(t.kind()));
      switch (t.kind()) {
        case term_kind::integer: add(static_cast<std::uint64_t>(t.as_integer())); break;
        case term_kind::floating: add(std::bit_cast<std::uint64_t>(t.as_floating() + 0.0)); break;  // -0.0 + 0.0 is 0.0
        case term_kind::atom: add(t.as_atom().hash()); break;
        case term_kind::reference: add(t.as_reference().hash()); break;
        case term_kind::pid: add(t.as_pid().hash()); break;
        case term_kind::binary: add(detail::hash_text(t.as_binary())); break;
        case term_kind::tuple:
        case term_kind::map:
        case term_kind::list: break;
      }
    }
    void open(const term& t) noexcept {
      add(static_cast<std::uint64_t>(t.kind()));
      add(t.size());
    }
    void close(const term&) noexcept {}
    void before(const term&, std::size_t) noexcept {}
  };
  hasher result;
  detail::walk(*this, result);
  return result.h;
}

std::uint64_t dynamic_key(const term& t) noexcept {
  if (t.is_atom()) return detail::tagged_key(t.as_atom().hash(), 0);
  if (t.is_tuple()) {
    const auto elements = t.elements();
    if (!elements.empty() && elements[0].is_atom())
      return detail::tagged_key(elements[0].as_atom().hash(), elements.size());
  }
  return detail::kind_key(t.kind());
}

}  // namespace troupe
