// SPDX-License-Identifier: BSL-1.0
// What processes send to a CAF actor, and what it sends to them.
#include <troupe/actors/caf/stand_in.hpp>

#include <troupe/actors/bounded.hpp>
#include <troupe/actors/caf/process_actor.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/log.hpp>

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

using namespace literals;

void codec<bridge::detail::carry>::visit(const bridge::detail::carry&, term_sink& sink) {
  sink.put_atom("carry"_atom);
}
bridge::detail::carry codec<bridge::detail::carry>::build(term_source&) {
  throw decode_error("", "what a stand-in is given to carry", "a term");
}
void codec<bridge::detail::keeper_order>::visit(const bridge::detail::keeper_order&, term_sink& sink) {
  sink.put_atom("keeper_order"_atom);
}
bridge::detail::keeper_order codec<bridge::detail::keeper_order>::build(term_source&) {
  throw decode_error("", "the order of a keeper", "a term");
}

namespace bridge::detail {

using troupe::detail::envelope;
using troupe::detail::envelope_kind;
using troupe::detail::envelope_ptr;
using troupe::detail::make_envelope;
using troupe::detail::request_envelope;

namespace {

const caf::message_id urgent = caf::make_message_id(caf::message_priority::high);

/// An argument of the stand-in's frame: whatever becomes of that, this sees its end.
class stand_in_life {
 public:
  stand_in_life(state_ref state, caf::weak_actor_ptr actor, const pid& self)
      : state_(std::move(state)), actor_(std::move(actor)), self_(self) {
    state_->process_began();
  }
  stand_in_life(stand_in_life&& other) noexcept = default;
  stand_in_life& operator=(stand_in_life&&) = delete;
  ~stand_in_life() {
    if (!state_) return;
    state_->forget_actor(actor_.get(), self_);
    if (!has_ended && !state_->is_closed() && !state_->rt().is_stopping())
      // exit(Pid, kill): the actor cannot escape that, either.
      if (const caf::strong_actor_ptr actor = actor_.lock())
        actor->enqueue(nullptr, urgent, caf::make_message(caf::exit_msg{caf::actor_addr(), caf::exit_reason::kill}),
                       nullptr);
    actor_.reset();
    state_->process_gone();
  }

  crossing_state& state() const noexcept { return *state_; }
  caf::strong_actor_ptr actor() const noexcept { return actor_.lock(); }
  bool has_ended = false;  // the actor, so that this ends, too
  term reason;

 private:
  state_ref state_;
  caf::weak_actor_ptr actor_;
  pid self_;
};

/// A question that the CAF actor has asked a process.
struct asked {
  asked(troupe::detail::slot& s, const pid& process, request_envelope* e) : question(s, process, e) {}
  troupe::detail::question question;
  caf::strong_actor_ptr sender;
  caf::message_id mid;
  caf::mailbox_element::forwarding_stack stages;
  pid to;
};
using asked_list = std::vector<std::unique_ptr<asked>>;

/// Waits for a message or an answer.
class stirred final : public troupe::detail::awaitable_base, private troupe::detail::waiter {
 public:
  stirred(troupe::detail::slot& s, const asked_list& questions) : slot_(s), questions_(questions) {
    static constexpr functions mine = {
        .poll = [](waiter& w, troupe::detail::slot&) { return static_cast<stirred&>(w).look(); },
        .expire = [](waiter&, troupe::detail::slot&) { return false; },
        .describe = [](const waiter&) { return std::string("what a CAF actor is sent, and its answers"); }};
    waiter::how = &mine;
    waiter::patience = troupe::detail::for_ever;
  }
  stirred(const stirred&) = delete;
  stirred& operator=(const stirred&) = delete;

  bool await_ready() {
    if (slot_.is_spent()) return false;
    if (!slot_.messages.empty()) return true;
    if (slot_.box.has_mail() || slot_.simulated) {
      troupe::detail::drain_now(slot_);
      if (slot_.exit_pending) return false;
    }
    return look();
  }
  void await_suspend(std::coroutine_handle<> h) noexcept { slot_.suspend(*this, h); }
  void await_resume() const noexcept {}

 private:
  bool look() const noexcept {
    return !slot_.messages.empty() ||
           std::any_of(questions_.begin(), questions_.end(), [](const auto& q) { return q->question.is_answered(); });
  }

  troupe::detail::slot& slot_;
  const asked_list& questions_;
};

/// What a stand-in does. Lives in its frame.
class stand_in {
 public:
  stand_in(context& self, stand_in_life& life)
      : self_(self), slot_(troupe::detail::slot_access::of(self)), life_(life) {}

  stirred stir() { return stirred(slot_, asked_); }
  void step();

 private:
  void take_answers();
  void carry_it(carry& c);
  void send(carry& c);
  void ask(carry& c);
  void end(const term& reason);
  void arrived(envelope_ptr e);
  void called(envelope_ptr e, caf::message content, const caf::strong_actor_ptr& actor);
  caf::actor_addr address_of(const pid& process);

  context& self_;
  troupe::detail::slot& slot_;
  stand_in_life& life_;
  asked_list asked_;
  std::vector<std::weak_ptr<open_call>> calls_;  // what the actor has been asked
  std::size_t calls_worth_a_look_ = 64;
  unsigned since_answers_ = 0;
};

void stand_in::step() {
  envelope_ptr e(slot_.messages.pop());
  if (e == nullptr || ++since_answers_ >= 32) take_answers();
  if (e == nullptr) return;
  ++slot_.handled;
  if (e->counted) slot_.place_free(*e);
  if (e->type == &descriptor_of<carry>)
    carry_it(*static_cast<carry*>(e->payload()));
  else
    arrived(std::move(e));
}

void stand_in::take_answers() {
  since_answers_ = 0;
  for (auto& q : asked_) {
    if (!q->question.is_answered()) continue;
    slot_.spend();
    caf::message answer;
    try {
      const envelope_ptr reply = q->question.take();
      answer = life_.state().words().to_message(reply.get());
    } catch (const call_failed& failed) {
      answer = caf::make_message(to_request_error(failed.reason()));
    } catch (const std::exception& problem) {
      answer = caf::make_message(caf::make_error(caf::sec::unexpected_response, std::string(problem.what())));
    }
    caf::strong_actor_ptr from;
    try {
      from = caf::actor_cast<caf::strong_actor_ptr>(life_.state().actor_of(q->to));
    } catch (const std::exception&) {  // closed: then from nobody
    }
    respond(from, std::move(q->sender), q->mid, std::move(q->stages), std::move(answer));
    q.reset();
  }
  std::erase(asked_, nullptr);
}

void stand_in::carry_it(carry& c) {
  const carry::kind what = c.what;
  c.state = {};  // it has arrived
  switch (what) {
    case carry::kind::message: return send(c);
    case carry::kind::request: return ask(c);
    case carry::kind::exit:
      if (c.by == self_.pid())
        self_.exit(c.to, c.reason);
      else
        life_.state().carry_out(c);
      return;
    case carry::kind::ended: return end(c.reason);
  }
}

void stand_in::send(carry& c) {
  try {
    self_.send(destination(c.to), any_message(std::move(c.content)));
  } catch (const mailbox_full&) {
    self_.log(log_level::warning, "a CAF message to {} is lost: its mailbox is full", c.to.to_string());
  }
}

void stand_in::ask(carry& c) {
  auto q = std::make_unique<asked>(slot_, c.to, static_cast<request_envelope*>(c.content.release()));
  q->sender = std::move(c.sender);
  q->mid = c.mid;
  q->stages = std::move(c.stages);
  q->to = c.to;
  q->question.ask();
  asked_.push_back(std::move(q));
}

void stand_in::end(const term& reason) {
  for (const auto& weak : calls_)
    if (const std::shared_ptr<open_call> call = weak.lock()) call->fail(reason);
  life_.has_ended = true;
  life_.reason = reason;
}

caf::actor_addr stand_in::address_of(const pid& process) {
  if (!process) return {};
  return caf::actor_cast<caf::actor_addr>(life_.state().actor_of(process));
}

void stand_in::arrived(envelope_ptr e) {
  const caf::strong_actor_ptr actor = life_.actor();
  if (actor == nullptr) return;  // a request fails when it is dropped; the end is on its way
  const bool is_request = e->kind == envelope_kind::request;
  try {
    if (!is_request && e->type == &descriptor_of<exit_signal>) {
      const auto& signal = *static_cast<const exit_signal*>(payload_of(*e));
      actor->enqueue(nullptr, urgent,
                     caf::make_message(caf::exit_msg{address_of(signal.from), to_error(signal.reason)}), nullptr);
      return;
    }
    if (!is_request && e->type == &descriptor_of<down>) {
      const auto& signal = *static_cast<const down*>(payload_of(*e));
      actor->enqueue(nullptr, urgent,
                     caf::make_message(caf::down_msg{address_of(signal.process), to_error(signal.reason)}), nullptr);
      return;
    }
    caf::message content = life_.state().words().to_message(e.get());
    if (is_request) return called(std::move(e), std::move(content), actor);
    actor->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(content)), nullptr);
  } catch (const std::exception& problem) {
    if (is_request && e != nullptr)
      troupe::detail::refuse_request(static_cast<request_envelope&>(*e), term::tuple({"badarg"_atom, problem.what()}));
    else
      self_.log(log_level::warning, "a message to a CAF actor is lost: {}", problem.what());
  }
}

void stand_in::called(envelope_ptr e, caf::message content, const caf::strong_actor_ptr& actor) {
  auto& request = static_cast<request_envelope&>(*e);
  const caf::strong_actor_ptr caller = life_.state().process_actor_of(request.from);
  e.release();
  const auto call = std::make_shared<open_call>(&request);
  const caf::message_id mid = as_process_actor(caller)->add_call(call);
  if (!mid.is_request()) return call->fail("noproc"_atom);
  if (calls_.size() >= calls_worth_a_look_) {
    std::erase_if(calls_, [](const auto& weak) { return weak.expired(); });
    calls_worth_a_look_ = calls_.size() * 2 + 64;
  }
  calls_.push_back(call);
  actor->enqueue(caf::make_mailbox_element(caller, mid, {}, std::move(content)), nullptr);
}

process run_stand_in(context& self, stand_in_life life) {
  stand_in body(self, life);
  while (!life.has_ended) {
    auto stir = body.stir();
    co_await stir;
    body.step();
  }
  if (!life.reason.is_atom("normal"_atom)) self.exit(life.reason);
}

/// An argument of the keeper's frame: when that goes, so does troupe's side of the crossing.
class keeper_life {
 public:
  explicit keeper_life(state_ref state) : state_(std::move(state)) { state_->process_began(); }
  keeper_life(keeper_life&&) noexcept = default;
  keeper_life& operator=(keeper_life&&) = delete;
  ~keeper_life() {
    if (!state_) return;
    state_->troupe_stops();
    state_->process_gone();
  }
  crossing_state& state() const noexcept { return *state_; }

 private:
  state_ref state_;
};

void carry_out(crossing_state& state, const keeper_order& order) {
  const pid process = state.pid_of(order.actor, false);
  if (order.linked_to != nullptr) as_process_actor(order.linked_to)->note_link(order.actor, process);
  if (!order.exit) return;
  carry c;
  c.what = carry::kind::exit;
  c.to = order.exit;
  c.by = process;
  c.reason = order.reason;
  state.carry_out(c);
}

process run_keeper(context& self, keeper_life life) {
  for (;;)
    co_await self.receive(
        [&](keeper_order order) {
          if (order.watch) self.monitor(order.watch);
          try {
            if (order.actor != nullptr) carry_out(life.state(), order);
          } catch (const usage_error&) {  // closed, or about to be
          } catch (const std::exception& e) {
            self.log(log_level::warning, "a CAF actor gets no pid: {}", e.what());
          }
        },
        [&](const down& end) { life.state().process_ended(end.process, end.reason); },
        [&](const any_message& m) { self.log(log_level::warning, "a crossing's keeper drops a {}", m.name()); });
}

}  // namespace

pid spawn_stand_in(state_ref state, const caf::weak_actor_ptr& actor) {
  troupe::detail::new_process made(state->rt(), nullptr);
  made.self().trap_exit(true);  // from before its first signal
  stand_in_life life(std::move(state), actor, made.self().pid());
  return made.launch(run_stand_in(made.self(), std::move(life)), {}).pid;
}

pid spawn_keeper(state_ref state) {
  keeper_life life(state);
  return troupe::detail::spawn_process(state->rt(), nullptr, {}, run_keeper, std::move(life)).pid;
}

}  // namespace bridge::detail
}  // namespace troupe
