// SPDX-License-Identifier: BSL-1.0
// Values as JSON and back: each row of the table in json.hpp, and the words for what does not fit.
#include "described.hpp"

#include <troupe/mailbox/json.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;
using nlohmann::json;

namespace json_test {

struct increment {
  int by;
  friend bool operator==(const increment&, const increment&) = default;
};
struct reset {
  friend bool operator==(const reset&, const reset&) = default;
};
struct line {
  std::uint8_t qty;
  std::string what;
  friend bool operator==(const line&, const line&) = default;
};
struct order {
  int id;
  std::vector<line> lines;
  std::optional<std::string> note;
  friend bool operator==(const order&, const order&) = default;
};
enum class color { red, green };
struct paint {
  color what;
  reset again;
  friend bool operator==(const paint&, const paint&) = default;
};
struct choice {
  std::variant<increment, reset, int> what;
  friend bool operator==(const choice&, const choice&) = default;
};
struct raw {
  std::vector<std::byte> content;
  std::array<std::byte, 2> two;
  friend bool operator==(const raw&, const raw&) = default;
};
struct prices {
  std::map<std::string, int> by_name;
  std::map<int, std::string> by_number;
  friend bool operator==(const prices&, const prices&) = default;
};
struct who {
  pid p;
  reference r;
  port q;
  atom a;
  friend bool operator==(const who&, const who&) = default;
};
struct tree {
  int value;
  std::vector<tree> children;
  std::unique_ptr<tree> next;
};
struct anything {
  term what;
};
struct paired {
  std::pair<int, std::string> p;
};
struct numbers {
  std::int64_t low;
  std::uint64_t high;
  double d;
  float f;
  bool b;
  std::chrono::milliseconds ms;
  friend bool operator==(const numbers&, const numbers&) = default;
};

class temperature {
 public:
  explicit temperature(int degrees) : degrees_(degrees) {}
  int degrees() const { return degrees_; }

 private:
  int degrees_;
};
struct weather {
  temperature now;
};

}  // namespace json_test

using namespace json_test;

template <>
struct troupe::codec<temperature> {
  static void visit(const temperature& t, term_sink& sink) { sink.put_integer(t.degrees()); }
  static temperature build(term_source& source) {
    const int degrees = codec<int>::build(source);
    if (degrees < -273) throw decode_error("", "at least -273", std::to_string(degrees));
    return temperature(degrees);
  }
};

namespace {

// Here because clang once warned about a struct of an unnamed namespace with an optional of such a struct.
struct hidden {
  int x;
  friend bool operator==(const hidden&, const hidden&) = default;
};
struct many_hidden {
  std::optional<hidden> maybe;
  std::optional<int> number;
  std::variant<int, hidden> either;
  std::vector<hidden> several;
  std::array<hidden, 1> one;
  std::tuple<int, hidden> both;
  friend bool operator==(const many_hidden&, const many_hidden&) = default;
};
static_assert(sendable<many_hidden>);

/// As JSON, and that it comes back: from the JSON, from its text, and by descriptor.
template <class T>
std::string round_trip(const T& value) {
  const json j = to_json(value);
  CHECK(from_json<T>(j) == value);
  CHECK(to_json(descriptor_of<T>, &value) == j);
  const std::string text = to_json_text(value);
  CHECK(parse_json<T>(text) == value);
  CHECK(parse_json(text) == j);
  return text;
}

/// The text of the error that reading it gives.
template <class T>
std::string error_of(std::string_view text) {
  try {
    parse_json<T>(text);
  } catch (const decode_error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a message is an object of its name and its members, an empty one its name") {
  CHECK(round_trip(increment{3}) == R"({"increment":{"by":3}})");
  CHECK(round_trip(reset{}) == R"("reset")");
  CHECK(parse_json<reset>(R"({"reset": {}})") == reset{});
  CHECK(to_json_text(increment{3}, 2) == "{\n  \"increment\": {\n    \"by\": 3\n  }\n}");
}

TEST_CASE("structs inside, whose type is known, go without their name") {
  CHECK(round_trip(order{7, {{1, "a"}, {2, "b"}}, "hot"}) ==
        R"({"order":{"id":7,"lines":[{"qty":1,"what":"a"},{"qty":2,"what":"b"}],"note":"hot"}})");
  CHECK(round_trip(paint{color::green, {}}) == R"({"paint":{"again":"reset","what":"green"}})");
  CHECK(round_trip(std::vector{increment{1}}) == R"([{"by":1}])");
  CHECK(round_trip(std::optional(increment{1})) == R"({"increment":{"by":1}})");
}

TEST_CASE("in a variant the name tells the alternatives apart") {
  CHECK(round_trip(choice{increment{3}}) == R"({"choice":{"what":{"increment":{"by":3}}}})");
  CHECK(round_trip(choice{reset{}}) == R"({"choice":{"what":"reset"}})");
  CHECK(round_trip(choice{5}) == R"({"choice":{"what":5}})");
  CHECK(round_trip(std::vector<std::variant<increment, order>>{increment{1}, order{1, {}, {}}}) ==
        R"([{"increment":{"by":1}},{"order":{"id":1,"lines":[],"note":null}}])");
  using nested = std::variant<int, std::optional<std::variant<increment, reset>>>;
  CHECK(round_trip(nested(std::optional<std::variant<increment, reset>>(increment{1}))) == R"({"increment":{"by":1}})");
  CHECK(round_trip(std::variant<double, int>(3)) == "3");
  CHECK(round_trip(std::variant<double, int>(3.0)) == "3.0");
  // The elements of a list in a variant are known again.
  CHECK(round_trip(std::variant<int, std::vector<increment>>(std::vector{increment{1}})) == R"([{"by":1}])");
}

TEST_CASE("numbers are numbers, to their last bit") {
  CHECK(round_trip(numbers{INT64_MIN, UINT64_MAX, 0.1, 0.5f, true, 5ms}) ==
        R"({"numbers":{"b":true,"d":0.1,"f":0.5,"high":18446744073709551615,"low":-9223372036854775808,"ms":5}})");
  CHECK(round_trip(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
  CHECK(round_trip(5e-324) == "5e-324");
  CHECK(parse_json<double>("3") == 3.0);
  CHECK(parse_json<double>("18446744073709551615") == 18446744073709551615.0);
  CHECK(round_trip(std::byte{9}) == "9");
  CHECK_THROWS_AS(to_json(std::numeric_limits<double>::infinity()), std::invalid_argument);
  CHECK_THROWS_AS(to_json(static_cast<color>(9)), std::invalid_argument);
}

TEST_CASE("text is a string, bytes are base64") {
  CHECK(round_trip(std::string("a\"\n\u00e9")) == "\"a\\\"\\n\u00e9\"");
  CHECK(round_trip(std::string("\xff\x01")) == R"({"$binary":"/wE="})");
  CHECK(round_trip(raw{{std::byte{1}}, {std::byte{2}, std::byte{3}}}) == R"({"raw":{"content":"AQ==","two":"AgM="}})");
  std::vector<std::byte> bytes;
  for (int i = 0; i < 70; ++i) {
    CHECK(from_json<std::vector<std::byte>>(to_json(bytes)) == bytes);
    bytes.push_back(static_cast<std::byte>(i * 37));
  }
}

TEST_CASE("a map is an object when its keys are strings, else a list of pairs") {
  CHECK(round_trip(prices{{{"tea", 3}}, {{1, "one"}}}) ==
        R"({"prices":{"by_name":{"tea":3},"by_number":[[1,"one"]]}})");
  CHECK(round_trip(std::map<color, int>{{color::red, 1}}) == R"({"red":1})");
  CHECK(round_trip(std::unordered_map<atom, int>{{"a b"_atom, 1}}) == R"({"a b":1})");
  CHECK(round_trip(std::map<pid, int>{{pid(5, 0, 0, 0), 1}}) == R"({"<0.5.0>":1})");
  CHECK(round_trip(std::map<std::string, int>{{"\xff", 1}}) == R"([[{"$binary":"/w=="},1]])");
  CHECK(round_trip(std::map<std::variant<int, std::string>, int>{{1, 1}, {"a", 2}}) == R"([[1,1],["a",2]])");
  CHECK(parse_json<std::map<std::string, int>>("[]").empty());
  CHECK(parse_json<std::map<int, int>>("{}").empty());
}

TEST_CASE("sequences, pairs and tuples are arrays") {
  CHECK(round_trip(std::list{1, 2}) == "[1,2]");
  CHECK(round_trip(std::set{2, 1}) == "[1,2]");
  CHECK(round_trip(std::array{1, 2}) == "[1,2]");
  CHECK(round_trip(std::tuple(1, true, std::string("x"))) == R"([1,true,"x"])");
  CHECK(round_trip(std::pair(1, increment{2})) == R"([1,{"by":2}])");
}

TEST_CASE("nothing is null, and an optional member may be left out") {
  CHECK(round_trip(order{7, {}, {}}) == R"({"order":{"id":7,"lines":[],"note":null}})");
  CHECK(parse_json<order>(R"({"order": {"id": 7, "lines": []}})") == order{7, {}, {}});
  CHECK(round_trip(std::monostate()) == "null");
  CHECK(round_trip(std::optional<std::string>("undefined")) == R"("undefined")");
  CHECK(*parse_json<std::unique_ptr<int>>("4") == 4);
  CHECK(parse_json<std::shared_ptr<const int>>("null") == nullptr);
}

TEST_CASE("atoms, pids, references and ports are strings as they print") {
  const node_index there = add_node("json_there@h", 3);
  CHECK(round_trip(who{pid(5, 0, 0, 0), reference({1, 2, 3}, 0, 0), port(7, 0, 0), "ok"_atom}) ==
        R"({"who":{"a":"ok","p":"<0.5.0>","q":"#Port<0.7>","r":"#Ref<0.3.2.1>"}})");
  CHECK(from_json<pid>("<0.5.0>", there) == pid(5, 0, 3, there));
  CHECK(error_of<pid>(R"("<5>")") == R"(expected pid such as "<0.5.0>", got "<5>")");
  CHECK(error_of<pid>(R"("#Ref<0.3.2.1>")") == R"(expected pid such as "<0.5.0>", got "#Ref<0.3.2.1>")");
  CHECK(error_of<reference>("1") == R"(expected reference such as "#Ref<0.1.2.3>", got 1)");
  CHECK(error_of<port>("null") == R"(expected port such as "#Port<0.5>", got null)");
  CHECK(error_of<atom>("1") == "expected string, got 1");
  CHECK(error_of<atom>('"' + std::string(256, 'x') + '"').starts_with("expected string, got \"xxx"));
}

TEST_CASE("types that hold themselves come back, and nothing nests deeper than 512 levels") {
  const auto nested = [](int levels) {
    std::string text;
    for (int i = 0; i < levels; ++i) text += R"({"value":1,"children":[],"next":)";
    return R"({"tree":)" + text + "null" + std::string(static_cast<std::size_t>(levels), '}') + "}";
  };
  CHECK(parse_json<tree>(nested(500)).value == 1);
  CHECK(to_json_text(parse_json<tree>(nested(500))).size() > 500);
  CHECK(error_of<tree>(nested(513)).ends_with(": expected at most 512 levels of nesting, got more"));
  CHECK(error_of<tree>(std::string(1'000'000, '[')) ==
        "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/...: "
        "expected at most 512 levels of nesting, got more");
  tree deep{.value = 0, .children = {}, .next = nullptr};
  for (int i = 0; i < 600; ++i)
    deep = tree{.value = i, .children = {}, .next = std::make_unique<tree>(std::move(deep))};
  CHECK_THROWS_WITH_AS(to_json(deep), "troupe: JSON may not nest deeper than 512 levels", std::invalid_argument);
  // JSON that a program put together may be deeper than text can be.
  json inside = nullptr;
  for (int i = 0; i < 1000; ++i) inside = json{{"value", 1}, {"children", json::array()}, {"next", std::move(inside)}};
  CHECK_THROWS_WITH_AS(from_json<tree>(json{{"tree", inside}}), doctest::Contains("at most 512 levels of nesting"),
                       decode_error);
}

TEST_CASE("structs of unnamed namespaces are structs like others") {
  CHECK(round_trip(many_hidden{hidden{1}, 2, hidden{3}, {{4}}, {{{5}}}, {6, {7}}}) ==
        R"({"many_hidden":{"both":[6,{"x":7}],"either":{"hidden":{"x":3}},"maybe":{"x":1},"number":2,"one":[{"x":5}],)"
        R"("several":[{"x":4}]}})");
}

TEST_CASE("a class with a codec of its own is what that codec says") {
  CHECK(to_json_text(weather{temperature(20)}) == R"({"weather":{"now":20}})");
  CHECK(parse_json<weather>(R"({"weather":{"now":-5}})").now.degrees() == -5);
  CHECK(error_of<weather>(R"({"weather":{"now":-300}})") == "/weather/now: expected at least -273, got -300");
  CHECK(error_of<weather>(R"({"weather":{"now":"x"}})") ==
        "/weather/now: expected integer in -2147483648..2147483647, got \"x\"");
}

TEST_CASE("what a description says holds for JSON") {
  using namespace described_test;
  CHECK(round_trip(described_test::order{.id = 7, .what = "tea"}) == R"({"purchase":{"number":7,"what":"tea"}})");
  CHECK(round_trip(only_skipped{}) == R"("only_skipped")");
  CHECK(round_trip(visit{{"Ann", {"Elm", 9}}, 2}) == R"({"visit":{"name":"Ann","nights":2,"road":"Elm","zip":9}})");
  CHECK(round_trip(booking{money(250), level::high, std::chrono::sys_seconds(60s)}) ==
        R"({"booking":{"at":"60s","cents":250,"urgency":3}})");
  CHECK(round_trip(level::high) == "3");
  CHECK(round_trip(lenient{1, 2}) == R"({"lenient":{"a":1,"b":2}})");
  CHECK(parse_json<lenient>(R"({"lenient":{"a":1}})") == lenient{1, 8});
  CHECK(error_of<visit>(R"({"visit":{"name":"Ann","nights":2,"road":"Elm"}})") ==
        "/visit/zip: expected integer in -2147483648..2147483647, got nothing");
  CHECK(error_of<visit>(R"({"visit":{"name":"Ann","nights":2,"road":"Elm","zip":1,"guest":1}})") ==
        R"(/visit: expected no member but name, road, zip, nights, got "guest")");
  CHECK(error_of<booking>(R"({"booking":{"at":"60s","cents":-1,"urgency":3}})") ==
        "/booking/cents: expected cents, got -1");
  CHECK(error_of<booking>(R"({"booking":{"at":"60","cents":1,"urgency":3}})") ==
        "/booking/at: expected seconds, got 60");
  CHECK(error_of<booking>(R"({"booking":{"at":"60s","cents":1,"urgency":2}})") ==
        "/booking/urgency: expected 1 or 3, got 2");
}

TEST_CASE("an error says where as a JSON pointer, what was expected and what was there") {
  CHECK(error_of<json_test::order>(R"({"order":{"id":1,"lines":[{"qty":1,"what":"a"},{"qty":"x","what":"b"}]}})") ==
        R"(/order/lines/1/qty: expected integer in 0..255, got "x")");
  CHECK(error_of<json_test::order>(R"({"order":{"id":1,"lines":[{"qty":300,"what":"a"}]}})") ==
        "/order/lines/0/qty: expected integer in 0..255, got 300");
  CHECK(error_of<increment>(R"({"increment":{"by":3.5}})") ==
        "/increment/by: expected integer in -2147483648..2147483647, got 3.5");
  CHECK(error_of<increment>(R"({"increment":{"by":99999999999999999999}})") ==
        "/increment/by: expected integer in -2147483648..2147483647, got 99999999999999999999");
  CHECK(error_of<std::vector<float>>("[1, 1e300]") == "/1: expected number that fits in 32 bits, got 1e+300");
  CHECK(error_of<paired>(R"({"paired":{"p":[1,2]}})") == "/paired/p/1: expected string, got 2");
  CHECK(error_of<paired>(R"({"paired":{"p":[1]}})") == "/paired/p: expected array of 2 elements, got [1]");
  CHECK(error_of<prices>(R"({"prices":{"by_name":{"a/b~":"x"},"by_number":[]}})") ==
        R"(/prices/by_name/a~1b~0: expected integer in -2147483648..2147483647, got "x")");
  CHECK(error_of<prices>(R"({"prices":{"by_name":{},"by_number":[[1,"a"],["b","b"]]}})") ==
        R"(/prices/by_number/1/0: expected integer in -2147483648..2147483647, got "b")");
  CHECK(error_of<prices>(R"({"prices":{"by_name":{},"by_number":[[1]]}})") ==
        "/prices/by_number: expected object, or array of [key, value], got [[1]]");
  CHECK(error_of<std::map<std::string, int>>("5") == "expected object, got 5");
  CHECK(error_of<raw>(R"({"raw":{"content":"?","two":""}})") == R"(/raw/content: expected bytes in base64, got "?")");
  CHECK(error_of<raw>(R"({"raw":{"content":"","two":"AQ=="}})") ==
        R"(/raw/two: expected 2 bytes in base64, got "AQ==")");
  CHECK(error_of<bool>("1") == "expected true or false, got 1");
  CHECK(error_of<double>(R"("x")") == R"(expected number, got "x")");
  CHECK(error_of<std::optional<std::string>>("1") == "expected string, got 1");
  CHECK(error_of<std::vector<int>>("{}") == "expected array, got {}");
  try {
    parse_json<increment>(R"({"increment":{"by":"x"}})");
  } catch (const decode_error& e) {
    CHECK(e.path() == "/increment/by");
    CHECK(e.expected() == "integer in -2147483648..2147483647");
    CHECK(e.got() == "\"x\"");
  }
}

TEST_CASE("an error about a name says which names there are") {
  CHECK(error_of<increment>(R"({"decrement":{"by":3}})") ==
        R"(expected {"increment": {by}}, got {"decrement":{"by":3}})");
  CHECK(error_of<increment>(R"({"by":3})") == R"(expected {"increment": {by}}, got {"by":3})");
  CHECK(error_of<reset>(R"("rest")") == R"(expected reset, got "rest")");
  CHECK(error_of<json_test::order>(R"({"order":{"id":1,"lines":[5]}})") ==
        "/order/lines/0: expected object {qty, what}, got 5");
  CHECK(error_of<choice>(R"({"choice":{"what":{"by":3}}})") ==
        R"(/choice/what: expected {"increment": {by}} | reset | integer in -2147483648..2147483647, got {"by":3})");
  CHECK(error_of<paint>(R"({"paint":{"what":"blue","again":"reset"}})") ==
        R"(/paint/what: expected one of red, green, got "blue")");
  CHECK(error_of<json_test::order>(R"({"order":{"lines":[]}})") ==
        "/order/id: expected integer in -2147483648..2147483647, got nothing");
  CHECK(error_of<json_test::order>(R"({"order":{"idd":1,"lines":[]}})") ==
        R"(/order/id: expected integer in -2147483648..2147483647, got nothing, but there is "idd")");
  CHECK(error_of<json_test::order>(R"({"order":{"id":1,"lines":[],"nota":"x"}})") ==
        R"(/order: expected no member but id, lines, note, got "nota" (note?))");
  CHECK(error_of<json_test::order>(R"({"order":{"id":1,"lines":[{"qty":1,"what":"a","color":1}]}})") ==
        R"(/order/lines/0: expected no member but qty, what, got "color")");
  CHECK(error_of<anything>(R"({"anything":{}})") == "/anything/what: expected any term, got nothing");
}

TEST_CASE("a key may not be there twice") {
  CHECK(error_of<increment>(R"({"increment":{"by":3,"by":4}})") ==
        R"(/increment: expected each key once, got "by" twice)");
  CHECK(error_of<prices>(R"({"prices":{"by_name":{},"by_number":[[1,"a"],[1,"b"]]}})") ==
        "/prices/by_number: expected each key once, got 1 twice");
  CHECK_THROWS_AS(parse_json(R"([{"a":{"b":1,"b":2}}])"), decode_error);
}

TEST_CASE("text that is no JSON is refused with line and column") {
  CHECK(error_of<int>("") == "line 1, column 1: expected '[', '{', or a literal, got end of input");
  CHECK(error_of<int>("[1,\n  2,]") == "line 2, column 5: expected '[', '{', or a literal, got ']'");
  CHECK(error_of<int>("1 2") == "line 1, column 3: expected end of input, got number literal");
  CHECK(error_of<int>("nul") == "line 1, column 4: expected JSON, got invalid literal; last read: 'nul'");
  CHECK(error_of<int>("[1e999]") ==
        "line 1, column 6: expected a number that 64 bits of floating point hold, got 1e999");
  CHECK(error_of<int>("\"\xff\"").starts_with("line 1, column 2: expected JSON, got invalid string: ill-formed UTF-8"));
  CHECK(error_of<int>('"' + std::string(10'000, 'x')).size() < 200);
}

TEST_CASE("a long or deep value is cut in an error") {
  CHECK(error_of<int>('"' + std::string(10'000, 'x') + '"').size() < 200);
  json deep = 1;
  for (int i = 0; i < 100'000; ++i) deep = json::array({std::move(deep)});
  CHECK_THROWS_WITH_AS(from_json<int>(deep),
                       "expected integer in -2147483648..2147483647, got [[[[[[[[[[[[[[[[[[[[...]]]]]]]]]]]]]]]]]]]]",
                       decode_error);
}

TEST_CASE("a type that is known only when the program runs is built in place") {
  const type_descriptor& type = descriptor_of<json_test::order>;
  alignas(json_test::order) std::byte place[sizeof(json_test::order)];
  from_json(type, place, parse_json(R"({"order":{"id":7,"lines":[],"note":"x"}})"));
  auto* made = reinterpret_cast<json_test::order*>(place);
  CHECK(made->note == "x");
  CHECK(to_json_text(type, place) == R"({"order":{"id":7,"lines":[],"note":"x"}})");
  type.destroy(place);
  CHECK_THROWS_WITH_AS(from_json(type, place, json{{"order", 1}}),
                       R"(expected {"order": {id, lines, note}}, got {"order":1})", decode_error);
}

TEST_CASE("hostile text gives an error or a value, never more") {
  // Valid text, spoiled at random.
  std::mt19937 random(1);
  const std::string good =
      R"({"order":{"id":7,"lines":[{"qty":1,"what":"a"},{"qty":2,"what":"\u00e9"}],"note":{"$term":"<0.5.0>"}}})";
  int values = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (unsigned n = random() % 4 + 1; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 8); break;
        default: text.insert(at, good.substr(random() % good.size(), random() % 12));
      }
      if (text.empty()) text = " ";
    }
    try {
      parse_json<json_test::order>(text);
      ++values;
    } catch (const decode_error&) {
    }
    try {
      parse_json<term>(text);
      ++values;
    } catch (const decode_error&) {
    }
  }
  CHECK(values > 100);
}
