// SPDX-License-Identifier: BSL-1.0
// gen_statem: enter calls, postponed and inserted events. After the manual and the cases of OTP's gen_statem_SUITE.
#include "probe.hpp"

using namespace statem_test;
using troupe_test::everywhere;

// --- states and enter calls -----------------------------------------------------------------------------------------

TEST_CASE("statem: the first state is entered at the start, from itself") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    const lines log = co_await log_of(self, p);
    CHECK(log == lines{"a enter from a"});
  });
}

TEST_CASE("statem: a change of state makes an enter call that knows where it came from") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"next:b"});
    tell(self, p, "y", {"next:c"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b cast y", "c enter from b"});
  });
}

TEST_CASE("statem: a next state that is the present one is no change, and makes no enter call") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"next:a"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x"});
  });
}

TEST_CASE("statem: repeat_state makes the enter call again") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"repeat"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a enter from a"});
  });
}

TEST_CASE("statem: keep_state takes back a change that the same handler has asked for") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"next:b", "keep"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x"});
  });
}

TEST_CASE("statem: of several next states in one handler the last counts") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"next:b", "next:c"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "c enter from a"});
  });
}

TEST_CASE("statem: an enter call that repeats is made again, from the same old state") {
  everywhere([](context& self) -> process {
    const probe_options o{.enter = {{"b", {"repeat"}}}};
    const auto p = co_await start_probe(self, o);
    tell(self, p, "x", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b enter from a"});
  });
}

TEST_CASE("statem: an enter call may not change the state, postpone, or insert events") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    for (const char* forbidden : {"next:c", "postpone", "insert:i"}) {
      const probe_options o{.enter = {{"b", {forbidden}}}};
      const auto made = co_await self.start_monitor<probe>({}, o);
      tell(self, made.process, "x", {"next:b"});
      const auto d = co_await self.receive<down>();
      const term why = d.reason;
      CHECK(why.is_tuple("error"_atom));
      CHECK(why.to_string().find("enter call") != std::string::npos);
    }
  });
}

TEST_CASE("statem: an enter call may name the state that it enters") {
  everywhere([](context& self) -> process {
    const probe_options o{.enter = {{"b", {"next:b"}}}};
    const auto p = co_await start_probe(self, o);
    tell(self, p, "x", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a"});
  });
}

TEST_CASE("statem: an enter call may answer callers who wait") {
  everywhere([](context& self) -> process {
    const probe_options o{.enter = {{"b", {"release"}}}};
    const auto p = co_await start_probe(self, o);
    auto waiting = self.request(p, hold{1});
    tell(self, p, "x", {"next:b"});
    const int n = co_await waiting;
    CHECK(n == static_cast<int>(place::b));
  });
}

TEST_CASE("statem: an enter call may stop the machine, at the start after the start has succeeded") {
  everywhere([](context& self) -> process {
    const probe_options o{.enter = {{"a", {"stop:shutdown"}}}};
    const auto made = co_await self.start_monitor<probe>({}, o);
    const auto d = co_await self.receive<down>();
    CHECK(d.ref == made.monitor);
    CHECK(d.reason == term("shutdown"_atom));
  });
}

// --- postponed events -----------------------------------------------------------------------------------------------

TEST_CASE("statem: a postponed event is handled again after a change of state") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"a?postpone"});
    tell(self, p, "y");
    tell(self, p, "z", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a cast z", "b enter from a", "b cast x"});
  });
}

TEST_CASE("statem: postponed events come in their order, before newer ones") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::suspend(self, p);
    for (const char* name : {"1", "2", "3"}) tell(self, p, name, {"a?postpone"});
    tell(self, p, "go", {"next:b"});
    tell(self, p, "new");
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast 1", "a cast 2", "a cast 3", "a cast go", "b enter from a", "b cast 1", "b cast 2",
                       "b cast 3", "b cast new"});
  });
}

TEST_CASE("statem: an event that changes the state and is postponed comes first in the new state") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"a?next:b", "a?postpone"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "b enter from a", "b cast x"});
  });
}

TEST_CASE("statem: a retried event that is postponed again waits for one more change") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"a?postpone", "b?postpone"});
    tell(self, p, "y", {"next:b"});
    tell(self, p, "z", {"next:c"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "b enter from a", "b cast x", "b cast z", "c enter from b", "c cast x"});
  });
}

TEST_CASE("statem: a retried event that changes the state leaves the others their order") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "1", {"a?postpone", "b?next:c"});
    tell(self, p, "2", {"a?postpone", "b?postpone"});
    tell(self, p, "3", {"a?postpone"});
    tell(self, p, "go", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast 1", "a cast 2", "a cast 3", "a cast go", "b enter from a", "b cast 1", "c enter from b",
                       "c cast 2", "c cast 3"});
  });
}

TEST_CASE("statem: repeat_state retries nothing that was postponed") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"a?postpone"});
    tell(self, p, "y", {"repeat"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "a enter from a"});
  });
}

TEST_CASE("statem: a postponed call is not answered until it is handled in another state") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    const act question{"x", {"a?postpone"}};
    auto waiting = self.request(p, question);
    const std::string other = co_await asked_for(self, p, "y");
    CHECK(other == "y@a");
    tell(self, p, "go", {"next:b"});
    const std::string answer = co_await waiting;
    CHECK(answer == "x@b");
  });
}

TEST_CASE("statem: postponed<M> in a state's list makes every M wait") {
  everywhere([](context& self) -> process {
    const probe_options o{.first = place::c};
    const auto p = co_await start_probe(self, o);
    self.send(p, note{1});
    self.send(p, note{2});
    tell(self, p, "go", {"next:a"});
    self.send(p, note{3});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"c cast go", "a enter from c", "a note 1", "a note 2", "a note 3"});
  });
}

TEST_CASE("statem: when it ends, callers whose calls are postponed hear its exit reason") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    for (const char* how : {"kill", "stop:shutdown", "throw:oh"}) {
      const auto p = co_await start_probe(self);
      const act question{"x", {"postpone"}};
      auto one = self.request(p, question);
      auto two = self.request(p, question);
      static_cast<void>(co_await log_of(self, p));
      if (std::string(how) == "kill")
        self.exit(p.pid(), "kill"_atom);
      else
        tell(self, p, "end", {how});
      lines reasons;
      for (auto* waiting : {&one, &two}) {
        try {
          static_cast<void>(co_await std::move(*waiting));
        } catch (const call_failed& e) {
          reasons.push_back(e.reason().to_string());
        }
      }
      const std::string why = std::string(how) == "kill"            ? "killed"
                              : std::string(how) == "stop:shutdown" ? "shutdown"
                                                                    : term::tuple({"error"_atom, "oh"}).to_string();
      CHECK(reasons == lines{why, why});
    }
  });
}

// --- inserted events ------------------------------------------------------------------------------------------------

TEST_CASE("statem: inserted events come before all that waits, in the order of their insertion") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    co_await sys::suspend(self, p);
    tell(self, p, "x", {"insert:1", "cast:2", "info:3"});
    tell(self, p, "y");
    co_await sys::resume(self, p);
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal 1", "a cast 2", "a info 3", "a cast y"});
  });
}

TEST_CASE("statem: what an inserted event inserts comes before the other inserted ones") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"insert:1>insert:1a,insert:1b", "insert:2"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal 1", "a internal 1a", "a internal 1b", "a internal 2"});
  });
}

TEST_CASE("statem: inserted events come before postponed ones, after the enter call") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"a?postpone"});
    tell(self, p, "y", {"insert:i", "next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a cast y", "b enter from a", "b internal i", "b cast x"});
  });
}

TEST_CASE("statem: inserted events can be postponed") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    tell(self, p, "x", {"insert:i>a?postpone"});
    tell(self, p, "y", {"next:b"});
    const lines log = co_await rest_of_log(self, p);
    CHECK(log == lines{"a cast x", "a internal i", "a cast y", "b enter from a", "b internal i"});
  });
}

TEST_CASE("statem: events that init inserts come before all others, after the first enter call") {
  everywhere([](context& self) -> process {
    const probe_options o{.init = {"insert:i", "insert:j>next:b"}};
    const auto p = co_await start_probe(self, o);
    const lines log = co_await log_of(self, p);
    CHECK(log == lines{"a enter from a", "a internal i", "a internal j", "b enter from a"});
  });
}

TEST_CASE("statem: init cannot postpone, for there is no event") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    probe_options o{.init = {"postpone"}};
    const start_result r = co_await self.try_start<probe>({}, o);
    CHECK(r.reason.to_string().find("postpone") != std::string::npos);
  });
}

TEST_CASE("statem: a call may be inserted again on behalf of its caller") {
  everywhere([](context& self) -> process {
    const auto p = co_await start_probe(self);
    auto waiting = self.request(p, hold{1});
    tell(self, p, "again", {"call"});
    tell(self, p, "answer", {"next:b", "release"});
    const int n = co_await waiting;
    CHECK(n == static_cast<int>(place::a));  // while the handler runs the state is the old one
  });
}
