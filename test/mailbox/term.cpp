// SPDX-License-Identifier: BSL-1.0
// Terms: made, looked at, compared, hashed, printed, shared between threads.
#include <troupe/mailbox/term.hpp>

#include <troupe/mailbox/term_sink.hpp>
#include <troupe/mailbox/term_writer.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

using namespace troupe;

static_assert(sizeof(term) == 16);
static_assert(!std::is_convertible_v<void*, term> && !std::is_convertible_v<std::nullptr_t, term>);

namespace {

/// An integer from the bytes of its magnitude, the lowest first, as text.
term integer(const std::string& text) {
  std::istringstream in(text);
  const bool negative = in.peek() == '-';
  if (negative) in.get();
  std::vector<std::byte> bytes;
  for (unsigned b = 0; in >> b;) bytes.push_back(static_cast<std::byte>(b));
  return term::integer(negative, bytes);
}

term bits(unsigned byte, std::size_t count) {
  const std::byte bytes[] = {static_cast<std::byte>(byte)};
  return term::bit_string(bytes, count);
}

term sample() {
  return term::tuple({"ok"_atom, term::list({1, 2.5, "x", term::map({{"a"_atom, 1}})})});
}

}  // namespace

TEST_CASE("a term without a value is the atom undefined") {
  CHECK(term() == "undefined"_atom);
}

TEST_CASE("every integral type makes an integer") {
  CHECK(term(-1).as_integer() == -1);
  CHECK(term('a').as_integer() == 97);
  CHECK(term(std::uint8_t{200}).as_integer() == 200);
  CHECK(term(std::uint64_t{5}).as_integer() == 5);
  CHECK(term(INT64_MIN).as_integer() == INT64_MIN);
  CHECK(term(1).kind() == term_kind::integer);
}

TEST_CASE("an integer may be of any size, and those of 64 bits are the same however they were made") {
  const term largest = UINT64_MAX;
  CHECK(largest.kind() == term_kind::integer);
  CHECK(largest.is_big());
  CHECK(largest.as_unsigned() == UINT64_MAX);
  CHECK(largest.to_string() == "18446744073709551615");
  CHECK_THROWS_WITH_AS(largest.as_integer(),
                       doctest::Contains("18446744073709551615 is an integer, not one of 64 bits"), term_error);
  CHECK(term(std::uint64_t{INT64_MAX}) == term(INT64_MAX));
  CHECK(!term(std::uint64_t{INT64_MAX}).is_big());
  CHECK(integer("5 0 0 0 0 0 0 0 0 0 0") == 5);
  CHECK(integer("-5").as_integer() == -5);
  CHECK(integer("-0 0") == 0);
  CHECK(integer("-0 0 0 0 0 0 0 128") == INT64_MIN);
  CHECK(!integer("-0 0 0 0 0 0 0 128").is_big());
  const term beyond = integer("-1 0 0 0 0 0 0 128");
  CHECK(beyond.is_big());
  CHECK(beyond.as_big().negative);
  CHECK(beyond.as_big().magnitude.size() == 8);
  CHECK_THROWS_AS(beyond.as_unsigned(), term_error);
  CHECK_THROWS_AS(term(-1).as_unsigned(), term_error);
  CHECK_THROWS_AS(integer("0 0 0 0 0 0 0 0 1").as_unsigned(), term_error);
  CHECK_THROWS_AS(term(1).as_big(), term_error);
  CHECK(term(7).as_unsigned() == 7);
}

TEST_CASE("large integers are printed in full, and very large ones in base 16") {
  CHECK(integer("0 0 0 0 0 0 0 0 64").to_string() == "1180591620717411303424");
  CHECK(integer("-0 0 0 0 0 0 0 0 64").to_string() == "-1180591620717411303424");
  CHECK(integer("0 0 100 167 179 182 224 13").to_string() == "1000000000000000000");
  CHECK(integer("0 0 232 137 4 35 199 138").to_string() == "10000000000000000000");
  std::vector<std::byte> huge(4097, std::byte{0});
  huge.back() = std::byte{0x0a};
  huge.front() = std::byte{0xff};
  const std::string text = term::integer(true, huge).to_string();
  CHECK(text.starts_with("-16#A00"));
  CHECK(text.ends_with("00FF"));
  CHECK(text.size() == 4 + 2 * 4097 - 1);
}

TEST_CASE("a bit string keeps whole bytes, how many bits of the last one count, and nothing of the others") {
  const std::byte bytes[] = {std::byte{0xff}, std::byte{0xff}};
  const term t = term::bit_string(bytes, 11);
  CHECK(t.kind() == term_kind::bit_string);
  CHECK(t.bit_size() == 11);
  CHECK(t.size() == 2);
  CHECK(t.as_bytes() == "\xff\xe0");
  CHECK(t.to_string() == "<<255,7:3>>");
  CHECK_THROWS_AS(t.as_binary(), term_error);
  const std::byte other[] = {std::byte{0xff}, std::byte{0xe1}};
  CHECK(term::bit_string(other, 11) == t);
  CHECK(term::bit_string(other, 11).hash() == t.hash());
  CHECK(term::bit_string(bytes, 16) == "\xff\xff");
  CHECK(term::bit_string(bytes, 16).is_binary());
  CHECK(term::bit_string(bytes, 0) == "");
  CHECK(term("ab").bit_size() == 16);
  CHECK(term("ab").as_bytes() == "ab");
  CHECK_THROWS_WITH_AS(term::bit_string(bytes, 17), doctest::Contains("17 bits from 2 bytes"), std::out_of_range);
}

TEST_CASE("an improper list has elements and a tail, and is no list") {
  const term t = term::improper_list({1, 2}, "x"_atom);
  CHECK(t.kind() == term_kind::improper_list);
  CHECK(!t.is_list());
  CHECK(t.size() == 2);
  CHECK(t.elements()[1] == 2);
  CHECK(t[0] == 1);
  CHECK_THROWS_AS(t[2], std::out_of_range);
  CHECK(t.tail() == "x"_atom);
  CHECK(t.to_string() == "[1,2|x]");
  CHECK_THROWS_AS(term::list({1}).tail(), term_error);
  CHECK(term::improper_list({1}, term::list({2, 3})) == term::list({1, 2, 3}));
  CHECK(term::improper_list({1}, term::list({})) == term::list({1}));
  CHECK(term::improper_list({1}, term::improper_list({2}, 3)) == term::improper_list({1, 2}, 3));
  CHECK(term::improper_list({}, 5) == 5);
  CHECK(t != term::list({1, 2}));
  CHECK(t != term::list({1, 2, "x"_atom}));
  CHECK(t == term::improper_list({1, 2}, "x"_atom));
  CHECK(t.hash() == term::improper_list({1, 2}, "x"_atom).hash());
}

TEST_CASE("ports and functions are terms") {
  const term p = port(1234567890123, 4, 0);
  CHECK(p.kind() == term_kind::port);
  CHECK(p.as_port() == port(1234567890123, 4, 0));
  CHECK(p.to_string() == "#Port<0.1234567890123>");
  const term f = external_function{"lists"_atom, "Map"_atom, 2};
  CHECK(f.kind() == term_kind::function);
  CHECK(f.is_external_function());
  CHECK(f.as_external_function().arity == 2);
  CHECK(f.to_string() == "fun lists:'Map'/2");
  CHECK_THROWS_AS(f.as_local_function(), term_error);
  const std::byte bytes[] = {std::byte{112}, std::byte{1}};
  const term local = term::function({"m"_atom, 3, 99, bytes});
  CHECK(local.kind() == term_kind::function);
  CHECK(!local.is_external_function());
  CHECK(local.as_local_function().uniq == 99);
  CHECK(local.as_local_function().external.size() == 2);
  CHECK(local.to_string() == "#Fun<m.3.99>");
  CHECK(local == term::function({"m"_atom, 3, 99, bytes}));
  CHECK(local != f);
  CHECK_THROWS_AS(term::function({"m"_atom, 3, 99, {}}), std::invalid_argument);
  CHECK_THROWS_AS(f.as_port(), term_error);
  const std::unordered_set<term> set{p, f, local, f, p};
  CHECK(set.size() == 3);
}

TEST_CASE("a float that is not finite is refused") {
  CHECK_THROWS_AS(term{std::numeric_limits<double>::infinity()}, std::invalid_argument);
  CHECK_THROWS_AS(term{std::numeric_limits<float>::quiet_NaN()}, std::invalid_argument);
  CHECK(term(1.5f).as_floating() == 1.5);
}

TEST_CASE("bool makes the atoms true and false") {
  CHECK(term(true) == "true"_atom);
  CHECK(term(false).as_bool() == false);
  CHECK(term(true).kind() == term_kind::atom);
}

TEST_CASE("text makes a binary") {
  CHECK(term("abc").as_binary() == "abc");
  CHECK(term(std::string("a\0b", 3)).as_binary().size() == 3);
  CHECK(term(std::string_view()).as_binary().empty());
  const std::byte bytes[] = {std::byte{1}, std::byte{255}};
  CHECK(term::binary(bytes).as_binary() == "\x01\xff");
  CHECK(term("abc").size() == 3);
}

TEST_CASE("pids and references are terms") {
  CHECK(term(pid(1, 2, 3, 0)).as_pid() == pid(1, 2, 3, 0));
  CHECK(term(reference({1, 2, 3}, 4, 0)).as_reference() == reference({1, 2, 3}, 4, 0));
}

TEST_CASE("lists and tuples give their elements") {
  const term t = sample();
  CHECK(t.is_tuple());
  CHECK(t.is_tuple("ok"_atom));
  CHECK(t.size() == 2);
  CHECK(t[0] == "ok"_atom);
  CHECK(t[1].elements().size() == 4);
  CHECK(t[1][2] == "x");
  CHECK_THROWS_AS(t[2], std::out_of_range);
  CHECK(term::list({}).size() == 0);
  CHECK(term::tuple(std::vector<term>{1}).elements()[0] == 1);
}

TEST_CASE("a map finds its values and keeps its items in key order") {
  const term m = term::map({{"b"_atom, 1}, {2, "two"}, {"a"_atom, term::list({})}, {1.5, "float"}, {"x", 0}});
  REQUIRE(m.size() == 5);
  CHECK(m.items()[0].first == 2);  // among keys, integers come before floats
  CHECK(m.items()[1].first == 1.5);
  CHECK(m.items()[2].first == "a"_atom);
  CHECK(m.items()[4].first == "x");
  REQUIRE(m.find("b"_atom) != nullptr);
  CHECK(*m.find("b"_atom) == 1);
  CHECK(m.find(2.0) == nullptr);  // 2 and 2.0 are two keys
  CHECK(m.find("y") == nullptr);
  CHECK(term::map({}).find(1) == nullptr);
}

TEST_CASE("a key may not be in a map twice") {
  CHECK_THROWS_WITH_AS(term::map({{"a"_atom, 1}, {2, 1}, {"a"_atom, 2}}), doctest::Contains("key a twice"),
                       std::invalid_argument);
  CHECK(term::map({{1, 1}, {1.0, 2}}).size() == 2);
}

TEST_CASE("asking a term for another kind says its kind and value") {
  CHECK_THROWS_WITH_AS(sample().as_integer(),
                       doctest::Contains("{ok,[1,2.5,<<\"x\">>,#{a => 1}]} is a tuple, not an integer"), term_error);
  CHECK_THROWS_WITH_AS(term(1).as_atom(), doctest::Contains("1 is an integer, not an atom"), term_error);
  CHECK_THROWS_AS(term(1).as_floating(), term_error);
  CHECK_THROWS_AS(term("maybe"_atom).as_bool(), term_error);
  CHECK_THROWS_AS(term(1).as_pid(), term_error);
  CHECK_THROWS_AS(term(1).as_reference(), term_error);
  CHECK_THROWS_AS(term(1).as_binary(), term_error);
  CHECK_THROWS_AS(term(1).elements(), term_error);
  CHECK_THROWS_AS(term(1).items(), term_error);
  CHECK_THROWS_AS(term(1).size(), term_error);
  CHECK_THROWS_AS(term(1).find(1), term_error);
}

TEST_CASE("equality is Erlang's =:=, by value and kind") {
  CHECK(sample() == sample());
  CHECK(term(1) != term(1.0));
  CHECK(term("a") != term("a"_atom));
  CHECK(term::list({1}) != term::tuple({1}));
  CHECK(term::list({}) != term::tuple({}));
  CHECK(term(0.0) == term(-0.0));
  CHECK(term::map({{1, 2}, {3, 4}}) == term::map({{3, 4}, {1, 2}}));
}

TEST_CASE("terms are ordered as Erlang orders them") {
  const std::byte fun_bytes[] = {std::byte{112}, std::byte{1}};
  const term ordered[] = {
      integer("-0 0 0 0 0 0 0 0 1"),  // -2^64
      -0x1p63 - 2048,
      integer("-1 0 0 0 0 0 0 128"),
      INT64_MIN,
      -1.5,
      0,
      1,
      1.0,  // equal by value: the integer first
      1.5,
      2,
      INT64_MAX,
      term(std::uint64_t{1} << 63),  // equal by value: the integer first
      0x1p63,
      term((std::uint64_t{1} << 63) + 1),
      term(UINT64_MAX),
      0x1p64,
      integer("1 0 0 0 0 0 0 0 1"),
      integer("0 0 0 0 0 0 0 0 2"),
      1e308,
      "a"_atom,
      "b"_atom,
      reference({1, 2, 3}, 0, 0),
      term::function({"m"_atom, 1, 1, fun_bytes}),
      term::function({"m"_atom, 2, 1, fun_bytes}),
      external_function{"a"_atom, "b"_atom, 1},
      external_function{"a"_atom, "b"_atom, 2},
      external_function{"a"_atom, "c"_atom, 0},
      port(1, 0, 0),
      port(2, 0, 0),
      pid(1, 0, 0, 0),
      term::tuple({}),
      term::tuple({"z"_atom}),
      term::tuple({1, 1}),
      term::tuple({1, "a"_atom}),
      term::map({}),
      term::map({{"z"_atom, 9}}),
      term::map({{1, 9}, {2, 0}}),
      term::map({{1, 0}, {3, 0}}),  // keys before values
      term::map({{1, 1}, {3, 0}}),
      term::list({}),
      term::improper_list({1}, 5),  // a tail is compared with what is left of the other list
      term::improper_list({1}, "a"_atom),
      term::list({1}),
      term::improper_list({1, 1}, 5),
      term::list({1, 1}),
      term::list({1, 2}),
      term::improper_list({1}, "a"),
      term::list({2}),
      "",
      bits(0x60, 3),
      "a",
      "aa",
      bits(0x62, 7),
      "b",
      bits(0x80, 1),
  };
  const std::size_t n = std::size(ordered);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      CAPTURE(ordered[i].to_string());
      CAPTURE(ordered[j].to_string());
      CHECK((ordered[i] <=> ordered[j]) == (i <=> j));
      CHECK((ordered[i] == ordered[j]) == (i == j));
    }
}

TEST_CASE("integers and floats are compared exactly, not as floats") {
  CHECK(term(INT64_C(9007199254740993)) > term(9007199254740992.0));
  CHECK(term(INT64_C(9007199254740991)) < term(9007199254740992.0));
  CHECK(term(INT64_MAX) < term(9223372036854775808.0));
  CHECK(term(-2) < term(-1.5));
  CHECK(term(-1) > term(-1.5));
  CHECK(term::tuple({1, "b"_atom}) > term::tuple({1.0, "a"_atom}));  // equal numbers do not decide, the rest does
  CHECK(term::tuple({1, "a"_atom}) < term::tuple({1.0, "a"_atom}));
}

TEST_CASE("equal terms have equal hashes") {
  CHECK(sample().hash() == sample().hash());
  CHECK(term(0.0).hash() == term(-0.0).hash());
  CHECK(term(1).hash() != term(1.0).hash());
  CHECK(term::list({1, 2}).hash() != term::list({2, 1}).hash());
  CHECK(term::list({term::list({}), 1}).hash() != term::list({term::list({1})}).hash());
  CHECK(term(atom("ok")).hash() == term("ok"_atom).hash());
  const std::unordered_set<term> set{1, 1.0, "a", "a"_atom, 1};
  CHECK(set.size() == 4);
}

TEST_CASE("terms are printed as Erlang prints them") {
  std::ostringstream out;
  out << sample();
  CHECK(out.str() == "{ok,[1,2.5,<<\"x\">>,#{a => 1}]}");
  CHECK(term::list({}).to_string() == "[]");
  CHECK(term::tuple({}).to_string() == "{}");
  CHECK(term::map({}).to_string() == "#{}");
  CHECK(term::map({{1, 2}, {"k", "v"}}).to_string() == "#{1 => 2,<<\"k\">> => <<\"v\">>}");
  CHECK(term::list({"Hello world"_atom, pid(12, 0, 0, 0), reference({3, 2, 1}, 0, 0)}).to_string() ==
        "['Hello world',<0.12.0>,#Ref<0.1.2.3>]");
  CHECK(term::list({104, 105}).to_string() == "[104,105]");  // Erlang would show "hi"
}

TEST_CASE("a binary is printed as text when it is printable") {
  CHECK(term("").to_string() == "<<>>");
  CHECK(term("a\"b\\\n").to_string() == "<<\"a\\\"b\\\\\\n\">>");
  CHECK(term("h\xc3\xa9").to_string() == "<<\"h\xc3\xa9\"/utf8>>");
  CHECK(term("\x01\xff").to_string() == "<<1,255>>");
  CHECK(term("\xe9t\xe9").to_string() == "<<\"\xc3\xa9t\xc3\xa9\">>");  // no UTF-8, so it may be Latin-1
  CHECK(term("\xe9\x80").to_string() == "<<233,128>>");
  CHECK(term(std::string(1, '\0')).to_string() == "<<0>>");
  CHECK(term("\x7f").to_string() == "<<127>>");
}

TEST_CASE("floats are printed with the fewest digits, and an exponent where Erlang has one") {
  const auto printed = [](double f) { return term(f).to_string(); };
  CHECK(printed(0.0) == "0.0");
  CHECK(printed(-0.0) == "-0.0");
  CHECK(printed(1.0) == "1.0");
  CHECK(printed(-2.5) == "-2.5");
  CHECK(printed(0.1) == "0.1");
  CHECK(printed(100.0) == "100.0");
  CHECK(printed(123456.789) == "123456.789");
  CHECK(printed(0.001) == "0.001");
  CHECK(printed(0.00001) == "1.0e-5");
  CHECK(printed(1.0e22) == "1.0e22");
  CHECK(printed(1.5e300) == "1.5e300");
  CHECK(printed(3.141592653589793) == "3.141592653589793");
  CHECK(printed(9007199254740992.0) == "9.007199254740992e15");
  CHECK(printed(2251799813685249.5) == "2251799813685249.5");
  CHECK(printed(5e-324) == "5.0e-324");
}

TEST_CASE("copies share, and a moved-from term can be used again") {
  term a = sample();
  const term b = a;
  CHECK(a.elements().data() == b.elements().data());
  const term c = std::move(a);
  CHECK(c == b);
  a = 5;
  CHECK(a == 5);
  term& self = a;
  a = self;
  CHECK(a == 5);
}

TEST_CASE(
    "a term a million levels deep is built, compared, hashed, printed, written and destroyed without "
    "recursion") {
  const auto deep = [](int kind) {
    term t = "x";
    for (int i = 0; i < 1'000'000; ++i)
      t = kind == 0   ? term::list({std::move(t)})
          : kind == 3 ? term::improper_list({std::move(t)}, 1)
          : kind == 1 ? term::tuple({std::move(t)})
                      : term::map({{1, std::move(t)}});
    return t;
  };
  for (int kind = 0; kind < 4; ++kind) {
    const term a = deep(kind);
    const term b = deep(kind);
    CHECK(a == b);
    CHECK(a.hash() == b.hash());
    CHECK(a.to_string().size() > 2'000'000);
    struct counter final : term_sink {
      std::size_t levels = 0;
      void put_integer(std::int64_t) override {}
      void put_floating(double) override {}
      void put_atom(atom) override {}
      void put_pid(const pid&) override {}
      void put_reference(const reference&) override {}
      void put_binary(std::string_view) override {}
      void begin_list(std::size_t) override { ++levels; }
      void end_list() override {}
      void begin_improper_list(std::size_t) override { ++levels; }
      void begin_tuple(std::size_t) override { ++levels; }
      void end_tuple() override {}
      void begin_map(std::size_t) override { ++levels; }
      void end_map() override {}
    } sink;
    sink.put_term(a);
    CHECK(sink.levels == 1'000'000);
  }
}

TEST_CASE("a shared part of a destroyed term lives on") {
  term inner = term::list({1, "kept"});
  {
    const term outer = term::tuple({inner, inner, term::map({{inner, inner}})});
    CHECK(outer.size() == 3);
  }
  CHECK(inner == term::list({1, "kept"}));
}

TEST_CASE("threads may copy and drop one term at once") {
  const term shared = sample();
  std::vector<std::jthread> workers;
  std::vector<std::size_t> good(4);
  for (auto& mine : good)
    workers.emplace_back([&mine, &shared] {
      std::vector<term> kept;
      for (int i = 0; i < 2000; ++i) {
        kept.push_back(shared);
        kept.push_back(shared[1]);
        if (kept.size() > 50) kept.clear();
        mine += shared[1][2] == "x";
      }
    });
  workers.clear();
  for (const auto mine : good) CHECK(mine == 2000);
}

TEST_CASE("the last of several threads to drop a term destroys it") {
  for (int round = 0; round < 200; ++round) {
    term shared = sample();
    std::vector<std::jthread> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back([copy = shared]() mutable { copy = 1; });
    shared = 0;
  }
}

TEST_CASE("a message's dynamic key is its tag and arity, or its kind") {
  CHECK(dynamic_key(term::tuple({"add"_atom, 1})) == dynamic_key(term::tuple({atom("add"), "x"})));
  CHECK(dynamic_key(term::tuple({"add"_atom, 1})) != dynamic_key(term::tuple({"add"_atom, 1, 2})));
  CHECK(dynamic_key(term::tuple({"add"_atom, 1})) != dynamic_key(term::tuple({"sub"_atom, 1})));
  CHECK(dynamic_key("add"_atom) == dynamic_key(atom("add")));
  CHECK(dynamic_key("add"_atom) != dynamic_key(term::tuple({"add"_atom})));
  CHECK(dynamic_key(1) == dynamic_key(2));
  CHECK(dynamic_key(1) != dynamic_key("1"));
  CHECK(dynamic_key(term::tuple({1, 2})) == dynamic_key(term::tuple({})));
  CHECK(dynamic_key(term::list({1, 2})) == dynamic_key(term::list({})));
}

TEST_CASE("a term_writer refuses what is not one whole value") {
  term_writer none;
  CHECK_THROWS_AS(none.take(), std::logic_error);
  term_writer two;
  two.put_integer(1);
  two.put_integer(2);
  CHECK_THROWS_AS(two.take(), std::logic_error);
  term_writer open;
  open.begin_list(1);
  open.put_integer(1);
  CHECK_THROWS_AS(open.take(), std::logic_error);
  CHECK_THROWS_AS(term_writer().end_list(), std::logic_error);
}

TEST_CASE("a format that has no such thing refuses what only terms carry, with its kind and value") {
  struct plain final : term_sink {
    void put_integer(std::int64_t) override {}
    void put_floating(double) override {}
    void put_atom(atom) override {}
    void put_pid(const pid&) override {}
    void put_reference(const reference&) override {}
    void put_binary(std::string_view) override {}
    void begin_list(std::size_t) override {}
    void end_list() override {}
    void begin_tuple(std::size_t) override {}
    void end_tuple() override {}
    void begin_map(std::size_t) override {}
    void end_map() override {}
  } sink;
  CHECK_THROWS_WITH_AS(sink.put_term(term::list({UINT64_MAX})),
                       doctest::Contains("no integers beyond 64 bits such as 18446744073709551615"),
                       std::invalid_argument);
  CHECK_THROWS_AS(sink.put_unsigned(UINT64_MAX), std::invalid_argument);
  CHECK_THROWS_WITH_AS(sink.put_term(port(5, 0, 0)), doctest::Contains("no ports such as #Port<0.5>"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sink.put_term(bits(0xe0, 3)), doctest::Contains("no bit strings such as <<7:3>>"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sink.put_term(external_function{"a"_atom, "b"_atom, 1}), doctest::Contains("fun a:b/1"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sink.put_term(term::improper_list({1}, 2)), doctest::Contains("improper lists"),
                       std::invalid_argument);
}

TEST_CASE("a term_writer rebuilds terms of every kind from their parts") {
  const std::byte fun_bytes[] = {std::byte{112}, std::byte{1}};
  const term all = term::list({UINT64_MAX, bits(0x80, 1), term::improper_list({1, sample()}, "t"_atom), port(1, 2, 0),
                               external_function{"a"_atom, "b"_atom, 1}, term::function({"m"_atom, 1, 2, fun_bytes})});
  term_writer writer;
  static_cast<term_sink&>(writer).term_sink::put_term(all);
  CHECK(writer.take() == all);
}
