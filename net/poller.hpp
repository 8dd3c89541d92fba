// SPDX-License-Identifier: BSL-1.0
// The poller that waits for sockets as well as for wake-ups and time, so that the thread that sees bytes arrive runs
// the process they are for. Internal.
#pragma once

#include <troupe/actors/poller.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace troupe::detail {

class io_reactor;

/// Something that an Asio handler has seen, to be dealt with by the worker that ran the handler. A member or base of
/// what it belongs to, so that recording it takes no memory.
class io_event {
 public:
  io_event() = default;
  io_event(const io_event&) = delete;
  io_event& operator=(const io_event&) = delete;

 protected:
  ~io_event() = default;

 private:
  friend class io_reactor;
  friend class io_poller;

  /// Deals with it. On the worker, outside of Asio.
  virtual void happen() noexcept = 0;

  io_event* next_ = nullptr;
  std::shared_ptr<void> owner_;  // set: it is recorded, and has not happened yet
};

/// Something that keeps callbacks until its events happen. What they hold may hold the reactor, so when there is nobody
/// left who could run them they are dropped, or nothing of it would ever end.
class io_source : public std::enable_shared_from_this<io_source> {
 public:
  explicit io_source(io_reactor& reactor);
  io_source(const io_source&) = delete;
  io_source& operator=(const io_source&) = delete;

  /// The reactor's last poller has gone: lets go of all callbacks. Any thread.
  virtual void drop() noexcept = 0;

 protected:
  virtual ~io_source();
  /// There were pollers, and they have gone: a callback that came now would never be called. After drop() has begun it
  /// is true.
  bool is_deserted() const noexcept;

 private:
  friend class io_reactor;
  void* const machinery_;
};

/// The sockets of one actor_system: an Asio io_context that all its workers' pollers share. Shared by the pollers, the
/// network and its streams, in any order of their ends.
///
/// Of the workers that sleep, one at most is the leader, and waits for the sockets; the others wait for wake-ups and
/// time alone. When a socket is ready, the leader leaves and runs what is to be run; if it is not back within a tick or
/// two, the watchdog wakes another worker, which takes the lead. A worker that is busy looks at the sockets now and
/// then, while nobody leads.
class io_reactor {
 public:
  /// Throws std::system_error when there is no descriptor left for it.
  io_reactor();
  io_reactor(const io_reactor&) = delete;
  io_reactor& operator=(const io_reactor&) = delete;
  /// Drops the handlers that have not run.
  ~io_reactor();

  /// For sockets and timers. Its handlers must be short and may not throw; all they do is record(). Only pollers run
  /// it. Any thread.
  boost::asio::io_context& context() noexcept;
  /// Has `event` happen soon; `owner` keeps it alive until then. Recorded again before it has happened, it happens
  /// once. Only in a handler of context().
  void record(io_event& event, std::shared_ptr<void> owner) noexcept;
  /// How often its pollers have asked the system for sockets that are ready. Any thread.
  std::uint64_t looks() const noexcept;

 private:
  friend class io_poller;
  friend class io_source;
  struct machinery;
  std::unique_ptr<machinery> m_;
};

/// A poller for one worker. What it has recorded when it is destroyed never happens; with the last one of a reactor all
/// callbacks go that wait.
std::unique_ptr<poller> make_io_poller(std::shared_ptr<io_reactor> reactor);

/// A value for actor_system_options::poller. The reactor must be no other system's.
std::function<std::unique_ptr<poller>(std::size_t worker)> io_pollers(std::shared_ptr<io_reactor> reactor);

}  // namespace troupe::detail
