// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/step_table.hpp>

#include <troupe/net/tool/play.hpp>

namespace troupe::script {

const std::vector<field>& script_fields() {
  static const std::vector<field> fields{
      {"title", field_kind::text, "one line: what the script shows", true},
      {"$schema", field_kind::text, "for editors; not read"},
      {"nodes", field_kind::nodes, "the nodes beside this process's own, which is called here"},
      {"steps", field_kind::steps, "what happens, one step after the other", true},
  };
  return fields;
}

const std::vector<field>& node_fields() {
  static const std::vector<field> fields{
      {"kind", field_kind::node_kind,
       "process: an OS process of this program, unless said; erlang: a node of Erlang's"},
      {"modules", field_kind::files, "of an Erlang node: .erl files to compile and load, from the script's folder"},
      {"started", field_kind::flag, "false: it is not there until a step start_node"},
  };
  return fields;
}

namespace {

std::vector<step_kind> make_step_kinds() {
  using enum field_kind;
  static const field within{"within", duration, "how long it may take; 5s unless said"};
  static const field on{"on", node, "on which node; here unless said"};
  std::vector<step_kind> kinds{
      {"note", text, "says something to whoever watches", R"({"note": "now the machine breaks down"})", {}, &play_note},
      {"spawn",
       factory,
       "starts an actor",
       R"({"spawn": "counter", "arguments": [40], "as": "c", "monitor": true})",
       {{"arguments", arguments, "what its factory takes"},
        {"as", label, "its label in the script; the actor's name unless said"},
        on,
        {"name", name, "registers it under that name"},
        {"link", flag, "linked from its first moment on"},
        {"monitor", flag, "monitored from its first moment on"}},
       &play_spawn},
      {"application",
       application,
       "starts an application and those it depends on",
       R"({"application": "shop", "as": "top"})",
       {on, {"as", label, "the label of its root supervisor; its name unless said"}},
       &play_application},
      {"send",
       message,
       "sends a message",
       R"({"send": {"increment": {"by": 3}}, "to": "c"})",
       {{"to", process, "to whom", true}, {"cast", flag, "as gen_server:cast does"}},
       &play_send},
      {"call",
       message,
       "asks, and waits for the answer",
       R"({"call": {"increment": {"by": 3}}, "to": "c", "expect": 43})",
       {{"to", process, "whom", true},
        {"expect", pattern, "what the answer is like"},
        {"fails", pattern, "the call fails, and its reason is like this"},
        within},
       &play_call},
      {"rpc",
       function,
       "calls a function of a node",
       R"({"rpc": "lists:sum", "on": "erlang", "arguments": [[1, 2]], "expect": 3})",
       {{"on", node, "on which node", true},
        {"arguments", arguments, "its arguments, as terms"},
        {"expect", pattern, "what it gives"},
        {"fails", pattern, "it fails, and the reason is like this"},
        within},
       &play_rpc},
      {"expect",
       expected,
       "waits for a message; others stay in the mailbox, in order",
       R"({"expect": {"pong": {"number": "$n"}}, "within": "1s"})",
       {{"reply", value, "it is a call: the answer to it"}, within},
       &play_expect},
      {"expect_no",
       expected,
       "no such message is there, or comes in that time",
       R"({"expect_no": {"pong": "_"}, "within": "100ms"})",
       {{"within", duration, "how long to wait; only a look into the mailbox unless said"}},
       &play_expect_no},
      {"expect_down",
       process,
       "waits for the down message of a process that is monitored",
       R"({"expect_down": "c", "reason": "killed"})",
       {{"reason", pattern, "what its exit reason is like"}, within},
       &play_expect_down},
      {"expect_exit",
       process,
       "waits for the exit signal of a process that is linked; scripts trap exits",
       R"({"expect_exit": "c", "reason": {"$term": "{error, _}"}})",
       {{"reason", pattern, "what its exit reason is like"}, within},
       &play_expect_exit},
      {"register",
       name,
       "gives a process a name on its node",
       R"({"register": "counter", "process": "c"})",
       {{"process", process, "which one", true}},
       &play_register},
      {"find",
       name,
       "waits until a name is registered, and gives its process a label",
       R"({"find": "counter", "as": "second", "other_than": "c"})",
       {on,
        {"as", label, "the label; the name unless said"},
        {"other_than", process, "it has to be another one than this"},
        within},
       &play_find},
      {"link", process, "links the script with a process", R"({"link": "c"})", {}, &play_link},
      {"unlink", process, "undoes that", R"({"unlink": "c"})", {}, &play_unlink},
      {"monitor", process, "monitors a process", R"({"monitor": "c"})", {}, &play_monitor},
      {"kill", process, "ends a process, whatever it does", R"({"kill": "c"})", {}, &play_kill},
      {"exit",
       process,
       "sends a process an exit signal",
       R"({"exit": "c", "reason": "shutdown"})",
       {{"reason", reason, "the reason; a text is an atom", true}},
       &play_exit},
      {"stop",
       process,
       "asks a process to end (exit signal shutdown) and waits until it has",
       R"({"stop": "c"})",
       {{"reason", reason, "the reason; shutdown unless said"}, within},
       &play_stop},
      {"start_node",
       node,
       "starts a node, for the first time or again",
       R"({"start_node": "b"})",
       {},
       &play_start_node},
      {"stop_node", node, "ends a node in good order", R"({"stop_node": "b"})", {}, &play_stop_node},
      {"crash_node", node, "ends a node by SIGKILL", R"({"crash_node": "b"})", {}, &play_crash_node},
      {"monitor_nodes",
       flag,
       "from now on nodeup and nodedown come as messages",
       R"({"monitor_nodes": true})",
       {},
       &play_monitor_nodes},
      {"partition",
       node_pair,
       "cuts the network between two nodes",
       R"({"partition": ["here", "b"]})",
       {},
       &play_partition},
      {"heal", node_pair, "mends it", R"({"heal": ["here", "b"]})", {}, &play_heal},
      {"wait", duration, "lets time pass", R"({"wait": "100ms"})", {}, &play_wait},
      {"let", bindings, "gives variables their values", R"({"let": {"price": 3}})", {}, &play_let},
      {"repeat",
       count,
       "plays steps again and again; $round is 1, 2 ...",
       R"({"repeat": 3, "steps": [{"send": "tick", "to": "c"}]})",
       {{"steps", steps, "these", true}},
       &play_repeat},
      {"parallel",
       branches,
       "plays lists of steps at once, each with a mailbox of its own, and waits for all",
       R"({"parallel": [[{"wait": "1s"}], [{"wait": "1s"}]]})",
       {},
       &play_parallel},
      {"measure",
       count,
       "plays steps that often, quietly, and prints how fast that went",
       R"({"measure": 1000, "steps": [{"call": "get", "to": "c"}]})",
       {{"steps", steps, "these", true}, {"title", text, "what it is that is measured"}},
       &play_measure},
  };
  for (step_kind& kind : kinds)
    kind.fields.push_back({"needs", node, "where that node cannot be (Erlang's in a simulation) the step is skipped"});
  return kinds;
}

}  // namespace

const std::vector<step_kind>& step_kinds() {
  static const std::vector<step_kind> kinds = make_step_kinds();
  return kinds;
}

}  // namespace troupe::script
