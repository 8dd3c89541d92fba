// SPDX-License-Identifier: BSL-1.0
// The program `troupe`.
#include <troupe/net/tool/command.hpp>

int main(int argc, char** argv) {
  return troupe::tool::main(argc, argv);
}
