// SPDX-License-Identifier: BSL-1.0
// troupe run from the shell: what it loads, what it is told, how it ends. What scripts can do is tested by
// script_*.cpp.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace tool_test;

namespace {

const char* const greeting = R"({
  "title": "a greeting",
  "nodes": {"b": {}},
  "steps": [
    {"spawn": "greeter", "arguments": ["Hello"], "on": "b"},
    {"call": {"hail": {"who": "you"}}, "to": "greeter", "expect": "Hello, you"}
  ]
})";

ended run(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"run", "--load", TROUPE_TEST_PLUGIN};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return shell(all);
}

std::string content_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("troupe run plays with the actors of a shared object, on OS processes and in a simulation") {
  const std::string script = file("greeting.json", greeting);
  const ended real = run({script});
  CAPTURE(real.err);
  CHECK(real.code == 0);
  CHECK(contains(real.out, "passed: 2 steps"));
  const ended simulated = run({script, "--seed", "3"});
  CHECK(simulated.code == 0);
  CHECK(simulated.out == run({script, "--seed", "3"}).out);
  CHECK(contains(run({"--actors"}).out, "greeter [text]"));
  CHECK(run({"--schema"}).out.starts_with("{"));
}

TEST_CASE("troupe run writes a diagram and a trace") {
  const std::string script = file("drawn.json", greeting);
  const std::string diagram = file("drawn.md");
  const std::string trace = file("drawn.trace");
  CHECK(run({script, "--diagram", diagram, "--trace", trace}).code == 0);
  CHECK(contains(content_of(diagram), "```mermaid\nsequenceDiagram\n"));
  CHECK(contains(content_of(diagram), "\"Hello, you\""));
  CHECK(contains(content_of(trace), "\"traceEvents\""));
}

TEST_CASE("a script that cannot be run does not take the nodes from the next one") {
  const std::string script = file("next.json", greeting);
  const ended e = run({"/nonesuch.json", script});
  CHECK(e.code == 2);
  CHECK(contains(e.err, "/nonesuch.json"));
  CHECK(contains(e.out, "passed: 2 steps"));
  const ended unwritten = run({script, "--diagram", "/nonesuch/diagram.md"});
  CHECK(unwritten.code == 1);
  CHECK(contains(unwritten.err, "/nonesuch/diagram.md"));
}

TEST_CASE("what fails in a script is its exit code 1, a mistake in it 2") {
  const std::string failing = file("failing.json", R"({"title": "a wrong one", "steps": [
    {"spawn": "greeter", "arguments": ["Hello"]},
    {"call": {"hail": {"who": "you"}}, "to": "greeter", "expect": "Goodbye, you"}
  ]})");
  const ended fails = run({failing});
  CHECK(fails.code == 1);
  CHECK(contains(fails.out, "failing.json:3:5"));
  CHECK(contains(fails.out, "expected \"Goodbye, you\""));
  CHECK(contains(fails.out, "got      \"Hello, you\""));
  const ended mistaken = run({file("mistaken.json", R"({"title": "x", "steps": [{"spwan": "greeter"}]})")});
  CHECK(mistaken.code == 2);
  CHECK(contains(mistaken.err, "mistaken.json:1:27: there is no step 'spwan'; did you mean 'spawn'?"));
}

TEST_CASE("options of troupe run that make no sense are refused") {
  const std::string script = file("options.json", greeting);
  const auto refused = [&](const std::vector<std::string>& more, const std::string& why) {
    std::vector<std::string> all{script};
    all.insert(all.end(), more.begin(), more.end());
    const ended e = run(all);
    CAPTURE(e.err);
    CHECK(e.code == 2);
    CHECK(contains(e.err, why));
  };
  refused({"--seeds", "5"}, "--seed");
  refused({"--seed", "1", "--seeds", "0"}, "--seeds");
  refused({"--seed", "-1"}, "-1");
  refused({script, "--diagram", file("both.md")}, "--diagram");
  const ended none = shell({"run"});
  CHECK(none.code == 2);
  CHECK(contains(none.err, "which script?"));
  const ended missing = shell({"run", "--load", "/nonesuch.so", script});
  CHECK(missing.code != 0);
  CHECK(contains(missing.err, "/nonesuch.so"));
}
