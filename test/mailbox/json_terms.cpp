// SPDX-License-Identifier: BSL-1.0
// Terms as JSON: what is written for each kind, and that every term comes back as it was.
#include <troupe/mailbox/json.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace troupe;
using nlohmann::json;

namespace {

std::string round_trip(const term& t) {
  const std::string text = to_json_text(t);
  CHECK(parse_json<term>(text) == t);
  CHECK(from_json<term>(to_json(t)) == t);
  return text;
}

std::string error_of(std::string_view text) {
  try {
    parse_json<term>(text);
  } catch (const decode_error& e) {
    return e.what();
  }
  return "no error";
}

term erlang(std::string_view text) {
  return term::parse(text);
}

/// Terms of all kinds, made from a seed.
class maker {
 public:
  explicit maker(unsigned seed) : random_(seed) {}

  term make(int depth) {
    const std::uint64_t kind = below(depth > 0 ? 15 : 10);
    switch (kind) {
      case 0: return static_cast<std::int64_t>(number() >> below(64));
      case 1: return number();
      case 2: return big();
      case 3: return floating();
      case 4: return name();
      case 5: return term(bytes(below(2) == 0));
      case 6: return bits();
      case 7: return pid(word(), word(), 0, 0);
      case 8: return reference({static_cast<std::uint32_t>(below(1u << 18)), word(), word()}, 0, 0);
      case 9: return below(2) == 0 ? term(port(number() >> 36, 0, 0)) : function();
      case 10:
      case 11: return term::list(many(depth));
      case 12: return term::tuple(many(depth));
      case 13: {
        std::vector<term> elements = many(depth);
        elements.push_back(1);
        return term::improper_list(std::move(elements), make(depth - 1));
      }
      default: return map(depth);
    }
  }

 private:
  std::uint64_t number() { return random_(); }
  std::uint32_t word() { return static_cast<std::uint32_t>(below(1u << 28)); }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  term big() {
    std::vector<std::byte> magnitude(8 + below(40));
    for (std::byte& b : magnitude) b = static_cast<std::byte>(number());
    return term::integer(below(2) == 0, magnitude);
  }
  term floating() {
    const double values[] = {0.0, 1.0, -2.5, 0.1, 1e300, 5e-324, 1e22, 123456789012345680.0};
    if (below(2) == 0) return values[below(std::size(values))];
    return static_cast<double>(static_cast<std::int64_t>(number())) / 1e6;
  }
  term name() {
    constexpr std::string_view names[] = {"ok", "true", "false", "undefined", "null", "", "a b", "$atom", "\u00e9"};
    return atom(names[below(std::size(names))]);
  }
  std::string bytes(bool text) {
    constexpr std::string_view texts[] = {
        "", "x", "$atom", "$", "a\"b\\\n", "\u00e9\u20ac", std::string_view("\0z", 2)};
    if (text) return std::string(texts[below(std::size(texts))]);
    std::string all(below(6), ' ');
    for (char& c : all) c = static_cast<char>(number());
    return all;
  }
  term bits() {
    const std::string all = bytes(false) + "x";
    return term::bit_string(std::as_bytes(std::span(all.data(), all.size())), all.size() * 8 - below(8));
  }
  term function() {
    if (below(2) == 0) return external_function{"lists"_atom, "map"_atom, static_cast<std::uint8_t>(below(256))};
    const std::string external = "p" + bytes(false);
    return term::function({"m"_atom, static_cast<std::int64_t>(number()), -1,
                           std::as_bytes(std::span(external.data(), external.size()))});
  }
  std::vector<term> many(int depth) {
    std::vector<term> all;
    for (std::uint64_t n = below(4); n > 0; --n) all.push_back(make(depth - 1));
    return all;
  }
  term map(int depth) {
    const bool plain = below(2) == 0;
    std::vector<std::pair<term, term>> items;
    for (std::uint64_t n = below(4); n > 0; --n) {
      term key = plain ? term(bytes(true)) : make(depth - 1);
      bool twice = false;
      for (const auto& item : items) twice = twice || item.first == key;
      if (!twice) items.emplace_back(std::move(key), make(depth - 1));
    }
    return term::map(std::move(items));
  }

  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("terms that JSON has words for are those words") {
  CHECK(round_trip(erlang("[1,-7,18446744073709551615,2.0,true,false,undefined,<<\"text\">>]")) ==
        R"([1,-7,18446744073709551615,2.0,true,false,null,"text"])");
  CHECK(round_trip(erlang("#{<<\"a\">> => 1,<<\"b\">> => [#{}]}")) == R"({"a":1,"b":[{}]})");
}

TEST_CASE("all other terms are an object of one key that begins with $") {
  CHECK(round_trip(erlang("ok")) == R"({"$atom":"ok"})");
  CHECK(round_trip(erlang("{ok,1}")) == R"({"$tuple":[{"$atom":"ok"},1]})");
  CHECK(round_trip(erlang("#{a => 1,2 => 3}")) == R"({"$map":[[2,3],[{"$atom":"a"},1]]})");
  CHECK(round_trip(erlang("#{<<\"$atom\">> => 1}")) == R"({"$map":[["$atom",1]]})");
  CHECK(round_trip(erlang("<<255>>")) == R"({"$binary":"/w=="})");
  CHECK(round_trip(erlang("[1|2]")) == R"({"$improper_list":[[1],2]})");
  CHECK(round_trip(erlang("<0.5.0>")) == R"({"$term":"<0.5.0>"})");
  CHECK(round_trip(erlang("<<5:3>>")) == R"({"$term":"<<5:3>>"})");
  CHECK(round_trip(erlang("fun lists:map/2")) == R"({"$term":"fun lists:map/2"})");
  CHECK(round_trip(erlang("18446744073709551616")) == R"({"$term":"18446744073709551616"})");
  CHECK(round_trip(erlang("-9223372036854775809")) == R"({"$term":"-9223372036854775809"})");
  const std::byte external[] = {std::byte{112}, std::byte{0}};
  CHECK(round_trip(term::function({"m"_atom, 1, 2, external})) ==
        R"({"$function":{"external":"cAA=","index":1,"module":"m","uniq":2}})");
}

TEST_CASE("a term may be written by hand as Erlang writes it") {
  CHECK(parse_json<term>(R"({"$term": "{ok, [1, <<\"x\">>]}."})") == erlang("{ok,[1,<<\"x\">>]}"));
  CHECK(parse_json<term>("[1, 99999999999999999999]") == erlang("[1,99999999999999999999]"));
}

TEST_CASE("the number 0 in a pid is the node that the reader says") {
  const node_index there = add_node("json_terms_there@h", 3);
  CHECK(parse_json<term>(R"({"$term": "<0.5.0>"})", there) == term(pid(5, 0, 3, there)));
}

TEST_CASE("any term comes back as it was") {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const term t = maker(seed).make(4);
    const std::string text = to_json_text(t);
    INFO(seed);
    INFO(t.to_string());
    INFO(text);
    CHECK(parse_json<term>(text) == t);
    CHECK(from_json<term>(to_json(t)) == t);
  }
}

TEST_CASE("an error in a term says where and what") {
  CHECK(error_of(R"([1, {"$atm": "x"}])") ==
        R"(/1: expected one of $atom, $binary, $function, $improper_list, $map, $term, $tuple, got "$atm")");
  CHECK(error_of(R"({"a": {"$atom": 1}})") == "/a/$atom: expected string, got 1");
  CHECK(error_of(R"({"$atom": ")" + std::string(256, 'x') + "\"}")
            .starts_with("/$atom: expected string of at most 255 characters"));
  CHECK(error_of(R"({"$tuple": [1, {"$tuple": 2}]})") == "/$tuple/1/$tuple: expected array, got 2");
  CHECK(error_of(R"({"$map": [[1, 2], [1, 3]]})") == "/$map: expected each key once, got [[1,2],[1,3]]");
  CHECK(error_of(R"({"$map": [[1]]})") == "/$map/0: expected [key, value], got [1]");
  CHECK(error_of(R"({"$binary": "x"})") == R"(/$binary: expected bytes in base64, got "x")");
  CHECK(error_of(R"({"$improper_list": [1]})") == "/$improper_list: expected [[element, ...], tail], got [1]");
  CHECK(error_of(R"({"$term": "{ok"})").starts_with("/$term: expected an Erlang term: "));
  CHECK(error_of(R"({"$function": 1})").starts_with("/$function: expected {\"module\": string"));
  CHECK(error_of(R"({"$tuple": [], "b": 1})") ==
        R"(expected an object whose keys do not begin with $, got {"$tuple":[],"b":1})");
}

TEST_CASE("a term is written and read 512 levels deep and no deeper") {
  term t = 1;
  for (int i = 0; i < 511; ++i) t = term::list({t});
  CHECK(parse_json<term>(to_json_text(t)) == t);
  CHECK_THROWS_WITH_AS(to_json(term::list({t})), "troupe: JSON may not nest deeper than 512 levels",
                       std::invalid_argument);
  json deep = 1;
  for (int i = 0; i < 100'000; ++i) deep = json::array({std::move(deep)});
  CHECK_THROWS_WITH_AS(from_json<term>(deep), doctest::Contains("expected at most 512 levels of nesting, got more"),
                       decode_error);
}
