// SPDX-License-Identifier: BSL-1.0
// How Erlang nodes are started, asked and ended.
#include "otp.hpp"

#include <troupe/net/etf/encoded.hpp>
#include <troupe/net/etf/tags.hpp>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace interop {

// --- children --------------------------------------------------------------------------------------------------------

child::child(std::vector<std::string> command, std::vector<std::string> environment, const std::string& output,
             int inherited) {
  // All that needs memory is done before the fork: other threads may hold malloc's lock.
  std::vector<std::string> variables(std::move(environment));
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry(*e);
    const std::string_view key = entry.substr(0, entry.find('=') + 1);
    bool taken = false;
    for (const auto& v : variables) taken = taken || v.starts_with(key);
    if (!taken) variables.emplace_back(entry);
  }
  std::vector<char*> argv;
  std::vector<char*> env;
  for (auto& c : command) argv.push_back(c.data());
  for (auto& v : variables) env.push_back(v.data());
  argv.push_back(nullptr);
  env.push_back(nullptr);
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("no process for " + command[0]);
  if (process_ > 0) return;
  // A group of its own, for erl starts others.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int nothing = ::open("/dev/null", O_RDONLY);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (inherited == 3)
    ::fcntl(3, F_SETFD, 0);
  else if (inherited >= 0)
    ::dup2(inherited, 3);
  ::dup2(nothing, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execve(argv[0], argv.data(), env.data());
  ::_exit(127);
}

child::~child() {
  kill();
}

void child::kill() noexcept {
  if (process_ <= 0) return;
  ::kill(-process_, SIGKILL);
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void child::pause() noexcept {
  if (process_ > 0) ::kill(process_, SIGSTOP);
}
void child::resume() noexcept {
  if (process_ > 0) ::kill(process_, SIGCONT);
}

std::uint16_t epmd_port() {
  struct running {
    std::uint16_t port = free_port();
    child process{{TROUPE_TEST_EPMD, "-address", "127.0.0.1", "-port", std::to_string(port)}, {}, "/dev/null"};
    running() {
      const bool up = eventually([&] {
        const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool there = ::connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(s);
        return there;
      });
      if (!up) throw std::runtime_error("epmd does not come up");
    }
  };
  static running one;
  return one.port;
}

// --- Erlang
// ------------------------------------------------------------------------------------------------------------

namespace {

std::string new_directory() {
  std::string place = (std::filesystem::temp_directory_path() / "troupe_interop_XXXXXX").string();
  if (::mkdtemp(place.data()) == nullptr) throw std::runtime_error("no directory for an Erlang node");
  return place;
}

std::string as_text(const term& t) {
  return t.to_string();
}

}  // namespace

otp::otp(otp_options options) : name_(options.name + "@127.0.0.1"), directory_(new_directory()) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket for erl");
  socket_ = ends[0];
  std::vector<std::string> command{
      TROUPE_TEST_ERL, "-noinput",   "+S",           "2:2",         "+pc",   "unicode", "-name",
      name_,           "-setcookie", options.cookie, "-start_epmd", "false", "-kernel", "inet_dist_use_interface",
      "{127,0,0,1}",   "-kernel",    "logger_level", "error"};
  if (options.hidden) command.emplace_back("-hidden");
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  for (const char* more : {"-pa", TROUPE_TEST_BEAMS,
#ifdef TROUPE_TEST_ELIXIR
                           "-pa", TROUPE_TEST_ELIXIR,
#endif
                           "-s", "troupe_otp", "main"})
    command.emplace_back(more);
  process_ = std::make_unique<child>(std::move(command),
                                     std::vector<std::string>{"HOME=" + directory_, "ERL_CRASH_DUMP_SECONDS=0",
                                                              "ERL_EPMD_PORT=" + std::to_string(epmd_port())},
                                     directory_ + "/output", ends[1]);
  ::close(ends[1]);
  const term up = eval("node()");
  if (up != term(atom(name_))) throw otp_error("the Erlang node has another name: " + as_text(up));
}

otp::~otp() {
  ::close(socket_);
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

/// What it has printed since the last time, the end of it.
std::string otp::output() {
  std::ifstream in(directory_ + "/output");
  in.seekg(static_cast<std::streamoff>(output_seen_));
  std::ostringstream text;
  text << in.rdbuf();
  std::string all = text.str();
  output_seen_ += all.size();
  constexpr std::size_t most = 2000;
  return all.size() <= most ? all : "..." + all.substr(all.size() - most);
}

void otp::read(std::vector<std::byte>& bytes, std::string_view source) {
  const auto deadline = std::chrono::steady_clock::now() + patience + 5s;
  for (std::size_t got = 0; got < bytes.size();) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd ready{socket_, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0)
      throw otp_error(name_ + " does not answer " + std::string(source) + "\n" + output());
    const ssize_t n = ::recv(socket_, bytes.data() + got, bytes.size() - got, 0);
    if (n <= 0) throw otp_error(name_ + " has gone, asked for " + std::string(source) + "\n" + output());
    got += static_cast<std::size_t>(n);
  }
}

term otp::ask(atom language, std::string_view source, const bindings& variables) {
  const std::lock_guard guard(lock_);
  std::vector<term> list;
  for (const auto& [name, value] : variables) list.push_back(term::tuple({term(name), value}));
  const std::int64_t id = ++asked_;
  const term question = term::tuple({id, language, term(source), term::list(std::move(list)),
                                     std::chrono::duration_cast<std::chrono::milliseconds>(patience).count()});
  etf::buffer out;
  out.put32(0);
  etf::write_version(out);
  etf::writer(out).put_term(question);
  out.set32(0, static_cast<std::uint32_t>(out.size() - 4));
  for (std::size_t sent = 0; sent < out.size();) {
    const ssize_t n = ::send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) throw otp_error(name_ + " has gone\n" + output());
    sent += static_cast<std::size_t>(n);
  }
  for (;;) {
    std::vector<std::byte> size(4);
    read(size, source);
    std::vector<std::byte> bytes(detail::load_big_endian<std::uint32_t>(size.data()));
    read(bytes, source);
    const term answer = etf::from_binary(bytes);
    if (answer[0] != term(id)) continue;  // of one that was given up
    const term& outcome = answer[1];
    if (outcome.is_tuple("value"_atom)) return outcome[1];
    throw otp_error(name_ + ": " + std::string(source) + "\n  " + as_text(outcome) + "\n" + output());
  }
}

term otp::eval(std::string_view source, const bindings& variables) {
  return ask("erlang"_atom, source, variables);
}
term otp::elixir(std::string_view source, const bindings& variables) {
  return ask("elixir"_atom, source, variables);
}

otp& published_otp() {
  static otp one({.name = "published"});
  return one;
}
otp& hidden_otp() {
  static otp one({.name = "hidden", .hidden = true});
  return one;
}

// --- ours
// --------------------------------------------------------------------------------------------------------------

std::string fresh_name(std::string_view prefix) {
  static std::atomic<int> last{0};
  return std::string(prefix) + std::to_string(++last) + "@127.0.0.1";
}

node_options options_of(std::string name, bool hidden) {
  log_capture::count();
  node_options options;
  options.name = std::move(name);
  options.cookie = cookie;
  options.hidden = hidden;
  options.epmd_port = epmd_port();
  options.system.workers = 2;
  return options;
}

task<term> eval(context& self, otp_handle there, std::string source, bindings variables) {
  const auto work = [there, source, variables] { return there->eval(source, variables); };
  co_return co_await self.blocking(work);
}

// --- the log
// -----------------------------------------------------------------------------------------------------------

namespace {

struct captured {
  std::mutex lock;
  std::condition_variable more;
  std::vector<std::string> lines;

  static captured& one() {
    // Never destroyed: what ends after main still logs.
    static captured& all = *new captured;
    static const bool installed = [] {
      class sink final : public spdlog::sinks::base_sink<std::mutex> {
        void sink_it_(const spdlog::details::log_msg& message) override {
          const std::lock_guard guard(all.lock);
          all.lines.emplace_back(message.payload.data(), message.payload.size());
          all.more.notify_all();
        }
        void flush_() override {}
      };
      spdlog::set_default_logger(std::make_shared<spdlog::logger>("interop", std::make_shared<sink>()));
      return true;
    }();
    static_cast<void>(installed);
    return all;
  }

  std::vector<std::string> with(std::string_view text, std::size_t since) const {
    std::vector<std::string> found;
    for (std::size_t i = since; i < lines.size(); ++i)
      if (lines[i].find(text) != std::string::npos) found.push_back(lines[i]);
    return found;
  }
};

}  // namespace

std::vector<std::string> log_capture::lines(std::string_view text, std::size_t since) {
  captured& all = captured::one();
  const std::lock_guard guard(all.lock);
  return all.with(text, since);
}

std::size_t log_capture::count() {
  captured& all = captured::one();
  const std::lock_guard guard(all.lock);
  return all.lines.size();
}

bool log_capture::wait_for(std::string_view text, std::size_t since) {
  captured& all = captured::one();
  std::unique_lock guard(all.lock);
  return all.more.wait_for(guard, patience, [&] { return !all.with(text, since).empty(); });
}

}  // namespace interop
