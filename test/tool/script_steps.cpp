// SPDX-License-Identifier: BSL-1.0
// Each kind of steps, on threads and in a simulation; and what is said when one fails.
#include "tool/script_stage.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

using namespace script_test;
using nlohmann::json;

namespace {

const std::string spawn = R"({"spawn": "echoer", "arguments": [1], "as": "e", "monitor": true},)";

std::string read(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string temporary(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/troupe_script_" + std::to_string(::getpid()) + name;
}

}  // namespace

TEST_CASE("send, and expect selectively what comes back, with bound variables") {
  check_passes(spawn + R"({"send": {"ball": {"from": "$self", "number": 1}}, "to": "e"},
    {"send": {"ball": {"from": "$self", "number": 5}}, "to": "e"},
    {"expect": {"caught": {"number": 6}}}, {"expect": {"caught": {"number": "$n"}}},
    {"send": {"ball": {"from": "$self", "number": "$n"}}, "to": "$e"}, {"expect": {"caught": {"number": 3}}},
    {"expect_no": "_", "within": "10ms"})");
}

TEST_CASE("call with the answer expected, or its failure") {
  check_passes(spawn + R"({"call": {"echo": {"number": 1, "text": ""}}, "to": "e", "expect": 2},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": {"name": "nobody"}, "fails": "noproc"},
    {"call": {"question": {"number": 1}}, "to": "e", "within": "10ms", "fails": "timeout"})");
}

TEST_CASE("a script answers calls") {
  check_passes(spawn + R"({"send": {"ask_back": {"whom": "$self"}}, "to": "e"},
    {"expect": {"question": {"number": 20}}, "reply": 21}, {"expect": {"caught": {"number": 21}}})");
}

TEST_CASE("register, find, link, monitor, kill, exit and stop") {
  check_passes(spawn + R"({"register": "the_echo", "process": "e"}, {"find": "the_echo", "as": "found"},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": {"name": "the_echo"}, "expect": 2},
    {"kill": "found"}, {"expect_down": "e", "reason": "killed"},
    {"spawn": "echoer", "arguments": [0], "as": "l", "link": true},
    {"send": {"fail": {"why": "tired"}}, "to": "l"}, {"expect_exit": "l", "reason": {"$term": "{error, <<\"tired\">>}"}},
    {"spawn": "echoer", "arguments": [0], "as": "x"}, {"link": "x"}, {"exit": "x", "reason": "enough"},
    {"expect_exit": "x", "reason": "enough"},
    {"spawn": "echoer", "arguments": [0], "as": "y"}, {"link": "y"}, {"unlink": "y"}, {"stop": "y"},
    {"expect_no": {"exit_signal": "_"}}, {"monitor": "y"}, {"expect_down": "y", "reason": "noproc"})");
}

TEST_CASE("repeat counts its rounds, measure says how fast, let gives values, wait takes its time") {
  check_passes(spawn + R"({"let": {"three": 3}},
    {"repeat": 2, "steps": [{"call": {"echo": {"number": "$round", "text": ""}}, "to": "e", "expect": "$last_one"},
                            {"let": {"last_one": "$three"}}]})");
  const outcome o = run_text(script_of(spawn + R"({"measure": 10, "steps": [
    {"call": {"echo": {"number": 1, "text": ""}}, "to": "e"}]})"));
  CHECK(o.says("a second; each "));
}

TEST_CASE("nodes are started, stopped, crashed, cut off and mended in a simulation") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const outcome o = run_text(script_of(R"({"monitor_nodes": true},
      {"spawn": "echoer", "arguments": [1], "on": "b", "as": "e", "name": "far", "monitor": true},
      {"call": {"echo": {"number": 1, "text": ""}}, "to": {"name": "far", "on": "b"}, "expect": 2},
      {"find": "far", "on": "b", "as": "same"},
      {"partition": ["here", "b"]}, {"expect_down": "e", "reason": "noconnection", "within": "10s"},
      {"heal": ["here", "b"]}, {"wait": "5s"},
      {"call": {"echo": {"number": 2, "text": ""}}, "to": "same", "expect": 3, "within": "20s"},
      {"monitor": "same"}, {"crash_node": "b"}, {"expect_down": "e", "within": "10s"},
      {"start_node": "b"}, {"rpc": "script:whereis", "on": "b", "arguments": ["far"], "expect": "_"},
      {"stop_node": "b"})",
                                         R"({"b": {}})"),
                               seed);
    CHECK_MESSAGE(o.code == 0, o.output);
  }
}

TEST_CASE("a failed expectation is shown with its place and the difference, and the script ends there") {
  const outcome o =
      run_text(script_of(spawn + "\n" + R"({"call": {"echo": {"number": 1, "text": ""}}, "to": "e", "expect": 3},
    {"note": "never"})"));
  CHECK(o.code == 1);
  CHECK(o.says("FAIL    2 call"));
  CHECK(o.says("test.json:2:1: the answer differs"));
  CHECK(o.says("expected 3"));
  CHECK(o.says("got      2"));
  CHECK(o.says("FAILED: 1 steps, 1 failed"));
  CHECK_FALSE(o.says("never"));
}

TEST_CASE("what did not come is shown beside what is in the mailbox, with the members that differ") {
  const outcome o = run_text(script_of(spawn + R"({"send": {"ball": {"from": "$self", "number": 1}}, "to": "e"},
    {"expect": {"caught": {"number": 7}}, "within": "100ms"})"));
  CHECK(o.code == 1);
  CHECK(o.says("nothing like it came within 100 ms"));
  CHECK(o.says("there is {\"caught\": {\"number\": 2}}"));
  CHECK(o.says("/caught/number: expected 7, got 2"));
  const outcome none = run_text(script_of(spawn + R"({"expect_down": "e", "within": "10ms"})"), 1);
  CHECK(none.says("the mailbox is empty"));
  const outcome reason = run_text(script_of(spawn + R"({"kill": "e"}, {"expect_down": "e", "reason": "normal"})"), 1);
  CHECK(reason.says("the reason differs"));
}

TEST_CASE("a branch that fails fails the script") {
  const outcome o =
      run_text(script_of(spawn + R"({"parallel": [[{"wait": "1ms"}], [{"find": "nobody", "within": "1ms"}]]})"), 2);
  CHECK(o.code == 1);
  CHECK(o.says("FAIL 2b.1 find nobody"));
}

TEST_CASE("the same seed says the same, and other seeds other things") {
  const std::string text = script_of(spawn + R"({"parallel": [
    [{"send": {"ball": {"from": "$self", "number": 1}}, "to": "e"}, {"expect": {"caught": "_"}}],
    [{"send": {"ball": {"from": "$self", "number": 2}}, "to": "e"}, {"expect": {"caught": "_"}}]]})");
  const outcome first = run_text(text, 11);
  CHECK(first.code == 0);
  CHECK(run_text(text, 11).output == first.output);
  CHECK(run_text(text, 12).output != first.output);
}

TEST_CASE("steps that need an Erlang node are skipped in a simulation, and what depends on them") {
  const outcome o = run_text(script_of(R"({"rpc": "erlang:node", "on": "e", "expect": "$who"},
    {"spawn": "lists:seq", "on": "e", "arguments": [1, 2], "as": "p", "monitor": true}, {"expect_down": "p"},
    {"send": {"$term": "{hello, $who}"}, "to": "self"}, {"wait": "1ms"})",
                                       R"({"e": {"kind": "erlang"}})"),
                             1);
  CHECK_MESSAGE(o.code == 0, o.output);
  CHECK(o.says("1 steps, 4 skipped"));
}

TEST_CASE("the schema is made of the same table: every step is in it, with an example that parses") {
  const json schema = script::schema(known());
  CHECK(schema["$defs"]["step"]["oneOf"].size() == script::step_kinds().size());
  for (const json& one : schema["$defs"]["step"]["oneOf"]) CHECK(one["examples"].is_array());
  for (const script::step_kind& kind : script::step_kinds()) {
    CAPTURE(kind.name);
    const json example = json::parse(kind.example);
    CHECK(example.contains(kind.name));
    for (const auto& [key, value] : example.items())
      CHECK((key == kind.name || std::any_of(kind.fields.begin(), kind.fields.end(),
                                             [&](const script::field& f) { return f.name == key; })));
  }
  CHECK(schema["$defs"]["actor"].dump().find("echoer") != std::string::npos);
  CHECK(schema["$defs"]["message"].dump().find("ask_back") != std::string::npos);
  CHECK(script::describe_steps().find("partition") != std::string::npos);
}

TEST_CASE("a diagram shows who sends what to whom, and how processes end") {
  script::run_settings settings;
  settings.diagram = temporary(".md");
  settings.trace = temporary(".json");
  const outcome o = run_text(script_of(spawn + R"({"send": {"ball": {"from": "$self", "number": 1}}, "to": "e"},
    {"expect": {"caught": {"number": 2}}}, {"call": {"echo": {"number": 4, "text": ""}}, "to": "e", "expect": 5},
    {"kill": "e"}, {"expect_down": "e"})"),
                             1, settings);
  CHECK_MESSAGE(o.code == 0, o.output);
  const std::string diagram = read(settings.diagram);
  INFO(diagram);
  CHECK(diagram.find("```mermaid\nsequenceDiagram\n") != std::string::npos);
  CHECK(diagram.find("participant p0 as script") != std::string::npos);
  CHECK(diagram.find("as e\n") != std::string::npos);
  CHECK(diagram.find("p0->>p1: {\"ball\"") != std::string::npos);
  CHECK(diagram.find("p1->>p0: {\"caught\": {\"number\": 2}}") != std::string::npos);
  CHECK(diagram.find("p0->>p1: call {\"echo\"") != std::string::npos);
  CHECK(diagram.find("p1-->>p0: 5") != std::string::npos);
  CHECK(diagram.find("Note over p1: ends with killed") != std::string::npos);

  const json trace = json::parse(read(settings.trace));
  std::size_t steps = 0, begun = 0, arrived = 0, named = 0;
  for (const json& e : trace["traceEvents"]) {
    steps += e["ph"] == "X" ? 1 : 0;
    begun += e["ph"] == "s" ? 1 : 0;
    arrived += e["ph"] == "f" ? 1 : 0;
    named += e["ph"] == "M" ? 1 : 0;
    CHECK(e.contains("pid"));
    if (e["ph"] != "M") CHECK(e["ts"].is_number());
  }
  CHECK(steps == 6);
  CHECK(begun >= 4);
  CHECK(arrived >= 3);
  CHECK(named >= 3);
  std::remove(settings.diagram.c_str());
  std::remove(settings.trace.c_str());
}
