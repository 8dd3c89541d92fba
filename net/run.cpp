// SPDX-License-Identifier: BSL-1.0
// A main: the command line, signals, and the exit code.
#include <troupe/net/run.hpp>

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/observer.hpp>
#include <troupe/net/run_line.hpp>

#include <CLI/CLI.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace troupe {

using namespace literals;

namespace {

/// What the process that runs the application tells the main thread. Kept by both.
class outcome {
 public:
  struct promises {
    std::promise<std::optional<std::string>> started;  // why not
    std::promise<term> ended;
    std::promise<void> stopped;
    std::atomic<bool> stopping{false};  // told by main, which waits for no end any more
  };
  outcome() : promises_(std::make_shared<promises>()) {}
  promises* operator->() const noexcept { return promises_.get(); }

 private:
  std::shared_ptr<promises> promises_;
};

/// ADDRESS, ADDRESS:PORT or [IPv6]:PORT. Throws std::invalid_argument.
void split_listen(const std::string& text, node_options& options) {
  std::string address = text;
  std::string port;
  const auto colon = text.rfind(':');
  const bool bracketed = !text.empty() && text.front() == '[';
  if (bracketed) {
    const auto close = text.find(']');
    if (close == std::string::npos) throw std::invalid_argument("--listen " + text + ": a ] is missing");
    address = text.substr(1, close - 1);
    if (close + 1 < text.size()) {
      if (text[close + 1] != ':' || close + 2 == text.size())
        throw std::invalid_argument("--listen " + text + ": after the ] comes a : and a port, or nothing");
      port = text.substr(close + 2);
    }
  } else if (colon != std::string::npos && text.find(':') == colon) {
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) throw std::invalid_argument("--listen " + text + ": a port is missing after the :");
  }
  options.listen = address;
  if (port.empty()) return;
  char* end = nullptr;
  const unsigned long n = std::strtoul(port.c_str(), &end, 10);
  if (*end != '\0' || n > 65535) throw std::invalid_argument("--listen " + text + ": " + port + " is no port");
  options.port = static_cast<std::uint16_t>(n);
}

process run_application(context& self, application app, std::string configuration, outcome told) {
  const auto failed = [&](const std::string& why) { told->started.set_value(why); };
  start_result made;
  try {
    co_await start_application_controller(self, std::move(configuration));
    made = co_await start_application(self, app, application_type::permanent);
  } catch (const std::exception& e) {
    failed(e.what());
    co_return;
  }
  if (!made.started()) {
    failed("application " + app.name +
           " was not started: " + (made.what == start_result::outcome::ignored ? "ignore" : made.reason.to_string()));
    co_return;
  }
  told->started.set_value(std::nullopt);
  term ended;
  try {
    ended = co_await await_applications_end(self);
  } catch (const call_failed& e) {
    if (told->stopping) co_return;  // the controller has ended before this process
    ended = e.reason();
  }
  told->ended.set_value(std::move(ended));
  ::kill(::getpid(), SIGTERM);
}

process stop_applications(context& self, outcome told) {
  try {
    co_await stop_all_applications(self);
  } catch (const call_failed&) {
    // Asked to stop before there was a controller: nothing runs.
  }
  told->stopped.set_value();
}

bool is_ready(const std::future<term>& f) {
  return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

int exit_code_of(const term& reason, const std::string& name) {
  const term& code = reason.is_tuple("shutdown"_atom) && reason.size() == 2 ? reason.elements()[1] : reason;
  if (code.is_integer() && code >= term(0) && code <= term(255)) return static_cast<int>(code.as_integer());
  if (reason.is_atom("normal"_atom) || reason.is_atom("shutdown"_atom)) return 0;
  std::fprintf(stderr, "application %s ended: %s\n", name.c_str(), reason.to_string().c_str());
  return 1;
}

class signals {
 public:
  signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  int wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }
  /// 0: none came.
  int wait_for(std::chrono::milliseconds time) const {
    const timespec t{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1000000};
    const int signal = sigtimedwait(&set_, nullptr, &t);
    return signal > 0 ? signal : 0;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

int run_in(actor_system& system, const signals& asked, application app, std::string configuration,
           const run_options& options) {
  if (options.setup) options.setup(system);
  const std::string name = app.name;
  const outcome told;
  auto started = told->started.get_future();
  auto ended = told->ended.get_future();
  auto stopped = told->stopped.get_future();
  system.spawn(run_application, std::move(app), std::move(configuration), told);
  // A start may be broken off, too.
  int signal = 0;
  while (started.wait_for(std::chrono::seconds(0)) != std::future_status::ready && signal == 0)
    if (started.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready)
      signal = asked.wait_for(std::chrono::milliseconds(1));
  if (signal == 0) {
    if (const auto why = started.get()) {
      std::fprintf(stderr, "%s\n", why->c_str());
      return 1;
    }
    signal = asked.wait();
    if (is_ready(ended)) return exit_code_of(ended.get(), name);
  }
  told->stopping = true;
  system.spawn(stop_applications, told);
  const auto deadline = std::chrono::steady_clock::now() + options.shutdown;
  while (stopped.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready) {
    if (const int again = asked.wait_for(std::chrono::milliseconds(20))) {
      std::fprintf(stderr, "application %s is not given the time to stop\n", name.c_str());
      std::_Exit(128 + again);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      std::fprintf(stderr, "application %s has not stopped in time\n", name.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace

namespace detail {

namespace {

const std::map<std::string, log_level> log_levels{{"trace", log_level::trace}, {"debug", log_level::debug},
                                                  {"info", log_level::info},   {"warning", log_level::warning},
                                                  {"error", log_level::error}, {"critical", log_level::critical},
                                                  {"off", log_level::off}};

}  // namespace

void keep_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
      const int opened = ::open("/dev/null", O_RDWR);  // gets the smallest number, which is this one
      if (opened != fd) return;
    }
}

void run_line::add_to(CLI::App& cli) {
  cli.add_option("--name", name, "be a node of this name, NAME@HOST");
  cli.add_option("--cookie", cookie, "the nodes' common secret; else $TROUPE_COOKIE, or that of ~/.erlang.cookie");
  cli.add_flag("--hidden", hidden, "be a hidden node");
  cli.add_option("--listen", listen, "where the node listens, ADDRESS[:PORT]");
  cli.add_flag("--observer", observer, "let other nodes look at the processes: troupe_observer, see net/observer.hpp");
  cli.add_option("--config", config, "JSON: {\"application\": {\"key\": value}}");
  cli.add_option("--workers", workers, "threads that run processes, at most 1024; 0: one for each core");
  cli.add_option("--log-level", level, "trace, debug, info, warning, error, critical or off");
  cli.add_flag("--log-json", json, "log as JSON, an object in each line");
}

int run_line::run(application app, run_options options) const {
  node_options made;
  std::string configuration = "{}";
  try {
    if (name.empty() && (!cookie.empty() || hidden || !listen.empty() || observer))
      throw std::invalid_argument("--cookie, --hidden, --listen and --observer are for a node: give it a --name");
    if (workers > 1024)
      throw std::invalid_argument("--workers " + std::to_string(workers) + ": there may be 1024 at most");
    if (!listen.empty()) split_listen(listen, made);
    if (!level.empty()) {
      const auto known = log_levels.find(level);
      if (known == log_levels.end())
        throw std::invalid_argument("--log-level " + level +
                                    ": there are trace, debug, info, warning, error, critical and off");
      set_log_level(known->second);
    }
    if (json) set_log_format(log_format::json);
    if (!config.empty()) {
      std::ifstream file(config);
      if (!file) throw std::invalid_argument("--config " + config + ": cannot be read");
      configuration.assign(std::istreambuf_iterator<char>(file), {});
      try {
        static_cast<void>(parse_configuration(configuration));
      } catch (const environment_error& e) {
        throw std::invalid_argument(config + ": " + e.what());
      }
    }
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
  made.name = name;
  made.cookie = cookie;
  const char* const shared = std::getenv("TROUPE_COOKIE");  // an option would be seen in the list of processes
  if (made.cookie.empty() && shared != nullptr) made.cookie = shared;
  made.hidden = hidden;
  made.system.workers = workers;
  if (options.adjust) options.adjust(made);

  const signals asked;            // before there are threads
  std::signal(SIGPIPE, SIG_IGN);  // the end of whoever reads the log is not the end of the node
  try {
    if (made.name.empty()) {
      actor_system system(made.system);
      return run_in(system, asked, std::move(app), std::move(configuration), options);
    }
    node here(made);
    if (observer) serve_observer(here);
    return run_in(here, asked, std::move(app), std::move(configuration), options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

}  // namespace detail

int run(int argc, const char* const* argv, application app, run_options options) {
  detail::keep_standard_descriptors();
  detail::run_line line;
  CLI::App cli(app.name);
  line.add_to(cli);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = cli.exit(e);
    return code == 0 ? 0 : 2;
  }
  return line.run(std::move(app), std::move(options));
}

}  // namespace troupe
