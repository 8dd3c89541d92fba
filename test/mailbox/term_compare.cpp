// SPDX-License-Identifier: BSL-1.0
// Both equalities and both orders of terms, against a table that Erlang/OTP made.
#include <troupe/mailbox/term.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace troupe;

namespace {

term operator""_t(const char* text, std::size_t size) {
  return term::parse({text, size});
}

/// What term_order.escript wrote.
const term& otp() {
  static const term table = term::parse(
#include "term_order.inc"
  );
  return table;
}

std::span<const term> otp_part(const char* name) {
  return otp().find(atom(name))->elements();
}

/// As the table has it: = for =:=, ~ for what is only ==, else < or >.
char relation(const term& a, const term& b) {
  if (a == b) return '=';
  if (equal(a, b)) return '~';
  return compare(a, b) < 0 ? '<' : '>';
}

/// A term nested so deep that recursion would overflow the stack; `seed` is innermost.
term deep(term seed) {
  for (int i = 0; i < 300'000; ++i) seed = i % 2 == 0 ? term::list({std::move(seed)}) : term::tuple({std::move(seed)});
  return seed;
}

}  // namespace

TEST_CASE("every pair of the table's terms is equal, the same, less or more as Erlang/OTP has it") {
  const auto terms = otp_part("terms");
  const auto rows = otp_part("pairs");
  REQUIRE(rows.size() >= 120);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string_view row = rows[i].as_binary();
    REQUIRE(row.size() == rows.size());
    for (std::size_t k = 0; k < row.size(); ++k) {
      const char found = relation(terms[i], terms[k]);
      if (found == row[k]) continue;
      FAIL_CHECK(terms[i] << " beside " << terms[k] << ": " << found << ", but in Erlang " << row[k]);
    }
  }
}

TEST_CASE("the total order of the table's terms agrees with Erlang's wherever that decides, and with =:=") {
  const auto terms = otp_part("terms");
  for (const term& a : terms) {
    for (const term& b : terms) {
      const auto total = a <=> b;
      const auto by_value = compare(a, b);
      if ((total == 0) != (a == b) || (by_value == 0) != equal(a, b) ||
          (by_value != 0 && (total < 0) != (by_value < 0)) || (a == b && a.hash() != b.hash()))
        FAIL_CHECK(a << " beside " << b);
    }
  }
}

TEST_CASE("terms are sorted as lists:sort/1 sorts them") {
  const auto terms = otp_part("terms");
  REQUIRE(terms.size() >= 300);
  std::vector<std::size_t> numbers(terms.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  std::sort(numbers.begin(), numbers.end(), [&](std::size_t a, std::size_t b) {
    const auto order = compare(terms[a], terms[b]);
    return order < 0 || (order == 0 && a < b);  // stable
  });
  const auto sorted = otp_part("sorted");
  REQUIRE(sorted.size() == terms.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (sorted[i] != numbers[i])
      FAIL_CHECK("at " << i << ": " << terms[numbers[i]] << ", but in Erlang "
                       << terms[static_cast<std::size_t>(sorted[i].as_integer())]);
}

TEST_CASE("an integer equals the float of its value, in tuples, lists and the values of maps, too") {
  CHECK(equal(1, 1.0));
  CHECK(term(1) != term(1.0));
  CHECK(!equal(1, 1.5));
  CHECK(equal("{1,[2.0|3]}"_t, "{1.0,[2|3.0]}"_t));
  CHECK(equal("#{a => 1}"_t, "#{a => 1.0}"_t));
  CHECK(!equal("#{1 => a}"_t, "#{1.0 => a}"_t));
  CHECK(!equal("#{{1} => a}"_t, "#{{1.0} => a}"_t));
  CHECK(!equal(9007199254740993, 9007199254740992.0));
  CHECK(equal("18446744073709551616"_t, 18446744073709551616.0));
  CHECK(!equal("18446744073709551617"_t, 18446744073709551616.0));
  CHECK(!equal("a"_t, "<<\"a\">>"_t));
}

TEST_CASE("compare calls equal what the total order only puts side by side") {
  CHECK(compare(1, 1.0) == std::weak_ordering::equivalent);
  CHECK(compare(1, 2.0) == std::weak_ordering::less);
  CHECK(compare("{1.0,b}"_t, "{1,a}"_t) == std::weak_ordering::greater);
  CHECK(compare("{1,a}"_t, "{1.0,a}"_t) == std::weak_ordering::equivalent);
  CHECK("{1,a}"_t < "{1.0,a}"_t);
  CHECK(compare("#{1.0 => a}"_t, "#{2 => a}"_t) == std::weak_ordering::greater);  // integers are the smaller keys
}

TEST_CASE("terms nested 300,000 levels deep are compared without recursion") {
  const term integer = deep(1);
  const term floating = deep(1.0);
  CHECK(equal(integer, floating));
  CHECK(integer != floating);
  CHECK(compare(integer, deep(2)) < 0);
}
