// SPDX-License-Identifier: BSL-1.0
// Streams as processes use them: reading, writing and connecting as tasks with deadlines. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

namespace troupe::detail {

/// Something that a process waited for at a stream has become ready. A message to that process.
struct stream_ready {
  std::uint64_t ticket;
};

/// A stream broke, ended or took too long. what() says which, with the peer's address.
class stream_error : public std::runtime_error {
 public:
  stream_error(const std::string& what, std::error_code code) : std::runtime_error(what), code_(code) {}
  const std::error_code& code() const noexcept { return code_; }

 private:
  std::error_code code_;
};

/// A callback that sends stream_ready{ticket} to the process.
io_callback waking(context& self, std::uint64_t ticket);
/// A ticket that no other wait of this OS process has.
std::uint64_t next_ticket() noexcept;

/// Reads exactly `into.size()` bytes. Throws stream_error: broken, ended before, or not there at `deadline`
/// (std::errc::timed_out).
task<void> read_exactly(context& self, byte_stream& from, std::span<std::byte> into, time_point deadline);
/// Reads at least one byte: how many; 0 at the end of the stream. Throws stream_error.
task<std::size_t> read_available(context& self, byte_stream& from, std::span<std::byte> into, time_point deadline);
/// Writes all. Throws stream_error.
task<void> write_all(context& self, byte_stream& to, std::span<const std::byte> bytes, time_point deadline);
/// Connects; the host's name is looked up off the workers. Throws stream_error.
task<std::unique_ptr<byte_stream>> connect(context& self, std::shared_ptr<network> net, std::string host,
                                           std::uint16_t port, time_point deadline);
/// The next connection. Throws stream_error.
task<std::unique_ptr<byte_stream>> accept(context& self, byte_listener& from, time_point deadline = time_point::max());

}  // namespace troupe::detail
