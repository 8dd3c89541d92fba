// SPDX-License-Identifier: BSL-1.0
// A program that troupe::run is the main of, for the suite that starts it: what it does is in its configuration.
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/net/remote.hpp>
#include <troupe/net/run.hpp>

#include <cstdio>
#include <string>

using namespace troupe;

namespace {

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// Ends as it is told to: {"then": "wait" | "ignore" | "fail" | "stubborn" | a term}.
class worker : public gen_server {
 public:
  worker(std::string name, std::string then) : name_(std::move(name)), then_(std::move(then)) {}
  init_result init() {
    self().trap_exit(true);
    if (then_ == "ignore") return ignore;
    if (then_ == "fail") return init_stop{term("cannot"_atom)};
    say(name_ + " starts on " + std::string(node_of(self()).name()));
    if (then_ != "wait" && then_ != "stubborn") continue_with(timeout{});
    return {};
  }
  task<> terminate(const term& reason) {
    if (then_ == "stubborn") {
      say(name_ + " does not want to");
      co_await self().sleep(std::chrono::hours(1));
    }
    say(name_ + " ends: " + reason.to_string());
  }
  void end(const timeout&) { stop(term::parse(then_)); }
  using handles = handlers<continued<&worker::end>>;

 private:
  std::string name_, then_;
};

application app_named(const std::string& name) {
  application app;
  app.name = name;
  app.environment = R"({"then": "wait"})";
  app.start = [name](context& self, const environment& env) -> task<start_result> {
    const auto then = env.get<std::string>("then");
    co_return co_await self.try_start_link<worker>({}, name, then);
  };
  return app;
}

}  // namespace

int main(int argc, char** argv) {
  set_log_level(log_level::off);
  application app = app_named("top");
  app.dependencies = {app_named("base")};
  run_options options;
  options.shutdown = std::chrono::milliseconds(500);
  options.adjust = [](node_options& o) { o.use_epmd = false; };
  return run(argc, argv, std::move(app), std::move(options));
}
