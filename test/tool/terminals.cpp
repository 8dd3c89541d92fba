// SPDX-License-Identifier: BSL-1.0
// top and console in a terminal.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
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
}
