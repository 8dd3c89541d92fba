// SPDX-License-Identifier: BSL-1.0
// Questions and their answers: the awaitable of call, response<R> for questions asked without waiting, all and any.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/destination.hpp>
#include <troupe/actors/exit.hpp>
#include <troupe/actors/request.hpp>
#include <troupe/actors/slot.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

template <class R>
class response;

namespace detail {

/// A question from its making to its answer. Registered with the process under its reference's number while it is open,
/// so that the answer is found without looking at the mailbox, and one that comes too late is dropped at the drain.
class question {
 public:
  /// `e`: a request envelope without address. Nothing is sent yet.
  question(slot& s, const destination& to, request_envelope* e);
  ~question();
  question(const question&) = delete;
  question& operator=(const question&) = delete;

  /// Sends it, once. From then on an answer can come.
  /// `waits`: its process awaits the answer, so that it may wait for room in the receiver's mailbox first.
  void ask(bool waits = false);
  bool is_answered() const noexcept { return open_.answer != nullptr; }
  bool is_done() const noexcept { return is_answered() || closed_; }
  /// No answer will be taken from now on; one that has come is dropped.
  void close() noexcept;
  /// The answer's envelope. Throws call_failed when it is a failure, or when there is none (then the reason is
  /// timeout).
  envelope_ptr take();
  [[noreturn]] void fail(term reason) const;
  slot& owner() const noexcept { return slot_; }
  /// "call of get to <0.12.0>", for reports.
  std::string describe() const;

  time_point deadline = time_point::max();  // of a response; a call has its waiter's patience

 private:
  slot& slot_;
  destination to_;
  const type_descriptor* type_;
  envelope_ptr unsent_;
  open_question open_;
  reference ref_;
  bool is_spawn_;
  bool registered_ = false;
  bool closed_ = false;
};

/// The answer as an R.
template <class R>
R answer_as(question& q) {
  envelope_ptr e = q.take();
  if constexpr (std::is_void_v<R>) {
    return;
  } else if constexpr (std::is_same_v<R, term>) {
    return e->type == nullptr ? term() : payload_to_term(*e);
  } else {
    if (e->type != nullptr && payload_matches<R>(*e)) return take_payload<R>(*e);
    q.fail(term(atom("bad_reply")));
  }
}

template <class M>
request_envelope* make_request(M&& message) {
  using type = std::remove_cvref_t<M>;
  assert_sendable<type>();
  return make_envelope<request_envelope, type>(envelope_kind::request, std::forward<M>(message));
}

/// co_await self.call(...).
template <class R>
class call_awaiter final : public awaitable_base, private waiter {
 public:
  call_awaiter(slot& s, const destination& to, request_envelope* e, duration patience_) : question_(s, to, e) {
    static constexpr functions mine = {
        .poll = [](waiter& w, slot&) { return static_cast<call_awaiter&>(w).question_.is_answered(); },
        .expire =
            [](waiter& w, slot&) {
              static_cast<call_awaiter&>(w).question_.close();
              return true;
            },
        .describe = [](const waiter& w) { return static_cast<const call_awaiter&>(w).question_.describe(); }};
    waiter::how = &mine;
    waiter::patience = patience_;
  }
  call_awaiter(const call_awaiter&) = delete;
  call_awaiter& operator=(const call_awaiter&) = delete;

  bool await_ready() {
    question_.ask(true);
    return false;
  }
  void await_suspend(std::coroutine_handle<> h) noexcept { question_.owner().suspend(*this, h); }
  R await_resume() { return answer_as<R>(question_); }

 private:
  question question_;
};

/// Waits for one or more questions at once; the earliest of their deadlines ends it, and so does `give_up`.
class questions_wait : public awaitable_base, private waiter {
 public:
  /// `wanted`: how many of them must be answered or past their deadline.
  questions_wait(slot& s, std::vector<question*> questions, std::size_t wanted, time_point give_up = time_point::max());
  questions_wait(const questions_wait&) = delete;
  questions_wait& operator=(const questions_wait&) = delete;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept;
  /// One: the first that is answered or past its deadline; the number of questions when none is.
  std::size_t await_resume() const noexcept { return first_; }

 private:
  bool look() noexcept;
  void set_deadline() noexcept;

  slot& slot_;
  std::vector<question*> questions_;
  std::size_t wanted_;  // how many must be done: all of them, or one
  time_point give_up_;
  std::size_t first_ = 0;  // all: those before are done; one: it is done
};

struct response_access;

/// server<C> and its like: a destination that knows what its class answers and takes.
template <class S>
concept typed_reference = requires(const S& s) {
  { s.where() } -> std::same_as<const destination&>;
};
template <class S, class M>
using answer_type = typename S::template answer<M>::type;

}  // namespace detail

/// The answer to come of a question asked with context::request: `co_await r` gives it, once, or throws call_failed.
/// Destroyed, the answer will be dropped. Move-only; belongs to the process that asked. Erlang: a request id of
/// gen_server:send_request/2.
template <class R>
class [[nodiscard]] response : public detail::awaitable_base {
 public:
  /// What the answer is.
  using value_type = R;

  /// Its answer or failure is there, so that awaiting it will not wait. Looks at what the process has drained.
  bool is_ready() const noexcept { return question_ && question_->is_answered(); }

  /// For co_await.
  bool await_ready() const noexcept { return false; }
  /// For co_await.
  void await_suspend(std::coroutine_handle<> h);
  /// For co_await: the answer, or call_failed.
  R await_resume();

 private:
  friend struct detail::response_access;
  explicit response(std::unique_ptr<detail::question> q) noexcept : question_(std::move(q)) {}

  std::unique_ptr<detail::question> question_;
  std::unique_ptr<detail::questions_wait> wait_;
};

namespace detail {

struct response_access {
  template <class R>
  static response<R> make(std::unique_ptr<question> q) {
    return response<R>(std::move(q));
  }
  template <class R>
  static std::unique_ptr<question> take(response<R>&& r) {
    if (!r.question_) throw std::logic_error("troupe: this response has been awaited already, or was moved from");
    return std::move(r.question_);
  }
  template <class R>
  static question* peek(response<R>& r) {
    if (!r.question_) throw std::logic_error("troupe: this response has been awaited already, or was moved from");
    return r.question_.get();
  }
};

/// void has no place in a tuple or a variant.
template <class R>
using stored_answer = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <class R>
stored_answer<R> stored_answer_of(question& q) {
  if constexpr (std::is_void_v<R>) {
    answer_as<void>(q);
    return {};
  } else {
    return answer_as<R>(q);
  }
}

template <class... R>
class all_awaiter final : public questions_wait {
 public:
  all_awaiter(slot& s, std::unique_ptr<std::conditional_t<true, question, R>>... q)
      : questions_wait(s, {q.get()...}, sizeof...(R)), questions_{std::move(q)...} {}
  std::tuple<stored_answer<R>...> await_resume() { return take(std::index_sequence_for<R...>()); }

 private:
  template <std::size_t... I>
  std::tuple<stored_answer<R>...> take(std::index_sequence<I...>) {
    return std::tuple<stored_answer<R>...>{stored_answer_of<R>(*questions_[I])...};
  }
  std::unique_ptr<question> questions_[sizeof...(R)];
};

template <class R>
std::vector<question*> peek_all(std::vector<response<R>>& responses) {
  std::vector<question*> questions;
  questions.reserve(responses.size());
  for (response<R>& r : responses) questions.push_back(response_access::peek(r));
  return questions;
}

template <class R>
class all_of_vector final : public questions_wait {
 public:
  all_of_vector(slot& s, std::vector<response<R>> responses)
      : questions_wait(s, peek_all(responses), responses.size()), responses_(std::move(responses)) {}
  std::vector<stored_answer<R>> await_resume() {
    std::vector<stored_answer<R>> answers;
    answers.reserve(responses_.size());
    for (response<R>& r : responses_) answers.push_back(stored_answer_of<R>(*response_access::peek(r)));
    return answers;
  }

 private:
  std::vector<response<R>> responses_;
};

template <class... R>
class any_awaiter final : public questions_wait {
 public:
  any_awaiter(slot& s, std::unique_ptr<std::conditional_t<true, question, R>>... q)
      : questions_wait(s, {q.get()...}, 1), questions_{std::move(q)...} {}
  std::variant<stored_answer<R>...> await_resume() {
    return take(questions_wait::await_resume(), std::index_sequence_for<R...>());
  }

 private:
  template <std::size_t... I>
  std::variant<stored_answer<R>...> take(std::size_t which, std::index_sequence<I...>) {
    using result = std::variant<stored_answer<R>...>;
    using make = result (*)(question&);
    static constexpr make makers[] = {
        [](question& q) { return result(std::in_place_index<I>, stored_answer_of<R>(q)); }...};
    return makers[which](*questions_[which]);
  }
  std::unique_ptr<question> questions_[sizeof...(R)];
};

template <class R>
class any_of_vector final : public questions_wait {
 public:
  any_of_vector(slot& s, std::vector<response<R>>& responses)
      : questions_wait(s, peek_all(responses), 1), responses_(responses) {}
  /// Position of the answered one, which is taken out of the vector, and its answer.
  std::pair<std::size_t, stored_answer<R>> await_resume() {
    const std::size_t which = questions_wait::await_resume();
    if (which >= responses_.size()) throw std::logic_error("troupe: any of no responses would wait for ever");
    const std::unique_ptr<question> q = response_access::take(std::move(responses_[which]));
    responses_.erase(responses_.begin() + static_cast<std::ptrdiff_t>(which));
    return {which, stored_answer_of<R>(*q)};
  }

 private:
  std::vector<response<R>>& responses_;
};

}  // namespace detail

template <class R>
void response<R>::await_suspend(std::coroutine_handle<> h) {
  detail::question* q = detail::response_access::peek(*this);
  wait_ = std::make_unique<detail::questions_wait>(q->owner(), std::vector<detail::question*>{q}, 1);
  wait_->await_suspend(h);
}

template <class R>
R response<R>::await_resume() {
  wait_.reset();
  const std::unique_ptr<detail::question> q = detail::response_access::take(std::move(*this));
  return detail::answer_as<R>(*q);
}

}  // namespace troupe
