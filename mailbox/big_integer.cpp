// SPDX-License-Identifier: BSL-1.0
// How cpp_int becomes a term and comes back.
#include <troupe/mailbox/big_integer.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace troupe {

using boost::multiprecision::cpp_int;

cpp_int to_cpp_int(const term& t) {
  if (!t.is_big()) return t.as_integer();
  const big_integer big = t.as_big();
  const auto* bytes = reinterpret_cast<const unsigned char*>(big.magnitude.data());
  cpp_int value;
  boost::multiprecision::import_bits(value, bytes, bytes + big.magnitude.size(), 8, false);
  if (big.negative) value = -value;
  return value;
}

term from_cpp_int(const cpp_int& value) {
  std::vector<unsigned char> magnitude;
  boost::multiprecision::export_bits(value, std::back_inserter(magnitude), 8, false);  // of the absolute value
  return term::integer(value < 0, std::as_bytes(std::span(magnitude)));
}

void codec<cpp_int>::visit(const cpp_int& value, term_sink& sink) {
  if (value >= INT64_MIN && value <= INT64_MAX)
    sink.put_integer(static_cast<std::int64_t>(value));
  else if (value > 0 && value <= UINT64_MAX)
    sink.put_unsigned(static_cast<std::uint64_t>(value));
  else
    sink.put_opaque(from_cpp_int(value));
}

bool codec<cpp_int>::read(term_source& source, std::optional<cpp_int>& out) {
  std::int64_t small = 0;
  std::uint64_t positive = 0;
  if (source.read_integer(small)) {
    out.emplace(small);
  } else if (source.read_unsigned(positive)) {
    out.emplace(positive);
  } else {
    if (source.peek() != term_kind::integer) return source.fail("integer");
    out.emplace(to_cpp_int(source.read_term()));
  }
  return true;
}

}  // namespace troupe
