// SPDX-License-Identifier: BSL-1.0
// Leading, following, and looking in between.
#include <troupe/net/poller.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

namespace troupe::detail {

struct io_reactor::machinery {
  // Before the context, whose handlers own sources.
  std::mutex lock;
  std::unordered_set<io_source*> sources;  // under lock
  std::size_t pollers = 0;                 // under lock
  // Written under the lock. release and acquire are not needed: see go().
  std::atomic<bool> deserted{false};

  // 1: one thread at a time runs it. It keeps its locks, since any thread may start operations.
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};

  // Who has it set runs the context, and owns what is below. acquire and release: what one leader leaves, the next one
  // finds.
  std::atomic<bool> led{false};
  // Somebody has looked since the watchdog asked last. relaxed: a hint.
  std::atomic<bool> visited{true};
  std::atomic<std::uint64_t> looks{0};

  // Only who leads.
  io_event* first = nullptr;  // recorded, oldest first
  io_event* last = nullptr;
  // Asio's own waiting with a deadline rounds up to milliseconds and wakes every second; its timers are exact. One that
  // is armed too early stays: it is dealt with when it fires, so that deadlines that move on cost no system call.
  boost::asio::steady_timer timer{context};
  time_point alarm = time_point::max();  // the moment for which the timer is armed
  bool rung = false;

  bool try_lead() noexcept {
    // The load spares busy workers the contention; acquire pairs with leave().
    return !led.load(std::memory_order_relaxed) && !led.exchange(true, std::memory_order_acquire);
  }
  void leave() noexcept {
    visited.store(true, std::memory_order_relaxed);
    led.store(false, std::memory_order_release);
  }
  void count_look() noexcept { looks.store(looks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  void arrive() {
    const std::lock_guard guard(lock);
    ++pollers;
    deserted.store(false, std::memory_order_relaxed);
  }
  void go() noexcept;

  void set_alarm(time_point deadline) {
    alarm = deadline;
    timer.expires_at(deadline);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // moved
      alarm = time_point::max();
      rung = true;
    });
  }
};

/// A poller's end.
void io_reactor::machinery::go() noexcept {
  std::vector<std::shared_ptr<io_source>> left;
  {
    const std::lock_guard guard(lock);
    if (--pollers != 0) return;
    // relaxed: a source looks at it under its own lock, which drop() takes after this. Whichever comes first, the
    // other sees what it did.
    deserted.store(true, std::memory_order_relaxed);
    left.reserve(sources.size());
    for (io_source* s : sources)
      if (auto held = s->weak_from_this().lock()) left.push_back(std::move(held));
  }
  // Outside of the lock: what they let go of may be the end of other sources.
  for (const auto& s : left) s->drop();
}

io_source::io_source(io_reactor& reactor) : machinery_(reactor.m_.get()) {
  io_reactor::machinery& m = *static_cast<io_reactor::machinery*>(machinery_);
  const std::lock_guard guard(m.lock);
  m.sources.insert(this);
}

io_source::~io_source() {
  io_reactor::machinery& m = *static_cast<io_reactor::machinery*>(machinery_);
  const std::lock_guard guard(m.lock);
  m.sources.erase(this);
}

bool io_source::is_deserted() const noexcept {
  return static_cast<const io_reactor::machinery*>(machinery_)->deserted.load(std::memory_order_relaxed);
}

io_reactor::io_reactor() : m_(std::make_unique<machinery>()) {}
io_reactor::~io_reactor() = default;

boost::asio::io_context& io_reactor::context() noexcept {
  return m_->context;
}

std::uint64_t io_reactor::looks() const noexcept {
  return m_->looks.load(std::memory_order_relaxed);
}

void io_reactor::record(io_event& event, std::shared_ptr<void> owner) noexcept {
  if (event.owner_) return;
  event.owner_ = std::move(owner);
  event.next_ = nullptr;
  (m_->last == nullptr ? m_->first : m_->last->next_) = &event;
  m_->last = &event;
}

class io_poller final : public poller {
 public:
  explicit io_poller(std::shared_ptr<io_reactor> reactor) : reactor_(std::move(reactor)), m_(*reactor_->m_) {
    m_.arrive();
  }
  ~io_poller() override {
    while (take() != nullptr) {
    }
    m_.go();
  }

  void wait(time_point deadline) override;
  void wake() noexcept override;
  bool is_ready() const noexcept override { return first_ != nullptr; }
  bool poll() override;
  bool attended() noexcept override {
    return m_.led.load(std::memory_order_relaxed) || m_.visited.exchange(false, std::memory_order_relaxed);
  }

 private:
  // A look costs a microsecond and a half; a worker that is busy spends 3 in 100 on it.
  static constexpr duration look_interval = std::chrono::microseconds(50);
  // The leader looks whether more sockets are ready than the one that ended its wait. That is a system call, in vain
  // when there is one conversation at a time: so only after it was of use, and now and then.
  static constexpr unsigned probe_interval = 16;

  enum class place { up, following, leading };

  void lead(std::unique_lock<std::mutex>& guard, time_point deadline);
  void run_until(time_point deadline);
  void run_crowd();
  void take_over() noexcept;
  std::shared_ptr<void> take() noexcept;
  bool run_recorded() noexcept;

  const std::shared_ptr<io_reactor> reactor_;
  io_reactor::machinery& m_;

  std::mutex lock_;
  std::condition_variable condition_;
  bool woken_ = false;       // under lock_
  place place_ = place::up;  // under lock_

  // Only the worker.
  io_event* first_ = nullptr;  // recorded and not happened, oldest first
  time_point next_look_;
  unsigned waits_ = 0;
  bool crowd_ = false;
  bool has_looked_ = false;  // it has led since it was polled last
};

void io_poller::wait(time_point deadline) {
  std::unique_lock guard(lock_);
  if (!woken_ && first_ == nullptr) {
    if (m_.try_lead()) {
      lead(guard, deadline);
    } else {
      place_ = place::following;
      const auto woken = [this] { return woken_; };
      if (deadline == time_point::max())
        condition_.wait(guard, woken);
      else
        condition_.wait_until(guard, deadline, woken);
    }
    place_ = place::up;
  }
  woken_ = false;
}

void io_poller::lead(std::unique_lock<std::mutex>& guard, time_point deadline) {
  place_ = place::leading;
  while (!woken_) {
    guard.unlock();
    run_until(deadline);
    guard.lock();
    // Nothing of interest: a socket for which nobody waits now, a wake-up of an earlier leader, the timer too early.
    if (m_.first != nullptr || m_.rung) break;
  }
  m_.rung = false;
  take_over();
  m_.leave();
  has_looked_ = true;
}

/// Until the deadline, a handler has run, or spuriously; m_.rung tells that it was the deadline.
void io_poller::run_until(time_point deadline) {
  if (deadline < m_.alarm) {
    if (deadline <= std::chrono::steady_clock::now()) {
      m_.count_look();
      m_.context.poll();
      m_.rung = true;
      return;
    }
    m_.set_alarm(deadline);
  }
  m_.count_look();
  m_.context.run_one();
  if (m_.rung) m_.rung = deadline <= std::chrono::steady_clock::now();
  if (m_.first != nullptr) run_crowd();
}

void io_poller::run_crowd() {
  if (!crowd_ && ++waits_ % probe_interval != 0) return;
  m_.count_look();
  crowd_ = m_.context.poll() != 0;
}

void io_poller::wake() noexcept {
  const std::lock_guard guard(lock_);
  if (woken_) return;
  woken_ = true;
  // Under the lock: once it is released the worker may return from wait(), and then even destroy the poller.
  if (place_ == place::following) condition_.notify_one();
  if (place_ == place::leading) boost::asio::post(m_.context, [] {});
}

bool io_poller::poll() {
  if (first_ == nullptr) {
    // One that waits again and again looks by waiting.
    if (std::exchange(has_looked_, false) || m_.led.load(std::memory_order_relaxed)) return false;
    const time_point now = std::chrono::steady_clock::now();
    if (now < next_look_ || !m_.try_lead()) return false;
    next_look_ = now + look_interval;
    m_.count_look();
    m_.context.poll();
    m_.rung = false;
    take_over();
    m_.leave();
  }
  return run_recorded();
}

/// Takes what was recorded while it led.
void io_poller::take_over() noexcept {
  first_ = std::exchange(m_.first, nullptr);
  m_.last = nullptr;
}

/// The oldest event's owner; it is no longer recorded.
std::shared_ptr<void> io_poller::take() noexcept {
  if (first_ == nullptr) return nullptr;
  io_event& event = *std::exchange(first_, first_->next_);
  return std::move(event.owner_);
}

bool io_poller::run_recorded() noexcept {
  if (first_ == nullptr) return false;
  while (first_ != nullptr) {
    io_event& event = *first_;
    const std::shared_ptr<void> owner = take();
    event.happen();
  }
  return true;
}

std::unique_ptr<poller> make_io_poller(std::shared_ptr<io_reactor> reactor) {
  return std::make_unique<io_poller>(std::move(reactor));
}

std::function<std::unique_ptr<poller>(std::size_t worker)> io_pollers(std::shared_ptr<io_reactor> reactor) {
  return [reactor = std::move(reactor)](std::size_t) { return make_io_poller(reactor); };
}

}  // namespace troupe::detail
