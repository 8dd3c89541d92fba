// SPDX-License-Identifier: BSL-1.0
// What processes and the runtime say to people, through spdlog's default logger.
#pragma once

#include <string_view>

namespace troupe {

/// How important a log line is; spdlog's levels.
enum class log_level { trace, debug, info, warning, error, critical, off };

/// Lines below this level are dropped. Any thread.
void set_log_level(log_level level);

namespace detail {

struct slot;

bool log_enabled(log_level level) noexcept;
/// "<0.12.0> name-or-function: text". Only the owner of the process.
void log_line(log_level level, const slot& s, std::string_view text) noexcept;
/// A line of the runtime's own. Any thread.
void log_line(log_level level, std::string_view text) noexcept;

}  // namespace detail
}  // namespace troupe
