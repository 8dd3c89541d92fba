// SPDX-License-Identifier: BSL-1.0
// Names and members of structs and enumerations, found without macros.
#include <troupe/mailbox/reflect.hpp>

#include <troupe/mailbox/enum_names.hpp>
#include <troupe/mailbox/term.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace troupe;

namespace reflect_test {

struct point {
  int x;
  double y;
};
struct rich {
  std::string name;
  std::vector<point> points;
  std::unique_ptr<point> owned;
  const int fixed = 1;
  point nested;
  std::array<int, 3> three;
  std::map<std::string, int> map;
  term anything;
  pid who;
  int trailing_;
};
struct empty {};
template <class T>
struct box {
  T content;
};
struct base {
  int a;
};
struct derived : base {
  int b;
};

enum class color : std::uint8_t { red, green = 7, blue = 255 };
enum class wide : long { low = -128, high = 255, beyond = 256 };
enum plain { one = 1, five = 5 };
enum negative { minus = -3, plus = 4 };
enum class none {};
enum class alias { first, second = first, third };

}  // namespace reflect_test

namespace {

struct hidden {
  int count;
  std::string text;
};
enum class hidden_color { cyan, pink };

template <class E>
std::string names() {
  std::string all;
  for (const auto& entry : detail::enumerators<E>)
    all += std::string(entry.name.text) + "=" + std::to_string(static_cast<int>(entry.value)) + " ";
  return all;
}

}  // namespace

using namespace reflect_test;

static_assert(reflectable<point> && reflectable<rich> && reflectable<empty> && reflectable<hidden>);
static_assert(!reflectable<derived> && !reflectable<int> && !reflectable<std::string> && !reflectable<int[2]>);
static_assert(std::is_same_v<member_type<rich, 3>, const int> && std::is_same_v<member_type<rich, 4>, point>);

TEST_CASE("a struct tells how many members it has and what they are called") {
  CHECK(member_count<point> == 2);
  CHECK(member_name<point, 0>() == "x");
  CHECK(member_name<point, 1>() == "y");
  CHECK(member_count<empty> == 0);
  CHECK(member_count<rich> == 10);
  const auto all = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<std::string_view>{member_name<rich, I>()...};
  }(std::make_index_sequence<10>());
  CHECK(all == std::vector<std::string_view>{"name", "points", "owned", "fixed", "nested", "three", "map", "anything",
                                             "who", "trailing_"});
}

TEST_CASE("a struct gives its members") {
  const point p{3, 4.5};
  CHECK(member<0>(p) == 3);
  CHECK(&member<1>(p) == &p.y);
}

TEST_CASE("structs of templates, of unnamed namespaces and of functions have names and members") {
  CHECK(type_name<box<int>>() == "box<int>");
  CHECK(member_name<box<point>, 0>() == "content");
  CHECK(type_name<hidden>() == "hidden");
  CHECK(member_name<hidden, 1>() == "text");
  struct local {
    int here;
  };
  CHECK(type_name<local>() == "local");
  CHECK(member_name<local, 0>() == "here");
}

TEST_CASE("a type's name comes with and without its namespaces") {
  CHECK(type_name<point>() == "point");
  CHECK(qualified_type_name<point>() == "reflect_test::point");
  CHECK(type_name<int>() == "int");
  CHECK(qualified_type_name<box<point>>() == "reflect_test::box<reflect_test::point>");
  CHECK(type_name<box<point>>() == "box<reflect_test::point>");
}

TEST_CASE("an enumeration gives the names of its values from -128 to 255") {
  CHECK(names<color>() == "red=0 green=7 blue=255 ");
  CHECK(names<wide>() == "low=-128 high=255 ");
  CHECK(names<plain>() == "one=1 five=5 ");
  CHECK(names<negative>() == "minus=-3 plus=4 ");
  CHECK(names<none>() == "");
  CHECK(names<hidden_color>() == "cyan=0 pink=1 ");
  enum class local { here = 3 };
  CHECK(names<local>() == "here=3 ");
}

TEST_CASE("of two enumerators with one value the first gives the name") {
  CHECK(names<alias>() == "first=0 third=1 ");
}
