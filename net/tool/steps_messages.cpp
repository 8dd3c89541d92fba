// SPDX-License-Identifier: BSL-1.0
// The steps that send, call and expect.
#include <troupe/net/rpc.hpp>
#include <troupe/net/tool/play.hpp>
#include <troupe/net/tool/scene.hpp>

#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

/// An answer, or why there is none.
struct outcome {
  term answer;
  bool failed = false;
  term reason{};
};

task<outcome> ask(context& self, destination to, term question, std::chrono::nanoseconds patience) {
  outcome o;
  try {
    o.answer = co_await self.call(to, question, patience);
  } catch (const call_failed& e) {
    o.failed = true;
    o.reason = e.reason();
  }
  co_return o;
}

task<outcome> run_function(context& self, process_name node, std::string function, std::vector<term> arguments,
                           std::chrono::nanoseconds patience) {
  outcome o;
  try {
    o.answer =
        co_await troupe::detail::rpc_term(self, node.atom(), function, term::list(std::move(arguments)), patience);
  } catch (const rpc_failed& e) {
    o.failed = true;
    o.reason = e.reason();
  } catch (const call_failed& e) {
    o.failed = true;
    o.reason = e.reason();
  }
  co_return o;
}

/// What "expect" and "fails" say of an outcome.
void judge(scene& s, const step& w, const outcome& o, const json& answer) {
  const json* fails = w.find("fails");
  if (o.failed) {
    const json reason = s.all.words.show_value(o.reason);
    if (fails == nullptr) throw step_failed("it failed: " + s.all.words.print(reason));
    s.expect(*fails, reason, "the reason");
    if (s.all.words.print(*fails) != s.all.words.print(reason) && !fails->is_string())
      s.more = "fails with " + s.all.words.print(reason);
    return;
  }
  if (fails != nullptr)
    throw step_failed("it was to fail\n  expected failure " + s.all.words.print(*fails) + "\n  got the answer   " +
                      s.all.words.print(answer));
  const json* pattern = w.find("expect");
  if (pattern != nullptr) s.expect(*pattern, answer, "the answer");
  // What has been said already is not said again.
  if (pattern == nullptr ? !answer.is_null() : *pattern != answer) s.more = s.all.words.print(answer);
}

/// Is it a message of that type?
bool is_named(const json& shown, const char* name) {
  return shown.is_object() && shown.size() == 1 && shown.contains(name) && shown[name].is_object();
}

/// The down or exit_signal of a process.
task<> play_signal(scene& s, const step& w, const char* kind, const char* member) {
  const json& subject = w.subject();
  std::string wanted_name, wanted_pid;
  if (subject.is_object())
    wanted_name = subject["name"].get<std::string>();
  else
    wanted_pid = s.all.words.pids().text_of(s.pid_of(subject));
  const std::function<bool(const json&)> wanted = [&](const json& shown) {
    if (!is_named(shown, kind)) return false;
    return wanted_pid.empty() ? shown[kind].value("name", "") == wanted_name
                              : shown[kind].value(member, "") == wanted_pid;
  };
  const std::string expected = std::string("the ") +
                               (member == std::string("process") ? "down message" : "exit signal") + " of " +
                               (subject.is_string() ? subject.get<std::string>() : wanted_name);
  received got = co_await s.take(wanted, w.duration("within", usual_patience), expected, nullptr);
  const json reason = got.shown[kind]["reason"];
  const json* pattern = w.find("reason");
  if (pattern != nullptr) s.expect(*pattern, reason, "the reason");
  if (pattern == nullptr || !pattern->is_string() || *pattern == "_") s.more = s.all.words.print(reason);
}

}  // namespace

task<> play_send(scene& s, const step& w) {
  const destination to = s.destination_of(*w.find("to"));
  const term message = s.all.words.message(w.subject(), s.known);
  if (w.flag("cast"))
    s.self.cast(to, message);
  else
    s.self.send(to, message);
  co_return;
}

task<> play_call(scene& s, const step& w) {
  const destination to = s.destination_of(*w.find("to"));
  const message_type* type = nullptr;
  const term question = s.all.words.message(w.subject(), s.known, &type);
  const outcome o = co_await ask(s.self, to, question, w.duration("within", usual_patience));
  judge(s, w, o, o.failed ? json() : s.all.words.show_answer(type, o.answer));
}

task<> play_rpc(scene& s, const step& w) {
  std::vector<term> arguments;
  if (const json* given = w.find("arguments"))
    for (const json& a : *given) arguments.push_back(s.all.words.value(a, s.known));
  const outcome o = co_await run_function(s.self, s.node_of_field(w), w.subject().get<std::string>(),
                                          std::move(arguments), w.duration("within", usual_patience));
  judge(s, w, o, o.failed ? json() : s.all.words.show_value(o.answer));
}

task<> play_expect(scene& s, const step& w) {
  const json& pattern = w.subject();
  const json* reply = w.find("reply");
  const std::function<bool(const json&)> wanted = [&](const json& shown) { return s.fits(pattern, shown); };
  received got = co_await s.take(wanted, w.duration("within", usual_patience),
                                 print_pattern(pattern, s.known, s.all.words), &pattern);
  if (pattern != got.shown) s.more = s.all.words.print(got.shown);
  if (reply == nullptr) co_return;
  if (!got.message.is_request())
    throw step_failed("it is no call, so there is nobody to reply to: " + s.all.words.print(got.shown));
  request<term> question(got.message.release());
  question.reply(s.all.words.value(*reply, s.known));
}

task<> play_expect_no(scene& s, const step& w) {
  const json& pattern = w.subject();
  const std::function<bool(const json&)> unwanted = [&](const json& shown) {
    variables tried = s.known;
    return fits(pattern, shown, tried, s.all.words);
  };
  std::string found;
  const std::function<bool(const json&)> look = [&](const json& shown) {
    if (!unwanted(shown)) return false;
    found = s.all.words.print(shown);
    return true;
  };
  const bool came = co_await s.comes(look, w.duration("within", std::chrono::nanoseconds(0)));
  if (came)
    throw step_failed("it came\n  expected none like " + print_pattern(pattern, s.known, s.all.words) +
                      "\n  got              " + found);
}

task<> play_expect_down(scene& s, const step& w) {
  return play_signal(s, w, "down", "process");
}

task<> play_expect_exit(scene& s, const step& w) {
  return play_signal(s, w, "exit_signal", "from");
}

}  // namespace troupe::script
