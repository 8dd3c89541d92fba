// SPDX-License-Identifier: BSL-1.0
// The asking side of sys.
#include <troupe/actors/behaviours/sys.hpp>

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/behaviours/pair.hpp>
#include <troupe/actors/runtime.hpp>

#include <string>
#include <utility>

namespace troupe {

using namespace literals;

namespace detail {

namespace {

task<term> ask_system(context& self, destination to, request_envelope* e, duration patience) {
  e->label = gen_label::system;
  call_awaiter<term> answer(slot_access::of(self), to, e, patience);
  co_return co_await answer;
}

/// The answer `ok`, or call_failed with what came instead.
task<> want_ok(context& self, destination process, term what, duration patience) {
  const term answer = co_await sys::request(self, process, what, patience);
  if (!answer.is_atom("ok"_atom))
    throw call_failed(answer.is_tuple("error"_atom) && answer.size() == 2 ? answer.elements()[1] : answer,
                      process.to_term(), what.to_string());
}

bool is_failure(const term& answer) {
  return answer.is_tuple("error"_atom) && answer.size() == 2 && answer.elements()[1].is_tuple() &&
         answer.elements()[1].is_tuple("callback_failed"_atom);
}

}  // namespace
}  // namespace detail

namespace sys {

task<term> request(context& self, destination process, term what, detail::duration patience) {
  auto* e = detail::make_envelope<detail::request_envelope, term>(detail::envelope_kind::request, std::move(what));
  return detail::ask_system(self, std::move(process), e, patience);
}

task<term> get_state(context& self, destination process, detail::duration patience) {
  term answer = co_await request(self, process, "get_state"_atom, patience);
  if (detail::is_failure(answer)) throw call_failed(answer.elements()[1], process.to_term(), "get_state");
  co_return answer;
}

task<term> get_status(context& self, destination process, detail::duration patience) {
  return request(self, std::move(process), "get_status"_atom, patience);
}

task<term> replace_state(context& self, destination process, std::function<term(const term&)> change,
                         detail::duration patience) {
  const bool elsewhere = process.which() == destination::kind::remote_name ||
                         (process.which() == destination::kind::process && process.process() &&
                          !detail::slot_access::of(self).rt->is_local(process.process()));
  if (elsewhere)
    throw usage_error(
        "troupe: a function cannot go to another node: replace_state is for this node's processes, not for " +
        process.to_term().to_string());
  auto* e = detail::make_envelope<detail::request_envelope, detail::replace_state_order>(
      detail::envelope_kind::request, detail::replace_state_order{std::move(change)});
  const term answer = co_await detail::ask_system(self, process, e, patience);
  if (!answer.is_tuple("ok"_atom) || answer.size() != 2)
    throw call_failed(answer.is_tuple("error"_atom) ? answer.elements()[1] : answer, process.to_term(),
                      "replace_state");
  co_return answer.elements()[1];
}

task<> suspend(context& self, destination process, detail::duration patience) {
  return detail::want_ok(self, std::move(process), "suspend"_atom, patience);
}
task<> resume(context& self, destination process, detail::duration patience) {
  return detail::want_ok(self, std::move(process), "resume"_atom, patience);
}
task<> change_code(context& self, destination process, atom module, term old_version, term extra,
                   detail::duration patience) {
  return detail::want_ok(self, std::move(process),
                         term::tuple({"change_code"_atom, module, std::move(old_version), std::move(extra)}), patience);
}
task<> terminate(context& self, destination process, term reason, detail::duration patience) {
  return detail::want_ok(self, std::move(process), term::tuple({"terminate"_atom, std::move(reason)}), patience);
}

task<> trace(context& self, destination process, bool on, detail::duration patience) {
  return detail::want_ok(self, std::move(process), detail::pair("debug"_atom, detail::pair("trace"_atom, on)),
                         patience);
}
task<> log(context& self, destination process, std::size_t length, detail::duration patience) {
  const term wanted = length == 0 ? term(false) : detail::pair(true, length);
  return detail::want_ok(self, std::move(process), detail::pair("debug"_atom, detail::pair("log"_atom, wanted)),
                         patience);
}
task<std::vector<term>> get_log(context& self, destination process, detail::duration patience) {
  const term what = detail::pair("debug"_atom, detail::pair("log"_atom, "get"_atom));
  const term answer = co_await request(self, process, what, patience);
  if (!answer.is_tuple("ok"_atom) || answer.size() != 2 || !answer.elements()[1].is_list())
    throw call_failed(answer, process.to_term(), "{debug,{log,get}}");
  const auto events = answer.elements()[1].elements();
  co_return std::vector<term>(events.begin(), events.end());
}

task<> statistics(context& self, destination process, bool on, detail::duration patience) {
  return detail::want_ok(self, std::move(process), detail::pair("debug"_atom, detail::pair("statistics"_atom, on)),
                         patience);
}
task<std::optional<process_statistics>> get_statistics(context& self, destination process, detail::duration patience) {
  const term what = detail::pair("debug"_atom, detail::pair("statistics"_atom, "get"_atom));
  const term answer = co_await request(self, process, what, patience);
  std::optional<process_statistics> result;
  if (answer.is_tuple("ok"_atom) && answer.size() == 2 && answer.elements()[1].is_list()) {
    result.emplace();
    for (const term& item : answer.elements()[1].elements()) {
      if (!item.is_tuple() || item.size() != 2 || !item.elements()[1].is_integer()) continue;
      const auto n = item.elements()[1].as_unsigned();
      if (item.elements()[0].is_atom("messages_in"_atom)) result->messages_in = n;
      if (item.elements()[0].is_atom("messages_out"_atom)) result->messages_out = n;
      if (item.elements()[0].is_atom("reductions"_atom)) result->reductions = n;
    }
  }
  co_return result;
}
task<> no_debug(context& self, destination process, detail::duration patience) {
  return detail::want_ok(self, std::move(process), detail::pair("debug"_atom, "no_debug"_atom), patience);
}

}  // namespace sys

task<> stop(context& self, destination process, term reason, detail::duration patience) {
  const reference watch = self.monitor(process);
  const detail::time_point deadline = detail::later(self.now(), patience);
  // The answer and the end may come in either order; the end is what counts.
  term failure;
  try {
    co_await sys::terminate(self, process, reason, patience);
  } catch (const call_failed& e) {
    failure = e.reason();
  }
  if (failure.is_atom("timeout"_atom)) {
    self.demonitor(watch, true);
    throw call_failed(failure, process.to_term(), "stop");
  }
  const auto left = patience == infinity ? infinity : std::max(deadline - self.now(), detail::duration(0));
  auto ended = co_await self.receive(
      when([&](const down& d) { return d.ref == watch; }, [](const down& d) { return std::optional<term>(d.reason); }),
      after(left, [] { return std::optional<term>(); }));
  if (!ended) {
    self.demonitor(watch, true);
    throw call_failed("timeout"_atom, process.to_term(), "stop");
  }
  if (*ended != reason) throw call_failed(*ended, process.to_term(), "stop");
}

}  // namespace troupe
