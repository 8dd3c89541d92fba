// SPDX-License-Identifier: BSL-1.0
// Pids and the table of node identities.
#include <troupe/mailbox/pid.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

using namespace troupe;

static_assert(std::is_trivially_copyable_v<pid> && sizeof(pid) == 16);
static_assert(!pid() && pid(1, 0, 0, 0));
static_assert(pid(1, 2, 3, 0).id() == 1 && pid(1, 2, 3, 0).serial() == 2 && pid(1, 2, 3, 0).creation() == 3);

TEST_CASE("the null pid is no process") {
  CHECK(!pid());
  CHECK(pid() == pid(0, 0, 0, 0));
  CHECK(static_cast<bool>(pid(0, 1, 0, 0)));
}

TEST_CASE("a pid is printed as Erlang prints a pid of its own node") {
  std::ostringstream out;
  out << pid(12, 0, 7, 0);
  CHECK(out.str() == "<0.12.0>");
  CHECK(pid(85, 3, 0, 0).to_string() == "<0.85.3>");
}

TEST_CASE("pids are equal when all fields are") {
  CHECK(pid(1, 2, 3, 0) == pid(1, 2, 3, 0));
  CHECK(pid(1, 2, 3, 0) != pid(2, 2, 3, 0));
  CHECK(pid(1, 2, 3, 0) != pid(1, 3, 3, 0));
  CHECK(pid(1, 2, 3, 0) != pid(1, 2, 4, 0));
  CHECK(pid(1, 2, 3, 0) != pid(1, 2, 3, 1));
}

TEST_CASE("pids are ordered by serial, id and the node's name") {
  const node_index b = add_node("b@pid_test", 1);
  const node_index a = add_node("a@pid_test", 1);
  CHECK(pid(9, 1, 1, a) < pid(1, 2, 1, a));
  CHECK(pid(1, 1, 1, a) < pid(2, 1, 1, a));
  CHECK(pid(1, 1, 1, a) < pid(1, 1, 1, b));  // not by the index, which depends on who came first
}

TEST_CASE("pids can be keys of hash tables") {
  const std::unordered_set<pid> set{pid(1, 0, 0, 0), pid(2, 0, 0, 0), pid(1, 0, 0, 0)};
  CHECK(set.size() == 2);
}

TEST_CASE("one node identity has one index, and each creation of a name is another") {
  const node_index first = add_node("x@pid_test", 1);
  CHECK(add_node("x@pid_test", 1) == first);
  CHECK(add_node("x@pid_test", 2) != first);
  CHECK(node_name(first) == "x@pid_test");
  CHECK(node_creation(first) == 1);
}

TEST_CASE("index 0 is nonode@nohost") {
  CHECK(node_name(0) == "nonode@nohost");
  CHECK(node_creation(0) == 0);
  CHECK(add_node("nonode@nohost", 0) == 0);
  CHECK(node_name(0xffffffff) == "nonode@nohost");  // an index that nobody was given
}

TEST_CASE("threads may add nodes and look them up at once") {
  std::vector<std::jthread> workers;
  std::vector<std::vector<node_index>> seen(4);
  for (auto& mine : seen)
    workers.emplace_back([&mine] {
      for (std::uint32_t i = 0; i < 5000; ++i) {
        mine.push_back(add_node("many@pid_test", i));
        if (node_creation(mine.back()) != i || node_name(mine.back()) != "many@pid_test") mine.back() = 0;
      }
    });
  workers.clear();
  for (const auto& mine : seen) CHECK(mine == seen[0]);
  CHECK(std::unordered_set<node_index>(seen[0].begin(), seen[0].end()).size() == 5000);
}
