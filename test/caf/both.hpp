// SPDX-License-Identifier: BSL-1.0
// One program of CAF and troupe, for tests: both systems and the crossing between them.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/actors/caf/crossing.hpp>

#include <doctest/doctest.h>
#include <caf/all.hpp>

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace both_test {

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

/// How long anything may take. Whoever waits longer has failed: nothing here takes a tenth of it.
inline constexpr std::chrono::seconds patience{20};

// --- messages -------------------------------------------------------------------------------------------------------

struct increment {
  int by = 0;
  using reply = int;
};
struct get {
  using reply = int;
};
struct line {
  std::string text;
  double price = 0;
};
struct order {
  std::int64_t id = 0;
  std::vector<line> lines;
  std::optional<int> discount;
};
/// Not added: a struct as others know it, {note, Text}.
struct note {
  std::string text;
};

/// CAF's configuration, with the messages that cross.
class config : public caf::actor_system_config {
 public:
  config() {
    set("scheduler.max-threads", 2);
    bridge::add_types(*this);
    bridge::add_message<increment>(*this);
    bridge::add_message<get>(*this);
    bridge::add_message<order>(*this);
  }
};

/// Of an actor_system with two workers.
inline actor_system_options two_workers(std::string name = "here") {
  actor_system_options options;
  options.workers = 2;
  options.name = std::move(name);
  return options;
}

/// Both, with CAF's own scheduler.
struct both {
  actor_system here{two_workers()};
  config settings;
  caf::actor_system there{settings};
  bridge::crossing between{there, here};

  pid as_pid(const caf::actor& actor) { return between.as_pid(actor); }
  caf::actor as_caf(const pid& process) { return between.as_caf(process); }
};

// --- processes and actors -------------------------------------------------------------------------------------------

/// Puts what it gets into a promise.
template <class T>
class told {
 public:
  told() : future_(promise_->get_future()) {}
  std::shared_ptr<const std::function<void(T)>> teller() {
    return std::make_shared<const std::function<void(T)>>([p = promise_](T value) { p->set_value(std::move(value)); });
  }
  /// Blocks until it is told.
  T get() {
    REQUIRE(future_.wait_for(patience) == std::future_status::ready);
    return future_.get();
  }
  /// For CAF actors, which may share.
  std::shared_ptr<std::promise<T>> promise() { return promise_; }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
  std::future<T> future_;
};
template <class T>
using teller = std::shared_ptr<const std::function<void(T)>>;

/// Tells of one message, whatever it is, as a term.
inline process tells(context& self, teller<term> say) {
  any_message m = co_await self.receive([](any_message got) { return got; });
  (*say)(m.to_term());
}

inline process counter(context& self, int value) {
  for (;;)
    co_await self.receive([&](request<increment> r) { r.reply(value += r->by); },
                          [&](request<get> r) { r.reply(value); }, [&](const increment& m) { value += m.by; });
}

/// The same as a CAF actor.
inline caf::behavior caf_counter(caf::stateful_actor<int>* self) {
  return {[self](const increment& m) { return self->state += m.by; }, [self](get) { return self->state; }};
}

/// An actor that tells of one message.
inline caf::behavior caf_tells(caf::event_based_actor* self, std::shared_ptr<std::promise<caf::message>> say) {
  self->set_default_handler([say, self](caf::scheduled_actor*, caf::message_view& got) -> caf::result<caf::message> {
    say->set_value(got.move_content_to_message());
    self->quit();
    return caf::message();
  });
  return {[](std::vector<caf::actor_addr>) {}};  // any behaviour
}

}  // namespace both_test
