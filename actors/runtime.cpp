// SPDX-License-Identifier: BSL-1.0
// Delivery, spawning and the orderly stop.
#include <troupe/actors/context.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/threaded_scheduler.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>

namespace troupe::detail {

using namespace literals;

namespace {

std::uint32_t fresh_creation() {
  // Unique in this program by the counter, and among the incarnations of a node by chance. (By a clock, a node that is
  // killed and started again at once could be taken for the old one.)
  static std::atomic<std::uint32_t> next{std::random_device{}()};
  std::uint32_t creation = 0;
  while (creation < 4) creation = next.fetch_add(1, std::memory_order_relaxed);  // 0..3 are old nodes' values
  return creation;
}

}  // namespace

runtime::runtime(actor_system_options options) : options_(std::move(options)), creation_(0), node_(0), clock_(nullptr) {
  make_default_logger();
  scheduler_ = options_.scheduler ? options_.scheduler() : make_threaded_scheduler(options_);
  creation_ = scheduler_->creation();
  if (creation_ == 0) creation_ = fresh_creation();
  node_ = add_own_node(options_.name, creation_);
  clock_ = &scheduler_->time();
  if (scheduler_->delivers()) set_hooks(hook_simulated, hook_simulated);
  table_ = std::make_unique<process_table>(*this, options_.max_processes, scheduler_->executors());
  timers_ = std::make_unique<timer_service>(*this, scheduler_->executors());
  scheduler_->start(*this);
}

runtime::~runtime() = default;

void runtime::deliver(executor* env, std::uint32_t from, const pid& to, envelope* e, when_full mode) noexcept {
  if (!is_local(to) || hooked(hook_send | hook_simulated)) [[unlikely]]
    return deliver_rarely(env, from, to, e, mode);
  slot* target = table_->find(to.id());
  // relaxed: whether there is one; admit() acquires.
  if (target == nullptr || target->gate_index.load(std::memory_order_relaxed) != 0) [[unlikely]]
    return deliver_rarely(env, from, to, e, mode);
  e->serial = to.serial();
  push(env, *target, e);
}

void runtime::deliver_rarely(executor* env, std::uint32_t from, const pid& to, envelope* e, when_full mode) noexcept {
  if (hooked(hook_send)) trace_sent(*this, env, to, *e);
  if (!is_local(to)) {
    if (detail::router* r = router(); r != nullptr && to)
      r->route(env, from, to, e);
    else
      bounce(env, to, e, to ? term("noconnection"_atom) : term("noproc"_atom));
    return;
  }
  slot* target = table_->find(to.id());
  if (target == nullptr) return bounce(env, to, e, "noproc"_atom);
  if (target->gate_index.load(std::memory_order_relaxed) != 0 && !admit(*this, env, *target, to, e, mode)) return;
  deliver_admitted(env, from, to, e);
}

void runtime::deliver_admitted(executor* env, std::uint32_t from, const pid& to, envelope* e) noexcept {
  slot& target = *table_->find(to.id());
  e->serial = to.serial();
  if (hooked(hook_simulated))
    scheduler_->post(from, target, e);
  else
    push(env, target, e);
}

connection_id runtime::deliver_to(executor* env, std::uint32_t from, const destination& to, envelope* e,
                                  when_full mode) noexcept {
  if (!is_remote(to)) {
    deliver(env, from, resolve(to), e, mode);
    return 0;
  }
  if (hooked(hook_send)) [[unlikely]]
    trace_sent(*this, env, to, *e);
  if (detail::router* r = router()) return r->route(env, from, to, e);
  bounce(env, to.process(), e, "noconnection"_atom);
  return 0;
}

void runtime::push(executor* env, slot& to, envelope* e) noexcept {
  switch (to.box.push(e)) {
    case mailbox<envelope>::push_result::queued: return;
    case mailbox<envelope>::push_result::wake:
      if (env != nullptr)
        env->ready(to, false);
      else
        scheduler_->ready(to);
      return;
    case mailbox<envelope>::push_result::closed: {
      if (e->kind == envelope_kind::resume) {
        free_envelope(e);
        // acq_rel: who comes second must see what the first has done. See terminate().
        if (to.kind.exchange(runnable_kind::returned, std::memory_order_acq_rel) == runnable_kind::waiting)
          scheduler_->ready(to);
        return;
      }
      bounce(env, pid(to.id, e->serial, creation_, node_), e, "noproc"_atom);
      return;
    }
  }
}

void runtime::bounce(executor* env, const pid& to, envelope* e, const term& reason) noexcept {
  const envelope_ptr owned(e);
  const auto answer = [&](envelope_kind kind) -> void {
    auto& got = static_cast<signal_envelope&>(*e);
    signal_envelope* back = make_signal(kind, to);
    back->ref = got.ref;
    back->number = got.number;
    back->name = got.name;
    back->connection = got.connection;
    back->reason = reason;
    deliver(env, is_local(to) ? to.id() : 0, got.from, back);
  };
  switch (e->kind) {
    case envelope_kind::request:
    case envelope_kind::inquiry:
      fail_request(env, is_local(to) ? to.id() : 0, static_cast<request_envelope&>(*e), reason);
      return;
    case envelope_kind::link: answer(envelope_kind::link_exit); return;
    case envelope_kind::monitor: answer(envelope_kind::down); return;
    case envelope_kind::unlink: answer(envelope_kind::unlink_ack); return;
    case envelope_kind::spawn_reply: {
      // Who asked for it has ended: the child hears that its parent is gone, as if it had been linked before.
      auto& got = static_cast<signal_envelope&>(*e);
      if (got.from && (got.number & made_link) != 0) {
        signal_envelope* back = make_signal(envelope_kind::link_exit, to);
        back->reason = "noproc"_atom;
        back->connection = got.connection;
        deliver(env, to.id(), got.from, back);
      }
      if (got.from && (got.number & made_monitor) != 0) {
        signal_envelope* back = make_signal(envelope_kind::demonitor, to);
        back->ref = got.ref;
        back->connection = got.connection;
        deliver(env, to.id(), got.from, back);
      }
      return;
    }
    default: return;
  }
}

void runtime::fail_request(executor* env, std::uint32_t from, request_envelope& request, const term& reason) noexcept {
  if (std::exchange(request.home, nullptr) == nullptr) return;
  if (request.remote != nullptr) {
    if (detail::router* r = router()) r->refuse(env, from, request, reason);
    return;
  }
  fail_call(env, from, request.from, request.ref, reason);
}

void runtime::fail_call(executor* env, std::uint32_t from, const pid& caller, const reference& question,
                        const term& reason) noexcept {
  signal_envelope* failure = make_signal(envelope_kind::failure, pid());
  failure->ref = question;
  failure->reason = reason;
  deliver(env, from, caller, failure);
}

void runtime::request_dropped(request_envelope& request) noexcept {
  executor* env = this_env();
  slot* dropper = env == nullptr ? nullptr : env->current;
  if (dropper == nullptr) {
    fail_request(env, 0, request, "no_reply"_atom);
  } else if (dropper->ending) {
    fail_request(env, dropper->id, request, dropper->exit_pending ? dropper->extra->reason : term("normal"_atom));
  } else if (std::uncaught_exceptions() > 0) {
    // An exception destroys it. Whether the process ends by that, and with which reason, is known at its next stop.
    request.home = nullptr;
    std::unique_ptr<remote_caller> remote(std::exchange(request.remote, nullptr));
    dropper->more().unwound.push_back({request.from, request.ref, std::move(remote)});
    dropper->unwound = true;
  } else {
    fail_request(env, dropper->id, request, "no_reply"_atom);
  }
}

namespace {

[[noreturn]] void throw_not_alive(atom name, const pid& process) {
  throw registration_error("troupe: " + process.to_string() + " cannot be registered as " + term(name).to_string() +
                           ": it is no living process of this node");
}

}  // namespace

void runtime::register_name(atom name, const pid& process) {
  slot* s = is_local(process) ? table_->find(process.id()) : nullptr;
  if (s == nullptr || !is_alive(process)) throw_not_alive(name, process);
  add_name(name, *s, process);
}

void runtime::add_name(atom name, slot& s, const pid& process) {
  if (name == atom() || name == "undefined"_atom)
    throw registration_error("troupe: " + term(name).to_string() + " cannot be the name of a process");
  s.named.store(true, std::memory_order_seq_cst);  // before the look at its mailbox: see terminate()
  switch (names_.add(name, process, [&](const pid& holder) { return is_alive(holder); })) {
    case registry::outcome::added:
      if (is_alive(process)) return;
      names_.remove(process);
      throw_not_alive(name, process);
    case registry::outcome::name_taken:
      throw registration_error("troupe: the name " + term(name).to_string() + " is taken by " +
                               names_.find(name).to_string());
    case registry::outcome::has_a_name:
      throw registration_error("troupe: " + process.to_string() + " has a name already, " +
                               term(names_.name_of(process)).to_string() + ", and cannot be " + term(name).to_string() +
                               " too");
  }
}

pid runtime::whereis(atom name) const {
  const pid process = names_.find(name);
  return is_alive(process) ? process : pid();
}

bool runtime::is_remote(const destination& to) const noexcept {
  switch (to.which()) {
    case destination::kind::process: return to.process() && !is_local(to.process());
    case destination::kind::alias: return to.alias().node() != node_;
    case destination::kind::remote_name: return to.node().name() != node_name(node_);
    case destination::kind::name: return false;
  }
  return false;
}

pid runtime::resolve(const destination& to) const {
  switch (to.which()) {
    case destination::kind::process: return to.process();
    case destination::kind::name: return whereis(to.name());
    case destination::kind::remote_name: return to.node().name() == node_name(node_) ? whereis(to.name()) : pid();
    case destination::kind::alias: {
      // An alias names its owner in its last two words: see slot::make_reference.
      const auto words = to.alias().words();
      if (to.alias().node() != node_ || words.size() != 5) return {};
      return pid(words[3], words[4], creation_, node_);
    }
  }
  return {};
}

reference runtime::make_reference() noexcept {
  const std::uint64_t n = references_.fetch_add(1, std::memory_order_relaxed);  // uniqueness is all
  const std::uint32_t words[] = {static_cast<std::uint32_t>(n & 0x3ffff), static_cast<std::uint32_t>(n >> 18),
                                 static_cast<std::uint32_t>(n >> 50), 0, 0};
  return reference(words, creation_, node_);
}

slot& runtime::prepare(executor* env) {
  if (is_stopping()) throw usage_error("troupe: spawn while the actor_system stops");
  if (options_.max_memory != 0) [[unlikely]]
    check_memory();
  if (table_->nearly_full() && process_count() >= options_.max_processes) table_->throw_full();
  return table_->acquire(env);
}

void runtime::abandon(slot& s, executor* env) noexcept {
  if (!s.box.is_closed()) {
    const pid process = s.self();
    s.env = env;
    close_gate(s, "noproc"_atom);
    s.env = nullptr;
    if (s.named.load(std::memory_order_relaxed)) names_.remove(process);
    for (envelope* e = s.box.close(); e != nullptr;) {
      envelope* following = e->next;
      bounce(env, pid(s.id, e->serial, creation_, node_), e, "noproc"_atom);
      e = following;
    }
  }
  delete s.extra;
  s.extra = nullptr;
  table_->release(s, env);
}

void runtime::launch(slot& s, executor* env) noexcept {
  if (env != nullptr) {
    // Only this thread writes it; release: a counter that is read includes the slot's state.
    env->spawned.store(env->spawned.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    env->ready(s, true);
  } else {
    spawned_outside_.fetch_add(1, std::memory_order_release);
    scheduler_->ready(s);
  }
}

void runtime::retire(slot& s, executor* env) noexcept {
  table_->release(s, env);
  if (env != nullptr)
    env->ended.store(env->ended.load(std::memory_order_relaxed) + 1, std::memory_order_release);  // as in launch()
  else
    ended_outside_.fetch_add(1, std::memory_order_release);
  if (is_stopping()) scheduler_->process_ended();
}

bool runtime::is_alive(const pid& p) const noexcept {
  if (!is_local(p)) return false;
  const slot* s = table_->find(p.id());
  // acquire: pairs with release().
  return s != nullptr && !s->box.is_closed() && s->serial.load(std::memory_order_acquire) == p.serial();
}

std::size_t runtime::process_count() const noexcept {
  // The ended ones first: a process that ends in between is then counted as alive, never as less than nothing.
  std::uint64_t ended = ended_outside_.load(std::memory_order_acquire);
  for (const executor* e : executors_) ended += e->ended.load(std::memory_order_acquire);
  std::uint64_t spawned = spawned_outside_.load(std::memory_order_acquire);
  for (const executor* e : executors_) spawned += e->spawned.load(std::memory_order_acquire);
  return static_cast<std::size_t>(spawned - ended);
}

std::vector<stuck_process> runtime::stuck() const {
  std::vector<stuck_process> result;
  table_->for_each([&](slot& s) {
    const bool zombie = s.kind.load(std::memory_order_acquire) != runnable_kind::process;
    if (s.box.is_closed() && !zombie) return;
    stuck_process p;
    p.pid = pid(s.id, s.serial.load(std::memory_order_acquire), creation_, node_);
    p.function = function_of(s.function.load(std::memory_order_relaxed));
    p.where = place_of(s.where.load(std::memory_order_relaxed));
    p.what = zombie ? "blocking" : "running";
    result.push_back(std::move(p));
  });
  for (stuck_process& p : result) p.name = std::string(names_.name_of(p.pid).name());
  return result;
}

void runtime::stop() {
  if (this_env() != nullptr)
    throw usage_error("troupe: an actor_system cannot be destroyed by one of its own processes");
  if (stopped_) return;
  stopped_ = true;
  stopping_.store(true, std::memory_order_seq_cst);
  timers_->clear();
  for (;;) {
    // A process that was being spawned while `stopping_` was set is found in a later round.
    const auto deadline = std::chrono::steady_clock::now() + options_.stop_timeout;
    bool done = process_count() == 0;
    for (int round = 0; !done && (round == 0 || std::chrono::steady_clock::now() < deadline); ++round) {
      table_->for_each([&](slot& s) {
        if (s.box.is_closed()) return;
        signal_envelope* e = make_signal(envelope_kind::exit, pid());
        e->reason = "kill"_atom;
        deliver(nullptr, 0, pid(s.id, s.serial.load(std::memory_order_acquire), creation_, node_), e);
      });
      const auto slice = std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
      done = scheduler_->drain([this] { return process_count() == 0; }, slice);
    }
    if (done) break;
    std::vector<stuck_process> left = stuck();
    if (options_.on_stuck) {
      options_.on_stuck(left);
      continue;
    }
    std::fprintf(
        stderr, "troupe: %zu process(es) did not end within %lld ms of the stop of %s:\n", process_count(),
        static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(options_.stop_timeout).count()),
        options_.name.c_str());
    for (const stuck_process& p : left)
      std::fprintf(stderr, "  %s %s%s%s, %s at %s\n", p.pid.to_string().c_str(), p.name.c_str(),
                   p.name.empty() ? "" : " ", p.function.c_str(), p.what.c_str(), p.where.c_str());
    std::abort();
  }
  if (detail::router* r = router()) r->stop();
  bool guests;
  {
    const std::lock_guard guard(guest_lock_);
    closed_to_guests_ = true;
    guests = guests_ != 0;
  }
  if (!guests) scheduler_->stop();
  set_router(nullptr);                        // it may go before us
  if (guests) scheduler_->on_workers([] {});  // whose run began before that may have it in hand
}

bool runtime::enter_guest() {
  const std::lock_guard guard(guest_lock_);
  if (closed_to_guests_) return false;
  ++guests_;
  return true;
}

void runtime::leave_guest() {
  bool last;
  {
    const std::lock_guard guard(guest_lock_);
    last = --guests_ == 0 && closed_to_guests_;
  }
  if (last) scheduler_->stop();
}

void scheduler::post(std::uint32_t, slot&, envelope* e) {
  free_envelope(e);  // only called when delivers() is true, and then overridden
}

void latch::set() {
  const std::lock_guard guard(lock_);
  set_ = true;
  condition_.notify_all();  // under the lock: the waiter may destroy the latch as soon as it sees `set_`
}

bool latch::is_set() const {
  const std::lock_guard guard(lock_);
  return set_;
}

void latch::wait() {
  std::unique_lock guard(lock_);
  condition_.wait(guard, [this] { return set_; });
}

void runtime::set_hooks(std::uint32_t mask, std::uint32_t bits) noexcept {
  std::uint32_t before = hooks_.load(std::memory_order_relaxed);
  while (!hooks_.compare_exchange_weak(before, (before & ~mask) | bits, std::memory_order_relaxed)) {
  }
}

void runtime::set_tracer(std::function<void(const trace_event&)> tracer, const trace_options& what) {
  const bool on = static_cast<bool>(tracer);
  const std::uint32_t all = hook_send | hook_receive | hook_spawn | hook_exit | hook_link;
  set_hooks(all, 0);
  tracing_.set(std::move(tracer));
  if (!on) return;
  set_hooks(all, (what.send ? hook_send : 0U) | (what.receive ? hook_receive : 0U) | (what.spawn ? hook_spawn : 0U) |
                     (what.exit ? hook_exit : 0U) | (what.link ? hook_link : 0U));
}

void runtime::set_monitor(const pid& receiver, const system_monitor_options& what) {
  const std::lock_guard guard(monitor_lock_);
  monitor_ = receiver;
  monitored_ = receiver ? what : system_monitor_options{};
  long_schedule_.store(monitored_.long_schedule.count(), std::memory_order_relaxed);
  set_hooks(hook_watch, monitored_.long_message_queue != 0 || monitored_.large_memory != 0 ? hook_watch : 0U);
}

void runtime::watch(slot& s) noexcept {
  pid receiver;
  system_monitor_options what;
  {
    const std::lock_guard guard(monitor_lock_);
    receiver = monitor_;
    what = monitored_;
  }
  if (receiver == s.self()) return;
  const std::size_t length = s.messages.size();
  const auto tell = [&](auto notice) {
    deliver(s, receiver, make_envelope<envelope, decltype(notice)>(envelope_kind::message, std::move(notice)));
  };
  if (what.long_message_queue != 0 &&
      (s.long_noted ? length * 2 < what.long_message_queue : length >= what.long_message_queue)) {
    s.long_noted = !s.long_noted;
    tell(long_message_queue{s.self(), length, s.long_noted});
  }
  if (what.large_memory == 0) return;
  // Weighing costs a look at every message: it is done again when these have become a quarter more, or half as many.
  std::size_t& check = s.more().memory_check;
  if (length < check && length * 2 >= check) return;
  const std::uint64_t bytes = memory_of(s);
  check = length + length / 4 + 16;
  if (s.large_noted ? bytes * 2 >= what.large_memory : bytes < what.large_memory) return;
  s.large_noted = !s.large_noted;
  tell(large_memory{s.self(), bytes, s.large_noted});
}

void runtime::note_long_schedule(const slot& s, duration time) noexcept {
  pid receiver;
  {
    const std::lock_guard guard(monitor_lock_);
    receiver = monitor_;
  }
  if (!receiver) return;
  // acquire: another process may live there by now; then it is that one's name that is wrong, as with any late report.
  const pid process(s.id, s.serial.load(std::memory_order_acquire), creation_, node_);
  deliver(nullptr, 0, receiver,
          make_envelope<envelope, troupe::long_schedule>(envelope_kind::message, process, time,
                                                         function_of(s.function.load(std::memory_order_relaxed)),
                                                         place_of(s.where.load(std::memory_order_relaxed))));
}

void runtime::check_memory() {
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
  std::int64_t checked = memory_checked_.load(std::memory_order_relaxed);
  constexpr std::int64_t interval = duration(std::chrono::milliseconds(10)).count();
  if ((checked == 0 || now - checked >= interval) &&
      memory_checked_.compare_exchange_strong(checked, now, std::memory_order_relaxed))
    memory_full_.store(resident_memory() > options_.max_memory, std::memory_order_relaxed);
  if (memory_full_.load(std::memory_order_relaxed))
    throw system_limit("troupe: no memory for another process: the program holds " + std::to_string(resident_memory()) +
                       " bytes, and max_memory = " + std::to_string(options_.max_memory));
}

system_info runtime::info() const {
  system_info info;
  info.name = options_.name;
  info.creation = creation_;
  info.processes = process_count();
  info.max_processes = options_.max_processes;
  info.spawned = spawned_outside_.load(std::memory_order_acquire);
  for (const executor* e : executors_) info.spawned += e->spawned.load(std::memory_order_acquire);
  info.names = names_.names().size();
  info.atoms = atom_count();
  info.max_atoms = atom_limit();
  info.memory = resident_memory();
  info.max_memory = options_.max_memory;
  info.workers = scheduler_->executors();
  return info;
}

std::optional<troupe::process_info> runtime::seen_from_outside(const pid& process) const {
  if (!is_alive(process)) return std::nullopt;
  const slot& s = *table_->find(process.id());
  troupe::process_info info;
  info.process = process;
  info.name = names_.name_of(process);
  info.state = process_state::running;
  info.function = function_of(s.function.load(std::memory_order_relaxed));
  info.where = place_of(s.where.load(std::memory_order_relaxed));
  return info;
}

std::vector<pid> runtime::processes() const {
  std::vector<pid> result;
  table_->for_each([&](slot& s) {
    const pid p(s.id, s.serial.load(std::memory_order_acquire), creation_, node_);
    if (is_alive(p)) result.push_back(p);
  });
  return result;
}

std::string place_of(const std::source_location& where) {
  std::string_view file = where.file_name();
  if (file.empty()) return "?";
  const auto slash = file.find_last_of('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return std::string(file) + ":" + std::to_string(where.line());
}

std::string function_of(const std::source_location& function) {
  // clang: "process app::counter(ctx &, int)"; g++: "void app::counter(counter(ctx&, int)::_Z....Frame*)"; lambdas have
  // a parameter list in the middle: "auto main()::(anonymous class)::operator()(ctx &, int) const".
  std::string_view name = function.function_name();
  if (name.empty()) return "?";
  std::size_t depth = 0, begin = 0, end = name.size();
  if (const auto call = name.find("::operator()("); call != std::string_view::npos) {
    end = call;
  } else {
    for (std::size_t i = 0; i < name.size(); ++i)
      if (name[i] == '(' && !name.substr(i).starts_with("(anonymous ")) {
        end = i;
        break;
      }
  }
  for (std::size_t i = 0; i < end; ++i) {
    if (name[i] == '<' || name[i] == '(') ++depth;
    if ((name[i] == '>' || name[i] == ')') && depth > 0) --depth;
    if (name[i] == ' ' && depth == 0) begin = i + 1;
  }
  return std::string(name.substr(begin, end - begin));
}

}  // namespace troupe::detail
