// SPDX-License-Identifier: BSL-1.0
// The inbox and its index, against a plain list.
#include <troupe/mailbox/inbox.hpp>
#include <troupe/mailbox/message.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using detail::envelope;
using detail::envelope_kind;
using detail::inbox;
using detail::pattern_key;

namespace {

struct apple {
  int n;
};
struct pear {
  int n;
  std::string text;
};
struct plum {};

template <class T>
envelope* make(T value, envelope_kind kind = envelope_kind::message) {
  if (kind == envelope_kind::request) return detail::make_envelope<detail::request_envelope, T>(kind, std::move(value));
  return detail::make_envelope<envelope, T>(kind, std::move(value));
}

template <class T>
pattern_key key_of(bool request) {
  const std::uint64_t shape = descriptor_of<T>.dynamic_key;
  return {.typed = detail::inbox_key(descriptor_of<T>.hash, request),
          .dynamic = shape == 0 ? 0 : detail::inbox_key(~shape, request),
          .any = shape == 0};
}

template <class T, bool Request = false>
struct one_of {
  static bool matches(const envelope& e) {
    return e.kind == (Request ? envelope_kind::request : envelope_kind::message) && detail::payload_matches<T>(e);
  }
  static pattern_key key() { return key_of<T>(Request); }
};
struct dynamic {
  static bool matches(const envelope& e) { return e.kind == envelope_kind::message && e.type == &descriptor_of<term>; }
  static pattern_key key() { return {.typed = 0, .dynamic = 0, .any = true}; }
};

template <class... P>
struct keys_of {
  static std::span<const pattern_key> get() {
    static const std::array<pattern_key, sizeof...(P)> keys{P::key()...};
    return keys;
  }
  static bool matches(const envelope& e) { return (P::matches(e) || ...); }
};

using guard = std::function<bool(const envelope&)>;

/// A search as the inbox makes it, and what it takes.
struct search {
  envelope* (*find)(inbox&, inbox::position&, const guard&);
  bool (*matches)(const envelope&);
};
template <class... P>
search search_for() {
  using keys = keys_of<P...>;
  return {[](inbox& box, inbox::position& from, const guard& also) {
            return box.find<keys>(from, [&](const envelope& e) { return keys::matches(e) && also(e); });
          },
          &keys::matches};
}

envelope* random_message(std::mt19937& random, int n) {
  const auto kind = random() % 5 == 0 ? envelope_kind::request : envelope_kind::message;
  switch (random() % 12) {
    case 0:
    case 1: return make(apple{n}, kind);
    case 2:
    case 3: return make(pear{n, std::string(static_cast<std::size_t>(n % 40), 'x')}, kind);
    case 4: return make(plum{}, kind);
    case 5: return make(n, kind);
    case 6: return make("text " + std::to_string(n), kind);
    case 7: return make(term::tuple({"apple"_atom, n}), kind);
    case 8: return make(term::tuple({"apple"_atom, "no number"}), kind);  // of apple's shape, but none
    case 9: return make(term::tuple({"pear"_atom, n, "y"}), kind);
    case 10: return make(n % 2 == 0 ? term("plum"_atom) : term(n), kind);
    default: return make(term::list({n}), kind);
  }
}

void random_program(std::uint32_t seed, int operations, unsigned appends_of_ten) {
  const search searches[] = {
      search_for<one_of<apple>>(),
      search_for<one_of<pear>>(),
      search_for<one_of<plum>>(),
      search_for<one_of<int>>(),
      search_for<one_of<std::string>>(),
      search_for<one_of<apple, true>>(),
      search_for<one_of<pear, true>, one_of<plum>>(),
      search_for<one_of<apple>, one_of<apple, true>, one_of<std::string>>(),
      search_for<one_of<plum>, one_of<plum>>(),
      search_for<dynamic>(),
      search_for<dynamic, one_of<plum>>(),
      search_for<one_of<std::vector<int>>>(),
  };
  std::mt19937 random(seed);
  inbox box;
  std::vector<envelope*> model;
  const auto append = [&](int n) {
    envelope* e = random_message(random, n);
    model.push_back(e);
    box.append(e);
  };
  const auto expected = [&](const search& s, const guard& also) {
    const auto found =
        std::find_if(model.begin(), model.end(), [&](const envelope* e) { return s.matches(*e) && also(*e); });
    if (found == model.end()) return static_cast<envelope*>(nullptr);
    envelope* e = *found;
    model.erase(found);
    return e;
  };
  bool indexed = false;
  for (int i = 0; i < operations; ++i) {
    if (random() % 10 < appends_of_ten) {
      append(i);
      continue;
    }
    const search& s = searches[random() % std::size(searches)];
    // A guard that depends on the message alone, as guards should.
    const std::uintptr_t divisor = random() % 3 == 0 ? 3 : 1;
    const guard also = [divisor](const envelope& e) {
      return reinterpret_cast<std::uintptr_t>(&e) / 16 % divisor == 0;
    };
    inbox::position from;
    // A receive that waits: it looks, messages come, it looks on.
    const auto looks = 1 + random() % 4;
    for (std::size_t look = 0; look < looks; ++look) {
      envelope* e = s.find(box, from, also);
      REQUIRE(e == expected(s, also));
      REQUIRE(box.size() == model.size());
      indexed = indexed || box.is_indexed();
      if (e != nullptr) {
        detail::free_envelope(e);
        break;
      }
      for (auto more = random() % 3; more > 0; --more) append(i);
    }
    if (random() % 50 == 0) {
      const auto is_plum = [](const envelope& e) { return e.type == &descriptor_of<plum>; };
      const auto gone = std::erase_if(model, [&](const envelope* e) { return is_plum(*e); });
      CHECK(box.remove_if(is_plum) == gone);
      CHECK(box.size() == model.size());
    }
  }
  if (appends_of_ten >= 6 && operations >= 1000) CHECK(indexed);
  while (!model.empty()) {
    envelope* e = box.pop();
    REQUIRE(e == model.front());
    model.erase(model.begin());
    detail::free_envelope(e);
  }
  CHECK(box.pop() == nullptr);
  CHECK(box.empty());
  CHECK(!box.is_indexed());
}

}  // namespace

TEST_CASE("a short inbox is a list that is walked") {
  inbox box;
  for (int i = 0; i < 10; ++i) box.append(i % 2 == 0 ? make(apple{i}) : make(pear{i, "x"}));
  inbox::position from;
  const search pears = search_for<one_of<pear>>();
  for (int i = 1; i < 10; i += 2) {
    const detail::envelope_ptr e(pears.find(box, from, [](const envelope&) { return true; }));
    REQUIRE(e != nullptr);
    CHECK(static_cast<const pear*>(e->payload())->n == i);
  }
  CHECK(pears.find(box, from, [](const envelope&) { return true; }) == nullptr);
  CHECK(box.size() == 5);
  CHECK(!box.is_indexed());
}

TEST_CASE("a search goes on where it stopped, so each message is tried once") {
  inbox box;
  inbox::position from;
  int tried = 0;
  const search apples = search_for<one_of<apple>>();
  const guard never = [&](const envelope&) {
    ++tried;
    return false;
  };
  for (int i = 0; i < 500; ++i) {
    box.append(make(apple{i}));
    CHECK(apples.find(box, from, never) == nullptr);
  }
  CHECK(tried == 500);
  // A new receive begins anew; it indexes, and goes on too.
  inbox::position again;
  CHECK(apples.find(box, again, never) == nullptr);
  CHECK(tried == 1000);
  CHECK(box.is_indexed());
  for (int i = 0; i < 500; ++i) {
    box.append(make(apple{i}));
    CHECK(apples.find(box, again, never) == nullptr);
  }
  CHECK(tried == 1500);
}

TEST_CASE("a search that refuses more than 32 messages builds the index, which goes when the inbox is empty") {
  inbox box;
  const guard yes = [](const envelope&) { return true; };
  const search pears = search_for<one_of<pear>>();
  for (int i = 0; i < 33; ++i) box.append(make(apple{i}));
  {
    inbox::position from;
    CHECK(pears.find(box, from, yes) == nullptr);
  }
  CHECK(box.is_indexed());
  for (int i = 0; i < 33; ++i) {
    const detail::envelope_ptr e(box.pop());
    CHECK(static_cast<const apple*>(e->payload())->n == i);
  }
  CHECK(!box.is_indexed());
  CHECK(box.empty());
}

TEST_CASE("with the index a typed search looks at no message of another type, however many wait") {
  inbox box;
  constexpr int others = 10'000;
  for (int i = 0; i < others; ++i) box.append(make(apple{i}));
  int tried = 0;
  const guard counting = [&](const envelope&) {
    ++tried;
    return true;
  };
  int looked = 0;
  const auto find_pear = [&] {
    inbox::position from;
    return detail::envelope_ptr(box.find<keys_of<one_of<pear>>>(from, [&](const envelope& e) {
      ++looked;
      return one_of<pear>::matches(e) && counting(e);
    }));
  };
  CHECK(find_pear() == nullptr);
  CHECK(looked == others);
  CHECK(box.is_indexed());
  looked = 0;
  for (int i = 0; i < 1000; ++i) {
    box.append(make(pear{i, "x"}));
    box.append(make(term::tuple({"pear"_atom, i, "dynamic"})));
    for (int k = 0; k < 2; ++k) {
      const detail::envelope_ptr e = find_pear();
      REQUIRE(e != nullptr);
      CHECK(detail::take_payload<pear>(*e).n == i);
    }
  }
  CHECK(looked == 2000);
  CHECK(tried == 2000);
  CHECK(box.size() == others);
}

TEST_CASE("a type and the terms that decode to it are found in the order of their arrival") {
  inbox box;
  for (int i = 0; i < 100; ++i) box.append(make(plum{}));
  for (int i = 0; i < 100; ++i) box.append(i % 3 == 0 ? make(term::tuple({"apple"_atom, i})) : make(apple{i}));
  const search apples = search_for<one_of<apple>>();
  for (int i = 0; i < 100; ++i) {
    inbox::position from;
    const detail::envelope_ptr e(apples.find(box, from, [](const envelope&) { return true; }));
    REQUIRE(e != nullptr);
    CHECK(detail::take_payload<apple>(*e).n == i);
  }
  CHECK(box.size() == 100);
}

TEST_CASE("an inbox agrees with a list that is searched, whatever the program") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) random_program(seed, 3000, 3);  // short ones
  for (std::uint32_t seed = 1; seed <= 10; ++seed) random_program(seed, 3000, 6);
  for (std::uint32_t seed = 1; seed <= 5; ++seed) random_program(seed, 4000, 8);  // long ones
}

TEST_CASE("an inbox frees what it holds") {
  const auto held = std::make_shared<const int>(1);
  for (const int count : {5, 500}) {
    inbox box;
    for (int i = 0; i < count; ++i) box.append(make(held));
    inbox::position from;
    CHECK(search_for<one_of<plum>>().find(box, from, [](const envelope&) { return true; }) == nullptr);
    CHECK(box.is_indexed() == (count > 32));
    CHECK(held.use_count() == count + 1);
  }
  CHECK(held.use_count() == 1);
}
