// SPDX-License-Identifier: BSL-1.0
// supervisor: how it ends its children, and when they end it. After the cases of OTP's supervisor_SUITE.
#include "supervised.hpp"

using namespace supervisor_test;

// --- ending ---------------------------------------------------------------------------------------------------------

TEST_CASE("the parent's end is the supervisor's, and so its children's") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const pid parent = self.spawn(
        [](context& me, std::vector<child_spec> specs) -> process {
          co_await me.start_link<supervisor>({.name = "sup"}, flags_of(one_for_one), specs);
          co_await me.receive<end_with>();
        },
        children);
    co_await settle(self);
    const pid sup = self.whereis("sup");
    REQUIRE(sup);
    static_cast<void>(co_await news_of(self, j));
    self.send<end_with>(parent, term());
    co_await settle(self);
    CHECK(!self.is_alive(sup));
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-b", "-a"});
  });
}

TEST_CASE("an exit signal of a stranger does not end a supervisor") {
  everywhere([](context& self) -> process {
    const auto sup = co_await self.start<supervisor>({});
    self.exit(sup.pid(), "shutdown"_atom);
    const term reason = co_await end_of(self, sup.pid());
    CHECK(reason == term("alive"_atom));
  });
}

TEST_CASE("a child that does not end in time is killed") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec slow = spec_of("slow", j, permanent, manners::does_not_listen);
    slow.shutdown = 100ms;
    const std::vector<child_spec> children{slow};
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    const reference watch = self.monitor("slow");
    co_await settle(self);
    const auto before = self.now();
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(self.now() - before >= 100ms);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
  });
}

TEST_CASE("workers have five seconds, supervisors as long as it takes") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> inner{spec_of("slow", j, permanent, manners::does_not_listen)};
    child_spec nested;
    nested.id = "inner";
    nested.start = child_of<supervisor>({.name = "inner"}, flags_of(one_for_one), inner);
    const std::vector<child_spec> children{nested};
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    const reference watch = self.monitor("inner");
    co_await settle(self);
    const auto before = self.now();
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(self.now() - before >= 5s);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("shutdown"_atom));
  });
}

TEST_CASE("brutal_kill gives no time to end") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec slow = spec_of("slow", j, permanent, manners::does_not_listen);
    slow.shutdown = brutal_kill;
    const std::vector<child_spec> children{slow};
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    static_cast<void>(co_await news_of(self, j));
    const reference watch = self.monitor("slow");
    co_await settle(self);
    co_await stop(self, sup, "shutdown"_atom);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == watch);
    CHECK(d.reason == term("killed"_atom));
    const strings events = co_await news_of(self, j);
    CHECK(events.empty());
  });
}

TEST_CASE("a child that has unlinked itself does not hang its supervisor") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    static_cast<void>(co_await self.call(server<supervisor_test::member>("a"), unlink_from_parent{}));
    // It would not even notice being told: a parent's exit signal is taken as such all the same.
    co_await stop(self, sup, "shutdown"_atom);
    CHECK(self.whereis("a") == pid());
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"+a", "+b", "-b", "-a"});
  });
}

TEST_CASE("a child that unlinked itself and ended is found gone when it is to be shut down") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start<supervisor>({}, flags_of(one_for_one), children);
    static_cast<void>(co_await self.call(server<supervisor_test::member>("a"), unlink_from_parent{}));
    co_await end_member(self, "a", "crash"_atom);
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts == child_counts{.specs = 1, .active = 0, .supervisors = 0, .workers = 1});
    const child_result done = co_await terminate_child(self, sup, "a");
    CHECK(done);
  });
}

// --- significant children -------------------------------------------------------------------------------------------

TEST_CASE("any_significant: the first significant child that ends by itself ends the supervisor") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{significant_one("a", j, transient), significant_one("b", j, temporary),
                                           spec_of("c", j, transient)};
    const auto sup =
        co_await self.start<supervisor>({}, flags_of(one_for_one, 5, 5s, auto_shutdown::any_significant), children);
    const reference watch = self.monitor(sup.pid());
    co_await settle(self);
    co_await end_member(self, "c", "normal"_atom);
    co_await end_member(self, "a", "crash"_atom);  // restarted: it has not ended for good
    CHECK(self.is_alive(sup.pid()));
    co_await end_member(self, "a", "normal"_atom);
    const auto d = co_await self.receive<down>(after(0s));
    REQUIRE(d);
    CHECK(d->ref == watch);
    CHECK(d->reason == term("shutdown"_atom));
    CHECK(self.whereis("b") == pid());
  });
}

TEST_CASE("a temporary significant child that crashes ends the supervisor, too") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{significant_one("a", j, temporary), spec_of("b", j)};
    const auto sup =
        co_await self.start<supervisor>({}, flags_of(one_for_all, 5, 5s, auto_shutdown::any_significant), children);
    co_await end_member(self, "a", "crash"_atom);
    CHECK(!self.is_alive(sup.pid()));
  });
}

TEST_CASE("all_significant: the last significant child that ends ends the supervisor") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{significant_one("a", j, transient), significant_one("b", j, temporary),
                                           spec_of("c", j)};
    const auto sup =
        co_await self.start<supervisor>({}, flags_of(one_for_one, 5, 5s, auto_shutdown::all_significant), children);
    co_await end_member(self, "b", "crash"_atom);
    CHECK(self.is_alive(sup.pid()));
    co_await end_member(self, "c", "normal"_atom);
    CHECK(self.is_alive(sup.pid()));
    co_await end_member(self, "a", "shutdown"_atom);
    CHECK(!self.is_alive(sup.pid()));
  });
}

TEST_CASE("a significant child that is terminated by a call ends nobody") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{significant_one("a", j, transient), significant_one("b", j, temporary)};
    const auto sup =
        co_await self.start<supervisor>({}, flags_of(one_for_one, 5, 5s, auto_shutdown::any_significant), children);
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    static_cast<void>(co_await terminate_child(self, sup, "b"));
    co_await settle(self);
    CHECK(self.is_alive(sup.pid()));
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined");
  });
}
