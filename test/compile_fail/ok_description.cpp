// SPDX-License-Identifier: BSL-1.0
// The control: a description with all that it can say.
#include <troupe/mailbox/to_term.hpp>

#include <string>

struct customer {
  int id;
};
struct order {
  int id;
  customer who;
  long total;
  int cached;
  int note = 3;
};
template <>
struct troupe::description<order> {
  static constexpr std::string_view name = "purchase";
  static constexpr auto members =
      describe(rename(&order::id, "number"), flatten(&order::who), skip(&order::cached), defaulted(&order::note),
               convert(
                   &order::total, [](long t) { return std::to_string(t); },
                   [](const std::string& text) { return std::stol(text); }));
};

auto use(const order& value) {
  return troupe::from_term<order>(troupe::to_term(value)).id;
}
