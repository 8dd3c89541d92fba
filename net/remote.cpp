// SPDX-License-Identifier: BSL-1.0
// What processes do with other nodes.
#include <troupe/net/remote.hpp>

#include <troupe/actors/call.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/kernel.hpp>
#include <troupe/net/remote_spawn.hpp>
#include <troupe/net/stream_io.hpp>

namespace troupe {

using namespace literals;

namespace detail {

namespace {

distribution& distribution_of(context& self) {
  auto* d = static_cast<distribution*>(slot_access::of(self).rt->router());
  if (d == nullptr) throw usage_error("troupe: this actor_system is no node; make a troupe::node");
  return *d;
}

/// On this node itself.
spawned spawn_here(context& self, distribution& home, const export_name& what, const term& arguments,
                   const spawn_at_options& options) {
  slot& s = slot_access::of(self);
  const auto found = home.exports().find(what.module, what.function, arguments.size());
  spawn_options here;
  here.link = options.link;
  here.monitor = options.monitor;
  if (found == nullptr || !found->start) {
    const auto undefined = [](context& child, term reason) -> process {
      child.exit(std::move(reason));
      co_return;
    };
    return spawn_process(*s.rt, &s, here, undefined, undefined_function(what.module, what.function, arguments));
  }
  new_process made(*s.rt, &s);
  return made.launch(start_exported(made, found, arguments), here);
}

}  // namespace

task<spawned> spawn_on(context& self, atom node, export_name what, term arguments, spawn_at_options options) {
  distribution& home = distribution_of(self);
  if (node.name() == home.name()) co_return spawn_here(self, home, what, arguments, options);
  auto* e = make_envelope<request_envelope, spawn_order>(envelope_kind::request, what.module, what.function, arguments,
                                                         options.link, options.monitor, home.io());
  const destination there(atom(), node);
  question q(slot_access::of(self), there, e);
  q.deadline = later(self.now(), options.patience);
  q.ask();
  std::vector<question*> one{&q};
  questions_wait wait(slot_access::of(self), std::move(one), 1);
  co_await wait;
  const envelope_ptr answer = q.take();
  // A message of the other node's can look like an answer to a call.
  if (answer->kind != envelope_kind::spawn_reply)
    throw call_failed(atom("bad_reply"), term::tuple({what.module, what.function, node}), "spawn");
  const auto& said = static_cast<const signal_envelope&>(*answer);
  if (!said.from) throw call_failed(said.reason, term::tuple({what.module, what.function, node}), "spawn");
  spawned result;
  result.pid = said.from;
  if ((said.number & made_monitor) != 0) result.monitor = said.ref;
  co_return result;
}

}  // namespace detail

task<bool> connect_node(context& self, process_name node, detail::duration patience) {
  detail::distribution& home = detail::distribution_of(self);
  const std::uint64_t ticket = detail::next_ticket();
  home.tell_connected(self.pid(), node.atom(), ticket);
  bool up = false;
  const auto mine = [ticket](const detail::connect_result& r) { return r.ticket == ticket; };
  const auto note = [&up](const detail::connect_result& r) { up = r.up; };
  auto handler = when(mine, note);
  auto clause = after(patience);
  co_await self.receive(handler, clause);
  if (!up) home.forget_waiter(self.pid(), node.atom(), ticket);
  co_return up;
}

bool disconnect_node(context& self, const process_name& node) {
  return detail::distribution_of(self).disconnect(node.atom().name());
}

std::vector<atom> nodes(context& self, node_kind which) {
  auto* home = static_cast<detail::distribution*>(detail::slot_access::of(self).rt->router());
  if (home == nullptr) return {};
  return home->nodes(which != node_kind::hidden, which != node_kind::visible);
}

atom node_of(context& self) {
  return node_of(self.pid());
}

atom node_of(const pid& process) {
  return atom(node_name(process.node()));
}

void monitor_node(context& self, const process_name& node, bool on) {
  detail::distribution_of(self).monitor_node(self.pid(), node.atom(), on);
}

void monitor_nodes(context& self, bool on, bool hidden) {
  detail::distribution_of(self).monitor_nodes(self.pid(), on, hidden);
}

task<bool> ping(context& self, process_name node, detail::duration patience) {
  const detail::is_auth question{node_of(self)};
  const destination kernel = remote("net_kernel", node);
  try {
    const atom answer = co_await self.call(kernel, question, patience);
    co_return answer == "yes"_atom;
  } catch (const call_failed&) {
    co_return false;
  }
}

}  // namespace troupe
