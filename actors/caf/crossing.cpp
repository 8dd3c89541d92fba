// SPDX-License-Identifier: BSL-1.0
// The crossings of a program, and which of them is meant.
#include <troupe/actors/caf/crossing.hpp>

#include <troupe/actors/caf/crossing_state.hpp>
#include <troupe/actors/caf/process_actor.hpp>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::bridge {

using namespace literals;

namespace {

std::mutex crossings_lock;
std::vector<std::shared_ptr<detail::crossing_state>>& crossings() {  // under crossings_lock
  static std::vector<std::shared_ptr<detail::crossing_state>> all;
  return all;
}

template <class Fits>
std::shared_ptr<detail::crossing_state> find_crossing(const char* what, Fits&& fits) {
  std::vector<std::shared_ptr<detail::crossing_state>> found;
  {
    const std::lock_guard guard(crossings_lock);
    std::copy_if(crossings().begin(), crossings().end(), std::back_inserter(found),
                 [&](const auto& c) { return fits(*c); });
  }
  if (found.size() == 1) return std::move(found[0]);
  throw usage_error(found.empty()
                        ? std::string("troupe: ") + what + ": no troupe::bridge::crossing joins its system with another"
                        : std::string("troupe: ") + what + ": " + std::to_string(found.size()) +
                              " crossings might be meant; call the member of one of them");
}

}  // namespace

crossing::crossing(caf::actor_system& caf, actor_system& troupe)
    : state_(std::make_shared<detail::crossing_state>(caf, troupe.runtime())) {
  state_->open();
  const std::lock_guard guard(crossings_lock);
  crossings().push_back(state_);
}

crossing::~crossing() {
  {
    const std::lock_guard guard(crossings_lock);
    std::erase(crossings(), state_);
  }
  state_->close(to_error("noconnection"_atom));
}

caf::actor crossing::as_caf(const pid& process) {
  return state_->actor_of(process);
}

pid crossing::pid_of(const caf::strong_actor_ptr& actor) {
  return state_->pid_of(actor, true);
}

caf::actor_system& crossing::caf_system() const noexcept {
  return state_->system();
}

node_index crossing::node() const noexcept {
  return state_->rt().node();
}

caf::actor as_caf(const pid& process) {
  const bool is_ours = is_own_node(process.node());
  return find_crossing("as_caf",
                       [&](const detail::crossing_state& c) { return !is_ours || c.rt().node() == process.node(); })
      ->actor_of(process);
}

pid detail::pid_of(const caf::strong_actor_ptr& actor) {
  if (actor == nullptr) return {};
  if (const process_actor* p = as_process_actor(actor)) return p->process();
  return find_crossing("as_pid", [&](const crossing_state& c) { return &c.system() == actor->home_system; })
      ->pid_of(actor, true);
}

}  // namespace troupe::bridge
