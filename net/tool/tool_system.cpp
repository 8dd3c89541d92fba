// SPDX-License-Identifier: BSL-1.0
// The processes of the commands.
#include <troupe/net/tool/tool_system.hpp>

#include <troupe/net/distribution.hpp>
#include <troupe/net/poller.hpp>
#include <troupe/net/tcp.hpp>
#include <troupe/net/tool/command.hpp>

#include <exception>
#include <utility>

namespace troupe::tool {

namespace {

struct outcome {
  int code = 1;
  std::exception_ptr error;
};

process do_work(context& self, detail::shared<std::function<task<int>(context&)>> work,
                detail::shared<outcome> result) {
  try {
    result->code = co_await (*work)(self);
  } catch (const process_exit&) {
    throw;
  } catch (const std::exception&) {
    result->error = std::current_exception();
  }
}

}  // namespace

int run_as_process(actor_system& system, std::function<task<int>(context&)> work) {
  const detail::shared<std::function<task<int>(context&)>> kept(
      std::make_shared<std::function<task<int>(context&)>>(std::move(work)));
  const detail::shared<outcome> result(std::make_shared<outcome>());
  const term reason = system.wait(system.spawn(do_work, kept, result));
  if (result->error) std::rethrow_exception(result->error);
  if (!reason.is_atom(atom("normal"))) throw tool_error("interrupted: " + reason.to_string());
  return result->code;
}

int run_with_network(std::function<task<int>(context&, std::shared_ptr<detail::network>)> work) {
  auto reactor = std::make_shared<detail::io_reactor>();
  actor_system_options options;
  options.workers = 1;
  options.poller = detail::io_pollers(reactor);
  actor_system system(options);
  const auto net = detail::make_tcp_network(reactor);
  return run_as_process(system, [&](context& self) { return work(self, net); });
}

}  // namespace troupe::tool
