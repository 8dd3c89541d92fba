// SPDX-License-Identifier: BSL-1.0
// How a caf::actor_system gets troupe's workers.
#include <troupe/actors/caf/config.hpp>
#include <troupe/actors/caf/coordinator.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/mailbox/errors.hpp>

#include <caf/defaults.hpp>
#include <caf/logger.hpp>
#include <caf/settings.hpp>

#include <utility>

namespace troupe::bridge {

namespace {

void refuse_simulated(actor_system& sys) {
  if (sys.runtime().sched().delivers())
    throw usage_error("troupe: CAF's actors need threads, and actor_system " + std::string(sys.name()) +
                      " is simulated: give it no scheduler of its own");
}

/// What CAF calls in the constructor of an actor_system.
caf::actor_system::module* make(caf::actor_system& actors, const std::weak_ptr<troupe::detail::runtime>& home,
                                actor_system& processes) {
  try {
    const std::shared_ptr<troupe::detail::runtime> rt = home.lock();
    if (rt == nullptr)
      throw usage_error("troupe: the actor_system that was installed in a caf::actor_system_config is gone");
    if (rt->this_env() != nullptr)
      throw usage_error(
          "troupe: a caf::actor_system cannot be made on a worker on which its own actors are to run, since its end "
          "waits for them: make it on a thread of yours, or in self.blocking(f)");
    return new detail::coordinator(actors, rt, processes);
  } catch (...) {
    // It is set at the begin of that constructor, and this thread would use it when it ends.
    caf::logger::set_current_actor_system(nullptr);
    throw;
  }
}

}  // namespace

void install(caf::actor_system_config& cfg, actor_system& sys) {
  refuse_simulated(sys);
  add_types(cfg);
  cfg.module_factories.push_back(
      [home = sys.runtime().weak_from_this(), &sys](caf::actor_system& actors) { return make(actors, home, sys); });
}

config::config() : config(actor_system_options{}) {}

config::config(actor_system_options options) : options_(std::move(options)) {
  add_types(*this);
  module_factories.push_back([this](caf::actor_system& actors) {
    actor_system& sys = processes();
    return make(actors, sys.runtime().weak_from_this(), sys);
  });
}

config::config(actor_system& sys) : system_(&sys) {
  install(*this, sys);
}

config::~config() = default;

actor_system& config::processes() {
  if (system_ == nullptr) {
    if (options_->workers == 0) options_->workers = caf::get_or(*this, "scheduler.max-threads", std::size_t{0});
    auto made = std::make_unique<actor_system>(*options_);
    refuse_simulated(*made);
    own_ = std::move(made);
    system_ = own_.get();
  }
  return *system_;
}

actor_system& processes(caf::actor_system& sys) {
  if (auto* ours = dynamic_cast<detail::coordinator*>(&sys.scheduler())) return ours->processes();
  throw usage_error("troupe: this caf::actor_system runs on CAF's own workers: see troupe::bridge::install");
}

}  // namespace troupe::bridge
