// SPDX-License-Identifier: BSL-1.0
// The server that the suites of calls ask, and how they look at failures.
#pragma once

#include <troupe/actors/all.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#if defined(TROUPE_TEST_ACROSS)
#include "net/across.hpp"  // another context
#endif

namespace call_test {

using namespace troupe;
using namespace troupe::literals;

struct add {
  int by;
  using reply = int;
};
struct get {
  using reply = int;
};
struct clear {
  using reply = void;
};
struct anything {
  int n;
};
struct take_box {
  using reply = std::unique_ptr<int>;
};
struct crash {
  using reply = int;
};
struct drop {
  using reply = int;
};
struct slow {
  std::chrono::milliseconds time;
  using reply = int;
};
struct fail {
  std::string why;
  using reply = int;
};
struct text {
  std::string value;
  using reply = std::string;
};
struct flush {};
struct note {
  int n;
};

/// Answers all of the above. Slow ones are answered later, while it goes on.
inline process server(context& self, int value) {
  for (;;)
    co_await self.receive([&](request<add> r) { r.reply(value += r->by); }, [&](request<get> r) { r.reply(value); },
                          [&](request<clear> r) {
                            value = 0;
                            r.reply();
                          },
                          [&](request<anything> r) { r.reply(term::list({"got"_atom, r->n})); },
                          [&](request<take_box> r) { r.reply(std::make_unique<int>(value)); },
                          [&](request<crash>) { throw std::runtime_error("as asked"); }, [&](request<drop>) {},
                          [&](request<fail> r) { r.fail(term(r->why)); },
                          [&](request<text> r) { r.reply(r->value + "!"); },
                          [&](request<slow> r) {
                            self.spawn(
                                [](context& me, request<slow> kept) -> process {
                                  co_await me.sleep(kept->time);
                                  kept.reply(static_cast<int>(kept->time.count()));
                                },
                                std::move(r));
                          });
}

inline process deaf(context& self) {
  co_await self.receive<flush>();
}

/// The reason why a call to `to` fails; the atom none when it does not.
template <class M>
task<term> failure(context& self, destination to, M message, std::chrono::nanoseconds patience = default_timeout) {
  try {
    co_await self.call(to, message, patience);
  } catch (const call_failed& e) {
    co_return e.reason();
  }
  co_return term("none"_atom);
}

}  // namespace call_test
