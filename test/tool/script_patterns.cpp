// SPDX-License-Identifier: BSL-1.0
// Patterns: what fits them, what they bind, and what is said when nothing does.
#include "tool/script_stage.hpp"

#include <troupe/net/tool/pattern.hpp>

#include <string>
#include <vector>

using namespace script_test;
using nlohmann::json;

namespace {

struct trial {
  script::identities pids;
  script::vocabulary words{known(), pids};
  script::variables values;

  bool fits(const char* pattern, const char* got) {
    return script::fits(json::parse(pattern), json::parse(got), values, words);
  }
  std::string differences(const char* pattern, const char* got) {
    std::vector<script::difference> why;
    CHECK_FALSE(script::fits(json::parse(pattern), json::parse(got), values, words, &why));
    std::string text;
    for (const script::difference& d : why) text += d.pointer + ": " + d.what + "\n";
    return text;
  }
};

}  // namespace

TEST_CASE("a pattern fits what it says, and wildcards fit anything") {
  trial t;
  CHECK(t.fits("1", "1"));
  CHECK_FALSE(t.fits("1", "2"));
  CHECK(t.fits("\"_\"", "{\"a\": [1]}"));
  CHECK(t.fits("{\"a\": 1}", "{\"a\": 1, \"b\": 2}"));
  CHECK_FALSE(t.fits("{\"c\": 1}", "{\"a\": 1}"));
  CHECK(t.fits("[1, \"_\"]", "[1, 2]"));
  CHECK_FALSE(t.fits("[1]", "[1, 2]"));
  CHECK(t.fits("[1, \"...\"]", "[1, 2, 3]"));
  CHECK(t.fits("{\"$any_of\": [1, 2]}", "2"));
  CHECK_FALSE(t.fits("{\"$any_of\": [1, 2]}", "3"));
  CHECK(t.fits("{\"$at_least\": 2, \"$at_most\": 4}", "3"));
  CHECK_FALSE(t.fits("{\"$at_least\": 2}", "1"));
  CHECK(t.fits("\"ok\"", "{\"$atom\": \"ok\"}"));
  CHECK(t.fits("\"$$x\"", "\"$x\""));
  CHECK(t.fits("{\"reset\": {}}", "\"reset\""));
}

TEST_CASE("a variable is bound by the first fit and compared by the next") {
  trial t;
  CHECK(t.fits("{\"a\": \"$x\", \"b\": \"$x\"}", "{\"a\": 1, \"b\": 1}"));
  CHECK(t.values["x"] == 1);
  CHECK_FALSE(t.fits("\"$x\"", "2"));
  CHECK_FALSE(t.fits("{\"a\": \"$y\", \"b\": 3}", "{\"a\": 1, \"b\": 4}"));
  CHECK(t.values.count("y") == 0);  // what does not fit binds nothing
}

TEST_CASE("a term is written as Erlang writes it, with wildcards and variables") {
  trial t;
  CHECK(t.fits("{\"$term\": \"{error, _}\"}", "{\"$tuple\": [{\"$atom\": \"error\"}, {\"$atom\": \"enoent\"}]}"));
  CHECK(t.fits("{\"$term\": \"{ok, $n}\"}", "{\"$tuple\": [{\"$atom\": \"ok\"}, 7]}"));
  CHECK(t.values["n"] == 7);
  CHECK_FALSE(t.fits("{\"$term\": \"{ok, $n}\"}", "{\"$tuple\": [{\"$atom\": \"ok\"}, 8]}"));
  CHECK(t.fits("{\"$term\": \"<<\\\"_ $n\\\">>\"}", "\"_ $n\""));  // not in texts
}

TEST_CASE("a difference says where, what was expected and what there is") {
  trial t;
  CHECK(t.differences("{\"a\": {\"b\": [1, 2]}}", "{\"a\": {\"b\": [1, 3]}}") == "/a/b/1: expected 2, got 3\n");
  CHECK(t.differences("{\"number\": 1, \"x\": 1}", "{\"nubmer\": 1, \"x\": 1}") ==
        ": there is no member 'number'; did you mean 'nubmer'?\n");
  CHECK(t.differences("[1]", "[1, 2]") == ": expected 1 elements, got 2: [1, 2]\n");
}

TEST_CASE("times are numbers with a unit") {
  using namespace std::chrono_literals;
  CHECK(script::duration_of("100ms") == 100ms);
  CHECK(script::duration_of("1.5s") == 1500ms);
  CHECK(script::duration_of("2min") == 2min);
  CHECK_FALSE(script::duration_of("5"));
  CHECK_FALSE(script::duration_of("-1s"));
  CHECK_FALSE(script::duration_of("1 s"));
}

TEST_CASE("a text in a term is that text, whatever it reads like") {
  trial t;
  CHECK_FALSE(t.fits("{\"$term\": \"<<\\\"_\\\">>\"}", "\"xyz\""));
  CHECK(t.fits("{\"$term\": \"<<\\\"_\\\">>\"}", "\"_\""));
  CHECK_FALSE(t.fits("{\"$term\": \"<<\\\"$q\\\">>\"}", "\"xyz\""));
  CHECK(t.fits("{\"$term\": \"{<<\\\"$q\\\">>, <<\\\"...\\\">>}\"}", "{\"$tuple\": [\"$q\", \"...\"]}"));
  CHECK_FALSE(t.fits("{\"$term\": \"[1, <<\\\"...\\\">>]\"}", "[1, 2, 3]"));
  CHECK(t.fits("{\"$term\": \"'$ancestors'\"}", "{\"$atom\": \"$ancestors\"}"));
  CHECK(t.values.empty());
  CHECK(script::variables_of(json::parse("{\"$term\": \"{$a, <<\\\"$q\\\">>, [$\\\", $b]}\"}")) ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE("a term's atom is no text, and what has no JSON of its own is compared as it prints") {
  trial t;
  CHECK_FALSE(t.fits("{\"$term\": \"<<\\\"ok\\\">>\"}", "{\"$atom\": \"ok\"}"));
  CHECK(t.fits("{\"$term\": \"ok\"}", "\"ok\""));  // as types write their atoms
  CHECK(t.fits("{\"$term\": \"123456789012345678901234567890\"}", "{\"$term\": \"123456789012345678901234567890\"}"));
  CHECK_FALSE(t.fits("{\"$term\": \"<<1:3>>\"}", "{\"$term\": \"<<2:3>>\"}"));
}

TEST_CASE("[H|T] takes a list apart") {
  trial t;
  CHECK(t.fits("{\"$term\": \"[$h|$t]\"}", "[1, 2, 3]"));
  CHECK(t.values["h"] == 1);
  CHECK(t.values["t"] == json::parse("[2, 3]"));
  CHECK(t.fits("{\"$term\": \"[_, _|$rest]\"}", "[1, 2]"));
  CHECK(t.values["rest"] == json::array());
  CHECK(t.fits("{\"$term\": \"[1|$i]\"}", "{\"$improper_list\": [[1, 2], 3]}"));
  CHECK(t.values["i"] == json::parse("{\"$improper_list\": [[2], 3]}"));
  CHECK_FALSE(t.fits("{\"$term\": \"[_|_]\"}", "[]"));
  CHECK_FALSE(t.fits("{\"$term\": \"[1|2]\"}", "[1]"));
}

TEST_CASE("a map in a term fits by its keys") {
  trial t;
  const char* map = "{\"$map\": [[{\"$atom\": \"a\"}, 1], [{\"$atom\": \"b\"}, 2]]}";
  CHECK(t.fits("{\"$term\": \"#{a => $x}\"}", map));
  CHECK(t.values["x"] == 1);
  CHECK(t.fits("{\"$term\": \"#{}\"}", map));
  CHECK(t.fits("{\"$term\": \"#{$key => 2}\"}", map));
  CHECK(t.values["key"] == json::parse("{\"$atom\": \"b\"}"));
  CHECK(t.fits("{\"$term\": \"#{<<\\\"n\\\">> => _}\"}", "{\"n\": 1, \"m\": 2}"));
  CHECK(t.differences("{\"$term\": \"#{b => 3}\"}", map) == "/b: expected 3, got 2\n");
  CHECK(t.differences("{\"$term\": \"#{c => _}\"}", map) == ": there is no key c in #{a => 1, b => 2}\n");
}

TEST_CASE("a pattern is shown with what its variables are") {
  trial t;
  t.values["v"] = 1;
  CHECK(script::print_pattern("$v", t.values, t.words) == "1 ($v)");
  CHECK(script::print_pattern(json::parse("{\"a\": \"$v\", \"b\": \"$w\"}"), t.values, t.words) ==
        "{\"a\": 1, \"b\": \"$w\"}");
  CHECK(script::print_pattern(json::parse("{\"$term\": \"{$v, _}\"}"), t.values, t.words) == "{1, _}");
}

TEST_CASE("a term that nests too deeply for JSON is shown as such") {
  trial t;
  term deep;
  for (int i = 0; i < 5000; ++i) deep = term::list({deep});
  CHECK(t.words.print(t.words.show_message(deep)) == "a term nested too deeply");
  term tuples;
  for (int i = 0; i < 400; ++i) tuples = term::tuple({tuples});
  CHECK(t.words.print(t.words.show_value(tuples)).starts_with("{{{{"));
}
