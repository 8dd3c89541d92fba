// SPDX-License-Identifier: BSL-1.0
// The mailbox, with real threads: what is pushed is taken once, in each producer's order, and no wake-up is lost.
#include <troupe/mailbox/mailbox.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <semaphore>
#include <thread>
#include <vector>

using troupe::detail::mailbox;

namespace {

struct node {
  node* next = nullptr;
  int producer = 0;
  int n = 0;
};
using box_type = mailbox<node>;
using result = box_type::push_result;

#if defined(TROUPE_NO_RECYCLE)
constexpr int per_producer = 20'000;
#else
constexpr int per_producer = 200'000;
#endif

/// Producers push; the owner takes, and sleeps when there is nothing.
void stress(int producers) {
  box_type box;
  box.open();
  std::counting_semaphore<> awake(0);
  std::atomic<int> wakes{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (int i = 0; i < per_producer; ++i) {
        auto* n = new node{nullptr, p, i};
        switch (box.push(n)) {
          case result::queued: break;
          case result::wake:
            ++wakes;
            awake.release();
            break;
          case result::closed: delete n; std::abort();
        }
        if (i % 1000 == 0) std::this_thread::yield();
      }
    });
  std::vector<int> next(static_cast<std::size_t>(producers), 0);
  int sleeps = 0;
  bool in_order = true;
  for (int left = producers * per_producer; left > 0;) {
    for (node* n = box.take(); n != nullptr;) {
      node* following = n->next;
      in_order = in_order && n->n == next[static_cast<std::size_t>(n->producer)]++;
      delete n;
      n = following;
      --left;
    }
    if (left > 0 && box.block()) {
      ++sleeps;
      awake.acquire();  // hangs when a wake-up is lost
    }
  }
  for (std::thread& t : threads) t.join();
  CHECK(in_order);
  CHECK(wakes.load() == sleeps);
  CHECK(box.take() == nullptr);
}

}  // namespace

TEST_CASE("a mailbox is closed until it is opened, and refuses what is pushed then") {
  box_type box;
  node a;
  CHECK(box.is_closed());
  CHECK(box.push(&a) == result::closed);
  box.open();
  CHECK(!box.is_closed());
  CHECK(box.push(&a) == result::queued);
  CHECK(box.take() == &a);
}

TEST_CASE("take gives all that was pushed, in order, and leaves nothing") {
  box_type box;
  box.open();
  node nodes[5];
  for (node& n : nodes) CHECK(box.push(&n) == result::queued);
  CHECK(box.has_mail());
  const node* n = box.take();
  for (const node& expected : nodes) {
    CHECK(n == &expected);
    n = n->next;
  }
  CHECK(n == nullptr);
  CHECK(!box.has_mail());
  CHECK(box.take() == nullptr);
}

TEST_CASE("block fails while there is something to take; the first push after it wakes, and no other") {
  box_type box;
  box.open();
  node a, b, c;
  box.push(&a);
  CHECK(!box.block());
  CHECK(box.take() == &a);
  CHECK(box.block());
  CHECK(box.push(&b) == result::wake);
  CHECK(box.push(&c) == result::queued);
  const node* first = box.take();
  CHECK(first == &b);
  CHECK(first->next == &c);
  CHECK(box.block());
}

TEST_CASE("close gives what was left, in order, and refuses all after it") {
  box_type box;
  box.open();
  node a, b, c;
  box.push(&a);
  box.push(&b);
  const node* left = box.close();
  CHECK(left == &a);
  CHECK(left->next == &b);
  CHECK(b.next == nullptr);
  CHECK(box.is_closed());
  CHECK(box.push(&c) == result::closed);
  box.open();
  CHECK(box.close() == nullptr);
}

TEST_CASE("many producers: all arrives, in the order of each, and every sleep is ended by one wake-up") {
  for (const int producers : {1, 2, 4, 8}) stress(producers);
}

TEST_CASE("producers that race with close keep what is refused; nothing is lost and nothing comes twice") {
#if defined(TROUPE_NO_RECYCLE)
  constexpr int rounds = 100;
#else
  constexpr int rounds = 1000;
#endif
  constexpr int producers = 3;
  for (int round = 0; round < rounds; ++round) {
    box_type box;
    box.open();
    std::atomic<int> refused{0};
    std::atomic<bool> start{false};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p)
      threads.emplace_back([&] {
        start.wait(false);
        for (int i = 0; i < 50; ++i) {
          auto* n = new node;
          if (box.push(n) == result::closed) {
            ++refused;
            delete n;
          }
        }
      });
    start = true;
    start.notify_all();
    int taken = 0;
    const auto count = [&](node* n) {
      while (n != nullptr) {
        node* following = n->next;
        delete n;
        n = following;
        ++taken;
      }
    };
    for (int i = 0; i < round % 5; ++i) count(box.take());
    count(box.close());
    for (std::thread& t : threads) t.join();
    CHECK(taken + refused.load() == producers * 50);
    CHECK(box.is_closed());
  }
}
