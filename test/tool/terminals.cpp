// SPDX-License-Identifier: BSL-1.0
// top and console in a terminal.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

using namespace tool_test;

TEST_CASE("top draws the processes, sorts them by keys, and ends with q") {
  terminal t(on("top", shop(), {"--interval", "0.1"}));
  CHECK(t.shows("by messages"));
  CHECK(t.shows("MAILBOX"));
  CHECK(t.shows("MESSAGES/S"));
  CHECK(t.shows("counting_sup"));
  t.type("b");
  CHECK(t.shows("by mailbox"));
  CHECK(t.shows("MESSAGES "));
  t.type("y");
  CHECK(t.shows("by memory"));
  t.type("p");
  CHECK(t.shows("by pid, every 0.1 s"));
  t.type("+");
  CHECK(t.shows("every 0.2 s"));
  t.type("q");
  CHECK(t.end() == 0);
  CHECK(t.all().ends_with("\x1b[?1049l"));  // the terminal is as it was
}

TEST_CASE("top ends with Ctrl-C, and when its node is lost") {
  terminal asked(on("top", shop(), {}));
  CHECK(asked.shows("MAILBOX"));
  asked.type("\x03");
  CHECK(asked.end() == 0);

  auto node = std::make_unique<live_node>("mortal@127.0.0.1", std::vector<std::string>{"--observer"});
  terminal left(on("top", node->name(), {"--interval", "0.1"}));
  CHECK(left.shows("MAILBOX"));
  node.reset();
  CHECK(left.end() == 1);
  CHECK(contains(left.all(), "mortal@127.0.0.1: the connection is lost"));
}

TEST_CASE("top shows its figures in a narrow terminal") {
  terminal t(on("top", shop(), {}), 80);
  CHECK(t.shows("MEMORY"));
  t.type("q");
  CHECK(t.end() == 0);
}

TEST_CASE("a signal that ends top or the console leaves the terminal as it was") {
  for (const int which : {SIGTERM, SIGHUP, SIGINT}) {
    CAPTURE(which);
    terminal top(on("top", shop(), {}));
    CHECK(top.shows("MAILBOX"));
    CHECK(!top.echoes());
    top.signal(which);
    CHECK(top.shows("\x1b[?1049l"));
    CHECK(top.end() == 1000 + which);
    CHECK(top.echoes());
  }
  terminal console(on("console", shop(), {}));
  CHECK(console.shows("> "));
  CHECK(!console.echoes());
  console.signal(SIGTERM);
  CHECK(console.end() == 1000 + SIGTERM);
  CHECK(console.echoes());
}

TEST_CASE("top hears its keys while the node is silent") {
  const live_node node("silent@127.0.0.1", {"--observer"});
  terminal t(on("top", node.name(), {"--interval", "0.1", "--timeout", "600"}));
  CHECK(t.shows("MAILBOX"));
  node.pause();
  t.type("q");
  CHECK(t.end() == 0);
}

TEST_CASE("top --once prints one table without a terminal") {
  const ended e = shell(on("top", shop(), {"--once", "--limit", "3"}));
  CHECK(e.code == 0);
  CHECK(std::count(e.out.begin(), e.out.end(), '\n') == 4);
  CHECK(!contains(e.out, "\x1b"));
}

TEST_CASE("the console sends, calls, and says what is wrong") {
  terminal t(on("console", shop(), {}));
  CHECK(t.shows("shop@127.0.0.1> "));
  t.type("cast counter reset\n");
  CHECK(t.shows("ok"));
  t.type("call counter {increment, 5}\n");
  CHECK(t.shows("\n5\r"));
  t.type("call counter {\"increment\": {\"by\": 2}}\n");
  CHECK(t.shows("\n7\r"));
  t.type("state counter\n");
  CHECK(t.shows("\n7\r"));
  t.type("ps\n");
  CHECK(t.shows("gen_server counter"));
  t.type("names\n");
  CHECK(t.shows("counting_sup"));
  t.type("tree counting_sup\n");
  CHECK(t.shows("`- keeper"));
  t.type("call counter {increment\n");
  CHECK(t.shows("is no Erlang term"));
  t.type("call nonesuch x\n");
  CHECK(t.shows("there is no process nonesuch"));
  t.type("shout counter\n");
  CHECK(t.shows("there is no command 'shout'"));
  t.type("call counter\n");
  CHECK(t.shows("which MESSAGE?"));
  t.type("quit\n");
  CHECK(t.end() == 0);
}

TEST_CASE("Ctrl-C gives a line of the console up, and nothing else") {
  terminal t(on("console", shop(), {}));
  CHECK(t.shows("shop@127.0.0.1> "));
  t.type("stop counter\x03");
  CHECK(t.shows("shop@127.0.0.1> "));
  t.type("names\n");
  CHECK(t.shows("counter"));
  t.type("quit\n");
  CHECK(t.end() == 0);
}

TEST_CASE("what nobody has thought of does not end the console") {
  const std::string lines = "call " + std::string(300, 'y') + " a\ncall counter " + std::string(300, 'y') + "\nhelp\n";
  const ended e = shell(on("console", shop(), {}), lines);
  CHECK(e.code == 0);
  CHECK(contains(e.err, "255 characters"));  // and what was done, on stdout
  CHECK(e.out.starts_with("send PROCESS MESSAGE"));
}

TEST_CASE("consoles at one time keep one another's history") {
  const std::vector<std::string> same{"--history", file("history")};
  terminal one(on("console", shop(), same));
  terminal other(on("console", shop(), same));
  CHECK(one.shows("> "));
  CHECK(other.shows("> "));
  one.type("info kept\n");
  CHECK(one.shows("message_queue_len"));
  other.type("state counter\n");
  CHECK(other.shows("\r\n"));
  CHECK(other.shows("> "));
  one.signal(SIGKILL);
  other.type("\x04");
  CHECK(other.end() == 0);
  CHECK(one.end() == 1000 + SIGKILL);
  terminal third(on("console", shop(), same));
  CHECK(third.shows("> "));
  third.type("\x1b[A");
  CHECK(third.shows("state counter"));
  third.type("\x1b[A");
  CHECK(third.shows("info kept"));
}

TEST_CASE("the console completes words and names, and brings lines back") {
  terminal t(on("console", shop(), {}));
  CHECK(t.shows("> "));
  t.type("cast counter reset\n");
  CHECK(t.shows("ok\r\nshop@127.0.0.1> "));
  t.type("cal\tcounte\tget\n");  // call counter get
  CHECK(t.shows("get\r\n0\r\nshop@127.0.0.1> "));
  t.type("\x1b[A\n");  // the line before
  CHECK(t.shows("call counter get\r\n0\r\nshop@127.0.0.1> "));
  t.type("s\t\t");  // send, state, stop
  CHECK(t.shows("send  state  stop"));
  t.type("\x15\x04");  // Ctrl-U, Ctrl-D
  CHECK(t.end() == 0);
}

TEST_CASE("the console reads input that is no terminal, and ends with the code of its last line") {
  const ended good = shell(on("console", shop(), {}), "help\ncast counter reset\ncall counter get\n");
  CHECK(good.code == 0);
  CHECK(contains(good.out, "cast PROCESS MESSAGE"));
  CHECK(good.out.ends_with("ok\n0\n"));
  const ended bad = shell(on("console", shop(), {}), "call nonesuch get\n");
  CHECK(bad.code == 1);
  CHECK(bad.out.empty());
  CHECK(contains(bad.err, "there is no process nonesuch"));
  CHECK(shell(on("console", shop(), {}), "shout\n").code == 2);
}
