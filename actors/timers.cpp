// SPDX-License-Identifier: BSL-1.0
// Timers of a system.
#include <troupe/actors/context.hpp>
#include <troupe/actors/executor.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/actors/timers.hpp>

namespace troupe::detail {

timer_service::timer_service(runtime& rt, std::size_t wheels) : rt_(rt) {
  for (std::size_t i = 0; i < wheels; ++i) shards_.push_back(std::make_unique<shard>());
}

timer_service::~timer_service() = default;

void timer_service::insert(shard& s, any_timer& node, time_point deadline) {
  s.wheel.insert(node, deadline);
  s.next.store(s.wheel.next_expiry(), std::memory_order_seq_cst);
}

void timer_service::after_insert(std::size_t wheel, time_point before) {
  if (shards_[wheel]->next.load(std::memory_order_seq_cst) >= before) return;
  const executor* env = rt_.this_env();
  // The wheel's own executor looks at it again before it parks.
  if (env == nullptr || env->index() != wheel) rt_.sched().timer_moved(wheel);
}

void timer_service::arm(slot& s, time_point deadline) {
  auto& timer = s.more().timer;
  if (!timer) {
    timer = std::make_unique<slot_timer>();
    timer->kind = timer_kind::slot;
    timer->owner = s.self();
    timer->wheel = s.env->index();
  }
  // relaxed: the deadline's store publishes it; a fire that pairs an old number with a new deadline is recognised by
  // the owner.
  timer->wait_number.store(s.extra->wait_number, std::memory_order_relaxed);
  timer->deadline.store(deadline, std::memory_order_seq_cst);
  if (timer->queued_for.load(std::memory_order_seq_cst) <= deadline) return;  // it fires before and looks again
  time_point before;
  std::uint32_t wheel;
  for (;;) {
    wheel = timer->wheel;
    shard& home = *shards_[wheel];
    const std::lock_guard guard(home.lock);
    const time_point now_queued = timer->queued_for.load(std::memory_order_relaxed);
    if (now_queued <= deadline) return;
    if (now_queued == time_point::max() && wheel != s.env->index()) {
      // Not queued, and under its last wheel's lock: no expiry holds it, so it may move to the wheel of the worker we
      // run on.
      timer->wheel = s.env->index();
      continue;
    }
    before = home.next.load(std::memory_order_relaxed);
    if (now_queued != time_point::max()) home.wheel.remove(*timer);
    insert(home, *timer, deadline);
    timer->queued_for.store(deadline, std::memory_order_seq_cst);
    break;
  }
  after_insert(wheel, before);
}

void timer_service::disarm(slot& s) noexcept {
  if (s.extra != nullptr && s.extra->timer)
    s.extra->timer->deadline.store(time_point::max(), std::memory_order_seq_cst);
}

void timer_service::forget(slot& s) noexcept {
  if (s.extra == nullptr || !s.extra->timer) return;
  slot_timer& timer = *s.extra->timer;
  shard& home = *shards_[timer.wheel];
  // Always under the lock: an expiry that is looking at the node must have let go of it.
  const std::lock_guard guard(home.lock);
  if (timer.queued_for.load(std::memory_order_relaxed) != time_point::max()) home.wheel.remove(timer);
}

void timer_service::arm(job_timer& timer, time_point deadline) {
  const executor* env = rt_.this_env();
  timer.wheel = env != nullptr ? env->index() : 0;
  shard& home = *shards_[timer.wheel];
  time_point before;
  {
    const std::lock_guard guard(home.lock);
    before = home.next.load(std::memory_order_relaxed);
    insert(home, timer, deadline);
  }
  after_insert(timer.wheel, before);
}

void timer_service::advance(job_timer& timer, time_point deadline) {
  shard& home = *shards_[timer.wheel];
  time_point before;
  {
    const std::lock_guard guard(home.lock);
    if (!timer.is_queued()) return;
    before = home.next.load(std::memory_order_relaxed);
    home.wheel.remove(timer);
    insert(home, timer, deadline);
  }
  after_insert(timer.wheel, before);
}

bool timer_service::disarm(job_timer& timer) noexcept {
  shard& home = *shards_[timer.wheel];
  const std::lock_guard guard(home.lock);
  if (!timer.is_queued()) return false;
  home.wheel.remove(timer);
  home.next.store(home.wheel.next_expiry(), std::memory_order_seq_cst);
  return true;
}

void timer_service::add(std::unique_ptr<message_timer> timer, std::size_t wheel) {
  timer->kind = timer_kind::message;
  shard& home = *shards_[wheel];
  time_point before;
  {
    const std::lock_guard guard(home.lock);
    before = home.next.load(std::memory_order_relaxed);
    message_timer& node = *timer;
    home.messages.emplace(node.ref, std::move(timer));
    insert(home, node, node.deadline);
  }
  after_insert(wheel, before);
}

std::optional<duration> timer_service::cancel(const reference& ref) {
  for (const auto& s : shards_) {
    std::unique_ptr<message_timer> gone;  // destroyed after the lock: its message is the user's
    const std::lock_guard guard(s->lock);
    const auto found = s->messages.find(ref);
    if (found == s->messages.end()) continue;
    gone = std::move(found->second);
    s->messages.erase(found);
    s->wheel.remove(*gone);
    s->next.store(s->wheel.next_expiry(), std::memory_order_seq_cst);
    return std::max(duration(0), duration(gone->deadline - rt_.time().now()));
  }
  return std::nullopt;
}

std::optional<duration> timer_service::read(const reference& ref) const {
  for (const auto& s : shards_) {
    const std::lock_guard guard(s->lock);
    if (const auto found = s->messages.find(ref); found != s->messages.end())
      return std::max(duration(0), duration(found->second->deadline - rt_.time().now()));
  }
  return std::nullopt;
}

bool timer_service::expire(time_point now) {
  bool any = false;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i]->next.load(std::memory_order_seq_cst) <= now) any = expire(i, now) || any;
  return any;
}

bool timer_service::expire(std::size_t wheel, time_point now) {
  struct fired {
    destination to;
    envelope* e;
  };
  // A process of this node that has ended will not come back; of other nodes' nothing is known.
  const auto can_be_there = [this](const destination& to) {
    return to.which() != destination::kind::process || rt_.is_remote(to) || rt_.is_alive(to.process());
  };
  std::vector<fired> due;
  std::vector<foreign_job*> jobs;
  std::vector<std::unique_ptr<message_timer>> finished;
  shard& home = *shards_[wheel];
  // Until all is delivered: what another thread takes out after us must not arrive before.
  const std::lock_guard in_order(home.delivery);
  {
    const std::lock_guard guard(home.lock);
    timer_node* next = nullptr;
    for (timer_node* n = home.wheel.expire(now); n != nullptr; n = next) {
      next = n->next;
      auto* node = static_cast<any_timer*>(n);
      if (node->kind == timer_kind::slot) {
        auto& timer = static_cast<slot_timer&>(*node);
        timer.queued_for.store(time_point::max(), std::memory_order_seq_cst);  // then the deadline: see slot_timer
        const time_point deadline = timer.deadline.load(std::memory_order_seq_cst);
        if (deadline == time_point::max()) continue;
        if (deadline > now) {  // moved later meanwhile
          home.wheel.insert(timer, deadline);
          timer.queued_for.store(deadline, std::memory_order_seq_cst);
          continue;
        }
        due.push_back(
            {timer.owner, make_number(envelope_kind::timeout, timer.wait_number.load(std::memory_order_relaxed))});
      } else if (node->kind == timer_kind::job) {
        jobs.push_back(&static_cast<job_timer&>(*node).job);  // the timer is the job's own again, once it runs
      } else {
        auto& timer = static_cast<message_timer&>(*node);
        const envelope* original = timer.message.get();
        const bool again = timer.interval > duration(0) && can_be_there(timer.to);
        if (again) {
          due.push_back({timer.to, copy_envelope(*original)});
          timer.deadline = later(timer.deadline, timer.interval);
          home.wheel.insert(timer, timer.deadline);
        } else {
          due.push_back({timer.to, timer.message.release().release()});
          const auto found = home.messages.find(timer.ref);
          finished.push_back(std::move(found->second));
          home.messages.erase(found);
        }
      }
    }
    home.next.store(home.wheel.next_expiry(), std::memory_order_seq_cst);
  }
  executor* env = rt_.this_env();
  for (const fired& f : due) {
    rt_.deliver_to(env, 0, f.to, f.e);
  }
  for (foreign_job* job : jobs) {
    if (env != nullptr)
      env->ready(*job, true);
    else
      rt_.sched().ready(*job);
  }
  return !due.empty() || !jobs.empty();
}

time_point timer_service::next_expiry() const noexcept {
  time_point next = time_point::max();
  for (std::size_t i = 0; i < shards_.size(); ++i) next = std::min(next, next_expiry(i));
  return next;
}

time_point timer_service::next_expiry(std::size_t wheel) const noexcept {
  return shards_[wheel]->next.load(std::memory_order_seq_cst);
}

void timer_service::clear() {
  for (const auto& s : shards_) {
    decltype(s->messages) gone;
    const std::lock_guard guard(s->lock);
    for (auto& item : s->messages) s->wheel.remove(*item.second);
    gone.swap(s->messages);
    s->next.store(s->wheel.next_expiry(), std::memory_order_seq_cst);
  }
}

}  // namespace troupe::detail
