// SPDX-License-Identifier: BSL-1.0
// What CAF actors send to a process.
#include <troupe/actors/caf/process_actor.hpp>

#include <troupe/actors/exit.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/request.hpp>

#include <caf/actor_cast.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

namespace troupe::bridge::detail {

using namespace literals;
using troupe::detail::envelope;
using troupe::detail::envelope_kind;
using troupe::detail::envelope_ptr;
using troupe::detail::make_envelope;
using troupe::detail::request_envelope;

process_actor* as_process_actor(const caf::strong_actor_ptr& actor) noexcept {
  return dynamic_cast<process_actor*>(actor->get());
}

process_actor::process_actor(caf::actor_config& config, std::shared_ptr<crossing_state> state, const pid& process)
    : monitorable_actor(config), state_(std::move(state)), process_(process) {}

process_actor::~process_actor() = default;

const char* process_actor::name() const {
  return "troupe.process";
}

bool process_actor::add_backlink(caf::abstract_actor* other) {
  if (!monitorable_actor::add_backlink(other)) return false;
  // Its end will be an exit signal from its pid. That is not made here: CAF holds locks of both.
  state_->order_keeper({.watch = {},
                        .actor = caf::strong_actor_ptr(other->ctrl()),
                        .linked_to = caf::strong_actor_ptr(ctrl()),
                        .exit = {},
                        .reason = {}});
  return true;
}

bool process_actor::remove_backlink(caf::abstract_actor* other) {
  take_link(other->ctrl());
  return monitorable_actor::remove_backlink(other);
}

void process_actor::note_link(const caf::strong_actor_ptr& actor, const pid& process) {
  const std::lock_guard guard(lock_);
  if (!ended_) links_.insert_or_assign(actor.get(), process);
}

pid process_actor::take_link(const caf::actor_control_block* actor) noexcept {
  const std::lock_guard guard(lock_);
  const auto found = links_.find(actor);
  if (found == links_.end()) return {};
  const pid process = found->second;
  links_.erase(found);
  return process;
}

caf::message_id process_actor::add_call(std::shared_ptr<open_call> call) {
  const std::lock_guard guard(lock_);
  if (ended_) return caf::message_id(0);
  const std::uint64_t number = ++last_request_;
  calls_.emplace(number, std::move(call));
  return caf::message_id(number).with_normal_priority();
}

std::shared_ptr<open_call> process_actor::take_call(caf::message_id response) noexcept {
  const std::lock_guard guard(lock_);
  const auto found = calls_.find(response.request_id().integer_value());
  if (found == calls_.end()) return nullptr;
  std::shared_ptr<open_call> call = std::move(found->second);
  calls_.erase(found);
  return call;
}

void process_actor::end(const caf::error& reason) {
  decltype(calls_) calls;
  {
    const std::lock_guard guard(lock_);
    ended_ = true;
    calls.swap(calls_);
    links_.clear();
  }
  calls.clear();
  cleanup(caf::error(reason), nullptr);
}

void process_actor::enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) {
  const crossing_state::passage in(*state_);
  if (what->mid.is_response()) {
    if (in) responded(what->mid, what->move_content_to_message());
    return;
  }
  if (handle_system_message(*what, host, true)) return;
  caf::message content = what->move_content_to_message();
  const bool is_one = content.size() == 1;
  try {
    if (!in || getf(is_terminated_flag)) {
      if (what->mid.is_request()) bounce(what);
    } else if (is_one && content.match_element<caf::exit_msg>(0)) {
      exit_arrived(what->sender, content.get_as<caf::exit_msg>(0));
    } else if (is_one && content.match_element<caf::down_msg>(0)) {
      down_arrived(content.get_as<caf::down_msg>(0));
    } else {
      arrived(*what, std::move(content));
    }
  } catch (const std::exception& e) {
    // An unknown type, or no room for a stand-in.
    if (what->mid.is_request() && what->sender != nullptr)
      respond(caf::strong_actor_ptr(ctrl()), what->sender, what->mid,
              caf::make_error(caf::sec::unexpected_message, std::string(e.what())));
    else
      troupe::detail::log_line(log_level::warning,
                               "a CAF message to " + process_.to_string() + " is lost: " + e.what());
  }
}

void process_actor::arrived(caf::mailbox_element& what, caf::message content) {
  const bool is_request = what.mid.is_request() && what.sender != nullptr;
  envelope_ptr e = state_->words().to_envelope(content, is_request ? envelope_kind::request : envelope_kind::message);
  if (what.sender == nullptr) return state_->deliver(process_, e.release());
  if (process_actor* caller = as_process_actor(what.sender)) {
    if (is_request) return hand_on(*caller, what.mid, std::move(e));
    return state_->deliver(process_, e.release());
  }
  carry c;
  c.what = is_request ? carry::kind::request : carry::kind::message;
  c.to = process_;
  c.content = std::move(e);
  if (is_request) {
    c.sender = what.sender;
    c.mid = what.mid;
    c.stages = std::move(what.stages);
  }
  state_->send_through(state_->pid_of(what.sender), std::move(c));
}

/// A question that another process has asked a CAF actor, which has delegated it: as if it had been asked here.
void process_actor::hand_on(process_actor& caller, caf::message_id mid, envelope_ptr content) {
  const std::shared_ptr<open_call> call = caller.take_call(mid);
  request_envelope* asked = call == nullptr ? nullptr : call->take();
  if (asked == nullptr) return;
  auto* e = static_cast<request_envelope*>(content.release());
  e->from = asked->from;
  e->ref = asked->ref;
  e->home = std::exchange(asked->home, nullptr);
  e->remote = std::exchange(asked->remote, nullptr);
  troupe::detail::free_envelope(asked);
  state_->deliver(process_, e);
}

void process_actor::responded(caf::message_id mid, caf::message answer) {
  const std::shared_ptr<open_call> call = take_call(mid);
  if (call == nullptr) return;
  if (answer.size() == 1 && answer.match_element<caf::error>(0)) {
    const caf::error& problem = answer.get_as<caf::error>(0);
    return call->fail(to_reason(problem));
  }
  envelope_ptr reply;
  try {
    if (answer.size() != 0) reply = state_->words().to_envelope(answer, envelope_kind::reply);
  } catch (const std::exception& e) {
    return call->fail(term::tuple({"bad_reply"_atom, e.what()}));
  }
  if (request_envelope* asked = call->take()) {
    troupe::detail::answer_request(*asked, reply.release());
    troupe::detail::free_envelope(asked);
  }
}

void process_actor::exit_arrived(const caf::strong_actor_ptr& sender, const caf::exit_msg& signal) {
  // Who sends it, without a sender: CAF says that it is the receiver itself.
  caf::strong_actor_ptr from = sender;
  if (from == nullptr && signal.source != address()) from = caf::actor_cast<caf::strong_actor_ptr>(signal.source);
  const bool has_ended = from != nullptr && from->get()->getf(is_terminated_flag);
  carry c;
  c.what = carry::kind::exit;
  c.to = process_;
  // A linked actor that was killed: killed. Somebody wants it killed: kill.
  c.reason = !has_ended && signal.reason == caf::exit_reason::kill ? term("kill"_atom) : to_reason(signal.reason);
  if (from != nullptr) {
    if (process_actor* other = as_process_actor(from)) {
      c.by = other->process();
    } else {
      // One that has ended has had a pid, or gets one from the keeper: here that may wait for a lock which CAF holds.
      if (!has_ended)
        c.by = state_->pid_of(from);
      else if (c.by = take_link(from.get()); !c.by)
        c.by = state_->known_pid_of(from);
      if (c.by) return state_->send_through(c.by, std::move(c));
      return state_->order_keeper(
          {.watch = {}, .actor = from, .linked_to = nullptr, .exit = process_, .reason = std::move(c.reason)});
    }
  }
  state_->carry_out(c);
}

void process_actor::down_arrived(const caf::down_msg& signal) {
  const caf::strong_actor_ptr source = caf::actor_cast<caf::strong_actor_ptr>(signal.source);
  const pid process = source == nullptr ? pid() : state_->known_pid_of(source);
  state_->deliver(process_, make_envelope<envelope, down>(envelope_kind::message, reference(), process,
                                                          to_reason(signal.reason), atom()));
}

}  // namespace troupe::bridge::detail
