// SPDX-License-Identifier: BSL-1.0
// Uses troupe::mailbox alone.
#include <troupe/mailbox/to_term.hpp>

#include <cstdio>
#include <string>

using namespace troupe;

struct order {
  int id;
  std::string item;
};

int main() {
  const term t = to_term(order{7, "anvil"});
  std::printf("%s\n", t.to_string().c_str());
  return from_term<order>(t).item == "anvil" ? 0 : 1;
}
