// SPDX-License-Identifier: BSL-1.0
// The words of JSON's errors.
#include <troupe/mailbox/json_words.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace troupe::detail {

namespace {

struct wording {
  std::string_view of_terms;
  std::string_view of_json;
};
constexpr wording wordings[] = {
    {"undefined", "null"},
    {"float", "number"},
    {"float that fits in 32 bits", "number that fits in 32 bits"},
    {"list", "array"},
    {"map", "object"},
    {"atom", "string"},
    {"pid", "pid such as \"<0.5.0>\""},
    {"reference", "reference such as \"#Ref<0.1.2.3>\""},
    {"port", "port such as \"#Port<0.5>\""},
};

std::string reword(std::string_view what, bool tagged, bool bytes) {
  if (what == "binary") return bytes ? "bytes in base64" : "string";
  for (const wording& w : wordings)
    if (what == w.of_terms) return std::string(w.of_json);
  for (const std::string_view kind : {"list of ", "tuple of "})
    if (what.starts_with(kind)) return "array of " + std::string(what.substr(kind.size()));
  if (what.starts_with("binary of ")) return std::string(what.substr(10)) + " in base64";
  if (!what.starts_with('{') || !what.ends_with('}')) return std::string(what);
  // {order,id,lines}
  const std::size_t comma = what.find(',');
  if (comma == what.npos) return std::string(what);
  std::string members;
  for (const char c : what.substr(comma + 1, what.size() - comma - 2)) (members += c).append(c == ',' ? " " : "");
  return tagged ? "{\"" + std::string(what.substr(1, comma - 1)) + "\": {" + members + "}}"
                : "object {" + members + "}";
}

}  // namespace

std::string json_words(std::string_view expected, bool tagged, bool bytes) {
  constexpr std::string_view maybe = "undefined or ";
  if (expected.starts_with(maybe)) return "null or " + json_words(expected.substr(maybe.size()), tagged, bytes);
  if (expected.starts_with("one of ")) return std::string(expected);
  constexpr std::string_view either = " | ";
  const std::size_t bar = expected.find(either);
  if (bar == expected.npos) return reword(expected, tagged, bytes);
  return reword(expected.substr(0, bar), true, false) + " | " +
         json_words(expected.substr(bar + either.size()), true, false);
}

namespace {

/// How many letters must be changed, added or taken away to make `a` of `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, diagonal + 1, changed});
    }
  }
  return row[b.size()];
}

}  // namespace

bool is_alike(std::string_view a, std::string_view b) {
  constexpr std::size_t longest = 64;
  if (a.size() > longest || b.size() > longest) return false;
  return distance(a, b) <= (std::min(a.size(), b.size()) < 5 ? 1u : 2u);
}

}  // namespace troupe::detail
