// expect: deleted
// SPDX-License-Identifier: BSL-1.0
// exit(p, "kill") would send the binary <<"kill">>, which kills nobody: it is refused.
#include <troupe/actors/all.hpp>

using namespace troupe;

process killer(context& self, pid other) {
  self.exit(other, "kill");
  co_return;
}
