// SPDX-License-Identifier: BSL-1.0
// Asio says when a descriptor is ready; bytes and connections go through plain system calls, which many threads may
// make at once, and which can ask for CLOEXEC and leave SIGPIPE out.
#include <troupe/net/tcp.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace troupe::detail {

namespace {

namespace asio = boost::asio;
using endpoint = asio::ip::tcp::endpoint;
using asio::posix::descriptor_base;

std::error_code last_error() noexcept {
  return {errno, std::system_category()};
}

std::string to_text(const endpoint& e) {
  const std::string address = e.address().to_string();
  return (e.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(e.port());
}

/// A descriptor that closes itself.
class owned_fd {
 public:
  explicit owned_fd(int fd = -1) noexcept : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

owned_fd new_socket(const endpoint& e) noexcept {
  return owned_fd(::socket(e.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

void set(int fd, int level, int option) noexcept {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);  // refused: it works without, slower
}

template <auto Query>
endpoint end_of(int fd) noexcept {
  endpoint e;
  auto size = static_cast<socklen_t>(e.capacity());
  if (Query(fd, e.data(), &size) == 0 && size <= e.capacity() && size != 0) e.resize(size);
  return e;
}

asio::ip::address plain(const asio::ip::address& a) {
  if (a.is_v6() && a.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, a.to_v6());
  return a;
}

/// Has this machine an interface of that address?
bool is_own_address(const asio::ip::address& wanted) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* i = list; i != nullptr && !found; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    if (i->ifa_addr->sa_family == AF_INET && wanted.is_v4()) {
      const auto& in = reinterpret_cast<const sockaddr_in&>(*i->ifa_addr);
      found = asio::ip::address_v4(ntohl(in.sin_addr.s_addr)) == wanted.to_v4();
    } else if (i->ifa_addr->sa_family == AF_INET6 && wanted.is_v6()) {
      const auto& in = reinterpret_cast<const sockaddr_in6&>(*i->ifa_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy_n(in.sin6_addr.s6_addr, bytes.size(), bytes.begin());
      found = asio::ip::address_v6(bytes).to_bytes() == wanted.to_v6().to_bytes();
    }
  }
  ::freeifaddrs(list);
  return found;
}

/// The addresses of a host; empty with `error`. May block.
std::vector<endpoint> resolve(asio::io_context& context, const std::string& host, std::uint16_t port, bool to_listen,
                              std::error_code& error) {
  if (host.empty() || host.find('\0') != std::string::npos) {
    error = std::make_error_code(std::errc::invalid_argument);
    return {};
  }
  using resolver = asio::ip::tcp::resolver;
  resolver::flags flags = resolver::numeric_service;
  if (to_listen) flags |= resolver::passive;
  boost::system::error_code code;
  std::vector<endpoint> found;
  for (const auto& entry : resolver(context).resolve(host, std::to_string(port), flags, code))
    found.push_back(entry.endpoint());
  error = code;
  if (!error && found.empty()) error = std::make_error_code(std::errc::address_not_available);
  return found;
}

// --- readiness -------------------------------------------------------------------------------------------------------

/// A descriptor and who waits for it. Shared by the stream or listener, which closes it at its end, and by Asio's
/// handlers. Asio's objects are for one thread at a time, so a lock guards them; system calls go on outside of it.
class watched final : public io_source {
 public:
  watched(io_reactor& reactor, owned_fd fd)
      : io_source(reactor), reactor_(reactor), fd_(fd.get()), descriptor_(reactor.context(), fd.get()),
        writing_(reactor.context()), pause_(reactor.context()) {
    fd.release();
  }

  int fd() const noexcept { return fd_; }
  std::shared_ptr<watched> self() { return std::static_pointer_cast<watched>(shared_from_this()); }

  void when_readable(io_callback ready) {
    start(read_, ready, [this] { descriptor_.async_wait(descriptor_base::wait_read, handler{self(), &read_}); });
  }
  void when_writable(io_callback ready) {
    start(write_, ready, [this] {
      duplicate();
      (writing_.is_open() ? writing_ : descriptor_).async_wait(descriptor_base::wait_write, handler{self(), &write_});
    });
  }
  /// Calls back after `time`.
  void after(std::chrono::milliseconds time, io_callback ready) {
    start(read_, ready, [this, time] {
      pause_.expires_after(time);
      pause_.async_wait(handler{self(), &read_});
    });
  }

  /// Closes the descriptor. Only its owner, when no other thread makes system calls on it.
  void end() noexcept {
    {
      const std::lock_guard guard(lock_);
      ended_ = true;
      boost::system::error_code ignored;
      descriptor_.close(ignored);
      writing_.close(ignored);
      pause_.cancel();
    }
    drop();
  }

  void drop() noexcept override {
    io_callback dropped[2];  // destroyed outside of the lock
    const std::lock_guard guard(lock_);
    std::swap(dropped[0], read_.ready);
    std::swap(dropped[1], write_.ready);
  }

 private:
  struct side final : io_event {
    explicit side(watched& w) noexcept : of(w) {}
    void happen() noexcept override { of.call(*this); }

    watched& of;
    io_callback ready;   // under lock_
    bool armed = false;  // under lock_: Asio has a handler, or has run it and it has not happened yet
  };

  struct handler {
    std::shared_ptr<watched> self;
    side* which;
    // Also when it has failed: whoever waits tries again, and learns of it.
    void operator()(const boost::system::error_code&) { self->reactor_.record(*which, self); }
  };

  /// Asio never takes back that it asked for room to write, and from then on each wait for bytes would begin with the
  /// news that there is room: one more look, 2 of the 19 us of a round trip. So it asks about a duplicate, for as long
  /// as somebody waits; without a descriptor for that, it is just slower.
  void duplicate() {
    owned_fd copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
    if (!copy) return;
    boost::system::error_code failed;
    writing_.assign(copy.get(), failed);
    if (!failed) copy.release();
  }

  template <class Arm>
  void start(side& s, io_callback& ready, Arm arm) {
    const std::lock_guard guard(lock_);
    if (ended_ || is_deserted()) return;
    std::swap(s.ready, ready);  // one that waits already is replaced; the caller destroys it
    if (s.armed) return;
    s.armed = true;
    try {
      arm();
    } catch (...) {
      s.armed = false;
      std::swap(s.ready, ready);
      throw;
    }
  }

  void call(side& s) noexcept {
    io_callback ready;
    {
      const std::lock_guard guard(lock_);
      s.armed = false;
      std::swap(ready, s.ready);
      boost::system::error_code ignored;
      if (&s == &write_) writing_.close(ignored);
    }
    if (ready) ready();
  }

  io_reactor& reactor_;  // outlives the handlers, which it owns
  const int fd_;
  std::mutex lock_;
  asio::posix::stream_descriptor descriptor_;  // under lock_
  asio::posix::stream_descriptor writing_;     // under lock_
  asio::steady_timer pause_;                   // under lock_
  bool ended_ = false;                         // under lock_
  side read_{*this};
  side write_{*this};
};

// --- streams ---------------------------------------------------------------------------------------------------------

class tcp_stream final : public byte_stream {
 public:
  tcp_stream(std::shared_ptr<io_reactor> reactor, std::shared_ptr<watched> socket, const endpoint& peer)
      : reactor_(std::move(reactor)), watched_(std::move(socket)), peer_(peer), name_(to_text(peer)) {
    set(watched_->fd(), IPPROTO_TCP, TCP_NODELAY);
    set(watched_->fd(), SOL_SOCKET, SO_KEEPALIVE);
  }
  ~tcp_stream() override { watched_->end(); }

  std::size_t read_some(std::span<std::byte> into, std::error_code& error) noexcept override;
  std::size_t write_some(std::span<const std::span<const std::byte>> from, std::error_code& error) noexcept override;
  // After close() too: it may have come between a read and the wait that follows it, and then the callback, which comes
  // at once, is how the reader learns of it.
  void when_readable(io_callback ready) override { watched_->when_readable(std::move(ready)); }
  void when_writable(io_callback ready) override { watched_->when_writable(std::move(ready)); }
  void close() noexcept override {
    // The descriptor stays until the end, lest its number be another's while a thread reads or writes. Both sides
    // become ready, so that callbacks that wait are called.
    if (!closed_.exchange(true, std::memory_order_acq_rel)) ::shutdown(watched_->fd(), SHUT_RDWR);
  }
  std::string peer() const override { return name_; }
  bool is_from_here() const override {
    const asio::ip::address address = plain(peer_.address());
    return address.is_loopback() || is_own_address(address);
  }

 private:
  static constexpr std::size_t most_buffers = 64;

  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  bool refuse(std::error_code& error, bool empty) const noexcept {
    if (is_closed()) error = std::make_error_code(std::errc::connection_aborted);
    // 0 bytes would look like the end.
    else if (empty)
      error = std::make_error_code(std::errc::invalid_argument);
    else
      return false;
    return true;
  }

  const std::shared_ptr<io_reactor> reactor_;  // first: the rest is of it
  const std::shared_ptr<watched> watched_;
  std::atomic<bool> closed_{false};
  const endpoint peer_;
  const std::string name_;
};

std::size_t tcp_stream::read_some(std::span<std::byte> into, std::error_code& error) noexcept {
  if (refuse(error, into.empty())) return 0;
  for (;;) {
    const ssize_t n = ::recv(watched_->fd(), into.data(), into.size(), 0);
    if (n > 0) {
      error.clear();
      return static_cast<std::size_t>(n);
    }
    if (n < 0 && errno == EINTR) continue;
    error = n < 0 ? last_error() : end_of_stream();
    if (is_closed()) error = std::make_error_code(std::errc::connection_aborted);
    return 0;
  }
}

std::size_t tcp_stream::write_some(std::span<const std::span<const std::byte>> from, std::error_code& error) noexcept {
  std::array<iovec, most_buffers> parts;
  std::size_t count = 0;
  for (const std::span<const std::byte>& part : from) {
    if (part.empty()) continue;
    if (count == parts.size()) break;
    parts[count++] = {.iov_base = const_cast<std::byte*>(part.data()), .iov_len = part.size()};
  }
  if (refuse(error, count == 0)) return 0;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t n = ::sendmsg(watched_->fd(), &message, MSG_NOSIGNAL);
    if (n > 0) {
      error.clear();
      return static_cast<std::size_t>(n);
    }
    if (n < 0 && errno == EINTR) continue;
    error = last_error();
    if (is_closed()) error = std::make_error_code(std::errc::connection_aborted);
    return 0;
  }
}

// --- listening -------------------------------------------------------------------------------------------------------

class tcp_listener final : public byte_listener {
 public:
  tcp_listener(std::shared_ptr<io_reactor> reactor, owned_fd fd)
      : reactor_(std::move(reactor)), here_(end_of<::getsockname>(fd.get())),
        watched_(std::make_shared<watched>(*reactor_, std::move(fd))) {}
  ~tcp_listener() override { watched_->end(); }

  std::unique_ptr<byte_stream> accept(std::error_code& error) override;
  void when_acceptable(io_callback ready) override {
    if (std::exchange(starved_, false))
      watched_->after(patience, std::move(ready));
    else
      watched_->when_readable(std::move(ready));
  }
  std::uint16_t port() const override { return here_.port(); }
  std::string address() const override { return to_text(here_); }

 private:
  static constexpr std::chrono::milliseconds patience{100};

  const std::shared_ptr<io_reactor> reactor_;  // first: the rest is of it
  const endpoint here_;
  const std::shared_ptr<watched> watched_;
  bool starved_ = false;  // the last accept() failed for want of descriptors or memory
};

std::unique_ptr<byte_stream> tcp_listener::accept(std::error_code& error) {
  for (;;) {
    endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    owned_fd fd(::accept4(watched_->fd(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      peer.resize(size);
      error.clear();
      return std::make_unique<tcp_stream>(reactor_, std::make_shared<watched>(*reactor_, std::move(fd)), peer);
    }
    error = last_error();
    switch (error.value()) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        // The connection stays where it is and the listener stays readable: an Asio wait would end at once, for ever.
        starved_ = true;
        error = std::make_error_code(std::errc::operation_would_block);
        return nullptr;
      case EINTR:
      // The connection broke before we took it: accept(2) wants these tried again.
      case ECONNABORTED:
      case EPROTO:
      case ENETDOWN:
      case ENOPROTOOPT:
      case EHOSTDOWN:
      case ENONET:
      case EHOSTUNREACH:
      case ENETUNREACH:
      case EPERM: continue;
      default: return nullptr;
    }
  }
}

// --- connecting ------------------------------------------------------------------------------------------------------

/// One connect(): the addresses in turn, until one answers.
class dial final : public io_source, io_event {
 public:
  dial(const std::shared_ptr<io_reactor>& reactor, network::connected done)
      : io_source(*reactor), reactor_(*reactor), home_(reactor), done_(std::move(done)) {}

  void start(std::vector<endpoint> addresses) {
    addresses_ = std::move(addresses);
    if (!try_next()) fail(error_);
  }
  /// Says so soon, not now.
  void fail(std::error_code error) {
    error_ = error;
    asio::post(reactor_.context(), [self = self()] { self->reactor_.record(*self, self); });
    if (is_deserted()) drop();
  }
  void drop() noexcept override { take_done(); }

 private:
  std::shared_ptr<dial> self() { return std::static_pointer_cast<dial>(shared_from_this()); }

  network::connected take_done() noexcept {
    network::connected done;
    const std::lock_guard guard(lock_);
    std::swap(done, done_);
    return done;
  }

  /// Begins with the next address; false when there is none left, and error_ says what happened with the last one.
  bool try_next() {
    for (; next_ < addresses_.size(); ++next_) {
      const endpoint& to = addresses_[next_];
      owned_fd fd = new_socket(to);
      // EINTR: it goes on, as with EINPROGRESS.
      if (fd && (::connect(fd.get(), to.data(), static_cast<socklen_t>(to.size())) == 0 || errno == EINPROGRESS ||
                 errno == EINTR)) {
        // Nobody but its own handler keeps it, so it ends when that is dropped.
        const auto socket = std::make_shared<watched>(reactor_, std::move(fd));
        // It can be written to when it is there, or has failed; also if it is there already.
        socket->when_writable([self = self(), raw = socket.get()] { self->answered(raw->self()); });
        return true;
      }
      error_ = last_error();
    }
    return false;
  }

  void answered(std::shared_ptr<watched> socket) noexcept {
    try {
      error_ = outcome(socket->fd());
      if (error_) {
        ++next_;
        if (try_next()) return;
      } else if (const std::shared_ptr<io_reactor> reactor = home_.lock()) {
        finish(std::make_unique<tcp_stream>(reactor, std::move(socket), addresses_[next_]));
        return;
      }
    } catch (...) {
      error_ = std::make_error_code(std::errc::not_enough_memory);
    }
    finish(nullptr);
  }

  static std::error_code outcome(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    // A port of this machine at which nobody listens may be the one that the kernel gives to us, and then we talk to
    // ourselves.
    if (error == 0 && end_of<::getsockname>(fd) == end_of<::getpeername>(fd)) error = ECONNREFUSED;
    return {error, std::system_category()};
  }

  void happen() noexcept override { finish(nullptr); }
  void finish(std::unique_ptr<byte_stream> stream) noexcept {
    if (const network::connected done = take_done()) done(error_, std::move(stream));
  }

  io_reactor& reactor_;
  const std::weak_ptr<io_reactor> home_;  // weak: the reactor's handlers keep this
  std::vector<endpoint> addresses_;
  std::size_t next_ = 0;  // the one that is being tried
  std::error_code error_;
  std::mutex lock_;
  network::connected done_;  // under lock_
};

class tcp_network final : public network {
 public:
  explicit tcp_network(std::shared_ptr<io_reactor> reactor) : reactor_(std::move(reactor)) {}

  std::unique_ptr<byte_listener> listen(const std::string& address, std::uint16_t port,
                                        std::error_code& error) override {
    for (const endpoint& here : resolve(reactor_->context(), address, port, true, error)) {
      owned_fd fd = new_socket(here);
      if (fd) {
        set(fd.get(), SOL_SOCKET, SO_REUSEADDR);
        if (::bind(fd.get(), here.data(), static_cast<socklen_t>(here.size())) == 0 &&
            ::listen(fd.get(), SOMAXCONN) == 0) {
          error.clear();
          return std::make_unique<tcp_listener>(reactor_, std::move(fd));
        }
      }
      error = last_error();
    }
    return nullptr;
  }

  void connect(const std::string& host, std::uint16_t port, connected done) override {
    const auto d = std::make_shared<dial>(reactor_, std::move(done));
    std::error_code error;
    std::vector<endpoint> addresses = resolve(reactor_->context(), host, port, false, error);
    if (error)
      d->fail(error);
    else
      d->start(std::move(addresses));
  }

 private:
  const std::shared_ptr<io_reactor> reactor_;
};

}  // namespace

std::shared_ptr<network> make_tcp_network(std::shared_ptr<io_reactor> reactor) {
  return std::make_shared<tcp_network>(std::move(reactor));
}

}  // namespace troupe::detail
