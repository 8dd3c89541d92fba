// SPDX-License-Identifier: BSL-1.0
// System messages: what a behaviour's process answers to Erlang's sys module, and to ours.
#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/behaviours/pair.hpp>
#include <troupe/actors/behaviours/sys_debug.hpp>
#include <troupe/actors/runtime.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

namespace troupe::detail {

using namespace literals;

term charlist(std::string_view ascii) {
  std::vector<term> characters;
  characters.reserve(ascii.size());
  for (const char c : ascii) characters.emplace_back(static_cast<std::int64_t>(static_cast<unsigned char>(c)));
  return term::list(std::move(characters));
}

namespace {

constexpr std::size_t default_log_length = 10;

/// {{Year,Month,Day},{Hour,Minute,Second}} of local time.
term local_time(std::int64_t seconds) {
  const auto when = static_cast<std::time_t>(seconds);
  std::tm t{};
  if (localtime_r(&when, &t) == nullptr) return term();
  return term::tuple(
      {term::tuple({t.tm_year + 1900, t.tm_mon + 1, t.tm_mday}), term::tuple({t.tm_hour, t.tm_min, t.tm_sec})});
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_bool(const term& t) {
  return t.is_atom("true"_atom) || t.is_atom("false"_atom);
}

}  // namespace

// --- events
// -----------------------------------------------------------------------------------------------------------

void gen_core::note_message() {
  const term message = current->type == nullptr ? term() : payload_to_term(*current);
  if (current->kind == envelope_kind::request)
    note(term::tuple(
        {"in"_atom, term::tuple({"$gen_call"_atom, static_cast<request_envelope&>(*current).from, message})}));
  else if (current->label == gen_label::cast)
    note(term::tuple({"in"_atom, term::tuple({"$gen_cast"_atom, message})}));
  else
    note(term::tuple({"in"_atom, message}));
}

void gen_core::note(term event) {
  if (!debug_) return;
  sys_debug& d = *debug_;
  if (d.statistics && event.is_tuple() && event.size() > 0) {
    if (event.elements()[0].is_atom("in"_atom)) ++d.statistics->in;
    if (event.elements()[0].is_atom("out"_atom)) ++d.statistics->out;
  }
  if (d.trace) self.log(log_level::info, "*DBG* {} {}", describe(), event.to_string());
  if (!d.file.empty()) {
    if (std::FILE* f = std::fopen(d.file.c_str(), "a")) {
      std::fprintf(f, "*DBG* %s %s\n", describe().c_str(), event.to_string().c_str());
      std::fclose(f);
    }
  }
  if (d.log_length > 0) {
    if (d.log.size() == d.log_length) d.log.pop_front();
    d.log.push_back(std::move(event));
  }
}

// --- requests
// ---------------------------------------------------------------------------------------------------------

term gen_core::debug_request(const term& what) {
  const auto kept = [&]() -> sys_debug& {
    if (!debug_) debug_ = std::make_unique<sys_debug>();
    return *debug_;
  };
  const auto done = [&] {
    if (debug_ && debug_->is_empty()) debug_.reset();
    return term("ok"_atom);
  };
  if (what.is_atom("no_debug"_atom)) {
    debug_.reset();
    return "ok"_atom;
  }
  if (!what.is_tuple() || what.size() != 2) return "unknown_debug"_atom;
  const term& item = what.elements()[0];
  const term& value = what.elements()[1];
  const bool on = value.is_atom("true"_atom);
  if (item.is_atom("trace"_atom) && is_bool(value)) {
    kept().trace = on;
    return done();
  }
  if (item.is_atom("log"_atom)) {
    if (value.is_atom("get"_atom) || value.is_atom("print"_atom)) {
      std::vector<term> events;
      if (debug_) events.assign(debug_->log.begin(), debug_->log.end());
      if (value.is_atom("get"_atom)) return pair("ok"_atom, term::list(std::move(events)));
      for (const term& e : events) self.log("*DBG* {} {}", describe(), e.to_string());
      return "ok"_atom;
    }
    std::size_t length = on ? default_log_length : 0;
    if (value.is_tuple("true"_atom) && value.size() == 2) {
      const term& n = value.elements()[1];
      if (!n.is_integer() || n.as_integer() < 1) return "unknown_debug"_atom;
      length = static_cast<std::size_t>(n.as_integer());
    } else if (!is_bool(value)) {
      return "unknown_debug"_atom;
    }
    sys_debug& d = kept();
    d.log_length = length;
    while (d.log.size() > length) d.log.pop_front();
    return done();
  }
  if (item.is_atom("statistics"_atom)) {
    if (value.is_atom("get"_atom)) {
      if (!debug_ || !debug_->statistics) return pair("ok"_atom, "no_statistics"_atom);
      const auto& counts = *debug_->statistics;
      return pair("ok"_atom,
                  term::list({pair("start_time"_atom, local_time(counts.started)),
                              pair("current_time"_atom, local_time(seconds_now())),
                              pair("reductions"_atom, std::uint32_t{slot_access::of(self).handled - counts.messages}),
                              pair("messages_in"_atom, counts.in), pair("messages_out"_atom, counts.out)}));
    }
    if (!is_bool(value)) return "unknown_debug"_atom;
    if (on && !kept().statistics)
      kept().statistics = {.started = seconds_now(), .in = 0, .out = 0, .messages = slot_access::of(self).handled};
    if (!on && debug_) debug_->statistics.reset();
    return done();
  }
  if (item.is_atom("log_to_file"_atom)) {
    if (value.is_atom("false"_atom)) {
      if (debug_) debug_->file.clear();
      return done();
    }
    // From another node it would write where that node likes.
    return pair("error"_atom, "open_file"_atom);
  }
  return "unknown_debug"_atom;
}

/// {status, Pid, {module, Module}, [Dictionary, running | suspended, Parent, Debug, [Header, Data, State...]]}
term gen_core::status() const {
  std::vector<term> events;
  if (debug_) events.assign(debug_->log.begin(), debug_->log.end());
  const term running = suspended_ ? "suspended"_atom : "running"_atom;
  const std::string called = registered.empty() ? self.pid().to_string() : term(registered).to_string();
  std::vector<term> parts{
      pair("header"_atom, charlist(std::string(body.header()) + " " + called)),
      pair("data"_atom, term::list({pair(charlist("Status"), running), pair(charlist("Parent"), parent),
                                    pair(charlist("Logged events"), term::list(std::move(events)))}))};
  for (term& t : body.status()) parts.push_back(std::move(t));
  return term::tuple({"status"_atom, self.pid(), pair("module"_atom, atom(body.kind())),
                      term::list({term::list({pair("$ancestors"_atom, ancestors)}), running, parent, term::list({}),
                                  term::list(std::move(parts))})});
}

namespace {

void send_answer(envelope_ptr request, term answer) {
  answer_request(static_cast<request_envelope&>(*request),
                 make_envelope<routed_envelope, term>(envelope_kind::reply, std::move(answer)));
}

term callback_failed(std::string_view module, atom function) {
  const term why = reason_of_current_exception();
  return pair("error"_atom,
              term::tuple({"callback_failed"_atom, pair(atom(module), function), pair("error"_atom, why)}));
}

}  // namespace

task<> gen_core::change_code(envelope_ptr request, term old_version, term extra) {
  term answer = "ok"_atom;
  try {
    step change = body.code_change(old_version, extra);
    if (change) co_await std::move(*change);
  } catch (...) {
    answer = pair("error"_atom, reason_of_current_exception());
  }
  send_answer(std::move(request), std::move(answer));
}

step gen_core::system_message() {
  envelope_ptr request = std::move(current);
  slot& s = slot_access::of(self);
  if (same_type(request->type, &descriptor_of<replace_state_order>)) {
    term answer;
    try {
      term changed = static_cast<const replace_state_order*>(payload_of(*request))->change(body.state());
      answer = body.set_state(changed) ? pair("ok"_atom, changed)
                                       : pair("error"_atom, pair("no_set_state"_atom, atom(body.name())));
    } catch (...) {
      answer = callback_failed(body.kind(), "system_replace_state"_atom);
    }
    send_answer(std::move(request), std::move(answer));
    return {};
  }
  term what;
  try {
    what = payload_to_term(*request);
  } catch (const std::exception&) {
    send_answer(std::move(request), pair("error"_atom, "badarg"_atom));
    return {};
  }
  term answer = pair("error"_atom, pair("unknown_system_msg"_atom, what));
  if (what.is_atom("suspend"_atom) || what.is_atom("resume"_atom)) {
    suspended_ = what.is_atom("suspend"_atom);
    answer = "ok"_atom;
  } else if (what.is_atom("get_state"_atom)) {
    try {
      answer = body.state();
    } catch (...) {
      answer = callback_failed(body.kind(), "system_get_state"_atom);
    }
  } else if (what.is_atom("get_status"_atom)) {
    try {
      answer = status();
    } catch (...) {
      answer = callback_failed(body.kind(), "format_status"_atom);
    }
  } else if (what.is_tuple("debug"_atom) && what.size() == 2) {
    answer = debug_request(what.elements()[1]);
  } else if (what.is_tuple("terminate"_atom) && what.size() == 2) {
    stop(what.elements()[1]);
    answer = "ok"_atom;
  } else if (what.is_tuple("change_code"_atom) && what.size() == 4 && suspended_) {
    if (!s.rt->options().allow_code_change && static_cast<request_envelope&>(*request).remote != nullptr)
      answer = pair("error"_atom, "not_allowed"_atom);
    else
      return change_code(std::move(request), what.elements()[2], what.elements()[3]);
  } else if (what.is_tuple("replace_state"_atom) && what.size() == 2) {
    // A function of Erlang's cannot run here. A value that is to be the new state can be taken, where that is allowed.
    const term& changed = what.elements()[1];
    const bool remote = static_cast<request_envelope&>(*request).remote != nullptr;
    if (remote && !s.rt->options().allow_replace_state) {
      answer = pair("error"_atom, "not_allowed"_atom);
    } else {
      try {
        answer = body.set_state(changed) ? changed : pair("error"_atom, pair("no_set_state"_atom, atom(body.name())));
      } catch (...) {
        answer = callback_failed(body.kind(), "system_replace_state"_atom);
      }
    }
  }
  send_answer(std::move(request), std::move(answer));
  return {};
}

}  // namespace troupe::detail
