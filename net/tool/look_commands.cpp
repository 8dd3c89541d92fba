// SPDX-License-Identifier: BSL-1.0
// troupe ping, ps, tree, info: looking at a node.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/target.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace troupe::tool {

namespace {

struct look_options : target_options {
  std::string process;
  std::string sort = "pid";
  std::size_t limit = 0;
};

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

command ping_command() {
  return {
      "ping", "is a node there, and does it take the cookie?",
      "Connects with NODE as Erlang's net_adm:ping/1 does, and prints pong and how long the answer took. When there\n"
      "is none it says why: nobody listens, epmd does not know the name, another cookie.",
      "troupe ping shop@127.0.0.1 --cookie secret\n  pong from shop@127.0.0.1 after 0.2 ms",
      [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<look_options>();
        o->add_to(cli);
        return [o] {
          return with_target(*o, [](context& self, target& there) -> task<int> {
            const auto before = self.now();
            const bool answered = co_await ping(self, there.node_atom(), there.patience());
            if (!answered) throw tool_error(there.name() + " is connected, but does not answer");
            const double ms = std::chrono::duration<double, std::milli>(self.now() - before).count();
            std::printf("pong from %s after %.1f ms\n", there.name().c_str(), ms);
            co_return 0;
          });
        };
      }};
}

command ps_command() {
  return {
      "ps", "list the processes of a node",
      "Prints a line for each process: its pid, its registered name, its behaviour or initial function, what it is\n"
      "about, how many messages wait, how many it has taken, and its memory in bytes.\n\n"
      "A node of troupe's has to be started with --observer, or to call serve_observer. Of an Erlang node the\n"
      "reductions are shown instead of the messages.",
      "troupe ps shop@127.0.0.1 --sort mailbox --limit 10\n"
      "  PID       NAME     WHAT                 STATUS      MAILBOX      MESSAGES      MEMORY\n"
      "  <0.12.0>  counter  gen_server counter   waiting           3          1045        1344",
      [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<look_options>();
        o->add_to(cli);
        cli.add_option("--sort", o->sort, "pid, messages, mailbox or memory; pid unless said");
        cli.add_option("--limit", o->limit, "at most so many lines; 0: all")->check(CLI::NonNegativeNumber);
        return [o] {
          const sort_key by = sort_key_of(o->sort);
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            const std::size_t limit = o->limit == 0 ? SIZE_MAX : o->limit;
            const process_table table = co_await look_at_processes(self, there, by, limit);
            print(to_string(table));
            co_return 0;
          });
        };
      }};
}

command tree_command() {
  return {
      "tree", "draw a node's supervisors and what they supervise",
      "Prints the tree below the supervisor PROCESS, a registered name or a pid. Without PROCESS, all trees of the\n"
      "node; of an Erlang node those of its applications. A tree below a PROCESS needs no --observer there.",
      "troupe tree shop@127.0.0.1 shop_sup\n"
      "  shop_sup <0.10.0> supervisor\n  |- hits <0.11.0> worker\n  `- more <0.12.0> worker",
      [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<look_options>();
        o->add_to(cli);
        cli.add_option("PROCESS", o->process, "the supervisor: a registered name, or a pid as its node prints it");
        return [o] {
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            const std::string tree = co_await look_at_tree(self, there, o->process);
            print(tree);
            co_return 0;
          });
        };
      }};
}

command info_command() {
  return {"info", "tell what is known of a node, or of one of its processes",
          "Prints a line for each thing that is known of PROCESS, a registered name or a pid: what it waits for and\n"
          "where, its links and monitors, its mailbox. Without PROCESS, counts and limits of the node.",
          "troupe info shop@127.0.0.1 counter\n"
          "  behaviour          gen_server counter\n  message_queue_len  0\n  where              counter.cpp:31",
          [](CLI::App& cli) -> std::function<int()> {
            auto o = std::make_shared<look_options>();
            o->add_to(cli);
            cli.add_option("PROCESS", o->process, "a registered name, or a pid as its node prints it");
            return [o] {
              return with_target(*o, [&](context& self, target& there) -> task<int> {
                const std::string all = co_await look_at(self, there, o->process);
                print(all);
                co_return 0;
              });
            };
          }};
}

}  // namespace troupe::tool
