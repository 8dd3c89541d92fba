// SPDX-License-Identifier: BSL-1.0
// How long proxies live, names, and the end of a system, in either order.
#include "both.hpp"

using namespace both_test;

namespace {

process idle(context& self) {
  for (;;) co_await self.receive<note>();
}

caf::behavior caf_idle(caf::event_based_actor*) {
  return {[](get) { return 0; }};
}

}  // namespace

TEST_CASE("a process is one actor, an actor one process, and each the other's other side") {
  both b;
  const pid p = b.here.spawn(idle);
  const caf::actor a = b.there.spawn(caf_idle);
  CHECK(b.as_caf(p) == b.as_caf(p));
  CHECK(b.as_pid(a) == b.as_pid(a));
  CHECK(b.as_pid(b.as_caf(p)) == p);
  CHECK(b.as_caf(b.as_pid(a)) == a);
  CHECK_FALSE(b.as_caf(pid()));
  CHECK(b.as_pid(caf::actor()) == pid());
  // The short forms, of which there is one crossing to mean.
  CHECK(bridge::as_caf(p) == b.as_caf(p));
  CHECK(bridge::as_pid(a) == b.as_pid(a));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("without a crossing, or with two that might be meant, the short forms throw usage_error") {
  actor_system here{two_workers()};
  config settings;
  caf::actor_system there{settings};
  const pid p = here.spawn(idle);
  CHECK_THROWS_AS(static_cast<void>(bridge::as_caf(p)), usage_error);
  actor_system other{two_workers("other")};
  bridge::crossing first(there, here);
  bridge::crossing second(there, other);
  CHECK(bridge::as_caf(p) == first.as_caf(p));
  const caf::actor a = there.spawn(caf_idle);
  CHECK_THROWS_AS(static_cast<void>(bridge::as_pid(a)), usage_error);
  CHECK(first.as_pid(a) != second.as_pid(a));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("an actor that has a pid lives without handles, until it ends") {
  both b;
  const pid p = b.as_pid(b.there.spawn(caf_idle));
  CHECK(b.here.call(p, get{}) == 0);
  b.here.exit(p, "shutdown"_atom);
  b.here.wait(p);
  CHECK_FALSE(b.here.is_alive(p));
}

TEST_CASE("an actor that only sent something goes when CAF has no handle, and its pid with it") {
  both b;
  told<pid> from;
  const pid p = b.here.spawn(
      [](context& self, teller<pid> say) -> process {
        auto r = co_await self.receive<request<get>>();
        const pid asker = r.from();
        r.reply(1);
        self.monitor(asker);
        co_await self.receive<down>();
        (*say)(asker);
      },
      from.teller());
  b.there.spawn([to = b.as_caf(p)](caf::event_based_actor* self) -> caf::behavior {
    self->request(to, caf::infinite, get{}).then([](int) {});
    return {[](get) { return 0; }};
  });
  CHECK_FALSE(b.here.is_alive(from.get()));
}

TEST_CASE("a CAF actor's pid may have a name, and a process an entry in CAF's registry") {
  both b;
  const caf::actor a = b.there.spawn(caf_counter);
  b.here.register_name("caf_counter", b.as_pid(a));
  CHECK(b.here.call("caf_counter", increment{2}) == 2);
  const pid p = b.here.spawn(counter, 5);
  b.there.registry().put(caf::atom("counter"), caf::actor_cast<caf::strong_actor_ptr>(b.as_caf(p)));
  caf::scoped_actor self(b.there);
  int got = 0;
  self->request(caf::actor_cast<caf::actor>(b.there.registry().get(caf::atom("counter"))), patience, get{})
      .receive([&](int value) { got = value; }, [](caf::error&) {});
  CHECK(got == 5);
  b.there.registry().erase(caf::atom("counter"));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("when the crossing goes, actors see their processes end, processes their actors, and both live on") {
  actor_system here{two_workers()};
  config settings;
  caf::actor_system there{settings};
  const pid p = here.spawn(idle);
  const caf::actor a = there.spawn(caf_idle);
  told<caf::error> caf_saw;
  told<term> troupe_saw;
  caf::actor process_as_actor;
  {
    bridge::crossing between(there, here);
    process_as_actor = between.as_caf(p);
    process_as_actor->attach_functor([say = caf_saw.promise()](const caf::error& why) { say->set_value(why); });
    told<term> ready;
    here.spawn(
        [](context& self, pid whom, teller<term> is_ready, teller<term> say) -> process {
          self.monitor(whom);
          (*is_ready)(term());
          (*say)((co_await self.receive<down>()).reason);
        },
        between.as_pid(a), ready.teller(), troupe_saw.teller());
    ready.get();
  }
  CHECK(caf_saw.get() == caf::exit_reason::remote_link_unreachable);
  const term seen = troupe_saw.get();
  CHECK((seen == term("killed"_atom) || seen == term("noproc"_atom)));
  CHECK(here.is_alive(p));
  caf::scoped_actor self(there);
  int got = -1;
  self->request(a, patience, get{}).receive([&](int value) { got = value; }, [](caf::error&) {});
  CHECK(got == 0);
  caf::error problem;
  self->request(process_as_actor, patience, get{}).receive([](int) {}, [&](caf::error& e) { problem = e; });
  CHECK(problem == caf::sec::request_receiver_down);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

namespace {

/// Something of everything is under way.
void stir_up(caf::actor_system& there, actor_system& here, bridge::crossing& between) {
  const pid p = here.spawn(counter, 0);
  const caf::actor a = there.spawn(caf_counter);
  for (int i = 0; i < 20; ++i) {
    there.spawn([to = between.as_caf(p)](caf::event_based_actor* self) -> caf::behavior {
      self->link_to(to);
      for (int k = 0; k < 10; ++k) self->request(to, caf::infinite, increment{1}).then([](int) {}, [](caf::error&) {});
      return {[](get) { return 0; }};
    });
    here.spawn(
        [](context& self, pid to) -> process {
          self.monitor(to);
          for (;;) {
            self.send<increment>(to, 1);
            try {
              co_await self.call<increment>(to, after(patience), 1);
            } catch (const call_failed&) {
              break;
            }
          }
          co_await self.receive<note>();
        },
        between.as_pid(a));
  }
  // A question that nobody answers.
  const pid open = between.as_pid(there.spawn([](caf::event_based_actor* self) -> caf::behavior {
    // It stays in the mailbox. (A response promise that the behavior keeps would keep the actor, for ever.)
    self->set_default_handler(caf::skip);
    return {[](increment) {}};
  }));
  here.spawn(
      [](context& self, pid to) -> process {
        try {
          co_await self.call<get>(to, after(patience));
        } catch (const call_failed&) {
        }
      },
      open);
}

}  // namespace

TEST_CASE("the systems may end in either order after the crossing, with everything under way") {
  for (int round = 0; round < 5; ++round) {
    config settings;
    auto here = std::make_unique<actor_system>(two_workers());
    auto there = std::make_unique<caf::actor_system>(settings);
    there->await_actors_before_shutdown(false);
    auto between = std::make_unique<bridge::crossing>(*there, *here);
    stir_up(*there, *here, *between);
    between.reset();
    if (round % 2 == 0) {
      there.reset();
      here.reset();
    } else {
      here.reset();
      there.reset();
    }
  }
}

TEST_CASE("troupe's system may end before the crossing, which is closed then") {
  for (int round = 0; round < 5; ++round) {
    config settings;
    auto here = std::make_unique<actor_system>(two_workers());
    caf::actor_system there(settings);
    bridge::crossing between(there, *here);
    stir_up(there, *here, between);
    const pid p = here->spawn(idle);
    const caf::actor process_as_actor = between.as_caf(p);
    told<caf::error> saw;
    process_as_actor->attach_functor([say = saw.promise()](const caf::error& why) { say->set_value(why); });
    here.reset();
    CHECK(saw.get());
    CHECK_THROWS_AS(static_cast<void>(between.as_caf(p)), usage_error);
    there.await_actors_before_shutdown(false);
  }
}
