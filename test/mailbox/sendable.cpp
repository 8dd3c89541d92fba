// SPDX-License-Identifier: BSL-1.0
// What may be a message and what may not. The error texts are tested in test/compile_fail/.
#include <troupe/mailbox/sendable.hpp>

#include <doctest/doctest.h>

#include <any>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;

namespace sendable_test {

struct line {
  int qty;
  std::string what;
};
struct order {
  int id;
  std::vector<line> lines;
  std::optional<line> extra;
  std::variant<int, std::string> choice;
  std::map<std::string, std::array<int, 3>> table;
  std::tuple<atom, pid, reference, term> rest;
  std::chrono::milliseconds wait;
};
struct move_only {
  std::unique_ptr<line> content;
  std::shared_ptr<const std::vector<int>> shared;
};
struct tree {
  int value;
  std::vector<tree> children;
  std::map<int, tree> named;
  std::unique_ptr<tree> next;
};
struct empty {};
struct constant {
  const int a;
  std::string b;
};

template <class T>
struct holds {
  T member;
};
struct refers {
  int& target;
};
struct refers_to_const {
  const int a;
  const std::string& target;
};
struct base {
  int a;
};
struct derived : base {
  int b;
};
struct letters {
  int n;
  char text[16];
};
union either {
  int a;
  float b;
};
class opaque {
 public:
  opaque() = default;
  int get() const { return secret_; }

 private:
  int secret_ = 0;
};
class with_codec {
 public:
  int get() const { return secret_; }

 private:
  int secret_ = 0;
};
struct pinned {
  std::atomic<int> count;
};

}  // namespace sendable_test

template <>
struct troupe::codec<sendable_test::with_codec> {
  static void visit(const sendable_test::with_codec& value, term_sink& sink) { sink.put_integer(value.get()); }
  static sendable_test::with_codec build(term_source& source) {
    codec<int>::build(source);
    return {};
  }
};

using namespace sendable_test;

namespace {

template <class T>
constexpr detail::refusal reason = detail::finding_of<T>::reason;

using detail::refusal;

}  // namespace

TEST_CASE("values, containers and structs of them are sendable, to any depth") {
  CHECK(sendable<int>);
  CHECK(sendable<std::string>);
  CHECK(sendable<term>);
  CHECK(sendable<order>);
  CHECK(sendable<empty>);
  CHECK(sendable<constant>);
  CHECK(sendable<tree>);
  CHECK(sendable<std::vector<std::unordered_map<int, order>>>);
}

TEST_CASE("messages that can only be moved, and shared constants, are sendable") {
  CHECK(sendable<move_only>);
  CHECK(sendable<std::unique_ptr<int>>);
  CHECK(sendable<std::shared_ptr<const order>>);
}

TEST_CASE("a class with a codec is sendable") {
  CHECK(sendable<with_codec>);
  CHECK(sendable<holds<std::vector<with_codec>>>);
}

TEST_CASE("what would be shared is not sendable, wherever it hides") {
  CHECK(reason<holds<int*>> == refusal::raw_pointer);
  CHECK(reason<holds<const char*>> == refusal::raw_pointer);
  CHECK(reason<holds<void (*)()>> == refusal::raw_pointer);
  CHECK(reason<holds<int empty::*>> == refusal::raw_pointer);
  CHECK(reason<holds<std::vector<int*>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::map<int, std::optional<int*>>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::variant<int, int*>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::unique_ptr<int*>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::shared_ptr<int* const>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::pair<int, int*>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::tuple<int, int*>>> == refusal::raw_pointer);
  CHECK(reason<holds<std::array<int*, 2>>> == refusal::raw_pointer);
  CHECK(reason<refers> == refusal::reference);
  CHECK(reason<refers_to_const> == refusal::reference);
  CHECK(reason<holds<refers>> == refusal::reference);
  CHECK(reason<holds<std::string_view>> == refusal::view);
  CHECK(reason<holds<std::span<int>>> == refusal::view);
  CHECK(reason<std::initializer_list<int>> == refusal::view);
  CHECK(reason<holds<std::reference_wrapper<int>>> == refusal::reference_wrapper);
  CHECK(reason<holds<std::shared_ptr<int>>> == refusal::shared_mutable);
  CHECK(reason<holds<std::weak_ptr<const int>>> == refusal::shared_mutable);
  CHECK(reason<holds<std::function<void()>>> == refusal::function);
}

TEST_CASE("what cannot be taken to parts is not sendable") {
  CHECK(reason<derived> == refusal::base_class);
  CHECK(reason<holds<derived>> == refusal::base_class);
  CHECK(reason<holds<either>> == refusal::union_type);
  CHECK(reason<letters> == refusal::array);
  CHECK(reason<holds<int[1]>> == refusal::array);
  CHECK(reason<opaque> == refusal::opaque_class);
  CHECK(reason<holds<std::vector<opaque>>> == refusal::opaque_class);
  CHECK(reason<std::any> == refusal::opaque_class);
  CHECK(reason<long double> == refusal::opaque_class);
  CHECK(reason<holds<std::mutex>> == refusal::not_movable);
  CHECK(reason<pinned> == refusal::not_movable);
  const auto lambda = [] {};
  CHECK(reason<decltype(lambda)> == refusal::opaque_class);
}

TEST_CASE("a message can be copied for several receivers only when all of it can") {
  CHECK(detail::copyable_message<order>);
  CHECK(detail::copyable_message<std::shared_ptr<const order>>);
  CHECK(!detail::copyable_message<move_only>);
  CHECK(!detail::copyable_message<std::vector<std::unique_ptr<int>>>);
  CHECK(!detail::copyable_message<holds<std::map<int, std::unique_ptr<int>>>>);
  CHECK(!detail::copyable_message<tree>);
}
