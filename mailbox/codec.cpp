// SPDX-License-Identifier: BSL-1.0
// The words of the codecs' errors.
#include <troupe/mailbox/codec.hpp>

namespace troupe::detail {

std::string integer_shape(std::int64_t low, std::uint64_t high) {
  if (low == INT64_MIN && high == static_cast<std::uint64_t>(INT64_MAX)) return "integer";
  return "integer in " + std::to_string(low) + ".." + std::to_string(high);
}

std::string bytes_shape(std::size_t size) {
  return "binary of " + std::to_string(size) + " bytes";
}

std::string elements_shape(const char* kind, std::size_t size) {
  return std::string(kind) + " of " + std::to_string(size) + (size == 1 ? " element" : " elements");
}

void refuse_unnamed(std::string_view type, std::int64_t value) {
  throw std::invalid_argument("troupe: the enumeration " + std::string(type) + " has no enumerator of value " +
                              std::to_string(value) + " (names are found from " + std::to_string(min_enumerator) +
                              " to " + std::to_string(max_enumerator) + ")");
}

bool fail_number(term_source& source, const std::string& expected, const term& got) {
  return source.fail(expected, got.to_string());
}

}  // namespace troupe::detail
