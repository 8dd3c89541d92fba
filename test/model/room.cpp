// SPDX-License-Identifier: BSL-1.0
// Bounded mailboxes, model-checked: the word that counts the places, and the line of those who wait for one.
#include "checker.hpp"

#include <troupe/actors/room_line.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

using namespace troupe::model;
using troupe::detail::mailbox_room;
using troupe::detail::room_line;
using troupe::detail::room_ticket;

namespace {

// --- the room
// ----------------------------------------------------------------------------------------------------------

/// Two senders take places, the owner gives back those whose messages have arrived. What is counted beside the room
/// changes in the same step as its word.
template <class Atomics, int Limit, bool Beyond>
struct busy_room : scenario {
  static constexpr std::size_t threads = 3;
  using result = typename mailbox_room<Atomics>::result;

  busy_room() { room.open(1, Limit); }

  void thread(std::size_t index) override {
    if (index == 0)
      own();
    else
      send();
  }

  void send() {
    for (int i = 0; i < 2; ++i) {
      switch (room.take(1, Beyond)) {
        case result::taken:
          ++held;
          check(Beyond || held <= Limit, "more are in than there is room for");
          arrived.fetch_add(1, std::memory_order_release);
          break;
        case result::full: check(!Beyond && held == Limit, "there was room"); break;
        case result::stale: check(false, "the owner is there"); break;
      }
    }
  }

  void own() {
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t n = arrived.exchange(0, std::memory_order_acquire); n > 0; --n) {
        room.give();
        --held;
      }
    }
  }

  void at_rest() override {
    check(room.is(1), "the room is somebody else's");
    check(room.left() == Limit - held, "a place is lost, or there twice");
  }

  mailbox_room<Atomics> room;
  typename Atomics::template atomic<std::uint32_t> arrived{0};
  int held = 0;
};

/// The owner ends and its room becomes another one's, with one place, while a sender has the pid of the first and
/// another one that of the second.
template <class Atomics>
struct recycled_room : scenario {
  static constexpr std::size_t threads = 3;
  using result = typename mailbox_room<Atomics>::result;

  recycled_room() { room.open(1, 2); }

  void thread(std::size_t index) override {
    if (index == 0) {
      if (arrived.exchange(0, std::memory_order_acquire) != 0) {
        room.give();
        --held[0];
      }
      room.close();
      policy = 42;
      room.open(2, 1);
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (room.take(static_cast<std::uint32_t>(index), false) != result::taken) continue;
      ++held[index - 1];
      if (index == 1)
        arrived.fetch_add(1, std::memory_order_release);
      else
        check(policy == 42, "who gets a place does not see whose it is");
    }
  }

  void at_rest() override {
    check(room.is(2) && !room.is(1), "the room is not the second one's");
    check(room.left() == 1 - held[1], "a sender to the first one has taken a place of the second, or one is lost");
    check(held[0] <= 2 && held[1] <= 1, "more are in than there is room for");
  }

  mailbox_room<Atomics> room;
  typename Atomics::template atomic<std::uint32_t> arrived{0};
  plain<int> policy = 0;
  std::array<int, 2> held{};
};

// --- the line
// ----------------------------------------------------------------------------------------------------------

/// What is done otherwise than gate, bounded and call do it.
struct habits {
  bool one_gives_up = false;  // the first sender does not wait when there is no room
  bool owner_ends = false;    // after it has read one letter
  // Faults.
  bool no_second_look = false;  // who joins the line does not try once more
  bool no_look = false;         // the owner gives a place back and does not look whether somebody waits
  bool no_doubt = false;        // who gives up does not look whether its letter has gone in meanwhile
};

struct waiting_sender {
  std::size_t sender = 0;
  room_ticket ticket = 0;
};

template <class Atomics>
struct hasty_line : room_line<waiting_sender, Atomics> {
  using result = typename room_line<waiting_sender, Atomics>::result;
  result join_at_once(const waiting_sender& who) {
    const std::lock_guard<typename Atomics::mutex> guard(this->lock_);
    this->queue_.push_back(who);
    this->size_.fetch_add(1, std::memory_order_seq_cst);
    return result::full;
  }
};

/// Senders with a letter or more each, and an owner that reads until nothing comes. One place, and at first a letter of
/// nobody's has it.
template <class Atomics, std::size_t Senders, std::size_t Letters, habits Habits>
struct crowd : scenario {
  static constexpr std::size_t threads = Senders + 1;
  static constexpr std::int32_t limit = 1;
  static constexpr std::size_t nobody = Senders;
  using line_type = hasty_line<Atomics>;
  using result = typename line_type::result;

  crowd() {
    line.room.open(1, limit);
    line.room.take(1, false);
    letters[0] = nobody;
    pushed = 1;
    in_mailbox = 1;
  }

  void thread(std::size_t index) override {
    if (index == 0)
      own();
    else
      send(index - 1);
  }

  // --- call.cpp, sent.cpp, bounded.cpp
  // ---------------------------------------------------------------------------------

  void send(std::size_t me) {
    for (std::size_t i = 0; i < Letters; ++i) {
      const room_ticket ticket = me * Letters + i;
      contents[me][i] = 42;
      result got = line.enter(1);
      if (got == result::full) {
        const waiting_sender who{me, ticket};
        got = Habits.no_second_look ? line.join_at_once(who) : line.join(who, 1);
      }
      if (got == result::taken) {
        arrive(me);
        owner.wake();
      } else if (got == result::stale) {
        check(Habits.owner_ends, "the owner is there");
        ++refused;
      } else if (Habits.one_gives_up && me == 0) {
        if (line.leave(ticket) || Habits.no_doubt) ++given_up;
      } else {
        told[me].wait();
      }
    }
    done[me] = true;
  }

  /// Into the mailbox.
  void arrive(std::size_t sender) {
    arrived.fetch_add(1, std::memory_order_release);
    letters[pushed++] = sender;
    ++in_mailbox;
    check(in_mailbox <= limit, "more are in than there is room for");
  }

  void own() {
    for (;;) {
      std::uint16_t n = arrived.exchange(0, std::memory_order_acquire);
      if (n == 0) owner.wait();
      for (; n > 0; --n) {
        const std::size_t sender = letters[read_++];
        if (sender != nobody) {
          check(contents[sender][next[sender]] == 42, "a letter is not there yet");
          ++next[sender];
        }
        --in_mailbox;
        if (Habits.no_look)
          line.room.give();
        else if (line.give())
          while (const std::optional<waiting_sender> who = line.next()) {
            arrive(who->sender);
            told[who->sender].wake();
          }
        if (!Habits.owner_ends) continue;
        for (const waiting_sender& who : line.close()) {
          ++refused;
          told[who.sender].wake();
        }
        return;
      }
    }
  }

  void at_rest() override {
    for (const bool d : done) check(d, "a sender waits for ever");
    check(line.size() == 0, "somebody is still in the line");
    check(pushed - 1 + refused + given_up == Senders * Letters, "a letter is lost, or there twice");
    if (Habits.owner_ends) {
      check(!line.room.is(1), "the room is still the owner's");
    } else {
      check(read_ == pushed, "the owner sleeps over a letter");
      check(line.room.left() == limit, "a place is lost, or there twice");
    }
  }

  line_type line;
  typename Atomics::template atomic<std::uint16_t> arrived{1};
  wake_flag owner;
  std::array<wake_flag, Senders> told;
  std::array<std::array<plain<int>, Letters>, Senders> contents;
  // What follows changes in the same step as a word above.
  std::array<std::size_t, Senders * Letters + 1> letters{};  // their senders
  std::array<std::size_t, Senders> next{};
  std::array<bool, Senders> done{};
  std::size_t pushed = 0, read_ = 0, refused = 0, given_up = 0;
  std::int32_t in_mailbox = 0;
};

/// Who joins the line announces that with a store that may stay in the buffer.
struct quiet_line {
  template <class T>
  using atomic = troupe::model::atomic<T, std::is_same_v<T, std::uint32_t> ? weakness::fetch_is_store : weakness::none>;
  using mutex = troupe::model::mutex;
};

}  // namespace

TEST_CASE("two senders and an owner never count more than there is room for, and lose no place") {
  const result one = explore<busy_room<atomics, 1, false>>();
  CHECK_MESSAGE(one.proved(), one.violation);
  MESSAGE(one.summary());
  const result two = explore<busy_room<atomics, 2, false>>();
  CHECK_MESSAGE(two.proved(), two.violation);
  MESSAGE(two.summary());
}

TEST_CASE("senders that get a place beyond the limit are counted") {
  const result r = explore<busy_room<atomics, 1, true>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a sender with the pid of an earlier process takes no place of the present one's") {
  const result r = explore<recycled_room<atomics>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a room that gives back with a load and a store loses places") {
  const result r = explore<busy_room<weak_atomics<weakness::fetch_is_store>, 1, false>>();
  CHECK_FALSE(r.violation.empty());
  MESSAGE(r.summary());
}

TEST_CASE("a room without acquire and release gives places of a process that is not there yet") {
  const result r = explore<recycled_room<weak_atomics<weakness::relaxed>>>();
  CHECK(r.violation.find("a data race") != std::string::npos);
  MESSAGE(r.summary());
}

TEST_CASE("no sender waits for ever for a place that comes free") {
  const result one = explore<crowd<atomics, 1, 2, habits{}>>();
  CHECK_MESSAGE(one.proved(), one.violation);
  MESSAGE(one.summary());
  const result two = explore<crowd<atomics, 2, 1, habits{}>>();
  CHECK_MESSAGE(two.proved(), two.violation);
  MESSAGE(two.summary());
}

TEST_CASE("a message withdrawn while a place comes free goes in once or not at all, and the place is the next one's") {
  const result one = explore<crowd<atomics, 1, 2, habits{.one_gives_up = true}>>();
  CHECK_MESSAGE(one.proved(), one.violation);
  MESSAGE(one.summary());
  const result two = explore<crowd<atomics, 2, 1, habits{.one_gives_up = true}>>();
  CHECK_MESSAGE(two.proved(), two.violation);
  MESSAGE(two.summary());
}

TEST_CASE("the end of the owner leaves nobody waiting, and who gives up meanwhile is told by one of the two") {
  const result all = explore<crowd<atomics, 3, 1, habits{.owner_ends = true}>>();
  CHECK_MESSAGE(all.proved(), all.violation);
  MESSAGE(all.summary());
  const result r = explore<crowd<atomics, 3, 1, habits{.one_gives_up = true, .owner_ends = true}>>();
  CHECK_MESSAGE(r.proved(), r.violation);
  MESSAGE(r.summary());
}

TEST_CASE("a sender that joins the line and does not try once more waits for ever") {
  const result r = explore<crowd<atomics, 1, 1, habits{.no_second_look = true}>>();
  CHECK(r.violation.find("waits for ever") != std::string::npos);
  MESSAGE(r.summary());
}

TEST_CASE("a sender that announces itself with a store in the buffer waits for ever") {
  const result r = explore<crowd<quiet_line, 1, 1, habits{}>>();
  CHECK(r.violation.find("waits for ever") != std::string::npos);
  MESSAGE(r.summary());
}

TEST_CASE("an owner that gives a place back and does not look for those who wait leaves one waiting") {
  const result r = explore<crowd<atomics, 1, 1, habits{.no_look = true}>>();
  CHECK(r.violation.find("waits for ever") != std::string::npos);
  MESSAGE(r.summary());
}

TEST_CASE("a sender that gives up and does not ask whether its message has gone in miscounts it") {
  const result r = explore<crowd<atomics, 1, 1, habits{.one_gives_up = true, .no_doubt = true}>>();
  CHECK(r.violation.find("there twice") != std::string::npos);
  MESSAGE(r.summary());
}
