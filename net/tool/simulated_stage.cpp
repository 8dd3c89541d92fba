// SPDX-License-Identifier: BSL-1.0
// The stage of a simulation: each node on a machine of its own, in virtual time, by the choices of a seed.
#include <troupe/actors/testing/simulation.hpp>
#include <troupe/net/testing/simulated_network.hpp>
#include <troupe/net/tool/stage.hpp>

#include <fmt/core.h>

#include <chrono>
#include <deque>
#include <map>
#include <stdexcept>
#include <utility>

namespace troupe::script {

namespace {

using namespace std::chrono_literals;

class simulated_stage final : public stage {
 public:
  simulated_stage(const script& what, const actors& known, std::uint64_t seed)
      : known_(known), world_(seed), net_(world_) {
    if (what.nodes.empty()) {
      actor_system_options system = world_.options();
      system.log_crashes = false;
      plain_ = std::make_unique<actor_system>(system);
    } else {
      start("here");
    }
    start_time_ = here().now();
    // What segfault() does here: the node goes once the process that did it has been left.
    machinery::crash_node = [this](atom which) {
      for (const auto& [name, n] : nodes_)
        if (which.name() == full_name(name) && name != "here") {
          tasks_.push_back({[this, name_ = name] { crash(name_); }, nullptr});
          return true;
        }
      return false;
    };
  }
  ~simulated_stage() override {
    machinery::crash_node = nullptr;
    while (!nodes_.empty()) nodes_.erase(std::prev(nodes_.end()));
  }

  actor_system& here() override { return plain_ ? *plain_ : static_cast<actor_system&>(*nodes_.at("here")); }
  bool simulated() const override { return true; }
  std::string full_name(const std::string& node_of_script) const override {
    return node_of_script + "@" + host_of(node_of_script);
  }

  task<> start_node(context& self, const node_spec& spec) override {
    return outside(self, [this, name = spec.name] { start(name); });
  }
  task<> stop_node(context& self, const node_spec& spec) override {
    return outside(self, [this, name = spec.name] { end(name); });
  }
  task<> crash_node(context& self, const node_spec& spec) override {
    return outside(self, [this, name = spec.name] { crash(name); });
  }
  task<> partition(context&, std::string a, std::string b, bool cut) override {
    for (const std::string& name : {a, b}) net_.host(host_of(name));
    if (cut)
      net_.partition(host_of(a), host_of(b));
    else
      net_.heal(host_of(a), host_of(b));
    co_return;
  }

  void run(const std::function<bool()>& is_done, pid) override {
    try {
      play(is_done);
    } catch (...) {
      remember();
      throw;
    }
    remember();
  }
  std::string summary() const override {
    return fmt::format("seed {}: {} events, {:.3f} s of virtual time, hash {:016x}", world_.seed(), steps_,
                       std::chrono::duration<double>(end_time_ - start_time_).count(), hash_);
  }

 private:
  struct progress {
    bool done = false;
    std::string error;
  };
  struct work {
    std::function<void()> what;
    std::shared_ptr<progress> state;
  };

  void play(const std::function<bool()>& is_done) {
    while (!is_done()) {
      while (!tasks_.empty()) {
        const work next = std::move(tasks_.front());
        tasks_.pop_front();
        try {
          next.what();
        } catch (const std::exception& e) {
          if (next.state) next.state->error = e.what();
        }
        if (next.state) next.state->done = true;
      }
      if (!world_.step()) throw std::runtime_error("nothing can happen any more:\n" + world_.report());
    }
  }
  /// What the summary says: the ends of the nodes are no part of it.
  void remember() {
    end_time_ = here().now();
    hash_ = world_.trace_hash();
    steps_ = world_.steps();
  }

  static std::string host_of(const std::string& name) { return name + "_host"; }

  /// A node is made and ended by who runs the world, never from inside of it.
  task<> outside(context& self, std::function<void()> what) {
    const auto state = std::make_shared<progress>();
    tasks_.push_back({std::move(what), state});
    while (!state->done) co_await self.sleep(1ms);
    if (!state->error.empty()) throw std::runtime_error(state->error);
  }

  void start(const std::string& name) {
    if (nodes_.count(name) != 0) throw std::runtime_error("the node '" + name + "' runs already");
    node_options options;
    options.name = full_name(name);
    options.cookie = "script";
    options.system = world_.options(options.name);
    options.system.log_crashes = false;
    options.network = net_.host(host_of(name));
    options.use_epmd = false;
    options.port = options.dial_port = 4711;
    options.tick_time = 1s;  // the news of a partition need not take a minute
    auto made = std::make_unique<node>(options);
    known_.export_to(*made);
    if (observe) observe(*made);
    nodes_[name] = std::move(made);
  }
  void end(const std::string& name) {
    if (nodes_.erase(name) == 0) throw std::runtime_error("the node '" + name + "' does not run");
  }
  void crash(const std::string& name) {
    if (nodes_.count(name) == 0) throw std::runtime_error("the node '" + name + "' does not run");
    net_.crash(host_of(name));
    end(name);
    net_.crash(host_of(name));
  }

  const actors& known_;
  testing::simulation world_;
  testing::simulated_network net_;
  std::unique_ptr<actor_system> plain_;
  std::map<std::string, std::unique_ptr<node>> nodes_;
  std::deque<work> tasks_;
  troupe::detail::time_point start_time_{}, end_time_{};
  std::uint64_t hash_ = 0, steps_ = 0;
};

}  // namespace

std::unique_ptr<stage> make_simulated_stage(const script& what, const actors& known, std::uint64_t seed) {
  return std::make_unique<simulated_stage>(what, known, seed);
}

}  // namespace troupe::script
