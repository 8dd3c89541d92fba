// SPDX-License-Identifier: BSL-1.0
// Term order, equality, hashes, and what depends on them: maps and the keys of dynamic messages.
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/term_walk.hpp>

#include <algorithm>
#include <array>
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

/// Of two magnitudes, lowest byte first, the last one not 0.
strong_ordering compare_magnitudes(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  if (a.size() != b.size()) return a.size() <=> b.size();
  for (std::size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i]) return a[i] <=> b[i];
  return strong_ordering::equal;
}

strong_ordering compare_big(const big_integer& a, const big_integer& b) noexcept {
  if (a.negative != b.negative) return a.negative ? strong_ordering::less : strong_ordering::greater;
  const auto order = compare_magnitudes(a.magnitude, b.magnitude);
  return a.negative ? 0 <=> order : order;
}

strong_ordering compare_big_to_float(const big_integer& i, double f) noexcept {
  if (i.negative != (f < 0)) return i.negative ? strong_ordering::less : strong_ordering::greater;
  strong_ordering order = strong_ordering::greater;  // of the magnitudes: it is 2^63 at least
  if (std::fabs(f) >= 0x1p63) {                      // a whole number, then
    int exponent = 0;
    const auto digits = static_cast<std::uint64_t>(std::ldexp(std::frexp(std::fabs(f), &exponent), 53));
    std::array<std::byte, 136> magnitude{};  // 1024 bits, and room to write 8 bytes at any of them
    const auto shift = static_cast<unsigned>(exponent - 53);
    for (std::size_t k = 0; k < 8; ++k) {
      const std::uint64_t shifted = ((digits >> (8 * k)) & 0xff) << (shift % 8);
      magnitude[shift / 8 + k] |= static_cast<std::byte>(shifted);
      magnitude[shift / 8 + k + 1] |= static_cast<std::byte>(shifted >> 8);
    }
    std::size_t size = magnitude.size();
    while (magnitude[size - 1] == std::byte{0}) --size;
    order = compare_magnitudes(i.magnitude, std::span(magnitude).first(size));
  }
  return i.negative ? 0 <=> order : order;
}

strong_ordering compare_integers(const term& a, const term& b) noexcept {
  if (!a.is_big() && !b.is_big()) return a.as_integer() <=> b.as_integer();
  if (a.is_big() && b.is_big()) return compare_big(a.as_big(), b.as_big());
  if (a.is_big()) return a.as_big().negative ? strong_ordering::less : strong_ordering::greater;
  return b.as_big().negative ? strong_ordering::greater : strong_ordering::less;
}

strong_ordering compare_integer_to_float(const term& i, const term& f) noexcept {
  return i.is_big() ? compare_big_to_float(i.as_big(), f.as_floating())
                    : compare_integer_to_float(i.as_integer(), f.as_floating());
}

strong_ordering compare_functions(const term& a, const term& b) noexcept {
  if (a.is_external_function() != b.is_external_function())
    return b.is_external_function() ? strong_ordering::less : strong_ordering::greater;
  if (a.is_external_function()) {
    const external_function& x = a.as_external_function();
    const external_function& y = b.as_external_function();
    if (const auto order = x.module <=> y.module; order != 0) return order;
    if (const auto order = x.name <=> y.name; order != 0) return order;
    return x.arity <=> y.arity;
  }
  const local_function x = a.as_local_function();
  const local_function y = b.as_local_function();
  if (const auto order = x.module <=> y.module; order != 0) return order;
  if (const auto order = x.index <=> y.index; order != 0) return order;
  if (const auto order = x.uniq <=> y.uniq; order != 0) return order;
  return std::lexicographical_compare_three_way(x.external.begin(), x.external.end(), y.external.begin(),
                                                y.external.end());
}

/// Binaries and bit strings, bit by bit. Bits past the end are 0 in as_bytes(), so that they do not decide wrongly: the
/// shorter one is the prefix of the longer or differs in a bit that both have.
strong_ordering compare_bits(const term& a, const term& b) noexcept {
  const auto order = a.as_bytes() <=> b.as_bytes();
  return order != 0 ? order : a.bit_size() <=> b.bit_size();
}

int rank(const term& t) noexcept {
  switch (t.kind()) {
    case term_kind::integer:
    case term_kind::floating: return 0;
    case term_kind::atom: return 1;
    case term_kind::reference: return 2;
    case term_kind::function: return 3;
    case term_kind::port: return 4;
    case term_kind::pid: return 5;
    case term_kind::tuple: return 6;
    case term_kind::map: return 7;
    case term_kind::list: return t.size() == 0 ? 8 : 9;
    case term_kind::improper_list: return 9;
    case term_kind::binary:
    case term_kind::bit_string: return 10;
  }
  return 11;
}

/// Compares two terms; those inside are put on a stack of its own. `of_keys`: the order of map keys, where
/// every integer precedes every float.
class comparison {
 public:
  /// Total: ties are broken.
  strong_ordering run(const term& a, const term& b, bool of_keys) {
    const strong_ordering order = run_by_value(a, b, of_keys);
    return order == 0 ? tie_ : order;
  }

  /// 1 and 1.0 are equal, but not in keys.
  strong_ordering run_by_value(const term& a, const term& b, bool of_keys) {
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
        // Behind its elements, an improper list has its tail.
        const auto x = top.a->elements();
        const auto y = top.b->elements();
        order = compare(i < x.size() ? x[i] : top.a->tail(), i < y.size() ? y[i] : top.b->tail(), top.of_keys);
      }
    }
    return order;
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

  /// The order of two lists whose elements are equal as far as both have any, unless both have tails there: what is
  /// left of each is [], a list of at least one element, or a tail, which is neither.
  static strong_ordering compare_ends(const term& a, const term& b) noexcept {
    const auto rest = [](const term& t, std::size_t at) {
      if (at < t.size()) return 9;
      return t.is_list() ? 8 : rank(t.tail());
    };
    const std::size_t common = std::min(a.size(), b.size());
    return rest(a, common) <=> rest(b, common);
  }

  /// The order of two terms, or `equal` with their parts put on the stack.
  strong_ordering compare(const term& a, const term& b, bool of_keys) {
    if (const auto order = rank(a) <=> rank(b); order != 0) return order;
    switch (a.kind()) {
      case term_kind::integer:
        if (b.is_integer()) return compare_integers(a, b);
        if (of_keys) return strong_ordering::less;
        return integer_first(compare_integer_to_float(a, b), strong_ordering::less);
      case term_kind::floating:
        if (b.is_floating()) return compare_floats(a.as_floating(), b.as_floating());
        if (of_keys) return strong_ordering::greater;
        return integer_first(0 <=> compare_integer_to_float(b, a), strong_ordering::greater);
      case term_kind::atom: return a.as_atom() <=> b.as_atom();
      case term_kind::reference: return a.as_reference() <=> b.as_reference();
      case term_kind::pid: return a.as_pid() <=> b.as_pid();
      case term_kind::port: return a.as_port() <=> b.as_port();
      case term_kind::function: return compare_functions(a, b);
      case term_kind::binary:
      case term_kind::bit_string: return compare_bits(a, b);
      case term_kind::list:
      case term_kind::improper_list: {
        const auto x = a.elements();
        const auto y = b.elements();
        if (x.data() == y.data()) return strong_ordering::equal;
        const bool with_tails = x.size() == y.size() && a.kind() == b.kind() && a.is_improper_list();
        stack_.push_back({&a, &b, 0, std::min(x.size(), y.size()) + (with_tails ? 1 : 0),
                          with_tails ? strong_ordering::equal : compare_ends(a, b), of_keys});
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
  if (a.kind() == term_kind::integer) return compare_integers(a, b) == 0;
  return comparison().run(a, b, false) == 0;
}

std::strong_ordering operator<=>(const term& a, const term& b) noexcept {
  return comparison().run(a, b, false);
}

bool equal(const term& a, const term& b) noexcept {
  return compare(a, b) == 0;
}

std::weak_ordering compare(const term& a, const term& b) noexcept {
  return comparison().run_by_value(a, b, false);
}

term term::map(std::vector<std::pair<term, term>> items) {
  if (items.empty()) return term(term_kind::map, nullptr);
  const auto before = [](const auto& a, const auto& b) { return compare_keys(a.first, b.first) < 0; };
  if (!std::is_sorted(items.begin(), items.end(), before)) std::sort(items.begin(), items.end(), before);
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

term detail::term_parts::map(std::span<term> keys_and_values) {
  std::vector<std::pair<term, term>> items;
  items.reserve(keys_and_values.size() / 2);
  for (std::size_t i = 0; i + 1 < keys_and_values.size(); i += 2)
    items.emplace_back(std::move(keys_and_values[i]), std::move(keys_and_values[i + 1]));
  return term::map(std::move(items));
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
    void bytes(std::span<const std::byte> all) noexcept {
      add(detail::hash_text({reinterpret_cast<const char*>(all.data()), all.size()}));
    }
    void leaf(const term& t) noexcept {
      add(static_cast<std::uint64_t>(t.kind()));
      switch (t.kind()) {
        case term_kind::integer:
          if (t.is_big()) {
            add(t.as_big().negative ? 1 : 0);
            bytes(t.as_big().magnitude);
          } else {
            add(static_cast<std::uint64_t>(t.as_integer()));
          }
          break;
        case term_kind::floating: add(std::bit_cast<std::uint64_t>(t.as_floating() + 0.0)); break;  // -0.0 + 0.0 is 0.0
        case term_kind::atom: add(t.as_atom().hash()); break;
        case term_kind::reference: add(t.as_reference().hash()); break;
        case term_kind::pid: add(t.as_pid().hash()); break;
        case term_kind::port: add(t.as_port().hash()); break;
        case term_kind::function:
          if (t.is_external_function()) {
            const external_function& f = t.as_external_function();
            add(f.module.hash());
            add(f.name.hash());
            add(f.arity);
          } else {
            bytes(t.as_local_function().external);
          }
          break;
        case term_kind::binary: add(detail::hash_text(t.as_binary())); break;
        case term_kind::bit_string:
          add(t.bit_size());
          add(detail::hash_text(t.as_bytes()));
          break;
        case term_kind::tuple:
        case term_kind::map:
        case term_kind::list:
        case term_kind::improper_list: break;
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
