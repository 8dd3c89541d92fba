// SPDX-License-Identifier: BSL-1.0
// Type descriptors: identity and what they can do with a value they know only by address.
#include <troupe/mailbox/descriptor.hpp>

#include "descriptor_other.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace troupe;

namespace descriptor_test {

struct order {
  int id;
  std::string customer;
};
struct ping {};
struct move_only {
  std::unique_ptr<int> content;
};
struct sneaky {
  std::vector<std::unique_ptr<int>> content;
};

namespace other {
struct order {
  int id;
  std::string customer;
};
}  // namespace other

}  // namespace descriptor_test

namespace {

struct hidden {
  int value;
};

}  // namespace

static const type_descriptor* in_a_static_function() {
  struct local {
    int value;
  };
  return &descriptor_of<local>;
}

const type_descriptor* hidden_here() {
  return &descriptor_of<hidden>;
}

using namespace descriptor_test;

static_assert(descriptor_of<order>.dynamic_key == detail::tagged_key(detail::hash_text("order"), 3));
static_assert(descriptor_of<ping>.dynamic_key == detail::tagged_key(detail::hash_text("ping"), 0));
static_assert(descriptor_of<order>.name == "order" && descriptor_of<order>.size == sizeof(order));

TEST_CASE("a descriptor names its type, with and without namespaces") {
  CHECK(descriptor_of<order>.name == "order");
  CHECK(descriptor_of<order>.qualified_name == "descriptor_test::order");
  CHECK(descriptor_of<order>.align == alignof(order));
  CHECK(*descriptor_of<order>.type == typeid(order));
}

TEST_CASE("the dynamic key of a descriptor is that of the type's terms") {
  CHECK(descriptor_of<order>.dynamic_key == dynamic_key(to_term(order{1, "x"})));
  CHECK(descriptor_of<ping>.dynamic_key == dynamic_key(to_term(ping{})));
  CHECK(descriptor_of<std::string>.dynamic_key == dynamic_key("x"));
  CHECK(descriptor_of<term>.dynamic_key == 0);
}

TEST_CASE("a type is itself and no other type of its name") {
  CHECK(same_type(&descriptor_of<order>, &descriptor_of<order>));
  CHECK(!same_type(&descriptor_of<order>, &descriptor_of<other::order>));
  CHECK(descriptor_of<order>.name == descriptor_of<other::order>.name);
  CHECK(!same_type(&descriptor_of<int>, &descriptor_of<long>));
  CHECK(!same_type(&descriptor_of<int>, nullptr));
}

TEST_CASE("one type has one descriptor in all files of a program") {
  CHECK(shared_there() == &descriptor_of<shared_message>);
}

TEST_CASE("a descriptor made elsewhere, as in another shared object, is the same type") {
  const type_descriptor copy = descriptor_of<order>;
  CHECK(same_type(&copy, &descriptor_of<order>));
  type_descriptor changed = copy;  // a version of the type with other members
  changed.hash ^= 1;
  CHECK(!same_type(&changed, &descriptor_of<order>));
}

TEST_CASE("two types of one name in two unnamed namespaces are two types") {
  CHECK(hidden_here()->qualified_name == hidden_there()->qualified_name);
  CHECK(hidden_here()->hash == hidden_there()->hash);
  CHECK(!same_type(hidden_here(), hidden_there()));
  CHECK(!same_type(in_a_static_function(), local_there()));
}

TEST_CASE("a descriptor moves, copies, destroys, writes and builds a value") {
  const type_descriptor& d = descriptor_of<order>;
  alignas(order) std::byte a[sizeof(order)];
  alignas(order) std::byte b[sizeof(order)];
  alignas(order) std::byte c[sizeof(order)];
  const term whole = term::tuple({"order"_atom, 1, "a customer with a long name"});
  term_reader reader(whole);
  d.build(a, reader);
  d.copy(b, a);
  d.move(c, a);
  CHECK(to_term(d, b) == whole);
  CHECK(to_term(d, c) == whole);
  d.destroy(a);
  d.destroy(b);
  d.destroy(c);
}

TEST_CASE("a descriptor's build says where a value is wrong") {
  alignas(order) std::byte place[sizeof(order)];
  const term wrong = term::tuple({"order"_atom, "x", "y"});
  term_reader reader(wrong);
  CHECK_THROWS_WITH_AS(descriptor_of<order>.build(place, reader), doctest::Contains("order.id: expected integer"),
                       decode_error);
}

TEST_CASE("what cannot be copied has no copy, what is trivial no destroy") {
  CHECK(bool(descriptor_of<move_only>.copy == nullptr));
  CHECK(bool(descriptor_of<sneaky>.copy == nullptr));
  CHECK(bool(descriptor_of<order>.copy != nullptr));
  CHECK(bool(descriptor_of<int>.destroy == nullptr));
  CHECK(bool(descriptor_of<move_only>.destroy != nullptr));
}
