// SPDX-License-Identifier: BSL-1.0
// Starting the program, and reading what it says.
#include "programs.hpp"

#include <troupe/net/loopback.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <utility>

namespace tool_test {

namespace {

constexpr std::chrono::seconds patience{60};
const std::string cookie = "tool-test-cookie";

/// A folder without a cookie in it, which is the home of all programs here.
const std::string& home() {
  struct folder {
    std::string path = std::filesystem::temp_directory_path() / ("troupe_tool_test_" + std::to_string(::getpid()));
    folder() { std::filesystem::create_directories(path); }
    ~folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const folder one;
  return one.path;
}

/// In the child.
[[noreturn]] void become(std::vector<std::string> arguments, const std::string& home_folder, const std::string& port) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setenv("HOME", home_folder.c_str(), 1);
  ::unsetenv("XDG_CONFIG_HOME");
  ::setenv("ERL_EPMD_PORT", port.c_str(), 1);
  ::setenv("TERM", "xterm", 1);
  ::setenv("LC_ALL", "C.UTF-8", 1);
  if (arguments.empty() || !arguments[0].starts_with('/')) arguments.insert(arguments.begin(), TROUPE_TEST_PROGRAM);
  std::vector<char*> argv;
  for (std::string& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int code_of(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int left(std::chrono::steady_clock::time_point deadline) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return ms.count() > 0 ? static_cast<int>(ms.count()) : 0;
}

}  // namespace

std::string epmd_port() {
  static const std::string port = std::to_string(troupe::free_port());
  return port;
}

ended shell(const std::vector<std::string>& arguments, const std::string& input) {
  const std::string folder = home();
  const std::string port = epmd_port();
  int in[2];
  int out[2];
  int err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    become(arguments, folder, port);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  // What is written here is short: it fits into the pipe.
  if (!input.empty() && ::write(in[1], input.data(), input.size()) < 0) FAIL_CHECK("no input");
  ::close(in[1]);
  ended e;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  pollfd both[2] = {{.fd = out[0], .events = POLLIN, .revents = 0}, {.fd = err[0], .events = POLLIN, .revents = 0}};
  std::string* texts[2] = {&e.out, &e.err};
  while (both[0].fd >= 0 || both[1].fd >= 0) {
    if (::poll(both, 2, left(deadline)) <= 0) {
      FAIL_CHECK("troupe " << (arguments.empty() ? "" : arguments[0]) << " hangs");
      ::kill(process, SIGKILL);
      break;
    }
    for (int i = 0; i < 2; ++i) {
      if (both[i].fd < 0 || both[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(both[i].fd, buffer, sizeof buffer);
      if (n > 0)
        texts[i]->append(buffer, static_cast<std::size_t>(n));
      else
        both[i].fd = -1;
    }
  }
  ::close(out[0]);
  ::close(err[0]);
  e.code = code_of(process);
  return e;
}

ended in_sh(const std::string& script) {
  return shell({"/bin/sh", "-c", script, "sh", TROUPE_TEST_PROGRAM});
}

terminal::terminal(const std::vector<std::string>& arguments, unsigned short columns) {
  const std::string folder = home();
  const std::string port = epmd_port();
  winsize size{};
  size.ws_row = 50;  // all of a small node is seen, with what happens to serve others there
  size.ws_col = columns;
  process_ = ::forkpty(&screen_, nullptr, nullptr, &size);
  if (process_ == 0) become(arguments, folder, port);
  if (process_ < 0) throw std::runtime_error("no terminal");
  ::fcntl(screen_, F_SETFD, FD_CLOEXEC);
}
terminal::~terminal() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(screen_);
}

void terminal::type(const std::string& keys) const {
  if (::write(screen_, keys.data(), keys.size()) < 0) FAIL_CHECK("cannot type");
}

bool terminal::read_more(std::chrono::steady_clock::time_point deadline) {
  pollfd in{.fd = screen_, .events = POLLIN, .revents = 0};
  if (::poll(&in, 1, left(deadline)) <= 0) return false;
  char buffer[4096];
  const ssize_t n = ::read(screen_, buffer, sizeof buffer);
  if (n <= 0) return false;  // EIO: its end
  all_.append(buffer, static_cast<std::size_t>(n));
  return true;
}

bool terminal::shows(const std::string& text) {
  // It may draw for ever without it.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const auto at = all_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (!read_more(deadline)) break;
  }
  MESSAGE("not shown: " << text << "\nbut " << all_.substr(seen_).substr(0, 4000));
  return false;
}

bool terminal::echoes() const {
  termios now{};
  return ::tcgetattr(screen_, &now) == 0 && (now.c_lflag & ECHO) != 0 && (now.c_lflag & ICANON) != 0;
}

void terminal::signal(int which) const {
  ::kill(process_, which);
}

int terminal::end() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (read_more(deadline)) {
  }
  if (left(deadline) == 0) ::kill(process_, SIGKILL);
  return code_of(std::exchange(process_, -1));
}

live_node::live_node(const std::string& name, const std::vector<std::string>& more) : name_(name) {
  std::vector<std::string> arguments{"node",    "--name",   name,        "--load", TROUPE_TEST_PLUGIN,
                                     "--start", "counting", "--workers", "2"};
  if (std::find(more.begin(), more.end(), "--log-level") == more.end())
    arguments.insert(arguments.end(), {"--log-level", "off"});
  if (std::find(more.begin(), more.end(), "--cookie") == more.end())
    arguments.insert(arguments.end(), {"--cookie", cookie});
  arguments.insert(arguments.end(), more.begin(), more.end());
  const std::string folder = home();
  const std::string port = epmd_port();
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(out[1], 1);
    become(arguments, folder, port);
  }
  ::close(out[1]);
  // The plugin's application says "counting" when it has started.
  std::string said;
  char c = 0;
  pollfd in{.fd = out[0], .events = POLLIN, .revents = 0};
  while (!said.ends_with("counting\n") && ::poll(&in, 1, 60'000) > 0 && ::read(out[0], &c, 1) == 1) said += c;
  ::close(out[0]);
  if (!said.ends_with("counting\n")) throw std::runtime_error("troupe node does not start: " + said);
}
live_node::~live_node() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}
int live_node::stop() {
  ::kill(process_, SIGTERM);
  return code_of(std::exchange(process_, -1));
}

void live_node::pause() const {
  ::kill(process_, SIGSTOP);
}

std::string file(const std::string& name, const std::string& content) {
  const std::string path = home() + "/" + name;
  std::ofstream(path) << content;
  return path;
}

const std::string& shop() {
  static const live_node one("shop@127.0.0.1", {"--observer"});
  return one.name();
}
const std::string& closed() {
  static const live_node one("closed@127.0.0.1");
  return one.name();
}

std::vector<std::string> on(const std::string& command, const std::string& node, const std::vector<std::string>& more) {
  std::vector<std::string> all{command, node};
  all.insert(all.end(), more.begin(), more.end());
  all.insert(all.end(), {"--cookie", cookie});
  return all;
}

}  // namespace tool_test
