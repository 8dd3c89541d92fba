// SPDX-License-Identifier: BSL-1.0
// Integers of any size as terms and as members of messages.
#include <troupe/mailbox/big_integer.hpp>

#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/sendable.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace troupe;
using boost::multiprecision::cpp_int;

namespace {

struct factorial {
  int of;
  cpp_int value;
};

}  // namespace

static_assert(sendable<cpp_int> && sendable<factorial>);

TEST_CASE("a cpp_int is an integer as a term, whatever its size") {
  for (const char* text : {"0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
                           "18446744073709551615", "18446744073709551616", "-18446744073709551616",
                           "-123456789012345678901234567890123456789012345678901234567890"}) {
    const cpp_int value(text);
    CHECK(from_cpp_int(value) == term::parse(text));
    CHECK(to_cpp_int(term::parse(text)) == value);
    CHECK(to_term(value) == term::parse(text));
    CHECK(from_term<cpp_int>(term::parse(text)) == value);
  }
  CHECK_THROWS_AS(to_cpp_int(1.0), term_error);
  CHECK(to_cpp_int(term::parse("16#" + std::string(20'000, 'f'))) == (cpp_int(1) << 80'000) - 1);
}

TEST_CASE("a cpp_int may be a member of a message") {
  cpp_int value = 1;
  for (int i = 2; i <= 30; ++i) value *= i;
  const term t = to_term(factorial{30, value});
  CHECK(t.to_string() == "{factorial,30,265252859812191058636308480000000}");
  CHECK(from_term<factorial>(t).value == value);
  CHECK(from_term<std::vector<cpp_int>>(to_term(std::vector<cpp_int>{1, value})) == std::vector<cpp_int>{1, value});
  CHECK_THROWS_WITH_AS(from_term<factorial>(term::parse("{factorial,30,1.0}")),
                       "factorial.value: expected integer, got 1.0", decode_error);
  CHECK(!try_from_term<cpp_int>(term::parse("one")));
}
