// SPDX-License-Identifier: BSL-1.0
// References: fields, order, print.
#include <troupe/mailbox/reference.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>
#include <type_traits>
#include <unordered_set>
#include <vector>

using namespace troupe;

static_assert(std::is_trivially_copyable_v<reference> && sizeof(reference) == 32);
static_assert(!reference() && reference({1, 2, 3}, 0, 0));

TEST_CASE("the null reference has no words") {
  CHECK(!reference());
  CHECK(reference().words().empty());
  CHECK(reference() == reference());
}

TEST_CASE("a reference keeps its words, creation and node") {
  const node_index n = add_node("n@reference_test", 4);
  const reference r({1, 2, 3, 4, 5}, 4, n);
  CHECK(std::vector<std::uint32_t>(r.words().begin(), r.words().end()) == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
  CHECK(r.creation() == 4);
  CHECK(r.node() == n);
}

TEST_CASE("a reference is printed with its last word first") {
  std::ostringstream out;
  out << reference({3, 2, 1}, 0, 0);
  CHECK(out.str() == "#Ref<0.1.2.3>");
}

TEST_CASE("a reference of six words is refused") {
  const std::vector<std::uint32_t> six(6, 1);
  CHECK_THROWS_AS(reference(six, 0, 0), std::length_error);
  CHECK_THROWS_AS(reference(std::span(six).first(0), 0, 0), std::length_error);
}

TEST_CASE("references are ordered by node, creation and then their words, the last one first") {
  const node_index b = add_node("b@reference_test", 1);
  const node_index a = add_node("a@reference_test", 1);
  CHECK(reference({9, 9, 9}, 1, a) < reference({1, 1, 1}, 1, b));
  CHECK(reference({9, 9, 9}, 1, a) < reference({1, 1, 1}, 2, a));
  CHECK(reference({9, 9, 1}, 1, a) < reference({1, 1, 2}, 1, a));
  CHECK(reference({1, 1, 1}, 1, a) < reference({2, 1, 1}, 1, a));
  CHECK(reference({1}, 1, a) != reference({1, 0}, 1, a));
}

TEST_CASE("references can be keys of hash tables") {
  const std::unordered_set<reference> set{reference({1}, 0, 0), reference({2}, 0, 0), reference({1}, 0, 0)};
  CHECK(set.size() == 2);
}
