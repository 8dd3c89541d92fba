// SPDX-License-Identifier: BSL-1.0
// Ends, links and monitors both ways, and what the reasons become.
#include "both.hpp"

using namespace both_test;

namespace {

process idle(context& self) {
  for (;;) co_await self.receive<note>();
}

caf::behavior caf_idle(caf::event_based_actor*) {
  return {[](get) { return 0; }};
}

process monitors(context& self, pid whom, teller<term> say) {
  self.monitor(whom);
  const down d = co_await self.receive<down>();
  (*say)(d.process == whom ? d.reason : term("another"_atom));
}

process linked(context& self, pid whom, teller<term> ready, teller<exit_signal> say) {
  self.trap_exit(true);
  self.link(whom);
  (*ready)(term());
  (*say)(co_await self.receive<exit_signal>());
}

/// An actor that monitors or is linked, and tells why the other one ended. Who drops it ends it: CAF's monitors and
/// links hold nobody.
[[nodiscard]] caf::actor watches(both& b, const caf::actor& whom, bool link, std::shared_ptr<std::promise<void>> ready,
                                 std::shared_ptr<std::promise<caf::error>> say) {
  return b.there.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->set_down_handler([=](caf::down_msg& d) {
      if (d.source == whom.address()) say->set_value(d.reason);
      self->quit();
    });
    self->set_exit_handler([=](caf::exit_msg& e) {
      if (e.source == whom.address()) say->set_value(e.reason);
      self->quit();
    });
    if (link)
      self->link_to(whom);
    else
      self->monitor(whom);
    if (ready != nullptr) ready->set_value();
    return {[](get) { return 0; }};
  });
}

caf::error watched(both& b, const pid& process, const char* how, bool link) {
  told<caf::error> got;
  const auto ready = std::make_shared<std::promise<void>>();
  const caf::actor watcher = watches(b, b.as_caf(process), link, ready, got.promise());
  ready->get_future().wait();
  b.here.exit(process, term::parse(how));
  return got.get();
}

}  // namespace

TEST_CASE("a CAF actor that monitors a process gets down_msg with the mapped reason") {
  both b;
  const auto fresh = [&] { return b.here.spawn(idle); };
  CHECK(watched(b, fresh(), "shutdown", false) == caf::exit_reason::user_shutdown);
  CHECK(watched(b, fresh(), "kill", false) == caf::exit_reason::kill);
  const caf::error odd = watched(b, fresh(), "{oops,1}", false);
  CHECK(bridge::to_reason(odd) == term::parse("{oops,1}"));
}

TEST_CASE("a CAF actor that is linked with a process gets exit_msg with the mapped reason") {
  both b;
  CHECK(watched(b, b.here.spawn(idle), "shutdown", true) == caf::exit_reason::user_shutdown);
  CHECK(watched(b, b.here.spawn(idle), "noconnection", true) == caf::exit_reason::remote_link_unreachable);
}

TEST_CASE("monitoring a process that has ended answers at once") {
  both b;
  const pid p = b.here.spawn([](context&) -> process { co_return; });
  b.here.wait(p);
  told<caf::error> got;
  const caf::actor watcher = watches(b, b.as_caf(p), false, nullptr, got.promise());
  CHECK(got.get() == caf::exit_reason::unknown);
}

TEST_CASE("a process that ends normally gives no error") {
  both b;
  const pid p = b.here.spawn([](context& self) -> process { co_await self.receive<note>(); });
  told<caf::error> got;
  const auto ready = std::make_shared<std::promise<void>>();
  const caf::actor watcher = watches(b, b.as_caf(p), false, ready, got.promise());
  ready->get_future().wait();
  b.here.send(p, note{"go"});
  CHECK_FALSE(got.get());
}

TEST_CASE("a process that monitors a CAF actor gets down with the mapped reason") {
  both b;
  for (const auto& [reason, as_term] :
       {std::pair(caf::error(caf::exit_reason::user_shutdown), term("shutdown"_atom)),
        std::pair(caf::error(caf::exit_reason::kill), term("killed"_atom)),
        std::pair(caf::error(caf::exit_reason::remote_link_unreachable), term("noconnection"_atom)),
        std::pair(caf::error(caf::exit_reason::out_of_workers), term::parse("{caf,exit,3,<<\"out_of_workers\">>}")),
        std::pair(caf::error(caf::sec::runtime_error), term::parse("{caf,system,28,<<\"runtime_error\">>}")),
        std::pair(caf::error(caf::error()), term("normal"_atom))}) {
    const caf::actor a = b.there.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[=](caf::error why) { self->quit(std::move(why)); }};
    });
    told<term> got;
    const pid m = b.here.spawn(monitors, b.as_pid(a), got.teller());
    static_cast<void>(m);
    // A message goes the way of the monitor, so it comes after it.
    caf::anon_send(a, reason);
    const term seen = got.get();
    CHECK((seen == as_term || seen == term("noproc"_atom)));
  }
}

TEST_CASE("a process that is linked with a CAF actor gets its end as an exit signal from its pid") {
  both b;
  const caf::actor a = b.there.spawn(caf_idle);
  const pid whom = b.as_pid(a);
  told<term> ready;
  told<exit_signal> got;
  b.here.spawn(linked, whom, ready.teller(), got.teller());
  ready.get();
  // After the link, which went the same way.
  CHECK(b.here.call(whom, get{}) == 0);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  const exit_signal signal = got.get();
  CHECK(signal.from == whom);
  CHECK(signal.reason == term("shutdown"_atom));
}

TEST_CASE("what an actor sent before it ended arrives before the news of its end") {
  both b;
  for (int i = 0; i < 50; ++i) {
    told<term> got;
    const pid p = b.here.spawn(
        [](context& self, teller<term> say) -> process {
          self.trap_exit(true);
          const pid from = co_await self.receive<pid>();
          self.link(from);
          self.send(from, term("go"_atom));
          std::vector<term> all;
          while (all.size() < 2)
            co_await self.receive([&](const note& n) { all.push_back(n.text); },
                                  [&](const exit_signal& e) { all.push_back(e.reason); });
          (*say)(term::list(all));
        },
        got.teller());
    const caf::actor a = b.there.spawn([to = b.as_caf(p)](caf::event_based_actor* self) -> caf::behavior {
      return {[=](caf::atom_value) {
        self->send(to, caf::atom("note"), std::string("last words"));
        self->quit(caf::exit_reason::user_shutdown);
      }};
    });
    b.here.send(p, b.as_pid(a));
    CHECK(got.get() == term::list({"last words", "shutdown"_atom}));
  }
}

TEST_CASE("exit signals to a CAF actor's pid are exit_msg, and end it as CAF says") {
  both b;
  const auto ends = [&](const term& how) {
    const caf::actor a = b.there.spawn(caf_idle);
    const pid p = b.as_pid(a);
    told<term> got;
    b.here.spawn(
        [](context& self, pid whom, term reason, teller<term> say) -> process {
          self.monitor(whom);
          self.exit(whom, reason);
          const down d = co_await self.receive<down>();
          (*say)(d.reason);
        },
        p, how, got.teller());
    const term reason = got.get();
    caf::scoped_actor self(b.there);
    self->wait_for(a);
    return reason;
  };
  CHECK(ends("shutdown"_atom) == term("shutdown"_atom));
  CHECK(ends("kill"_atom) == term("killed"_atom));
  CHECK(ends(term::parse("{bad,[1]}")) == term::parse("{bad,[1]}"));
}

TEST_CASE("normal does not end a CAF actor") {
  both b;
  const caf::actor a = b.there.spawn(caf_idle);
  b.here.exit(b.as_pid(a), "normal"_atom);
  CHECK(b.here.call(b.as_pid(a), get{}) == 0);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE("the end of a process that is linked with a CAF actor ends that") {
  both b;
  const caf::actor a = b.there.spawn(caf_idle);
  const pid p = b.here.spawn(
      [](context& self, pid other) -> process {
        self.link(other);
        co_await self.receive<note>();
        self.exit("over"_atom);
      },
      b.as_pid(a));
  b.here.send(p, note{"go"});
  caf::scoped_actor self(b.there);
  self->wait_for(a);
  CHECK(b.here.wait(b.as_pid(a)) != term("normal"_atom));
}

TEST_CASE("CAF's exit_msg is an exit signal to a process") {
  both b;
  SUBCASE("sent to one that does not trap exits it ends it") {
    const pid p = b.here.spawn(idle);
    const caf::actor a = b.as_caf(p);
    caf::anon_send_exit(a, caf::exit_reason::normal);
    told<term> got;
    b.here.spawn(monitors, p, got.teller());
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    const term seen = got.get();
    CHECK((seen == term("shutdown"_atom) || seen == term("noproc"_atom)));
  }
  SUBCASE("kill cannot be trapped") {
    told<term> got;
    const pid p = b.here.spawn([](context& self) -> process {
      self.trap_exit(true);
      for (;;) co_await self.receive<note>();
    });
    told<caf::error> seen;
    const auto ready = std::make_shared<std::promise<void>>();
    const caf::actor watcher = watches(b, b.as_caf(p), false, ready, seen.promise());
    ready->get_future().wait();
    caf::anon_send_exit(b.as_caf(p), caf::exit_reason::kill);
    CHECK(seen.get() == caf::exit_reason::kill);
  }
  SUBCASE("from an actor it comes from its pid") {
    told<exit_signal> got;
    const pid p = b.here.spawn(
        [](context& self, teller<exit_signal> say) -> process {
          self.trap_exit(true);
          co_await self.receive<note>();
          (*say)(co_await self.receive<exit_signal>());
        },
        got.teller());
    const caf::actor a = b.there.spawn([to = b.as_caf(p)](caf::event_based_actor* self) -> caf::behavior {
      return {[=](get) {
        self->send(to, caf::atom("note"), std::string());
        self->send_exit(to, caf::exit_reason::user_shutdown);
        return 0;
      }};
    });
    const pid whom = b.as_pid(a);
    b.here.send(whom, get{});
    const exit_signal signal = got.get();
    CHECK(signal.from == whom);
    CHECK(signal.reason == term("shutdown"_atom));
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }
}

TEST_CASE("the end of a CAF actor that linked itself with a process is an exit signal from its pid") {
  both b;
  told<exit_signal> got;
  told<term> ready;
  const pid p = b.here.spawn(
      [](context& self, teller<term> is_ready, teller<exit_signal> say) -> process {
        self.trap_exit(true);
        (*is_ready)(term());
        (*say)(co_await self.receive<exit_signal>());
      },
      ready.teller(), got.teller());
  ready.get();
  const auto linked_now = std::make_shared<std::promise<void>>();
  const caf::actor a = b.there.spawn([to = b.as_caf(p), linked_now](caf::event_based_actor* self) -> caf::behavior {
    self->link_to(to);
    linked_now->set_value();
    return {[=](get) { self->quit(caf::exit_reason::kill); }};
  });
  linked_now->get_future().wait();
  const pid whom = b.as_pid(a);
  b.here.send(whom, get{});
  const exit_signal signal = got.get();
  CHECK(signal.from == whom);
  CHECK(signal.reason == term("killed"_atom));
}

TEST_CASE("exit reasons go to CAF's errors and back") {
  const auto round = [](const char* text) {
    const term reason = term::parse(text);
    return bridge::to_reason(bridge::to_error(reason)) == reason;
  };
  for (const char* text : {"normal", "killed", "shutdown", "noconnection", "noproc", "timeout", "{shutdown,x}",
                           "my_own", "{error,<<\"what\">>}", "{caf,exit,3,<<\"out_of_workers\">>}",
                           "{caf,mine,7,<<\"text\">>}", "{caf,system,20,<<\"invalid_argument\">>}", "[1,#{a => 2.5}]"})
    CHECK_MESSAGE(round(text), text);
  CHECK(bridge::to_error("kill"_atom) == caf::exit_reason::kill);
  CHECK(bridge::to_reason(caf::sec::request_receiver_down) == term("noproc"_atom));
  CHECK(bridge::to_reason(bridge::to_error(term::parse("{caf,exit,3,<<\"x\">>}"))) ==
        term::parse("{caf,exit,3,<<\"x\">>}"));
  CHECK(bridge::to_error(term::parse("{caf,exit,3,<<\"x\">>}")) == caf::exit_reason::out_of_workers);
  for (const char* text : {"normal", "noproc", "no_reply"})
    CHECK(bridge::to_request_error(term::parse(text)) == caf::sec::request_receiver_down);
}
