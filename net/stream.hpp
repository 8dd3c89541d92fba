// SPDX-License-Identifier: BSL-1.0
// The byte streams that nodes talk over, as interfaces: TCP (tcp.hpp) and a simulated network (testing/) stand behind
// them. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace troupe::detail {

/// Called when something has become ready, at most once each time it is given. It may run on any thread, a worker that
/// polls as a rule, and never inside the function that it is given to; it must be quick (it wakes a process, or goes on
/// writing), may not throw, and may call any function of the stream.
using io_callback = std::function<void()>;

/// One connected stream of bytes. Reading, writing and the two waits are each for one thread at a time, but a reader
/// and a writer may be two threads. Nothing blocks.
class byte_stream {
 public:
  byte_stream() = default;
  byte_stream(const byte_stream&) = delete;
  byte_stream& operator=(const byte_stream&) = delete;
  /// Closes it. No callback runs afterwards, except one that has begun on another thread.
  virtual ~byte_stream();

  /// Takes what has arrived: at least one byte, or 0 with `error`: operation_would_block (try again when readable), eof
  /// (std::errc has none: error is detail::end_of_stream()), or why the stream broke.
  virtual std::size_t read_some(std::span<std::byte> into, std::error_code& error) noexcept = 0;
  /// Writes some of the buffers' bytes, in order; 0 with `error`, as above.
  virtual std::size_t write_some(std::span<const std::span<const std::byte>> from, std::error_code& error) noexcept = 0;
  /// Calls back once when read_some would not say operation_would_block (there are bytes, the end, or an error). One
  /// wait at a time. Whoever waits when close() comes, or begins to afterwards, is called soon: reading then says why.
  virtual void when_readable(io_callback ready) = 0;
  /// The same for write_some.
  virtual void when_writable(io_callback ready) = 0;
  /// Breaks the stream for both sides: what was written and is not out yet may be lost; reading and writing here give
  /// an error from now on, and callbacks that wait are called soon or dropped. Any thread, also while others read and
  /// write; twice is once.
  virtual void close() noexcept = 0;
  /// "127.0.0.1:4711", for logs.
  virtual std::string peer() const = 0;
  /// Does the peer's address belong to this machine?
  virtual bool is_from_here() const = 0;
};

/// A port that takes connections. One thread at a time.
class byte_listener {
 public:
  byte_listener() = default;
  byte_listener(const byte_listener&) = delete;
  byte_listener& operator=(const byte_listener&) = delete;
  virtual ~byte_listener();

  /// A connection that has come in; null with `error`: operation_would_block when there is none.
  virtual std::unique_ptr<byte_stream> accept(std::error_code& error) = 0;
  /// Calls back once when accept would not say operation_would_block.
  virtual void when_acceptable(io_callback ready) = 0;
  /// The port it has.
  virtual std::uint16_t port() const = 0;
  /// "127.0.0.1:4711", for logs.
  virtual std::string address() const = 0;
};

/// Where streams come from. Any thread.
class network {
 public:
  virtual ~network();

  using connected = std::function<void(std::error_code error, std::unique_ptr<byte_stream> stream)>;

  /// Listens at `port` (0: any free one) of `address`, an IP address or a name of this machine. May block for name
  /// look-up. Null with `error`.
  virtual std::unique_ptr<byte_listener> listen(const std::string& address, std::uint16_t port,
                                                std::error_code& error) = 0;
  /// Connects to host and port; calls back once, like an io_callback, with the stream or the error.
  /// `host` is an IP address or a name; looking it up may block, which is why processes call this in
  /// self.blocking (see stream_io.hpp's connect()).
  virtual void connect(const std::string& host, std::uint16_t port, connected done) = 0;
};

/// The error of a stream whose other side has ended it in order.
std::error_code end_of_stream() noexcept;

}  // namespace troupe::detail
