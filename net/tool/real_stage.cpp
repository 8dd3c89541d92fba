// SPDX-License-Identifier: BSL-1.0
// The stage of OS processes and TCP.
#include <troupe/net/peer.hpp>
#include <troupe/net/tool/stage.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <utility>

namespace troupe::script {

namespace {

/// A port where this script's own epmd can be: whatever else runs on the machine is not touched.
std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool ok = s >= 0 && ::bind(s, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                  ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (s >= 0) ::close(s);
  if (!ok) throw std::runtime_error("there is no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

std::string random_cookie() {
  std::random_device device;
  std::string cookie;
  for (int i = 0; i < 24; ++i) cookie += static_cast<char>('A' + device() % 26);
  return cookie;
}

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
    peer_options start;
    start.name = full_name(spec.name);
    start.arguments = options_.peer_arguments;
    if (spec.erlang) {
      start.program = "erl";
      start.until = peer_start::connected;
      start.arguments = {"-noinput", "-eval", erlang_code(spec)};
    }
    peer made = co_await start_peer(self, start);
    const std::lock_guard guard(lock_);
    is_erlang_[spec.name] = spec.erlang;
    peers_[spec.name] = std::make_shared<peer>(std::move(made));
  }
  task<> stop_node(context& self, const node_spec& spec) override {
    auto leaving = take(spec.name);
    const auto stop = [&] { leaving->stop(); };
    co_await self.blocking(stop);
  }
  task<> crash_node(context&, const node_spec& spec) override {
    take(spec.name)->kill();
    co_return;
  }
  // A connection is ended, and the cookie of one side is changed for the other: no handshake between them succeeds.
  task<> partition(context& self, std::string a, std::string b, bool cut) override {
    if (b == "here") std::swap(a, b);
    const std::string other = full_name(b);
    const std::string cookie = cut ? wrong_cookie : cookie_;
    if (a == "here") {
      node_->set_cookie(other, cookie);
      if (cut) disconnect_node(self, other);
      co_return;
    }
    const std::string at = full_name(a);
    bool erlang = false;
    {
      const std::lock_guard guard(lock_);
      erlang = is_erlang_[a];
    }
    if (erlang) {
      const term set = co_await rpc(self, at, "erlang:set_cookie", atom(other), atom(cookie));
      if (cut) co_await rpc(self, at, "erlang:disconnect_node", atom(other));
    } else {
      const term set = co_await rpc(self, at, "script:part", other, cookie);
      if (cut) co_await rpc(self, at, "script:disconnect", other);
    }
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
  std::shared_ptr<peer> take(const std::string& name) {
    const std::lock_guard guard(lock_);
    const auto found = peers_.find(name);
    if (found == peers_.end()) throw std::runtime_error("the node '" + name + "' does not run");
    auto taken = found->second;
    peers_.erase(found);
    return taken;
  }

  std::string erlang_code(const node_spec& spec) const {
    std::string load;
    for (const std::string& file : spec.modules) {
      const std::string path = std::filesystem::absolute(std::filesystem::path(options_.folder) / file).string();
      if (!std::filesystem::exists(path))
        throw std::runtime_error("there is no file " + path + ", a module of the node '" + spec.name + "'");
      load += "{ok,M" + std::to_string(load.size()) + ",B" + std::to_string(load.size()) + "}=compile:file(" +
              quoted(path) + ",[binary,report]),{module,_}=code:load_binary(M" + std::to_string(load.size()) + "," +
              quoted(file) + ",B" + std::to_string(load.size()) + "),";
    }
    return "A=fun(N)->list_to_atom(os:getenv(N))end," + load +
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
};

}  // namespace

std::unique_ptr<stage> make_real_stage(const script& what, const actors& known, const stage_options& options) {
  return std::make_unique<real_stage>(what, known, options);
}

}  // namespace troupe::script
