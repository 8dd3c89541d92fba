// SPDX-License-Identifier: BSL-1.0
// description<T>: other names and shapes, as terms and descriptors see them. (JSON's side of it is in json.cpp, that of
// the external term format in net/etf_described.cpp.)
#include "described.hpp"

#include <troupe/mailbox/descriptor.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace described_test;

namespace {

template <class T>
std::string error_of(const term& t) {
  try {
    from_term<T>(t);
  } catch (const decode_error& e) {
    CHECK(!try_from_term<T>(t).has_value());
    return e.what();
  }
  return "no error";
}

template <class T>
std::string round_trip(const T& value) {
  const term t = to_term(value);
  CHECK(from_term<T>(t) == value);
  CHECK(detail::dynamic_key_of<T>() == dynamic_key(t));
  return t.to_string();
}

}  // namespace

static_assert(sendable<order> && sendable<booking> && sendable<level> && sendable<visit>);
static_assert(sendable<std::chrono::sys_seconds>);
// A description vouches for a class that nobody can see into, but not for a pointer.
static_assert(!sendable<pointing>);

TEST_CASE("a type and its members may have other names") {
  CHECK(round_trip(order{.id = 7, .what = "tea", .cached = 0}) == "{purchase,7,<<\"tea\">>}");
  CHECK(descriptor_of<order>.name == "purchase");
  CHECK(descriptor_of<order>.qualified_name == "described_test::order");
  CHECK(descriptor_of<order>.dynamic_key == detail::tagged_key(detail::hash_text("purchase"), 3));
  CHECK(error_of<order>(term::tuple({"purchase"_atom, "x", "tea"})) ==
        "purchase.number: expected integer in -2147483648..2147483647, got <<\"x\">>");
  CHECK(error_of<order>(term::tuple({"order"_atom, 1, "tea"})) ==
        "purchase: expected {purchase,number,what}, got {order,1,<<\"tea\">>}");
}

TEST_CASE("a member that is skipped is not written, and read as in a new struct") {
  const term t = to_term(order{.id = 7, .what = "tea", .cached = 99});
  CHECK(t.size() == 3);
  CHECK(from_term<order>(t).cached == 5);
  CHECK(round_trip(only_skipped{}) == "only_skipped");
}

TEST_CASE("a flattened struct's members stand in its place, at any depth, with what its own description says") {
  const visit v{.guest = {.name = "Ann", .home = {.street = "Elm", .zip = 9}}, .nights = 2};
  CHECK(round_trip(v) == "{visit,<<\"Ann\">>,<<\"Elm\">>,9,2}");
  CHECK(error_of<visit>(term::tuple({"visit"_atom, "Ann", "Elm", "x", 2})) ==
        "visit.zip: expected integer in -2147483648..2147483647, got <<\"x\">>");
  CHECK(error_of<visit>("visit"_atom) == "visit: expected {visit,name,road,zip,nights}, got visit");
}

TEST_CASE("a member may be converted by two functions") {
  const booking b{
      .price = money(250), .urgency = level::high, .at = std::chrono::sys_seconds(std::chrono::seconds(60))};
  CHECK(round_trip(b) == "{booking,250,3,<<\"60s\">>}");
  CHECK(error_of<booking>(term::tuple({"booking"_atom, "x", 3, "60s"})) ==
        "booking.cents: expected integer, got <<\"x\">>");
  CHECK(error_of<booking>(term::tuple({"booking"_atom, -1, 3, "60s"})) == "booking.cents: expected cents, got -1");
  CHECK(error_of<booking>(term::tuple({"booking"_atom, 1, 3, "60"})) == "booking.at: expected seconds, got 60");
}

TEST_CASE("a whole type, an enumeration or a library's too, may be written as another one") {
  CHECK(round_trip(level::high) == "3");
  CHECK(round_trip(std::vector{level::low, level::high}) == "[1,3]");
  CHECK(error_of<level>(2) == "expected 1 or 3, got 2");
  CHECK(error_of<level>("x") == "expected integer in -2147483648..2147483647, got <<\"x\">>");
  using either = std::variant<level, std::string>;
  CHECK(from_term<either>("x") == either("x"));
  CHECK(from_term<either>(1) == either(level::low));
  CHECK(error_of<either>(2) == "expected 1 or 3 | binary, got 2");
}

TEST_CASE("defaulted is the affair of formats that know members by name") {
  CHECK(round_trip(lenient{.a = 1, .b = 2}) == "{lenient,1,2}");
  CHECK(error_of<lenient>(term::tuple({"lenient"_atom, 1})) == "lenient: expected {lenient,a,b}, got {lenient,1}");
}
