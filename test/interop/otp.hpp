// SPDX-License-Identifier: BSL-1.0
// Real Erlang/OTP nodes for tests: started, asked to evaluate something, killed.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>

#include <doctest/doctest.h>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace interop {

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

/// The cookie of all nodes that are not about cookies.
inline const std::string cookie = "interop-cookie";

/// How long anything may take. Whoever waits longer has failed: nothing here takes a tenth of it.
inline constexpr std::chrono::seconds patience{10};

/// Variables of an expression, by their names there.
using bindings = std::vector<std::pair<std::string, term>>;

/// An expression that did not give a value: it raised, or took too long.
class otp_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// OTP's epmd, on a port of its own. It ends with this program.
std::uint16_t epmd_port();

/// A child process; killed when the object goes, and when this program does.
class child {
 public:
  /// `inherited`: a descriptor that it gets as number 3; -1: none.
  child(std::vector<std::string> command, std::vector<std::string> environment, const std::string& output,
        int inherited = -1);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  /// SIGKILL, and waits until it is gone.
  void kill() noexcept;
  /// SIGSTOP and SIGCONT: it is silent, and not gone.
  void pause() noexcept;
  void resume() noexcept;

 private:
  pid_t process_ = -1;
};

struct otp_options {
  std::string name = "otp";  // what stands before the @
  bool hidden = false;
  std::string cookie = interop::cookie;
  std::vector<std::string> arguments{};  // more of erl's
};

/// One Erlang node. Everything may be called from any thread; one expression at a time.
class otp {
 public:
  explicit otp(otp_options options);
  ~otp();

  /// "otp@127.0.0.1"
  const std::string& name() const noexcept { return name_; }
  /// Evaluates Erlang expressions, "A = 1, A + B", in a process of its own, and gives the value of the last one. Throws
  /// otp_error.
  term eval(std::string_view source, const bindings& variables = {});
  /// The same for Elixir.
  term elixir(std::string_view source, const bindings& variables = {});

  void kill() noexcept { process_->kill(); }
  void pause() noexcept { process_->pause(); }
  void resume() noexcept { process_->resume(); }

 private:
  term ask(atom language, std::string_view source, const bindings& variables);
  void read(std::vector<std::byte>& bytes, std::string_view source);
  std::string output();

  std::string name_;
  std::string directory_;
  int socket_ = -1;
  std::mutex lock_;
  std::int64_t asked_ = 0;
  std::size_t output_seen_ = 0;
  std::unique_ptr<child> process_;
};

/// What a process of ours may hold of it.
class otp_handle {
 public:
  otp_handle(otp& node) noexcept : node_(&node) {}
  otp& operator*() const noexcept { return *node_; }
  otp* operator->() const noexcept { return node_; }

 private:
  otp* node_;
};

/// The two that most tests share: it is started for the first one that wants it.
otp& published_otp();
otp& hidden_otp();

/// A name for a node of ours that no test has used: "a1@127.0.0.1".
std::string fresh_name(std::string_view prefix = "a");
/// Options for a node of ours beside these.
node_options options_of(std::string name, bool hidden = true);

/// Where a process says how another one has ended.
class run_result {
 public:
  run_result() : reason_(std::make_shared<std::promise<term>>()) {}
  std::promise<term>& promise() const noexcept { return *reason_; }

 private:
  std::shared_ptr<std::promise<term>> reason_;
};

/// Runs a process to its end. Fails the test case when that does not come, or is another than normal.
template <class F, class... Args>
void run(node& here, F body, Args... arguments) {
  const auto watches = [](context& self, run_result result, F f, Args... a) -> process {
    self.spawn_monitor(f, a...);
    const down d = co_await self.receive<down>();
    result.promise().set_value(d.reason);
  };
  const run_result result;
  here.spawn(watches, result, body, std::move(arguments)...);
  std::future<term> reason = result.promise().get_future();
  if (reason.wait_for(2 * patience) == std::future_status::ready)
    CHECK(reason.get() == term("normal"_atom));
  else
    FAIL("a process of ours did not come to its end");
}

/// otp::eval by a process, whose worker goes on meanwhile.
task<term> eval(context& self, otp_handle there, std::string source, bindings variables = {});

/// The next message that is a T; fails the test case when none comes.
template <class T>
task<T> next(context& self) {
  auto clause = after(patience);
  std::optional<T> got = co_await self.receive<T>(clause);
  if (!got) {
    FAIL_CHECK("nothing came: no " << std::string(type_name<T>()));
    self.exit("nothing_came"_atom);
  }
  co_return std::move(*got);
}

/// The reason why a call fails; the atom none when it does not.
template <class M>
task<term> failure(context& self, destination to, M message, std::chrono::nanoseconds time = patience) {
  try {
    co_await self.call(to, message, time);
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return term("none"_atom);
}

/// Everything that is logged, for tests to look at. Begins with the first call.
class log_capture {
 public:
  /// The lines since then that contain `text`.
  static std::vector<std::string> lines(std::string_view text, std::size_t since = 0);
  /// How many lines there are: what `since` means.
  static std::size_t count();
  /// Waits until there is such a line; false when none comes.
  static bool wait_for(std::string_view text, std::size_t since = 0);
};

/// Tries until it holds; false when that does not come. Blocks: for test bodies, not for processes.
template <class F>
bool eventually(F&& holds) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    struct timespec time = {0, 2'000'000};
    ::nanosleep(&time, nullptr);
  }
  return true;
}

}  // namespace interop
