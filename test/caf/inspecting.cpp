// SPDX-License-Identifier: BSL-1.0
// CAF's inspect, made from reflection: what CAF saves, loads and prints of troupe's messages.
#include "both.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/deep_to_string.hpp>

#include <variant>

using namespace both_test;

namespace {

enum class color : std::uint8_t { red, green };

struct inside {
  int a = 0;
  friend bool operator==(const inside&, const inside&) = default;
};

/// Something of all kinds.
struct everything {
  int number = 0;
  double real = 0;
  bool flag = false;
  std::string text;
  color paint = color::red;
  std::vector<inside> list;
  std::map<std::string, int> map;
  std::set<int> set;
  std::array<int, 3> array{};
  std::pair<int, std::string> pair;
  std::chrono::milliseconds time{};
  std::optional<inside> maybe;
  std::variant<int, std::string> either;
  atom word;
  term dynamic;
  pid process;
  reference unique;
  inside nested;
  friend bool operator==(const everything&, const everything&) = default;
};

struct nothing {
  friend bool operator==(const nothing&, const nothing&) = default;
};

everything some(const pid& process) {
  return {.number = -1,
          .real = 2.5,
          .flag = true,
          .text = "x",
          .paint = color::green,
          .list = {{1}, {2}},
          .map = {{"k", 7}},
          .set = {3, 1},
          .array = {4, 5, 6},
          .pair = {8, "y"},
          .time = std::chrono::milliseconds(1500),
          .maybe = inside{9},
          .either = std::string("z"),
          .word = "a_rather_long_atom"_atom,
          .dynamic = term::parse("{a,[1,#{b => 2.0}]}"),
          .process = process,
          .unique = reference({1, 2, 3}, 4, add_node("n@host", 4)),
          .nested = {10}};
}

template <class T>
T through(caf::actor_system& system, T value) {
  std::vector<char> bytes;
  caf::binary_serializer save(system, bytes);
  REQUIRE_FALSE(save(value));
  T loaded{};
  caf::binary_deserializer load(system, bytes);
  REQUIRE_FALSE(load(loaded));
  return loaded;
}

/// The user's own goes first.
struct own_words {
  int x = 0;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, own_words& w) {
  return f(caf::meta::type_name("mine"), w.x);
}

}  // namespace

TEST_CASE("CAF saves and loads a message of troupe's, member by member") {
  both b;
  const everything one = some(b.here.spawn(counter, 0));
  CHECK(through(b.there, one) == one);
  CHECK(through(b.there, everything{}) == everything{});
  CHECK(through(b.there, nothing{}) == nothing{});
  CHECK(through(b.there, std::vector<inside>{{1}, {2}}) == std::vector<inside>{{1}, {2}});
}

TEST_CASE("CAF prints a message of troupe's as its name and members") {
  CHECK(caf::deep_to_string(increment{3}) == "increment(3)");
  CHECK(caf::deep_to_string(order{.id = 1, .lines = {{"tea", 2.5}}, .discount = {}}) ==
        "order(1, [line(\"tea\", 2.500000)], \"undefined\")");
  CHECK(caf::deep_to_string(own_words{4}) == "mine(4)");
}

TEST_CASE("loading what is no term gives an error") {
  both b;
  std::vector<char> bytes;
  caf::binary_serializer save(b.there, bytes);
  std::string text = "{a,";
  REQUIRE_FALSE(save(text));
  term loaded;
  caf::binary_deserializer load(b.there, bytes);
  CHECK(load(loaded) == caf::sec::invalid_argument);
}
