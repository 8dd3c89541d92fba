// SPDX-License-Identifier: BSL-1.0
// Specifications of children: checks, JSON, and what is said of children that end.
#include "supervised.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <sstream>

using namespace supervisor_test;
using nlohmann::json;

namespace {

child_spec counter_spec(child_id id) {
  child_spec spec;
  spec.id = std::move(id);
  spec.start = child_of<counter>({}, 1);
  return spec;
}

bool names(const check_result& r, const char* what) {
  return r.text.find(what) != std::string::npos;
}

std::string json_error(const json& from) {
  try {
    static_cast<void>(supervisor_init_from_json(from));
  } catch (const child_spec_error& e) {
    return e.what();
  }
  return "none";
}

json with_child(const char* member) {
  json child = json::parse(R"({"id": "a", "start": "json_counter", "arguments": [1]})");
  child.update(json::parse(member));
  return json{{"children", json::array({child})}};
}

}  // namespace

TEST_CASE("check finds what a start would fail by, and names the child and the value") {
  CHECK(supervisor::check({}));
  CHECK(supervisor::check({counter_spec("a"), counter_spec("b")}));
  const check_result twice = supervisor::check({counter_spec("a"), counter_spec("b"), counter_spec("a")});
  CHECK(twice.reason == term::parse("{duplicate_child_name,a}"));
  CHECK(names(twice, "id a"));
  child_spec spec = counter_spec("c");
  spec.shutdown = -1s;
  const check_result shutdown = supervisor::check({spec});
  CHECK(shutdown.reason == term::parse("{invalid_shutdown,-1}"));
  CHECK(names(shutdown, "the shutdown of the child c is -1"));
  spec = counter_spec("d");
  spec.modules = term::parse("[m,1]");
  CHECK(supervisor::check({spec}).reason == term::parse("{invalid_module,1}"));
  spec = counter_spec("e");
  spec.back_off = back_off{.min = 2s, .max = 1s};
  const check_result waits = supervisor::check({spec});
  CHECK(waits.reason.is_tuple("invalid_back_off"_atom));
  CHECK(names(waits, "child e"));
}

TEST_CASE("a significant child is not permanent, and its supervisor shuts down by itself") {
  child_spec spec = counter_spec("a");
  spec.significant = true;
  CHECK(supervisor::check({spec}).reason == term::parse("{bad_combination,[{restart,permanent},{significant,true}]}"));
  spec.restart = transient;
  CHECK(supervisor::check({spec}));
  CHECK(supervisor::check({spec}, auto_shutdown::any_significant));
  CHECK(supervisor::check({spec}, auto_shutdown::never).reason ==
        term::parse("{bad_combination,[{auto_shutdown,never},{significant,true}]}"));
}

TEST_CASE("ids are atoms where they are text, else any term") {
  CHECK(child_id("a").value() == term("a"_atom));
  CHECK(child_id(std::string("a")).value() == term("a"_atom));
  CHECK(child_id(7).value() == term(7));
  CHECK(child_id(term::parse("{a,1}")).value() == term::parse("{a,1}"));
  CHECK(!child_id());
  CHECK(supervisor::check({counter_spec(1), counter_spec(2)}));
}

TEST_CASE("a specification is OTP's map") {
  child_spec spec;
  spec.id = "a";
  spec.start = child_of<counter>({}, 5);
  CHECK(spec.to_term() == term::parse("#{id => a,start => {counter,start_link,[5]},restart => permanent,"
                                      "significant => false,shutdown => 5000,type => worker,modules => [counter]}"));
  spec.start = child_of<supervisor>({}, supervisor_flags());
  const term nested = spec.to_term();
  CHECK(*nested.find("type"_atom) == term("supervisor"_atom));
  CHECK(*nested.find("shutdown"_atom) == term("infinity"_atom));
  spec.shutdown = brutal_kill;
  CHECK(*spec.to_term().find("shutdown"_atom) == term("brutal_kill"_atom));
}

TEST_CASE("a tree of supervisors is read from JSON and runs") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    register_child_factory("json_counter", child_of<counter>({}, later<int>));
    register_child_factory("json_plain", child_of(plain));
    const json document = json::parse(R"({
      "strategy": "rest_for_one", "intensity": 3, "period": 2000,
      "children": [
        {"id": "a", "start": "json_counter", "arguments": [5], "restart": "transient", "shutdown": 100},
        {"id": 2, "start": "json_plain", "shutdown": "brutal_kill", "modules": ["m"],
         "back_off": {"min": 10, "max": 50, "factor": 1.5}},
        {"id": "inner", "name": "inner", "supervisor": {
          "strategy": "simple_one_for_one", "auto_shutdown": "any_significant",
          "children": [{"id": "c", "start": "json_counter", "restart": "temporary", "significant": true}]}}
      ]})");
    supervisor_init init = supervisor_init_from_json(document);
    CHECK(init.flags.strategy == rest_for_one);
    CHECK(init.flags.intensity == 3);
    CHECK(init.flags.period == 2s);
    REQUIRE(init.children.size() == 3);
    CHECK(init.children[0].restart == transient);
    CHECK(init.children[0].shutdown == child_shutdown(100ms));
    CHECK(init.children[1].id == child_id(2));
    CHECK(init.children[1].back_off == back_off{.min = 10ms, .max = 50ms, .factor = 1.5});
    const auto sup = co_await self.start<supervisor>({}, init.flags, init.children);
    const auto all = co_await which_children(self, sup);
    REQUIRE(all.size() == 3);
    const int n = co_await self.call(server<counter>(all[2].process), get{});
    CHECK(n == 5);
    const start_result c = co_await start_child(self, "inner", 8);
    const int m = co_await self.call(server<counter>(c.process), get{});
    CHECK(m == 8);
  });
}

TEST_CASE("a mistake in JSON is named with its path") {
  register_child_factory("json_counter", child_of<counter>({}, later<int>));
  CHECK(json_error(with_child("{}")) == "none");
  CHECK(json_error(with_child(R"({"restart": "always"})")) ==
        R"(troupe: /children/0/restart: expected permanent, transient or temporary, got "always")");
  CHECK(json_error(with_child(R"({"shutdown": -1})")) ==
        "troupe: /children/0/shutdown: expected milliseconds, infinity or brutal_kill, got -1");
  CHECK(json_error(with_child(R"({"type": 1})")) == "troupe: /children/0/type: expected worker or supervisor, got 1");
  CHECK(json_error(with_child(R"({"start": "nobody_made_this"})")) ==
        R"(troupe: /children/0/start: expected a name of register_child_factory, got "nobody_made_this")");
  CHECK(json_error(with_child(R"({"back_off": {"factor": 0}})")) ==
        "troupe: /children/0/back_off/factor: expected a number of 1 or more, got 0");
  CHECK(json_error(with_child(R"({"modules": ["m", 1]})")) == "troupe: /children/0/modules/1: expected a name, got 1");
  CHECK(json_error(with_child(R"({"restrat": "permanent"})")).find("/children/0/restrat: expected one of the keys") !=
        std::string::npos);
  CHECK(json_error(with_child(R"({"significant": true, "restart": "transient"})"))
            .find("troupe: /children/0: the child a is significant") == 0);
  CHECK(json_error(json::parse(R"({"children": [], "strategy": "none"})")).find("/strategy: expected one_for_one") !=
        std::string::npos);
  CHECK(json_error(json::parse(R"({"children": [], "period": 0})")).find("/period: expected") != std::string::npos);
  CHECK(json_error(json::parse("{}")) == "troupe: /: expected children, got {}");
  json twice = with_child("{}");
  twice["children"].push_back(twice["children"][0]);
  CHECK(json_error(twice) == R"(troupe: /children/1/id: expected an id that no other child has, got "a")");
  CHECK_THROWS_AS(child_specs_from_json(json::parse("7")), child_spec_error);
}

TEST_CASE("a supervisor reports in OTP's words who ended, and why") {
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  {
    actor_system_options options = troupe_test::quiet_options(1);
    options.log_crashes = true;
    set_log_level(log_level::error);
    actor_system sys(options);
    bool done = false;
    sys.wait(sys.spawn([&](context& self) -> process {
      const std::vector<child_spec> children{{.id = "p", .start = child_of(spawn_options{.name = "p"}, plain)}};
      const auto sup = co_await self.start<supervisor>({.name = "sup"}, flags_of(one_for_one, 1), children);
      const reference watch = self.monitor(sup.pid());
      for (int i = 0; i < 2; ++i) {
        const pid old = self.whereis("p");
        self.send<end_with>("p", "crash"_atom);
        static_cast<void>(co_await reason_of(self, old));
        if (i == 0) static_cast<void>(co_await which_children(self, sup));
        while (i == 0 && (!self.whereis("p") || self.whereis("p") == old)) co_await self.yield();
      }
      co_await self.receive(when([&](const down& d) { return d.ref == watch; }, [](const down&) {}));
      done = true;
    }));
    CHECK(done);
  }
  spdlog::set_default_logger(before);
  set_log_level(log_level::info);
  const std::string log = text.str();
  CHECK(log.find("supervisor: {local,sup}\n    errorContext: child_terminated\n    reason: crash\n    offender: "
                 "[{pid,<0.") != std::string::npos);
  CHECK(log.find("{id,p},{mfargs,{troupe,spawn_link,[]}},{restart_type,permanent},{significant,false},{shutdown,5000},"
                 "{child_type,worker}]") != std::string::npos);
  CHECK(log.find("errorContext: shutdown\n    reason: reached_max_restart_intensity") != std::string::npos);
}
