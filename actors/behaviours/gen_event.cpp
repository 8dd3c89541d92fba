// SPDX-License-Identifier: BSL-1.0
// The event manager's process: who is told, asked, added, removed; and what becomes of handlers that fail.
#include <troupe/actors/behaviours/gen_event.hpp>

#include <troupe/actors/behaviours/pair.hpp>
#include <troupe/actors/behaviours/sys_debug.hpp>
#include <troupe/actors/log.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

detail::gen_core& core_of_this_manager() {
  if (detail::gen_core* core = detail::gen_core::making()) return *core;
  throw usage_error(
      "troupe: an event_handler lives in an event manager: have it made there with gen_event::add_handler");
}

}  // namespace

event_handler::event_handler() : core_(core_of_this_manager()) {}

namespace detail {

namespace {

struct exported_handlers {
  std::mutex lock;
  std::map<std::string, event_factory, std::less<>> by_name;
};
exported_handlers& exported() {
  static exported_handlers all;
  return all;
}

/// The handler that Module or {Module, Id} names; null when there is no such class.
event_body_ptr make_named(const term& handler, const term& arguments) {
  const bool with_id = handler.is_tuple() && handler.size() == 2;
  const term& module = with_id ? handler.elements()[0] : handler;
  if (!module.is_atom()) return nullptr;
  event_factory make;
  {
    exported_handlers& all = exported();
    const std::lock_guard guard(all.lock);
    const auto found = all.by_name.find(module.as_atom().name());
    if (found == all.by_name.end()) return nullptr;
    make = found->second;
  }
  event_body_ptr body = make(arguments);
  if (with_id) body->id = handler.elements()[1];
  return body;
}

/// What Erlang's `catch` gives.
term caught() {
  return pair("EXIT"_atom, reason_of_current_exception());
}
term id_or_false(const event_body& h) {
  return h.id ? *h.id : term("false"_atom);
}
term pid_or_false(const pid& p) {
  return p ? term(p) : term("false"_atom);
}
bool is_command(const term& what, atom tag, std::size_t size) {
  return what.is_tuple(tag) && what.size() == size;
}

bool is_quiet(const term& reason) {
  return reason.is_atom("normal"_atom) || reason.is_atom("shutdown"_atom) || reason.is_tuple("swapped"_atom);
}

/// A failure: for a caller of this node an exception, for others what Erlang's gen_event answers.
void refuse(gen_core& core, envelope_ptr request, const term& answer) {
  auto& asked = static_cast<request_envelope&>(*request);
  if (asked.remote == nullptr)
    refuse_request(asked, is_command(answer, "error"_atom, 2) ? answer.elements()[1] : answer);
  else
    core.answer(std::move(request), make_envelope<routed_envelope, term>(envelope_kind::reply, answer));
}
void answer_term(gen_core& core, envelope_ptr request, term answer) {
  core.answer(std::move(request), make_envelope<routed_envelope, term>(envelope_kind::reply, std::move(answer)));
}
void answer_ok_or(gen_core& core, envelope_ptr request, const term& result) {
  if (result.is_atom("ok"_atom))
    core.answer(std::move(request), nullptr);
  else
    refuse(core, std::move(request), result);
}

/// For the log.
term shown(const envelope& e) noexcept {
  try {
    return e.type == nullptr ? term("ok"_atom) : payload_to_term(e);
  } catch (...) {
    return "unprintable"_atom;
  }
}

}  // namespace

void export_event_handler(atom name, event_factory make) {
  exported_handlers& all = exported();
  const std::lock_guard guard(all.lock);
  all.by_name.insert_or_assign(std::string(name.name()), std::move(make));
}

term event_body::handler() const {
  return id ? pair(module, *id) : term(module);
}

// --- messages ------------------------------------------------------------------------------------

task<init_result> event_manager_behaviour::init(gen_core& core) {
  core.self.trap_exit(true);
  co_return init_result();
}

step event_manager_behaviour::handle(gen_core& core) {
  if (core.current->kind != envelope_kind::request) return message(core);
  if (core.current->label == gen_label::event) return request(core, std::move(core.current));
  unexpected_message(core);
  return {};
}

task<> event_manager_behaviour::message(gen_core& core) {
  const envelope_ptr e = std::move(core.current);
  if (payload_matches<event_notice>(*e)) {
    event_notice notice = take_payload<event_notice>(*e);
    const envelope_ptr inner = notice.event.release();
    if (inner) co_await tell_all(core, *inner, true);
    co_return;
  }
  if (same_type(e->type, &descriptor_of<exit_signal>)) {
    const auto& signal = *static_cast<const exit_signal*>(payload_of(*e));
    co_await adder_ended(core, signal.from, signal.reason);
  }
  co_await tell_all(core, *e, false);
}

task<> event_manager_behaviour::tell_all(gen_core& core, envelope& e, bool is_event) {
  bool taken = false;
  for (std::size_t i = 0; i < handlers_.size();) {
    event_body& h = *handlers_[i];
    std::optional<term> failure;
    try {
      step todo;
      const bool takes = is_event ? h.take_event(e, todo) : h.take_message(e, todo);
      taken = taken || takes;
      if (todo) co_await std::move(*todo);
    } catch (...) {
      taken = true;
      failure = caught();
    }
    bool stays = true;
    if (failure || h.base().removed_ || h.base().successor_)
      stays = co_await runs_on(core, i, std::move(failure), shown(e));
    if (stays) ++i;
  }
  if (!taken && !is_event && !same_type(e.type, &descriptor_of<exit_signal>))
    core.self.log(log_level::warning, "{}: no handler takes the message {}", core.describe(), shown(e).to_string());
}

task<> event_manager_behaviour::adder_ended(gen_core& core, pid who, term reason) {
  for (std::size_t i = 0; i < handlers_.size();) {
    if (handlers_[i]->supervisor == who) {
      static_cast<void>(
          co_await finish(core, take_out(i), pair("stop"_atom, reason), "shutdown"_atom, "parent_terminated"_atom));
    } else {
      ++i;
    }
  }
}

// --- requests ------------------------------------------------------------------------------------

task<> event_manager_behaviour::request(gen_core& core, envelope_ptr request) {
  if (payload_matches<event_sync_notice>(*request)) {
    event_sync_notice notice = take_payload<event_sync_notice>(*request);
    const envelope_ptr inner = notice.event.release();
    if (inner) co_await tell_all(core, *inner, true);
    core.answer(std::move(request), nullptr);
  } else if (payload_matches<event_question>(*request)) {
    event_question question = take_payload<event_question>(*request);
    co_await ask_one(core, std::move(request), std::move(question));
  } else if (same_type(request->type, &descriptor_of<event_order>)) {
    auto order = take_payload<event_order>(*request);
    const pid asker = static_cast<request_envelope&>(*request).from;
    if (order.supervised) order.body->supervisor = asker;
    term result;
    if (order.instead)
      result = co_await swap(core, *order.instead, order.why, std::move(order.body));
    else
      result = co_await add(core, std::move(order.body), nullptr);
    answer_ok_or(core, std::move(request), result);
  } else {
    term what = shown(*request);
    co_await command(core, std::move(request), std::move(what));
  }
}

task<> event_manager_behaviour::ask_one(gen_core& core, envelope_ptr request, event_question question) {
  const std::size_t place = find(question.handler);
  const envelope_ptr inner = question.question.release();
  if (place == handlers_.size() || !inner) {
    refuse(core, std::move(request), pair("error"_atom, "bad_module"_atom));
    co_return;
  }
  event_body& h = *handlers_[place];
  envelope_ptr answer;
  bool takes = false;
  std::optional<term> failure;
  try {
    step todo;
    takes = h.take_question(*inner, answer, todo);
    if (todo) co_await std::move(*todo);
  } catch (...) {
    failure = caught();
  }
  const std::optional<term> failed = failure;
  if (failure || h.base().removed_ || h.base().successor_)
    static_cast<void>(co_await runs_on(core, place, std::move(failure), shown(*inner)));
  if (failed)
    refuse(core, std::move(request), pair("error"_atom, *failed));
  else if (!takes)
    refuse(core, std::move(request), pair("error"_atom, pair("unexpected_call"_atom, shown(*inner))));
  else
    core.answer(std::move(request), answer.release());
}

task<> event_manager_behaviour::command(gen_core& core, envelope_ptr request, term what) {
  const auto at = [&](std::size_t i) -> const term& { return what.elements()[i]; };
  if (what.is_atom("which_handlers"_atom)) {
    std::vector<term> names;
    for (const event_body_ptr& h : handlers_) names.push_back(h->handler());
    answer_term(core, std::move(request), term::list(std::move(names)));
  } else if (what.is_atom("get_modules"_atom)) {
    std::vector<term> modules;
    for (const event_body_ptr& h : handlers_) modules.emplace_back(h->module);
    std::sort(modules.begin(), modules.end());
    modules.erase(std::unique(modules.begin(), modules.end()), modules.end());
    answer_term(core, std::move(request), term::list(std::move(modules)));
  } else if (what.is_atom("stop"_atom)) {
    core.stop("normal"_atom);
    core.answer(std::move(request), nullptr);
  } else if (is_command(what, "delete_handler"_atom, 3)) {
    const std::size_t place = find(at(1));
    if (place == handlers_.size()) {
      refuse(core, std::move(request), pair("error"_atom, "module_not_found"_atom));
      co_return;
    }
    term left = co_await finish(core, take_out(place), at(2), "normal"_atom, "delete"_atom);
    answer_term(core, std::move(request), std::move(left));
  } else {
    const bool adds = is_command(what, "add_handler"_atom, 3) || is_command(what, "add_sup_handler"_atom, 4);
    const bool swaps = is_command(what, "swap_handler"_atom, 5) || is_command(what, "swap_sup_handler"_atom, 6);
    if (!adds && !swaps) {
      refuse(core, std::move(request), pair("error"_atom, pair("unexpected_call"_atom, what)));
      co_return;
    }
    const std::size_t named = adds ? 1 : 3;
    event_body_ptr body = make_named(at(named), at(named + 1));
    if (!body) {
      refuse(core, std::move(request), pair("error"_atom, pair("unknown_handler"_atom, at(named))));
      co_return;
    }
    const bool supervised = what.size() % 2 == 0;
    if (supervised && at(named + 2).is_pid()) body->supervisor = at(named + 2).as_pid();
    term result;
    if (swaps)
      result = co_await swap(core, at(1), at(2), std::move(body));
    else
      result = co_await add(core, std::move(body), nullptr);
    answer_ok_or(core, std::move(request), result);
  }
}

// --- handlers come and go ------------------------------------------------------------------------

std::size_t event_manager_behaviour::find(const term& handler) const {
  std::size_t i = 0;
  while (i < handlers_.size() && !handlers_[i]->is(handler)) ++i;
  return i;
}

event_body_ptr event_manager_behaviour::take_out(std::size_t place) {
  event_body_ptr h = std::move(handlers_[place]);
  handlers_.erase(handlers_.begin() + static_cast<std::ptrdiff_t>(place));
  return h;
}

/// ok, or what Erlang's init would have given.
task<term> event_manager_behaviour::add(gen_core& core, event_body_ptr body, const term* left) {
  if (body->supervisor) core.self.link(body->supervisor);
  init_result made;
  std::optional<term> failure;
  try {
    made = co_await body->init(core, left);
  } catch (...) {
    failure = caught();
  }
  if (failure) co_return *failure;
  if (made.what() == init_result::kind::ignored) co_return term("ignore"_atom);
  if (made.what() != init_result::kind::ok) co_return pair("error"_atom, made.reason());
  handlers_.insert(handlers_.begin(), std::move(body));
  co_return term("ok"_atom);
}

task<term> event_manager_behaviour::swap(gen_core& core, term old, term why, event_body_ptr body) {
  term left = "error"_atom;
  const std::size_t place = find(old);
  if (place != handlers_.size()) {
    if (!body->supervisor) body->supervisor = handlers_[place]->supervisor;
    const term reason = term::tuple({"swapped"_atom, body->handler(), pid_or_false(body->supervisor)});
    left = co_await finish(core, take_out(place), why, reason, "swapped"_atom);
  }
  term result = co_await add(core, std::move(body), &left);
  if (!result.is_atom("ok"_atom)) result = pair("error"_atom, result);
  co_return result;
}

/// After a handler has run: it fails, leaves, is swapped. False when there is none any more at that place.
task<bool> event_manager_behaviour::runs_on(gen_core& core, std::size_t place, std::optional<term> failure, term last) {
  event_body_ptr h = take_out(place);
  if (failure) {
    static_cast<void>(co_await finish(core, std::move(h), pair("error"_atom, *failure), *failure, last));
    co_return false;
  }
  event_body_ptr next = std::move(h->base().successor_);
  if (!next) {
    static_cast<void>(co_await finish(core, std::move(h), "remove_handler"_atom, "normal"_atom, last));
    co_return false;
  }
  next->supervisor = h->supervisor;
  const term why = h->base().why_;
  const term reason = term::tuple({"swapped"_atom, next->handler(), pid_or_false(next->supervisor)});
  const term left = co_await finish(core, std::move(h), why, reason, last);
  const term name = next->handler();
  const pid supervisor = next->supervisor;
  const term result = co_await add(core, std::move(next), &left);
  if (!result.is_atom("ok"_atom)) {
    if (supervisor) core.self.send<gen_event_exit>(supervisor, name, result);
    co_return false;
  }
  // It was added in front of all others; its place is the other's.
  std::rotate(handlers_.begin(), handlers_.begin() + 1, handlers_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  co_return true;
}

/// Runs its terminate, logs, and tells who supervises it. What terminate has left.
task<term> event_manager_behaviour::finish(gen_core& core, event_body_ptr h, term why, term reason, term last) {
  term left;
  try {
    left = co_await h->terminate(why);
  } catch (...) {
    left = caught();
  }
  const term name = h->handler();
  if (!is_quiet(reason))
    core.self.log(log_level::error, "{}: the handler {} was removed: {}\n  last event: {}", core.describe(),
                  name.to_string(), reason.to_string(), last.to_string());
  const pid supervisor = h->supervisor;
  h.reset();
  if (supervisor) {
    try {
      core.self.send<gen_event_exit>(supervisor, name, reason);
    } catch (const mailbox_full&) {  // it is to wait for room, which nobody can do for it
      core.self.log(log_level::warning, "{}: {} does not hear of the handler {}", core.describe(),
                    supervisor.to_string(), name.to_string());
    }
  }
  co_return left;
}

task<> event_manager_behaviour::stop_all(gen_core& core) {
  std::vector<pid> linked;
  while (!handlers_.empty()) {
    if (const pid p = handlers_.front()->supervisor; p && p != core.parent) linked.push_back(p);
    static_cast<void>(co_await finish(core, take_out(0), "stop"_atom, "shutdown"_atom, "stop"_atom));
  }
  // The manager's end is no reason for theirs.
  for (const pid& p : linked) core.self.unlink(p);
}

step event_manager_behaviour::terminate(gen_core& core, const term&) {
  return stop_all(core);
}

void event_manager_behaviour::hibernate() {
  handlers_.shrink_to_fit();
  for (const event_body_ptr& h : handlers_) h->hibernate();
}

// --- sys -----------------------------------------------------------------------------------------

/// [{Module, Id, State}]
term event_manager_behaviour::state() {
  std::vector<term> states;
  for (const event_body_ptr& h : handlers_) states.push_back(term::tuple({h->module, id_or_false(*h), h->state()}));
  return term::list(std::move(states));
}

bool event_manager_behaviour::set_state(const term& value) {
  if (!value.is_list() || value.size() != handlers_.size()) return false;
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    const term& one = value.elements()[i];
    if (!one.is_tuple() || one.size() != 3 || one.elements()[0] != term(handlers_[i]->module) ||
        one.elements()[1] != id_or_false(*handlers_[i]))
      continue;
    handlers_[i]->set_state(one.elements()[2]);
  }
  return true;
}

/// {items, {"Installed handlers", [{handler, Module, Id, State, Supervisor}]}}
std::vector<term> event_manager_behaviour::status() {
  std::vector<term> items;
  for (const event_body_ptr& h : handlers_)
    items.push_back(term::tuple({"handler"_atom, h->module, id_or_false(*h), h->state(), pid_or_false(h->supervisor)}));
  return {pair("items"_atom, pair(charlist("Installed handlers"), term::list(std::move(items))))};
}

task<> event_manager_behaviour::change_all(term old_version, term extra) {
  for (const event_body_ptr& h : handlers_) {
    step todo = h->code_change(old_version, extra);
    if (todo) co_await std::move(*todo);
  }
}

step event_manager_behaviour::code_change(const term& old_version, const term& extra) {
  return change_all(old_version, extra);
}

}  // namespace detail
}  // namespace troupe
