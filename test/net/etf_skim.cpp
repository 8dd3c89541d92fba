// SPDX-License-Identifier: BSL-1.0
// The skim: what it refuses, one by one, and that nothing from outside gets past it or costs more than it may.
#include "etf_bytes.hpp"
#include "etf_random.hpp"

#include <troupe/mailbox/atom_table.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

using namespace troupe;
using namespace etf_test;

namespace {

std::string error_of(const std::string& text, etf::skim_limits limits = {}) {
  try {
    const auto bytes = hex(text);
    etf::skim(bytes, limits);
  } catch (const etf::malformed& e) {
    return e.what();
  }
  return "nothing was thrown";
}

std::size_t length_of(const std::string& text) {
  etf::skim_limits limits;
  return etf::skim(hex(text), limits).length;
}

bool is_key_twice(const std::string& map) {
  return error_of(map).find("expected a map without a key that is there twice") != std::string::npos;
}

std::string big_endian(std::uint32_t value) {
  std::vector<std::byte> bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
  return to_hex(bytes);
}

std::string key_of(int i) {
  return "62" + big_endian(static_cast<std::uint32_t>(i + 1000));
}

}  // namespace

TEST_CASE("a skim says how long the first term is, whatever follows") {
  CHECK(length_of("6101 ffff") == 2);
  CHECK(length_of("6802 6101 6a 83") == 5);
}

TEST_CASE("what is no term is refused, with the place and the bytes") {
  CHECK(error_of("") == "byte 0: expected 1 more byte of a term, got the end");
  CHECK(error_of("32 01 02") == "byte 0: expected the tag of a term, got 32 01 02");
  CHECK(error_of("6801 83") == "byte 2: expected the tag of a term, got 83");
  CHECK(error_of("6802 6101 46 3ff0") == "byte 5: expected 8 more bytes of a term, got 3f f0");
  CHECK(error_of("6d 00000005 616263") == "byte 5: expected 5 more bytes of a term, got 61 62 63");
  CHECK(error_of("79 0000000000000000 6a") == "byte 0: expected the tag of a term, got 79 00 00 00 00 00 00 00 00 6a");
}

TEST_CASE("compressed terms are refused: they never come on the wire") {
  CHECK(error_of("50 00000002 789c") == "byte 0: expected a term that is not compressed, got 50 00 00 00 02 78 9c");
}

TEST_CASE("more elements than bytes are refused at once") {
  CHECK(error_of("69 ffffffff 6a6a6a6a6a") ==
        "byte 0: expected 4294967295 parts in the 5 bytes that follow, got 69 ff ff ff ff 6a 6a 6a 6a 6a");
  CHECK(error_of("6c ffffffff 6a6a6a6a6a").find("4294967295 elements of a list") != std::string::npos);
  CHECK(error_of("74 ffffffff 6a6a6a6a6a").find("8589934590 keys and values") != std::string::npos);
  CHECK(error_of("6c 00000000 6a").find("at least one element") != std::string::npos);
}

TEST_CASE("floats must be finite, and as text look like floats") {
  CHECK(error_of("46 7ff0000000000000").find("expected a finite float") != std::string::npos);
  CHECK(error_of("46 fff0000000000000").find("expected a finite float") != std::string::npos);
  CHECK(error_of("46 7ff8000000000000").find("expected a finite float") != std::string::npos);
  const auto text = [](std::string digits) {
    digits.resize(31);
    return "63" + to_hex(std::as_bytes(std::span(digits)));
  };
  CHECK(length_of(text("-1.25e3")) == 32);
  CHECK(length_of(text("1.0e-400")) == 32);
  CHECK(decoded(text("1.0e-400")) == 0.0);
  CHECK(decoded(text("+1.5E+2")) == 150.0);
  for (const char* bad :
       {"1", "1e5", "1.", ".5", "inf", "nan", "1.0e", "1.0e400", "0x1.0p3", "1.0 ", " 1.0", "1.0e5x", "-", ""})
    CHECK_MESSAGE(error_of(text(bad)).find("expected a finite float as text") != std::string::npos, bad);
}

TEST_CASE("atoms must be UTF-8 and have 255 characters at most") {
  CHECK(error_of("7701ff") == "byte 0: expected an atom in UTF-8, got 77 01 ff");
  CHECK(error_of("7702c080").find("UTF-8") != std::string::npos);
  CHECK(error_of("7703eda080").find("UTF-8") != std::string::npos);
  CHECK(error_of("770141"
                 "")
            .find("nothing") != std::string::npos);
  CHECK(error_of("760100" + std::string(2 * 256, '6')).find("at most 255 characters") != std::string::npos);
  CHECK(error_of("640100" + std::string(2 * 256, '6')).find("at most 255 characters") != std::string::npos);
  CHECK(length_of("7600ff" + std::string(2 * 255, '6')) == 258);
  CHECK(error_of("58 7701ff 000000010000000100000001").find("UTF-8") != std::string::npos);
}

TEST_CASE("cache references need a table") {
  CHECK(error_of("5200").find("expected a reference to one of 0 cached atoms") != std::string::npos);
}

TEST_CASE("bit strings have 1 to 8 bits in their last byte") {
  CHECK(error_of("4d 00000001 09 ff").find("1 to 8 bits") != std::string::npos);
  CHECK(error_of("4d 00000001 00 ff").find("1 to 8 bits") != std::string::npos);
  CHECK(error_of("4d 00000000 08").find("1 to 8 bits") != std::string::npos);
  CHECK(length_of("4d 00000000 00") == 6);
}

TEST_CASE("references have one to five words, functions an arity of one byte and the size that they say") {
  CHECK(error_of("5a 0000 770161 00000001").find("one to five words") != std::string::npos);
  CHECK(error_of("5a 0006 770161 00000001" + std::string(48, '0')).find("one to five words") != std::string::npos);
  CHECK(error_of("5a 0001 6101 00000001 00000001").find("expected an atom") != std::string::npos);
  CHECK(error_of("71 770161 770162 6200000100").find("0 to 255") != std::string::npos);
  CHECK(error_of("71 770161 770162 6a").find("0 to 255") != std::string::npos);
  CHECK(error_of("71 770161 6a 6101").find("expected an atom") != std::string::npos);
  const std::string rest =
      "00 00000000000000000000000000000000 00000000 00000000 770161 6100 6100 58 770161 000000010000000000000001";
  CHECK(length_of("70 00000034" + rest) == 1 + 4 + 29 - 4 + 3 + 4 + 16);
  CHECK(error_of("70 00000033" + rest).find("a fun of the size that it says") != std::string::npos);
  CHECK(error_of("70 00000035" + rest + "6a").find("a fun of the size that it says") != std::string::npos);
  CHECK(error_of("70 0000ffff" + rest).find("65535 bytes of a fun") != std::string::npos);
  CHECK(error_of("70 00000034 00 00000000000000000000000000000000 00000000 00000000 6101 6100 6100 6a" +
                 std::string(60, '0'))
            .find("the module of a fun") != std::string::npos);
  CHECK(error_of("70 00000034 00 00000000000000000000000000000000 00000000 00000000 770161 6100 6100 6a6a6a6a" +
                 std::string(60, '0'))
            .find("the pid of a fun") != std::string::npos);
  CHECK(error_of("70 00000034 00 00000000000000000000000000000000 00000000 ffffffff 770161 6100 6100 6a6a6a6a" +
                 std::string(60, '0'))
            .find("4294967295 variables") != std::string::npos);
}

TEST_CASE("terms may be nested 256 levels deep, or as deep as the limits say") {
  const auto nested = [](int depth, const std::string& open, const std::string& close) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += open;
    text += "6a";
    for (int i = 0; i < depth; ++i) text += close;
    return text;
  };
  for (const auto& [open, close] : {std::pair<std::string, std::string>{"6801", ""},
                                    {"6c00000001", "6a"},
                                    {"74000000016a", ""},
                                    {"7400000001", "6a"}}) {
    CHECK(length_of(nested(256, open, close)) > 256);
    CHECK(error_of(nested(257, open, close)).find("at most 256 levels of nesting") != std::string::npos);
    CHECK(error_of(nested(100'000, open, close)).find("at most 256 levels of nesting") != std::string::npos);
  }
  etf::skim_limits limits;
  limits.max_depth = 3;
  CHECK(error_of(nested(4, "6801", ""), limits).find("at most 3 levels") != std::string::npos);
  CHECK(error_of(nested(3, "6801", ""), limits) == "nothing was thrown");
}

TEST_CASE("a term may not be longer than the limits say") {
  etf::skim_limits limits;
  limits.max_size = 6;
  CHECK(error_of("6d 00000001 61", limits) == "nothing was thrown");
  CHECK(error_of("6d 00000002 6161", limits).find("a term of at most 6 bytes") != std::string::npos);
  CHECK(error_of("6804 6101 6101 6101 6101", limits).find("a term of at most 6 bytes") != std::string::npos);
}

TEST_CASE("a key may not be in a map twice, in whatever forms it is written") {
  CHECK(is_key_twice("7400000002 6105 6a 6105 6a"));
  CHECK(is_key_twice("7400000002 6105 6a 6200000005 6a"));
  CHECK(is_key_twice("7400000002 6105 6a 6e010005 6a"));
  CHECK(is_key_twice("7400000002 6105 6a 6f00000002000500 6a"));
  CHECK(!is_key_twice("7400000002 6105 6a 6e010105 6a"));
  CHECK(is_key_twice("7400000002 6e0b000000000000000000000001 6a 6e0c00000000000000000000000100 6a"));
  CHECK(is_key_twice("7400000002 77026f6b 6a 6400026f6b 6a"));
  CHECK(is_key_twice("7400000002 77026f6b 6a 7600026f6b 6a"));
  CHECK(is_key_twice("7400000002 7301e9 6a 7702c3a9 6a"));
  CHECK(is_key_twice("7400000002 46 0000000000000000 6a 46 8000000000000000 6a"));
  CHECK(is_key_twice(
      "7400000002 46 3ff8000000000000 6a 63312e3500000000000000000000000000000000000000000000000000000000 6a"));
  CHECK(is_key_twice("7400000002 6b00020102 6a 6c00000002 6101 6102 6a 6a"));
  CHECK(is_key_twice("7400000002 6b00020102 6a 6c00000001 6101 6b000102 6a"));
  CHECK(is_key_twice("7400000002 6b00020102 6a 6c00000001 6101 6c00000001 6102 6a 6a"));
  CHECK(!is_key_twice("7400000002 6b00020102 6a 6c00000001 6101 6102 6a"));
  CHECK(is_key_twice("7400000002 6b0000 6a 6a 6a"));
  CHECK(is_key_twice("7400000002 6d0000000161 6a 4d000000010861 6a"));
  CHECK(is_key_twice("7400000002 4d0000000103ff 6a 4d0000000103e0 6a"));
  CHECK(!is_key_twice("7400000002 4d0000000103ff 6a 4d0000000104f0 6a"));
  CHECK(is_key_twice("7400000002 6801 6105 6a 6900000001 6200000005 6a"));
  CHECK(is_key_twice("7400000002 58 770161 000000010000000200000003 6a 67 770161 000000010000000203 6a"));
  CHECK(is_key_twice("7400000002 5a0001 770161 00000003 00000001 6a 720001 770161 03 00000001 6a"));
  CHECK(is_key_twice("7400000002 78 770161 0000000000000007 00000003 6a 59 770161 00000007 00000003 6a"));
  CHECK(is_key_twice("7400000002 71 770161 770162 6101 6a 71 640001 61 640001 62 6200000001 6a"));
}

TEST_CASE("keys that Erlang tells apart are no trouble") {
  CHECK(!is_key_twice("7400000002 6101 6a 46 3ff0000000000000 6a"));
  CHECK(!is_key_twice("7400000002 77026f6b 6a 6d000000026f6b 6a"));
  CHECK(!is_key_twice("7400000002 6800 6a 6a 6a"));
  CHECK(!is_key_twice("7400000002 6801 6101 6a 6101 6a"));
  CHECK(!is_key_twice("7400000003 7400000000 6a 6800 6a 6a 6a"));
}

TEST_CASE("maps in keys are compared as maps, whatever the order of their keys") {
  const std::string one = "7400000002 6101 6a 6102 6800";
  const std::string same = "7400000002 6102 6800 6200000001 6a";
  const std::string other = "7400000002 6102 6a 6101 6800";
  CHECK(is_key_twice("7400000002" + one + "6a" + same + "6a"));
  CHECK(!is_key_twice("7400000002" + one + "6a" + other + "6a"));
  CHECK(is_key_twice("7400000002 6801" + one + "6a 6801" + same + "6a"));
}

TEST_CASE("a key that is twice in a map inside of a key or a value is seen") {
  const std::string bad = "7400000002 6101 6a 6101 6a";
  CHECK(is_key_twice(bad));
  CHECK(is_key_twice("6801" + bad));
  CHECK(is_key_twice("7400000001 6a" + bad));
  CHECK(is_key_twice("7400000001" + bad + "6a"));
  CHECK(is_key_twice("7400000001 6801" + bad + "6a"));
  CHECK(is_key_twice("7400000001 7400000001 6801" + bad + "6a 6a"));
  CHECK(is_key_twice("7400000002 6801" + bad + "6a 6a 6a"));
}

TEST_CASE("wide maps cost n log n, also when they are hostile") {
  const auto wide = [](int count, bool twice) {
    std::string text = "74" + big_endian(static_cast<std::uint32_t>(count));
    for (int i = 0; i < count; ++i) text += key_of(twice && i == count - 1 ? count / 2 : i) + "6a";
    return text;
  };
  CHECK(!is_key_twice(wide(9, false)));
  CHECK(is_key_twice(wide(9, true)));
  CHECK(!is_key_twice(wide(300'000, false)));
  CHECK(is_key_twice(wide(300'000, true)));
  SUBCASE("long keys with one beginning") {
    const std::string beginning(2 * 1000, '6');
    std::string text = "74" + big_endian(2000);
    for (int i = 0; i < 2000; ++i)
      text += "6d" + big_endian(1004) + beginning + big_endian(static_cast<std::uint32_t>(i)) + "6a";
    CHECK(error_of(text) == "nothing was thrown");
  }
  SUBCASE("keys that are maps whose keys are maps, as deep as may be, with much inside") {
    // Each level's digest is made once: quadratic work would not end.
    std::string inside = "6c" + big_endian(200'000);
    for (int i = 0; i < 200'000; ++i) inside += "6101";
    inside += "6a";
    std::string text;
    for (int i = 0; i < 250; ++i) text += "7400000002";
    text += inside;
    for (int i = 0; i < 250; ++i) text += "6a 6101 6a";
    CHECK(error_of(text) == "nothing was thrown");
  }
}

TEST_CASE("a peer may bring so many new atoms and nodes, each counted once, and none are made") {
  const std::size_t before = detail::atom_table::instance().size();
  etf::skim_limits limits;
  limits.names = etf::name_budget(3);
  const auto skim = [&limits](const std::string& text) { return etf::skim(hex(text), limits).length; };
  atom("known to the table");
  skim("6802 77076e65775f6f6e65 7712" + to_hex(std::as_bytes(std::span("known to the table", 18))));
  CHECK(limits.names.left() == 2);
  skim("77076e65775f6f6e65");  // again
  skim("64 0007 6e65775f6f6e65");
  CHECK(limits.names.left() == 2);
  skim("58 7707 6e65775f6f6e65 00000001 00000001 00000001");  // a node and its creation
  skim("58 7707 6e65775f6f6e65 00000009 00000001 00000001");
  CHECK(limits.names.left() == 1);
  skim("58 7707 6e65775f6f6e65 00000001 00000001 00000002");  // another creation
  CHECK(limits.names.left() == 0);
  CHECK_THROWS_WITH_AS(skim("77076e65775f74776f"), doctest::Contains("byte 0: expected no more new atoms"),
                       etf::malformed);
  CHECK_THROWS_WITH_AS(skim("58 7707 6e65775f6f6e65 00000001 00000001 00000003"), doctest::Contains("no more new node"),
                       etf::malformed);
  skim("77076e65775f6f6e65");
  CHECK(!atom::find("new_one"));
  CHECK(detail::atom_table::instance().size() <= before + 1);
}

TEST_CASE("the key of a term is found without building it") {
  const auto key = [](const std::string& text) {
    etf::skim_limits limits;
    return etf::skim(hex(text), limits).dynamic_key;
  };
  CHECK(key("6802 7703616464 6101") == dynamic_key(term::tuple({"add"_atom, 1})));
  CHECK(key("690000000264 0003 616464 6101") == dynamic_key(term::tuple({"add"_atom, 1})));
  CHECK(key("7301e9") == dynamic_key("\xc3\xa9"_atom));
  CHECK(key("6800") == dynamic_key(term::tuple({})));
  CHECK(key("6c000000016101 6c000000016102 6a") == dynamic_key(term::list({})));
  CHECK(key("6c000000016101 6c000000016102 6103") == dynamic_key(term::improper_list({1}, 2)));
  CHECK(key("4d000000010861") == dynamic_key("a"));
  CHECK(key("4d0000000103e0") != dynamic_key("a"));
  CHECK(key("6c00000001 6c000000016101 6102 6a") == dynamic_key(term::list({})));
}

namespace {

/// Bytes that need not be a term: either skim refuses them, or all readings give something. Under ASan, in memory of
/// just their size.
void try_bytes(const std::vector<std::byte>& bytes) {
  const std::vector<std::byte> exact(bytes.begin(), bytes.end());
  etf::skim_limits limits;
  bool good = false;
  try {
    const std::size_t length = etf::skim(exact, limits).length;
    REQUIRE(length <= exact.size());
    good = true;
  } catch (const etf::malformed&) {
  }
  try {
    etf::reader reader(exact);
    const term t = reader.read_term();
    CHECK(!t.to_string().empty());
    if (good) REQUIRE(etf::from_binary(etf::to_binary(t)) == t);
  } catch (const decode_error&) {
    REQUIRE(!good);
  } catch (const std::exception& e) {
    // An atom that is too long or no UTF-8: only of what was not skimmed.
    CAPTURE(e.what());
    REQUIRE(!good);
  }
  try {
    etf::reader reader(exact);
    std::optional<std::vector<std::variant<std::vector<int>, std::tuple<int, std::string>, std::map<int, double>>>> out;
    detail::read(reader, out);
  } catch (const decode_error&) {
    if (good) MESSAGE("a skimmed term threw: " << to_hex(exact));
  }
}

}  // namespace

TEST_CASE("a term that is cut short anywhere is refused") {
  random_terms random(3);
  for (int i = 0; i < 200; ++i) {
    const auto bytes = etf::to_binary(random.next());
    const std::vector<std::byte> term_bytes(bytes.begin() + 1, bytes.end());
    const std::size_t step = term_bytes.size() / 300 + 1;
    for (std::size_t size = 0; size < term_bytes.size(); size += step) {
      const std::vector<std::byte> cut(term_bytes.begin(), term_bytes.begin() + static_cast<std::ptrdiff_t>(size));
      etf::skim_limits limits;
      REQUIRE_THROWS_AS(etf::skim(cut, limits), etf::malformed);
      REQUIRE_THROWS_AS(etf::reader(cut).read_term(), decode_error);
      etf::reader reader(cut);
      REQUIRE_THROWS_AS(reader.skip(), decode_error);
    }
  }
}

TEST_CASE("a term with bytes changed is refused, or is some term, and nothing outside is read") {
  random_terms random(4);
  for (int i = 0; i < 1500; ++i) {
    const auto whole = etf::to_binary(random.next(3));
    std::vector<std::byte> bytes(whole.begin() + 1, whole.end());
    if (bytes.size() > 2000) continue;
    for (int k = 0; k < 8; ++k) {
      auto changed = bytes;
      const std::uint64_t changes = 1 + random.below(2);
      for (std::uint64_t c = 0; c < changes; ++c) {
        std::byte& b = changed[random.below(changed.size())];
        b = random.below(2) == 0 ? static_cast<std::byte>(random.below(256))
                                 : b ^ static_cast<std::byte>(1U << random.below(8));
      }
      try_bytes(changed);
    }
  }
}

TEST_CASE("random bytes that begin like terms are refused, or are some term") {
  constexpr std::uint8_t tags[] = {70,  77,  80,  82,  88,  89,  90,  97,  98,  99,  100, 101, 102, 103, 104,
                                   105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 118, 119, 120};
  random_terms random(5);
  for (int i = 0; i < 30'000; ++i) {
    std::vector<std::byte> bytes(1 + random.below(40));
    for (std::byte& b : bytes)
      b = static_cast<std::byte>(random.below(3) == 0 ? tags[random.below(std::size(tags))] : random.below(4));
    try_bytes(bytes);
  }
}
