// SPDX-License-Identifier: BSL-1.0
// The servers of bank.cpp, which examples/scripts/bank.json plays with, too.
#pragma once

#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace example::banking {

using namespace troupe;

inline constexpr std::int64_t opening_balance = 10'000;  // cents, of each account

// --- the messages ----------------------------------------------------------------------------------------------------

struct transfer {
  std::int64_t from, to, cents;
};
// To the journal: writes a transfer down, once and for all. Answered with its number.
struct enter_transfer {
  transfer what;
  using reply = std::int64_t;
};
// To the journal: what has become of one account. Answered with its balance, and the last transfer that is in it.
struct balanced {
  std::int64_t cents, number;
};
struct look_up {
  std::int64_t account;
  using reply = balanced;
};
// From the journal to an account.
struct entered {
  std::int64_t number, cents;
};
// To an account.
struct balance {
  using reply = std::int64_t;
};

inline std::string account_name(std::int64_t n) {
  return "account_" + std::to_string(n);
}

// --- the servers -----------------------------------------------------------------------------------------------------

// The one who does not fail: a transfer is in it or it is not, both halves at once. Everybody else can be rebuilt from
// it.
class journal : public gen_server {
 public:
  explicit journal(std::int64_t accounts) : balances_(static_cast<std::size_t>(accounts), opening_balance) {}

  std::int64_t write(const enter_transfer& e) {
    ++number_;
    book(e.what.from, -e.what.cents);
    book(e.what.to, e.what.cents);
    return number_;
  }
  balanced look(const look_up& l) const { return {balances_.at(static_cast<std::size_t>(l.account)), number_}; }

  using handles = handlers<call<&journal::write>, call<&journal::look>>;

 private:
  void book(std::int64_t account, std::int64_t cents) {
    balances_.at(static_cast<std::size_t>(account)) += cents;
    // To whoever has the name now; nobody may have it for the moment.
    self().cast<entered>(account_name(account), number_, cents);
  }

  std::vector<std::int64_t> balances_;
  std::int64_t number_ = 0;
};

// Keeps its own balance up to date, and loses it whenever it is killed: then a new one asks the journal.
class account : public gen_server {
 public:
  explicit account(std::int64_t number) : number_(number) {}

  task<> init() {
    const balanced now = co_await self().call<look_up>(server<journal>("journal"), number_);
    cents_ = now.cents;
    seen_ = now.number;
  }
  void book(const entered& e) {
    if (e.number <= seen_) return;  // it came while the journal was being asked
    cents_ += e.cents;
  }
  std::int64_t tell(const balance&) const { return cents_; }

  using handles = handlers<cast<&account::book>, call<&account::tell>>;

 private:
  std::int64_t number_;
  std::int64_t cents_ = 0;
  std::int64_t seen_ = 0;
};

}  // namespace example::banking
