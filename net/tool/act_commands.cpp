// SPDX-License-Identifier: BSL-1.0
// troupe send, call, kill, stop, get-state: doing something with a process.
#include <troupe/net/tool/acting.hpp>
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/target.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::tool {

using namespace literals;

namespace {

struct act_options : target_options {
  std::string process;
  std::string message;
  std::string reason;
  bool json = false;
  bool cast = false;

  void add_process(CLI::App& cli) {
    add_to(cli);
    cli.add_option("PROCESS", process, "a registered name, or a pid as its node prints it: <0.12.0>")->required();
  }
  void add_message(CLI::App& cli) {
    add_process(cli);
    cli.add_option("MESSAGE", message, "an Erlang term, {increment, 3}, or JSON, {\"increment\": {\"by\": 3}}")
        ->required();
    cli.add_flag("--json", json, "MESSAGE is JSON, whatever it looks like");
  }
};

constexpr std::string_view about_messages =
    "MESSAGE is an Erlang term, as in {increment, 3}; a full stop is not needed. When it is none, it may be JSON: an\n"
    "object with one member stands for a struct, its members in their order, {\"increment\": {\"by\": 3}}, and a text\n"
    "for one without members, \"reset\". Otherwise JSON is read as mailbox/json.hpp says; [1, 2] is a term already.\n\n"
    "The answer of a call is printed as an Erlang term, or as JSON with --json.";

int print_term(const target& there, const term& value, bool json) {
  std::printf("%s\n", json ? there.show_json(value).c_str() : there.show(value).c_str());
  return 0;
}

}  // namespace

command send_command() {
  return {"send", "send a message to a process", about_messages,
          "troupe send shop@127.0.0.1 counter '{increment, 3}'\n"
          "troupe send shop@127.0.0.1 counter '{\"increment\": {\"by\": 3}}' --cast",
          [](CLI::App& cli) -> std::function<int()> {
            auto o = std::make_shared<act_options>();
            o->add_message(cli);
            cli.add_flag("--cast", o->cast, "as gen_server:cast sends it");
            return [o] {
              return with_target(*o, [&](context& self, target& there) -> task<int> {
                const term message = there.message(o->message, o->json);
                co_await send_to(self, there, o->process, message, o->cast);
                co_return 0;
              });
            };
          }};
}

command call_command() {
  return {"call", "call a process, as gen_server:call, and print its answer", about_messages,
          "troupe call shop@127.0.0.1 counter '{increment, 3}'\n  8", [](CLI::App& cli) -> std::function<int()> {
            auto o = std::make_shared<act_options>();
            o->add_message(cli);
            return [o] {
              return with_target(*o, [&](context& self, target& there) -> task<int> {
                const term message = there.message(o->message, o->json);
                const term answer = co_await call_to(self, there, o->process, message);
                co_return print_term(there, answer, o->json);
              });
            };
          }};
}

command kill_command() {
  return {
      "kill", "end a process at once, by an exit signal",
      "Sends the exit signal kill, which nobody can trap, or another reason; waits for the end and prints the reason\n"
      "that those hear who are linked with the process. Its supervisor, if it has one, starts it again.",
      "troupe kill shop@127.0.0.1 counter\n  killed", [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<act_options>();
        o->add_process(cli);
        cli.add_option("--reason", o->reason, "an Erlang term instead of kill; a process may trap it");
        return [o] {
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            const term reason = o->reason.empty() ? term("kill"_atom) : there.message(o->reason, false);
            const term ended = co_await end_process(self, there, o->process, reason);
            co_return print_term(there, ended, false);
          });
        };
      }};
}

command stop_command() {
  return {
      "stop", "end a behaviour in good order",
      "Ends a gen_server, gen_statem, gen_event or supervisor as sys:terminate does: it finishes what it is about and\n"
      "runs its terminate. A supervisor stops its children first.",
      "troupe stop shop@127.0.0.1 shop_sup --reason shutdown", [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<act_options>();
        o->add_process(cli);
        cli.add_option("--reason", o->reason, "an Erlang term; normal unless said");
        return [o] {
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            const term reason = o->reason.empty() ? term("normal"_atom) : there.message(o->reason, false);
            co_await stop_process(self, there, o->process, reason);
            co_return 0;
          });
        };
      }};
}

command get_state_command() {
  return {"get-state", "print the state of a behaviour",
          "Asks a gen_server, gen_statem, gen_event or supervisor for its state, as sys:get_state/1 does.",
          "troupe get-state shop@127.0.0.1 counter\n  8", [](CLI::App& cli) -> std::function<int()> {
            auto o = std::make_shared<act_options>();
            o->add_process(cli);
            cli.add_flag("--json", o->json, "print it as JSON");
            return [o] {
              return with_target(*o, [&](context& self, target& there) -> task<int> {
                const term state = co_await state_of(self, there, o->process);
                co_return print_term(there, state, o->json);
              });
            };
          }};
}

}  // namespace troupe::tool
