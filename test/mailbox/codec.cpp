// SPDX-License-Identifier: BSL-1.0
// Values to terms and back: each row of the table in codec.hpp, and what does not fit.
#include <troupe/mailbox/to_term.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

namespace codec_test {

struct line {
  std::uint8_t qty;
  std::string what;
  friend bool operator==(const line&, const line&) = default;
};
struct order {
  int id;
  std::vector<line> lines;
  friend bool operator==(const order&, const order&) = default;
};
struct reset {
  friend bool operator==(const reset&, const reset&) = default;
};
enum class color { red, green };
struct tree {
  int value;
  std::vector<tree> children;
  std::unique_ptr<tree> next;
};
struct with_const {
  const int fixed;
  bool flag;
};
struct add {
  int by;
  friend bool operator==(const add&, const add&) = default;
};
struct sub {
  int by;
  friend bool operator==(const sub&, const sub&) = default;
};
struct prices {
  std::map<std::string, int> by_name;
};
struct choice {
  std::variant<add, reset, std::string> what;
};
struct paired {
  std::pair<int, std::string> p;
};

class money {
 public:
  explicit money(std::int64_t cents) : cents_(cents) {}
  std::int64_t cents() const { return cents_; }

 private:
  std::int64_t cents_;
};
struct bill {
  money total;
};

}  // namespace codec_test

using namespace codec_test;

template <>
struct troupe::codec<money> {
  static void visit(const money& m, term_sink& sink) { sink.put_integer(m.cents()); }
  static money build(term_source& source) { return money(codec<std::int64_t>::build(source)); }
};

namespace {

/// The text of the error that decoding gives.
template <class T>
std::string error_of(const term& t) {
  try {
    from_term<T>(t);
  } catch (const decode_error& e) {
    CHECK(!try_from_term<T>(t).has_value());
    CHECK(!term_matches<T>(t));
    return e.what();
  }
  return "no error";
}

/// As a term, and that it comes back.
template <class T>
std::string round_trip(const T& value) {
  const term t = to_term(value);
  CHECK(from_term<T>(t) == value);
  CHECK(term_matches<T>(t));
  return t.to_string();
}

}  // namespace

TEST_CASE("a struct is the tuple of its name and members, an empty one the atom of its name") {
  CHECK(round_trip(order{7, {{1, "a"}, {2, "b"}}}) == "{order,7,[{line,1,<<\"a\">>},{line,2,<<\"b\">>}]}");
  CHECK(round_trip(reset{}) == "reset");
}

TEST_CASE("numbers, bools, text and bytes are the terms one expects") {
  CHECK(round_trip(-5) == "-5");
  CHECK(round_trip('a') == "97");
  CHECK(round_trip(INT64_MIN) == "-9223372036854775808");
  CHECK(round_trip(std::uint64_t{1} << 62) == "4611686018427387904");
  CHECK(round_trip(2.5) == "2.5");
  CHECK(round_trip(0.5f) == "0.5");
  CHECK(round_trip(true) == "true");
  CHECK(round_trip(std::string("text")) == "<<\"text\">>");
  CHECK(round_trip(std::vector<std::byte>{std::byte{1}, std::byte{2}}) == "<<1,2>>");
  CHECK(round_trip(std::array<std::byte, 2>{std::byte{1}, std::byte{2}}) == "<<1,2>>");
  CHECK(round_trip(std::byte{9}) == "9");
}

TEST_CASE("an enumerator is the atom of its name") {
  CHECK(round_trip(color::green) == "green");
  CHECK(error_of<color>("blue"_atom) == "expected one of red, green, got blue");
  CHECK_THROWS_WITH_AS(to_term(static_cast<color>(9)),
                       doctest::Contains("codec_test::color has no enumerator of value 9"), std::invalid_argument);
}

TEST_CASE("sequences and sets are lists") {
  CHECK(round_trip(std::vector{1, 2}) == "[1,2]");
  CHECK(round_trip(std::vector{true, false}) == "[true,false]");
  CHECK(round_trip(std::deque{1, 2}) == "[1,2]");
  CHECK(round_trip(std::list{1, 2}) == "[1,2]");
  CHECK(round_trip(std::array{1, 2}) == "[1,2]");
  CHECK(round_trip(std::set{2, 1}) == "[1,2]");
  CHECK(round_trip(std::unordered_set<int>{1}) == "[1]");
  CHECK(round_trip(std::vector<int>()) == "[]");
  CHECK(error_of<std::array<int, 2>>(term::list({1})) == "expected list of 2 elements, got [1]");
  CHECK(from_term<std::set<int>>(term::list({1, 1})).size() == 1);
}

TEST_CASE("maps are maps") {
  CHECK(round_trip(std::map<std::string, int>{{"a", 1}, {"b", 2}}) == "#{<<\"a\">> => 1,<<\"b\">> => 2}");
  CHECK(round_trip(std::unordered_map<int, color>{{1, color::red}}) == "#{1 => red}");
}

TEST_CASE("pairs and tuples are tuples without a tag") {
  CHECK(round_trip(std::pair(1, std::string("x"))) == "{1,<<\"x\">>}");
  CHECK(round_trip(std::tuple(1, true, 2.5)) == "{1,true,2.5}");
  CHECK(round_trip(std::tuple()) == "{}");
}

TEST_CASE("nothing is the atom undefined") {
  CHECK(round_trip(std::optional<int>()) == "undefined");
  CHECK(round_trip(std::optional(3)) == "3");
  CHECK(round_trip(std::monostate()) == "undefined");
  CHECK(to_term(std::unique_ptr<int>()).to_string() == "undefined");
  CHECK(from_term<std::unique_ptr<int>>("undefined"_atom) == nullptr);
  CHECK(*from_term<std::unique_ptr<int>>(4) == 4);
  CHECK(to_term(std::make_shared<const add>(add{1})).to_string() == "{add,1}");
  CHECK(from_term<std::shared_ptr<const add>>(term::tuple({"add"_atom, 2}))->by == 2);
  CHECK(error_of<std::optional<int>>("x") == "expected integer in -2147483648..2147483647, got <<\"x\">>");
}

TEST_CASE("a variant is the alternative that it holds, and is read as the first that fits") {
  using v = std::variant<add, reset, std::string>;
  CHECK(round_trip(v(add{1})) == "{add,1}");
  CHECK(round_trip(v(reset{})) == "reset");
  CHECK(round_trip(v("x")) == "<<\"x\">>");
  CHECK(error_of<v>(1) == "expected {add,by} | reset | binary, got 1");
  CHECK(error_of<choice>(term::tuple({"choice"_atom, term::tuple({"add"_atom, "x"})})) ==
        "choice.what: expected {add,by} | reset | binary, got {add,<<\"x\">>}");
}

TEST_CASE("a variant makes an integer a float only when nothing else fits") {
  using v = std::variant<double, int>;
  CHECK(from_term<v>(3).index() == 1);
  CHECK(from_term<v>(3.0).index() == 0);
  CHECK(from_term<v>(INT64_C(5000000000)).index() == 0);
}

TEST_CASE("a duration is the count of its own unit") {
  CHECK(round_trip(5s) == "5");
  CHECK(round_trip(5ms) == "5");
  CHECK(round_trip(std::chrono::duration<double>(0.5)) == "0.5");
}

TEST_CASE("atoms, pids, references and terms are themselves") {
  CHECK(round_trip("ok"_atom) == "ok");
  CHECK(round_trip(pid(1, 0, 0, 0)) == "<0.1.0>");
  CHECK(round_trip(reference({1, 2, 3}, 0, 0)) == "#Ref<0.3.2.1>");
  CHECK(round_trip(term::list({1, "x"})) == "[1,<<\"x\">>]");
  CHECK(round_trip(std::vector<term>{1, "x"}) == "[1,<<\"x\">>]");
}

TEST_CASE("types that hold themselves, that can only be moved, and const members come back too") {
  tree t{.value = 1, .children = {}, .next = nullptr};
  t.children.push_back({.value = 2, .children = {}, .next = nullptr});
  t.next = std::make_unique<tree>(tree{.value = 3, .children = {}, .next = nullptr});
  const term as_term = to_term(t);
  CHECK(as_term.to_string() == "{tree,1,[{tree,2,[],undefined}],{tree,3,[],undefined}}");
  const tree back = from_term<tree>(as_term);
  CHECK(back.children.at(0).value == 2);
  CHECK(back.next->value == 3);
  CHECK(from_term<with_const>(to_term(with_const{4, true})).fixed == 4);
}

TEST_CASE("a class with a codec of its own is what that codec says") {
  CHECK(to_term(bill{money(250)}).to_string() == "{bill,250}");
  CHECK(from_term<bill>(term::tuple({"bill"_atom, 300})).total.cents() == 300);
  CHECK(error_of<bill>(term::tuple({"bill"_atom, "x"})) == "bill.total: expected integer, got <<\"x\">>");
}

TEST_CASE("integers are range-checked when read") {
  CHECK(error_of<std::uint8_t>(300) == "expected integer in 0..255, got 300");
  CHECK(error_of<std::int8_t>(-129) == "expected integer in -128..127, got -129");
  CHECK(error_of<std::uint64_t>(-1) == "expected integer in 0..18446744073709551615, got -1");
  CHECK(error_of<int>(1.0) == "expected integer in -2147483648..2147483647, got 1.0");
  CHECK(error_of<bool>(1) == "expected true or false, got 1");
  CHECK(error_of<std::int64_t>(UINT64_MAX) == "expected integer, got 18446744073709551615");
}

TEST_CASE("an unsigned integer above the largest signed one goes there and back") {
  CHECK(to_term(UINT64_MAX) == term(UINT64_MAX));
  CHECK(from_term<std::uint64_t>(to_term(UINT64_MAX)) == UINT64_MAX);
  const std::byte magnitude[] = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                 std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
  CHECK(error_of<std::uint64_t>(term::integer(false, magnitude)) ==
        "expected integer in 0..18446744073709551615, got 18446744073709551616");
}

TEST_CASE("a port is itself") {
  CHECK(from_term<port>(to_term(port(7, 1, 0))) == port(7, 1, 0));
  CHECK(error_of<port>(1) == "expected port, got 1");
}

TEST_CASE("floats are read from integers too, and must fit") {
  CHECK(from_term<double>(3) == 3.0);
  CHECK(from_term<float>(3) == 3.0f);
  CHECK(error_of<float>(1e300) == "expected float that fits in 32 bits, got 1.0e300");
  CHECK(error_of<double>("x") == "expected float, got <<\"x\">>");
  CHECK_THROWS_AS(to_term(std::numeric_limits<double>::infinity()), std::invalid_argument);
}

TEST_CASE("an error says where, what was expected and what was there") {
  const auto wrong = term::tuple(
      {"order"_atom, 1, term::list({term::tuple({"line"_atom, 1, "a"}), term::tuple({"line"_atom, 300, "b"})})});
  CHECK(error_of<order>(wrong) == "order.lines[1].qty: expected integer in 0..255, got 300");
  try {
    from_term<order>(wrong);
  } catch (const decode_error& e) {
    CHECK(e.path() == "order.lines[1].qty");
    CHECK(e.expected() == "integer in 0..255");
    CHECK(e.got() == "300");
  }
  CHECK(error_of<order>(term::tuple({"order"_atom, 1, term::list({term::tuple({"lime"_atom, 1, "a"})})})) ==
        "order.lines[0]: expected {line,qty,what}, got {lime,1,<<\"a\">>}");
  CHECK(error_of<order>(term::tuple({"order"_atom, 1})) == "order: expected {order,id,lines}, got {order,1}");
  CHECK(error_of<reset>("rest"_atom) == "reset: expected reset, got rest");
  CHECK(error_of<prices>(term::tuple({"prices"_atom, term::map({{"a", 1}, {"b", "x"}})})) ==
        "prices.by_name[<<\"b\">>]: expected integer in -2147483648..2147483647, got <<\"x\">>");
  CHECK(error_of<paired>(term::tuple({"paired"_atom, term::tuple({1, 2})})) == "paired.p{2}: expected binary, got 2");
  CHECK(error_of<std::vector<int>>(term::list({1, "x"})) ==
        "[1]: expected integer in -2147483648..2147483647, got <<\"x\">>");
}

TEST_CASE("a long value is cut in an error") {
  const std::string text = error_of<int>(std::string(1000, 'x'));
  CHECK(text.size() < 200);
  CHECK(text.ends_with("..."));
}

TEST_CASE("a type that holds itself is read 512 levels deep and no deeper") {
  const auto nested = [](int levels) {
    term t = term::tuple({"tree"_atom, 0, term::list({}), "undefined"_atom});
    for (int i = 1; i < levels; ++i) t = term::tuple({"tree"_atom, i, term::list({}), t});
    return t;
  };
  CHECK(from_term<tree>(nested(511)).value == 510);
  CHECK_THROWS_WITH_AS(from_term<tree>(nested(513)), doctest::Contains("at most 512 levels of nesting"), decode_error);
  CHECK(!try_from_term<tree>(nested(100'000)).has_value());
}

TEST_CASE("the dynamic key of a type is that of its terms, and 0 when they have several") {
  const auto agrees = [](const auto& value) {
    return detail::dynamic_key_of<std::remove_cvref_t<decltype(value)>>() == dynamic_key(to_term(value));
  };
  CHECK(agrees(order{1, {}}));
  CHECK(agrees(reset{}));
  CHECK(agrees(1));
  CHECK(agrees(std::string("x")));
  CHECK(agrees(std::vector{1}));
  CHECK(agrees(std::set{1}));
  CHECK(agrees(std::array{1}));
  CHECK(agrees(std::map<int, int>{{1, 1}}));
  CHECK(agrees(std::vector<std::byte>()));
  CHECK(agrees(pid(1, 0, 0, 0)));
  CHECK(agrees(reference({1}, 0, 0)));
  CHECK(agrees(5s));
  CHECK(agrees(std::monostate()));
  CHECK(detail::dynamic_key_of<color>() == 0);
  CHECK(detail::dynamic_key_of<bool>() == 0);
  CHECK(detail::dynamic_key_of<double>() == 0);
  CHECK(detail::dynamic_key_of<std::optional<int>>() == 0);
  CHECK(detail::dynamic_key_of<std::variant<int, add>>() == 0);
  CHECK(detail::dynamic_key_of<std::pair<int, int>>() == 0);
  CHECK(detail::dynamic_key_of<term>() == 0);
  CHECK(detail::dynamic_key_of<money>() == 0);
}

TEST_CASE("a source that only knows plain terms reads structs, texts, bools and nothing by default") {
  // Passes on what every format must have and nothing else.
  struct plain_source final : term_source {
    explicit plain_source(const term& value) : inner(value) {}
    term_reader inner;
    term_kind peek() const override { return inner.peek(); }
    bool read_integer(std::int64_t& value) override { return inner.read_integer(value); }
    bool read_floating(double& value) override { return inner.read_floating(value); }
    bool read_atom(atom& value) override { return inner.read_atom(value); }
    bool read_pid(pid& value) override { return inner.read_pid(value); }
    bool read_reference(reference& value) override { return inner.read_reference(value); }
    bool read_binary(std::string_view& bytes) override { return inner.read_binary(bytes); }
    bool begin_list(std::size_t& size) override { return inner.begin_list(size); }
    void end_list() override { inner.end_list(); }
    bool begin_tuple(std::size_t& size) override { return inner.begin_tuple(size); }
    void end_tuple() override { inner.end_tuple(); }
    bool begin_map(std::size_t& size) override { return inner.begin_map(size); }
    void end_map() override { inner.end_map(); }
    term read_term() override { return inner.read_term(); }
    position mark() const override { return inner.mark(); }
    void rewind(const position& place) override { inner.rewind(place); }
  };
  const auto read = []<class T>(const T& value) {
    const term t = to_term(value);
    plain_source source(t);
    return codec<T>::build(source) == value;
  };
  CHECK(read(order{7, {{1, "a"}, {2, "b"}}}));
  CHECK(read(reset{}));
  CHECK(read(std::vector<std::optional<bool>>{true, false, std::nullopt}));
  CHECK(read(std::map<std::uint64_t, std::variant<add, sub, reset>>{{1, sub{2}}, {2, reset{}}, {3, add{4}}}));
  const term wrong = term::tuple({"order"_atom, -1, term::list({term::tuple({"line"_atom, -1, "a"})})});
  plain_source source(wrong);
  CHECK_THROWS_WITH_AS(detail::build_whole<order>(source), "order.lines[0].qty: expected integer in 0..255, got -1",
                       decode_error);
}

TEST_CASE("a format may keep structs apart from tuples, and read members by name") {
  // A sink that writes {"name": {"member": value}}, to show what begin_struct and member are for.
  struct json_like final : term_sink {
    std::string out;
    void put_integer(std::int64_t value) override { out += std::to_string(value); }
    void put_floating(double value) override { out += std::to_string(value); }
    void put_atom(atom value) override { out += '"' + std::string(value.name()) + '"'; }
    void put_pid(const pid&) override {}
    void put_reference(const reference&) override {}
    void put_binary(std::string_view) override { out += "bytes"; }
    void put_text(std::string_view text) override { out += '"' + std::string(text) + '"'; }
    void put_bool(bool value) override { out += value ? "true" : "false"; }
    void put_undefined() override { out += "null"; }
    void begin_list(std::size_t) override { out += '['; }
    void end_list() override { out += ']'; }
    void begin_tuple(std::size_t) override { out += '['; }
    void end_tuple() override { out += ']'; }
    void begin_map(std::size_t) override { out += '{'; }
    void end_map() override { out += '}'; }
    void begin_struct(atom name, std::size_t) override { out += "{\"" + std::string(name.name()) + "\": {"; }
    void member(std::string_view name) override { out += "\"" + std::string(name) + "\": "; }
    void end_struct(atom, std::size_t) override { out += "}}"; }
  } sink;
  codec<add>::visit(add{3}, sink);
  CHECK(sink.out == "{\"add\": {\"by\": 3}}");
  sink.out.clear();
  codec<std::vector<std::optional<bool>>>::visit({true}, sink);
  codec<std::optional<bool>>::visit({}, sink);
  codec<std::string>::visit("x", sink);
  CHECK(sink.out == "[true]null\"x\"");
}
