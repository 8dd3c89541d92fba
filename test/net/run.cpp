// SPDX-License-Identifier: BSL-1.0
// run as the main of a program: its command line, its signals, its exit code.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

/// The program, started with its output in a pipe.
class program {
 public:
  explicit program(std::vector<std::string> arguments) {
    int out[2];
    REQUIRE(::pipe(out) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::close(out[0]);
      ::close(out[1]);
      std::vector<char*> argv;
      std::string self = TROUPE_TEST_RUN_PROGRAM;
      argv.push_back(self.data());
      for (std::string& a : arguments) argv.push_back(a.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    output_ = ::fdopen(out[0], "r");
  }
  ~program() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    std::fclose(output_);
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  std::string line() {
    char text[1000];
    if (std::fgets(text, sizeof text, output_) == nullptr) return "end of output";
    std::string s = text;
    if (s.ends_with('\n')) s.pop_back();
    return s;
  }
  void signal(int which) const { ::kill(process_, which); }
  /// The rest of what it says, and its exit code; 1000 and the signal when it was killed.
  std::pair<std::string, int> end() {
    std::string rest;
    for (std::string s = line(); s != "end of output"; s = line()) rest += s + "\n";
    int status = 0;
    ::waitpid(std::exchange(process_, -1), &status, 0);
    return {rest, WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status)};
  }

 private:
  pid_t process_ = -1;
  std::FILE* output_ = nullptr;
};

/// A configuration in a file that goes with it.
class config_file {
 public:
  explicit config_file(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("troupe_run_test_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream(path_) << text;
  }
  ~config_file() { std::filesystem::remove(path_); }
  config_file(const config_file&) = delete;
  config_file& operator=(const config_file&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::pair<std::string, int> run_with(const std::string& config) {
  const config_file file(config);
  return program({"--config", file.path(), "--workers", "2"}).end();
}

}  // namespace

TEST_CASE("SIGTERM and SIGINT stop the applications in reverse order, with exit code 0") {
  for (const int signal : {SIGTERM, SIGINT}) {
    program p({});
    CHECK(p.line() == "base starts on nonode@nohost");
    CHECK(p.line() == "top starts on nonode@nohost");
    p.signal(signal);
    const auto [rest, code] = p.end();
    CHECK(rest == "top ends: shutdown\nbase ends: shutdown\n");
    CHECK(code == 0);
  }
}

TEST_CASE("the exit code comes from the reason of the application's end") {
  for (const auto& [then, expected] : std::vector<std::pair<std::string, int>>{
           {"normal", 0}, {"shutdown", 0}, {"{shutdown, 3}", 3}, {"7", 7}, {"broken", 1}, {"{shutdown, 256}", 1}}) {
    const auto [rest, code] = run_with(R"({"top": {"then": ")" + then + "\"}}");
    CAPTURE(then);
    CHECK(code == expected);
    CHECK(rest.find("top ends: ") != std::string::npos);
    CHECK(rest.find("base ends: shutdown") != std::string::npos);
  }
}

TEST_CASE("a start that fails says why, with exit code 1, and what had been started is stopped") {
  const auto [rest, code] = run_with(R"({"top": {"then": "fail"}})");
  CHECK(code == 1);
  CHECK(rest.find("top was not started: cannot") != std::string::npos);
  const auto [ignored, other] = run_with(R"({"base": {"then": "fail"}})");
  CHECK(other == 1);
  CHECK(ignored.find("{base,cannot}") != std::string::npos);
}

TEST_CASE("an application that does not stop in time ends with exit code 1, and a second signal ends it at once") {
  const config_file file(R"({"top": {"then": "stubborn"}})");
  {
    program p({"--config", file.path()});
    static_cast<void>(p.line());
    CHECK(p.line() == "top starts on nonode@nohost");
    p.signal(SIGTERM);
    const auto [rest, code] = p.end();
    CHECK(code == 1);
    CHECK(rest.find("has not stopped in time") != std::string::npos);
  }
  {
    program p({"--config", file.path()});
    static_cast<void>(p.line());
    static_cast<void>(p.line());
    p.signal(SIGINT);
    CHECK(p.line() == "top does not want to");  // the first one has been heard
    p.signal(SIGTERM);
    const auto [rest, code] = p.end();
    CHECK(code == 128 + SIGTERM);
  }
}

TEST_CASE("--name makes it a node") {
  program p({"--name", "run_test@127.0.0.1", "--cookie", "secret", "--listen", "127.0.0.1:0", "--hidden"});
  CHECK(p.line() == "base starts on run_test@127.0.0.1");
  CHECK(p.line() == "top starts on run_test@127.0.0.1");
  p.signal(SIGTERM);
  CHECK(p.end().second == 0);
}

TEST_CASE("--log-level and --log-json say what is logged, and how") {
  program p({"--name", "run_test@127.0.0.1", "--cookie", "secret", "--log-level", "info", "--log-json", "--observer"});
  const std::string line = p.line();
  CHECK(line.starts_with("{\"level\":\"info\",\"message\":\"node run_test@127.0.0.1 listens at "));
  CHECK(p.line() == "base starts on run_test@127.0.0.1");
  CHECK(p.line() == "top starts on run_test@127.0.0.1");
  p.signal(SIGTERM);
  CHECK(p.end().second == 0);
}

TEST_CASE("a wrong command line or configuration is answered with what is wrong, and exit code 2") {
  const auto said = [](std::vector<std::string> arguments) { return program(std::move(arguments)).end(); };
  const auto expect = [&](std::vector<std::string> arguments, const std::string& what) {
    const auto [rest, code] = said(std::move(arguments));
    CAPTURE(rest);
    CHECK(code == 2);
    CHECK(rest.find(what) != std::string::npos);
  };
  expect({"--nmae", "x"}, "--nmae");
  expect({"--workers", "many"}, "many");
  expect({"--cookie", "c"}, "--name");
  expect({"--observer"}, "--name");
  expect({"--log-level", "loud"}, "--log-level loud");
  expect({"--name", "a@127.0.0.1", "--listen", "127.0.0.1:99999"}, "99999");
  expect({"--config", "/no/such/file"}, "/no/such/file");
  {
    const config_file broken("{\"top\": ");
    expect({"--config", broken.path()}, "line 1");
  }
  {
    const config_file flat("{\"top\": 3}");
    expect({"--config", flat.path()}, "configuration of top");
  }
  const auto [help, code] = said({"--help"});
  CHECK(code == 0);
  CHECK(help.find("--listen") != std::string::npos);
}
