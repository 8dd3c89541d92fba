// SPDX-License-Identifier: BSL-1.0
// Terms in the external term format: which bytes are written, and what all forms mean.
#include "etf_bytes.hpp"
#include "etf_random.hpp"

#include <doctest/doctest.h>

#include <zlib.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace troupe;
using namespace etf_test;

namespace {

const node_index n1 = add_node("n1@vm", 0x6b0299ca);

term there_and_back(const term& t) {
  return etf::from_binary(etf::to_binary(t));
}

}  // namespace

TEST_CASE("integers are written in the smallest form") {
  CHECK(written(term(0)) == "6100");
  CHECK(written(term(255)) == "61ff");
  CHECK(written(term(256)) == "6200000100");
  CHECK(written(term(-1)) == "62ffffffff");
  CHECK(written(term(INT32_MAX)) == "627fffffff");
  CHECK(written(term(INT32_MIN)) == "6280000000");
  CHECK(written(term(INT32_MAX + INT64_C(1))) == "6e040000000080");
  CHECK(written(term(INT32_MIN - INT64_C(1))) == "6e040101000080");
  CHECK(written(term(INT64_MAX)) == "6e0800ffffffffffffff7f");
  CHECK(written(term(INT64_MIN)) == "6e08010000000000000080");
  CHECK(written(term(UINT64_MAX)) == "6e0800ffffffffffffffff");
  CHECK(written(UINT64_MAX) == "6e0800ffffffffffffffff");
  const std::vector<std::byte> large(256, std::byte{1});
  CHECK(written(term::integer(true, large)).starts_with("6f00000100010101"));
}

TEST_CASE("all forms of integers are read, and what fits is small") {
  CHECK(decoded("6200000005") == 5);
  CHECK(decoded("6e010005") == 5);
  CHECK(decoded("6e010105") == -5);
  CHECK(decoded("6e0000") == 0);
  CHECK(decoded("6e010100") == 0);
  CHECK(decoded("6e0a0005000000000000000000") == 5);
  CHECK(decoded("6f000000010005") == 5);
  CHECK(decoded("6e08010000000000000080") == INT64_MIN);
  CHECK(decoded("6e0800ffffffffffffffff") == UINT64_MAX);
  CHECK(decoded("6e09000000000000000000 01").to_string() == "18446744073709551616");
}

TEST_CASE("atoms are written as UTF-8 with one byte for the length when that is enough") {
  CHECK(written(term("ok"_atom)) == "77026f6b");
  CHECK(written(term(atom())) == "7700");
  CHECK(written(term("\xc3\xa9"_atom)) == "7702c3a9");
  std::string longest;
  for (int i = 0; i < 255; ++i) longest += "\xe2\x82\xac";
  CHECK(written(term(atom(longest))).starts_with("7602fde282ac"));
  CHECK(there_and_back(atom(longest)) == atom(longest));
  CHECK(written(true) == "770474727565");
}

TEST_CASE("atoms are read in Latin-1 and UTF-8") {
  CHECK(decoded("6400026f6b") == "ok"_atom);
  CHECK(decoded("73026f6b") == "ok"_atom);
  CHECK(decoded("7301e9") == "\xc3\xa9"_atom);
  CHECK(decoded("7600026f6b") == "ok"_atom);
  CHECK(decoded("6400ff" + std::string(510, 'e')).as_atom().name().size() == 510);
}

TEST_CASE("floats are written in 8 bytes and read as text too") {
  CHECK(written(term(1.5)) == "463ff8000000000000");
  CHECK(decoded("463ff8000000000000") == 1.5);
  CHECK(decoded("63312e3530303030303030303030303030303030303030652b30300000000000") == 1.5);
  CHECK(decoded("632d312e32356533000000000000000000000000000000000000000000000000").as_floating() == -1250.0);
  etf::buffer out;
  etf::writer writer(out);
  CHECK_THROWS_WITH_AS(writer.put_floating(std::numeric_limits<double>::infinity()),
                       doctest::Contains("an infinite float cannot be sent"), std::invalid_argument);
  CHECK_THROWS_AS(writer.put_floating(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
  CHECK(out.empty());
}

TEST_CASE("binaries and bit strings") {
  CHECK(written(term("ab")) == "6d000000026162");
  CHECK(written(term("")) == "6d00000000");
  const std::byte bits[] = {std::byte{0xa0}};
  CHECK(written(term::bit_string(bits, 3)) == "4d0000000103a0");
  CHECK(decoded("4d0000000103ff") != term::bit_string(bits, 3));
  CHECK(decoded("4d0000000103bf") == term::bit_string(bits, 3));
  CHECK(decoded("4d000000010861") == "a");
  CHECK(decoded("4d0000000000") == "");
}

TEST_CASE("lists, improper ones and strings") {
  CHECK(written(term::list({})) == "6a");
  CHECK(written(term::list({1, 2})) == "6c00000002610161026a");
  CHECK(written(term::improper_list({1}, 2)) == "6c0000000161016102");
  CHECK(decoded("6b0003010203") == term::list({1, 2, 3}));
  CHECK(decoded("6b0000") == term::list({}));
  CHECK(decoded("6c000000026101"
                "6102"
                "6a") == term::list({1, 2}));
  CHECK(decoded("6c000000016101"
                "6103") == term::improper_list({1}, 3));
  SUBCASE("a list may be written in pieces") {
    CHECK(decoded("6c000000016101 6c000000016102 6c000000016103 6a") == term::list({1, 2, 3}));
    CHECK(decoded("6c000000016101 6b00020203") == term::list({1, 2, 3}));
    CHECK(decoded("6c000000016101 6b0000") == term::list({1}));
    CHECK(decoded("6c000000016101 6c000000016102 6103") == term::improper_list({1, 2}, 3));
    CHECK(decoded("6c000000016c000000016101 6c000000016102 6a 6c00000001 6103 6a") ==
          term::list({term::list({1, 2}), 3}));
  }
  SUBCASE("a thousand pieces are no deeper than one") {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "6c0000000161" + std::string(i % 10 == 0 ? "00" : "01");
    const term t = decoded(text + "6a");
    CHECK(t.size() == 1000);
    CHECK(t[10] == 0);
    CHECK(t[11] == 1);
  }
}

TEST_CASE("tuples and maps") {
  CHECK(written(term::tuple({})) == "6800");
  CHECK(written(term::tuple({1})) == "68016101");
  CHECK(written(term::tuple(std::vector<term>(256, 1))).starts_with("69000001006101"));
  CHECK(written(term::map({{1, 2}})) == "740000000161016102");
  CHECK(decoded("690000000161"
                "01") == term::tuple({1}));
  CHECK(decoded("7400000002"
                "6101"
                "61ff"
                "46"
                "3ff0000000000000"
                "6a") == term::map({{1, 255}, {1.0, term::list({})}}));
}

TEST_CASE("pids, references and ports carry their node and creation") {
  CHECK(written(term(pid(0x5a, 1, 0x6b0299ca, n1))) == "5877056e3140766d0000005a000000016b0299ca");
  CHECK(written(term(reference({0x32033, 0x473d0001, 0x5559c230}, 0x6b0299ca, n1))) ==
        "5a000377056e3140766d6b0299ca00032033473d00015559c230");
  CHECK(written(term(port(0x0102030405060708, 0x6b0299ca, n1))) == "7877056e3140766d01020304050607086b0299ca");
  CHECK(decoded("5877056e3140766d0000005a000000016b0299ca").as_pid() == pid(0x5a, 1, 0x6b0299ca, n1));
  CHECK(decoded("5a000377056e3140766d6b0299ca00032033473d00015559c230").as_reference() ==
        reference({0x32033, 0x473d0001, 0x5559c230}, 0x6b0299ca, n1));
  CHECK(decoded("7877056e3140766d01020304050607086b0299ca").as_port() == port(0x0102030405060708, 0x6b0299ca, n1));
  SUBCASE("old forms too") {
    const node_index n = add_node("n1@vm", 3);
    CHECK(decoded("676400056e3140766d0000005a0000000103").as_pid() == pid(0x5a, 1, 3, n));
    CHECK(decoded("72000264 00056e3140766d 03 00000001 00000002").as_reference() == reference({1, 2}, 3, n));
    CHECK(decoded("65 6400056e3140766d 00000001 03").as_reference() == reference({1}, 3, n));
    CHECK(decoded("66 6400056e3140766d 00000007 03").as_port() == port(7, 3, n));
    CHECK(decoded("59 6400056e3140766d 00000007 00000003").as_port() == port(7, 3, n));
  }
}

TEST_CASE("functions by name are read and written, others are kept byte by byte") {
  CHECK(written(term(external_function{"lists"_atom, "map"_atom, 2})) == "7177056c6973747377036d61706102");
  CHECK(decoded("716400056c697374736400036d61706102") == term(external_function{"lists"_atom, "map"_atom, 2}));
  const std::string fun =
      "70000000450 1d5c1c3e1ffbcc9035d9c66d55d11ff18 00000000 00000000 6400016f 6100 6206ae0e1f"
      "58 64000d6e6f6e6f6465406e6f686f7374 00000009 00000000 00000000";
  const term f = decoded(fun);
  CHECK(f.to_string() == "#Fun<o.0.112070175>");
  CHECK(written(f) == to_hex(hex(fun)));
}

TEST_CASE("the vectors that OTP 25 has sent are read as what they were") {
  const std::string py = "58 7705 707940766d 0000004d 00000000 00001092";
  const std::string ref = "5a 0003 7705 6e3140766d 6b0299ca 00032033 473d0001 5559c230";
  const pid them(0x5a, 0, 0x6b0299ca, n1);
  SUBCASE("SEND_SENDER") {
    const term control = decoded("6803 6116 58 7705 6e3140766d 0000005a 00000000 6b0299ca " + py);
    CHECK(control == term::tuple({22, them, pid(0x4d, 0, 4242, add_node("py@vm", 4242))}));
  }
  SUBCASE("MONITOR_P") {
    const std::string monitor =
        "6804 6113 58 7705 6e3140766d 0000005a 00000000 6b0299ca 770a 6e65745f6b65726e656c " + ref;
    const term control = decoded(monitor);
    CHECK(control ==
          term::tuple({19, them, "net_kernel"_atom, reference({0x32033, 0x473d0001, 0x5559c230}, 0x6b0299ca, n1)}));
    CHECK(written(control) == to_hex(hex(monitor)));
  }
  SUBCASE("a call with an alias in an improper list") {
    const std::string call =
        "6803 7709 2467656e5f63616c6c 6802 58 7705 6e3140766d 0000005a 00000000 6b0299ca "
        "6c 00000001 7705 616c696173 " +
        ref + " 6802 7707 69735f61757468 7705 6e3140766d";
    const term message = decoded(call);
    CHECK(message[1][1] ==
          term::improper_list({"alias"_atom}, reference({0x32033, 0x473d0001, 0x5559c230}, 0x6b0299ca, n1)));
    CHECK(message[2] == term::tuple({"is_auth"_atom, "n1@vm"_atom}));
    CHECK(written(message) == to_hex(hex(call)));
  }
  SUBCASE("arguments as a string") {
    CHECK(decoded("6c 00000003 7701 6d 7701 66 6b 0001 01 6a") == term::list({"m"_atom, "f"_atom, term::list({1})}));
  }
}

TEST_CASE("cache references stand for the atoms of a table") {
  const std::vector<atom> table{"n1@vm"_atom, "hello"_atom};
  const auto bytes = hex("6803 5201 58 5200 00000001 00000002 6b0299ca 77026f6b");
  etf::skim_limits limits;
  limits.cached_atoms = table;
  CHECK(etf::skim(bytes, limits).length == bytes.size());
  CHECK(etf::skim(bytes, limits).dynamic_key == dynamic_key(term::tuple({"hello"_atom, 1, 2})));
  etf::reader reader(bytes, table);
  CHECK(reader.read_term() == term::tuple({"hello"_atom, pid(1, 2, 0x6b0299ca, n1), "ok"_atom}));
  SUBCASE("and a fun forgets the table") {
    // A fun that holds a cached atom, another fun that holds one, a pid, a reference and a port.
    const std::string inner =
        "70 00000034 00 00000000000000000000000000000000 00000000 00000001 5201 6100 6100 58 5200 00000009 00000000 "
        "00000000 5201";
    const std::string variables =
        inner + "59 5200 00000001 00000002 5a 0001 5200 00000001 00000002 71 5201 5201 6101 6801 5201";
    const std::size_t size = 29 + 6 + 15 + hex(variables).size();
    std::string digits =
        to_hex(std::vector<std::byte>{static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)});
    const auto fun = hex("70 0000" + digits +
                         "00 00000000000000000000000000000000 00000000 00000005 5201 6100 6100 58 5200 "
                         "00000009 00000000 00000000" +
                         variables);
    REQUIRE(etf::skim(fun, limits).length == fun.size());
    const term f = etf::reader(fun, table).read_term();
    CHECK(f.to_string() == "#Fun<hello.0.0>");
    const auto alone = etf::to_binary(f);
    CHECK(etf::from_binary(alone) == f);  // skims it, with every size
    CHECK(to_hex(alone).find("5201") == std::string::npos);
  }
  SUBCASE("a reference beyond the table is refused") {
    limits.cached_atoms = std::span(table).first(1);
    CHECK_THROWS_WITH_AS(etf::skim(bytes, limits), doctest::Contains("byte 2: expected a reference to one of 1 cached"),
                         etf::malformed);
  }
}

TEST_CASE("compressed terms are read by from_binary, up to a limit") {
  const term t = term::list({std::string(100'000, 'x'), 1});
  const auto plain = etf::to_binary(t);
  const auto inside = std::span(plain).subspan(1);
  auto size = compressBound(static_cast<uLong>(inside.size()));
  std::vector<std::byte> packed(size);
  REQUIRE(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(inside.data()),
                   static_cast<uLong>(inside.size())) == Z_OK);
  packed.resize(size);
  std::vector<std::byte> bytes = hex("8350");
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(inside.size() >> shift));
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  CHECK(etf::from_binary(bytes) == t);
  etf::binary_limits limits;
  limits.max_inflated = 100'000;
  CHECK_THROWS_WITH_AS(etf::from_binary(bytes, limits), doctest::Contains("at most 100000 bytes"), etf::malformed);
  SUBCASE("cut short") {
    bytes.resize(bytes.size() - 5);
    CHECK_THROWS_AS(etf::from_binary(bytes), etf::malformed);
  }
  SUBCASE("with a size that is not true") {
    bytes[5] ^= std::byte{1};
    CHECK_THROWS_AS(etf::from_binary(bytes), etf::malformed);
  }
  SUBCASE("with something behind it") {
    bytes.push_back(std::byte{0});
    CHECK_THROWS_WITH_AS(etf::from_binary(bytes), doctest::Contains("the end of the term"), etf::malformed);
  }
  SUBCASE("a size that nothing inflates to is refused before there is memory for it") {
    CHECK_THROWS_AS(etf::from_binary(hex("8350 03ffffff 789c")), etf::malformed);
  }
}

TEST_CASE("random terms of every kind go there and back, and their keys are those of the terms") {
  random_terms random(1);
  for (int i = 0; i < 5000; ++i) {
    const term t = random.next();
    CAPTURE(t.to_string());
    const auto bytes = etf::to_binary(t);
    REQUIRE(etf::from_binary(bytes) == t);
    etf::skim_limits limits;
    const etf::skimmed found = etf::skim(std::span(bytes).subspan(1), limits);
    REQUIRE(found.length == bytes.size() - 1);
    REQUIRE(found.dynamic_key == dynamic_key(t));
  }
}

TEST_CASE("a long flat term and a wide map go there and back") {
  std::vector<term> elements;
  std::vector<std::pair<term, term>> items;
  for (int i = 0; i < 100'000; ++i) {
    elements.emplace_back(i);
    items.emplace_back(i, "v");
  }
  CHECK(there_and_back(term::list(elements)).size() == 100'000);
  CHECK(there_and_back(term::tuple(elements)).size() == 100'000);
  CHECK(there_and_back(term::map(items)) == term::map(items));
}

TEST_CASE("a buffer takes several terms, and what others write between") {
  etf::buffer out;
  out.put8(112);
  etf::write_version(out);
  etf::writer writer(out);
  writer.put_integer(1);
  out.put16(0x1234);
  out.put32(0);
  out.set32(5 + 1, 0xdeadbeef);
  out.put64(1);
  CHECK(to_hex(out.bytes()) ==
        "70836101"
        "1234"
        "deadbeef"
        "0000000000000001");
  out.truncate(2);
  writer.put_text("x");
  CHECK(to_hex(out.bytes()) == "70836d0000000178");
  etf::buffer other(std::move(out));
  CHECK(other.size() == 8);
  CHECK(out.empty());
}
