// SPDX-License-Identifier: BSL-1.0
// A traffic light with a button for walkers, a state machine: traffic_light [WALKERS]; who presses at red waits for
// green.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

using namespace troupe;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

// A walker's call: answered when it is safe to go, with the number of lights that have turned green so far.
struct cross {
  using reply = std::int64_t;
};
// A call of the test's: does the light work?
struct check {
  using reply = bool;
};
// To the light: somebody from the works has come, or has gone.
struct out_of_order {};
struct in_order {};

// --- the machine -----------------------------------------------------------------------------------------------------

enum class light { red, green, blinking };

class crossing : public gen_statem<light> {
 public:
  light init() { return light::red; }

  void turn_red() { state_timeout(20ms); }
  void turn_green() {
    ++greens_;
    state_timeout(10ms);
  }
  void red_is_over() { next_state(light::green); }
  void green_is_over() { next_state(light::red); }
  std::int64_t go(const cross&) { return greens_; }
  bool works(const check&) { return state() != light::blinking; }
  void blink(const out_of_order&) {
    next_state(light::blinking);
    set_timeout("repair", 200ms, in_order{});
  }
  void repaired(const in_order&) {
    cancel_timeout("repair");
    next_state(light::red);
  }

  using handles = states<
      in<light::red, enter<&crossing::turn_red>, on_state_timeout<&crossing::red_is_over>, postponed<cross>>,
      in<light::green, enter<&crossing::turn_green>, on_state_timeout<&crossing::green_is_over>, call<&crossing::go>>,
      in<light::blinking, cast<&crossing::repaired>, on_timeout<"repair", &crossing::repaired>, postponed<cross>>,
      in_every<call<&crossing::works>, cast<&crossing::blink>>>;

 private:
  std::int64_t greens_ = 0;
};

// --- those who use it ------------------------------------------------------------------------------------------------

struct crossed {
  std::int64_t green;  // which one
};

process walker(context& self, server<crossing> at, pid told) {
  const std::int64_t green = co_await self.call(at, cross{}, infinity);
  self.send<crossed>(told, green);
}

// To the town: the whole job. Answered with how many have crossed.
struct day {
  std::int64_t walkers;
  using reply = std::int64_t;
};

process town(context& self) {
  request<day> asked = co_await self.receive<request<day>>();
  const auto at = co_await self.start_link<crossing>({.name = "crossing"});

  self.cast(at, out_of_order{});
  const bool works = co_await self.call(at, check{});
  std::printf("the light %s; %lld walkers press the button\n", works ? "works" : "blinks",
              static_cast<long long>(asked->walkers));
  for (std::int64_t i = 0; i < asked->walkers; ++i) self.spawn_link(walker, at, self.pid());
  self.cast(at, in_order{});  // the repair did not take as long as it may

  std::int64_t got_over = 0;
  for (; got_over < asked->walkers; ++got_over) {
    const crossed one = co_await self.receive<crossed>();
    if (got_over == 0) std::printf("green: %lld. The first goes\n", static_cast<long long>(one.green));
  }
  const term state = co_await sys::get_state(self, at);
  std::printf("all have crossed; sys::get_state says %s\n", state.to_string().c_str());
  co_await stop(self, at);
  asked.reply(got_over);
}

int main(int argc, char** argv) {
  const auto [walkers] = example::sizes(argc, argv, {{"WALKERS", 5, 1, 100'000}});
  actor_system sys;
  const std::int64_t crossed = sys.call(sys.spawn(town), day{walkers}, infinity);
  std::printf("%lld of %lld crossed\n", static_cast<long long>(crossed), static_cast<long long>(walkers));
  return crossed == walkers ? 0 : 1;
}

// What it shows
//
// - `handles` is the diagram: a list for each state, with what is done on entering it and on which event, and a list
//   for all states.
// - `postponed<cross>`: who calls at red is neither refused nor kept in a list of our own. The call waits and is
// handled
//   again in the next state, in its order; its caller sees a call that takes its time.
// - `state_timeout` ends by itself when the state changes, so a light that blinks does not turn green by an old timer;
//   the timeout with a name goes on over changes of the state, until it is cancelled.
// - An Erlang node can do the same: gen_statem:call({crossing, Node}, cross), sys:get_state({crossing, Node}).
