// SPDX-License-Identifier: BSL-1.0
// Peers: this program starts itself as further nodes, and ends them in all ways there are.
#define DOCTEST_CONFIG_IMPLEMENT  // a main of its own: that of a peer is another

#include <troupe/net/loopback.hpp>
#include <troupe/net/peer.hpp>

#include <troupe/actors/all.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

namespace {

struct get_os_pid {
  using reply = int;
};
struct start_another {
  std::string name;
  using reply = int;  // the OS's number of its process
};
struct get_end {
  using reply = term;
};
struct found {
  term what;
};

struct get_self {
  using reply = pid;
};

/// Answers for the node that it lives on.
process information(context& self) {
  for (;;) {
    const auto os_pid = [](request<get_os_pid> r) { r.reply(::getpid()); };
    const auto myself = [&self](request<get_self> r) { r.reply(self.pid()); };
    co_await self.receive(os_pid, myself);
  }
}

/// Starts peers of this peer, and keeps them.
process starter(context& self) {
  std::vector<peer> started;
  for (;;) {
    request<start_another> r = co_await self.receive<request<start_another>>();
    peer_options options{.name = r->name};
    started.push_back(co_await start_peer(self, options));
    r.reply(started.back().os_pid());
  }
}

int serve() {
  node_options options = *peer_node_options();
  options.system.workers = 2;
  return run_peer(options, [](node& here) {
    here.spawn({.name = "information"}, information);
    here.spawn({.name = "starter"}, starter);
    here.export_as("information", information);
    here.export_as("test:variable", [](const std::string& name) -> std::string {
      const char* value = std::getenv(name.c_str());
      return value != nullptr ? value : "none";
    });
    here.export_as("test:is_open", [](int number) { return ::fcntl(number, F_GETFD) != -1; });
  });
}

node_options here_options() {
  node_options options;
  options.name = "a@127.0.0.1";
  options.cookie = "peer_test_cookie";
  options.epmd_port = free_port();
  options.system.log_crashes = false;
  return options;
}

/// A node, and a process that runs one body on it.
struct parent {
  node here{here_options()};

  template <class... Args>
  peer start(const char* name, Args... arguments) {
    peer_options options{.name = name};
    (options.arguments.push_back(arguments), ...);
    return start_peer(here, options);
  }
  /// Runs it as a process, which has to end as it should.
  template <class F, class... Args>
  void run(F f, Args... arguments) {
    const auto watch = [](context& self, F body, Args... given) -> process {
      request<get_end> asked = co_await self.receive<request<get_end>>();
      self.spawn_monitor(body, given...);
      const down d = co_await self.receive<down>();
      asked.reply(d.reason);
    };
    CHECK(here.call(here.spawn(watch, f, arguments...), get_end{}, infinity) == term("normal"_atom));
  }
  std::string error(const peer_options& options) {
    try {
      const peer started = start_peer(here, options);
      return "no error";
    } catch (const node_error& e) {
      return e.what();
    }
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool there_are_children() {
  siginfo_t info;
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

TEST_CASE("a peer is another OS process, and a node with all that its main has prepared") {
  parent p;
  peer b = p.start("b@127.0.0.1");
  CHECK(b.name() == "b@127.0.0.1"_atom);
  CHECK(b.is_running());
  CHECK(p.here.nodes() == std::vector<atom>{"b@127.0.0.1"_atom});
  const int number = p.here.call(remote("information", "b@127.0.0.1"), get_os_pid{});
  CHECK(number == b.os_pid());
  CHECK(number != ::getpid());
  p.run([](context& self) -> process {
    const pid far = co_await spawn_at(self, "b@127.0.0.1", "information");
    CHECK(node_of(far) == "b@127.0.0.1"_atom);
  });
}

TEST_CASE("the cookie stands on no command line, and a peer's own programs do not take themselves for peers") {
  parent p;
  peer b = p.start("b@127.0.0.1", "--some", "arguments");
  const std::string line = content("/proc/" + std::to_string(b.os_pid()) + "/cmdline");
  CHECK(contains(line, "--some"));
  CHECK_FALSE(contains(line, "peer_test_cookie"));
  p.run([](context& self) -> process {
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:variable", "TROUPE_PEER_NAME") == term("none"));
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:variable", "TROUPE_PEER_COOKIE") == term("none"));
  });
}

TEST_CASE("a peer has the variables that it was given, and those of its parent") {
  parent p;
  peer_options options{.name = "b@127.0.0.1"};
  options.environment.emplace_back("TROUPE_TEST_COLOUR", "green");
  peer b = start_peer(p.here, options);
  p.run([](context& self) -> process {
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:variable", "TROUPE_TEST_COLOUR") == term("green"));
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:variable", "PATH") == term(std::getenv("PATH")));
  });
}

TEST_CASE("a peer inherits no descriptor") {
  parent p;
  const int number = ::fcntl(STDERR_FILENO, F_DUPFD, 100);
  REQUIRE(number >= 100);
  peer b = p.start("b@127.0.0.1");
  const auto look = [](context& self, int open) -> process {
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:is_open", open) == term(false));
    CHECK(co_await rpc(self, "b@127.0.0.1", "test:is_open", 2) == term(true));
  };
  p.run(look, number);
  ::close(number);
}

TEST_CASE("stop ends a peer in order: its main returns") {
  parent p;
  peer b = p.start("b@127.0.0.1");
  CHECK(b.stop(60s).to_string() == "exit status 0");
  CHECK_FALSE(b.is_running());
  CHECK(b.wait() == peer_exit{});
  CHECK(b.stop() == peer_exit{});
  CHECK_FALSE(there_are_children());
}

TEST_CASE("kill ends a peer at once: its processes are down with noconnection, its node is down") {
  parent p;
  p.run([](context& self) -> process {
    peer_options options{.name = "b@127.0.0.1"};
    options.report = self.pid();
    peer b = co_await start_peer(self, options);
    const pid far = co_await spawn_at(self, "b@127.0.0.1", "information");
    const reference m = self.monitor(far);
    monitor_node(self, "b@127.0.0.1");
    CHECK(b.kill() == peer_exit{.code = 0, .signal = SIGKILL});
    const down d = co_await self.receive<down>();
    CHECK(d.ref == m);
    CHECK(d.reason == term("noconnection"_atom));
    CHECK((co_await self.receive<nodedown>()).node == "b@127.0.0.1"_atom);
    const peer_down gone = co_await self.receive<peer_down>();
    CHECK(gone.node == "b@127.0.0.1"_atom);
    CHECK(gone.signal == SIGKILL);
  });
  CHECK_FALSE(there_are_children());
}

TEST_CASE("who is to hear of a peer's end hears its exit status") {
  parent p;
  p.run([](context& self) -> process {
    peer_options options{.name = "b@127.0.0.1"};
    options.report = self.pid();
    peer b = co_await start_peer(self, options);
    b.signal(SIGTERM);
    const peer_down gone = co_await self.receive<peer_down>();
    CHECK(gone.code == 0);
    CHECK(gone.signal == 0);
  });
}

TEST_CASE("a peer that does not listen to stop is killed") {
  parent p;
  peer b = p.start("b@127.0.0.1");
  b.signal(SIGSTOP);
  CHECK(b.stop(10ms) == peer_exit{.code = 0, .signal = SIGKILL});
  CHECK_FALSE(there_are_children());
}

TEST_CASE("a peer that goes out of scope is gone") {
  parent p;
  int number = 0;
  {
    peer b = p.start("b@127.0.0.1");
    number = b.os_pid();
    peer moved = std::move(b);
    CHECK_FALSE(b);  // NOLINT(bugprone-use-after-move)
    CHECK(moved.os_pid() == number);
  }
  CHECK(::kill(number, 0) == -1);
  CHECK_FALSE(there_are_children());
}

/// Holds a peer until it is killed.
process holder(context& self, pid to) {
  peer_options options{.name = "b@127.0.0.1"};
  const peer b = co_await start_peer(self, options);
  const found number{term(b.os_pid())};
  self.send(to, number);
  co_await self.receive<found>();
}

TEST_CASE("a peer ends with the process that holds it") {
  parent p;
  p.run([](context& self) -> process {
    const pid holding = self.spawn(holder, self.pid());
    co_await self.receive<found>();
    monitor_node(self, "b@127.0.0.1");
    self.exit(holding, "kill"_atom);
    CHECK((co_await self.receive<nodedown>()).node == "b@127.0.0.1"_atom);
  });
}

TEST_CASE("a peer ends when its parent does, even by kill -9") {
  parent p;
  peer b = p.start("b@127.0.0.1");
  const int grandchild = p.here.call<start_another>(remote("starter", "b@127.0.0.1"), after(60s), "c@127.0.0.1");
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, grandchild, 0));
  REQUIRE(handle >= 0);
  CHECK(b.kill().signal == SIGKILL);
  pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
  CHECK(::poll(&ended, 1, 60'000) == 1);  // readable once it has ended
  ::close(handle);
}

TEST_CASE("a name can be started again and again, each time as a new node") {
  parent p;
  std::uint32_t last = 0;
  for (int i = 0; i < 5; ++i) {
    CAPTURE(i);
    peer b = p.start("b@127.0.0.1");
    CHECK(p.here.call(remote("information", "b@127.0.0.1"), get_os_pid{}) == b.os_pid());
    const std::uint32_t creation = p.here.call(remote("information", "b@127.0.0.1"), get_self{}).creation();
    CHECK(creation != last);
    last = creation;
    CHECK(b.kill().signal == SIGKILL);
  }
}

TEST_CASE("several peers start at the same time") {
  parent p;
  constexpr int count = 4;
  std::vector<peer> peers;
  for (int i = 0; i < count; ++i) peers.push_back(p.start(("n" + std::to_string(i) + "@127.0.0.1").c_str()));
  CHECK(p.here.nodes().size() == count);
  for (peer& one : peers) CHECK(one.stop(60s).to_string() == "exit status 0");
  CHECK_FALSE(there_are_children());
}

TEST_CASE("a program that ends before it is a node is an error that says how it ended") {
  parent p;
  CHECK(contains(p.error({.name = "b@127.0.0.1", .program = "sh", .arguments = {"-c", "exit 3"}}),
                 "b@127.0.0.1 has ended before it was ready: exit status 3"));
  CHECK(contains(p.error({.name = "b@127.0.0.1", .program = "sh", .arguments = {"-c", "kill -9 $$"}}),
                 "b@127.0.0.1 has ended before it was ready: signal 9 (Killed)"));
  CHECK_FALSE(there_are_children());
}

TEST_CASE("a program that is not there is an error that names it") {
  parent p;
  const std::string text = p.error({.name = "b@127.0.0.1", .program = "/no/such/program"});
  CHECK(contains(text, "/no/such/program: No such file or directory"));
}

TEST_CASE("a program that does not become a node in time is killed") {
  parent p;
  const std::string text =
      p.error({.name = "b@127.0.0.1", .program = "sleep", .arguments = {"1000"}, .patience = 20ms});
  CHECK(contains(text, "b@127.0.0.1 was not ready in time"));
  CHECK_FALSE(there_are_children());
}

TEST_CASE("a name that is no node's, or that of a node that is there, is an error") {
  parent p;
  CHECK(contains(p.error({.name = "b"}), "write name@host"));
  CHECK(contains(p.error({.name = "a@127.0.0.1"}), "the name is that of a node that is there"));
  const peer b = p.start("b@127.0.0.1");
  CHECK(contains(p.error({.name = "b@127.0.0.1", .patience = 20ms}), "the name is that of a node that is there"));
}

TEST_CASE("a main that does not know that it is a peer's cannot start peers without end") {
  parent p;
  ::setenv("TROUPE_PEER_NAME", "z@127.0.0.1", 1);
  CHECK(contains(p.error({.name = "b@127.0.0.1"}), "begin with is_peer() and run_peer"));
  ::unsetenv("TROUPE_PEER_NAME");
}

TEST_CASE("a node of Erlang's is a peer, once it has connected") {
  parent p;
  peer_options options{.name = "e@127.0.0.1", .program = "erl"};
  options.arguments = {"-noinput",
                       "-setcookie",
                       "none",
                       "-start_epmd",
                       "false",
                       "-eval",
                       "Get = fun(N) -> list_to_atom(os:getenv(N)) end,"
                       "{ok, _} = net_kernel:start(['e@127.0.0.1', longnames]),"
                       "erlang:set_cookie(Get(\"TROUPE_PEER_COOKIE\")),"
                       "pong = net_adm:ping(Get(\"TROUPE_PEER_PARENT\")),"
                       "monitor_node(Get(\"TROUPE_PEER_PARENT\"), true), receive {nodedown, _} -> halt(0) end."};
  options.until = peer_start::connected;
  options.patience = 60s;
  if (std::system("command -v erl >/dev/null") != 0) {
    MESSAGE("erl is not there: nothing is tested");
    return;
  }
  peer e = start_peer(p.here, options);
  p.run([](context& self) -> process {
    const term list = term::list({1, 2});
    const term reversed = term::list({2, 1});
    CHECK(co_await rpc(self, "e@127.0.0.1", "lists:reverse", list) == reversed);
  });
  CHECK(e.stop(60s).signal == 0);
}

int main(int argc, char** argv) {
  if (is_peer()) return serve();
  return doctest::Context(argc, argv).run();
}
