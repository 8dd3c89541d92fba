// SPDX-License-Identifier: BSL-1.0
// The commands against a live node of troupe's, and against none.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace tool_test;

TEST_CASE("ping says pong, and names lists the node") {
  const ended pong = shell(on("ping", shop(), {}));
  CHECK(pong.out.starts_with("pong from shop@127.0.0.1 after "));
  CHECK(pong.code == 0);
  const ended names = shell({"names"});
  CHECK(contains(names.out, "shop\t"));
  CHECK(names.code == 0);
}

TEST_CASE("ps lists the processes by what they are, and sorts them") {
  const ended all = shell(on("ps", shop(), {}));
  CAPTURE(all.err);
  CHECK(all.code == 0);
  CHECK(all.out.starts_with("PID "));
  CHECK(contains(all.out, "gen_server counter"));
  CHECK(contains(all.out, "supervisor supervisor"));
  CHECK(contains(all.out, "counting_sup"));
  CHECK(contains(all.out, "net_kernel"));
  const ended one = shell(on("ps", shop(), {"--sort", "memory", "--limit", "1"}));
  CHECK(std::count(one.out.begin(), one.out.end(), '\n') == 2);
}

TEST_CASE("tree draws the supervisors of a node, or those below one") {
  const ended all = shell(on("tree", shop(), {}));
  CAPTURE(all.out);
  CHECK(all.code == 0);
  CHECK(contains(all.out, " supervisor\n"));
  CHECK(contains(all.out, "|- counter <0."));
  CHECK(contains(all.out, "`- keeper <0."));
  const ended one = shell(on("tree", closed(), {"counting_sup"}));
  CHECK(one.code == 0);
  CHECK(contains(one.out, "`- keeper <0."));
}

TEST_CASE("info tells of a process by its name, by its pid, and of the node") {
  const ended named = shell(on("info", shop(), {"counter"}));
  CHECK(named.code == 0);
  CHECK(contains(named.out, "registered_name"));
  CHECK(contains(named.out, "gen_server counter"));
  const auto at = named.out.find("<0.", named.out.find("\npid "));
  REQUIRE(at != std::string::npos);
  const std::string pid = named.out.substr(at, named.out.find('>', at) + 1 - at);
  const ended by_pid = shell(on("info", shop(), {pid}));
  CHECK(contains(by_pid.out, "gen_server counter"));
  const ended node = shell(on("info", shop(), {}));
  CHECK(node.code == 0);
  CHECK(contains(node.out, "max_processes"));
}

TEST_CASE("call, send and get-state take Erlang terms and JSON") {
  CHECK(shell(on("send", shop(), {"counter", "reset", "--cast"})).code == 0);
  CHECK(shell(on("call", shop(), {"counter", "{increment, 3}"})).out == "3\n");
  CHECK(shell(on("call", shop(), {"counter", R"({"increment": {"by": 4}})"})).out == "7\n");
  CHECK(shell(on("call", shop(), {"counter", R"("get")", "--json"})).out == "7\n");
  // Members go in the order in which they are written, which is not that of the alphabet.
  CHECK(shell(on("call", shop(), {"counter", R"({"name_it": {"text": "ab", "times": 2}})"})).out == "<<\"abab\">>\n");
  CHECK(shell(on("call", shop(), {"counter", R"({"name_it": {"text": "ab", "times": 2}})", "--json"})).out ==
        "\"abab\"\n");
  CHECK(shell(on("get-state", shop(), {"counter"})).out == "7\n");
  CHECK(shell(on("send", shop(), {"kept", "#{a => [1,2.5,<<\"text\">>]}"})).code == 0);
  CHECK(shell(on("call", shop(), {"kept", "last"})).out == "#{a => [1,2.5,<<\"text\">>]}\n");
}

TEST_CASE("kill ends a process, and its supervisor starts the next one; stop does so in good order") {
  const ended killed = shell(on("kill", shop(), {"counter"}));
  CAPTURE(killed.err);
  CHECK(killed.out == "killed\n");
  const ended reason = shell(on("kill", closed(), {"counter", "--reason", "{bad, day}"}));
  CAPTURE(reason.err);
  CHECK(reason.out == "{bad,day}\n");
  live_node other("other@127.0.0.1");
  CHECK(shell(on("stop", other.name(), {"counter"})).code == 0);
  CHECK(other.stop() == 0);
}

TEST_CASE("a node that is stopped by a signal ends with 0") {
  live_node one("stopped@127.0.0.1", {"--hidden"});
  CHECK(shell(on("ping", one.name(), {})).code == 0);
  CHECK(one.stop() == 0);
}

TEST_CASE("whoever cannot be reached is named, with the reason") {
  const ended nobody = shell(on("ping", "nobody@127.0.0.1", {}));
  CHECK(nobody.code == 1);
  CHECK(contains(nobody.err, "no connection with nobody@127.0.0.1: "));
  CHECK(contains(nobody.err, "knows no node nobody"));
  const ended no_epmd = shell({"ping", "nobody@127.0.0.1", "--cookie", "x", "--epmd-port", "1"});
  CHECK(no_epmd.code == 1);
  CHECK(contains(no_epmd.err, "refused"));
  const ended stranger = shell({"ps", shop(), "--cookie", "another"});
  CHECK(stranger.code == 1);
  CHECK(contains(stranger.err, "no connection with shop@127.0.0.1"));
  CHECK(contains(stranger.err, "cookie"));
  const ended no_cookie = shell({"ps", shop()});
  CHECK(no_cookie.code == 1);
  CHECK(contains(no_cookie.err, "cookie"));
  const ended no_names = shell({"names", "127.0.0.1", "--epmd-port", "1"});
  CHECK(no_names.code == 1);
  CHECK(contains(no_names.err, "no epmd answers at 127.0.0.1:1"));
}

TEST_CASE("what is not there is named: processes, supervisors, an observer") {
  for (const char* command : {"info", "get-state", "kill", "stop", "tree"}) {
    const ended e = shell(on(command, shop(), {"nonesuch"}));
    CAPTURE(command);
    CHECK(e.code == 1);
    CHECK(contains(e.err, "there is no process nonesuch"));
  }
  CHECK(contains(shell(on("send", shop(), {"nonesuch", "x"})).err, "there is no process nonesuch"));
  CHECK(contains(shell(on("call", shop(), {"nonesuch", "x"})).err, "there is no process nonesuch"));
  CHECK(contains(shell(on("info", shop(), {"<0.99999.0>"})).err, "there is no process <0.99999.0>"));
  CHECK(contains(shell(on("tree", shop(), {"counter"})).err, "counter is no supervisor"));
  const ended hidden = shell(on("ps", closed(), {}));
  CHECK(hidden.code == 1);
  CHECK(contains(hidden.err, "--observer"));
}

TEST_CASE("names that are nearly right are suggested: of processes, of commands") {
  CHECK(contains(shell(on("call", shop(), {"conuter", "get"})).err, "no process conuter; did you mean 'counter'?"));
  CHECK(contains(shell(on("info", shop(), {"conuter"})).err, "no process conuter; did you mean 'counter'?"));
  CHECK(contains(shell({"conosle", shop()}).err, "there is no command 'conosle'; did you mean 'console'?"));
}

TEST_CASE("a process that holds its worker is shown, as running") {
  const live_node node("busy@127.0.0.1", {"--observer"});
  CHECK(shell(on("send", node.name(), {"spinner", "spin"})).code == 0);
  const ended all = shell(on("ps", node.name(), {}));
  CHECK(all.code == 0);
  CHECK(contains(all.out, "spinner"));
  CHECK(contains(all.out, "running"));
  const ended one = shell(on("info", node.name(), {"spinner"}));
  CHECK(one.code == 0);
  CHECK(contains(one.out, "plugin.cpp:"));
  CHECK(shell(on("send", node.name(), {"releaser", "release"})).code == 0);
}

TEST_CASE("a process that does not answer is given up") {
  const ended e = shell(on("call", shop(), {"deaf", "hello", "--timeout", "2"}));
  CHECK(e.code == 1);
  CHECK(contains(e.err, "deaf has not answered within 2000 ms"));
}

TEST_CASE("an epmd that takes connections and says nothing is given up") {
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(silent, 5) == 0);
  REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const ended e = shell({"ping", "a@127.0.0.1", "--cookie", "x", "--epmd-port", port, "--timeout", "0.3"});
  CHECK(e.code == 1);
  CHECK(contains(e.err, "no connection with a@127.0.0.1"));
  const ended names = shell({"names", "127.0.0.1", "--epmd-port", port, "--timeout", "0.3"});
  CHECK(names.code == 1);
  CHECK(contains(names.err, "no epmd answers at 127.0.0.1:" + port));
  ::close(silent);
}

TEST_CASE("output that cannot be written is no success") {
  const std::string where = " " + shop() + " --cookie '" + on("ps", shop(), {}).back() + "'";
  for (const char* command : {"ps", "ping"}) {
    const ended e = in_sh("\"$1\" " + (command + where) + " >/dev/full");
    CAPTURE(command);
    CHECK(e.code == 1);
    CHECK(contains(e.err, "the output cannot be written: No space left on device"));
  }
  CHECK(in_sh("\"$1\" --man >/dev/full").code == 1);
}

TEST_CASE("what the shell has closed is not taken for a node's connection") {
  const std::string where = " " + shop() + " --cookie '" + on("ps", shop(), {}).back() + "'";
  const ended console = in_sh("\"$1\" console" + where + " <&-");
  CHECK(console.code == 0);  // its input ends at once
  CHECK(console.err == "");
  CHECK(in_sh("\"$1\" ping" + where + " <&- >&- 2>&-").code == 0);
}

TEST_CASE("a node outlives whoever reads what it logs") {
  const live_node node("unread@127.0.0.1", {"--log-level", "info"});  // the reader goes when it has started
  for (int i = 0; i < 3; ++i) CHECK(shell(on("ping", node.name(), {})).code == 0);
}

TEST_CASE("texts and pids of others are shown as they are") {
  const std::vector<std::string> sent{"kept", "[<<\"<1.a\">>, <<\"<2.a\">>, <0.1.0>, 'a <2.b']"};
  CHECK(shell(on("send", shop(), sent)).code == 0);
  CHECK(shell(on("call", shop(), {"kept", "x"})).out == "[<<\"<1.a\">>,<<\"<2.a\">>,<0.1.0>,'a <2.b']\n");
  CHECK(contains(shell(on("call", shop(), {"kept", "\"x\"", "--json"})).out, R"({"$term":"<0.1.0>"})"));
  // The name of a process can be typed as it is shown.
  CHECK(contains(shell(on("info", shop(), {"'a b\\e'"})).out, "registered_name"));
  CHECK(contains(shell(on("ps", shop(), {})).out, "'a b\\e'"));
  const ended nested = shell(on("send", shop(), {"kept", std::string(300, '[') + std::string(300, ']')}));
  CHECK(nested.code == 2);
  CHECK(contains(nested.err, "nested more than 256 levels deep"));
}

TEST_CASE("a wrong command line is told from a failure, and says what was wrong") {
  const auto wrong = [](const std::vector<std::string>& arguments, const std::string& what) {
    const ended e = shell(arguments);
    CAPTURE(e.err);
    CHECK(e.code == 2);
    CHECK(contains(e.err, what));
  };
  wrong({}, "troupe");
  wrong({"pign", "a@b"}, "there is no command 'pign'; did you mean 'ping'?");
  wrong({"ping"}, "NODE");
  wrong({"ping", "shop"}, "'shop' is no node's name");
  wrong(on("ps", shop(), {"--sort", "size"}), "--sort size");
  wrong(on("call", shop(), {"counter", "{increment, 3"}), "'{increment, 3' is no Erlang term");
  wrong(on("call", shop(), {"counter", "{\"increment\": ", "--json"}), "is no JSON");
  wrong(on("info", shop(), {"<0.x>"}), "<0.x> is no pid");
  wrong(on("ps", shop(), {"--timeout", "soon"}), "soon");
  for (const char* time : {"0", "-1", "1e10", "1e300", "nan", "inf"})
    wrong(on("ping", shop(), {"--timeout", time}), std::string(time) + " is no time: write seconds");
  wrong(on("top", shop(), {"--once", "--interval", "0.00001"}), "0.00001 is no time");
  wrong({"names", "--timeout", "-1"}, "-1 is no time");
  wrong(on("ps", shop(), {"--limit", "-1"}), "--limit");
  wrong(on("call", shop(), {"counter", std::string(300, 'y')}), "255 characters");
  wrong(on("call", shop(), {std::string(300, 'y'), "get"}), "255 characters");
  wrong(on("ping", shop(), {"--name", shop()}), "--name shop@127.0.0.1");
  wrong(on("ping", shop(), {"--name", "foo"}), "'foo' is no node's name");
  wrong({"ping", "a@b@c"}, "'a@b@c' is no node's name");
  wrong({"node", "--name", "zz"}, "'zz' is no node's name");
  wrong({"node", "--name", "a@127.0.0.1", "--workers", "100000000"}, "--workers 100000000");
  wrong({"node", "--name", "a@127.0.0.1", "--listen", "[::1]x"}, "--listen [::1]x");
  wrong({"node", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:"}, "--listen 127.0.0.1:");
  wrong({"node"}, "--name");
  wrong({"node", "--name", "a@127.0.0.1", "--load", "/nonesuch.so"}, "/nonesuch.so");
  wrong({"node", "--name", "a@127.0.0.1", "--load", TROUPE_TEST_PLUGIN, "--start", "cuonting"}, "they have counting");
  wrong({"node", "--name", "a@127.0.0.1", "--log-level", "loud"}, "--log-level loud");
  wrong(on("top", shop(), {}), "top needs a terminal");
  wrong({"--completions", "csh"}, "csh");
}
