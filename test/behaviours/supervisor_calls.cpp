// SPDX-License-Identifier: BSL-1.0
// What a supervisor answers: its functions in C++, and the same requests as Erlang writes them.
#include "supervised.hpp"

using namespace supervisor_test;

namespace {

task<server<supervisor>> supervise(context& self, std::vector<child_spec> children, strategy s = one_for_one) {
  const supervisor_flags flags = flags_of(s);
  co_return co_await self.start_link<supervisor>({.name = "sup"}, flags, std::move(children));
}

/// As an Erlang process asks.
task<term> asked(context& self, std::string question) {
  const term t = term::parse(question);
  co_return co_await self.call(destination("sup"), t);
}

}  // namespace

// --- start_child ----------------------------------------------------------------------------------------------------

TEST_CASE("start_child adds a child behind the others") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await supervise(self, children);
    const start_result b = co_await start_child(self, sup, spec_of("b", j));
    CHECK(b.started());
    CHECK(b.process == self.whereis("b"));
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b");
    co_await end_member(self, "b", "crash"_atom);
    CHECK(self.whereis("b"));
  });
}

TEST_CASE("start_child of an id that is taken says by whom, or that it is there") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await supervise(self, children);
    const start_result running = co_await start_child(self, sup, spec_of("a", j));
    CHECK(running.reason == term::tuple({"already_started"_atom, self.whereis("a")}));
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    const start_result present = co_await start_child(self, sup, spec_of("a", j));
    CHECK(present.reason == term("already_present"_atom));
  });
}

TEST_CASE("start_child that fails adds nothing, and tells the reason and the child") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> empty;
    const auto sup = co_await supervise(self, empty);
    co_await plan(self, j, "a", "fail");
    const start_result failed = co_await start_child(self, sup, spec_of("a", j));
    REQUIRE(failed.reason.is_tuple());
    CHECK(failed.reason[0] == term("failed"_atom));
    CHECK(failed.reason[1].is_tuple("child"_atom));
    CHECK(failed.reason[1].size() == 9);
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts.specs == 0);
  });
}

TEST_CASE("start_child that is ignored keeps the specification, unless temporary") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> empty;
    const auto sup = co_await supervise(self, empty);
    co_await plan(self, j, "a", "ignore");
    co_await plan(self, j, "t", "ignore");
    const start_result a = co_await start_child(self, sup, spec_of("a", j));
    CHECK(a.what == start_result::outcome::ignored);
    const start_result t = co_await start_child(self, sup, spec_of("t", j, temporary));
    CHECK(t.what == start_result::outcome::ignored);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined");
  });
}

TEST_CASE("start_child of a bad specification says what is bad") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> empty;
    const auto sup = co_await supervise(self, empty);
    const child_spec blank{};
    const start_result none = co_await start_child(self, sup, blank);
    CHECK(none.reason == term("missing_id"_atom));
    child_spec without_start;
    without_start.id = "a";
    const start_result nothing = co_await start_child(self, sup, without_start);
    CHECK(nothing.reason == term("missing_start"_atom));
    const start_result s = co_await start_child(self, sup, significant_one("s", j, transient));
    CHECK(s.reason == term::parse("{bad_combination,[{auto_shutdown,never},{significant,true}]}"));
  });
}

// --- terminate, restart, delete -------------------------------------------------------------------------------------

TEST_CASE("terminate_child ends a child and keeps its specification; a temporary one goes") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j), spec_of("t", j, temporary)};
    const auto sup = co_await supervise(self, children);
    const child_result a = co_await terminate_child(self, sup, "a");
    CHECK(a);
    const child_result t = co_await terminate_child(self, sup, "t");
    CHECK(t);
    const child_result again = co_await terminate_child(self, sup, "a");
    CHECK(again);
    const child_result gone = co_await terminate_child(self, sup, "t");
    CHECK(!gone);
    CHECK(gone.reason() == term("not_found"_atom));
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined");
  });
}

TEST_CASE("terminate_child causes no restart, of others neither") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await supervise(self, children, one_for_all);
    static_cast<void>(co_await news_of(self, j));
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    co_await settle(self);
    const strings events = co_await news_of(self, j);
    CHECK(events == strings{"-a"});
  });
}

TEST_CASE("restart_child starts a child that does not run, and no other") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await supervise(self, children);
    const start_result running = co_await restart_child(self, sup, "a");
    CHECK(running.reason == term("running"_atom));
    const start_result none = co_await restart_child(self, sup, "z");
    CHECK(none.reason == term("not_found"_atom));
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    co_await plan(self, j, "a", "fail ignore");
    const start_result failed = co_await restart_child(self, sup, "a");
    CHECK(failed.reason == term("failed"_atom));
    const start_result ignored = co_await restart_child(self, sup, "a");
    CHECK(ignored.what == start_result::outcome::ignored);
    const start_result done = co_await restart_child(self, sup, "a");
    CHECK(done.process == self.whereis("a"));
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a, b");
  });
}

TEST_CASE("delete_child forgets a child that does not run") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const auto children = specs_of({"a", "b"}, j);
    const auto sup = co_await supervise(self, children);
    const child_result running = co_await delete_child(self, sup, "a");
    CHECK(running.reason() == term("running"_atom));
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    const child_result done = co_await delete_child(self, sup, "a");
    CHECK(done);
    const child_result none = co_await delete_child(self, sup, "a");
    CHECK(none.reason() == term("not_found"_atom));
    const std::string now = co_await shown(self, sup);
    CHECK(now == "b");
  });
}

TEST_CASE("a child that waits for its restart can be terminated, not deleted") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec a = spec_of("a", j);
    a.back_off = back_off{};
    const std::vector<child_spec> children{a};
    const auto sup = co_await supervise(self, children);
    co_await end_member(self, "a", "crash"_atom);
    const child_result deleted = co_await delete_child(self, sup, "a");
    CHECK(deleted.reason() == term("restarting"_atom));
    const start_result added = co_await start_child(self, sup, a);
    CHECK(added.reason == term("already_present"_atom));
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts == child_counts{.specs = 1, .active = 0, .supervisors = 0, .workers = 1});
    const child_result ended = co_await terminate_child(self, sup, "a");
    CHECK(ended);
    const std::string now = co_await shown(self, sup);
    CHECK(now == "a undefined");
  });
}

// --- looking --------------------------------------------------------------------------------------------------------

TEST_CASE("which_children lists the child started last first, with type and modules") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec b = spec_of("b", j);
    b.modules = "dynamic"_atom;
    b.type = child_type::supervisor;
    const std::vector<child_spec> children{spec_of("a", j), b};
    const auto sup = co_await supervise(self, children);
    const auto all = co_await which_children(self, sup);
    REQUIRE(all.size() == 2);
    CHECK(all[0] == child_info{.id = "b"_atom,
                               .what = child_info::state::running,
                               .process = self.whereis("b"),
                               .type = child_type::supervisor,
                               .modules = "dynamic"_atom});
    CHECK(all[1].modules == term::list({"member"_atom}));
  });
}

TEST_CASE("get_childspec gives the specification, which another supervisor can start") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const std::vector<child_spec> children{spec_of("a", j, transient)};
    const auto sup = co_await supervise(self, children);
    const auto none = co_await get_childspec(self, sup, "z");
    CHECK(!none);
    const auto found = co_await get_childspec(self, sup, "a");
    REQUIRE(found);
    CHECK(found->restart == transient);
    static_cast<void>(co_await terminate_child(self, sup, "a"));
    const auto other = co_await self.start<supervisor>({});
    const start_result started = co_await start_child(self, other, *found);
    CHECK(started.started());
    const term erlangs = co_await asked(self, "{get_childspec,a}");
    REQUIRE(erlangs.is_tuple("ok"_atom));
    CHECK(*erlangs[1].find("restart"_atom) == term("transient"_atom));
    CHECK(*erlangs[1].find("shutdown"_atom) == term(5000));
    CHECK(*erlangs[1].find("type"_atom) == term("worker"_atom));
    CHECK(*erlangs[1].find("significant"_atom) == term(false));
    CHECK(erlangs[1].find("start"_atom)->size() == 3);
  });
}

TEST_CASE("a tree is drawn as a tree") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    child_spec inner;
    inner.id = "inner";
    inner.start = child_of<supervisor>({.name = "inner"}, flags_of(one_for_one), specs_of({"b", "c"}, j));
    const std::vector<child_spec> children{spec_of("a", j), inner, spec_of("d", j)};
    const auto sup = co_await supervise(self, children);
    static_cast<void>(co_await terminate_child(self, sup, "d"));
    const supervised tree = co_await supervisor_tree(self, "sup");
    const auto name = [&](const char* n) { return std::string(n) + " " + self.whereis(n).to_string(); };
    CHECK(to_string(tree) == name("sup") + " supervisor\n|- " + name("a") + " worker\n|- " + name("inner") +
                                 " supervisor\n|  |- " + name("b") + " worker\n|  `- " + name("c") +
                                 " worker\n`- d undefined worker\n");
  });
}

TEST_CASE("a question that a supervisor does not know fails, and harms nobody") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const std::vector<child_spec> empty;
    const auto sup = co_await supervise(self, empty);
    const term why = co_await failure(self, sup.pid(), term("nonsense"_atom));
    CHECK(why == term::parse("{unexpected_call,nonsense}"));
    self.send(sup, note{1});
    self.cast(sup.pid(), note{1});
    const child_counts counts = co_await count_children(self, sup);
    CHECK(counts.specs == 0);
  });
}

TEST_CASE("a supervisor that is busy with a slow start answers afterwards") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    const std::vector<child_spec> empty;
    const auto sup = co_await supervise(self, empty);
    self.spawn(
        [](context& me, destination s) -> process {
          const child_start slow = child_started_by([](context& by, const std::vector<term>&) -> task<start_result> {
            co_await by.sleep(1s);
            start_result r;
            r.process = by.spawn_link(plain);
            co_return r;
          });
          child_spec spec;
          spec.id = "slow";
          spec.start = slow;
          static_cast<void>(co_await start_child(me, s, spec));
        },
        destination(sup));
    co_await settle(self);
    const auto before = self.now();
    const std::string now = co_await shown(self, sup);
    CHECK(now == "slow");
    CHECK(self.now() - before >= 900ms);
  });
}

// --- as Erlang asks -------------------------------------------------------------------------------------------------

TEST_CASE("the requests of Erlang's module supervisor are answered in its shapes") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    register_child_factory("erl_counter", child_of<counter>({.name = "c"}, later<int>));
    const std::vector<child_spec> empty;
    static_cast<void>(co_await supervise(self, empty));
    const term started = co_await asked(self, "{start_child,#{id => c,start => {erl_counter,start_link,[5]}}}");
    REQUIRE(started.is_tuple("ok"_atom));
    CHECK(started[1] == term(self.whereis("c")));
    const int n = co_await self.call(server<counter>("c"), get{});
    CHECK(n == 5);
    const term which = co_await asked(self, "which_children");
    CHECK(which ==
          term::list({term::tuple({"c"_atom, self.whereis("c"), "worker"_atom, term::list({"erl_counter"_atom})})}));
    const term counted = co_await asked(self, "count_children");
    CHECK(counted == term::parse("[{specs,1},{active,1},{supervisors,0},{workers,1}]"));
    const term running = co_await asked(self, "{restart_child,c}");
    CHECK(running == term::parse("{error,running}"));
    const term ended = co_await asked(self, "{terminate_child,c}");
    CHECK(ended == term("ok"_atom));
    const term idle = co_await asked(self, "which_children");
    CHECK(idle == term::parse("[{c,undefined,worker,[erl_counter]}]"));
    const term again = co_await asked(self, "{restart_child,c}");
    CHECK(again.is_tuple("ok"_atom));
    const term no = co_await asked(self, "{delete_child,c}");
    CHECK(no == term::parse("{error,running}"));
    const term none = co_await asked(self, "{get_childspec,z}");
    CHECK(none == term::parse("{error,not_found}"));
    const term spec = co_await asked(self, "{get_childspec,c}");
    CHECK(spec == term::parse("{ok,#{id => c,start => {erl_counter,start_link,[5]},restart => permanent,"
                              "significant => false,shutdown => 5000,type => worker,modules => [erl_counter]}}"));
  });
}

TEST_CASE("Erlang's old tuple of six is a specification, too") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    register_child_factory("erl_counter", child_of<counter>({.name = "c"}, later<int>));
    const std::vector<child_spec> empty;
    static_cast<void>(co_await supervise(self, empty));
    const term started =
        co_await asked(self, "{start_child,{c,{erl_counter,start_link,[1]},temporary,brutal_kill,worker,dynamic}}");
    CHECK(started.is_tuple("ok"_atom));
    const term which = co_await asked(self, "which_children");
    CHECK(which[0][3] == term("dynamic"_atom));
  });
}

TEST_CASE("a bad specification from Erlang is refused in OTP's words") {
  everywhere([](context& self) -> process {
    set_log_level(log_level::off);
    register_child_factory("erl_counter", child_of<counter>({}, later<int>));
    const std::vector<child_spec> empty;
    static_cast<void>(co_await supervise(self, empty));
    const std::pair<const char*, const char*> cases[] = {
        {"nothing", "{invalid_child_spec,nothing}"},
        {"#{start => {erl_counter,s,[]}}", "missing_id"},
        {"#{id => a}", "missing_start"},
        {"#{id => a,start => erl_counter}", "{invalid_mfa,erl_counter}"},
        {"#{id => a,start => {erl_counter,s,[]},restart => forever}", "{invalid_restart_type,forever}"},
        {"#{id => a,start => {erl_counter,s,[]},shutdown => -1}", "{invalid_shutdown,-1}"},
        {"#{id => a,start => {erl_counter,s,[]},shutdown => soon}", "{invalid_shutdown,soon}"},
        {"#{id => a,start => {erl_counter,s,[]},type => boss}", "{invalid_child_type,boss}"},
        {"#{id => a,start => {erl_counter,s,[]},modules => m}", "{invalid_modules,m}"},
        {"#{id => a,start => {erl_counter,s,[]},modules => [1]}", "{invalid_module,1}"},
        {"#{id => a,start => {erl_counter,s,[]},significant => 1}", "{invalid_significant,1}"},
        {"#{id => a,start => {no_such_factory,s,[]}}", "{no_child_factory,no_such_factory}"},
    };
    for (const auto& [spec, reason] : cases) {
      const std::string question = "{start_child," + std::string(spec) + "}";
      const term answer = co_await asked(self, question);
      CHECK(answer == term::tuple({"error"_atom, term::parse(reason)}));
    }
    const term odd = co_await asked(self, "{start_child,#{id => a,start => {erl_counter,s,[x]}}}");
    REQUIRE(odd.is_tuple("error"_atom));
    CHECK(odd[1][0] == term::parse("{badarg,[x]}"));
  });
}

TEST_CASE("sys sees OTP's state of a supervisor, and can hold and end it") {
  everywhere([](context& self) -> process {
    const auto j = co_await open_journal(self);
    const supervisor_flags flags = flags_of(rest_for_one, 3, 7s);
    const auto children = specs_of({"a"}, j);
    const auto sup = co_await self.start<supervisor>({.name = "sup"}, flags, children);
    const term state = co_await sys::get_state(self, sup);
    REQUIRE(state.is_tuple("state"_atom));
    CHECK(state.size() == 12);
    CHECK(state[1] == term::parse("{local,sup}"));
    CHECK(state[2] == term("rest_for_one"_atom));
    CHECK(state[3][0] == term::parse("[a]"));
    CHECK(state[5] == term(3));
    CHECK(state[6] == term(7));
    co_await sys::suspend(self, sup);
    co_await end_member(self, "a", "crash"_atom);
    CHECK(self.whereis("a") == pid());
    co_await sys::resume(self, sup);
    co_await settle(self);
    CHECK(self.whereis("a"));
    co_await sys::terminate(self, sup, "shutdown"_atom);
    co_await settle(self);
    CHECK(self.whereis("a") == pid());
  });
}
