// SPDX-License-Identifier: BSL-1.0
// The external term format against libei, Erlang's C library: it decodes our bytes part by part, encodes the parts
// again, and we read those.
#include "etf_bytes.hpp"
#include "etf_random.hpp"

#include <doctest/doctest.h>

#ifndef TROUPE_TEST_EI

TEST_CASE("NOT TESTED: the external term format against libei, because there was none when this was built") {
  MESSAGE("install erlang-dev and configure again");
}

#else

#include <ei.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace troupe;
using namespace etf_test;

namespace {

void check(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string("ei: ") + what);
}

/// Takes values from `from` and puts them into `to`, with ei's functions for both. `conses`: lists go out one element
/// at a time, as C programs write lists whose length they do not know.
struct through_ei {
  const char* from;
  int at = 0;
  ei_x_buff to{};
  bool conses;

  through_ei(const std::vector<std::byte>& bytes, bool as_conses)
      : from(reinterpret_cast<const char*>(bytes.data())), conses(as_conses) {
    check(ei_x_new_with_version(&to), "x_new");
    int version = 0;
    check(ei_decode_version(from, &at, &version), "version");
  }
  ~through_ei() { ei_x_free(&to); }
  through_ei(const through_ei&) = delete;
  through_ei& operator=(const through_ei&) = delete;

  std::vector<std::byte> result() const {
    const auto* first = reinterpret_cast<const std::byte*>(to.buff);
    return {first, first + to.index};
  }

  void value() {
    int type = 0;
    int size = 0;
    check(ei_get_type(from, &at, &type, &size), "get_type");
    switch (type) {
      case ERL_SMALL_INTEGER_EXT:
      case ERL_INTEGER_EXT:
      case ERL_SMALL_BIG_EXT:
      case ERL_LARGE_BIG_EXT: return integer(size);
      case ERL_FLOAT_EXT:
      case NEW_FLOAT_EXT: {
        double f = 0;
        check(ei_decode_double(from, &at, &f), "double");
        return check(ei_x_encode_double(&to, f), "double");
      }
      case ERL_ATOM_EXT: {
        char name[MAXATOMLEN_UTF8];
        check(ei_decode_atom_as(from, &at, name, sizeof name, ERLANG_UTF8, nullptr, nullptr), "atom");
        return check(ei_x_encode_atom_as(&to, name, ERLANG_UTF8, ERLANG_UTF8), "atom");
      }
      case ERL_PID_EXT:
      case ERL_NEW_PID_EXT: {
        erlang_pid pid;
        check(ei_decode_pid(from, &at, &pid), "pid");
        return check(ei_x_encode_pid(&to, &pid), "pid");
      }
      case ERL_REFERENCE_EXT:
      case ERL_NEW_REFERENCE_EXT:
      case ERL_NEWER_REFERENCE_EXT: {
        erlang_ref ref;
        check(ei_decode_ref(from, &at, &ref), "ref");
        return check(ei_x_encode_ref(&to, &ref), "ref");
      }
      case ERL_PORT_EXT:
      case ERL_NEW_PORT_EXT:
      case ERL_V4_PORT_EXT: {
        erlang_port port;
        check(ei_decode_port(from, &at, &port), "port");
        return check(ei_x_encode_port(&to, &port), "port");
      }
      case ERL_SMALL_TUPLE_EXT:
      case ERL_LARGE_TUPLE_EXT: {
        int arity = 0;
        check(ei_decode_tuple_header(from, &at, &arity), "tuple");
        check(ei_x_encode_tuple_header(&to, arity), "tuple");
        for (int i = 0; i < arity; ++i) value();
        return;
      }
      case ERL_MAP_EXT: {
        int pairs = 0;
        check(ei_decode_map_header(from, &at, &pairs), "map");
        check(ei_x_encode_map_header(&to, pairs), "map");
        for (int i = 0; i < 2 * pairs; ++i) value();
        return;
      }
      case ERL_NIL_EXT: {
        int none = 0;
        check(ei_decode_list_header(from, &at, &none), "nil");
        return check(ei_x_encode_empty_list(&to), "nil");
      }
      case ERL_LIST_EXT: {
        int elements = 0;
        check(ei_decode_list_header(from, &at, &elements), "list");
        if (!conses) check(ei_x_encode_list_header(&to, elements), "list");
        for (int i = 0; i < elements; ++i) {
          if (conses) check(ei_x_encode_list_header(&to, 1), "list");
          value();
        }
        return value();  // the tail
      }
      case ERL_BINARY_EXT: {
        std::string bytes(static_cast<std::size_t>(size), '\0');
        long length = 0;
        check(ei_decode_binary(from, &at, bytes.data(), &length), "binary");
        return check(ei_x_encode_binary(&to, bytes.data(), static_cast<int>(length)), "binary");
      }
      case ERL_BIT_BINARY_EXT: {
        const char* bytes = nullptr;
        unsigned int offset = 0;
        std::size_t bits = 0;
        check(ei_decode_bitstring(from, &at, &bytes, &offset, &bits), "bitstring");
        return check(ei_x_encode_bitstring(&to, bytes, offset, bits), "bitstring");
      }
      case ERL_EXPORT_EXT: {
        erlang_fun fun{};
        check(ei_decode_fun(from, &at, &fun), "fun");
        const int result = ei_x_encode_fun(&to, &fun);
        free_fun(&fun);
        return check(result, "fun");
      }
      default: throw std::runtime_error("ei: type " + std::to_string(type));
    }
  }

  void integer(int size) {
    EI_LONGLONG number = 0;
    const int start = at;
    if (ei_decode_longlong(from, &at, &number) == 0) return check(ei_x_encode_longlong(&to, number), "longlong");
    at = start;
    EI_ULONGLONG positive = 0;
    if (ei_decode_ulonglong(from, &at, &positive) == 0) return check(ei_x_encode_ulonglong(&to, positive), "ulonglong");
    at = start;
    erlang_big* big = ei_alloc_big(static_cast<unsigned>(size));
    const bool done = ei_decode_big(from, &at, big) == 0 && ei_x_encode_big(&to, big) == 0;
    ei_free_big(big);
    check(done ? 0 : -1, "big");
  }
};

}  // namespace

TEST_CASE("libei reads what we write, and we read what it writes") {
  REQUIRE(ei_init() == 0);
  random_terms random(20);
  for (int i = 0; i < 1000; ++i) {
    const term t = random.next();
    CAPTURE(t.to_string());
    const auto bytes = etf::to_binary(t);
    for (const bool conses : {false, true}) {
      through_ei ei(bytes, conses);
      ei.value();
      CHECK(ei.at == static_cast<int>(bytes.size()));
      CHECK(etf::from_binary(ei.result()) == t);
    }
  }
}

TEST_CASE("a list that libei writes one element at a time becomes a vector") {
  ei_x_buff out;
  REQUIRE(ei_x_new_with_version(&out) == 0);
  for (int i = 0; i < 1000; ++i) {
    ei_x_encode_list_header(&out, 1);
    ei_x_encode_long(&out, i);
  }
  ei_x_encode_string(&out, "abc");
  const auto* first = reinterpret_cast<const std::byte*>(out.buff);
  const std::vector<std::byte> bytes(first, first + out.index);
  ei_x_free(&out);
  const auto numbers = etf::from_binary<std::vector<int>>(bytes);
  REQUIRE(numbers.size() == 1003);
  CHECK(numbers[999] == 999);
  CHECK(numbers[1002] == 'c');
}

TEST_CASE("what ei_x_format writes is the struct") {
  struct point {
    int x;
    double y;
  };
  ei_x_buff out;
  REQUIRE(ei_x_new(&out) == 0);
  REQUIRE(ei_x_format(&out, "{point,~i,~d}", 7, 2.5) == 0);
  const auto* first = reinterpret_cast<const std::byte*>(out.buff);
  const std::vector<std::byte> bytes(first, first + out.index);
  ei_x_free(&out);
  const auto p = etf::from_binary<point>(bytes);
  CHECK(p.x == 7);
  CHECK(p.y == 2.5);
}

#endif
