// SPDX-License-Identifier: BSL-1.0
// How the OS process of a peer is started, watched and ended.
#include <troupe/net/peer.hpp>

#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/peer_parts.hpp>

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

extern "C" char** environ;  // POSIX: no header declares it

namespace troupe {

using namespace std::chrono_literals;

namespace detail {
namespace {

std::string text_of(int error) {
  return std::generic_category().message(error);
}

}  // namespace

/// The OS process, and the thread that waits for its end, so that there is never a zombie.
class peer_process {
 public:
  /// `control` is our end of its standard input.
  peer_process(pid_t number, descriptor control) noexcept : number_(number), control_(std::move(control)) {}
  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;
  ~peer_process() {
    kill(SIGKILL);
    if (watcher_.joinable()) watcher_.join();
  }

  void watch() {
    const all_signals_blocked guard;
    watcher_ = std::thread([this] { run(); });
  }

  pid_t number() const noexcept { return number_; }
  int control() const noexcept { return control_.get(); }

  /// From now on `to` hears of the end; false when it is there already.
  bool report_to(const pid& to, atom node, runtime& rt) {
    const std::lock_guard guard(lock_);
    if (ended_) return false;
    report_ = to;
    node_ = node;
    rt_ = &rt;
    return true;
  }

  std::optional<peer_exit> ended() const {
    const std::lock_guard guard(lock_);
    return ended_;
  }

  std::optional<peer_exit> wait(duration patience) const {
    std::unique_lock guard(lock_);
    const auto over = [this] { return ended_.has_value(); };
    if (patience == infinity)
      changed_.wait(guard, over);
    else
      changed_.wait_until(guard, later(std::chrono::steady_clock::now(), patience), over);
    return ended_;
  }

  /// Under the lock that the watcher reaps under: the number cannot be another process's yet.
  void kill(int signal) noexcept {
    const std::lock_guard guard(lock_);
    if (!ended_) ::kill(number_, signal);
  }

 private:
  void run() noexcept {
    siginfo_t info;
    while (::waitid(P_PID, static_cast<id_t>(number_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    // A program that ignores SIGCHLD never hears how its children end: nor do we.
    peer_exit how{.code = 255, .signal = 0};
    runtime* rt = nullptr;
    {
      const std::lock_guard guard(lock_);
      int status = 0;
      if (::waitpid(number_, &status, 0) == number_) {
        if (WIFSIGNALED(status))
          how = {.code = 0, .signal = WTERMSIG(status)};
        else
          how = {.code = WEXITSTATUS(status), .signal = 0};
      }
      ended_ = how;
      rt = report_ ? rt_ : nullptr;
      changed_.notify_all();
    }
    if (rt == nullptr) return;
    auto* e = make_envelope<envelope, peer_down>(envelope_kind::message, node_, how.code, how.signal);
    rt->deliver(rt->this_env(), 0, rt->resolve(report_), e);
  }

  const pid_t number_;
  descriptor control_;
  std::thread watcher_;
  mutable std::mutex lock_;
  mutable std::condition_variable changed_;
  std::optional<peer_exit> ended_;  // under lock_
  pid report_;                      // under lock_; fixed once ended_ is there
  atom node_;                       // as report_
  runtime* rt_ = nullptr;           // as report_
};

struct peer_access {
  static peer make(std::shared_ptr<peer_process> process, atom name) {
    peer p;
    p.process_ = std::move(process);
    p.name_ = name;
    return p;
  }
};

namespace {

using variables = std::vector<std::pair<std::string, std::string>>;

variables variables_for(distribution& home, const peer_options& options) {
  const node_options& ours = home.options();
  variables v{{peer_name_variable, options.name},
              {"TROUPE_PEER_COOKIE", home.cookies().get(options.name)},
              {"TROUPE_PEER_PARENT", home.name()}};
  if (ours.use_epmd) {
    const std::string port = std::to_string(home.epmd_port());
    v.emplace_back("TROUPE_PEER_EPMD_PORT", port);
    v.emplace_back("ERL_EPMD_PORT", port);
  } else {
    v.emplace_back("TROUPE_PEER_PORT", std::to_string(ours.dial_port != 0 ? ours.dial_port : ours.port));
  }
  if (ours.hidden) v.emplace_back("TROUPE_PEER_HIDDEN", "1");
  const auto tick = std::chrono::ceil<std::chrono::milliseconds>(ours.tick_time).count();
  v.emplace_back("TROUPE_PEER_TICK_MS", std::to_string(tick));
  v.insert(v.end(), options.environment.begin(), options.environment.end());
  return v;
}

/// This environment with those variables; the last of one name counts.
std::vector<std::string> environment_with(const variables& added) {
  std::vector<std::string> lines;
  const auto set = [&](const std::string& name, std::string line) {
    const auto same = [&](const std::string& l) { return l.starts_with(name + "="); };
    std::erase_if(lines, same);
    lines.push_back(std::move(line));
  };
  for (char** line = environ; *line != nullptr; ++line)
    if (!std::string_view(*line).starts_with("TROUPE_PEER_")) lines.emplace_back(*line);
  for (const auto& [name, value] : added) set(name, name + "=" + value);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What posix_spawn wants to be told.
class spawn_plan {
 public:
  explicit spawn_plan(int standard_input) noexcept {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, standard_input, STDIN_FILENO);
    // What others have opened without O_CLOEXEC is none of its business: a socket that it holds would never close.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    for (const int number : {SIGTERM, SIGPIPE, SIGCHLD}) sigaddset(&set, number);
    posix_spawnattr_setsigdefault(&attributes_, &set);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;
  ~spawn_plan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// The path of this program, which ps then shows; by the link it is found even when its file is gone or was replaced.
std::string this_program() {
  const std::string link = "/proc/self/exe";
  std::string path(4096, '\0');
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  struct stat at_path{};
  struct stat running{};
  const bool same = ::stat(path.c_str(), &at_path) == 0 && ::stat(link.c_str(), &running) == 0 &&
                    at_path.st_dev == running.st_dev && at_path.st_ino == running.st_ino;
  return same ? path : link;
}

std::shared_ptr<peer_process> spawn_program(distribution& home, const peer_options& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw node_error("troupe: the peer " + options.name + " cannot be started: " + text_of(errno));
  descriptor ours(ends[0]);
  const descriptor its(ends[1]);
  const spawn_plan plan(its.get());
  std::vector<std::string> arguments{options.program.empty() ? this_program() : options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = environment_with(variables_for(home, options));
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  pid_t number = 0;
  const int error =
      ::posix_spawnp(&number, arguments[0].c_str(), plan.actions(), plan.attributes(), argv.data(), envp.data());
  if (error != 0)
    throw node_error("troupe: the peer " + options.name + " cannot be started: " + arguments[0] + ": " +
                     text_of(error));
  auto process = std::make_shared<peer_process>(number, std::move(ours));
  process->watch();
  return process;
}

/// How often start_peer looks: it waits for a socket, a process, a connection and a stop_token at the same time.
constexpr auto interval = 2ms;

enum class progress : std::uint8_t { waiting, there, closed };

/// Looks, for a short time, whether the program has said that it is ready.
progress look_at_control(const peer_process& process, std::chrono::milliseconds time) {
  pollfd p{.fd = process.control(), .events = POLLIN, .revents = 0};
  if (::poll(&p, 1, static_cast<int>(time.count())) <= 0) return progress::waiting;
  char byte = 0;
  const ssize_t got = ::recv(process.control(), &byte, 1, MSG_DONTWAIT);
  if (got == 1) return byte == peer_is_ready ? progress::there : progress::waiting;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? progress::waiting : progress::closed;
}

bool is_connected(const distribution& home, atom node) {
  const std::vector<atom> all = home.nodes(true, true);
  return std::find(all.begin(), all.end(), node) != all.end();
}

peer launch(distribution& home, const peer_options& options, const std::stop_token& stop) {
  if (std::getenv(peer_name_variable) != nullptr)
    throw node_error(
        "troupe: this process is a peer itself, and would start itself without end: let its main begin "
        "with is_peer() and run_peer");
  const std::string the_peer = "troupe: the peer " + options.name;
  if (options.name.find('@') == std::string::npos || options.name.find('\0') != std::string::npos)
    throw node_error(the_peer + " cannot be started: write name@host");
  const atom name(options.name);
  const time_point deadline = later(std::chrono::steady_clock::now(), options.patience);
  const auto is_over = [&] { return stop.stop_requested() || std::chrono::steady_clock::now() >= deadline; };
  // One of that name that was killed a moment ago may not have been missed yet.
  while (is_connected(home, name) && !is_over()) std::this_thread::sleep_for(interval);
  if (options.name == home.name() || is_connected(home, name))
    throw node_error(the_peer + " cannot be started: the name is that of a node that is there");

  const std::shared_ptr<peer_process> process = spawn_program(home, options);
  bool said = options.until == peer_start::connected;
  bool closed = false;
  while (!(said && is_connected(home, name))) {
    if (!said && !closed) {
      const progress seen = look_at_control(*process, interval);
      said = seen == progress::there;
      closed = seen == progress::closed;
    } else {
      process->wait(interval);
    }
    if (const std::optional<peer_exit> how = process->ended())
      throw node_error(the_peer + " has ended before it was " + (said ? "connected" : "ready") + ": " +
                       how->to_string());
    if (is_over())
      throw node_error(the_peer + " was not " + (said ? "connected" : "ready") + " in time: killed" +
                       (said ? "" : "; does its main begin with is_peer() and run_peer?"));
  }
  if (options.report && !process->report_to(options.report, name, home.runtime()))
    throw node_error(the_peer + " has ended as soon as it was ready: " + process->ended()->to_string());
  return peer_access::make(process, name);
}

/// Has its own copy of the options, so that start_peer may be given what does not last.
task<peer> launch_beside(context& self, distribution& home, peer_options options) {
  const auto work = [&home, &options](std::stop_token stop) { return launch(home, options, stop); };
  co_return co_await self.blocking(work);
}

}  // namespace
}  // namespace detail

// --- the parent's side
// --------------------------------------------------------------------------------------------------

std::string peer_exit::to_string() const {
  if (signal == 0) return "exit status " + std::to_string(code);
  const char* what = ::sigdescr_np(signal);
  return "signal " + std::to_string(signal) + (what != nullptr ? " (" + std::string(what) + ")" : "");
}

peer::peer(peer&&) noexcept = default;
peer& peer::operator=(peer&& other) noexcept {
  peer taken(std::move(other));
  std::swap(process_, taken.process_);
  std::swap(name_, taken.name_);
  return *this;
}
peer::~peer() {
  kill();
}

int peer::os_pid() const noexcept {
  return process_ ? process_->number() : 0;
}
bool peer::is_running() const noexcept {
  return process_ && !process_->ended();
}

std::optional<peer_exit> peer::wait(detail::duration patience) const {
  detail::refuse_on_worker();
  return process_ ? process_->wait(patience) : peer_exit{};
}

peer_exit peer::stop(detail::duration grace) {
  detail::refuse_on_worker();
  if (!process_) return {};
  process_->kill(SIGTERM);
  if (const std::optional<peer_exit> how = process_->wait(grace)) return *how;
  return kill();
}

peer_exit peer::kill() noexcept {
  if (!process_) return {};
  process_->kill(SIGKILL);
  return *process_->wait(infinity);
}

void peer::signal(int number) noexcept {
  if (process_) process_->kill(number);
}

peer start_peer(node& here, const peer_options& options) {
  detail::refuse_on_worker();
  return detail::launch(here.distribution(), options, {});
}

task<peer> start_peer(context& self, const peer_options& options) {
  auto* home = static_cast<detail::distribution*>(detail::slot_access::of(self).rt->router());
  if (home == nullptr) throw usage_error("troupe: this actor_system is no node; make a troupe::node");
  return detail::launch_beside(self, *home, options);
}

}  // namespace troupe
