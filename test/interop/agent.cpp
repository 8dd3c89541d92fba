// SPDX-License-Identifier: BSL-1.0
// What the agent does.
#include "agent.hpp"

namespace interop {

process agent(context& self) {
  std::deque<term> got;
  std::deque<request<do_next>> wanted;
  const auto keep = [&](term message) {
    if (wanted.empty()) {
      got.push_back(std::move(message));
    } else {
      wanted.front().reply(std::move(message));
      wanted.pop_front();
    }
  };
  for (;;)
    co_await self.receive(
        [&](request<do_trap> r) { r.reply(self.trap_exit(r->on)); },
        [&](request<do_link> r) {
          self.link(r->to);
          r.reply();
        },
        [&](request<do_unlink> r) {
          self.unlink(r->to);
          r.reply();
        },
        [&](request<do_storm> r) {
          for (int i = 0; i < r->times; ++i) {
            self.link(r->to);
            self.unlink(r->to);
          }
          if (r->last) self.link(r->to);
          r.reply();
        },
        [&](request<do_monitor> r) { r.reply(self.monitor(r->to)); },
        [&](request<do_monitor_name> r) { r.reply(self.monitor(destination(r->name, r->node))); },
        [&](request<do_demonitor> r) {
          self.demonitor(r->ref, true);
          r.reply();
        },
        [&](request<do_exit> r) {
          self.exit(r->to, r->reason);
          r.reply();
        },
        [&](request<do_send> r) {
          self.send(r->to, r->message);
          r.reply();
        },
        [&](request<do_send_alias> r) {
          self.send(destination(r->to), r->message);
          r.reply();
        },
        [&](request<do_make_alias> r) {
          r.reply(self.alias(r->once ? alias_lifetime::one_message : alias_lifetime::until_unalias));
        },
        [&](request<do_drop_alias> r) { r.reply(self.unalias(r->ref)); },
        [&](request<do_monitor_node> r) {
          monitor_node(self, r->node);
          r.reply();
        },
        [&](request<do_monitor_nodes> r) {
          monitor_nodes(self, true, r->hidden);
          r.reply();
        },
        [&](request<do_next> r) {
          if (got.empty()) {
            wanted.push_back(std::move(r));
          } else {
            r.reply(got.front());
            got.pop_front();
          }
        },
        [&](request<do_count> r) { r.reply(static_cast<int>(got.size())); },
        [&](const do_end& m) { self.exit(m.reason); },
        [&](const down& d) {
          keep(down_message(d.ref, d.name.empty() ? term(d.process) : term::tuple({d.name, d.node}), d.reason));
        },
        [&](const exit_signal& e) { keep(exit_message(e.from, e.reason)); },
        [&](const nodeup& n) { keep(term::tuple({"nodeup"_atom, n.node})); },
        [&](const nodedown& n) { keep(term::tuple({"nodedown"_atom, n.node})); },
        [&](request<term> r) {
          const term question = *r;
          r.reply(term::tuple({"got"_atom, question}));
        },
        [&](const term& m) { keep(m); });
}

}  // namespace interop
