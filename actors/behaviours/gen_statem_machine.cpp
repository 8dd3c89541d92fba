// SPDX-License-Identifier: BSL-1.0
// The order of a state machine's events, and its timeouts.
#include <troupe/actors/behaviours/gen_statem_machine.hpp>

#include <troupe/actors/behaviours/pair.hpp>
#include <troupe/actors/behaviours/sys_debug.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/log.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

term content(const envelope* message) {
  return message == nullptr || message->type == nullptr ? term("ok"_atom) : payload_to_term(*message);
}

}  // namespace

// --- what handlers ask for ------------------------------------------------------------------------------------------

void statem_machine::refuse_outside_of_a_handler(const char* what) const {
  if (phase_ == phase::handling) return;
  throw usage_error("troupe: " + std::string(what) +
                    (phase_ == phase::entering ? " in an enter call: it is for the handlers of events"
                                               : " without an event: it is for the handlers of events"));
}

void statem_machine::postpone() {
  refuse_outside_of_a_handler("postpone");
  if (lent_)
    throw usage_error("troupe: this handler has its caller in a from<R>: give it back, postpone(std::move(caller))");
  if (given_away_)
    throw usage_error("troupe: a handler that postpones takes its message by const&, so that it can be handled again");
  postpone_ = true;
}

void statem_machine::postpone(envelope_ptr asker) {
  refuse_outside_of_a_handler("postpone");
  auto* back = static_cast<request_envelope*>(asker.get());
  auto* question = static_cast<request_envelope*>(core_.current.get());
  if (!lent_ || back == nullptr || back->home == nullptr || back->ref != question->ref)
    throw usage_error("troupe: postpone was given another caller than that of the call in hand, or one answered");
  if (given_away_)
    throw usage_error("troupe: a handler that postpones takes its message by const&, so that it can be handled again");
  question->home = std::exchange(back->home, nullptr);
  question->remote = std::exchange(back->remote, nullptr);
  lent_ = false;
  postpone_ = true;
}

envelope_ptr statem_machine::lend_asker() {
  auto& question = static_cast<request_envelope&>(*core_.current);
  auto* asker = ::new (allocate(sizeof(request_envelope))) request_envelope;
  asker->kind = envelope_kind::request;
  asker->from = question.from;
  asker->ref = question.ref;
  asker->home = std::exchange(question.home, nullptr);
  asker->remote = std::exchange(question.remote, nullptr);
  lent_ = true;
  return envelope_ptr(asker);
}

void statem_machine::insert(event_type type, any_message message) {
  if (phase_ == phase::entering) refuse_outside_of_a_handler("next_event");
  if (type != event_type::internal && type != event_type::cast && type != event_type::info)
    throw usage_error("troupe: next_event makes internal events, casts and infos; a call needs its caller");
  envelope_ptr e = message.release();
  if (type == event_type::cast) e->label = gen_label::cast;
  if (core_.is_watched()) core_.note(pair("in"_atom, describe(type, {}, e.get())));
  inserted_.push_back({.type = type, .name = {}, .message = std::move(e)});
}

void statem_machine::insert_call(envelope_ptr asker, envelope_ptr message) {
  if (phase_ == phase::entering) refuse_outside_of_a_handler("next_event");
  auto* back = static_cast<request_envelope*>(asker.get());
  if (back == nullptr || back->home == nullptr)
    throw usage_error("troupe: next_event was given a caller that has been answered");
  auto& question = static_cast<request_envelope&>(*message);
  question.from = back->from;
  question.ref = back->ref;
  question.home = std::exchange(back->home, nullptr);
  question.remote = std::exchange(back->remote, nullptr);
  if (core_.is_watched()) core_.note(pair("in"_atom, describe(event_type::call, {}, message.get())));
  inserted_.push_back({.type = event_type::call, .name = {}, .message = std::move(message)});
}

// --- the event in hand ----------------------------------------------------------------------------------------------

void statem_machine::take(event_type type, atom name, envelope_ptr message) noexcept {
  phase_ = phase::handling;
  type_ = type;
  name_ = name;
  given_away_ = lent_ = false;
  core_.current = std::move(message);
}

void statem_machine::take_next() {
  if (!queue_.empty()) {
    statem_event next = std::move(queue_.front());
    queue_.pop_front();
    take(next.type, next.name, std::move(next.message));
    return;
  }
  const timeout_key key = due_.front();
  const auto found = timers_.find(key);
  envelope_ptr message = std::move(found->second.message);
  forget(found);
  take(key.type, key.name, std::move(message));
}

bool statem_machine::take_received() {
  envelope& e = *core_.current;
  if (same_type(e.type, &descriptor_of<timeout_elapsed>)) {
    const auto elapsed = *static_cast<const timeout_elapsed*>(payload_of(e));
    const auto found = timers_.find(elapsed.key);
    if (found == timers_.end() || found->second.number != elapsed.number) return false;
    envelope_ptr message = std::move(found->second.message);
    timers_.erase(found);
    take(elapsed.key.type, elapsed.key.name, std::move(message));
    return true;
  }
  const event_type type = e.kind == envelope_kind::request ? event_type::call
                          : e.label == gen_label::cast     ? event_type::cast
                                                           : event_type::info;
  take(type, {}, std::move(core_.current));
  return true;
}

void statem_machine::unexpected(std::string_view state) noexcept {
  try {
    const term what = content(core_.current.get());
    const char* kind = type_ == event_type::call       ? "call"
                       : type_ == event_type::cast     ? "cast"
                       : type_ == event_type::info     ? "message"
                       : type_ == event_type::internal ? "internal event"
                                                       : "timeout";
    core_.self.log(log_level::warning, "{} has no handler in state {} for the {} {}", core_.describe(), state, kind,
                   what.to_string());
    if (type_ == event_type::call)
      refuse_request(static_cast<request_envelope&>(*core_.current), pair("unexpected_call"_atom, what));
  } catch (...) {
    core_.self.log(log_level::warning, "a state machine got a message that cannot be shown");
  }
}

// --- the transition -------------------------------------------------------------------------------------------------

void statem_machine::settle(bool changed) {
  if (stop_) {
    core_.stop(std::move(*stop_));
    return;
  }
  if (std::exchange(postpone_, false))
    postponed_.push_back({.type = type_, .name = name_, .message = std::move(core_.current)});
  core_.current.reset();
  if (changed) {
    queue_.insert(queue_.begin(), std::make_move_iterator(postponed_.begin()),
                  std::make_move_iterator(postponed_.end()));
    postponed_.clear();
    cancel({event_type::state_timeout, {}});
  }
  cancel({event_type::event_timeout, {}});
  // A handler may have asked more than once for one timeout: the last word counts.
  for (auto wish = wishes_.begin(); wish != wishes_.end(); ++wish)
    if (std::none_of(std::next(wish), wishes_.end(), [&](const timeout_wish& w) { return w.key == wish->key; }))
      act(*wish);
  wishes_.clear();
  queue_.insert(queue_.begin(), std::make_move_iterator(inserted_.begin()), std::make_move_iterator(inserted_.end()));
  inserted_.clear();
  if (std::exchange(hibernate_, false) && !has_next()) core_.hibernate();
}

void statem_machine::forget(timers::iterator which) {
  if (which->second.number == 0)
    due_.erase(std::find(due_.begin(), due_.end(), which->first));
  else
    core_.self.cancel_timer(which->second.wheel);
  timers_.erase(which);
}

void statem_machine::cancel(const timeout_key& key) {
  if (timers_.empty()) return;
  if (const auto found = timers_.find(key); found != timers_.end()) forget(found);
}

void statem_machine::act(timeout_wish& wish) {
  const auto due_now = [&] {
    due_.push_back(wish.key);
    timers_.emplace(wish.key, running{.number = 0, .wheel = {}, .message = std::move(wish.message)});
  };
  if (wish.wanted == timeout_wish::what::update) {
    if (const auto found = timers_.find(wish.key); found != timers_.end())
      found->second.message = std::move(wish.message);
    else
      due_now();
    return;
  }
  cancel(wish.key);
  if (wish.wanted == timeout_wish::what::cancel || (!wish.at && wish.time == for_ever)) return;
  if (wish.at) wish.time = std::max(duration(0), *wish.at - core_.self.now());
  if (core_.is_watched()) {
    const std::int64_t milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(wish.time).count();
    const term what = describe(wish.key.type, wish.key.name, wish.message.get());
    core_.note(pair("start_timer"_atom, term::tuple({what.elements()[0], milliseconds, what.elements()[1]})));
  }
  if (!wish.at && wish.time <= duration(0)) {
    due_now();
    return;
  }
  const std::uint64_t number = ++last_number_;
  const reference wheel = core_.self.send_after(wish.time, core_.self.pid(), timeout_elapsed{wish.key, number});
  timers_.emplace(wish.key, running{.number = number, .wheel = wheel, .message = std::move(wish.message)});
}

// --- for sys --------------------------------------------------------------------------------------------------------

term statem_machine::describe(event_type type, const atom& name, const envelope* message) {
  term kind;
  switch (type) {
    case event_type::call: {
      const auto& asked = static_cast<const request_envelope&>(*message);
      kind = pair("call"_atom, pair(asked.from, asked.ref));
      break;
    }
    case event_type::cast: kind = "cast"_atom; break;
    case event_type::info: kind = "info"_atom; break;
    case event_type::internal: kind = "internal"_atom; break;
    case event_type::state_timeout: kind = "state_timeout"_atom; break;
    case event_type::event_timeout: kind = "timeout"_atom; break;
    case event_type::timeout: kind = pair("timeout"_atom, name); break;
  }
  return pair(kind, content(message));
}

term statem_machine::timeouts() const {
  std::vector<term> all;
  for (const auto& [key, timer] : timers_) all.push_back(describe(key.type, key.name, timer.message.get()));
  std::sort(all.begin(), all.end());
  const auto count = static_cast<std::int64_t>(all.size());
  return pair(count, term::list(std::move(all)));
}

term statem_machine::postponed() const {
  std::vector<term> all;
  for (auto e = postponed_.rbegin(); e != postponed_.rend(); ++e)
    all.push_back(describe(e->type, e->name, e->message.get()));
  return term::list(std::move(all));
}

std::vector<term> statem_machine::status(const term& state_and_data) const {
  const auto data = [](std::vector<term> entries) { return pair("data"_atom, term::list(std::move(entries))); };
  return {data({pair(charlist("Time-outs"), timeouts()), pair(charlist("Postponed"), postponed())}),
          data({pair(charlist("State"), state_and_data)})};
}

}  // namespace troupe::detail
