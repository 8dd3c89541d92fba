// SPDX-License-Identifier: BSL-1.0
// The parts of the stream interfaces that are not pure.
#include <troupe/net/stream.hpp>

namespace troupe::detail {

byte_stream::~byte_stream() = default;
byte_listener::~byte_listener() = default;
network::~network() = default;

namespace {

class stream_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "stream"; }
  std::string message(int) const override { return "the other side has closed the connection"; }
};

}  // namespace

std::error_code end_of_stream() noexcept {
  static const stream_category category;
  return {1, category};
}

}  // namespace troupe::detail
