// SPDX-License-Identifier: BSL-1.0
// Each kind of steps, on threads and in a simulation; and what is said when one fails.
#include "tool/script_stage.hpp"

#include <troupe/net/tool/wording.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
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

TEST_CASE("a branch that is ended by others fails its step") {
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(1)}) {
    const outcome o =
        run_text(script_of(R"({"parallel": [[{"kill": "self"}, {"wait": "1min"}], [{"wait": "1ms"}]]})"), seed);
    CHECK(o.code == 1);
    CHECK_MESSAGE(o.says("branch 1a was ended: killed"), o.output);
  }
}

TEST_CASE("a branch ends with the script") {
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(1)}) {
    const outcome o = run_text(
        script_of(R"({"let": {"p": "$self"}}, {"parallel": [[{"kill": "p"}, {"wait": "1min"}, {"note": "still"}]]})"),
        seed);
    CHECK(o.code == 1);
    CHECK_MESSAGE(o.says("FAIL      test.json: the script's own process was killed"), o.output);
    CHECK(o.says("FAILED: "));
    CHECK_FALSE(o.says("still"));
  }
}

TEST_CASE("branches give back what they have changed, and a message that looks like theirs is a message") {
  check_passes(spawn + R"({"let": {"x": 1}}, {"parallel": [[{"let": {"x": 2}}], [{"wait": "5ms"}, {"let": {"y": 3}}]]},
    {"call": {"echo": {"number": "$x", "text": ""}}, "to": "e", "expect": 3},
    {"call": {"echo": {"number": "$y", "text": ""}}, "to": "e", "expect": 4},
    {"send": {"$term": "{branch_done, 0, 0, true, <<>>, <<\"{}\">>, []}"}, "to": "self"},
    {"parallel": [[{"wait": "5ms"}, {"let": {"z": 5}}]]},
    {"call": {"echo": {"number": "$z", "text": ""}}, "to": "e", "expect": 6},
    {"expect": {"$term": "{branch_done, 0, 0, true, <<>>, <<\"{}\">>, []}"}})");
}

TEST_CASE("more than 26 branches have names of their own") {
  std::string branches;
  for (int i = 0; i < 28; ++i) branches += (i == 0 ? "" : ", ") + std::string(R"([{"wait": "1ms"}])");
  const outcome o = run_text(script_of("{\"parallel\": [" + branches + "]}"), 1);
  CHECK(o.says(" 1z.1 wait"));
  CHECK(o.says(" 1aa.1 wait"));
  CHECK(o.says(" 1ab.1 wait"));
}

TEST_CASE("$round is that of the loop around it, again after another loop in it") {
  check_passes(spawn + R"({"repeat": 2, "steps": [{"repeat": 3, "steps": [{"wait": "1ms"}]},
    {"send": {"ball": {"from": "$self", "number": "$round"}}, "to": "e"}]},
    {"expect": {"caught": {"number": 2}}}, {"expect": {"caught": {"number": 3}}})");
  check_passes(spawn + R"({"repeat": 1, "steps": [{"measure": 3, "steps": [{"wait": "1ms"}]},
    {"call": {"echo": {"number": "$round", "text": ""}}, "to": "e", "expect": 2}]})");
}

TEST_CASE("quiet steps are quiet, whatever they contain") {
  const outcome o = run_text(script_of(R"({"measure": 2, "steps": [{"parallel": [[{"wait": "1ms"}]]},
    {"repeat": 2, "steps": [{"wait": "2ms"}]}]})"),
                             1);
  CHECK(o.code == 0);
  CHECK_FALSE(o.says("wait"));
  CHECK_FALSE(o.says("repeat"));
}

TEST_CASE("a variable cannot be put into itself without end") {
  const outcome o = run_text(script_of(R"({"let": {"x": []}}, {"repeat": 600, "steps": [{"let": {"x": ["$x"]}}]})"), 1);
  CHECK(o.code == 1);
  CHECK(o.says("the value of 'x' is nested deeper than 512 levels"));
}

TEST_CASE("a variable that differs is shown with its value") {
  const outcome o =
      run_text(script_of(spawn + R"({"call": {"echo": {"number": 1, "text": ""}}, "to": "e", "expect": "$v"},
    {"call": {"echo": {"number": 2, "text": ""}}, "to": "e", "expect": "$v"})"),
               1);
  CHECK_MESSAGE(o.says("expected 2 ($v)"), o.output);
  CHECK(o.says("got      3"));
}

TEST_CASE("a simulation in which nothing can happen fails the script, with a summary and a diagram") {
  script::run_settings settings;
  settings.diagram = temporary(".stalled.md");
  const outcome o =
      run_text(script_of(R"({"wait": "1000000h"}, {"repeat": 9, "steps": [{"wait": "1000000h"}]})"), 1, settings);
  CHECK(o.code == 1);
  CHECK_MESSAGE(o.says("FAIL      test.json: nothing can happen any more"), o.output);
  CHECK(o.says("seed 1: "));
  CHECK(o.says("FAILED: "));
  CHECK(read(settings.diagram).find("sequenceDiagram") != std::string::npos);
  std::remove(settings.diagram.c_str());
}

TEST_CASE("a label is there again when a step that is played gives it") {
  const outcome o = run_text(script_of(R"({"spawn": "lists:sum", "on": "e", "arguments": [[1]], "as": "c"},
    {"rpc": "erlang:abs", "on": "e", "arguments": [3], "expect": "$v"}, {"let": {"y": "$v"}},
    {"spawn": "echoer", "arguments": [1], "as": "c"},
    {"call": {"echo": {"number": "$y", "text": ""}}, "to": "c"},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": "c", "expect": 77})",
                                       R"({"e": {"kind": "erlang"}})"),
                             1);
  CHECK(o.code == 1);
  CHECK(o.says("expected 77"));
  CHECK_MESSAGE(o.says("4 skipped"), o.output);
}

TEST_CASE("a node that runs is not started again, and one that does not is not ended") {
  const outcome twice = run_text(script_of(R"({"start_node": "b"})", R"({"b": {}})"), 1);
  CHECK_MESSAGE(twice.says("the node 'b' runs already"), twice.output);
  const outcome gone = run_text(script_of(R"({"crash_node": "b"}, {"stop_node": "b"})", R"({"b": {}})"), 1);
  CHECK_MESSAGE(gone.says("the node 'b' does not run"), gone.output);
}

TEST_CASE("find waits no longer than it may, for a node that does not answer, too") {
  const outcome o = run_text(script_of(R"({"spawn": "echoer", "arguments": [1], "on": "b", "name": "x", "as": "p"},
    {"partition": ["here", "b"]}, {"find": "x", "on": "b", "as": "q", "within": "100ms"})",
                                       R"({"b": {}})"),
                             1);
  CHECK_MESSAGE(o.says("within 100 ms the node 'b' has not answered where 'x' is"), o.output);
}

TEST_CASE("titles and notes do not command the terminal") {
  const outcome o = run_text("{\"title\": \"a\\u001b[2J\", \"steps\": [{\"note\": \"b\\u0007\\nc\"}]}", 1);
  CHECK(o.says("a\\x1b[2J"));
  CHECK(o.says("b\\x07\\nc"));
}

TEST_CASE("texts are cut between characters") {
  CHECK(script::shortened("abcdef", 6) == "abcdef");
  CHECK(script::shortened("abcdefg", 6) == "abc...");
  CHECK(script::shortened("ab\u00e9\u00e9\u00e9", 6) == "ab...");
  CHECK(script::letters_of(25) == "z");
  CHECK(script::letters_of(27) == "ab");
}

TEST_CASE("a diagram is Mermaid whatever is said in it, and a trace JSON") {
  script::run_settings settings;
  settings.diagram = temporary(".awkward.md");
  settings.trace = temporary(".awkward.json");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\u00e4";
  const outcome o = run_text(script_of(spawn + R"({"note": "a;b#c <d> &e %%f\u0001g\n"},
    {"call": {"echo": {"number": 1, "text": ")" +
                                       umlauts + R"("}}, "to": "e"})"),
                             1, settings);
  CHECK_MESSAGE(o.code == 0, o.output);
  const std::string diagram = read(settings.diagram);
  INFO(diagram);
  CHECK(diagram.find("Note over p0: a#59;b#35;c #lt;d#gt; #amp;e #37;#37;f g \n") != std::string::npos);
  CHECK(diagram.find("\u00e4...") != std::string::npos);
  CHECK(json::parse(read(settings.trace))["traceEvents"].is_array());  // which no half character would pass
  std::remove(settings.diagram.c_str());
  std::remove(settings.trace.c_str());
}

TEST_CASE("a diagram of a simulation is in order, and without the rounds of a measurement alone") {
  script::run_settings settings;
  settings.diagram = temporary(".order.md");
  const std::string call = R"({"call": {"echo": {"number": )";
  const outcome o = run_text(
      script_of(
          spawn + call + R"(1, "text": "first"}}, "to": "e"}, {"note": "between"},
    {"measure": 10, "steps": [)" +
              call + R"(2, "text": "left out"}}, "to": "e"}]},)" + call +
              R"(3, "text": "last"}}, "to": "e"}, {"spawn": "echoer", "arguments": [1], "on": "b", "as": "f", "monitor": true},
    {"crash_node": "b"}, {"expect_down": "f", "within": "10s"})",
          R"({"b": {}})"),
      1, settings);
  CHECK_MESSAGE(o.code == 0, o.output);
  const std::string diagram = read(settings.diagram);
  INFO(diagram);
  std::size_t before = 0;
  for (const char* next : {"first", "between", "10 rounds", "last", "the node b crashes", "ends with"}) {
    const std::size_t at = diagram.find(next);
    CHECK_MESSAGE((at != std::string::npos && at > before), next);
    before = at;
  }
  CHECK(diagram.find("left out") == std::string::npos);
  std::remove(settings.diagram.c_str());
}

TEST_CASE("a process is one participant of a diagram, by its label and by the name it is registered under") {
  script::run_settings settings;
  settings.diagram = temporary(".names.md");
  const outcome o = run_text(script_of(R"({"spawn": "echoer", "arguments": [1], "as": "e", "name": "the_echo"},
    {"spawn": "echoer", "arguments": [1], "as": "f", "on": "b", "name": "far_echo"},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": {"name": "the_echo"}},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": "e"},
    {"call": {"echo": {"number": 1, "text": ""}}, "to": {"name": "far_echo", "on": "b"}})",
                                       R"({"b": {}})"),
                             1, settings);
  CHECK_MESSAGE(o.code == 0, o.output);
  const std::string diagram = read(settings.diagram);
  INFO(diagram);
  CHECK(diagram.find("as e\n") != std::string::npos);
  CHECK(diagram.find("as f\n") != std::string::npos);
  CHECK(diagram.find("_echo") == std::string::npos);
  std::remove(settings.diagram.c_str());
}
