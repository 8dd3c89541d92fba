// SPDX-License-Identifier: BSL-1.0
// Whole values to bytes and back.
#include <troupe/net/etf/encoded.hpp>

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>

namespace troupe {

namespace {

/// What follows the tag 80: the size of what it inflates to, and a zlib stream.
std::vector<std::byte> inflated_term(detail::etf_cursor& in, const etf::binary_limits& limits) {
  const std::size_t start = in.at++;
  const std::size_t size = in.take<std::uint32_t>();
  if (size > limits.max_inflated)
    in.refuse(start, "a compressed term of at most " + std::to_string(limits.max_inflated) + " bytes, not " +
                         std::to_string(size));
  // Deflate makes 1032 bytes of one at most: a size beyond that is not worth the memory.
  if (size / 1032 > in.left()) in.refuse(start, "a compressed term of " + std::to_string(size) + " bytes");
  std::vector<std::byte> out(size);
  auto written = static_cast<uLongf>(size);
  auto read = static_cast<uLong>(in.left());
  std::byte nothing{};
  const int result = uncompress2(reinterpret_cast<Bytef*>(size == 0 ? &nothing : out.data()), &written,
                                 reinterpret_cast<const Bytef*>(in.bytes.data() + in.at), &read);
  if (result != Z_OK || written != size) in.refuse(start, "a zlib stream of " + std::to_string(size) + " bytes");
  in.at += read;
  return out;
}

}  // namespace

namespace detail {

std::span<const std::byte> open_binary(std::span<const std::byte> bytes, const etf::binary_limits& limits,
                                       std::vector<std::byte>& inflated) {
  etf_cursor in{bytes, 0};
  if (in.peek() != etf_tag::version) in.refuse(0, "the version byte 131");
  ++in.at;
  etf::skim_limits skim_limits;
  skim_limits.max_depth = limits.max_depth;
  skim_limits.names = etf::name_budget(limits.new_names);
  if (in.left() > 0 && in.peek() == etf_tag::compressed) {
    inflated = inflated_term(in, limits);
    if (in.left() > 0) in.refuse(in.at, "the end of the term");
    const etf_cursor inside{inflated, 0};
    const std::size_t length = etf::skim(inflated, skim_limits).length;
    if (length != inflated.size()) inside.refuse(length, "the end of the term");
    return inflated;
  }
  const auto rest = bytes.subspan(in.at);
  const std::size_t length = etf::skim(rest, skim_limits).length;
  if (length != rest.size()) in.refuse(in.at + length, "the end of the term");
  return rest;
}

}  // namespace detail

namespace etf {

std::vector<std::byte> to_binary(const term& value) {
  buffer out;
  write_version(out);
  writer(out).put_term(value);
  const auto bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

term from_binary(std::span<const std::byte> bytes, const binary_limits& limits) {
  std::vector<std::byte> inflated;
  return reader(detail::open_binary(bytes, limits, inflated)).read_term();
}

}  // namespace etf
}  // namespace troupe
