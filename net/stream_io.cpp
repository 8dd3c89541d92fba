// SPDX-License-Identifier: BSL-1.0
// Waiting for streams is waiting for a message, so a process can be killed at every wait, and time may be virtual.
#include <troupe/net/stream_io.hpp>

#include <troupe/actors/runtime.hpp>

#include <atomic>
#include <mutex>
#include <utility>

namespace troupe::detail {

namespace {

/// Sent by a callback that ran, so by an executor or by an ordinary thread.
template <class Message>
void wake(runtime& rt, const pid& process, Message message) noexcept {
  try {
    executor* env = rt.this_env();
    rt.deliver(env, 0, process, make_envelope<envelope, Message>(envelope_kind::message, std::move(message)));
  } catch (...) {
    // No memory for an envelope: the process meets its deadline.
  }
}

duration left_until(context& self, time_point deadline) {
  if (deadline == time_point::max()) return infinity;
  return std::max(duration(0), deadline - self.now());
}

/// Waits for the stream_ready of `ticket`; false at the deadline.
task<bool> ready(context& self, std::uint64_t ticket, time_point deadline) {
  const auto mine = [ticket](const stream_ready& r) { return r.ticket == ticket; };
  bool came = false;
  const auto note = [&came](const stream_ready&) { came = true; };
  auto handler = when(mine, note);
  auto clause = after(left_until(self, deadline));
  co_await self.receive(handler, clause);
  co_return came;
}

[[noreturn]] void fail(const byte_stream& s, std::error_code code, const char* doing) {
  throw stream_error(std::string(doing) + " " + s.peer() + ": " + code.message(), code);
}

bool would_block(const std::error_code& e) {
  return e == std::errc::operation_would_block || e == std::errc::resource_unavailable_try_again;
}

}  // namespace

std::uint64_t next_ticket() noexcept {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);  // uniqueness is all
}

io_callback waking(context& self, std::uint64_t ticket) {
  return [&rt = *slot_access::of(self).rt, process = self.pid(), ticket] { wake(rt, process, stream_ready{ticket}); };
}

task<std::size_t> read_available(context& self, byte_stream& from, std::span<std::byte> into, time_point deadline) {
  for (;;) {
    std::error_code error;
    const std::size_t n = from.read_some(into, error);
    if (n != 0) co_return n;
    if (error == end_of_stream()) co_return 0;
    if (!would_block(error)) fail(from, error, "reading from");
    const std::uint64_t ticket = next_ticket();
    from.when_readable(waking(self, ticket));
    const bool came = co_await ready(self, ticket, deadline);
    if (!came) fail(from, std::make_error_code(std::errc::timed_out), "reading from");
  }
}

task<void> read_exactly(context& self, byte_stream& from, std::span<std::byte> into, time_point deadline) {
  while (!into.empty()) {
    const std::size_t n = co_await read_available(self, from, into, deadline);
    if (n == 0) fail(from, end_of_stream(), "reading from");
    into = into.subspan(n);
  }
}

task<void> write_all(context& self, byte_stream& to, std::span<const std::byte> bytes, time_point deadline) {
  while (!bytes.empty()) {
    std::error_code error;
    const std::span<const std::byte> one[] = {bytes};
    const std::size_t n = to.write_some(one, error);
    bytes = bytes.subspan(n);
    if (n != 0) continue;
    if (!would_block(error)) fail(to, error, "writing to");
    const std::uint64_t ticket = next_ticket();
    to.when_writable(waking(self, ticket));
    const bool came = co_await ready(self, ticket, deadline);
    if (!came) fail(to, std::make_error_code(std::errc::timed_out), "writing to");
  }
}

task<std::unique_ptr<byte_stream>> connect(context& self, std::shared_ptr<network> net, std::string host,
                                           std::uint16_t port, time_point deadline) {
  // Shared by the process, which may give up, and the callback, which may come late: then the stream is closed.
  struct outcome {
    std::mutex lock;
    std::error_code error;
    std::unique_ptr<byte_stream> stream;
  };
  auto result = std::make_shared<outcome>();
  const std::uint64_t ticket = next_ticket();
  io_callback wake_up = waking(self, ticket);
  auto start = [net, host, port, result, wake_up] {
    net->connect(host, port, [result, wake_up](std::error_code error, std::unique_ptr<byte_stream> stream) {
      {
        const std::lock_guard guard(result->lock);
        result->error = error;
        result->stream = std::move(stream);
      }
      wake_up();
    });
  };
  co_await self.blocking(start);
  const bool came = co_await ready(self, ticket, deadline);
  const std::lock_guard guard(result->lock);
  std::error_code error = result->error;
  if (!came && !result->stream) error = std::make_error_code(std::errc::timed_out);
  if (error) throw stream_error("connecting to " + host + ":" + std::to_string(port) + ": " + error.message(), error);
  co_return std::move(result->stream);
}

task<std::unique_ptr<byte_stream>> accept(context& self, byte_listener& from, time_point deadline) {
  for (;;) {
    std::error_code error;
    std::unique_ptr<byte_stream> stream = from.accept(error);
    if (stream) co_return stream;
    if (!would_block(error)) throw stream_error("accepting at " + from.address() + ": " + error.message(), error);
    const std::uint64_t ticket = next_ticket();
    from.when_acceptable(waking(self, ticket));
    const bool came = co_await ready(self, ticket, deadline);
    if (!came)
      throw stream_error("accepting at " + from.address() + ": timed out", std::make_error_code(std::errc::timed_out));
  }
}

}  // namespace troupe::detail
