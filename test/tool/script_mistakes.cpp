// SPDX-License-Identifier: BSL-1.0
// Mistakes in scripts are answered with their place and the nearest name.
#include "tool/script_stage.hpp"

#include <troupe/net/tool/document.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <string>

using namespace script_test;

TEST_CASE("the values and keys of a document know where they stand") {
  const script::document doc("x.json",
                             "{\n  \"a\": [1, \"t\\\"x\",\n    -2.5e3, true],\n \"b~/c\": {}, \"n\": null\n}");
  const auto at = [&](const std::string& pointer) {
    const script::position p = doc.value_at(pointer);
    return std::to_string(p.line) + ":" + std::to_string(p.column);
  };
  CHECK(at("") == "1:1");
  CHECK(at("/a") == "2:8");
  CHECK(at("/a/0") == "2:9");
  CHECK(at("/a/1") == "2:12");
  CHECK(at("/a/2") == "3:5");
  CHECK(at("/a/3") == "3:13");
  CHECK(at("/b~0~1c") == "4:10");
  CHECK(at("/n") == "4:19");
  CHECK(at("/n/no/such") == "4:19");
  CHECK(doc.key_at("/a").column == 3);
  CHECK(doc.root()["a"][2] == -2500.0);
}

TEST_CASE("a text that is no JSON is answered with its line") {
  CHECK(mistake_in("{\n\"title\": \"x\",\n\"steps\": [}").starts_with("test.json:3:11: this is no JSON: "));
  CHECK(mistake_in("").starts_with("test.json:1:1: this is no JSON"));
  CHECK(mistake_in("{\"title\": \"x\",\n \"title\": \"y\", \"steps\": []}") ==
        "test.json:2:2: the key 'title' is here for the second time; the first one stands in line 1");
  CHECK(mistake_in("[]").starts_with("test.json:1:1: expected an object"));
}

TEST_CASE("an unknown word is answered with the nearest one") {
  CHECK(mistake_in("{\"title\": \"x\",\n\"stesp\": []}") ==
        "test.json:2:1: a script has no 'stesp'; did you mean 'steps'?");
  CHECK(mistake_in("{\"title\": \"x\"}") ==
        "test.json:1:1: a script needs 'steps': what happens, one step after the other");
  CHECK(mistake_in(script_of("\n{\"sned\": \"tick\", \"to\": \"c\"}")) ==
        "test.json:2:2: there is no step 'sned'; did you mean 'send'?");
  CHECK(mistake_in(script_of("\n\n  {\"spawn\": \"ecoer\"}")) ==
        "test.json:3:13: there is no actor 'ecoer'; did you mean 'echoer'?");
  CHECK(mistake_in(script_of("{\"spawn\": \"echoer\",\n\"arguments\": [1], \"at\": \"b\"}"))
            .starts_with("test.json:2:19: the step 'spawn' has no 'at'; did you mean 'as'"));
  CHECK(mistake_in(script_of("{\"spawn\": \"echoer\", \"arguments\": [1]},\n{\"kill\": \"echor\"}")) ==
        "test.json:2:10: no step gives a process the label 'echor'; did you mean 'echoer'?");
  CHECK(mistake_in(script_of("{\"start_node\":\n\"bob\"}", "{\"bop\": {}}")) ==
        "test.json:2:1: there is no node 'bob'; did you mean 'bop'?");
  CHECK(mistake_in(script_of("{\"wait\": \"1s\"}", "{\"b\": {\"kind\": \"erlnag\"}}")).find("did you mean 'erlang'?") !=
        std::string::npos);
  CHECK(mistake_in(script_of("{\"wait\": \"1 sec\"}")).find("expected a time: a number and ns, us, ms, s, min or h") !=
        std::string::npos);
}

TEST_CASE("a message is checked by its type before anything runs") {
  const std::string spawn = "{\"spawn\": \"echoer\", \"arguments\": [1]},\n";
  CHECK(mistake_in(script_of(spawn + "{\"send\": {\"bal\": {}}, \"to\": \"echoer\"}")) ==
        "test.json:2:18: there is no message 'bal'; did you mean 'ball'?");
  CHECK(mistake_in(script_of(spawn + "{\"send\": {\"fail\":\n{\"wy\": 1}}, \"to\": \"echoer\"}")) ==
        "test.json:3:8: the message 'fail' has no member 'wy'; did you mean 'why'?");
  const std::string wrong = mistake_in(script_of(spawn + "{\"send\": {\"fail\":\n{\"why\": 1}}, \"to\": \"echoer\"}"));
  CHECK(wrong.starts_with("test.json:3:9: in /fail/why: expected "));
  CHECK(wrong.ends_with("got 1"));
  CHECK(mistake_in(script_of(spawn + "{\"expect\": {\"caugth\": {}}}")).find("did you mean 'caught'?") !=
        std::string::npos);
  CHECK(mistake_in(script_of("{\"expect\": {\"caught\": {\"$at_lest\": 1}}}")).find("$at_le") != std::string::npos);
  CHECK(mistake_in(
            script_of(spawn + "{\"call\": {\"$term\": \"{a\"}, \"to\": \"echoer\", \"fails\": {\"$term\": \"{a\"}}"))
            .find("expected ',' or '}'") != std::string::npos);
}

TEST_CASE("a factory's arguments are checked before anything runs") {
  CHECK(mistake_in(script_of("{\"spawn\": \"echoer\"}")).find("takes 1 arguments") != std::string::npos);
  CHECK(mistake_in(script_of("{\"spawn\": \"echoer\",\n \"arguments\": [\"x\"]}"))
            .starts_with("test.json:2:15: the arguments of 'echoer': expected "));
}

TEST_CASE("one step is one thing") {
  CHECK(mistake_in(script_of("{\"kill\": \"self\",\n\"wait\": \"1s\"}")) ==
        "test.json:2:1: one step cannot be 'kill' and 'wait': make two of it");
  CHECK(mistake_in(script_of("{}")).find("this step does not say what it is") != std::string::npos);
  CHECK(mistake_in(script_of("7")).find("expected a step") != std::string::npos);
}

TEST_CASE("a variable needs something that gives it a value") {
  CHECK(mistake_in(script_of(
            "{\"spawn\": \"echoer\", \"arguments\": [1]}, {\"expect\": {\"caught\": {\"number\": \"$total\"}}},\n"
            "{\"send\": {\"ball\": {\"from\": \"$self\", \"number\": \"$totla\"}}, \"to\": \"echoer\"}")) ==
        "test.json:2:47: nothing gives '$totla' a value; did you mean 'total'?");
}

TEST_CASE("names are compared by letters put in, taken out, changed and swapped") {
  CHECK(script::edit_distance("send", "sned") == 1);
  CHECK(script::edit_distance("", "abc") == 3);
  CHECK(script::edit_distance("kitten", "sitting") == 3);
  CHECK(script::nearest("cal", {"kill", "call", "wait"}) == std::vector<std::string>{"call"});
  CHECK(script::suggestion("zzzzzz", {"b", "a"}) == "there are: a, b");
  CHECK(script::suggestion("x", {}).empty());
}

TEST_CASE("keys with / and ~, and the elements behind them, know where they stand") {
  const script::document doc("x.json", "{\"a/b\": {\"c~d\":\n [1,\n {\"e\": 2}]}}");
  CHECK(doc.value_at("/a~1b/c~0d/1/e").line == 3);
  CHECK(doc.key_at("/a~1b/c~0d").column == 10);
  CHECK(doc.key_at("/a~1b/c~0d/1/f").line == 3);  // that of the object around it
  CHECK(doc.key_at("/a~1b/c~0d/7").line == 2);
}

TEST_CASE("a term is read before anything runs, and its variables are known") {
  CHECK(mistake_in(script_of("{\"send\": {\"$term\": 3}, \"to\": \"self\"}")).find("expected a text") !=
        std::string::npos);
  CHECK(mistake_in(script_of("{\"send\": {\"$term\": \"{a, \"}, \"to\": \"self\"}"))
            .find("this is no Erlang term: expected a term, found the end") != std::string::npos);
  CHECK(
      mistake_in(script_of("{\"let\": {\"total\": 1}},\n{\"send\": {\"$term\": \"{a, $totla}\"}, \"to\": \"self\"}")) ==
      "test.json:2:20: nothing gives '$totla' a value; did you mean 'total'?");
  CHECK(mistake_in(script_of(
            "{\"send\": {\"$term\": \"[$\\\", <<\\\"$nobody\\\">>, '$nobody']\"}, \"to\": \"self\"}")) == "nothing");
  const std::string deep = std::string(600, '[') + std::string(600, ']');
  CHECK(mistake_in(script_of("{\"send\": {\"$term\": \"" + deep + "\"}, \"to\": \"self\"}"))
            .ends_with("nested deeper than 512 levels"));
  CHECK(
      mistake_in(script_of("{\"expect\": {\"$term\": \"" + deep + "\"}}")).ends_with("nested deeper than 512 levels"));
}

TEST_CASE("a name that no process can have, a function without one, and too long a reason are refused") {
  const std::string spawn = "{\"spawn\": \"echoer\", \"arguments\": [1], \"as\": \"e\"},\n";
  for (const std::string& name : {std::string(), std::string("undefined"), std::string(300, 'x')}) {
    CAPTURE(name);
    CHECK(mistake_in(script_of(spawn + "{\"register\": \"" + name + "\", \"process\": \"e\"}"))
              .starts_with("test.json:2:14: a process is registered under 1 to 255 characters"));
  }
  CHECK(mistake_in(script_of("{\"call\": {\"$term\": \"a\"}, \"to\": {\"name\": \"\"}}")).find("is registered under") !=
        std::string::npos);
  CHECK(mistake_in(script_of("{\"rpc\": \":\", \"on\": \"b\"}", "{\"b\": {}}")).find("expected \"module:function\"") !=
        std::string::npos);
  CHECK(mistake_in(script_of(spawn + "{\"exit\": \"e\", \"reason\": \"" + std::string(300, 'x') + "\"}"))
            .find("at most 255 characters") != std::string::npos);
}

TEST_CASE("what needs nodes is refused where there are none") {
  CHECK(mistake_in(script_of("{\"monitor_nodes\": true}")) ==
        "test.json:1:31: the step 'monitor_nodes' is for scripts with nodes: this one has none");
  CHECK(mistake_in(script_of("{\"note\": \"x\"}", "{\"b\": {\"modules\": [\"x.erl\"]}}")).find("of Erlang nodes") !=
        std::string::npos);
}

TEST_CASE("names that mean something already cannot be given to something else") {
  for (const char* name : {"self", "here", "round"}) {
    CAPTURE(name);
    CHECK(mistake_in(script_of("{\"note\": \"x\"}", "{\"" + std::string(name) + "\": {}}"))
              .find("no node can be called") != std::string::npos);
    CHECK(mistake_in(script_of("{\"let\": {\"" + std::string(name) + "\": 1}}")).find("cannot be given a value") !=
          std::string::npos);
  }
  CHECK(mistake_in(script_of("{\"spawn\": \"echoer\", \"arguments\": [1],\n\"as\": \"b\"}", "{\"b\": {}}"))
            .starts_with("test.json:2:7: 'b' is a node of this script"));
}

TEST_CASE("a pattern that says two things at once, or nothing, is refused") {
  const auto mistake = [](const std::string& pattern) {
    return mistake_in(script_of("{\"expect\": " + pattern + "}"));
  };
  CHECK(mistake("{\"$at_least\": 1, \"foo\": 3}").find("'$at_least' stands alone") != std::string::npos);
  CHECK(mistake("{\"$any_of\": [3], \"b\": 1}").find("'$any_of' stands alone") != std::string::npos);
  CHECK(mistake("{\"$any_of\": []}").find("at least one") != std::string::npos);
  CHECK(mistake("[1, \"...\", 3]").find("nothing can stand behind it") != std::string::npos);
  CHECK(mistake("{\"$at_least\": 1, \"$at_most\": 3}") == "nothing");
}

TEST_CASE("steps in steps that claim to be of many kinds are read once") {
  std::string steps = "{\"note\": \"x\"}";
  for (int i = 0; i < 60; ++i) steps = "{\"repeat\": 1, \"measure\": 1, \"steps\": [" + steps + "]}";
  CHECK(mistake_in(script_of(steps)).find("make two of it") != std::string::npos);
}

TEST_CASE("times have no exponents, in the schema and here") {
  CHECK_FALSE(script::duration_of("1e1ms"));
  CHECK_FALSE(script::duration_of("1.2.3s"));
  CHECK_FALSE(script::duration_of(".5s"));
  CHECK_FALSE(script::duration_of("5.s"));
  CHECK(script::duration_of("0.5s") == std::chrono::milliseconds(500));
}
