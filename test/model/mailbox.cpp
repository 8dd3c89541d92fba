// SPDX-License-Identifier: BSL-1.0
// The mailbox, model-checked: every order in which producers and the owner may meet at its one word.
#include "checker.hpp"

#include <troupe/mailbox/mailbox.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace troupe::model;
using troupe::detail::mailbox;

namespace {

struct letter {
  plain<letter*> next;
  plain<std::size_t> number;  // counted by its producer
  std::size_t producer = 0;
  plain<int> read;     // by an owner
  plain<int> refused;  // by the mailbox
};

/// What all scenarios share: letters, and an owner whose state is plain memory. Whoever is told to wake the owner is
/// the owner from then on, as a worker is in the scheduler; were there two at a time, the checker would see a data
/// race.
template <class Atomics, std::size_t Producers, std::size_t Letters>
struct post : scenario {
  using box = mailbox<letter, Atomics>;

  /// Thread `index` sends its letters; it runs the owner when it is asked to.
  void produce(std::size_t producer) {
    for (std::size_t i = 0; i < Letters; ++i) {
      letter& l = letters[producer][i];
      l.producer = producer;
      l.number = i;
      switch (mail.push(&l)) {
        case box::push_result::queued: break;
        case box::push_result::wake:
          check(asleep, "somebody was to wake an owner that did not sleep");
          asleep = false;
          run();
          break;
        case box::push_result::closed:
          l.refused = l.refused + 1;
          on_refused();
          break;
      }
    }
  }

  /// The owner until it sleeps.
  void run() {
    for (;;) {
      read_all(mail.take());
      if (!on_taken()) return;
      asleep = true;
      if (mail.block()) return;
      asleep = false;
    }
  }

  void read_all(letter* l) {
    while (l != nullptr) {
      letter* following = l->next;
      check(l->number >= expected[l->producer], "letters of one producer were read out of order");
      expected[l->producer] = l->number + 1;
      l->read = l->read + 1;
      l = following;
      ++taken;
    }
  }

  /// False: the owner is gone for good.
  virtual bool on_taken() { return true; }
  virtual void on_refused() {}

  void at_rest() override {
    for (const auto& of_one : letters)
      for (const letter& l : of_one) check(l.read + l.refused == 1, "a letter is lost, or there twice");
  }

  box mail;
  std::array<std::array<letter, Letters>, Producers> letters;
  std::array<plain<std::size_t>, Producers> expected;
  plain<bool> asleep;
  std::size_t taken = 0;
};

/// The owner sleeps at first.
template <class Atomics, std::size_t Producers, std::size_t Letters>
struct sleeping_owner : post<Atomics, Producers, Letters> {
  static constexpr std::size_t threads = Producers;
  sleeping_owner() {
    this->mail.open();
    this->asleep = true;
    this->mail.block();
  }
  void thread(std::size_t index) override { this->produce(index); }
  void at_rest() override {
    check(this->asleep, "the owner does not sleep in the end");
    post<Atomics, Producers, Letters>::at_rest();
  }
};

/// The owner runs at first.
template <class Atomics, std::size_t Producers, std::size_t Letters>
struct running_owner : post<Atomics, Producers, Letters> {
  static constexpr std::size_t threads = Producers + 1;
  running_owner() { this->mail.open(); }
  void thread(std::size_t index) override {
    if (index == 0)
      this->run();
    else
      this->produce(index - 1);
  }
};

/// The owner reads once and ends; its last words are there for whoever comes too late.
template <class Atomics, std::size_t Producers, std::size_t Letters>
struct closing_owner : running_owner<Atomics, Producers, Letters> {
  bool on_taken() override {
    last_words = 42;
    this->read_all(this->mail.close());
    return false;
  }
  void on_refused() override {
    check(last_words == 42, "who is refused does not see what the owner did before");
    check(this->mail.is_closed(), "closed for one, and open for another");
  }
  plain<int> last_words;
};

/// The owner ends as soon as it has read a letter, and the mailbox gets another one: a slot is recycled under senders
/// with stale pids.
template <class Atomics, std::size_t Producers, std::size_t Letters>
struct recycled : running_owner<Atomics, Producers, Letters> {
  bool on_taken() override {
    if (life == 1 && this->taken > 0) {
      this->read_all(this->mail.close());
      life = 2;
      this->mail.open();
    }
    return true;
  }
  void at_rest() override {
    check(this->asleep, "the owner does not sleep in the end");
    post<Atomics, Producers, Letters>::at_rest();
  }
  plain<int> life = 1;
};

}  // namespace

TEST_CASE("two producers wake a sleeping owner once for each sleep, and no letter is lost or out of order") {
  const result r = explore<sleeping_owner<atomics, 2, 2>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("three producers wake a sleeping owner once for each sleep, and no letter is lost or out of order") {
  const result r = explore<sleeping_owner<atomics, 3, 1>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("an owner that takes and goes to sleep while two producers push misses nothing") {
  const result r = explore<running_owner<atomics, 2, 2>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a letter to a closing mailbox is read, returned by close, or refused, and who is refused sees the end") {
  const result r = explore<closing_owner<atomics, 2, 2>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a letter to a mailbox that is closed and opened again reaches one owner, or is refused") {
  const result r = explore<recycled<atomics, 2, 2>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a mailbox that blocks with a store in place of the compare-exchange loses letters") {
  const result r = explore<running_owner<weak_atomics<weakness::strong_cas_is_store>, 1, 1>>();
  CHECK_FALSE(r.violation.empty());
  MESSAGE(r.summary());
}

TEST_CASE("a mailbox that takes with a load and a store loses letters") {
  const result r = explore<running_owner<weak_atomics<weakness::exchange_is_store>, 1, 2>>();
  CHECK_FALSE(r.violation.empty());
  MESSAGE(r.summary());
}

TEST_CASE("a mailbox without acquire and release gives letters that are not there yet") {
  const result r = explore<running_owner<weak_atomics<weakness::relaxed>, 1, 1>>();
  CHECK(r.violation.find("a data race") != std::string::npos);
  MESSAGE(r.summary());
}
