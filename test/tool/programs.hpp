// SPDX-License-Identifier: BSL-1.0
// The program `troupe`, run by tests: to its end, in a terminal, or as a node that lives on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace tool_test {

/// How a program has ended.
struct ended {
  int code = -1;  // 1000 and the signal when it was killed
  std::string out;
  std::string err;
};

/// Runs `troupe` with these arguments to its end, with `input` to read; fails the test case and kills it when that does
/// not come within 60 s. With `epmd` as the port of epmd.
ended shell(const std::vector<std::string>& arguments, const std::string& input = "");

/// The same for a script of /bin/sh, where "$1" is the program.
ended in_sh(const std::string& script);

/// The port of the epmd that all nodes here use: the first of them serves as one.
std::string epmd_port();

/// The program in a terminal of its own.
class terminal {
 public:
  explicit terminal(const std::vector<std::string>& arguments, unsigned short columns = 120);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  void type(const std::string& keys) const;
  /// Waits until `text` stands in what it has written since the last wait; false when it ends before, or it takes 60 s.
  bool shows(const std::string& text);
  void signal(int which) const;
  /// Is it in the state in which a shell wants it?
  bool echoes() const;
  /// All it has written.
  const std::string& all() const { return all_; }
  /// Waits for its end: the exit code, as above.
  int end();

 private:
  bool read_more(std::chrono::steady_clock::time_point deadline);

  pid_t process_ = -1;
  int screen_ = -1;
  std::string all_;
  std::size_t seen_ = 0;
};

/// `troupe node` with the plugin of the tests: counter, a gen_server that a supervisor watches, and more. It is killed
/// when the object goes.
class live_node {
 public:
  explicit live_node(const std::string& name, const std::vector<std::string>& more = {});
  ~live_node();
  live_node(const live_node&) = delete;
  live_node& operator=(const live_node&) = delete;

  const std::string& name() const { return name_; }
  /// SIGTERM, and its exit code.
  int stop();
  /// It does nothing more, and its connections stand.
  void pause() const;

 private:
  std::string name_;
  pid_t process_ = -1;
};

/// A file in the folder of these tests, with that in it.
std::string file(const std::string& name, const std::string& content = "");

/// One that most tests share: shop@127.0.0.1, with an observer.
const std::string& shop();
/// One without an observer.
const std::string& closed();

/// {NODE, --cookie, its cookie, ARGUMENTS...}, for shell().
std::vector<std::string> on(const std::string& command, const std::string& node, const std::vector<std::string>& more);

/// Is `part` in `whole`?
inline bool contains(const std::string& whole, const std::string& part) {
  return whole.find(part) != std::string::npos;
}

}  // namespace tool_test
