// SPDX-License-Identifier: BSL-1.0
// Transfers under supervision: accounts and tellers are killed all the time, and balances add up: bank [KILLS
// [ACCOUNTS]]
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/examples/bank_servers.hpp>
#include <troupe/examples/sizes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace example::banking;
using namespace std::chrono_literals;

// --- the tellers and the tree
// -----------------------------------------------------------------------------------------

std::string teller_name(std::int64_t n) {
  return "teller_" + std::to_string(n);
}

// Moves money at random, for as long as it lives. Killed between two steps, it leaves nothing half done.
process teller(context& self, std::int64_t number, std::int64_t accounts) {
  self.register_name(teller_name(number));
  std::mt19937_64 random(static_cast<std::uint64_t>(number) + self.make_reference().hash());
  const auto any = [&](std::int64_t below) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below));
  };
  const server<journal> book("journal");
  for (;;) {
    const transfer t{any(accounts), any(accounts), 1 + any(500)};
    co_await self.call<enter_transfer>(book, t);
  }
}

// rest_for_one: without the journal the others are worth nothing.
class bank : public supervisor {
 public:
  bank(std::int64_t accounts, std::int64_t tellers) : accounts_(accounts), tellers_(tellers) {}

  supervisor_init init() {
    const supervisor_flags often{.intensity = 1'000'000'000, .period = 1h};
    std::vector<child_spec> accounts;
    for (std::int64_t i = 0; i < accounts_; ++i)
      accounts.push_back({.id = i, .start = child_of<account>({.name = account_name(i)}, i)});
    std::vector<child_spec> tellers;
    for (std::int64_t i = 0; i < tellers_; ++i) tellers.push_back({.id = i, .start = child_of(teller, i, accounts_)});
    return {{.strategy = rest_for_one},
            {{.id = "journal", .start = child_of<journal>({.name = "journal"}, accounts_)},
             {.id = "accounts", .start = child_of<supervisor>({}, often, std::move(accounts))},
             {.id = "tellers", .start = child_of<supervisor>({.name = "tellers"}, often, std::move(tellers))}}};
  }

 private:
  std::int64_t accounts_, tellers_;
};

// --- the evening's audit ---------------------------------------------------------------------------------------------

struct audit {
  std::int64_t transfers = 0, kills = 0, sum = 0, wrong = 0;
};

// Kills whom it finds under a name; gives whether there was anybody.
bool kill_named(context& self, const std::string& name) {
  const pid victim = self.whereis(name);
  if (!victim) return false;
  self.exit(victim, "kill"_atom);
  return true;
}

task<audit> day(context& self, std::int64_t kills, std::int64_t accounts) {
  audit result;
  constexpr std::int64_t tellers = 8;
  const auto top = co_await self.start_link<bank>({.name = "bank"}, accounts, tellers);
  const server<journal> book("journal");
  std::mt19937_64 random(1);
  while (result.kills < kills) {
    const auto n = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(accounts + tellers));
    result.kills += kill_named(self, n < accounts ? account_name(n) : teller_name(n - accounts)) ? 1 : 0;
    if (result.kills % 100 == 0) {
      const balanced b = co_await self.call<look_up>(book, 0);
      std::printf("\r%6lld kills, %9lld transfers", static_cast<long long>(result.kills),
                  static_cast<long long>(b.number));
      std::fflush(stdout);
    }
    co_await self.sleep(200us);
  }

  // The tellers go home, for good; then each account is asked, and compared with the journal.
  co_await terminate_child(self, top, "tellers");
  for (std::int64_t i = 0; i < accounts; ++i) {
    const balanced right = co_await self.call<look_up>(book, i);
    std::int64_t cents = 0;
    for (bool answered = false; !answered;) {
      try {
        cents = co_await self.call(server<account>(account_name(i)), balance{});
        answered = true;
      } catch (const call_failed&) {
        // It has just been killed, and its successor is on its way.
      }
      if (!answered) co_await self.sleep(1ms);
    }
    result.sum += cents;
    result.wrong += cents == right.cents ? 0 : 1;
    result.transfers = right.number;
  }
  self.unlink(top.pid());
  co_await stop(self, top, "shutdown"_atom);
  co_return result;
}

int main(int argc, char** argv) {
  const auto sizes = example::sizes<2>(argc, argv, {{"KILLS", 2'000, 0, 1'000'000}, {"ACCOUNTS", 100, 2, 100'000}});
  const std::int64_t accounts = sizes[1];
  set_log_level(log_level::off);  // thousands of reports of killed children
  audit result;
  actor_system sys;
  const term reason =
      sys.wait(sys.spawn([&](context& self) -> process { result = co_await day(self, sizes[0], accounts); }));
  const std::int64_t expected = accounts * opening_balance;
  std::printf("\n%lld accounts and tellers killed, %lld transfers\n", static_cast<long long>(result.kills),
              static_cast<long long>(result.transfers));
  std::printf("in all accounts: %lld.%02lld, expected %lld.%02lld; %lld accounts differ from the journal\n",
              static_cast<long long>(result.sum / 100), static_cast<long long>(result.sum % 100),
              static_cast<long long>(expected / 100), static_cast<long long>(expected % 100),
              static_cast<long long>(result.wrong));
  return reason.is_atom("normal"_atom) && result.sum == expected && result.wrong == 0 ? 0 : 1;
}
