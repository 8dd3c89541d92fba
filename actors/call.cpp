// SPDX-License-Identifier: BSL-1.0
// Questions: how they are registered with their process, sent, and taken back.
#include <troupe/actors/call.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/signals.hpp>
#include <troupe/actors/slot_extra.hpp>

#include <algorithm>

namespace troupe {

using namespace literals;

term destination::to_term() const {
  switch (kind_) {
    case kind::process: return process_;
    case kind::name: return name_;
    case kind::alias: return alias_;
    case kind::remote_name: return term::tuple({name_, node_});
  }
  return term();
}

namespace detail {

question::question(slot& s, const destination& to, request_envelope* e)
    : slot_(s), to_(to), type_(e->type), unsent_(e), is_spawn_(e->type == &descriptor_of<spawn_order>) {
  if (to.which() == destination::kind::alias)
    throw usage_error("troupe: an alias takes messages; call the process by its pid or its name");
}

question::~question() {
  close();
}

void question::ask(bool waits) {
  // Whoever waits for itself waits in vain.
  if (waits && (to_.which() == destination::kind::process
                    ? to_.process() == slot_.self()
                    : to_.which() == destination::kind::name && slot_.named.load(std::memory_order_relaxed) &&
                          slot_.rt->names().find(to_.name()) == slot_.self()))
    fail("calling_self"_atom);
  auto& list = slot_.more().questions;
  const reference ref = slot_.make_reference();
  ref_ = ref;
  open_.number = slot_.references_made();
  list.push_back(&open_);  // the numbers ascend
  registered_ = true;
  auto* e = static_cast<request_envelope*>(unsent_.release());
  e->from = slot_.self();
  e->ref = ref;
  e->home = slot_.rt;
  open_.connection = slot_.rt->deliver_to(slot_, to_, e, waits ? when_full::queue : when_full::drop);
  if (open_.connection != 0) slot_.more().uses(open_.connection);
}

void question::close() noexcept {
  closed_ = true;
  if (registered_) {
    auto& list = slot_.extra->questions;
    const auto it = list.back() == &open_
                        ? list.end() - 1
                        : std::lower_bound(list.begin(), list.end(), open_.number,
                                           [](const open_question* q, std::uint64_t n) { return q->number < n; });
    list.erase(it);
    registered_ = false;
    if (open_.at != nullptr) [[unlikely]]
      withdraw(open_);
    // A call to another node monitors whom it asks: see router.
    if (open_.connection != 0 && !is_spawn_ &&
        (open_.answer == nullptr || open_.answer->kind != envelope_kind::failure))
      stop_watching(slot_, ref_, {to_.process(), to_.name(), to_.node(), open_.connection});
  }
  if (open_.answer != nullptr) free_envelope(std::exchange(open_.answer, nullptr));
}

envelope_ptr question::take() {
  envelope_ptr answer(std::exchange(open_.answer, nullptr));
  if (answer && answer->kind == envelope_kind::failure) open_.connection = 0;  // nobody is monitored any more
  close();
  if (!answer) fail("timeout"_atom);
  if (answer->kind == envelope_kind::failure) fail(std::move(static_cast<signal_envelope&>(*answer).reason));
  return answer;
}

std::string question::describe() const {
  return "call of " + std::string(type_->name) + " to " + to_.to_term().to_string();
}

void question::fail(term reason) const {
  throw call_failed(std::move(reason), to_.to_term(), type_->name);
}

questions_wait::questions_wait(slot& s, std::vector<question*> questions, std::size_t wanted, time_point give_up)
    : slot_(s), questions_(std::move(questions)), wanted_(wanted), give_up_(give_up) {
  static constexpr functions mine = {.poll = [](waiter& w, slot&) { return static_cast<questions_wait&>(w).look(); },
                                     .expire =
                                         [](waiter& w, slot& owner) {
                                           auto& self = static_cast<questions_wait&>(w);
                                           const time_point now = owner.rt->time().now();
                                           for (question* q : self.questions_)
                                             if (!q->is_done() && q->deadline <= now) q->close();
                                           if (self.look()) return true;
                                           if (self.give_up_ <= now) {
                                             self.first_ = self.questions_.size();
                                             return true;
                                           }
                                           self.set_deadline();
                                           return false;
                                         },
                                     .describe =
                                         [](const waiter& w) {
                                           std::string text;
                                           for (const question* q : static_cast<const questions_wait&>(w).questions_)
                                             if (!q->is_done()) text += (text.empty() ? "" : ", ") + q->describe();
                                           return text;
                                         }};
  waiter::how = &mine;
  set_deadline();
}

// One that is answered meanwhile leaves the deadline too early: then expire finds nothing and sets the next one.
void questions_wait::set_deadline() noexcept {
  waiter::deadline = give_up_;
  for (const question* q : questions_)
    if (!q->is_done()) waiter::deadline = std::min(waiter::deadline, q->deadline);
}

void questions_wait::await_suspend(std::coroutine_handle<> h) noexcept {
  slot_.suspend(*this, h);
}

bool questions_wait::look() noexcept {
  if (questions_.empty()) return true;  // any of none throws when it goes on
  if (wanted_ == questions_.size()) {   // all: those before first_ are done, so n answers cost n looks
    while (first_ < questions_.size() && questions_[first_]->is_done()) ++first_;
    if (first_ < questions_.size()) return false;
  } else {
    for (first_ = 0; first_ < questions_.size() && !questions_[first_]->is_done();) ++first_;
    if (first_ == questions_.size()) return false;
  }
  if (questions_.size() == 1) first_ = 0;
  slot_.spend();
  return true;
}

}  // namespace detail
}  // namespace troupe
