// SPDX-License-Identifier: BSL-1.0
// One question, or one cast, to the servers of one name on many nodes.
#pragma once

#include <troupe/actors/behaviours/server.hpp>
#include <troupe/actors/context.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// What multi_call gives. R is what one server answers (std::monostate for void). Erlang: {Replies, BadNodes}.
template <class R>
struct multi_call_result {
  /// One server's answer.
  struct answer {
    atom node;  ///< where it runs
    R value;    ///< what it said
  };
  std::vector<answer> replies;  ///< in the order in which the nodes were given
  std::vector<atom> bad_nodes;  ///< no such node or server, no answer in time, or the server ended; in that order, too
};

namespace detail {

template <class R, class M>
task<multi_call_result<stored_answer<R>>> ask_nodes(context& self, std::vector<atom> nodes, atom name, M message,
                                                    duration patience) {
  static_assert(copyable_message<M>, "every node gets a copy of the question: it must be copyable");
  multi_call_result<stored_answer<R>> result;
  const time_point deadline = later(self.now(), patience);
  std::vector<std::unique_ptr<question>> questions;
  questions.reserve(nodes.size());
  for (const atom node : nodes) {
    auto q = std::make_unique<question>(slot_access::of(self), destination(name, node), make_request(M(message)));
    q->deadline = deadline;
    q->ask();
    questions.push_back(std::move(q));
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    questions_wait wait(slot_access::of(self), {questions[i].get()}, 1);
    static_cast<void>(co_await wait);
    try {
      result.replies.push_back({nodes[i], stored_answer_of<R>(*questions[i])});
    } catch (const call_failed&) {
      result.bad_nodes.push_back(nodes[i]);
    }
  }
  co_return result;
}

/// The name that a server is known by on every node. Throws usage_error when it is known by something else.
atom common_name(const destination& server);

}  // namespace detail

/// Asks the process that is registered as `name` on each of these nodes, all at once, and waits for all: gives the
/// answers, and the nodes from which none came in `patience`. It never throws call_failed. An answer that comes later
/// is dropped. Erlang: gen_server:multi_call/4 (and /3, whose patience is infinite).
template <class M>
auto multi_call(context& self, std::vector<atom> nodes, process_name name, M&& message,
                detail::duration patience = infinity) {
  using message_type = std::remove_cvref_t<M>;
  detail::refuse_doubly_destroyed_message<M>();
  return detail::ask_nodes<reply_type<message_type>, message_type>(self, std::move(nodes), name.atom(),
                                                                   std::forward<M>(message), patience);
}
/// Of servers of one class, checked when compiled: multi_call(self, nodes, server<counter>("counter"), get{}). Throws
/// usage_error unless the server is known by its name.
template <detail::typed_reference S, class M>
auto multi_call(context& self, std::vector<atom> nodes, const S& server, M&& message,
                detail::duration patience = infinity) {
  using message_type = std::remove_cvref_t<M>;
  detail::refuse_doubly_destroyed_message<M>();
  return detail::ask_nodes<detail::answer_type<S, message_type>, message_type>(
      self, std::move(nodes), detail::common_name(server.where()), std::forward<M>(message), patience);
}

/// Casts to the process that is registered as `name` on each of these nodes; whoever is not there gets nothing. Erlang:
/// gen_server:abcast/3.
template <class M>
void abcast(context& self, const std::vector<atom>& nodes, process_name name, const M& message) {
  for (const atom node : nodes) self.cast(destination(name.atom(), node), M(message));
}
/// To servers of one class, checked when compiled.
template <detail::typed_reference S, class M>
void abcast(context& self, const std::vector<atom>& nodes, const S& server, const M& message) {
  S::template check_cast<M>();
  abcast(self, nodes, process_name(detail::common_name(server.where())), message);
}

}  // namespace troupe
