// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/wording.hpp>

#include <fmt/core.h>

#include <cstdint>

namespace troupe::script {

std::string people_time(std::chrono::nanoseconds time) {
  const auto ns = static_cast<double>(time.count());
  if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
  if (ns < 1e6) return fmt::format("{:.3g} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.3g} ms", ns / 1e6);
  return fmt::format("{:.3g} s", ns / 1e9);
}

std::string people_number(double number) {
  if (number < 1e4) return fmt::format("{:.4g}", number);
  const auto whole = static_cast<std::int64_t>(number);
  std::string text = std::to_string(whole);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most < 3 ? 0 : most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string without_controls(std::string_view text) {
  std::string made;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      made += "\\n";
    else if (c == '\t')
      made += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      made += fmt::format("\\x{:02x}", byte);
    else
      made += c;
  }
  return made;
}

std::string letters_of(std::size_t number) {
  std::string letters;
  for (;; number = number / 26 - 1) {
    letters.insert(letters.begin(), static_cast<char>('a' + number % 26));
    if (number < 26) return letters;
  }
}

}  // namespace troupe::script
