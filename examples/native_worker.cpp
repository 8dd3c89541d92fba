// SPDX-License-Identifier: BSL-1.0
// A C++ node as the worker of an Erlang supervisor: it crashes, Erlang lives on and starts it again
#include <troupe/actors/all.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

// --- the worker's node
// ------------------------------------------------------------------------------------------------

// {primes, From, To}: how many primes there are from From up to but not To.
struct primes {
  std::uint32_t from, to;
  using reply = std::uint32_t;
};
// {dot, A, B}: the sum of the products of two lists of numbers.
struct dot {
  std::vector<double> a, b;
  using reply = double;
};
// crash: what a bug in native code is like.
struct crash {
  using reply = int;
};

std::uint32_t count_primes(std::uint32_t from, std::uint32_t to) {
  std::uint32_t count = 0;
  for (std::uint32_t n = from < 2 ? 2 : from; n < to; ++n) {
    bool prime = true;
    for (std::uint32_t d = 2; prime && std::uint64_t{d} * d <= n; ++d) prime = n % d != 0;
    count += prime ? 1 : 0;
  }
  return count;
}

process worker(context& self) {
  for (;;)
    co_await self.receive(
        // Heavy work runs beside the workers, so that the node stays alive for others.
        [&](request<primes> r) -> task<void> {
          const std::uint32_t from = r->from;
          const std::uint32_t to = r->to;
          const std::uint32_t count = co_await self.blocking([from, to] { return count_primes(from, to); });
          r.reply(count);
        },
        [](request<dot> r) {
          double sum = 0;
          for (std::size_t i = 0; i < r->a.size() && i < r->b.size(); ++i) sum += r->a[i] * r->b[i];
          r.reply(sum);
        },
        [](request<crash> r) {
          volatile int* nowhere = nullptr;
          r.reply(*nowhere);
        });
}

// --- the demonstration
// --------------------------------------------------------------------------------------------------

int main() {
  spdlog::set_level(spdlog::level::err);
  if (is_peer()) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);  // its crash is part of the play
    return run_peer([](node& here) { here.spawn({.name = "worker"}, worker); });
  }
  if (std::system("command -v escript >/dev/null") != 0) {
    fmt::print("escript is missing, so there is nothing to see: apt-get install erlang-base\n");
    return 0;
  }
  try {
    // This node only starts the script, and lends it its epmd. The worker is a third OS process: this program again,
    // started by the Erlang supervisor.
    node here(on_loopback("cpp"));
    peer_options options{.name = "erlang@127.0.0.1", .program = "escript"};
    options.arguments = {TROUPE_EXAMPLES_DIR "/native_worker.erl",
                         std::filesystem::read_symlink("/proc/self/exe").string()};
    options.until = peer_start::connected;
    peer erlang = start_peer(here, options);
    const std::optional<peer_exit> how = erlang.wait(120s);
    fmt::print("The Erlang node has ended with {}\n", how ? how->to_string() : "no end");
    return how == peer_exit{} ? 0 : 1;
  } catch (const node_error& e) {
    fmt::print(stderr, "native_worker: {}\n", e.what());
    return 1;
  }
}

// What it shows
//
// - The same work as a NIF would run inside the Erlang node: its segfault would have been the end of that node and of
// all
//   in it. Here it is a nodedown, and a call that fails; the supervisor starts the worker again, as it would any child.
// - The Erlang side (native_worker.erl) has no driver and no C node library: the worker is a port, for its life, and a
//   node, for its messages. {env, ...} says who it shall be, and `run_peer` does the rest.
// - {primes, From, To} and lists of floats are plain terms on one side and structs on the other.
