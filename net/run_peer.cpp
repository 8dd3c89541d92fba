// SPDX-License-Identifier: BSL-1.0
// What a peer does itself: reads who it shall be, serves as a node, and ends with its parent.
#include <troupe/net/peer.hpp>
#include <troupe/net/peer_parts.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe {

using namespace std::chrono_literals;

namespace {

/// What the environment says.
struct upbringing {
  bool is_peer = false;
  std::string name, cookie, parent, epmd_port, port, hidden, tick;
};

upbringing take_from_environment() {
  upbringing u;
  u.is_peer = std::getenv(detail::peer_name_variable) != nullptr;
  const auto take = [](const char* name) {
    const char* value = std::getenv(name);
    std::string text = value != nullptr ? value : "";
    ::unsetenv(name);
    return text;
  };
  u.name = take(detail::peer_name_variable);
  u.cookie = take("TROUPE_PEER_COOKIE");
  u.parent = take("TROUPE_PEER_PARENT");
  u.epmd_port = take("TROUPE_PEER_EPMD_PORT");
  u.port = take("TROUPE_PEER_PORT");
  u.hidden = take("TROUPE_PEER_HIDDEN");
  u.tick = take("TROUPE_PEER_TICK_MS");
  return u;
}

const upbringing& from_parent() {
  static const upbringing u = take_from_environment();
  return u;
}

template <class Number>
Number number_in(const char* variable, const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw node_error("troupe: " + std::string(variable) + " is '" + text + "', and should be a number");
  return value;
}

/// Hears SIGTERM and the end of standard input, and sees to it that the process then ends.
class stop_watch {
 public:
  static constexpr int longest_end_ms = 10'000;

  stop_watch() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &old_);  // threads that are made from now on have it blocked too
    signals_ = detail::descriptor(::signalfd(-1, &set, SFD_CLOEXEC));
    ended_ = detail::descriptor(::eventfd(0, EFD_CLOEXEC));
    ::fcntl(STDIN_FILENO, F_SETFD, FD_CLOEXEC);  // the parent's affair with this process, not with those it starts
    const detail::all_signals_blocked guard;
    thread_ = std::thread([this] { run(); });
  }
  stop_watch(const stop_watch&) = delete;
  stop_watch& operator=(const stop_watch&) = delete;
  ~stop_watch() {
    const std::uint64_t one = 1;
    if (::write(ended_.get(), &one, sizeof one) != sizeof one) std::abort();  // an eventfd takes it
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

  void wait() { told_.get_future().wait(); }

 private:
  void run() noexcept {
    pollfd p[] = {{.fd = ended_.get(), .events = POLLIN, .revents = 0},
                  {.fd = signals_.get(), .events = POLLIN, .revents = 0},
                  {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
    for (bool told = false; !told;) {
      if (::poll(p, 3, -1) < 0) continue;
      if (p[0].revents != 0) return;
      char buffer[64];
      if (p[1].revents != 0) {
        signalfd_siginfo signal;  // read, or it would be delivered when it is no longer blocked
        told = ::read(signals_.get(), &signal, sizeof signal) > 0;
      }
      if (p[2].revents != 0) {
        const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
        told = told || got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
      }
    }
    told_.set_value();
    if (::poll(p, 1, longest_end_ms) == 0) ::_exit(1);
  }

  sigset_t old_;
  detail::descriptor signals_;
  detail::descriptor ended_;
  std::promise<void> told_;
  std::thread thread_;
};

}  // namespace

bool is_peer() {
  return from_parent().is_peer;
}

std::optional<node_options> peer_node_options() {
  const upbringing& u = from_parent();
  if (!u.is_peer) return std::nullopt;
  node_options options;
  options.name = u.name;
  options.cookie = u.cookie;
  options.hidden = !u.hidden.empty() && u.hidden != "0";
  if (!u.epmd_port.empty()) options.epmd_port = number_in<std::uint16_t>("TROUPE_PEER_EPMD_PORT", u.epmd_port);
  if (!u.port.empty()) {
    options.port = number_in<std::uint16_t>("TROUPE_PEER_PORT", u.port);
    options.use_epmd = false;
  }
  if (!u.tick.empty())
    options.tick_time = std::chrono::milliseconds(number_in<std::int64_t>("TROUPE_PEER_TICK_MS", u.tick));
  return options;
}

int run_peer(const std::function<void(node&)>& setup) {
  try {
    const std::optional<node_options> options = peer_node_options();
    if (!options) throw node_error("troupe: this process was not started as a peer: TROUPE_PEER_NAME is not set");
    return run_peer(*options, setup);
  } catch (const node_error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

int run_peer(const node_options& options, const std::function<void(node&)>& setup) {
  try {
    stop_watch watch;
    node here(options);
    setup(here);
    const std::string& parent = from_parent().parent;
    if (!parent.empty() && !here.connect(parent, 15s))
      throw node_error("troupe: the peer " + options.name + " cannot connect with its parent " + parent);
    // Where standard input is no socket, nobody waits for it.
    ::send(STDIN_FILENO, &detail::peer_is_ready, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    watch.wait();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

}  // namespace troupe
