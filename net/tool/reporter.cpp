// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/reporter.hpp>

#include <troupe/net/tool/script.hpp>
#include <troupe/net/tool/values.hpp>
#include <troupe/net/tool/wording.hpp>

#include <fmt/core.h>

namespace troupe::script {

using nlohmann::json;

std::string line_of(const step& what, const vocabulary& words) {
  const auto plain = [&](const json& j) { return j.is_string() ? j.get<std::string>() : words.print(j); };
  std::string line(what.kind->name);
  for (char& c : line)
    if (c == '_') c = ' ';
  if (what.kind->kind == field_kind::branches)
    line += fmt::format(" {} lists of steps", what.blocks.size());
  else
    line += " " + plain(what.subject());
  for (const field& f : what.kind->fields) {
    const json* value = what.find(f.name);
    if (value == nullptr || f.kind == field_kind::steps || f.name == "needs") continue;
    if (f.kind == field_kind::flag) {
      if (value->get<bool>()) line += ", " + std::string(f.name);
    } else {
      line +=
          (f.name == "to" || f.name == "on" || f.name == "as" ? " " : ", ") + std::string(f.name) + " " + plain(*value);
    }
  }
  return without_controls(line);
}

void reporter::begin(const std::string& name, const std::string& title) {
  const std::lock_guard guard(lock_);
  if (how_ == verbosity::quiet) return;
  fmt::print(to_, "{}: {}\n", without_controls(name), without_controls(title));
  std::fflush(to_);
}

void reporter::done(const step& what, const vocabulary& words, std::chrono::nanoseconds took, const std::string& more) {
  const std::lock_guard guard(lock_);
  ++done_;
  if (how_ == verbosity::quiet) return;
  if (what.kind->name == "note") {
    fmt::print(to_, "        -- {}\n", without_controls(what.subject().get<std::string>()));
  } else {
    fmt::print(to_, "  ok {:>4} {}{}  ({})\n", what.number, line_of(what, words), more.empty() ? "" : ": " + more,
               people_time(took));
  }
  std::fflush(to_);
}

void reporter::skipped(const step& what, const vocabulary& words, const std::string& why) {
  const std::lock_guard guard(lock_);
  ++skipped_;
  if (how_ == verbosity::quiet) return;
  fmt::print(to_, "skip {:>4} {}: {}\n", what.number, line_of(what, words), why);
  std::fflush(to_);
}

void reporter::failed(const step& what, const vocabulary& words, const std::string& place, const std::string& details) {
  const std::lock_guard guard(lock_);
  ++failed_;
  fmt::print(to_, "FAIL {:>4} {}\n     {}: ", what.number, line_of(what, words), place);
  std::string text = details;
  for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 1)) text.insert(i + 1, "     ");
  fmt::print(to_, "{}\n", text);
  std::fflush(to_);
}

void reporter::broken(const std::string& file, const std::string& why) {
  const std::lock_guard guard(lock_);
  ++failed_;
  fmt::print(to_, "FAIL      {}: {}\n", file, why);
  std::fflush(to_);
}

void reporter::say(const std::string& line) {
  const std::lock_guard guard(lock_);
  fmt::print(to_, "{}\n", line);
  std::fflush(to_);
}

void reporter::end(bool right, const std::string& summary, std::chrono::nanoseconds took) {
  const std::lock_guard guard(lock_);
  if (!summary.empty()) fmt::print(to_, "{}\n", summary);
  fmt::print(to_, "{}: {} steps{}{}{}\n", right ? "passed" : "FAILED", done_,
             skipped_ == 0 ? "" : fmt::format(", {} skipped", skipped_),
             failed_ == 0 ? "" : fmt::format(", {} failed", failed_),
             summary.empty() ? " in " + people_time(took) : "");
  std::fflush(to_);
}

}  // namespace troupe::script
