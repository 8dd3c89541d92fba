// SPDX-License-Identifier: BSL-1.0
// Help, the manual page and the completions are made of the one table.
#include "programs.hpp"

#include <troupe/net/tool/command.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace tool_test;

TEST_CASE("each command has help with an example, a section in the manual, and completions") {
  const ended all = shell({"--help"});
  CHECK(all.code == 0);
  const ended man = shell({"--man"});
  const ended completions = shell({"--completions", "bash"});
  for (const troupe::tool::command& c : troupe::tool::commands()) {
    const std::string name(c.name);
    CAPTURE(name);
    CHECK(contains(all.out, name));
    const ended help = shell({name, "--help"});
    CHECK(help.code == 0);
    CHECK(contains(help.out, "Example:\n  troupe " + name));
    CHECK(contains(completions.out, "    " + name + ") "));
    std::string escaped = name;
    for (auto at = escaped.find('-'); at != std::string::npos; at = escaped.find('-', at + 2))
      escaped.replace(at, 1, "\\-");
    CHECK(contains(man.out, ".SS \"" + escaped + " \\- "));
  }
}

TEST_CASE("--version names the program and its version, alone") {
  const ended e = shell({"--version"});
  CHECK(e.code == 0);
  CHECK(e.out == "troupe " TROUPE_TEST_VERSION "\n");
  CHECK(contains(shell({"--help"}).out, "--version"));
}

TEST_CASE("bash takes the completions") {
  const ended completions = shell({"--completions", "bash"});
  const std::string script = completions.out +
                             "COMP_WORDS=(troupe ge) COMP_CWORD=1; _troupe; echo \"${COMPREPLY[*]}\"\n"
                             "COMP_WORDS=(troupe ps a@b --li) COMP_CWORD=3; _troupe; echo \"${COMPREPLY[*]}\"\n";
  std::FILE* bash = ::popen(("bash -c '" + script + "'").c_str(), "r");
  REQUIRE(bash != nullptr);
  char text[200];
  std::string out;
  while (std::fgets(text, sizeof text, bash) != nullptr) out += text;
  CHECK(::pclose(bash) == 0);
  CHECK(out == "get-state\n--limit\n");
}

#ifdef TROUPE_TEST_MAN
TEST_CASE("man takes the page without a warning") {
  const ended man = shell({"--man"});
  const std::string command = std::string(TROUPE_TEST_MAN) + " --warnings -l - 2>&1 >/dev/null";
  std::FILE* reader = ::popen(("{ cat <<'EOF'\n" + man.out + "EOF\n} | " + command).c_str(), "r");
  REQUIRE(reader != nullptr);
  char text[200];
  std::string warnings;
  while (std::fgets(text, sizeof text, reader) != nullptr) warnings += text;
  CHECK(::pclose(reader) == 0);
  CHECK(warnings == "");
}
#endif
