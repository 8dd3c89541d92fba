// SPDX-License-Identifier: BSL-1.0
// The plain poller keeps the contract.
#include "poller_contract.hpp"

namespace {

struct plain_office {
  static std::unique_ptr<troupe::detail::poller> make() { return std::make_unique<troupe::detail::condition_poller>(); }
};

}  // namespace

TROUPE_POLLER_CONTRACT(plain_office)

TEST_CASE("the plain poller has no sockets that anybody could neglect") {
  troupe::detail::condition_poller poller;
  CHECK(poller.attended());
  CHECK(poller.attended());
}
