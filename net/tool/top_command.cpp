// SPDX-License-Identifier: BSL-1.0
// troupe top: the busiest processes of a node, again and again.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/target.hpp>
#include <troupe/net/tool/tool_system.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace troupe::tool {

namespace {

struct top_options : target_options {
  std::string sort = "messages";
  double interval = 1;
  std::size_t limit = 20;
  bool once = false;
};

/// The terminal in a state in which keys come at once and are not shown; as it was before when the object goes.
class raw_terminal {
 public:
  raw_terminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);  // Ctrl-C is a key, too
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);  // the other screen, without a cursor
  }
  ~raw_terminal() {
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  raw_terminal(const raw_terminal&) = delete;
  raw_terminal& operator=(const raw_terminal&) = delete;

  /// Rows and columns.
  static winsize size() {
    winsize w{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) {
      w.ws_row = 24;
      w.ws_col = 80;
    }
    return w;
  }

  /// The key that is pressed within that time; 0 when none is, q when the terminal has gone.
  static char key(int milliseconds) {
    pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&in, 1, milliseconds) <= 0) return 0;
    char c = 0;
    return ::read(STDIN_FILENO, &c, 1) == 1 ? c : 'q';
  }

 private:
  termios before_{};
};

const char* word_of(sort_key by) {
  return by == sort_key::messages  ? "messages"
         : by == sort_key::mailbox ? "mailbox"
         : by == sort_key::memory  ? "memory"
                                   : "pid";
}

std::string draw(const target& there, const process_table& table, sort_key by, double interval, const winsize& size) {
  std::string text =
      fmt::format("{}: {} processes, by {}, every {} s\n", there.name(), table.processes, word_of(by), interval);
  text += "m messages  b mailbox  y memory  p pid  + - interval  q quit\n\n";
  text += to_string(table, size.ws_col);
  // Each line clears what stood behind it, and the last one what stood below.
  std::string out = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') out += "\x1b[K\r";
    out += c;
  }
  return out + "\x1b[J";
}

/// By messages: those that take the most of them now.
task<process_table> look(context& self, target& there, sort_key by, std::size_t limit, double interval) {
  const detail::duration window = seconds(std::min(interval, 0.25));
  if (by == sort_key::messages) co_return co_await look_at_rates(self, there, limit, window);
  co_return co_await look_at_processes(self, there, by, limit);
}

task<int> run_top(context& self, target& there, std::shared_ptr<const top_options> o, sort_key by) {
  double interval = o->interval;
  const raw_terminal terminal;
  for (;;) {
    const winsize size = raw_terminal::size();
    const std::size_t rows = size.ws_row > 6 ? size.ws_row - 5u : 1u;
    const process_table table = co_await look(self, there, by, rows, interval);
    const std::string screen = draw(there, table, by, interval, size);
    std::fwrite(screen.data(), 1, screen.size(), stdout);
    std::fflush(stdout);
    const int wait = static_cast<int>(interval * 1000);
    const char key = co_await self.blocking([wait] { return raw_terminal::key(wait); });
    switch (key) {
      case 'm': by = sort_key::messages; break;
      case 'b': by = sort_key::mailbox; break;
      case 'y': by = sort_key::memory; break;
      case 'p': by = sort_key::pid; break;
      case '+': interval = std::min(interval * 2, 60.0); break;
      case '-': interval = std::max(interval / 2, 0.1); break;
      case 'q':
      case '\x03':
      case '\x04': co_return 0;
      default: break;
    }
  }
}

}  // namespace

command top_command() {
  return {
      "top", "show the busiest processes of a node, again and again",
      "Fills the terminal with the processes that take the most messages in a second, of an Erlang node those that do\n"
      "the most reductions, and draws it again after each interval. Keys: m, b, y and p sort by messages, mailbox,\n"
      "memory and pid; + and - double and halve the interval; q ends it.\n\n"
      "The node has to be started with --observer; of Erlang's nodes any will do.",
      "troupe top shop@127.0.0.1 --sort mailbox --interval 0.5\ntroupe top shop@127.0.0.1 --once",
      [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<top_options>();
        o->add_to(cli);
        cli.add_option("--sort", o->sort, "messages, mailbox, memory or pid; messages unless said");
        cli.add_option("--interval", o->interval, "seconds between two pictures; 1 unless said")
            ->check(CLI::PositiveNumber);
        cli.add_option("--limit", o->limit, "with --once: at most so many lines; 20 unless said");
        cli.add_flag("--once", o->once, "print one table, and end");
        return [o] {
          const auto by = sort_key_of(o->sort);
          if (!by) throw tool_error("--sort " + o->sort + ": there are pid, messages, mailbox and memory", 2);
          if (!o->once && (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0))
            throw tool_error("top needs a terminal; --once prints one table without one", 2);
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            if (!o->once) {
              const int code = co_await run_top(self, there, o, *by);
              co_return code;
            }
            const process_table table = co_await look(self, there, *by, o->limit, o->interval);
            std::fputs(to_string(table).c_str(), stdout);
            co_return 0;
          });
        };
      }};
}

}  // namespace troupe::tool
