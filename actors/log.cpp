// SPDX-License-Identifier: BSL-1.0
// Logging through spdlog.
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>

#include <spdlog/spdlog.h>

namespace troupe {

namespace {

spdlog::level::level_enum level_of(log_level level) noexcept {
  switch (level) {
    case log_level::trace: return spdlog::level::trace;
    case log_level::debug: return spdlog::level::debug;
    case log_level::info: return spdlog::level::info;
    case log_level::warning: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
    case log_level::critical: return spdlog::level::critical;
    case log_level::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

void set_log_level(log_level level) {
  spdlog::set_level(level_of(level));
}

namespace detail {

bool log_enabled(log_level level) noexcept {
  return spdlog::should_log(level_of(level));
}

void log_line(log_level level, std::string_view text) noexcept {
  spdlog::log(level_of(level), "{}", text);
}

void log_line(log_level level, const slot& s, std::string_view text) noexcept {
  if (!log_enabled(level)) return;
  const atom name = s.rt->names().name_of(s.self());
  spdlog::log(level_of(level), "{} {}: {}", s.self().to_string(),
              name != atom() ? std::string(name.name()) : function_of(s.function.load(std::memory_order_relaxed)),
              text);
}

}  // namespace detail
}  // namespace troupe
