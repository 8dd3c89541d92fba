// SPDX-License-Identifier: BSL-1.0
// supervisor: starting and restarting its children. After the cases of OTP's supervisor_SUITE.
#include "supervised.hpp"

using namespace supervisor_test;

// --- starting -------------------------------------------------------------------------------------------------------

TEST_CASE("children start in the order of their specifications and end in reverse order") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c"}, j);
    const auto sup = co_await self.start<supervisor>({.name = "sup"}, flags_of(one_for_one), children);
    CHECK(self.whereis("sup") == sup.pid());
    co_await stop(self, sup, "shutdown"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "+b", "+c", "-c", "-b", "-a"});
  });
}

TEST_CASE("a supervisor without children runs, and counts none") {
  everywhere([](context& self) -> process {
    const auto sup = co_await self.start_link<supervisor>({});
    const auto children = co_await which_children(self, sup);
    CHECK(children.empty());
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts == child_counts{});
  });
}

TEST_CASE("a child that cannot be started ends those before it, and fails the start") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const auto j = co_await open_journal(self);
    co_await plan(self, j, "c", "fail");
    const auto children = specs_of({"a", "b", "c", "d"}, j);
    const start_result r = co_await self.try_start_link<supervisor>({.name = "sup"}, flags_of(one_for_one), children);
    CHECK(r.reason == term::parse("{shutdown,{failed_to_start_child,c,failed}}"));
    CHECK(self.whereis("sup") == pid());
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "+b", "+c fail", "-b", "-a"});
  });
}

TEST_CASE("an exception out of a child's init is the reason of the failed start") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    co_await plan(self, j, "a", "throw");
    const auto children = specs_of({"a"}, j);
    const start_result r = co_await self.try_start<supervisor>({}, flags_of(one_for_one), children);
    CHECK(r.reason == term::parse(R"({shutdown,{failed_to_start_child,a,{error,<<"thrown">>}}})"));
  });
}

TEST_CASE("a child that is ignored stays without a process, unless it is temporary") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    co_await plan(self, j, "a", "ignore");
    co_await plan(self, j, "b", "ignore");
    const std::vector<child_spec> children{spec_of("a", j), spec_of("b", j, temporary), spec_of("c", j)};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined, c");
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts == child_counts{.specs = 2, .active = 1, .supervisors = 0, .workers = 2});
  });
}

TEST_CASE("flags that make no sense fail the start, and say which") {
  everywhere([](context& self) -> process {
    const start_result a = co_await self.try_start<supervisor>({}, flags_of(one_for_one, -1));
    CHECK(a.reason == term::parse("{supervisor_data,{invalid_intensity,-1}}"));
    const start_result b = co_await self.try_start<supervisor>({}, flags_of(one_for_one, 1, 0s));
    CHECK(b.reason == term::parse("{supervisor_data,{invalid_period,0}}"));
  });
}

TEST_CASE("two children of one id fail the start") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "a"}, j);
    const start_result r = co_await self.try_start<supervisor>({}, flags_of(one_for_one), children);
    CHECK(r.reason == term::parse("{start_spec,{duplicate_child_name,a}}"));
    const strings events = co_await news_of(self, j);
    CHECK(events.empty());
  });
}

namespace supervisor_test {

class shop : public supervisor {
 public:
  shop(server<journal> j, int counters) : journal_(j), counters_(counters) {}
  supervisor_init init() {
    if (counters_ < 0) return ignore;
    if (counters_ > 9) throw std::runtime_error("too many");
    supervisor_init what(flags_of(one_for_all), {});
    for (int i = 0; i < counters_; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      what.children.push_back(spec_of(name.c_str(), journal_));
    }
    return what;
  }

 private:
  server<journal> journal_;
  int counters_;
};

class slow_shop : public supervisor {
 public:
  task<supervisor_init> init() {
    co_await self().sleep(1s);
    co_return supervisor_init(supervisor_flags(), {});
  }
};

}  // namespace supervisor_test

TEST_CASE("a class derived from supervisor says in its init what there is to supervise") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await self.start_link<shop>({}, j, 3);
    static_assert(std::is_same_v<decltype(sup), const server<shop>>);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c");
    const start_result ignored = co_await self.try_start<shop>({}, j, -1);
    CHECK(ignored.what == start_result::outcome::ignored);
    const start_result failed = co_await self.try_start<shop>({}, j, 10);
    CHECK(failed.reason == term::parse(R"({error,<<"too many">>})"));
    const auto slow = co_await self.start<slow_shop>({});
    const child_counts none = co_await count_children(self, slow);
    CHECK(none.specs == 0);
  });
}

TEST_CASE("a supervisor in a supervisor ends its children before it ends itself") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> inner = specs_of({"b", "c"}, j);
    std::vector<child_spec> outer = specs_of({"a"}, j);
    child_spec nested;
    nested.id = "inner";
    nested.start = child_of<supervisor>({.name = "inner"}, flags_of(one_for_one), inner);
    outer.push_back(nested);
    outer.push_back(spec_of("d", j));
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), outer);
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts == child_counts{.specs = 3, .active = 3, .supervisors = 1, .workers = 2});
    co_await stop(self, sup, "shutdown"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "+b", "+c", "+d", "-d", "-c", "-b", "-a"});
  });
}

// --- when a child ends ----------------------------------------------------------------------------------------------

TEST_CASE("a permanent child is restarted whatever it ended with") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    for (const char* reason : {"normal", "shutdown", "{shutdown,x}", "crash"}) {
      const pid before = self.whereis("a");
      co_await end_member(self, "a", term::parse(reason));
      const pid now = self.whereis("a");
      CHECK(now);
      CHECK(now != before);
    }
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a");
  });
}

TEST_CASE("a transient child is restarted when it did not end in good order; its specification stays") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c", "d"}, j, transient);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    co_await end_member(self, "a", "normal"_atom);
    co_await end_member(self, "b", "shutdown"_atom);
    co_await end_member(self, "c", term::parse("{shutdown,x}"));
    co_await end_member(self, "d", "crash"_atom);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined, b undefined, c undefined, d");
  });
}

TEST_CASE("a temporary child is never restarted, and its specification goes") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c"}, j, temporary);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    co_await end_member(self, "a", "normal"_atom);
    co_await end_member(self, "b", "crash"_atom);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "c");
  });
}

TEST_CASE("a killed child is restarted") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j, permanent), spec_of("b", j, transient),
                                           spec_of("c", j, temporary)};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    for (const char* name : {"a", "b", "c"}) self.exit(self.whereis(name), "kill"_atom);
    co_await settle(self);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b");
  });
}

TEST_CASE("plain processes are children, too") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const std::vector<child_spec> children{{.id = "p", .start = child_of(spawn_options{.name = "p"}, plain)},
                                           {.id = 7, .start = child_of(plain)}};
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    const pid before = self.whereis("p");
    self.send<end_with>("p", "crash"_atom);
    co_await settle(self);
    const pid now = self.whereis("p");
    CHECK(now);
    CHECK(now != before);
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(self.whereis("p") == pid());
  });
}

TEST_CASE("one_for_one restarts the child that ended and no other") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    static_cast<void>(co_await news_of(self, j));
    co_await end_member(self, "b", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "+b"});
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c");
  });
}

TEST_CASE("one_for_all ends the others in reverse order and starts all; temporary ones stay away") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j), spec_of("b", j), spec_of("t", j, temporary),
                                           spec_of("c", j, transient)};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_all), children);
    static_cast<void>(co_await news_of(self, j));
    co_await end_member(self, "b", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "-c", "-t", "-a", "+a", "+b", "+c"});
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c");
  });
}

TEST_CASE("one_for_all does nothing for a transient child that ended in good order") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j, transient);
    co_await self.start_link<supervisor>({}, flags_of(one_for_all), children);
    static_cast<void>(co_await news_of(self, j));
    co_await end_member(self, "a", "normal"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-a"});
    // The next restart of all takes it up again.
    co_await end_member(self, "b", "crash"_atom);
    const strings later_on = co_await news_of(self, j);
    CHECK(later_on == strings{"-b", "+a", "+b"});
  });
}

TEST_CASE("rest_for_one restarts the child that ended and those after it") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j), spec_of("b", j), spec_of("t", j, temporary),
                                           spec_of("c", j)};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(rest_for_one), children);
    static_cast<void>(co_await news_of(self, j));
    co_await end_member(self, "b", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "-c", "-t", "+b", "+c"});
    co_await end_member(self, "c", "crash"_atom);
    const strings last = co_await news_of(self, j);
    CHECK(last == strings{"-c", "+c"});
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c");
  });
}

TEST_CASE("a restart whose init says ignore leaves the child without a process") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one), children);
    co_await plan(self, j, "a", "ignore");
    co_await end_member(self, "a", "crash"_atom);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined");
  });
}

// --- intensity ------------------------------------------------------------------------------------------------------

TEST_CASE("one restart more than the intensity within the period ends the supervisor with shutdown") {
  everywhere([](context& self) -> process {
    self.trap_exit(true);
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one, 2, 1s), children);
    co_await end_member(self, "a", "crash"_atom);
    co_await end_member(self, "b", "crash"_atom);
    CHECK(self.is_alive(sup.pid()));
    static_cast<void>(co_await news_of(self, j));
    co_await end_member(self, "a", "crash"_atom);
    const auto e = co_await self.receive<exit_signal>(after(0s));
    REQUIRE(e);
    CHECK(e->from == sup.pid());
    CHECK(e->reason == term("shutdown"_atom));
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-a", "-b"});
  });
}

TEST_CASE("restarts older than the period are forgotten") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one, 1, 1s), children);
    for (int i = 0; i < 5; ++i) {
      co_await end_member(self, "a", "crash"_atom);
      co_await self.sleep(1001ms);
    }
    CHECK(self.is_alive(sup.pid()));
  });
}

TEST_CASE("with an intensity of 0 the first restart is too many") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j), spec_of("b", j, transient)};
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one, 0), children);
    co_await end_member(self, "b", "normal"_atom);  // no restart
    CHECK(self.is_alive(sup.pid()));
    const reference watch = self.monitor(sup.pid());
    co_await settle(self);
    co_await end_member(self, "a", "normal"_atom);
    const auto d = co_await self.receive<down>(after(0s));
    REQUIRE(d);
    CHECK(d->ref == watch);
    CHECK(d->reason == term("shutdown"_atom));
  });
}

TEST_CASE("a restart that fails is tried again, and each try counts") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one, 3), children);
    static_cast<void>(co_await news_of(self, j));
    co_await plan(self, j, "a", "fail error ok");
    co_await end_member(self, "a", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-a", "+a fail", "+a error", "+a"});
    const reference watch = self.monitor(sup.pid());
    co_await settle(self);
    co_await end_member(self, "b", "crash"_atom);  // the fourth
    const auto d = co_await self.receive<down>(after(0s));
    REQUIRE(d);
    CHECK(d->ref == watch);
    CHECK(d->reason == term("shutdown"_atom));
  });
}

TEST_CASE("one_for_all tries again at the child that failed, and keeps the order") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_all), children);
    static_cast<void>(co_await news_of(self, j));
    co_await plan(self, j, "b", "fail");
    co_await end_member(self, "c", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-c", "-b", "-a", "+a", "+b fail", "-a", "+a", "+b", "+c"});
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c");
  });
}

TEST_CASE("rest_for_one tries again from the child that failed on") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b", "c", "d"}, j);
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(rest_for_one), children);
    static_cast<void>(co_await news_of(self, j));
    co_await plan(self, j, "c", "fail");
    co_await end_member(self, "b", "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "-d", "-c", "+b", "+c fail", "+c", "+d"});
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b, c, d");
  });
}

TEST_CASE("a supervisor whose child keeps failing hears its parent's end between the tries") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one, 1'000'000), children);
    std::string failures;
    for (int i = 0; i < 300; ++i) failures += "fail ";
    co_await plan(self, j, "a", failures.c_str());
    self.cast<end_with>("a", "crash"_atom);
    // It is asked, and told to end, while it tries; both come before the three hundredth try, or after it.
    const std::string now = co_await shown(self, sup);
    CHECK((now == "a" || now == "a restarting"));
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(!self.is_alive(sup.pid()));
  });
}

// --- back-off -------------------------------------------------------------------------------------------------------

TEST_CASE("restarts wait where a back-off says so, longer each time, and meanwhile the child is restarting") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec a = spec_of("a", j);
    a.back_off = back_off{.min = 100ms, .max = 300ms, .factor = 2};
    const std::vector<child_spec> children{a, spec_of("b", j)};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one, 100, 1h), children);
    for (const auto delay : {100ms, 200ms, 300ms, 300ms}) {
      co_await end_member(self, "a", "crash"_atom);
      const std::string waiting = co_await shown(self, sup);
      CHECK(waiting == "a restarting, b");
      const start_result again = co_await restart_child(self, sup, "a");
      CHECK(again.reason == term("restarting"_atom));
      co_await self.sleep(delay - 3ms);
      CHECK(self.whereis("a") == pid());
      co_await self.sleep(3ms);
      CHECK(self.whereis("a"));
    }
    co_await self.sleep(300ms);  // long enough alive: it begins anew
    co_await end_member(self, "a", "crash"_atom);
    co_await self.sleep(100ms);
    CHECK(self.whereis("a"));
  });
}

TEST_CASE("a restart that waits is given up when the child is terminated, and counts once") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec a = spec_of("a", j);
    a.back_off = back_off{.min = 100ms};
    const std::vector<child_spec> children{a};
    const auto sup = co_await self.start_link<supervisor>({}, flags_of(one_for_one, 2, 1h), children);
    co_await end_member(self, "a", "crash"_atom);
    const child_result ended = co_await terminate_child(self, sup, "a");
    CHECK(ended);
    co_await self.sleep(1s);
    CHECK(self.whereis("a") == pid());
    const start_result started = co_await restart_child(self, sup, "a");
    CHECK(started.started());
    co_await end_member(self, "a", "crash"_atom);
    co_await self.sleep(1s);
    CHECK(self.whereis("a"));
    CHECK(self.is_alive(sup.pid()));
  });
}
