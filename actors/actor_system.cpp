// SPDX-License-Identifier: BSL-1.0
// What ordinary threads do with an actor_system.
#include <troupe/actors/actor_system.hpp>
#include <troupe/actors/runtime.hpp>

namespace troupe {

using namespace literals;

namespace detail {

void refuse_on_worker() {
  if (current_executor() != nullptr)
    throw usage_error(
        "troupe: a blocking call on a worker would stop the processes it should run: "
        "use co_await self.call, or self.blocking");
}

void wait_for(runtime& rt, ordinary_wait& w) {
  rt.sched().wait(w.done);
}

void throw_unanswered(ordinary_wait& w, term to, std::string_view message) {
  // Taken out: the process may let go of `w` after us, and should not be the one that destroys the exception.
  if (w.error) std::rethrow_exception(std::exchange(w.error, nullptr));
  throw call_failed("killed"_atom, std::move(to), message);
}

namespace {

process wait_for_down(context& self, ordinary_ticket<term> result, pid target, duration patience) {
  self.monitor(target);
  std::optional<down> ended = co_await self.receive<down>(after(patience));
  if (ended)
    result->value = std::move(ended->reason);
  else
    result->error = std::make_exception_ptr(call_failed("timeout"_atom, target, "wait"));
}

process ask_what_it_does(context& self, ordinary_ticket<std::optional<troupe::process_info>> result, pid target,
                         duration patience) {
  try {
    result->value.emplace(co_await self.process_info(target, patience));
  } catch (const std::exception&) {
    result->error = std::current_exception();
  }
}

}  // namespace

process start_for_thread(context& self, ordinary_ticket<start_result> result, behaviour_ptr b, start_options options) {
  result->value.emplace(co_await start_behaviour(self, std::move(b), options, {.for_thread = true}));
}

}  // namespace detail

actor_system::actor_system(actor_system_options options)
    : runtime_(std::make_shared<detail::runtime>(std::move(options))) {}

actor_system::~actor_system() {
  runtime_->stop();
}

void actor_system::send_any(const destination& to, any_message message) {
  detail::envelope_ptr e = message.release();
  if (e == nullptr) return;
  if (to.which() == destination::kind::alias) e = detail::by_alias(std::move(e), to.alias());
  detail::executor* env = runtime_->this_env();
  const std::uint32_t from = env != nullptr && env->current != nullptr ? env->current->id : 0;
  if (runtime_->is_remote(to)) {
    runtime_->deliver_to(env, from, to, e.release());
    return;
  }
  const pid process = runtime_->resolve(to);
  if (detail::is_refused(*runtime_, process, *e)) throw mailbox_full(to.to_term());
  runtime_->deliver(env, from, process, e.release());
}

void actor_system::cast_any(const destination& to, any_message message) {
  detail::envelope_ptr e = message.release();
  e->label = detail::gen_label::cast;
  send_any(to, any_message(std::move(e)));
}

start_result actor_system::start_behaviour(detail::behaviour_ptr b, const start_options& options) {
  detail::refuse_on_worker();
  auto result = std::make_shared<detail::ordinary_result<start_result>>();
  spawn(detail::start_for_thread, detail::ordinary_ticket<start_result>(result), std::move(b), options);
  detail::wait_for(*runtime_, *result);
  if (!result->value) detail::throw_unanswered(*result, options.name.atom(), "start");
  return std::move(*result->value);
}

term actor_system::wait(const pid& process, detail::duration patience) {
  detail::refuse_on_worker();
  auto result = std::make_shared<detail::ordinary_result<term>>();
  spawn(detail::wait_for_down, detail::ordinary_ticket<term>(result), process, patience);
  detail::wait_for(*runtime_, *result);
  if (!result->value) detail::throw_unanswered(*result, process, "wait");
  return *result->value;
}

void actor_system::exit(const pid& process, term reason) {
  detail::signal_envelope* e = detail::make_signal(detail::envelope_kind::exit, pid());
  e->reason = std::move(reason);
  detail::executor* env = runtime_->this_env();
  runtime_->deliver(env, env != nullptr && env->current != nullptr ? env->current->id : 0, process, e);
}

bool actor_system::is_alive(const pid& process) const noexcept {
  return runtime_->is_alive(process);
}

std::size_t actor_system::process_count() const noexcept {
  return runtime_->process_count();
}

std::vector<pid> actor_system::processes() const {
  return runtime_->processes();
}

std::optional<troupe::process_info> actor_system::process_info(const pid& process, detail::duration patience) {
  detail::refuse_on_worker();
  using answer = std::optional<troupe::process_info>;
  auto result = std::make_shared<detail::ordinary_result<answer>>();
  spawn(detail::ask_what_it_does, detail::ordinary_ticket<answer>(result), process, patience);
  detail::wait_for(*runtime_, *result);
  if (result->value) return std::move(*result->value);
  if (result->error == nullptr) detail::throw_unanswered(*result, process, "process_info");
  try {
    detail::throw_unanswered(*result, process, "process_info");
  } catch (const call_failed&) {
  }
  return runtime_->seen_from_outside(process);
}

system_info actor_system::info() const {
  return runtime_->info();
}

void actor_system::trace(std::function<void(const trace_event&)> tracer, const trace_options& what) {
  runtime_->set_tracer(std::move(tracer), what);
}

void actor_system::system_monitor(const pid& receiver, const system_monitor_options& what) {
  runtime_->set_monitor(receiver, what);
}

void actor_system::register_name(const process_name& name, const pid& process) {
  runtime_->register_name(name.atom(), process);
}

bool actor_system::unregister_name(const process_name& name) {
  return static_cast<bool>(runtime_->names().remove(name.atom()));
}

pid actor_system::whereis(const process_name& name) const {
  return runtime_->whereis(name.atom());
}

std::vector<atom> actor_system::registered() const {
  return runtime_->names().names();
}

std::string_view actor_system::name() const noexcept {
  return runtime_->options().name;
}

std::uint32_t actor_system::creation() const noexcept {
  return runtime_->creation();
}

detail::time_point actor_system::now() const noexcept {
  return runtime_->time().now();
}

}  // namespace troupe
