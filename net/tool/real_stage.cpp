// SPDX-License-Identifier: BSL-1.0
// The stage of OS processes and TCP.
#include <troupe/net/loopback.hpp>
#include <troupe/net/peer.hpp>
#include <troupe/net/tool/stage.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

namespace troupe::script {

namespace {

constexpr const char* wrong_cookie = "a_wall_between_two_nodes";

/// A text in Erlang's quotes.
std::string quoted(const std::string& text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + "\"";
}

class real_stage final : public stage {
 public:
  real_stage(const script& what, const actors& known, stage_options options) : options_(std::move(options)) {
    for (const node_spec& n : what.nodes)
      if (n.erlang && std::system("command -v erl > /dev/null 2>&1") != 0)
        throw std::runtime_error("the node '" + n.name + "' of " + what.file +
                                 " is Erlang's, and there is no erl: apt-get install erlang-base");
    if (what.nodes.empty()) {
      actor_system_options system;
      system.log_crashes = false;
      plain_ = std::make_unique<actor_system>(system);
      return;
    }
    node_options node_settings;
    node_settings.name = full_name("here");
    node_settings.cookie = cookie_;
    node_settings.epmd_port = free_port();
    node_settings.system.log_crashes = false;
    node_ = std::make_unique<node>(node_settings);
    known.export_to(*node_);
  }
  ~real_stage() override { peers_.clear(); }

  actor_system& here() override { return node_ ? static_cast<actor_system&>(*node_) : *plain_; }
  bool simulated() const override { return false; }
  std::string full_name(const std::string& node_of_script) const override { return node_of_script + "@127.0.0.1"; }

  task<> start_node(context& self, const node_spec& spec) override {
    const bool runs = co_await settled(self, spec.name);
    if (runs) throw std::runtime_error("the node '" + spec.name + "' runs already");
    peer_options start;
    start.name = full_name(spec.name);
    start.arguments = options_.peer_arguments;
    if (spec.erlang) {
      start.program = "erl";
      start.until = peer_start::connected;
      // Not -noinput: the end of its standard input is how it learns that this program has gone.
      start.arguments = {"-noshell", "+Bd", "-kernel", "logger_level", "error", "-eval", erlang_code(spec)};
      start.environment = {{"ERL_CRASH_DUMP_SECONDS", "0"}};
    }
    // It has to come here with its cookie, whatever stands between the two; the walls are put up again at once.
    node_->set_cookie(start.name, cookie_);
    peer made = co_await start_peer(self, start);
    std::vector<std::pair<std::string, std::string>> cut;
    {
      const std::lock_guard guard(lock_);
      is_erlang_[spec.name] = spec.erlang;
      peers_[spec.name] = std::make_shared<peer>(std::move(made));
      for (auto& [pair, walls] : walls_) {
        if (pair.first != spec.name && pair.second != spec.name) continue;
        walls.erase(spec.name);
        cut.push_back(pair);
      }
    }
    // That of here comes last: behind it the node is not reached from here.
    std::sort(cut.begin(), cut.end(), [](const auto& x, const auto& y) {
      return std::pair(x.second == "here", x) < std::pair(y.second == "here", y);
    });
    for (const auto& [x, y] : cut) co_await build_wall(self, x, y);
  }
  task<> stop_node(context& self, const node_spec& spec) override {
    auto leaving = co_await take(self, spec.name);
    const auto stop = [&] { leaving->stop(); };
    co_await self.blocking(stop);
  }
  task<> crash_node(context& self, const node_spec& spec) override {
    const auto leaving = co_await take(self, spec.name);
    leaving->kill();
  }
  // A connection is ended, and the cookie of one side is changed for the other: no handshake between them succeeds.
  task<> partition(context& self, std::string a, std::string b, bool cut) override {
    const auto pair = pair_of(a, b);
    std::set<std::string> walls;
    {
      const std::lock_guard guard(lock_);
      if (cut) walls_.try_emplace(pair);
      const auto found = walls_.find(pair);
      if (found != walls_.end()) walls = found->second;
    }
    if (cut) {
      co_await build_wall(self, pair.first, pair.second);
      co_return;
    }
    for (const std::string& at : walls) co_await set_cookie(self, at, at == a ? b : a, cookie_, false);
    const std::lock_guard guard(lock_);
    walls_.erase(pair);
  }

  std::vector<std::string> peers() override {
    const std::lock_guard guard(lock_);
    std::vector<std::string> names;
    for (const auto& [name, p] : peers_)
      if (!is_erlang_[name] && p->is_running()) names.push_back(full_name(name));
    return names;
  }

  void run(const std::function<bool()>&, pid director) override { here().wait(director); }

 private:
  /// "here" is the second, as in all pairs of walls_.
  static std::pair<std::string, std::string> pair_of(std::string a, std::string b) {
    if (a == "here" || (b != "here" && b < a)) std::swap(a, b);
    return {std::move(a), std::move(b)};
  }
  bool is_running(const std::string& name) {
    const std::lock_guard guard(lock_);
    const auto found = peers_.find(name);
    return name == "here" || (found != peers_.end() && found->second->is_running());
  }
  /// Does it run? One whose connection has just gone may be on its way out: a crash is seen here before its end is.
  task<bool> settled(context& self, std::string name) {
    std::shared_ptr<peer> found;
    {
      const std::lock_guard guard(lock_);
      const auto one = peers_.find(name);
      if (one != peers_.end() && walls_.count(pair_of(name, "here")) == 0) found = one->second;
      if (one != peers_.end() && !found) co_return one->second->is_running();  // it is cut off: that tells nothing
    }
    if (!found) co_return false;
    const std::vector<atom> connected = node_->nodes(node_kind::connected);
    if (std::count(connected.begin(), connected.end(), found->name()) == 0) {
      const auto wait = [&] { found->wait(std::chrono::milliseconds(200)); };
      co_await self.blocking(wait);
    }
    co_return found->is_running();
  }
  task<std::shared_ptr<peer>> take(context& self, std::string name) {
    const bool runs = co_await settled(self, name);
    if (!runs) throw std::runtime_error("the node '" + name + "' does not run");
    const std::lock_guard guard(lock_);
    const auto found = peers_.find(name);
    if (found == peers_.end()) throw std::runtime_error("the node '" + name + "' does not run");
    auto taken = found->second;
    peers_.erase(found);
    co_return taken;
  }

  /// Puts a wall up at one side that runs and is reached from here; where none does, it waits for one to be started.
  task<> build_wall(context& self, std::string a, std::string b) {
    std::string problem;
    const std::vector<std::string> sides{b, a};
    for (const std::string& at : sides) {
      if (!is_running(at)) continue;
      bool reached = at == "here";
      {
        const std::lock_guard guard(lock_);
        const auto between = walls_.find(pair_of(at, "here"));
        reached = reached || between == walls_.end() || between->second.empty();
      }
      if (!reached) {
        problem = "the nodes '" + a + "' and '" + b + "' cannot be parted now: '" + at + "' is cut off from here";
        continue;
      }
      co_await set_cookie(self, at, at == a ? b : a, wrong_cookie, true);
      const std::lock_guard guard(lock_);
      walls_[pair_of(a, b)].insert(at);
      co_return;
    }
    if (!problem.empty()) throw std::runtime_error(problem);
  }
  /// The node `at` takes connections with `other` by that cookie, from now on.
  task<> set_cookie(context& self, std::string at, std::string other, std::string cookie, bool disconnect) {
    const std::string name = full_name(other), place = full_name(at);
    bool erlang = false;
    {
      const std::lock_guard guard(lock_);
      erlang = is_erlang_[at];
    }
    if (at == "here") {
      node_->set_cookie(name, cookie);
      if (disconnect) disconnect_node(self, name);
    } else if (!is_running(at)) {
      co_return;  // its wall has gone with it
    } else if (erlang) {
      const term set = co_await rpc(self, place, "erlang:set_cookie", atom(name), atom(cookie));
      if (disconnect) co_await rpc(self, place, "erlang:disconnect_node", atom(name));
    } else {
      const term set = co_await rpc(self, place, "script:part", name, cookie);
      if (disconnect) co_await rpc(self, place, "script:disconnect", name);
    }
  }

  std::string erlang_code(const node_spec& spec) const {
    // One line about a module that does not compile, and the end.
    std::string load =
        "Load=fun(P,F)->case compile:file(P,[binary,return_errors])of"
        " {ok,M,B}->{module,_}=code:load_binary(M,F,B);"
        " {error,[{_,[{L,X,D}|_]}|_],_}->Line=case L of{N,_}->N;_->L end,"
        "io:format(standard_error,\"~ts:~w: ~ts~n\",[P,Line,X:format_error(D)]),erlang:halt(1);"
        " _->io:format(standard_error,\"~ts cannot be compiled~n\",[P]),erlang:halt(1) end end,";
    for (const std::string& file : spec.modules) {
      const std::string path = std::filesystem::absolute(std::filesystem::path(options_.folder) / file).string();
      if (!std::filesystem::exists(path))
        throw std::runtime_error("there is no file " + path + ", a module of the node '" + spec.name + "'");
      load += "Load(" + quoted(path) + "," + quoted(file) + "),";
    }
    return "spawn(fun()->W=fun(W)->case io:get_line(\"\")of L when is_list(L)->W(W);B when is_binary(B)->W(W);"
           "_->erlang:halt(0)end end,W(W)end),"
           "A=fun(N)->list_to_atom(os:getenv(N))end," +
           load +
           "{ok,_}=net_kernel:start([A(\"TROUPE_PEER_NAME\"),longnames]),"
           "erlang:set_cookie(A(\"TROUPE_PEER_COOKIE\")),"
           "true=net_kernel:connect_node(A(\"TROUPE_PEER_PARENT\")).";
  }

  stage_options options_;
  std::string cookie_ = random_cookie();
  std::unique_ptr<actor_system> plain_;
  std::unique_ptr<node> node_;
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<peer>> peers_;
  std::map<std::string, bool> is_erlang_;
  // The pairs that are cut, and at which sides that has been seen to: a node that is started anew knows nothing of it.
  std::map<std::pair<std::string, std::string>, std::set<std::string>> walls_;
};

}  // namespace

std::unique_ptr<stage> make_real_stage(const script& what, const actors& known, const stage_options& options) {
  return std::make_unique<real_stage>(what, known, options);
}

}  // namespace troupe::script
