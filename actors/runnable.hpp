// SPDX-License-Identifier: BSL-1.0
// What a worker runs: a process, or a job that is none. Internal.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::detail {

class executor;

/// What lies in the run queues. The first is by far the most frequent: a worker asks once whether it is that.
enum class runnable_kind : std::uint8_t {
  process,
  // The last meeting of a process that ended while blocking(f) was out, and f. Both exchange their own value in;
  // whoever comes second frees frame and slot. (While it is `process`, the mailbox is open or nobody is out.)
  waiting,   // the process has ended for everyone else; its frame and its slot stay until f returns
  returned,  // f has returned
  job        // a foreign_job; constant
};

/// The link of the run queues, and what it links.
struct runnable {
  explicit runnable(runnable_kind k = runnable_kind::process) noexcept : kind(k) {}
  runnable(const runnable&) = delete;
  runnable& operator=(const runnable&) = delete;

  union {
    runnable* run_next = nullptr;  // of the shared queue and of free slots; whoever has it, while it does not run
    executor* env;                 // who runs this process now
  };
  std::atomic<runnable_kind> kind;  // any thread
};

enum class run_result { idle, again, ended };

/// Work of somebody else's for the workers, done in pieces as processes are: what CAF's actors are run by. It lies in
/// one queue at a time; whoever puts it there (executor::ready, scheduler::ready) keeps it alive until it has run.
struct foreign_job : runnable {
  foreign_job() noexcept : runnable(runnable_kind::job) {}
  virtual ~foreign_job() = default;
  /// A piece of it, on that worker. `again`: it goes to the back of the queue. Otherwise nobody touches it any more, so
  /// that it may have deleted itself.
  virtual run_result run(executor& on) noexcept = 0;
};

}  // namespace troupe::detail
