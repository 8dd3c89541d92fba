// SPDX-License-Identifier: BSL-1.0
// Programs of Erlang/OTP that a test runs beside itself, and a system that talks TCP with them.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/net/poller.hpp>
#include <troupe/net/stream_io.hpp>
#include <troupe/net/tcp.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe_test {

/// Is there such a program?
inline bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

/// A program whose output can be read. It is killed when this object, or the thread that made it, ends.
class program {
 public:
  program(std::vector<std::string> arguments, const std::vector<std::string>& environment) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      for (const std::string& e : environment) ::putenv(const_cast<char*>(e.c_str()));
      std::vector<char*> argv;
      for (std::string& a : arguments) argv.push_back(a.data());
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    if (child_ < 0) throw std::runtime_error("no process for " + arguments[0]);
  }
  ~program() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(output_);
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  /// Blocks until its output contains `text`: all of it so far. Throws with the output when it ends before.
  const std::string& wait_for(const std::string& text) {
    while (so_far_.find(text) == std::string::npos)
      if (!read_more()) throw std::runtime_error("expected \"" + text + "\" of a program, got: " + so_far_);
    return so_far_;
  }
  /// Blocks until it ends: all its output.
  const std::string& wait_for_end() {
    while (read_more()) {
    }
    return so_far_;
  }

 private:
  bool read_more() {
    char buffer[1000];
    const ssize_t n = ::read(output_, buffer, sizeof buffer);
    if (n <= 0) return false;
    so_far_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  pid_t child_ = -1;
  int output_ = -1;
  std::string so_far_;
};

/// A port of the loopback address that nobody listens at.
inline std::uint16_t free_port(const std::shared_ptr<troupe::detail::network>& net) {
  std::error_code error;
  const auto listener = net->listen("127.0.0.1", 0, error);
  if (!listener) throw std::runtime_error("no free port: " + error.message());
  return listener->port();
}

/// A system on threads whose network is TCP. A test with it that takes longer than a minute is ended by SIGALRM.
class real_world {
 public:
  real_world() : sys(options()) { ::alarm(60); }
  ~real_world() { ::alarm(0); }
  real_world(const real_world&) = delete;
  real_world& operator=(const real_world&) = delete;

  /// Runs it as a process to its end, which must be normal.
  void run(const std::function<troupe::process(troupe::context&)>& body) {
    troupe::term reason;
    sys.wait(sys.spawn([&](troupe::context& self) -> troupe::process {
      self.spawn_monitor(body);
      troupe::down d = co_await self.receive<troupe::down>();
      reason = std::move(d.reason);
    }));
    CHECK(reason == troupe::term(troupe::atom("normal")));
  }

 private:
  troupe::actor_system_options options() const {
    troupe::actor_system_options o;
    o.workers = 2;
    o.log_crashes = false;
    o.long_run = std::chrono::nanoseconds(0);
    o.poller = troupe::detail::io_pollers(reactor_);
    return o;
  }

  std::shared_ptr<troupe::detail::io_reactor> reactor_ = std::make_shared<troupe::detail::io_reactor>();

 public:
  std::shared_ptr<troupe::detail::network> net = troupe::detail::make_tcp_network(reactor_);
  troupe::actor_system sys;
};

}  // namespace troupe_test
