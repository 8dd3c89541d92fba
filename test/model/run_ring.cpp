// SPDX-License-Identifier: BSL-1.0
// The run ring, model-checked: an owner that pushes and pops, and thieves.
#include "checker.hpp"

#include <troupe/actors/run_ring.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace troupe::model;
using troupe::detail::run_ring;

namespace {

struct item {
  plain<int> content;
  plain<int> got;
};

template <class Atomics, std::size_t Capacity, std::size_t Items>
struct rings : scenario {
  using ring = run_ring<item, Capacity, Atomics>;

  void push(std::size_t index) {
    item& i = items[index];
    i.content = 42;
    // No room: the owner keeps it, as it would go to the shared queue.
    if (!ring_of[0].push(&i)) get(&i);
  }
  /// Two who get the same item are a data race, or its second time.
  void get(item* i) {
    if (i == nullptr) return;
    check(i->content == 42, "an item without its content");
    check(i->got == 0, "an item was got twice");
    i->got = 1;
  }
  void steal(std::size_t from, std::size_t into) { get(ring_of[from].steal_into(ring_of[into])); }

  void at_rest() override {
    for (ring& r : ring_of)
      while (item* i = r.pop()) get(i);
    for (ring& r : ring_of) check(r.empty() && r.size() == 0, "an empty ring says that it is not");
    for (const item& i : items) check(i.got == 1, "an item is lost");
  }

  std::array<ring, 3> ring_of;
  std::array<item, Items> items;
};

/// The ring goes round while it is stolen from: every place is used more than once.
template <class Atomics, std::size_t Capacity, std::size_t Items, std::size_t Thieves>
struct busy_owner : rings<Atomics, Capacity, Items> {
  static constexpr std::size_t threads = 1 + Thieves;
  void thread(std::size_t index) override {
    if (index == 0) {
      for (std::size_t i = 0; i < Items; ++i) {
        this->push(i);
        if (i % 2 == 1) this->get(this->ring_of[0].pop());
      }
    } else {
      this->steal(0, index);
      if (Thieves == 1) this->steal(0, index == 1 && this->ring_of[1].size() == 0 ? 1 : 2);
    }
  }
};

/// Full at first; nobody pushes.
template <class Atomics, std::size_t Capacity>
struct full : rings<Atomics, Capacity, Capacity> {
  static constexpr std::size_t threads = 3;
  full() {
    for (std::size_t i = 0; i < Capacity; ++i) this->push(i);
  }
  void thread(std::size_t index) override {
    if (index == 0) {
      this->get(this->ring_of[0].pop());
      this->get(this->ring_of[0].pop());
    } else {
      this->steal(0, index);
    }
  }
};

/// One steals from the owner, another from the thief, and both pop what they have.
template <class Atomics, std::size_t Capacity>
struct chain : rings<Atomics, Capacity, Capacity> {
  static constexpr std::size_t threads = 3;
  chain() {
    for (std::size_t i = 0; i + 1 < Capacity; ++i) this->push(i);
  }
  void thread(std::size_t index) override {
    if (index == 0) {
      this->push(Capacity - 1);
    } else if (index == 1) {
      this->steal(0, 1);
      this->get(this->ring_of[1].pop());
      this->get(this->ring_of[1].pop());
      this->steal(0, 1);
    } else {
      this->steal(1, 2);
      this->get(this->ring_of[2].pop());
      this->get(this->ring_of[2].pop());
      this->steal(0, 2);
    }
  }
};

}  // namespace

TEST_CASE("an owner and a thief get each item once while a ring of two goes round") {
  const result r = explore<busy_owner<atomics, 2, 6, 1>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("an owner and a thief get each item once while a ring of four goes round") {
  const result r = explore<busy_owner<atomics, 4, 6, 1>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("an owner and two thieves get each item once while a ring of two goes round") {
  const result r = explore<busy_owner<atomics, 2, 4, 2>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("an owner and two thieves empty a full ring and get each item once") {
  const result r = explore<full<atomics, 4>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a thief is robbed while it steals") {
  const result r = explore<chain<atomics, 4>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a ring without acquire and release gives items that are not there yet") {
  const result r = explore<busy_owner<weak_atomics<weakness::relaxed>, 2, 2, 1>>();
  CHECK(r.violation.find("a data race") != std::string::npos);
  MESSAGE(r.summary());
}

TEST_CASE("a thief that takes with a load and a store gets items of others") {
  const result r = explore<busy_owner<weak_atomics<weakness::strong_cas_is_store>, 4, 4, 1>>();
  CHECK_FALSE(r.violation.empty());
  MESSAGE(r.summary());
}
