// SPDX-License-Identifier: BSL-1.0
// request_collection: questions that have been asked, each with a label, and their answers as they come.
#pragma once

#include <troupe/actors/call.hpp>
#include <troupe/actors/context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// What becomes of a question in its collection once it has been answered.
enum class answered {
  removed,  ///< it leaves the collection
  kept      ///< it is counted and listed as before, but gives no second answer
};

/// Questions on their way, asked with context::request, each with a label that says what it was about. The answers are
/// taken as they come, whatever their order. A question goes by its own patience as well: when that is over, its answer
/// is the failure timeout. Destroyed, the answers that have not come are dropped. Move-only; belongs to the process
/// that asked. Erlang: a request id collection, gen_server:reqids_new/0 and its like.
template <class R, class Label>
class request_collection {
 public:
  /// One question's outcome. Erlang: {Response, Label, _}.
  class answer {
   public:
    Label label;  ///< what add was given

    /// Did the call fail? Then error() says why.
    bool failed() const noexcept { return error_.has_value(); }
    /// The answer; throws the call_failed when there is none.
    const detail::stored_answer<R>& value() const {
      if (error_) throw *error_;
      return *value_;
    }
    /// Why there is no answer; throws std::logic_error when there is one.
    const call_failed& error() const {
      if (!error_) throw std::logic_error("troupe: this request has been answered: it has no error");
      return *error_;
    }

   private:
    friend class request_collection;
    explicit answer(Label l) : label(std::move(l)) {}

    std::optional<detail::stored_answer<R>> value_;
    std::optional<call_failed> error_;
  };

  /// Adds a question. Throws std::logic_error for a response that has been awaited. Erlang: reqids_add/3.
  void add(response<R> question, Label label) {
    entries_.push_back(entry{detail::response_access::take(std::move(question)), std::move(label)});
  }
  /// How many questions there are, kept ones included. Erlang: reqids_size/1.
  std::size_t size() const noexcept { return entries_.size(); }
  /// How many have not given their answer.
  std::size_t open() const noexcept {
    std::size_t n = 0;
    for (const entry& e : entries_)
      if (e.asked) ++n;
    return n;
  }
  /// The labels, in the order in which they were added. Erlang: reqids_to_list/1.
  std::vector<Label> labels() const {
    std::vector<Label> all;
    all.reserve(entries_.size());
    for (const entry& e : entries_) all.push_back(e.label);
    return all;
  }

  /// Waits for the next answer or failure. Nothing when no question is open (at once), or none was answered in time:
  /// open() tells which; the questions stay. Erlang: gen_server:wait_response/3, and with patience 0 check_response/3.
  task<std::optional<answer>> next(context& self, detail::duration patience = infinity,
                                   answered then = answered::removed) {
    std::vector<detail::question*> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].asked) continue;
      asked.push_back(entries_[i].asked.get());
      places.push_back(i);
    }
    std::optional<answer> result;
    if (asked.empty()) co_return result;
    const detail::time_point give_up = detail::later(self.now(), patience);
    detail::questions_wait wait(detail::slot_access::of(self), std::move(asked), 1, give_up);
    const std::size_t which = co_await wait;
    if (which < places.size()) result.emplace(settle(places[which], then));
    co_return result;
  }
  /// The same, but when none is answered in time all that are open are given up: late answers are dropped, and the
  /// collection has no open questions any more. Erlang: gen_server:receive_response/3.
  task<std::optional<answer>> next_or_give_up(context& self, detail::duration patience = infinity,
                                              answered then = answered::removed) {
    std::optional<answer> result = co_await next(self, patience, then);
    if (!result) {
      if (then == answered::removed) std::erase_if(entries_, [](const entry& e) { return e.asked != nullptr; });
      for (entry& e : entries_) e.asked.reset();
    }
    co_return result;
  }

 private:
  struct entry {
    std::unique_ptr<detail::question> asked;  // null: answered, and kept
    Label label;
  };

  answer settle(std::size_t place, answered then) {
    const std::unique_ptr<detail::question> q = std::move(entries_[place].asked);
    const bool keeps = then == answered::kept;
    answer result(keeps ? Label(entries_[place].label) : std::move(entries_[place].label));
    if (!keeps) entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
    try {
      result.value_.emplace(detail::stored_answer_of<R>(*q));
    } catch (const call_failed& e) {
      result.error_.emplace(e);
    }
    return result;
  }

  std::vector<entry> entries_;
};

}  // namespace troupe
