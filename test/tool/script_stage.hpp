// SPDX-License-Identifier: BSL-1.0
// Actors for the tests of scripts, and what a script says when it is run.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/net/tool/runner.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace script_test {

using namespace troupe;

struct echo {
  std::int64_t number;
  std::string text;
  using reply = std::int64_t;
};
struct ball {
  pid from;
  std::int64_t number;
};
struct caught {
  std::int64_t number;
};
struct fail {
  std::string why;
};
struct ask_back {
  pid whom;
};
struct question {
  std::int64_t number;
  using reply = std::int64_t;
};

inline process echoer(context& self, std::int64_t offset) {
  for (;;)
    co_await self.receive([&](request<echo> r) { r.reply(r->number + offset); },
                          [&](const ball& b) { self.send<caught>(b.from, b.number + offset); },
                          [&](const fail& f) { throw std::runtime_error(f.why); },
                          [&](ask_back a) -> task<> {
                            const pid whom = a.whom;
                            const std::int64_t answer = co_await self.call<question>(whom, 20);
                            self.send<caught>(whom, answer);
                          });
}

inline void test_actors(script::actors& a) {
  a.add("echoer", echoer).takes<echo, ball, fail, ask_back>().about("adds a number to what it gets");
  a.messages<caught, question>();
}

inline const script::actors& known() {
  static const script::actors all = [] {
    script::actors made;
    test_actors(made);
    return made;
  }();
  return all;
}

/// What a script with these steps says, and how it ends.
struct outcome {
  int code;
  std::string output;
  bool says(const std::string& text) const { return output.find(text) != std::string::npos; }
};

inline outcome run_text(const std::string& text, std::optional<std::uint64_t> seed = {},
                        script::run_settings settings = {}) {
  const script::script what = script::parse_script("test.json", text, known());
  set_log_level(log_level::off);
  char* buffer = nullptr;
  std::size_t size = 0;
  settings.output = ::open_memstream(&buffer, &size);
  settings.seed = seed;
  outcome o{};
  o.code = script::run_script(what, known(), settings);
  std::fclose(settings.output);
  o.output.assign(buffer, size);
  std::free(buffer);
  return o;
}

/// The steps in a script; `nodes` is what stands behind that key.
inline std::string script_of(const std::string& steps, const std::string& nodes = {}) {
  return "{\"title\": \"a test\", " + (nodes.empty() ? std::string() : "\"nodes\": " + nodes + ", ") + "\"steps\": [" +
         steps + "]}";
}

/// On threads and in a simulation: it passes.
inline void check_passes(const std::string& steps) {
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(3)}) {
    const outcome o = run_text(script_of(steps), seed);
    CHECK_MESSAGE(o.code == 0, o.output);
  }
}

/// What is wrong with a script.
inline std::string mistake_in(const std::string& text) {
  try {
    script::parse_script("test.json", text, known());
  } catch (const script::script_error& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace script_test
