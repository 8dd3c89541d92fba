// SPDX-License-Identifier: BSL-1.0
// How a node comes up and goes down.
#include <troupe/net/node.hpp>

#include <troupe/actors/runtime.hpp>
#include <troupe/net/dial.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/epmd_client.hpp>
#include <troupe/net/handshake.hpp>
#include <troupe/net/kernel.hpp>
#include <troupe/net/stream_io.hpp>
#include <troupe/net/tcp.hpp>

#include <spdlog/spdlog.h>

#include <utility>

namespace troupe {

using namespace literals;

namespace {

actor_system_options system_options(const node_options& options) {
  if (!detail::is_node_name(options.name))
    throw node_error("troupe: '" + options.name + "' cannot be a node's name: write name@host");
  actor_system_options system = options.system;
  system.name = options.name;
  return system;
}

/// The address that the node's host stands for here.
std::string address_for(const node_options& options) {
  if (!options.listen.empty()) return options.listen;
  const std::string host = options.name.substr(options.name.find('@') + 1);
  if (options.network != nullptr) return host;
  if (host == "localhost" || host == "::1" || host.starts_with("127.")) return host;
  return "0.0.0.0";
}

/// What makes a node_error of whatever prevents one.
template <class F>
auto or_node_error(const node_options& options, F&& f) {
  try {
    return f();
  } catch (const node_error&) {
    throw;
  } catch (const std::exception& e) {
    throw node_error("troupe: the node " + options.name + " cannot start: " + e.what());
  }
}

}  // namespace

node::node(node_options options)
    : node(prepared{}, [&] {
        if (options.network == nullptr) {
          auto reactor = std::make_shared<detail::io_reactor>();
          options.system.poller = detail::io_pollers(reactor);
          options.tcp = detail::make_tcp_network(reactor);
        }
        return std::move(options);
      }()) {}

node::node(prepared, node_options options) : actor_system(system_options(options)) {
  distribution_ = or_node_error(options, [&] {
    auto net = options.network != nullptr ? options.network : options.tcp;
    return std::make_shared<detail::distribution>(runtime(), options, std::move(net));
  });
  runtime().set_router(distribution_.get());
  try {
    or_node_error(options, [&] { come_up(); });
  } catch (...) {
    runtime().stop();
    throw;
  }
}

node::~node() {
  runtime().stop();
}

void node::come_up() {
  const detail::shared<detail::distribution> home(distribution_);
  const auto named = [](const char* name) {
    spawn_options options;
    options.name = name;
    return options;
  };
  distribution_->set_kernel(spawn(named("net_kernel"), detail::net_kernel, home));
  distribution_->set_io(spawn(named("user"), detail::user, home));
  spawn(named("rex"), detail::rex, home);
  spawn(named("logger_proxy"), detail::logger_proxy, home);

  const node_options& options = distribution_->options();
  if (!options.listening) return;
  std::error_code error;
  const std::string wanted = address_for(options);
  std::unique_ptr<detail::byte_listener> listener = distribution_->net()->listen(wanted, options.port, error);
  if (listener == nullptr)
    throw node_error("troupe: the node " + options.name + " cannot listen at " + wanted + ":" +
                     std::to_string(options.port) + ": " + error.message());
  address_ = listener->address();
  port_ = listener->port();
  spawn(detail::accept_process, home, detail::shared<detail::byte_listener>(std::move(listener)));
  if (options.use_epmd) register_with_epmd();
  spdlog::info("node {} listens at {}{}", options.name, address_, options.hidden ? ", hidden" : "");
}

namespace {

/// What the thread that makes the node waits for.
struct registration {
  detail::latch done;
  std::string error = "its process was killed";
};

process register_node(context& self, detail::epmd_keeper_options options, detail::shared<registration> result) {
  struct at_end {
    detail::shared<registration> what;
    ~at_end() { what->done.set(); }
  } end{result};
  options.report = self.pid();
  const spawned keeper = self.spawn_monitor(detail::epmd_keeper, options);
  const auto on_registered = [&](const detail::epmd_registered&) { result->error.clear(); };
  const auto on_down = [&](const down& d) {
    const bool said = d.reason.is_tuple("error"_atom) && d.reason.size() == 2 && d.reason[1].is_binary();
    result->error = said ? std::string(d.reason[1].as_binary()) : "epmd: " + d.reason.to_string();
  };
  co_await self.receive(on_registered, on_down);
  self.demonitor(keeper.monitor, true);
}

}  // namespace

void node::register_with_epmd() {
  const node_options& options = distribution_->options();
  detail::epmd_keeper_options keeper;
  keeper.net = distribution_->net();
  keeper.node.name = std::string(distribution_->short_name());
  keeper.node.port = port_;
  keeper.port = distribution_->epmd_port();
  // Others ask the epmd of this machine: if it is ours, it must be where they can reach it.
  if (address_for(options) == "0.0.0.0") keeper.serve_at = "0.0.0.0";
  const detail::shared<registration> result(std::make_shared<registration>());
  spawn(register_node, keeper, result);
  runtime().sched().wait(result->done);
  if (!result->error.empty())
    throw node_error("troupe: the node " + options.name + " cannot register: " + result->error);
}

bool node::connect(const process_name& other, detail::duration patience) {
  struct outcome {
    bool up = false;
    detail::latch done;
  };
  detail::refuse_on_worker();
  const detail::shared<outcome> result(std::make_shared<outcome>());
  const auto ask = [](context& self, process_name to_whom, detail::duration time,
                      detail::shared<outcome> to) -> process {
    // However this ends, the thread goes on.
    struct at_end {
      detail::shared<outcome> what;
      ~at_end() { what->done.set(); }
    } end{to};
    to->up = co_await connect_node(self, to_whom, time);
  };
  spawn(ask, other, patience, result);
  runtime().sched().wait(result->done);
  return result->up;
}

bool node::disconnect(const process_name& other) {
  return distribution_->disconnect(other.atom().name());
}

std::vector<atom> node::nodes(node_kind which) const {
  return distribution_->nodes(which != node_kind::hidden, which != node_kind::visible);
}

void node::set_cookie(const process_name& other, std::string cookie) {
  distribution_->cookies().set(other.atom().name(), std::move(cookie));
}

void node::export_one(const export_name& name, detail::exported what) {
  distribution_->exports().add(name, std::move(what));
}

bool node::unexport(const export_name& name, std::size_t arity) {
  return distribution_->exports().remove(name, arity);
}

}  // namespace troupe
