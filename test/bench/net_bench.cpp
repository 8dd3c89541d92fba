// SPDX-License-Identifier: BSL-1.0
// The figures of nodes: two OS processes over loopback, troupe's beside Erlang's and a bare socket's in one run. One
// line a row and implementation: row, who, min, median, max, unit.
#include "report.hpp"

#include <troupe/actors/all.hpp>
#include <troupe/net/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

constexpr const char* cookie = "bench";

struct ball {
  pid from;
  std::uint64_t left;
};
struct item {
  std::vector<std::byte> content;
};
struct drain {
  pid from;
};
struct drained {
  std::uint64_t count;
};
struct ask {
  std::uint64_t n;
  using reply = std::uint64_t;
};

// --- the two sides of troupe -----------------------------------------------------------------------------------------

process echo(context& self) {
  std::uint64_t count = 0;
  for (;;)
    co_await self.receive([&](const ball& b) { self.send<ball>(b.from, self.pid(), b.left); },
                          [&](const item&) { ++count; },
                          [&](const drain& d) { self.send<drained>(d.from, std::exchange(count, 0)); });
}

process answerer(context& self) {
  for (;;) co_await self.receive([&](request<ask> r) { r.reply(r->n); });
}

process round_trips(context& self, destination to, std::uint64_t n) {
  for (; n > 0; --n) {
    self.send<ball>(to, self.pid(), n);
    co_await self.receive<ball>();
  }
}

process one_way(context& self, destination to, std::uint64_t n, std::size_t size) {
  const std::vector<std::byte> content(size, std::byte{7});
  for (std::uint64_t i = 0; i < n; ++i) co_await self.send<item>(to, content);
  self.send<drain>(to, self.pid());
  const drained d = co_await self.receive<drained>();
  if (d.count != n) throw std::runtime_error("messages were lost: " + std::to_string(n - d.count));
}

process calls(context& self, destination to, std::uint64_t n) {
  for (; n > 0; --n) co_await self.call<ask>(to, n);
}

node_options options_for(const std::string& name, std::uint16_t epmd_port, std::size_t workers) {
  node_options options;
  options.name = name;
  options.cookie = cookie;
  options.epmd_port = epmd_port;
  options.system.workers = workers;
  return options;
}

int serve(const std::string& name, std::uint16_t epmd_port, std::size_t workers) {
  node here(options_for(name, epmd_port, workers));
  spawn_options options;
  options.name = "echo";
  here.spawn(options, echo);
  options.name = "server";
  here.spawn(options, answerer);
  std::puts("ready");
  std::fflush(stdout);
  static_cast<void>(std::getchar());  // until our parent ends
  return 0;
}

double troupe_client(node& here, const std::string& there, std::string_view row, std::uint64_t n) {
  if (!here.connect(there)) throw std::runtime_error("no connection with " + there);
  const auto start = clock_type::now();
  const destination to = remote("echo", there);
  pid worker;
  if (row == "round_trip")
    worker = here.spawn(round_trips, to, n);
  else if (row == "one_way")
    worker = here.spawn(one_way, to, n, std::size_t{16});
  else if (row == "binaries")
    worker = here.spawn(one_way, to, n, std::size_t{1} << 20);
  else
    worker = here.spawn(calls, remote("server", there), n);
  const term reason = here.wait(worker);
  if (!reason.is_atom(atom("normal")) && !reason.is_atom(atom("noproc")))
    throw std::runtime_error("the client ended by " + reason.to_string());
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

// --- other programs
// ----------------------------------------------------------------------------------------------------

/// A child that ends when its standard input does.
class child {
 public:
  explicit child(const std::vector<std::string>& command) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(to[0], 0);
      dup2(from[1], 1);
      std::vector<char*> argv;
      for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = to[1];
    out_ = fdopen(from[0], "r");
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    close(in_);
    std::fclose(out_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::string line() {
    char text[4096];
    if (std::fgets(text, sizeof text, out_) == nullptr) throw std::runtime_error("a child ended early");
    std::string result(text);
    while (!result.empty() && result.back() == '\n') result.pop_back();
    return result;
  }

 private:
  pid_t pid_;
  int in_;
  std::FILE* out_;
};

std::vector<std::string> erl(const std::string& name, const std::string& beams, const std::string& what) {
  return {"erl", "-noinput", "-hidden", "-name", name, "-setcookie", cookie, "-pa", beams, "-eval", what};
}

double erlang_client(const std::string& there, const std::string& beams, std::string_view row, std::uint64_t n) {
  child c(
      erl("client@127.0.0.1", beams,
          "net_bench:client('" + there + "', [\"" + std::string(row) + "\", \"" + std::to_string(n) + "\"]), halt()."));
  return std::strtod(c.line().c_str(), nullptr) / 1e9;
}

/// Seconds for n round trips of 64 bytes between two OS processes and a bare socket.
double raw_round_trips(std::uint64_t n) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), length);
  listen(listener, 1);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const int one = 1;
  char buffer[64] = {};
  const pid_t other = fork();
  if (other == 0) {
    const int s = accept(listener, nullptr, nullptr);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (recv(s, buffer, sizeof buffer, MSG_WAITALL) == sizeof buffer) send(s, buffer, sizeof buffer, 0);
    _exit(0);
  }
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  connect(s, reinterpret_cast<sockaddr*>(&address), length);
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const auto start = clock_type::now();
  for (std::uint64_t i = 0; i < n; ++i) {
    send(s, buffer, sizeof buffer, 0);
    recv(s, buffer, sizeof buffer, MSG_WAITALL);
  }
  const double seconds = std::chrono::duration<double>(clock_type::now() - start).count();
  close(s);
  close(listener);
  waitpid(other, nullptr, 0);
  return seconds;
}

struct row {
  const char* name;
  const char* title;
  std::uint64_t count;
  const char* unit;
  std::function<double(double seconds, double count)> figure;
};

const row rows[] = {
    {"round_trip", "two processes: round trip", 5'000, "us", [](double s, double n) { return s / n * 1e6; }},
    {"one_way", "two processes: small messages one way", 300'000, "k/s",
     [](double s, double n) { return n / s / 1e3; }},
    {"binaries", "two processes: 1 MiB binaries", 500, "MB/s", [](double s, double n) { return n * 1.048576 / s; }},
    {"calls", "two processes: call", 5'000, "k/s", [](double s, double n) { return n / s / 1e3; }},
};

int usage(const char* program) {
  std::fprintf(stderr,
               "%s [--quick] [--rounds N] [--workers N] [ROW]\n"
               "Rows: round_trip one_way binaries calls. Erlang's figures only where erl and erlc are there.\n",
               program);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::warn);
  std::size_t rounds = 5;
  std::size_t workers = 2;
  double scale = 1;
  std::string_view filter;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--serve" && i + 3 < argc)
      return serve(argv[i + 1], static_cast<std::uint16_t>(std::atoi(argv[i + 2])),
                   static_cast<std::size_t>(std::atoi(argv[i + 3])));
    if (argument == "--quick") {
      scale = 0.02;
      rounds = 1;
    } else if (argument == "--rounds" && i + 1 < argc) {
      rounds = std::strtoul(argv[++i], nullptr, 10);
      if (rounds == 0) return usage(argv[0]);
    } else if (argument == "--workers" && i + 1 < argc) {
      workers = std::strtoul(argv[++i], nullptr, 10);
    } else if (argument.starts_with("-")) {
      return usage(argv[0]);
    } else {
      filter = argument;
    }
  }
  try {
    // A free port for our own epmd, which this node serves: Erlang's nodes find it there.
    std::uint16_t port = 0;
    {
      const int s = socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t length = sizeof address;
      bind(s, reinterpret_cast<sockaddr*>(&address), length);
      getsockname(s, reinterpret_cast<sockaddr*>(&address), &length);
      port = ntohs(address.sin_port);
      close(s);
    }
    setenv("ERL_EPMD_PORT", std::to_string(port).c_str(), 1);
    node here(options_for("bench@127.0.0.1", port, workers));
    child server({"/proc/self/exe", "--serve", "server@127.0.0.1", std::to_string(port), std::to_string(workers)});
    server.line();

    const char* tmp = std::getenv("TMPDIR");
    std::string beams = std::string(tmp != nullptr ? tmp : "/tmp") + "/troupe-net-bench-XXXXXX";
    bool with_erlang =
        mkdtemp(beams.data()) != nullptr &&
        std::system(("erlc -o " + beams + " " + TROUPE_BENCH_DIR + "/net_bench.erl 2>/dev/null").c_str()) == 0;
    std::unique_ptr<child> erlang;
    if (with_erlang) {
      erlang = std::make_unique<child>(erl("erlang@127.0.0.1", beams, "net_bench:server()."));
      erlang->line();
    }
    for (const row& r : rows) {
      if (std::string_view(r.name).find(filter) == std::string_view::npos) continue;
      const auto n = static_cast<std::uint64_t>(std::max(10.0, static_cast<double>(r.count) * scale));
      std::vector<std::pair<const char*, std::function<double()>>> who;
      who.emplace_back("troupe", [&] { return troupe_client(here, "server@127.0.0.1", r.name, n); });
      if (with_erlang) {
        who.emplace_back("erlang", [&] { return erlang_client("erlang@127.0.0.1", beams, r.name, n); });
        if (r.name == std::string_view("round_trip") || r.name == std::string_view("one_way"))
          who.emplace_back("troupe to erlang", [&] { return troupe_client(here, "erlang@127.0.0.1", r.name, n); });
      }
      if (r.name == std::string_view("round_trip")) who.emplace_back("raw tcp", [&] { return raw_round_trips(n); });
      std::vector<std::vector<double>> figures(who.size());
      for (std::size_t round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < who.size(); ++i)
          figures[i].push_back(r.figure(who[i].second(), static_cast<double>(n)));
      for (std::size_t i = 0; i < who.size(); ++i)
        bench::print_figures(r.title, who[i].first, std::move(figures[i]), r.unit);
    }
    erlang.reset();
    std::system(("rm -rf " + beams).c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "net_bench: %s\n", e.what());
    return 1;
  }
}
