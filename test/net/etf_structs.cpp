// SPDX-License-Identifier: BSL-1.0
// Structs straight to bytes and back, without a term between; and the reader as a term_source.
#include "etf_bytes.hpp"
#include "etf_random.hpp"

#include <troupe/mailbox/atom_table.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

using namespace troupe;
using namespace etf_test;

namespace etf_structs {

enum class color { red, green };
struct reset {
  bool operator==(const reset&) const = default;
};
struct line {
  std::string what;
  std::uint8_t count;
  bool operator==(const line&) const = default;
};
struct order {
  std::int64_t id;
  std::vector<line> lines;
  std::map<std::string, double> prices;
  std::optional<color> paint;
  std::variant<int, std::string, std::vector<int>, reset> extra;
  std::tuple<bool, std::uint64_t> pair;
  std::array<std::byte, 2> raw;
  std::set<int> set;
  std::chrono::milliseconds wait;
  pid from;
  reference ref;
  atom name;
  term any;
  bool operator==(const order&) const = default;
};
struct tree {
  int value;
  std::vector<tree> children;
};
struct odd {
  std::variant<std::vector<int>, term> value;
  int after;
};

}  // namespace etf_structs

using namespace etf_structs;

namespace {

const node_index here = add_node("n1@vm", 7);

order sample() {
  return {-5,
          {{"screw", 200}, {"", 0}},
          {{"screw", 0.5}},
          color::green,
          std::vector<int>{1, 2, 300},
          {true, UINT64_MAX},
          {std::byte{1}, std::byte{255}},
          {3, 4},
          std::chrono::milliseconds(1500),
          pid(1, 2, 7, here),
          reference({1, 2, 3}, 7, here),
          atom("some name"),
          term::improper_list({1}, 2)};
}

template <class T>
T read_hex(const std::string& text) {
  return etf::from_binary<T>(hex("83" + text));
}

template <class T>
std::string error_of(const std::string& text) {
  try {
    read_hex<T>(text);
  } catch (const decode_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a struct is the tuple of its name and members") {
  CHECK(written(line{"ab", 3}) ==
        "6803"
        "77046c696e65"
        "6d000000026162"
        "6103");
  CHECK(written(reset{}) == "77057265736574");
}

TEST_CASE("a struct goes there and back without a term, and in the bytes of its term") {
  const order o = sample();
  const auto bytes = etf::to_binary(o);
  CHECK(etf::from_binary<order>(bytes) == o);
  CHECK(bytes == etf::to_binary(to_term(o)));
  CHECK(from_term<order>(etf::from_binary(bytes)) == o);
  order other = sample();
  other.extra = reset{};
  other.paint.reset();
  CHECK(etf::from_binary<order>(etf::to_binary(other)) == other);
  other.extra = "text";
  CHECK(etf::from_binary<order>(etf::to_binary(other)) == other);
}

TEST_CASE("a list of small numbers may come as a string, and a list in pieces") {
  CHECK(read_hex<std::vector<int>>("6b0003010203") == std::vector<int>{1, 2, 3});
  CHECK(read_hex<std::vector<int>>("6b0000").empty());
  CHECK(read_hex<std::vector<int>>("6a").empty());
  CHECK(read_hex<std::vector<int>>("6c000000016101 6c000000016102 6b00020304") == std::vector<int>{1, 2, 3, 4});
  CHECK(read_hex<std::vector<int>>("6c000000016101 6c000000016102 6b0000") == std::vector<int>{1, 2});
  CHECK(read_hex<std::vector<std::vector<int>>>("6c00000001 6c000000016101 6b000102 6c00000001 6b000103 6a") ==
        std::vector<std::vector<int>>{{1, 2}, {3}});
  CHECK(read_hex<std::vector<term>>("6b00020102") == std::vector<term>{1, 2});
  CHECK(read_hex<std::vector<std::optional<int>>>("6c000000016101 6b000102") == std::vector<std::optional<int>>{1, 2});
}

TEST_CASE("an improper list is no list, and what expects one may be something else") {
  CHECK(error_of<std::vector<int>>("6c00000001 6101 6102") == "expected list, got [1|2]");
  const auto o = read_hex<odd>("6803 77036f6464 6c00000001 6101 6102 6105");
  CHECK(std::get<term>(o.value) == term::improper_list({1}, 2));
  CHECK(o.after == 5);
  CHECK(std::get<0>(read_hex<odd>("6803 77036f6464 6c00000001 6101 6b00020203 6105").value) ==
        std::vector<int>{1, 2, 3});
  // The elements fit and then one does not: the variant goes back into the middle of nothing.
  const auto late = read_hex<odd>("6803 77036f6464 6c00000001 6101 6c00000001 7700 6b000107 6105");
  CHECK(std::get<term>(late.value) == term::list({1, atom(), 7}));
  CHECK(late.after == 5);
}

TEST_CASE("a variant goes back to where it began, also among the pieces of a list") {
  using choice = std::variant<std::tuple<int, int>, std::tuple<int, std::string>, int, double>;
  const auto all =
      read_hex<std::vector<choice>>("6c00000002 6802 6101 6d0000000178 6105 6c00000001 6802 6101 6102 6b00020708");
  REQUIRE(all.size() == 5);
  CHECK(std::get<1>(all[0]) == std::tuple<int, std::string>(1, "x"));
  CHECK(std::get<2>(all[1]) == 5);
  CHECK(std::get<0>(all[2]) == std::tuple<int, int>(1, 2));
  CHECK(std::get<2>(all[3]) == 7);
  CHECK(std::get<2>(all[4]) == 8);
}

TEST_CASE("errors name the place, as they do for terms") {
  CHECK(error_of<line>("6803 77046c696e65 6d000000026162 62000003e8") ==
        "line.count: expected integer in 0..255, got 1000");
  CHECK(error_of<order>("6a").find("got []") != std::string::npos);
  CHECK(error_of<std::vector<line>>("6c00000001 6102 6a") == "[0]: expected {line,what,count}, got 2");
  CHECK(error_of<std::map<int, int>>("7400000001 6101 7700") ==
        "[1]: expected integer in -2147483648..2147483647, got ''");
  CHECK(error_of<std::uint64_t>("6e0900000000000000000001").find("got 18446744073709551616") != std::string::npos);
  CHECK(error_of<std::int64_t>("6e0800ffffffffffffffff") == "expected integer, got 18446744073709551615");
  CHECK(error_of<std::string>("4d0000000103a0") == "expected binary, got <<5:3>>");
}

TEST_CASE("a struct is recognised without making atoms") {
  const std::size_t before = detail::atom_table::instance().size();
  CHECK_THROWS_AS(read_hex<line>("6803 77057879613121 6a6a"), decode_error);
  CHECK(error_of<line>("6802 77057879613321 6a").find("got {'xya3!',[]}") != std::string::npos);
  const std::size_t printed = detail::atom_table::instance().size();
  CHECK(printed <= before + 2);  // the error texts print terms
  const auto bytes = hex("6803 77057879613221 6a6a");
  etf::reader reader(bytes);
  CHECK(!reader.begin_struct("line", 2));
  CHECK(!reader.read_tag("line"));
  CHECK(!atom::find("xya2!"));
  std::optional<line> out;
  CHECK(!detail::read(reader, out));
  CHECK(!atom::find("xya2!"));
}

TEST_CASE("values nested deeper than a reader allows are refused, not the stack's end") {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "6803 770474726565 6101 6c00000001";
  text += "6803 770474726565 6101 6a";
  for (int i = 0; i < 200; ++i) text += "6a";
  const auto bytes = hex(text);
  etf::skim_limits limits;
  CHECK_THROWS_WITH_AS(etf::skim(bytes, limits), doctest::Contains("at most 256 levels"), etf::malformed);
  limits.max_depth = 512;
  CHECK(etf::skim(bytes, limits).length == bytes.size());
  etf::reader reader(bytes);
  CHECK(detail::build_whole<tree>(reader).children.size() == 1);
  etf::reader shallow(bytes);
  shallow.set_max_depth(100);
  CHECK_THROWS_WITH_AS(detail::build_whole<tree>(shallow), doctest::Contains("100 levels"), decode_error);
}

TEST_CASE("a reader says what comes next, and gives and skips it") {
  const auto bytes =
      hex("6101 46 3ff0000000000000 7700 5a0001 7701 61 00000001 00000001 58 770161 000000010000000100000001 6800 "
          "7400000000 6a"
          "6b000101 6c000000016101 6a 6c0000000161016102 6d00000000 4d0000000101 80 4d0000000108 80"
          "78 7701 61 0000000000000001 00000001 71 770161 770162 6101");
  etf::reader reader(bytes);
  const term_kind kinds[] = {term_kind::integer,    term_kind::floating, term_kind::atom,          term_kind::reference,
                             term_kind::pid,        term_kind::tuple,    term_kind::map,           term_kind::list,
                             term_kind::list,       term_kind::list,     term_kind::improper_list, term_kind::binary,
                             term_kind::bit_string, term_kind::binary,   term_kind::port,          term_kind::function};
  for (const term_kind kind : kinds) {
    CHECK(reader.peek() == kind);
    const auto start = reader.mark();
    const std::size_t at = reader.offset();
    const auto skipped = reader.skip();
    CHECK(reader.offset() == at + skipped.size());
    reader.rewind(start);
    CHECK(reader.read_term().kind() == kind);
    CHECK(reader.offset() == at + skipped.size());
  }
  CHECK(reader.offset() == bytes.size());
  CHECK_THROWS_AS(reader.peek(), decode_error);
  CHECK_THROWS_AS(reader.read_term(), decode_error);
  CHECK_THROWS_AS(reader.end_list(), std::logic_error);
}

TEST_CASE("a reader keeps to the parts of a value, and passes over those that nobody read") {
  const auto bytes = hex("6803 6101 6c00000002 6101 6102 6a 6103 77026f6b");
  etf::reader reader(bytes);
  std::size_t size = 0;
  std::int64_t value = 0;
  REQUIRE(reader.begin_tuple(size));
  CHECK(size == 3);
  CHECK(reader.read_integer(value));
  const auto before = reader.mark();
  REQUIRE(reader.begin_list(size));
  CHECK(reader.read_integer(value));
  reader.rewind(before);
  REQUIRE(reader.begin_list(size));
  CHECK(reader.read_integer(value));
  CHECK(reader.read_integer(value));
  CHECK_THROWS_WITH_AS(reader.read_integer(value), doctest::Contains("expected one more value, got the end"),
                       decode_error);
  reader.end_list();
  reader.end_tuple();  // with one element unread
  CHECK(reader.read_tag("ok"));
}

TEST_CASE("whatever is read from random terms by the source's functions is what the term has") {
  // Rebuilds a term through begin_ and read_ functions alone, with a rewind at each.
  struct rebuild {
    static term value(term_source& from) {
      const auto start = from.mark();
      std::size_t size = 0;
      const auto inside = [&](auto begin, auto end, std::size_t each) {
        (from.*begin)(size);
        if (size > 0) from.read_term();
        from.rewind(start);
        (from.*begin)(size);
        std::vector<term> parts;
        for (std::size_t i = 0; i < each * size; ++i) parts.push_back(value(from));
        (from.*end)();
        return parts;
      };
      switch (from.peek()) {
        case term_kind::list: return term::list(inside(&term_source::begin_list, &term_source::end_list, 1));
        case term_kind::tuple: return term::tuple(inside(&term_source::begin_tuple, &term_source::end_tuple, 1));
        case term_kind::map: {
          auto parts = inside(&term_source::begin_map, &term_source::end_map, 2);
          return detail::term_parts::map(parts);
        }
        case term_kind::atom: {
          atom a;
          from.read_atom(a);
          return a;
        }
        default: return from.read_term();
      }
    }
  };
  random_terms random(2);
  for (int i = 0; i < 3000; ++i) {
    const term t = random.next();
    CAPTURE(t.to_string());
    const auto bytes = etf::to_binary(t);
    etf::reader reader{std::span(bytes).subspan(1)};
    REQUIRE(rebuild::value(reader) == t);
    CHECK(reader.offset() == bytes.size() - 1);
  }
}
