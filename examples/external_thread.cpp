// SPDX-License-Identifier: BSL-1.0
// Ordinary threads start processes, send, call and wait, and a worker must not: external_thread [THREADS]
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

struct add {
  std::int64_t number;
};
struct total {
  using reply = std::int64_t;
};
struct square {
  std::int64_t number;
  using reply = std::int64_t;
};

// To a process that does what it must not: what it was told.
struct complaint {
  using reply = std::string;
};

// --- the processes ---------------------------------------------------------------------------------------------------

// Adds up what it is sent, and squares what it is asked.
process calculator(context& self) {
  std::int64_t sum = 0;
  for (;;)
    co_await self.receive([&](const add& a) { sum += a.number; }, [&](request<total> r) { r.reply(sum); },
                          [](request<square> r) { r.reply(r->number * r->number); });
}

// Does one job and ends. A job that fails has no answer: its caller gets the exit reason.
process job(context& self) {
  request<square> asked = co_await self.receive<request<square>>();
  if (asked->number == 13) throw std::runtime_error("13 brings bad luck");
  asked.reply(asked->number * asked->number);
}

// Keeps its caller waiting.
process slow(context& self) {
  const request<square> asked = co_await self.receive<request<square>>();
  co_await self.sleep(1h);
}

// --- the threads -----------------------------------------------------------------------------------------------------

constexpr std::int64_t sends_each = 1000;

// Sends, which never blocks, and calls, which blocks this thread and no worker.
void use_the_calculator(actor_system& sys, std::int64_t number, std::int64_t& answer) {
  for (std::int64_t i = 0; i < sends_each; ++i) sys.send("calculator", add{number});
  answer = sys.call("calculator", square{number});
}

// Why a call has no answer.
std::string failure(actor_system& sys, pid to, std::int64_t number, std::chrono::milliseconds patience) {
  try {
    return "none: it is " + std::to_string(sys.call(to, square{number}, patience));
  } catch (const call_failed& e) {
    return e.reason().to_string();
  }
}

int failures = 0;
void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("that is wrong: %s\n", what);
  ++failures;
}

int main(int argc, char** argv) {
  const auto [count] = example::sizes(argc, argv, {{"THREADS", 8, 1, 1000}});
  actor_system_options options;
  options.log_crashes = false;  // this program says itself what it sees
  actor_system sys(options);
  const pid calc = sys.spawn({.name = "calculator"}, calculator);

  std::vector<std::int64_t> answers(static_cast<std::size_t>(count));
  {
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < count; ++i)
      threads.emplace_back([&sys, &answers, i] { use_the_calculator(sys, i, answers[static_cast<std::size_t>(i)]); });
  }  // joins them
  const auto sum = sys.call(calc, total{});
  std::printf("%lld threads have sent %lld numbers each, which are %lld together\n", static_cast<long long>(count),
              static_cast<long long>(sends_each), static_cast<long long>(sum));
  expect(sum == sends_each * count * (count - 1) / 2, "the sum");
  for (std::int64_t i = 0; i < count; ++i) expect(answers[static_cast<std::size_t>(i)] == i * i, "a square");

  std::puts("main starts processes, and calls them");
  const auto nine = sys.call(sys.spawn(job), square{3});
  const std::string crash = failure(sys, sys.spawn(job), 13, 5s);
  const std::string patience = failure(sys, sys.spawn(slow), 3, 20ms);
  std::printf("  the square of 3:                  %lld\n", static_cast<long long>(nine));
  std::printf("  of 13, by one that crashes:       %s\n", crash.c_str());
  std::printf("  of 3, by one that takes an hour:  %s\n", patience.c_str());
  expect(nine == 9 && crash == R"({error,<<"13 brings bad luck">>})" && patience == "timeout", "an answer");

  std::puts("main ends the calculator, and waits until it has ended");
  sys.exit(calc, "shutdown"_atom);
  sys.wait(calc);  // its exit reason; noproc when it has gone by now
  const std::string gone = failure(sys, calc, 3, 5s);
  std::printf("  and calls it: %s\n", gone.c_str());
  expect(!sys.is_alive(calc) && gone == "noproc", "the end");

  // A process that gets hold of the system may spawn and send by it, but not block.
  const auto forbidden = [&sys](context& self) -> process {
    request<complaint> asked = co_await self.receive<request<complaint>>();
    try {
      sys.wait(sys.spawn(job));
      asked.reply("none");
    } catch (const usage_error& e) {
      asked.reply(e.what());
    }
  };
  const auto text = sys.call(sys.spawn(forbidden), complaint{});
  std::printf("a process that calls sys.wait gets a usage_error\n  %s\n", text.c_str());
  expect(text.find("worker") != std::string::npos, "no usage_error");
  return failures == 0 ? 0 : 1;
}

// What it shows
//
// - Everything outside comes in by the actor_system: `spawn`, `send`, `exit` and names from any thread; `call` and
//   `wait` block the thread that uses them.
// - To get a result from a process, call it. The call ends, whatever happens: with the answer, the exit reason of the
//   one that was asked, noproc, or timeout.
// - `wait` says when a process has ended. Who must know why monitors it, from a process; a thread may come too late.
// - On a worker `call` and `wait` would hold up the very processes that they wait for, so they throw there. A process
//   uses `co_await self.call` and `self.monitor`.
