// SPDX-License-Identifier: BSL-1.0
// Messages in their envelopes: taken out, copied, shared, looked at, and requests that cannot be lost.
#include <troupe/mailbox/message.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace troupe::detail;

namespace {

struct order {
  int id;
  std::string customer;
};
struct ping {};
struct boxed {
  std::unique_ptr<int> value;
};
struct holds {
  std::shared_ptr<const int> what;
};
struct alignas(16) wide {
  double value;
};

template <class T, class... Args>
envelope_ptr message(Args&&... args) {
  return envelope_ptr(make_envelope<envelope, T>(envelope_kind::message, std::forward<Args>(args)...));
}

struct home : request_home {
  int dropped = 0;
  void request_dropped(request_envelope& request) noexcept override {
    ++dropped;
    request.home = nullptr;
  }
};

}  // namespace

TEST_CASE("a payload is built in its envelope and moved out of it") {
  const envelope_ptr e = message<order>(1, "ann with a name that needs the heap");
  CHECK(same_type(e->type, &descriptor_of<order>));
  CHECK(payload_matches<order>(*e));
  CHECK(!payload_matches<ping>(*e));
  const auto* data = static_cast<const order*>(e->payload())->customer.data();
  const order o = take_payload<order>(*e);
  CHECK(o.id == 1);
  CHECK(o.customer.data() == data);  // moved, not copied
}

TEST_CASE("a payload of any alignment up to the greatest fundamental one lies right") {
  const envelope_ptr e = message<wide>(1.5);
  CHECK(reinterpret_cast<std::uintptr_t>(e->payload()) % alignof(wide) == 0);
  CHECK(take_payload<wide>(*e).value == 1.5);
  const envelope_ptr r(make_envelope<request_envelope, wide>(envelope_kind::request, 2.5));
  CHECK(reinterpret_cast<std::uintptr_t>(r->payload()) % alignof(wide) == 0);
}

TEST_CASE("a move-only payload is taken") {
  const envelope_ptr e = message<boxed>(std::make_unique<int>(7));
  CHECK(*take_payload<boxed>(*e).value == 7);
}

TEST_CASE("an envelope destroys its payload, taken or not") {
  const auto what = std::make_shared<const int>(1);
  {
    const envelope_ptr a = message<holds>(what);
    const envelope_ptr b = message<holds>(what);
    CHECK(what.use_count() == 3);
    const holds taken = take_payload<holds>(*b);
    CHECK(what.use_count() == 3);
  }
  CHECK(what.use_count() == 1);
}

TEST_CASE("a constructor that throws leaves no envelope behind") {
  struct no_text {
    operator std::string() const { throw std::runtime_error("no"); }
  };
  CHECK_THROWS_AS(static_cast<void>(message<order>(1, no_text())), std::runtime_error);
}

TEST_CASE("a term serves as what it decodes to, and as nothing else") {
  const envelope_ptr e = message<term>(term::tuple({"order"_atom, 5, "bob"}));
  CHECK(payload_matches<term>(*e));
  CHECK(payload_matches<order>(*e));
  CHECK(!payload_matches<ping>(*e));
  CHECK(!payload_matches<int>(*e));
  CHECK(take_payload<order>(*e).customer == "bob");
  const envelope_ptr bad = message<term>(term::tuple({"order"_atom, "five", "bob"}));
  CHECK(!payload_matches<order>(*bad));
  const envelope_ptr empty = message<term>("ping"_atom);
  CHECK(payload_matches<ping>(*empty));
  // The other way round a struct is no term: who takes terms takes dynamic messages.
  const envelope_ptr typed = message<order>(1, "x");
  CHECK(!payload_matches<term>(*typed));
}

TEST_CASE("a shared payload is one object, which the last receiver may move out and all others copy") {
  std::vector<envelope_ptr> receivers;
  const void* address = nullptr;
  {
    const auto shared = shared_message::of<order>(1, "a name that is long enough to need the heap");
    for (int i = 0; i < 3; ++i) receivers.emplace_back(shared.envelope_for_one());
    address = payload_of(*receivers[0]);
    for (const envelope_ptr& e : receivers) {
      CHECK(payload_of(*e) == address);
      CHECK(payload_matches<order>(*e));
    }
  }
  const auto* text = static_cast<const order*>(address)->customer.data();
  const order first = take_payload<order>(*receivers[0]);
  CHECK(first.customer.data() != text);  // copied: the others still look at it
  receivers[0].reset();
  const order second = take_payload<order>(*receivers[1]);
  CHECK(second.customer.data() != text);
  CHECK(static_cast<const order*>(address)->customer == first.customer);
  receivers[1].reset();
  const order third = take_payload<order>(*receivers[2]);
  CHECK(third.customer.data() == text);  // moved: it was the last one
}

TEST_CASE("a shared payload is destroyed with its last envelope") {
  const auto what = std::make_shared<const int>(1);
  std::vector<envelope_ptr> receivers;
  {
    const auto shared = shared_message::of<holds>(what);
    for (int i = 0; i < 3; ++i) receivers.emplace_back(shared.envelope_for_one());
  }
  CHECK(what.use_count() == 2);
  receivers.pop_back();
  receivers.pop_back();
  CHECK(what.use_count() == 2);
  receivers.pop_back();
  CHECK(what.use_count() == 1);
  {
    const auto to_nobody = shared_message::of<holds>(what);
  }
  CHECK(what.use_count() == 1);
}

TEST_CASE("receivers on several threads share a payload safely") {
  for (int round = 0; round < 200; ++round) {
    constexpr int count = 4;
    std::vector<envelope*> envelopes;
    {
      const auto shared = shared_message::of<order>(round, std::string(100, 'x'));
      for (int i = 0; i < count; ++i) envelopes.push_back(shared.envelope_for_one());
    }
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (envelope* e : envelopes)
      threads.emplace_back([&right, e, round] {
        const envelope_ptr owned(e);
        const order o = take_payload<order>(*owned);
        if (o.id == round && o.customer == std::string(100, 'x')) ++right;
      });
    for (std::thread& t : threads) t.join();
    CHECK(right.load() == count);
  }
}

TEST_CASE("copy_envelope copies the payload, or shares a shared one") {
  const envelope_ptr e = message<order>(1, "ann");
  {
    const envelope_ptr copy(copy_envelope(*e));
    CHECK(copy->type == e->type);
    CHECK(payload_of(*copy) != payload_of(*e));
    CHECK(take_payload<order>(*copy).customer == "ann");
  }
  CHECK(static_cast<const order*>(e->payload())->customer == "ann");
  const envelope_ptr unique = message<boxed>(std::make_unique<int>(1));
  CHECK_THROWS_AS(static_cast<void>(copy_envelope(*unique)), std::logic_error);
  const envelope_ptr shared(shared_message::of<order>(2, "bob").envelope_for_one());
  const envelope_ptr second(copy_envelope(*shared));
  CHECK(payload_of(*shared) == payload_of(*second));
  const envelope_ptr empty = message<ping>();
  CHECK(payload_matches<ping>(*envelope_ptr(copy_envelope(*empty))));
  const envelope_ptr dynamic = message<term>(term::list({1, 2}));
  CHECK(take_payload<term>(*envelope_ptr(copy_envelope(*dynamic))) == term::list({1, 2}));
}

TEST_CASE("by_alias puts the payload, moved or shared, into an envelope with the alias") {
  const std::uint32_t words[] = {1, 2, 3};
  const reference alias(words, 4, 0);
  envelope_ptr e = by_alias(message<boxed>(std::make_unique<int>(3)), alias);
  CHECK(e->kind == envelope_kind::alias_message);
  CHECK(static_cast<routed_envelope&>(*e).ref == alias);
  CHECK(*take_payload<boxed>(*e).value == 3);
  const auto what = std::make_shared<const int>(1);
  {
    const auto shared = shared_message::of<holds>(what);
    const envelope_ptr routed = by_alias(envelope_ptr(shared.envelope_for_one()), alias);
    CHECK(static_cast<bool>(routed->shared));
    CHECK(static_cast<const holds*>(payload_of(*routed))->what == what);
    CHECK(what.use_count() == 2);
  }
  CHECK(what.use_count() == 1);
}

TEST_CASE("any_message tells its name, its type, and its value as a term") {
  const any_message m = any_message::of(order{1, "ann"});
  CHECK(m);
  CHECK(m.name() == "order");
  CHECK(!m.is_request());
  REQUIRE(m.get_if<order>() != nullptr);
  CHECK(m.get_if<order>()->customer == "ann");
  CHECK(m.get_if<ping>() == nullptr);
  CHECK(m.to_term() == term::tuple({"order"_atom, 1, "ann"}));
  CHECK(any_message::of(term(5)).to_term() == term(5));
  CHECK(any_message::of(ping{}).to_term() == term("ping"_atom));
  CHECK(any_message(envelope_ptr(shared_message::of<order>(2, "bob").envelope_for_one())).to_term() ==
        term::tuple({"order"_atom, 2, "bob"}));
}

TEST_CASE("an empty any_message is nothing") {
  any_message m;
  CHECK(!m);
  CHECK(m.name().empty());
  CHECK(!m.is_request());
  CHECK(m.get_if<order>() == nullptr);
  CHECK(m.to_term() == term());
  CHECK(m.release() == nullptr);
}

TEST_CASE("a request that is destroyed unanswered tells its home, once") {
  home h;
  {
    auto* r = make_envelope<request_envelope, order>(envelope_kind::request, 1, "x");
    r->home = &h;
    const any_message m{envelope_ptr(r)};
    CHECK(m.is_request());
  }
  CHECK(h.dropped == 1);
  {
    auto* r = make_envelope<request_envelope, order>(envelope_kind::request, 1, "x");
    const envelope_ptr answered(r);  // no home: it has been answered
  }
  CHECK(h.dropped == 1);
}
