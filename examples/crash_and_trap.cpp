// SPDX-License-Identifier: BSL-1.0
// A worker crashes: its linked parent dies with it or traps the exit signal, and a monitor reports it to a third.
#include <troupe/actors/all.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

using namespace troupe;
using namespace troupe::literals;

struct job {
  int number;
};

// An exception that leaves a process ends that process, nobody else; it becomes the exit reason {error, What}.
process worker(context& self) {
  for (;;) {
    const job j = co_await self.receive<job>();
    if (j.number == 13) throw std::runtime_error("job 13 brings bad luck");
    std::printf("  worker: job %d is done\n", j.number);
  }
}

// Does not trap exits: what ends the worker ends this process too.
process careless_parent(context& self) {
  const pid w = self.spawn_link(worker);
  self.send(w, job{1});
  self.send(w, job{13});
  co_await self.receive<job>();  // nobody sends one: the exit signal ends the wait, and the process
  std::printf("  careless parent: never printed\n");
}

// Traps exits: the signal arrives as a message, and a new worker takes over.
process careful_parent(context& self) {
  self.trap_exit(true);
  pid w = self.spawn_link(worker);
  self.send(w, job{13});
  const exit_signal signal = co_await self.receive<exit_signal>();
  std::printf("  careful parent: exit signal from %s: %s\n", signal.from == w ? "the worker" : "a stranger",
              signal.reason.to_string().c_str());

  w = self.spawn_link(worker);
  self.send(w, job{2});
  self.exit(w, "shutdown"_atom);  // comes after the job: signals and messages of one sender stay in order
  const exit_signal last = co_await self.receive<exit_signal>();
  std::printf("  careful parent: the second worker ended as told: %s\n", last.reason.to_string().c_str());
}

// Monitors: is told, and not touched.
process watcher(context& self) {
  const spawned w = self.spawn_monitor(worker);
  self.send(w.pid, job{13});
  const down first = co_await self.receive<down>();
  std::printf("  watcher: down of the worker: %s\n", first.reason.to_string().c_str());

  self.monitor(w.pid);  // it is gone already: the answer comes at once
  const down second = co_await self.receive<down>();
  std::printf("  watcher: down of one that is gone: %s\n", second.reason.to_string().c_str());
}

int main() {
  actor_system_options options;
  options.log_crashes = false;  // this program says itself what it sees; by default each crash is a line in the log
  actor_system sys(options);

  std::puts("a linked parent that does not trap exits");
  const term reason = sys.wait(sys.spawn(careless_parent));
  std::printf("  main: the parent ended with %s\n", reason.to_string().c_str());

  std::puts("a linked parent that traps exits");
  sys.wait(sys.spawn(careful_parent));

  std::puts("a monitor");
  sys.wait(sys.spawn(watcher));
}

// What it shows
//
// - A link joins two fates, both ways: `spawn_link`, or `link` later. An exit with another reason than normal ends the
//   linked processes as well, unless they trap exits. So a group of processes that cannot do without one another goes
//   down whole, and whoever traps exits at its edge (a supervisor) starts it anew.
// - A monitor goes one way: `spawn_monitor`, or `monitor`. Each gives one `down` message.
// - Nothing here catches the exception. The worker does its job or it ends; the repair is written where the view is
//   wide enough, not in the worker. That is Erlang's "let it crash".
