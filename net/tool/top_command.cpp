// SPDX-License-Identifier: BSL-1.0
// troupe top: the busiest processes of a node, again and again.
#include <troupe/net/distribution.hpp>
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/shown.hpp>
#include <troupe/net/tool/target.hpp>
#include <troupe/net/tool/tool_system.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe::tool {

namespace {

struct top_options : target_options {
  std::string sort = "messages";
  double interval = 1;
  std::size_t limit = 20;
  bool once = false;
};

/// The terminal in a state in which keys come at once and are not shown; as it was before when the object goes, and
/// when a signal ends the program. One at a time.
class raw_terminal {
 public:
  raw_terminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    for (std::size_t i = 0; i < std::size(fatal); ++i) {
      struct sigaction action{};
      action.sa_handler = &restore_and_end;
      action.sa_flags = static_cast<int>(SA_RESETHAND);
      ::sigaction(fatal[i], &action, &handlers_[i]);
    }
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);  // Ctrl-C is a key, too
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);  // the other screen, without a cursor
  }
  ~raw_terminal() {
    std::fflush(stdout);
    restore();
    for (std::size_t i = 0; i < std::size(fatal); ++i) ::sigaction(fatal[i], &handlers_[i], nullptr);
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
  static constexpr int fatal[] = {SIGTERM, SIGHUP, SIGINT};

  static void restore() noexcept {
    constexpr std::string_view normal = "\x1b[?25h\x1b[?1049l";
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, normal.data(), normal.size());
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  // What it calls may be called there (signal-safety(7)); the handler is the default one again.
  static void restore_and_end(int signal) {
    restore();
    ::raise(signal);
  }

  static inline termios before_{};  // where the handler finds it
  struct sigaction handlers_[std::size(fatal)]{};
};

std::string draw(const target& there, const process_table& table, sort_key by, double interval, const winsize& size) {
  const auto cut = [&](const std::string& line) { return std::string(first_columns(line, size.ws_col)); };
  std::string text =
      cut(fmt::format("{}: {} processes, by {}, every {} s", there.name(), table.processes, to_string(by), interval)) +
      "\n" + cut("m messages  b mailbox  y memory  p pid  + - interval  q quit") + "\n\n";
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

struct key_pressed {
  char key;
};
/// A picture is wanted.
struct look_order {
  sort_key by;
  std::int64_t rows;
  double interval;
};
struct picture {
  std::shared_ptr<const process_table> table;
  sort_key by;
  std::string trouble;  // why there is none
  int exit_code;
};

process read_keys(context& self, pid top) {
  for (;;) {
    const char key = co_await self.blocking([] { return raw_terminal::key(100); });
    if (key != 0) self.send<key_pressed>(top, key);
  }
}

/// Asks the node, so that keys are heard meanwhile.
process look_for(context& self, pid top, detail::shared<target*> there) {
  for (;;) {
    const look_order order = co_await self.receive<look_order>();
    picture made{nullptr, order.by, "", 0};
    try {
      process_table table =
          co_await look(self, **there, order.by, static_cast<std::size_t>(order.rows), order.interval);
      made.table = std::make_shared<const process_table>(std::move(table));
    } catch (const tool_error& e) {
      made.trouble = e.what();
      made.exit_code = e.exit_code();
    }
    self.send<picture>(top, std::move(made.table), made.by, std::move(made.trouble), made.exit_code);
  }
}

task<int> run_top(context& self, target& there, std::shared_ptr<const top_options> o, sort_key by) {
  double interval = o->interval;
  const raw_terminal terminal;
  const detail::shared<target*> its(std::make_shared<target*>(&there));
  const pid top = self.pid();
  const pid looker = self.spawn_link(look_for, top, its);
  self.spawn_link(read_keys, top);
  bool asked = false;  // a picture is on its way
  detail::time_point next = self.now();
  for (;;) {
    if (!asked && self.now() >= next) {
      const winsize size = raw_terminal::size();
      self.send<look_order>(looker, by, size.ws_row > 6 ? size.ws_row - 5 : 1, interval);
      asked = true;
    }
    const detail::duration patience = asked ? detail::duration::max() : next - self.now();
    const auto event = co_await self.receive<key_pressed, picture>(after(patience));
    if (const auto* made = std::get_if<picture>(&event)) {
      if (made->table == nullptr) throw tool_error(made->trouble, made->exit_code);
      const std::string screen = draw(there, *made->table, made->by, interval, raw_terminal::size());
      std::fwrite(screen.data(), 1, screen.size(), stdout);
      std::fflush(stdout);
      asked = false;
      next = made->by == by ? self.now() + seconds(interval) : self.now();
    } else if (const auto* pressed = std::get_if<key_pressed>(&event)) {
      next = self.now();  // what is changed is seen at once
      switch (pressed->key) {
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
        add_seconds(cli, "--interval", o->interval, 0.1, 3600, "seconds between two pictures; 1 unless said");
        cli.add_option("--limit", o->limit, "with --once: at most so many lines; 20 unless said; 0: all")
            ->check(CLI::NonNegativeNumber);
        cli.add_flag("--once", o->once, "print one table, and end");
        return [o] {
          const sort_key by = sort_key_of(o->sort);
          if (!o->once && (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0))
            throw tool_error("top needs a terminal; --once prints one table without one", 2);
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            if (!o->once) {
              const int code = co_await run_top(self, there, o, by);
              co_return code;
            }
            const std::size_t limit = o->limit == 0 ? SIZE_MAX : o->limit;
            const process_table table = co_await look(self, there, by, limit, o->interval);
            std::fputs(to_string(table).c_str(), stdout);
            co_return 0;
          });
        };
      }};
}

}  // namespace troupe::tool
