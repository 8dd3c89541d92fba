// SPDX-License-Identifier: BSL-1.0
// Random terms of every kind, the same ones for the same seed.
#pragma once

#include <troupe/mailbox/term.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etf_test {

/// Makes terms. `with_identities`: pids, references and ports among them.
class random_terms {
 public:
  explicit random_terms(std::uint64_t seed) : random_(seed) {}

  bool with_identities = true;

  troupe::term next(int depth = 4) {
    using namespace troupe;
    const std::uint64_t kinds = depth > 0 ? 17 : 11;
    switch (below(kinds)) {
      case 0: return small_integer();
      case 1: return integer();
      case 2: return floating();
      case 3:
      case 4: return an_atom();
      case 5: return bytes(below(12));
      case 6: return bits();
      case 7: return with_identities ? term(a_pid()) : small_integer();
      case 8: return with_identities ? a_reference() : floating();
      case 9: return with_identities ? term(a_port()) : integer();
      case 10: return external_function{an_atom(), an_atom(), static_cast<std::uint8_t>(below(256))};
      case 11:
      case 12: return term::list(several(depth));
      case 13:
      case 14: return term::tuple(several(depth));
      case 15: return improper(depth);
      default: return map(depth);
    }
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

 private:
  std::uint32_t word() { return static_cast<std::uint32_t>(random_() >> below(64)); }

  troupe::term small_integer() { return static_cast<std::int64_t>(below(12)) - 4; }

  troupe::term integer() {
    constexpr std::array<std::int64_t, 11> edges = {255,
                                                    256,
                                                    INT32_MAX,
                                                    INT32_MAX + INT64_C(1),
                                                    INT32_MIN,
                                                    INT32_MIN - INT64_C(1),
                                                    INT64_MAX,
                                                    INT64_MIN,
                                                    (INT64_C(1) << 59) - 1,
                                                    INT64_C(1) << 59,
                                                    -(INT64_C(1) << 59)};
    switch (below(3)) {
      case 0: return edges[below(edges.size())];
      case 1: return static_cast<std::int64_t>(random_()) >> below(64);
      default: {
        std::vector<std::byte> magnitude(below(20) == 0 ? 250 + below(20) : 1 + below(20));
        for (std::byte& b : magnitude) b = static_cast<std::byte>(below(4) == 0 ? 0 : random_());
        return troupe::term::integer(below(2) == 0, magnitude);
      }
    }
  }

  troupe::term floating() {
    switch (below(4)) {
      case 0: return static_cast<double>(static_cast<std::int64_t>(below(12)) - 4);
      case 1: return std::ldexp(static_cast<double>(random_() >> 11), static_cast<int>(below(140)) - 60);
      case 2: return static_cast<double>(static_cast<std::int64_t>(random_()));
      default: {
        const auto f = std::bit_cast<double>(random_());
        return std::isfinite(f) ? f : 0.0;
      }
    }
  }

  troupe::atom an_atom() {
    constexpr std::array<std::string_view, 12> names = {
        "ok", "error", "",   "true", "undefined", "Hello world", "h\xc3\xa9llo", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "a",  "b",     "'\\"};
    if (below(40) == 0) {
      std::string longest;
      while (longest.size() < 2 * 255) longest += "\xc3\xa4";
      return troupe::atom(longest);
    }
    return troupe::atom(names[below(names.size())]);
  }

  std::string text(std::size_t size) {
    std::string s(size, ' ');
    for (char& c : s) c = static_cast<char>(below(3) == 0 ? random_() : 'a' + below(4));
    return s;
  }
  troupe::term bytes(std::size_t size) { return text(size); }

  troupe::term bits() {
    const std::string s = text(1 + below(4));
    const auto all = std::as_bytes(std::span(s));
    return troupe::term::bit_string(all, 8 * (all.size() - 1) + 1 + below(8));
  }

  troupe::node_index node() {
    constexpr std::array<std::string_view, 3> names = {"a@host", "b@host", "long.name_1@some.host.example"};
    // Erlang: creations and node names go together in an identity, so that there may be few.
    node_creation_ = static_cast<std::uint32_t>(1 + below(3));
    return troupe::add_node(names[below(names.size())], node_creation_);
  }

  troupe::pid a_pid() {
    const troupe::node_index n = node();
    return {word() & 0x7fff, word() & 0x1fff, node_creation_, n};
  }
  troupe::port a_port() {
    const troupe::node_index n = node();
    return {random_() >> below(64), node_creation_, n};
  }

  troupe::term a_reference() {
    std::array<std::uint32_t, 5> words{};
    const std::size_t count = 1 + below(5);
    for (std::uint32_t& w : words) w = word();
    words[0] &= 0x3ffff;
    const troupe::node_index n = node();
    return troupe::reference(std::span(words).first(count), node_creation_, n);
  }

  std::vector<troupe::term> several(int depth) {
    std::vector<troupe::term> terms(below(30) == 0 ? 300 : below(5));
    for (auto& t : terms) t = next(terms.size() > 10 ? 0 : depth - 1);
    return terms;
  }

  troupe::term improper(int depth) {
    auto elements = several(depth);
    return troupe::term::improper_list(std::move(elements), next(0));
  }

  troupe::term map(int depth) {
    std::vector<std::pair<troupe::term, troupe::term>> items;
    const std::size_t size = below(8) == 0 ? 30 + below(12) : below(5);
    for (std::size_t i = 0; i < size; ++i) {
      troupe::term key =
          size > 20 && below(2) == 0 ? troupe::term(static_cast<int>(below(1000))) : next(depth > 2 ? 1 : 0);
      bool there = false;
      for (const auto& item : items) there = there || item.first == key;
      if (!there) items.emplace_back(std::move(key), next(size > 5 ? 0 : depth - 1));
    }
    return troupe::term::map(std::move(items));
  }

  std::mt19937_64 random_;
  std::uint32_t node_creation_ = 1;
};

}  // namespace etf_test
