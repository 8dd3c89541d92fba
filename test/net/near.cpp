// SPDX-License-Identifier: BSL-1.0
// For suites compiled with across.hpp: all processes on one system after all. So what one program runs over nodes,
// another, linked with this, runs as everywhere.hpp says.
#include "across.hpp"
#undef context
#undef actor_system

#include "actors/everywhere.hpp"

#include <functional>

namespace troupe_test {

namespace {

/// The body as everywhere.hpp knows bodies.
body near(const std::function<troupe::process(troupe::far_context&)>& b) {
  return [&b](troupe::context& self) { return b(static_cast<troupe::far_context&>(self)); };
}

}  // namespace

far_place choose_place(troupe::detail::slot&) {
  return {};
}

void use_connection(troupe::detail::runtime&, std::uint64_t, const troupe::pid&) {}

troupe::destination wherever(const troupe::destination& to) {
  return to;
}

bool is_alive_somewhere(const troupe::pid&) {
  return false;
}

// As everywhere.hpp declares them where across.hpp came before it.
std::uint64_t run_seed(std::uint64_t seed, const std::function<troupe::process(troupe::far_context&)>& b);
void everywhere(const std::function<troupe::process(troupe::far_context&)>& b, where w);

std::uint64_t run_seed(std::uint64_t seed, const std::function<troupe::process(troupe::far_context&)>& b) {
  return run_seed(seed, near(b));
}

void everywhere(const std::function<troupe::process(troupe::far_context&)>& b, where w) {
  everywhere(near(b), w);
}

}  // namespace troupe_test
