// SPDX-License-Identifier: BSL-1.0
// Applications: dependencies, environments, phases, order of stopping. After OTP's application_SUITE.
#include "../actors/everywhere.hpp"
#include "counter.hpp"

#include <troupe/actors/behaviours/application.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace behaviour_test;
using troupe_test::everywhere;

namespace {

/// What the applications of these tests say to their recorder, in order: whoever says something waits until it is
/// written down.
struct said {
  std::string what;
  using reply = void;
};
struct heard {
  std::size_t count;
  using reply = std::vector<std::string>;
};

/// Answers a `heard` when there are so many.
process recorder(context& self) {
  std::vector<std::string> list;
  for (;;)
    co_await self.receive(
        [&](request<said> r) {
          list.push_back(r->what);
          r.reply();
        },
        when([&](const heard& h) { return list.size() >= h.count; },
             [&](request<heard> r) { r.reply(std::exchange(list, {})); }));
}

class root_server : public gen_server {
 public:
  root_server(std::string name, pid told) : name_(std::move(name)), told_(told) { self().trap_exit(true); }
  task<> terminate(const term& reason) {
    const std::string text = name_ + " ends: " + reason.to_string();
    co_await self().call<said>(told_, text);
  }
  int read(const get&) { return 1; }
  std::string end(const finish& m) {
    stop(m.reason);
    return "bye";
  }
  using handles = handlers<call<&root_server::read>, call<&root_server::end>>;

 private:
  std::string name_;
  pid told_;
};

application app_named(const std::string& name, pid told, std::vector<application> needs = {}) {
  application app;
  app.name = name;
  app.dependencies = std::move(needs);
  app.start = [name, told](context& self, const environment&) -> task<start_result> {
    const std::string text = name + " starts";
    co_await self.call<said>(told, text);
    const start_options options{.name = name + "_root"};
    co_return co_await self.try_start_link<root_server>(options, name, told);
  };
  app.stop = [] {};
  return app;
}

using words = std::vector<std::string>;

}  // namespace

TEST_CASE("an application is started after those it depends on, each of them once, and all stop in reverse order") {
  everywhere([](context& self) -> process {
    co_await start_application_controller(self);
    const pid me = self.spawn(recorder);
    const application store = app_named("store", me);
    application shop = app_named("shop", me, {store, app_named("mail", me, {store})});
    const start_result r = co_await start_application(self, shop);
    CHECK(r.started());
    CHECK(r.process == self.whereis("shop_root"));
    const words starts = co_await self.call<heard>(me, 3U);
    CHECK(starts == words{"store starts", "mail starts", "shop starts"});
    const auto running = co_await which_applications(self);
    REQUIRE(running.size() == 3);
    CHECK(running[0].name == "store"_atom);
    CHECK(running[1].name == "mail"_atom);
    CHECK(running[2].name == "shop"_atom);
    co_await stop_all_applications(self);
    const words ends = co_await self.call<heard>(me, 3U);
    CHECK(ends == words{"shop ends: shutdown", "mail ends: shutdown", "store ends: shutdown"});
    const auto none = co_await which_applications(self);
    CHECK(none.empty());
  });
}

TEST_CASE("an application that runs is not started again") {
  everywhere([](context& self) -> process {
    co_await start_application_controller(self);
    const application app_1 = app_named("shop", self.spawn(recorder));
    const start_result first = co_await start_application(self, app_1);
    const application app_2 = app_named("shop", self.spawn(recorder));
    const start_result second = co_await start_application(self, app_2);
    CHECK(first.started());
    CHECK(second.reason == term::tuple({"already_started"_atom, "shop"_atom}));
    const bool stopped = co_await stop_application(self, "shop");
    CHECK(stopped);
    const bool again = co_await stop_application(self, "shop");
    CHECK(!again);
    const application app_3 = app_named("shop", self.spawn(recorder));
    const start_result third = co_await start_application(self, app_3);
    CHECK(third.started());
  });
}

TEST_CASE("a start that fails says why, and so does one whose dependency fails") {
  everywhere([](context& self) -> process {
    co_await start_application_controller(self);
    application broken;
    broken.name = "broken";
    broken.start = [](context& me, const environment&) -> task<start_result> {
      return me.try_start_link<counter>({}, -2);
    };
    const start_result r = co_await start_application(self, broken);
    CHECK(r.what == start_result::outcome::failed);
    CHECK(r.reason == term("bad_start"_atom));
    application outer = app_named("outer", self.spawn(recorder), {broken});
    const start_result o = co_await start_application(self, outer);
    CHECK(o.reason == term::tuple({"broken"_atom, "bad_start"_atom}));
    const auto running = co_await which_applications(self);
    CHECK(running.empty());
  });
}

TEST_CASE("the configuration replaces an environment's defaults, and errors name application and key") {
  everywhere([](context& self) -> process {
    const std::string configuration = R"({"shop": {"port": 8080, "hosts": ["a", "b"]}, "other": {"port": 1}})";
    co_await start_application_controller(self, configuration);
    application shop = app_named("shop", self.spawn(recorder));
    shop.environment = R"({"port": 80, "title": "Shop"})";
    static_cast<void>(co_await start_application(self, shop));
    const environment env = co_await get_environment(self, "shop");
    CHECK(env.get<int>("port") == 8080);
    CHECK(env.get<std::string>("title") == "Shop");
    CHECK(env.get<std::vector<std::string>>("hosts") == std::vector<std::string>{"a", "b"});
    CHECK(env.get<int>("retries", 3) == 3);
    CHECK(!env.find<int>("retries"));
    std::string wrong;
    try {
      static_cast<void>(env.get<int>("title"));
    } catch (const environment_error& e) {
      wrong = e.what();
    }
    CHECK(wrong.find("shop, key title: ") != std::string::npos);
    CHECK(wrong.find("integer") != std::string::npos);
    CHECK_THROWS_AS(env.get<int>("missing"), environment_error);
  });
}

TEST_CASE("a configuration that is no JSON object of objects is refused, with the place") {
  everywhere([](context& self) -> process {
    std::vector<std::string> errors;
    for (const char* text : {"{\"shop\": ", "[1]", "{\"shop\": 3}"}) {
      try {
        co_await start_application_controller(self, text);
      } catch (const environment_error& e) {
        errors.push_back(e.what());
      }
    }
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].find("line 1") != std::string::npos);
    CHECK(errors[1].find("no JSON object") != std::string::npos);
    CHECK(errors[2].find("shop") != std::string::npos);
  });
}

TEST_CASE("start phases run in order once the root runs; one that fails stops it again") {
  everywhere([](context& self) -> process {
    co_await start_application_controller(self);
    const pid me = self.spawn(recorder);
    application shop = app_named("shop", me);
    shop.start_phases = {"fill", "open"};
    shop.start_phase = [me](context& master, std::string_view phase) -> task<> {
      const std::string text = "phase " + std::string(phase);
      co_await master.call<said>(me, text);
      if (phase == "open") throw std::runtime_error("closed today");
      co_return;
    };
    const start_result r = co_await start_application(self, shop);
    CHECK(r.reason == term::tuple({"start_phase"_atom, "open"_atom, "closed today"}));
    const words all = co_await self.call<heard>(me, 4U);
    CHECK(all == words{"shop starts", "phase fill", "phase open", "shop ends: shutdown"});
  });
}

TEST_CASE("the end of a permanent application stops all others, the last one first") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    co_await start_application_controller(self);
    const pid me = self.spawn(recorder);
    const application app_4 = app_named("one", me);
    static_cast<void>(co_await start_application(self, app_4));
    const application app_5 = app_named("two", me);
    static_cast<void>(co_await start_application(self, app_5, application_type::permanent));
    const application app_6 = app_named("three", me);
    static_cast<void>(co_await start_application(self, app_6));
    self.spawn(
        [](context& child, pid told) -> process {
          term reason = co_await await_applications_end(child);
          const std::string text = "all ended: " + reason.to_string();
          co_await child.call<said>(told, text);
        },
        me);
    static_cast<void>(co_await self.call<heard>(me, 3U));
    static_cast<void>(co_await self.call<finish>(server<root_server>("two_root"), term("broken_down"_atom)));
    const words all = co_await self.call<heard>(me, 4U);
    CHECK(all ==
          words{"two ends: broken_down", "three ends: shutdown", "one ends: shutdown", "all ended: broken_down"});
  });
}

TEST_CASE("the end of a temporary application, and the normal one of a transient, end nothing else") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    co_await start_application_controller(self);
    const pid me = self.spawn(recorder);
    const application app_7 = app_named("one", me);
    static_cast<void>(co_await start_application(self, app_7));
    const application app_8 = app_named("two", me);
    static_cast<void>(co_await start_application(self, app_8, application_type::transient));
    const application app_9 = app_named("three", me);
    static_cast<void>(co_await start_application(self, app_9));
    static_cast<void>(co_await self.call<finish>(server<root_server>("two_root"), term("normal"_atom)));
    static_cast<void>(co_await self.call<finish>(server<root_server>("three_root"), term("odd"_atom)));
    // Their masters tell the controller before they end.
    for (;;) {
      const auto running = co_await which_applications(self);
      if (running.size() == 1) {
        CHECK(running[0].name == "one"_atom);
        break;
      }
      co_await self.sleep(1ms);
    }
  });
}

TEST_CASE("a root that does not stop in time is killed") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    co_await start_application_controller(self);
    application stubborn;
    stubborn.name = "stubborn";
    stubborn.shutdown = 100ms;
    stubborn.start = [](context& me, const environment&) -> task<start_result> {
      start_result r;
      r.process = me.spawn_link([](context& child) -> process {
        child.trap_exit(true);
        for (;;) co_await child.receive([](const exit_signal&) {}, [](request<get> asked) { asked.reply(1); });
      });
      static_cast<void>(co_await me.call<get>(r.process));  // it traps exits now
      co_return r;
    };
    const start_result r = co_await start_application(self, stubborn);
    const reference watch = self.monitor(r.process);
    const bool stopped = co_await stop_application(self, "stubborn");
    CHECK(stopped);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
  });
}
