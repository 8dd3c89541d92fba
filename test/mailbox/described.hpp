// SPDX-License-Identifier: BSL-1.0
// Types with descriptions, for the suites of all formats.
#pragma once

#include <troupe/mailbox/codec.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace described_test {

struct order {
  int id;
  std::string what;
  int cached = 5;
  friend bool operator==(const order& a, const order& b) { return a.id == b.id && a.what == b.what; }
};
struct only_skipped {
  int cached = 1;
  friend bool operator==(const only_skipped&, const only_skipped&) = default;
};

struct address {
  std::string street;
  int zip;
  friend bool operator==(const address&, const address&) = default;
};
struct person {
  std::string name;
  address home;
  friend bool operator==(const person&, const person&) = default;
};
struct visit {
  person guest;
  int nights;
  friend bool operator==(const visit&, const visit&) = default;
};

enum class level { low = 1, high = 3 };
class money {
 public:
  explicit money(std::int64_t cents) : cents_(cents) {}
  std::int64_t cents() const { return cents_; }
  friend bool operator==(const money&, const money&) = default;

 private:
  std::int64_t cents_;
};
struct booking {
  money price;
  level urgency;
  std::chrono::sys_seconds at;
  friend bool operator==(const booking&, const booking&) = default;
};

struct lenient {
  int a;
  int b = 8;
  friend bool operator==(const lenient&, const lenient&) = default;
};
struct pointing {
  int* at;
};

inline std::optional<money> from_cents(std::int64_t cents) {
  return cents < 0 ? std::nullopt : std::optional(money(cents));
}
inline int number_of(level l) {
  return static_cast<int>(l);
}
inline std::optional<level> level_of(int number) {
  return number == 1 || number == 3 ? std::optional(static_cast<level>(number)) : std::nullopt;
}
inline std::string text_of(std::chrono::sys_seconds t) {
  return std::to_string(t.time_since_epoch().count()) + "s";
}
inline std::chrono::sys_seconds time_of(const std::string& text) {
  if (!text.ends_with('s')) throw troupe::decode_error("", "seconds", text);
  return std::chrono::sys_seconds(std::chrono::seconds(std::stoll(text)));
}
inline int nothing(int*) {
  return 0;
}
inline int* nowhere(int) {
  return nullptr;
}

}  // namespace described_test

template <>
struct troupe::description<described_test::order> {
  static constexpr std::string_view name = "purchase";
  static constexpr auto members =
      describe(rename(&described_test::order::id, "number"), skip(&described_test::order::cached));
};
template <>
struct troupe::description<described_test::only_skipped> {
  static constexpr auto members = describe(skip(&described_test::only_skipped::cached));
};
template <>
struct troupe::description<described_test::address> {
  static constexpr auto members = describe(rename(&described_test::address::street, "road"));
};
template <>
struct troupe::description<described_test::person> {
  static constexpr auto members = describe(flatten(&described_test::person::home));
};
template <>
struct troupe::description<described_test::visit> {
  static constexpr auto members = describe(flatten(&described_test::visit::guest));
};
template <>
struct troupe::description<described_test::level> {
  static constexpr auto as = convert(&described_test::number_of, &described_test::level_of, "1 or 3");
};
template <>
struct troupe::description<std::chrono::sys_seconds> {
  static constexpr auto as = convert(&described_test::text_of, &described_test::time_of);
};
template <>
struct troupe::description<described_test::booking> {
  static constexpr auto members = describe(
      rename(&described_test::booking::price, "cents"),
      convert(&described_test::booking::price, &described_test::money::cents, &described_test::from_cents, "cents"));
};
template <>
struct troupe::description<described_test::lenient> {
  static constexpr auto members = describe(defaulted(&described_test::lenient::b));
};
template <>
struct troupe::description<described_test::pointing> {
  static constexpr auto members =
      describe(convert(&described_test::pointing::at, &described_test::nothing, &described_test::nowhere));
};
