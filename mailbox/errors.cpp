// SPDX-License-Identifier: BSL-1.0
// How a decode_error words what() from its parts.
#include <troupe/mailbox/errors.hpp>

#include <utility>

namespace troupe {

decode_error::decode_error(std::string path, std::string expected, std::string got)
    : std::runtime_error((path.empty() ? path : path + ": ") + "expected " + expected + ", got " + got),
      path_(std::move(path)), expected_(std::move(expected)), got_(std::move(got)) {}

}  // namespace troupe
