// SPDX-License-Identifier: BSL-1.0
// How decode_error and parse_error word what() from their parts.
#include <troupe/mailbox/errors.hpp>

#include <utility>

namespace troupe {

decode_error::decode_error(std::string path, std::string expected, std::string got)
    : std::runtime_error((path.empty() ? path : path + ": ") + "expected " + expected + ", got " + got),
      path_(std::move(path)), expected_(std::move(expected)), got_(std::move(got)) {}

parse_error::parse_error(std::size_t line, std::size_t column, std::size_t offset, std::string expected,
                         std::string found, bool at_end)
    : std::runtime_error("troupe: " + std::to_string(line) + ":" + std::to_string(column) + ": expected " + expected +
                         ", found " + found),
      line_(line), column_(column), offset_(offset), expected_(std::move(expected)), found_(std::move(found)),
      at_end_(at_end) {}

}  // namespace troupe
