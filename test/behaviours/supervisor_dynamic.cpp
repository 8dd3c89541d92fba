// SPDX-License-Identifier: BSL-1.0
// simple_one_for_one: children of one kind, any number of them.
#include "supervised.hpp"

#include <algorithm>

using namespace supervisor_test;

namespace {

/// A supervisor of members whose names are given when they are started.
task<server<supervisor>> members(context& self, server<journal> j, troupe::restart r,
                                 std::optional<child_shutdown> how = {}, manners m = manners::ends,
                                 supervisor_flags flags = flags_of(simple_one_for_one)) {
  child_spec spec;
  spec.id = "member";
  spec.start = child_of<supervisor_test::member>({}, later<std::string>, j, m);
  spec.restart = r;
  spec.shutdown = how;
  spec.significant = flags.auto_shutdown != auto_shutdown::never;
  const std::vector<child_spec> specs{spec};
  co_return co_await self.start<supervisor>({.name = "sup"}, flags, specs);
}

task<pid> add(context& self, const char* name) {
  const start_result r = co_await start_child(self, "sup", std::string(name));
  CHECK(r.started());
  co_return r.process;
}

task<> end_one(context& self, pid p, term reason) {
  self.cast<end_with>(p, std::move(reason));
  co_await settle(self);
}

}  // namespace

TEST_CASE("simple_one_for_one starts no child by itself, and each with its own arguments") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent);
    const child_counts none = co_await count_children(self, sup);
    CHECK(none == child_counts{.specs = 1, .active = 0, .supervisors = 0, .workers = 0});
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "+b"});
    auto all = co_await which_children(self, sup);
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == term());
    CHECK((all[0].process == a || all[1].process == a));
    CHECK((all[0].process == b || all[1].process == b));
    const child_counts two = co_await count_children(self, sup);
    CHECK(two == child_counts{.specs = 1, .active = 2, .supervisors = 0, .workers = 2});
  });
}

TEST_CASE("simple_one_for_one takes exactly one specification") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const start_result none = co_await self.try_start<supervisor>({}, flags_of(simple_one_for_one));
    CHECK(none.reason == term::parse("{bad_start_spec,[]}"));
    const auto two = specs_of({"a", "b"}, j);
    const start_result more = co_await self.try_start<supervisor>({}, flags_of(simple_one_for_one), two);
    CHECK(more.reason.is_tuple("bad_start_spec"_atom));
    const std::vector<child_spec> bad{significant_one("a", j, transient)};
    const start_result wrong = co_await self.try_start<supervisor>({}, flags_of(simple_one_for_one), bad);
    CHECK(wrong.reason.is_tuple("start_spec"_atom));
  });
}

TEST_CASE("a dynamic child is restarted with its own arguments") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, transient);
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    static_cast<void>(co_await news_of(self, j));
    co_await end_one(self, b, "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "+b"});
    co_await end_one(self, a, "normal"_atom);
    const child_counts one = co_await count_children(self, sup);
    CHECK(one.active == 1);
  });
}

TEST_CASE("temporary dynamic children go when they end") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, temporary);
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    co_await end_one(self, a, "crash"_atom);
    self.exit(b, "kill"_atom);
    co_await settle(self);
    const auto all = co_await which_children(self, sup);
    CHECK(all.empty());
  });
}

TEST_CASE("start_child of a dynamic child that fails, or is ignored, keeps nothing") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent);
    co_await plan(self, j, "a", "fail ignore");
    const start_result failed = co_await start_child(self, sup, std::string("a"));
    CHECK(failed.reason == term("failed"_atom));
    const start_result ignored = co_await start_child(self, sup, std::string("a"));
    CHECK(ignored.what == start_result::outcome::ignored);
    const start_result wrong = co_await start_child(self, sup, 5);
    CHECK(wrong.reason == term::parse("{badarg,[5]}"));
    const start_result many = co_await start_child(self, sup, std::string("a"), 5);
    CHECK(many.reason.is_tuple("badarg"_atom));
    const start_result spec = co_await start_child(self, sup, spec_of("x", j));
    CHECK(spec.reason.is_tuple("badarg"_atom));
    const child_counts none = co_await count_children(self, sup);
    CHECK(none.workers == 0);
  });
}

TEST_CASE("a dynamic child is terminated by its pid") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent);
    const pid a = co_await add(self, "a");
    const child_result by_id = co_await terminate_child(self, sup, "member");
    CHECK(by_id.reason() == term("simple_one_for_one"_atom));
    const child_result stranger = co_await terminate_child(self, sup, self.pid());
    CHECK(stranger.reason() == term("not_found"_atom));
    const child_result done = co_await terminate_child(self, sup, a);
    CHECK(done);
    CHECK(!self.is_alive(a));
    const child_result gone = co_await terminate_child(self, sup, a);
    CHECK(gone);
    const child_counts none = co_await count_children(self, sup);
    CHECK(none.workers == 0);
  });
}

TEST_CASE("restart_child and delete_child are not for simple_one_for_one") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent);
    const pid a = co_await add(self, "a");
    const start_result r = co_await restart_child(self, sup, a);
    CHECK(r.reason == term("simple_one_for_one"_atom));
    const child_result d = co_await delete_child(self, sup, "member");
    CHECK(d.reason() == term("simple_one_for_one"_atom));
    const auto by_pid = co_await get_childspec(self, sup, a);
    CHECK(by_pid);
    const auto by_id = co_await get_childspec(self, sup, "member");
    CHECK(by_id);
    const auto none = co_await get_childspec(self, sup, self.pid());
    CHECK(!none);
  });
}

TEST_CASE("too many restarts of dynamic children end the supervisor and all of them") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const supervisor_flags flags = flags_of(simple_one_for_one, 1);
    const auto sup = co_await members(self, j, permanent, {}, manners::ends, flags);
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    const pid c = co_await add(self, "c");
    co_await end_one(self, a, "crash"_atom);
    CHECK(self.is_alive(sup.pid()));
    const reference watch = self.monitor(sup.pid());
    co_await settle(self);
    co_await end_one(self, b, "crash"_atom);
    const auto d = co_await self.receive<down>(after(0s));
    REQUIRE(d);
    CHECK(d->ref == watch);
    CHECK(d->reason == term("shutdown"_atom));
    CHECK(!self.is_alive(c));
  });
}

TEST_CASE("a dynamic restart that fails is tried again, and each try counts") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const supervisor_flags flags = flags_of(simple_one_for_one, 3);
    const auto sup = co_await members(self, j, permanent, {}, manners::ends, flags);
    const pid a = co_await add(self, "a");
    co_await plan(self, j, "a", "fail fail");
    co_await end_one(self, a, "crash"_atom);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "-a", "+a fail", "+a fail", "+a"});
    const auto all = co_await which_children(self, sup);
    REQUIRE(all.size() == 1);
    co_await end_one(self, all[0].process, "crash"_atom);
    CHECK(!self.is_alive(sup.pid()));
  });
}

TEST_CASE("a dynamic child that waits for its restart is shown so, and can be terminated by its last pid") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec spec;
    spec.id = "member";
    spec.start = child_of<supervisor_test::member>({}, later<std::string>, j);
    spec.back_off = back_off{.min = 100ms};
    const std::vector<child_spec> specs{spec};
    const auto sup = co_await self.start<supervisor>({.name = "sup"}, flags_of(simple_one_for_one), specs);
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    co_await end_one(self, a, "crash"_atom);
    co_await end_one(self, b, "crash"_atom);
    const child_counts waiting = co_await count_children(self, sup);
    CHECK(waiting == child_counts{.specs = 1, .active = 0, .supervisors = 0, .workers = 2});
    const auto all = co_await which_children(self, sup);
    REQUIRE(all.size() == 2);
    CHECK(all[0].what == child_info::state::restarting);
    const child_result done = co_await terminate_child(self, sup, a);
    CHECK(done);
    co_await self.sleep(100ms);
    const child_counts now = co_await count_children(self, sup);
    CHECK(now == child_counts{.specs = 1, .active = 1, .supervisors = 0, .workers = 1});
  });
}

TEST_CASE("dynamic children end at the same time") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent, 1s, manners::does_not_listen);
    std::vector<pid> all;
    for (const char* name : {"a", "b", "c", "d"}) {
      const pid p = co_await add(self, name);
      all.push_back(p);
    }
    const auto before = self.now();
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(self.now() - before >= 1s);
    CHECK(self.now() - before < 2s);
    for (const pid& p : all) CHECK(!self.is_alive(p));
  });
}

TEST_CASE("dynamic children of brutal_kill are killed, of infinity waited for") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent, brutal_kill, manners::does_not_listen);
    const pid a = co_await add(self, "a");
    const reference watch = self.monitor(a);
    co_await settle(self);
    co_await stop(self, sup, "shutdown"_atom);
    const down d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
    const auto patient = co_await members(self, j, permanent, infinity, manners::does_not_listen);
    static_cast<void>(co_await add(self, "b"));
    const auto before = self.now();
    co_await stop(self, patient, "shutdown"_atom);
    CHECK(self.now() - before >= 24h);
  });
}

TEST_CASE("a dynamic child that unlinked itself does not hang the end") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto sup = co_await members(self, j, permanent);
    const pid a = co_await add(self, "a");
    const pid b = co_await add(self, "b");
    static_cast<void>(co_await self.call(server<supervisor_test::member>(a), unlink_from_parent{}));
    static_cast<void>(co_await self.call(server<supervisor_test::member>(b), unlink_from_parent{}));
    co_await end_one(self, b, "crash"_atom);  // unheard of
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(!self.is_alive(a));
  });
}

TEST_CASE("significant dynamic children: the first or the last one ends the supervisor") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    supervisor_flags flags = flags_of(simple_one_for_one, 5, 5s, auto_shutdown::any_significant);
    const auto any = co_await members(self, j, temporary, {}, manners::ends, flags);
    const pid a = co_await add(self, "a");
    static_cast<void>(co_await add(self, "b"));
    co_await end_one(self, a, "normal"_atom);
    CHECK(!self.is_alive(any.pid()));
    flags.auto_shutdown = auto_shutdown::all_significant;
    const auto all = co_await members(self, j, transient, {}, manners::ends, flags);
    const pid c = co_await add(self, "c");
    const pid d = co_await add(self, "d");
    co_await end_one(self, c, "normal"_atom);
    CHECK(self.is_alive(all.pid()));
    co_await end_one(self, d, "shutdown"_atom);
    CHECK(!self.is_alive(all.pid()));
  });
}

TEST_CASE("start_child with a list is what Erlang asks of simple_one_for_one") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    static_cast<void>(co_await members(self, j, permanent));
    const term question = term::parse(R"({start_child,[<<"a">>]})");
    const term answer = co_await self.call(destination("sup"), question);
    REQUIRE(answer.is_tuple("ok"_atom));
    CHECK(self.is_alive(answer[1].as_pid()));
    const term odd = term::parse("{start_child,a}");
    const term refused = co_await self.call(destination("sup"), odd);
    CHECK(refused == term::parse("{error,{badarg,a}}"));
  });
}

TEST_CASE("ten thousand dynamic children start, end one by one, and end together") {
  actor_system sys(troupe_test::quiet_options());
  set_log_level(log_level::off);
  bool done = false;
  sys.wait(sys.spawn([&](context& self) -> process {
    child_spec spec;
    spec.id = "p";
    spec.start = child_of(plain);
    spec.restart = temporary;
    const std::vector<child_spec> specs{spec};
    const auto sup = co_await self.start<supervisor>({}, flags_of(simple_one_for_one), specs);
    std::vector<pid> all;
    for (int i = 0; i < 10'000; ++i) {
      const start_result r = co_await start_child(self, sup);
      all.push_back(r.process);
    }
    for (std::size_t i = 0; i < all.size(); i += 2) self.send<end_with>(all[i], "normal"_atom);
    for (;;) {
      const child_counts counts = co_await count_children(self, sup);
      if (counts.active == 5'000) break;
    }
    co_await stop(self, sup, "shutdown"_atom);
    for (const pid& p : all) CHECK(!self.is_alive(p));
    done = true;
  }));
  CHECK(done);
}
