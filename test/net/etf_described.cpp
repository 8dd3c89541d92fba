// SPDX-License-Identifier: BSL-1.0
// Types with descriptions in the external term format: the bytes are those of the term that they stand for.
#include <troupe/net/etf/encoded.hpp>

#include "mailbox/described.hpp"

#include <troupe/mailbox/to_term.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace troupe;
using namespace described_test;
using namespace std::chrono_literals;

namespace {

template <class T>
void check(const T& value) {
  const auto bytes = etf::to_binary(value);
  CHECK(etf::from_binary<T>(bytes) == value);
  CHECK(etf::from_binary(bytes) == to_term(value));
}

}  // namespace

TEST_CASE("what a description says holds in the external term format") {
  check(order{.id = 7, .what = "tea"});
  check(only_skipped{});
  check(visit{{"Ann", {"Elm", 9}}, 2});
  check(booking{money(250), level::high, std::chrono::sys_seconds(60s)});
  check(level::low);
  check(lenient{1, 2});
  CHECK_THROWS_WITH_AS(etf::from_binary<visit>(etf::to_binary(lenient{1, 2})),
                       "visit: expected {visit,name,road,zip,nights}, got {lenient,1,2}", decode_error);
}
