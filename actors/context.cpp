// SPDX-License-Identifier: BSL-1.0
// What processes do, as far as it needs no template.
#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/signals.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <algorithm>

namespace troupe {

using namespace literals;
using detail::envelope_kind;
using detail::signal_envelope;

namespace detail {

void drain_now(slot& s) {
  if (s.simulated) s.rt->sched().interleave(s);
  if (s.box.has_mail()) s.drain();
}

void start_blocking(slot& s, std::shared_ptr<job> work) {
  s.more().blocking = work;
  try {
    s.rt->sched().run_blocking(std::move(work));
  } catch (...) {
    s.extra->blocking.reset();  // it is not out
    throw;
  }
}

bool is_blocking(const slot& s) noexcept {
  return s.extra->blocking != nullptr;
}

void blocking_finished(runtime& rt, const troupe::pid& owner) noexcept {
  rt.deliver(nullptr, 0, owner, make_number(envelope_kind::resume, 0));
}

// --- spawning ----------------------------------------------------------------------------------------------

new_process::new_process(runtime& rt, slot* parent) : rt_(rt), parent_(parent), slot_(&rt.prepare(rt.this_env())) {
  slot& s = *slot_;
  // The slot's last process left it as retire() wants it; only what a new one counts on is set here.
  s.frame = s.next = nullptr;
  s.waiting = nullptr;
  s.references = s.handled = 0;
  s.timed_out = s.parked_before = s.yielding = s.crowded = false;
  s.exit_pending = s.finished = s.ending = s.unwound = s.trap_exit = s.reshuffled = s.long_noted = s.large_noted =
      false;
  s.named.store(false, std::memory_order_relaxed);  // launch publishes it
}

new_process::~new_process() {
  if (slot_ != nullptr) rt_.abandon(*slot_, rt_.this_env());
}

context& new_process::self() noexcept {
  return slot_access::context_of(*slot_);
}

void new_process::keep(std::unique_ptr<kept_callable> callable) {
  slot_->more().callable = std::move(callable);
}

spawned new_process::launch(process body, const spawn_options& options, const remote_parent* remote) {
  slot& s = *slot_;
  const troupe::pid self = s.self();
  spawned result{self, {}};
  if (options.mailbox.messages != 0) bound(s, options.mailbox);
  // From here on it counts as alive, so nobody takes its name for free; it cannot run yet.
  s.box.open();
  if (!options.name.atom().empty()) rt_.add_name(options.name.atom(), s, self);
  if (rt_.hooked(hook_spawn)) [[unlikely]]
    trace_spawned(rt_, parent_, s);
  if (parent_ != nullptr && options.link) {
    parent_->more().links.try_emplace(self);
    s.more().links.try_emplace(parent_->self());
  }
  if (parent_ != nullptr && options.monitor) {
    result.monitor = parent_->make_reference();
    parent_->more().watching[result.monitor] = {self, atom(), atom(), 0};
    s.more().watched_by[result.monitor] = {parent_->self(), atom(), atom(), 0};
  }
  if (remote != nullptr) {
    s.more().uses(remote->connection);
    s.extra->group_leader = remote->group_leader;
    if (remote->link) s.extra->links[remote->parent] = {0, remote->connection};
    if (remote->monitor) s.extra->watched_by[remote->ref] = {remote->parent, atom(), atom(), remote->connection};
  }
  s.frame = body.release();
  s.next = s.frame;
  slot_ = nullptr;
  rt_.launch(s, rt_.this_env());
  return result;
}

}  // namespace detail

// --- sending -----------------------------------------------------------------------------------------------

namespace detail {

namespace {

/// Sends to a process that may live elsewhere.
void send_away(slot& s, const destination& to, envelope* e) noexcept {
  const connection_id connection = s.rt->deliver_to(s, to, e, when_full::hold);
  if (connection == 0 || !s.rt->router()->is_busy(connection)) return;
  auto crowd = std::make_unique<crowded_send>();
  crowd->ticket = connection;
  crowd->to = to.process();
  s.more().crowd = std::move(crowd);
  s.crowded = true;
}

}  // namespace
}  // namespace detail

void context::send_envelope(const troupe::pid& to, detail::envelope* e) noexcept {
  if (rt->is_local(to)) [[likely]]
    rt->deliver(*this, to, e, detail::when_full::hold);
  else
    detail::send_away(*this, to, e);
}

void context::send_one(const troupe::pid& to, detail::envelope* e) noexcept {
  std::unique_ptr<detail::crowded_send> first = crowded ? std::move(extra->crowd) : nullptr;
  crowded = false;
  send_envelope(to, e);
  if (crowded && extra->crowd->e == nullptr) crowded = false;  // a connection: nobody waits for it
  if (first == nullptr) return;
  extra->crowd = std::move(first);
  crowded = true;
}

void context::check_all_sent() {
  if (!crowded) return;
  crowded = false;
  const std::unique_ptr<detail::crowded_send> left = std::move(extra->crowd);
  if (left->e != nullptr) throw mailbox_full(left->to);
}

void context::send_envelope(const destination& to, detail::envelope* e) noexcept {
  if (to.which() == destination::kind::alias) static_cast<detail::routed_envelope*>(e)->ref = to.alias();
  detail::send_away(*this, to, e);
}

sent context::send(const destination& to, any_message message) {
  detail::envelope_ptr e = message.release();
  if (e != nullptr && to.which() == destination::kind::alias) e = detail::by_alias(std::move(e), to.alias());
  if (e != nullptr) detail::send_away(*this, to, e.release());
  return sent(*this);
}

void context::delegate_envelope(const destination& to, detail::envelope_ptr e) {
  if (e == nullptr || static_cast<detail::request_envelope&>(*e).home == nullptr)
    detail::throw_already_answered("to delegate");
  if (to.which() == destination::kind::alias)
    throw usage_error("troupe: an alias takes messages; delegate to the pid or the name of a process");
  rt->deliver_to(*this, to, e.release());
}

// --- time --------------------------------------------------------------------------------------------------

detail::time_point context::now() const noexcept {
  return rt->time().now();
}

context::sleep_awaiter::sleep_awaiter(detail::slot& s, detail::duration time) noexcept : slot_(s) {
  static constexpr functions mine = {.poll = [](waiter&, detail::slot&) { return false; },
                                     .expire = [](waiter&, detail::slot&) { return true; },
                                     .describe = [](const waiter&) { return std::string("sleep"); }};
  waiter::how = &mine;
  waiter::patience = std::max(time, detail::duration(0));
}

reference context::start_timer(detail::duration delay, detail::duration interval, const destination& to,
                               any_message message) {
  if (to.which() == destination::kind::alias)
    throw usage_error("troupe: a timer sends to a pid or a name, not to an alias");
  auto timer = std::make_unique<detail::message_timer>();
  timer->ref = slot::make_reference();
  timer->to = to;
  timer->message = std::move(message);
  timer->interval =
      interval > detail::duration(0) ? std::max(interval, detail::duration(std::chrono::milliseconds(1))) : interval;
  timer->deadline = detail::later(now(), std::max(delay, detail::duration(0)));
  const reference ref = timer->ref;
  rt->timers().add(std::move(timer), env != nullptr ? env->index() : 0);
  return ref;
}

std::optional<detail::duration> context::cancel_timer(const reference& timer) {
  return rt->timers().cancel(timer);
}

std::optional<detail::duration> context::read_timer(const reference& timer) const {
  return rt->timers().read(timer);
}

// --- links, monitors, exits --------------------------------------------------------------------------------

void context::link(const troupe::pid& other) {
  if (other == pid()) return;
  auto [it, fresh] = more().links.try_emplace(other);
  if (!fresh && it->second.unlink_id == 0) return;
  if (rt->hooked(detail::hook_link)) [[unlikely]]
    detail::trace_linked(*this, trace_kind::link, other);
  it->second.unlink_id = 0;
  const detail::connection_id connection =
      rt->deliver_to(*this, other, detail::make_signal(envelope_kind::link, pid()));
  if (connection == 0) return;
  more().links[other].connection = connection;
  more().uses(connection);
}

void context::unlink(const troupe::pid& other) {
  if (extra == nullptr) return;
  const auto it = extra->links.find(other);
  if (it == extra->links.end() || it->second.unlink_id != 0) return;
  if (rt->hooked(detail::hook_link)) [[unlikely]]
    detail::trace_linked(*this, trace_kind::unlink, other);
  it->second.unlink_id = ++extra->last_unlink_id;
  signal_envelope* e = detail::make_signal(envelope_kind::unlink, pid());
  e->number = it->second.unlink_id;
  rt->deliver(*this, other, e);
}

reference context::monitor(const destination& other) {
  if (other.which() == destination::kind::alias)
    throw usage_error("troupe: an alias cannot be monitored, only a pid or a name");
  const reference ref = slot::make_reference();
  const troupe::pid target = rt->resolve(other);
  if (target == pid()) return ref;  // as in Erlang: nobody lives to see his own end
  more().watching[ref] = {target, other.name(), other.node(), 0};
  signal_envelope* e = detail::make_signal(envelope_kind::monitor, pid());
  e->ref = ref;
  e->name = other.name();
  if (!rt->is_remote(other)) {
    rt->deliver(*this, target, e);
  } else if (const detail::connection_id connection = rt->deliver_to(*this, other, e); connection != 0) {
    more().watching[ref].connection = connection;
    more().uses(connection);
  }
  return ref;
}

void context::demonitor(const reference& monitor, bool flush) {
  if (extra != nullptr) {
    const auto it = extra->watching.find(monitor);
    if (it != extra->watching.end()) {
      const detail::monitor_end watched = it->second;
      extra->watching.erase(it);
      detail::stop_watching(*this, monitor, watched);
    }
  }
  if (flush)
    messages.remove_if([&](const detail::envelope& e) {
      return e.kind == envelope_kind::message && same_type(e.type, &descriptor_of<down>) &&
             static_cast<const down*>(detail::payload_of(e))->ref == monitor;
    });
}

void context::exit(term reason) {
  throw process_exit(std::move(reason));
}

void context::exit(const troupe::pid& other, term reason) {
  if (other == pid()) {
    const bool kill = reason == term("kill"_atom);
    if (!kill && slot::trap_exit) {
      detail::drain_now(*this);  // what it has sent to itself before comes before
      messages.append(
          detail::make_envelope<detail::envelope, exit_signal>(envelope_kind::message, other, std::move(reason)));
      return;
    }
    if (kill) reason = "killed"_atom;
    if (!exit_pending) {  // acts even if somebody catches the exception
      more().reason = reason;
      exit_pending = true;
    }
    throw process_exit(std::move(reason));
  }
  signal_envelope* e = detail::make_signal(envelope_kind::exit, pid());
  e->reason = std::move(reason);
  rt->deliver(*this, other, e);
}

bool context::is_alive(const troupe::pid& other) const noexcept {
  return other == pid() || rt->is_alive(other);
}

reference context::alias(alias_lifetime lifetime) {
  const reference ref = slot::make_reference();
  more().aliases.emplace_back(references_made(), lifetime == alias_lifetime::one_message
                                                     ? detail::alias_mode::reply
                                                     : detail::alias_mode::explicit_unalias);
  return ref;
}

bool context::unalias(const reference& alias) {
  if (extra == nullptr || rt->resolve(alias) != pid()) return false;
  const auto words = alias.words();
  const std::uint64_t number = std::uint64_t{words[0]} | std::uint64_t{words[1]} << 18 | std::uint64_t{words[2]} << 50;
  return std::erase_if(extra->aliases, [&](const auto& a) { return a.first == number; }) != 0;
}

// --- names -------------------------------------------------------------------------------------------------

void context::register_name(const process_name& name, const troupe::pid& process) {
  rt->register_name(name.atom(), process);
}

bool context::unregister_name(const process_name& name) {
  return static_cast<bool>(rt->names().remove(name.atom()));
}

troupe::pid context::whereis(const process_name& name) const {
  return rt->whereis(name.atom());
}

}  // namespace troupe
