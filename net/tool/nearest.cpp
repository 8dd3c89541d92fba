// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/nearest.hpp>

#include <algorithm>
#include <utility>

namespace troupe::script {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), here(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    here[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      here[j] = std::min({above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), above[j] + 1, here[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = std::min(here[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, here);
  }
  return above[b.size()];
}

std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const std::string& name : names) found.emplace_back(edit_distance(wanted, name), name);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> result;
  for (const auto& [distance, name] : found)
    if (distance <= std::max<std::size_t>(2, wanted.size() / 3) && distance == found[0].first && result.size() < 3)
      result.push_back(name);
  return result;
}

std::string suggestion(std::string_view wanted, const std::vector<std::string>& names) {
  const auto list = [](const std::vector<std::string>& some, const char* before, const char* after) {
    std::string text;
    for (const std::string& name : some) text += (text.empty() ? "" : ", ") + (before + name + after);
    return text;
  };
  const std::vector<std::string> near = nearest(wanted, names);
  if (!near.empty()) return "did you mean " + list(near, "'", "'") + "?";
  if (names.empty()) return "";
  std::vector<std::string> all = names;
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return "there " + std::string(all.size() == 1 ? "is: " : "are: ") + list(all, "", "");
}

}  // namespace troupe::script
