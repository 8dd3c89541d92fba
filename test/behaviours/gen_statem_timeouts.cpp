// SPDX-License-Identifier: BSL-1.0
// gen_statem: state, event and named timeouts, in virtual time. After the manual and OTP's gen_statem_SUITE.
#include "probe.hpp"

using namespace statem_test;
using troupe_test::everywhere;

TEST_CASE("statem: a state timeout comes when the state has not changed for so long") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:100:t"});
    co_await self.sleep(99ms);
    tell(self, p, "y");  // other events leave it alone
    lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y"});
    co_await self.sleep(10ms);
    log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a state_timeout t"});
  });
}

TEST_CASE("statem: a change of state cancels the state timeout") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:100:t"});
    tell(self, p, "y", {"next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "b enter from a"});
  });
}

TEST_CASE("statem: a state timeout that is started with a change of state belongs to the new state") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:100:t", "next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b state_timeout t"});
  });
}

TEST_CASE("statem: the state timeout of an enter call replaces that of the handler before it") {
  everywhere([](context& self) -> process {
    const probe_options o{.enter = {{"b", {"state:50:entered"}}}};
    const auto p = co_await start_probe(self, o);
    tell(self, p, "x", {"state:10:handler", "next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b state_timeout entered"});
  });
}

TEST_CASE("statem: repeat_state leaves the state timeout running") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:100:t"});
    tell(self, p, "y", {"repeat"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a enter from a", "a state_timeout t"});
  });
}

TEST_CASE("statem: a state timeout that is started again starts anew") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:100:old"});
    co_await self.sleep(60ms);
    tell(self, p, "y", {"state:100:new"});
    co_await self.sleep(60ms);
    lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y"});
    co_await self.sleep(60ms);
    log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a state_timeout new"});
  });
}

TEST_CASE("statem: cancel and infinity stop a timeout of any kind") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "1", {"state:10:s", "set:t1:10:n"});
    tell(self, p, "2", {"cancel_state", "cancel:t1"});
    tell(self, p, "3", {"state:10:s", "set:t1:10:n"});
    tell(self, p, "4", {"state:inf:s", "set:t1:inf:n"});
    tell(self, p, "5", {"event:10:e", "cancel_event", "event:10:e", "event:inf:e"});
    tell(self, p, "6", {"cancel:t2", "cancel_state"});  // there is none: fine
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast 1", "a cast 2", "a cast 3", "a cast 4", "a cast 5", "a cast 6"});
  });
}

TEST_CASE("statem: an event timeout comes when no event does") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"event:100:t"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a event_timeout t"});
  });
}

TEST_CASE("statem: any event cancels the event timeout") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"event:100:t"});
    tell(self, p, "y");
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y"});
  });
}

TEST_CASE("statem: another timeout is an event too, and cancels the event timeout") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"event:100:e", "set:t1:50:n"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a t1 n"});
  });
}

TEST_CASE("statem: inserted and retried events cancel the event timeout, one of zero as well") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"event:0:e", "insert:i"});
    tell(self, p, "y", {"a?postpone"});
    tell(self, p, "z", {"event:0:f", "next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i", "a cast y", "a cast z", "b enter from a", "b cast y"});
  });
}

TEST_CASE("statem: a timeout of zero comes before anything that waits in the mailbox") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::suspend(self, p);
    tell(self, p, "x", {"state:0:s"});
    tell(self, p, "y", {"event:0:e"});
    tell(self, p, "z");
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a state_timeout s", "a cast y", "a event_timeout e", "a cast z"});
  });
}

TEST_CASE("statem: timeouts of zero come after inserted events, in the order of their start") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t2:0:1", "state:0:2", "set:t1:0:3", "insert:i"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i", "a t2 1", "a state_timeout 2", "a t1 3"});
  });
}

TEST_CASE("statem: a timeout of zero that is still to come can be cancelled, and is by a change of state") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:0:s", "set:t1:0:1", "insert:i>cancel:t1,next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i", "b enter from a"});
  });
}

TEST_CASE("statem: a timeout of zero that is started again with a time waits for that time") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t1:0:old", "insert:i>set:t1:50:new"});
    lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i"});
    co_await self.sleep(1s);
    log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i", "a t1 new"});
  });
}

TEST_CASE("statem: named timeouts survive changes of state, and run beside each other") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t1:200:one", "set:t2:100:two", "state:50:s"});
    tell(self, p, "y", {"next:b"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "b enter from a", "b t2 two", "b t1 one"});
  });
}

TEST_CASE("statem: a named timeout that is started again replaces the old one") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t1:10:old"});
    tell(self, p, "y", {"set:t1:100:new"});
    co_await self.sleep(1s);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a t1 new"});
  });
}

TEST_CASE("statem: an update changes a timeout's message and not its time") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t1:100:old", "state:100:old"});
    co_await self.sleep(60ms);
    tell(self, p, "y", {"update:t1:new", "update_state:new"});
    co_await self.sleep(50ms);
    const lines log = co_await rest_of_log(self, p);
    REQUIRE(log.size() == 4);
    CHECK(((log[2] == "a t1 new" && log[3] == "a state_timeout new") ||
           (log[3] == "a t1 new" && log[2] == "a state_timeout new")));
  });
}

TEST_CASE("statem: an update of a timeout that does not run is a timeout at once") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"update:t1:now", "update_event:e"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a t1 now"});  // which cancelled the event timeout
  });
}

TEST_CASE("statem: a named timeout may be given its moment") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set_at:t1:100:late", "set_at:t2:-5:past"});
    lines log = co_await rest_of_log(self, p);
    co_await self.sleep(99ms);
    log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a t2 past"});
    co_await self.sleep(10ms);
    log = co_await rest_of_log(self, p);
    CHECK(log.back() == "a t1 late");
  });
}

TEST_CASE("statem: a timeout is an event that can be postponed") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"set:t1:10:t>a?postpone"});
    co_await self.sleep(1s);
    tell(self, p, "y", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a t1 t", "a cast y", "b enter from a", "b t1 t"});
  });
}

TEST_CASE("statem: timeouts that init starts run from the first state's entry on") {
  everywhere([](context& self) -> process {
    const probe_options o{.init = {"state:10:s", "set:t1:0:n"}};
    const auto p = co_await start_probe(self, o);
    co_await self.sleep(1s);
    const lines log = co_await log_of(self, p);
    CHECK(log == lines{"a enter from a", "a t1 n", "a state_timeout s"});
  });
}

TEST_CASE("statem: a suspended machine's timeouts wait until it is resumed, in their place in the mailbox") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:10:s"});
    co_await sys::suspend(self, p);
    co_await self.sleep(1s);
    tell(self, p, "y", {"next:b"});
    static_cast<void>(co_await sys::get_state(self, p));
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a state_timeout s", "a cast y", "b enter from a"});
  });
}

TEST_CASE("statem: a timeout that waits in the mailbox while it is cancelled is not seen any more") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"state:10:s"});
    co_await sys::suspend(self, p);
    tell(self, p, "y", {"next:b"});  // comes before the timeout
    static_cast<void>(co_await sys::get_state(self, p));
    co_await self.sleep(1s);
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "b enter from a"});
  });
}
