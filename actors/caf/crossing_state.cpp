// SPDX-License-Identifier: BSL-1.0
// Who stands for whom, and the gate through which all calls pass while both systems are there.
#include <troupe/actors/caf/crossing_state.hpp>

#include <troupe/actors/caf/process_actor.hpp>
#include <troupe/actors/caf/stand_in.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/request.hpp>
#include <troupe/actors/signals.hpp>

#include <caf/actor_cast.hpp>
#include <caf/actor_proxy.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_actor.hpp>
#include <caf/sec.hpp>

#include <utility>

namespace troupe::bridge::detail {

using namespace literals;
using troupe::detail::envelope;
using troupe::detail::envelope_kind;
using troupe::detail::make_envelope;

// --- what travels -------------------------------------------------------------------------------------------------

open_call::~open_call() {
  if (troupe::detail::request_envelope* request = take()) troupe::detail::free_envelope(request);
}

void open_call::fail(const term& reason) noexcept {
  if (troupe::detail::request_envelope* request = take()) {
    troupe::detail::refuse_request(*request, reason);
    troupe::detail::free_envelope(request);
  }
}

carry::~carry() {
  if (!state) return;
  const crossing_state::passage in(*state);
  if (in)
    state->carry_out(*this);
  else if (what == kind::request && content != nullptr)
    respond(nullptr, sender, mid, caf::make_error(caf::sec::request_receiver_down));
}

void respond(const caf::strong_actor_ptr& from, caf::strong_actor_ptr to, caf::message_id mid,
             caf::mailbox_element::forwarding_stack stages, caf::message answer) {
  if (!stages.empty()) {
    const caf::strong_actor_ptr next = std::move(stages.back());
    stages.pop_back();
    next->enqueue(caf::make_mailbox_element(std::move(to), mid, std::move(stages), std::move(answer)), nullptr);
  } else if (to != nullptr) {
    to->enqueue(caf::make_mailbox_element(from, mid.response_id(), {}, std::move(answer)), nullptr);
  }
}

void respond(const caf::strong_actor_ptr& from, const caf::strong_actor_ptr& to, caf::message_id mid,
             const caf::error& problem) {
  if (to != nullptr) respond(from, to, mid, {}, caf::make_message(problem));
}

// --- the gate -----------------------------------------------------------------------------------------------------

crossing_state::passage::passage(crossing_state& s) noexcept : state_(s) {
  // seq_cst: shut() either sees this one, or this one sees that it is shut.
  open_ = (state_.passages_.fetch_add(1, std::memory_order_seq_cst) & closed_bit) == 0;
  if (!open_) state_.leave();
}

crossing_state::passage::~passage() {
  if (open_) state_.leave();
}

void crossing_state::leave() noexcept {
  // release: who waits in shut() sees what was done inside. Notified only when somebody waits.
  if (passages_.fetch_sub(1, std::memory_order_acq_rel) == closed_bit + 1) passages_.notify_all();
}

bool crossing_state::shut() noexcept {
  if ((passages_.fetch_or(closed_bit, std::memory_order_seq_cst) & closed_bit) != 0) return false;
  for (std::uint32_t n = passages_.load(std::memory_order_acquire); n != closed_bit;
       n = passages_.load(std::memory_order_acquire))
    passages_.wait(n, std::memory_order_acquire);
  return true;
}

// --- opening and closing ------------------------------------------------------------------------------------------

crossing_state::crossing_state(caf::actor_system& system, troupe::detail::runtime& rt)
    : system_(system), rt_(rt), translator_(system, *this) {}

void crossing_state::open() {
  living_.store(1, std::memory_order_relaxed);
  keeper_ = spawn_keeper(state_ref(shared_from_this()));
}

void crossing_state::process_began() noexcept {
  living_.fetch_add(1, std::memory_order_relaxed);
}

void crossing_state::process_gone() noexcept {
  if (living_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_gone_.set();
}

void crossing_state::close(const caf::error& reason) {
  const bool first = shut();
  if (first) {
    // Nobody is inside any more, so the tables are complete.
    std::vector<pid> processes{keeper_};
    {
      const std::lock_guard guard(lock_);
      for (const auto& [process, key] : stand_ins_) processes.push_back(process);
    }
    for (const pid& process : processes) {
      auto* e = troupe::detail::make_signal(envelope_kind::exit, pid());
      e->reason = "kill"_atom;
      rt_.deliver(rt_.this_env(), 0, process, e);
    }
  }
  process_gone();  // the one of open()
  if (troupe_gone_.load(std::memory_order_acquire))
    all_gone_.wait();
  else
    rt_.sched().wait(all_gone_);
  end_actors(reason);
}

void crossing_state::troupe_stops() noexcept {
  if (!shut()) return;
  troupe_gone_.store(true, std::memory_order_release);
  end_actors(to_error("noconnection"_atom));
}

void crossing_state::end_actors(const caf::error& reason) {
  decltype(processes_) processes;
  decltype(actors_) actors;
  {
    const std::lock_guard guard(lock_);
    processes.swap(processes_);
    actors.swap(actors_);
    stand_ins_.clear();
  }
  for (const auto& [process, actor] : processes) as_process_actor(actor)->end(reason);
}

// --- who is who ---------------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void throw_closed() {
  throw usage_error("troupe: this crossing between CAF and troupe is closed: one of its systems has ended");
}

}  // namespace

pid crossing_state::known_pid_of(const caf::strong_actor_ptr& actor) noexcept {
  if (const process_actor* p = as_process_actor(actor)) return p->process();
  const std::lock_guard guard(lock_);
  const auto found = actors_.find(actor.get());
  return found == actors_.end() ? pid() : found->second.process;
}

pid crossing_state::pid_of(const caf::strong_actor_ptr& actor, bool hold) {
  if (actor == nullptr) return {};
  if (const process_actor* p = as_process_actor(actor)) return p->process();
  const passage in(*this);
  if (!in) throw_closed();
  // CAF forgets a remote actor that nobody holds without telling those who wait for its end.
  hold = hold || dynamic_cast<caf::actor_proxy*>(actor->get()) != nullptr;
  pid process;
  {
    const std::lock_guard guard(lock_);
    const auto [place, fresh] = actors_.try_emplace(actor.get());
    stand_in& s = place->second;
    if (hold) s.hold = actor;
    if (!fresh) return s.process;
    try {
      s.actor = caf::actor_cast<caf::weak_actor_ptr>(actor);
      s.process = process = spawn_stand_in(state_ref(shared_from_this()), s.actor);
      stand_ins_.emplace(process, actor.get());
    } catch (...) {
      actors_.erase(place);  // `actor` holds it
      throw;
    }
  }
  actor->get()->attach_functor([state = shared_from_this(), process](const caf::error& reason) {
    const passage inside(*state);
    if (!inside) return;
    carry c;
    c.what = carry::kind::ended;
    c.reason = to_reason(reason);
    state->send_through(process, std::move(c));
  });
  return process;
}

void crossing_state::forget_actor(const caf::actor_control_block* key, const pid& process) noexcept {
  stand_in gone;
  const std::lock_guard guard(lock_);
  stand_ins_.erase(process);
  const auto found = actors_.find(key);
  if (found == actors_.end() || found->second.process != process) return;
  gone = std::move(found->second);
  actors_.erase(found);
}

caf::actor crossing_state::actor_of(const pid& process) {
  if (!process) return nullptr;
  {
    caf::strong_actor_ptr found;
    const std::lock_guard guard(lock_);
    if (const auto stands = stand_ins_.find(process); stands != stand_ins_.end())
      found = actors_.at(stands->second).actor.lock();
    if (found != nullptr) return caf::actor_cast<caf::actor>(std::move(found));
  }
  return caf::actor_cast<caf::actor>(process_actor_of(process));
}

caf::strong_actor_ptr crossing_state::process_actor_of(const pid& process) {
  const passage in(*this);
  if (!in) throw_closed();
  caf::strong_actor_ptr actor;
  {
    const std::lock_guard guard(lock_);
    const auto found = processes_.find(process);
    if (found != processes_.end()) return found->second;
    caf::actor_config config;
    actor = caf::make_actor<process_actor, caf::strong_actor_ptr>(system_.next_actor_id(), system_.node(), &system_,
                                                                  config, shared_from_this(), process);
    processes_.emplace(process, actor);
  }
  if (!rt_.is_local(process))
    order_keeper({.watch = process, .actor = nullptr, .linked_to = nullptr, .exit = {}, .reason = {}});
  else if (rt_.is_alive(process))
    watch(process);
  else
    process_ended(process, "noproc"_atom);
  return actor;
}

/// So that whatever this thread does to the process next comes after the monitor.
void crossing_state::watch(const pid& process) {
  const reference ref = rt_.make_reference();
  const auto send = [&](const pid& to, const pid& from, std::uint64_t number) {
    auto* e = troupe::detail::make_signal(envelope_kind::monitor, from);
    e->ref = ref;
    e->number = number;
    deliver(to, e);
  };
  send(keeper_, process, troupe::detail::monitor_made_for_it);
  send(process, keeper_, 0);
}

void crossing_state::process_ended(const pid& process, const term& reason) {
  caf::strong_actor_ptr actor;
  {
    const std::lock_guard guard(lock_);
    const auto found = processes_.find(process);
    if (found == processes_.end()) return;
    actor = std::move(found->second);
    processes_.erase(found);
  }
  as_process_actor(actor)->end(to_error(reason));
}

void crossing_state::order_keeper(keeper_order order) noexcept {
  const passage in(*this);
  if (in) deliver(keeper_, make_envelope<envelope, keeper_order>(envelope_kind::message, std::move(order)));
}

// --- sending --------------------------------------------------------------------------------------------------------

void crossing_state::deliver(const pid& to, envelope* e) {
  troupe::detail::executor* env = rt_.this_env();
  rt_.deliver_to(env, env != nullptr && env->current != nullptr ? env->current->id : 0, destination(to), e);
}

void crossing_state::send_through(const pid& process, carry what) {
  what.state = state_ref(shared_from_this());
  deliver(process, make_envelope<envelope, carry>(envelope_kind::message, std::move(what)));
}

void crossing_state::carry_out(carry& c) noexcept {
  switch (c.what) {
    case carry::kind::message:
      if (c.content != nullptr) deliver(c.to, c.content.release());
      return;
    case carry::kind::request:
      if (c.content != nullptr) respond(nullptr, c.sender, c.mid, caf::make_error(caf::sec::request_receiver_down));
      return;
    case carry::kind::exit: {
      auto* e = troupe::detail::make_signal(envelope_kind::exit, c.by);
      e->reason = c.reason;
      deliver(c.to, e);
      return;
    }
    case carry::kind::ended: return;
  }
}

}  // namespace troupe::bridge::detail
