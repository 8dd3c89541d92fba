// SPDX-License-Identifier: BSL-1.0
// The deterministic scheduler.
#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/testing/deterministic.hpp>
#include <troupe/actors/testing/simulation.hpp>

#include <algorithm>
#include <utility>

namespace troupe::detail {

namespace {

/// What was done in a step, for the trace.
enum step_kind : std::uint64_t { step_run = 1, step_deliver, step_work, step_time, step_flush };

template <class T>
T take_out(std::vector<T>& from, std::size_t index) {
  T taken = std::move(from[index]);
  from[index] = std::move(from.back());
  from.pop_back();
  return taken;
}

/// Processes run as on a worker; the thread itself is none.
class as_executor {
 public:
  explicit as_executor(executor* e) : before_(current_executor()) { set_current_executor(e); }
  ~as_executor() { set_current_executor(before_); }
  as_executor(const as_executor&) = delete;
  as_executor& operator=(const as_executor&) = delete;

 private:
  executor* before_;
};

}  // namespace

// --- the world ------------------------------------------------------------------------------------------------------

std::uint64_t simulated_world::choose(std::uint64_t below) noexcept {
  random_ += 0x9e3779b97f4a7c15ULL;  // splitmix64
  std::uint64_t x = random_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return (x ^ (x >> 31)) % below;
}

void simulated_world::note(std::uint64_t what) noexcept {
  trace_ = mix(trace_, what);
}

bool simulated_world::step() {
  if (++steps_ > max_steps)
    throw testing::endless("troupe: the simulation with seed " + std::to_string(seed_) + " did not end within " +
                           std::to_string(max_steps) + " steps:\n" + report());
  std::size_t total = 0;
  for (member& m : members_) total += m.choices = m.source->choices();
  if (total != 0) {
    std::size_t choice = choose(total);
    for (const member& m : members_) {
      if (choice < m.choices) {
        const acting_for whom(*this, m.id);
        m.source->take(choice);  // may change members_
        return true;
      }
      choice -= m.choices;
    }
  }
  // Everybody waits: time passes.
  time_point next = time_point::max();
  for (const member& m : members_) next = std::min(next, m.source->next_time());
  if (next == time_point::max()) return false;
  clock_.advance_to(next);
  note(step_time);
  note(static_cast<std::uint64_t>(next.time_since_epoch().count()));
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const acting_for whom(*this, members_[i].id);
    members_[i].source->time_passed();
  }
  return true;
}

source_id simulated_world::join(event_source& source) {
  members_.push_back({&source, ++last_id_, 0});
  return last_id_;
}

void simulated_world::leave(event_source& source) noexcept {
  const auto there =
      std::find_if(members_.begin(), members_.end(), [&](const member& m) { return m.source == &source; });
  if (there == members_.end()) return;
  const source_id id = there->id;
  members_.erase(there);
  // has_left may make others leave.
  for (const member& m : std::vector(members_))
    if (std::any_of(members_.begin(), members_.end(), [&](const member& n) { return n.id == m.id; }))
      m.source->has_left(id);
}

std::string simulated_world::report() {
  std::string text;
  for (const member& m : members_) text += m.source->report();
  return text.empty() ? "  nobody lives\n" : text;
}

acting_for::acting_for(simulated_world& world, source_id source) noexcept
    : world_(world), before_(std::exchange(world.acting_, source)), executor_before_(current_executor()) {
  set_current_executor(nullptr);
}

acting_for::~acting_for() {
  world_.acting_ = before_;
  set_current_executor(executor_before_);
}

event_source::~event_source() = default;

// --- one system --------------------------------------------------------------------------------------------

// Creations count from 4 in each world, so that the same names and numbers come again with the same seed.
deterministic_scheduler::deterministic_scheduler(std::shared_ptr<simulated_world> world)
    : world_(std::move(world)), creation_(4 + world_->systems_made_++) {}

deterministic_scheduler::~deterministic_scheduler() {
  stop();
}

void deterministic_scheduler::start(runtime& rt) {
  rt_ = &rt;
  executor_ = std::make_unique<only_executor>(rt, *this);
  rt.add_executor(*executor_);
  id_ = world_->join(*this);
}

time_point deterministic_scheduler::next_time() {
  return rt_->timers().next_expiry();
}

void deterministic_scheduler::time_passed() {
  rt_->timers().expire(world_->time().now());
}

namespace {

/// ", limited to 2 and full, for which 1 sender waits; the oldest is a job": what a deadlock by a bounded mailbox looks
/// like.
std::string mailbox_report(const slot& s) {
  const gate* g = gate_of(s);
  if (g == nullptr) return {};
  std::string text = ", limited to " + std::to_string(g->limit());
  if (g->left() <= 0) text += " and full";
  if (const std::size_t n = g->waiting()) text += "; " + std::to_string(n) + " sender(s) wait for room";
  bool first = true;
  s.messages.for_each([&](const envelope& e) {
    if (std::exchange(first, false) && e.type != nullptr) text += "; the oldest is a " + std::string(e.type->name);
  });
  return text;
}

}  // namespace

std::string deterministic_scheduler::report() {
  std::string text;
  rt_->table().for_each([&](slot& s) {
    if (s.box.is_closed()) return;
    const atom name = rt_->names().name_of(s.self());
    text += "  " + s.self().to_string() + " ";
    if (name != atom()) text += std::string(name.name()) + " ";
    text += function_of(s.function.load(std::memory_order_relaxed));
    text += s.waiting != nullptr ? " waits in " + s.waiting->how->describe(*s.waiting) : std::string(" is runnable");
    text += " at " + place_of(s.where.load(std::memory_order_relaxed)) + ", " + std::to_string(s.messages.size()) +
            " message(s) in its mailbox" + mailbox_report(s) + "\n";
  });
  return text;
}

void deterministic_scheduler::post(std::uint32_t from, slot& to, envelope* e) {
  if (stopped_) {
    free_envelope(e);
    return;
  }
  if (from == to.id) {
    rt_->push(executor_.get(), to, e);
    return;
  }
  auto& c = channels_[std::uint64_t{from} << 32 | to.id];
  if (!c) c = std::make_unique<channel>(channel{from, &to, {}});
  if (c->waiting.empty()) busy_.push_back(c.get());
  c->waiting.push_back(e);
}

void deterministic_scheduler::deliver_one(std::size_t busy_index) {
  channel& c = *busy_[busy_index];
  envelope* e = c.waiting.front();
  c.waiting.pop_front();
  if (c.waiting.empty()) take_out(busy_, busy_index);
  world_->note(step_deliver);
  world_->note(std::uint64_t{c.from} << 32 | c.to->id);
  world_->note(static_cast<std::uint64_t>(e->kind));
  rt_->push(executor_.get(), *c.to, e);
}

void deterministic_scheduler::interleave(slot& s) {
  while (world_->choose(2) == 0) {
    std::size_t count = 0;
    for (const channel* c : busy_) count += c->to == &s ? 1 : 0;
    if (count == 0) return;
    std::size_t wanted = world_->choose(count);
    for (std::size_t i = 0; i < busy_.size(); ++i) {
      if (busy_[i]->to != &s || wanted-- != 0) continue;
      deliver_one(i);
      break;
    }
  }
}

std::size_t deterministic_scheduler::choices() {
  return runnable_.size() + busy_.size() + jobs_.size() + (executor_->has_unflushed() ? 1 : 0);
}

void deterministic_scheduler::take(std::size_t choice) {
  if (choice < runnable_.size()) return run_one(choice);
  choice -= runnable_.size();
  if (choice < busy_.size()) return deliver_one(choice);
  choice -= busy_.size();
  if (choice < jobs_.size()) return work_one(choice);
  world_->note(step_flush);
  const as_executor on(executor_.get());
  executor_->flush();
}

void deterministic_scheduler::run_one(std::size_t index) {
  auto& s = static_cast<slot&>(*take_out(runnable_, index));
  world_->note(step_run);
  world_->note(s.id);
  const as_executor on(executor_.get());
  // A small budget, so that processes are interrupted between any two of their waits.
  const auto budget = static_cast<std::int32_t>(1 + world_->choose(8));
  if (s.kind.load(std::memory_order_relaxed) != runnable_kind::process) {
    run_other(s, *executor_);
    return;
  }
  if (run(s, *executor_, budget) == run_result::again) ready(s);
}

void deterministic_scheduler::work_one(std::size_t index) {
  const std::shared_ptr<job> work = take_out(jobs_, index);
  world_->note(step_work);
  work->run(work->stop_token());
}

void deterministic_scheduler::wait(latch& l) {
  while (!l.is_set())
    if (!world_->step())
      throw testing::deadlock("troupe: all wait for ever, in the simulation with seed " +
                              std::to_string(world_->seed()) + ":\n" + world_->report());
}

bool deterministic_scheduler::drain(const std::function<bool()>& done, std::chrono::steady_clock::time_point) {
  while (!done())
    if (!world_->step()) return false;
  return true;
}

void deterministic_scheduler::stop() noexcept {
  if (stopped_) return;
  stopped_ = true;
  for (const channel* c : std::exchange(busy_, {}))
    for (envelope* e : c->waiting) free_envelope(e);
  channels_.clear();
  {
    const acting_for whom(*world_, id_);
    for (const auto& work : std::exchange(jobs_, {})) work->run(work->stop_token());
  }
  world_->leave(*this);  // what that work has started is forgotten, too
}

}  // namespace troupe::detail
