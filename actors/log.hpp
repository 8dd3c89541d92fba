// SPDX-License-Identifier: BSL-1.0
// What processes and the runtime say to people, through spdlog's default logger.
#pragma once

#include <string_view>

namespace troupe {

/// How important a log line is; spdlog's levels.
enum class log_level { trace, debug, info, warning, error, critical, off };

/// How lines are written.
enum class log_format {
  text,  ///< for people: "<0.12.0> name-or-function: text key=value", after spdlog's time and level
  json   ///< for programs, an object in each line: time, level, node, pid, name, function, message, metadata, report
};

/// Lines below this level are dropped. Any thread.
void set_log_level(log_level level);
/// From now on lines are written so; it sets the format of spdlog's default logger. As JSON, a crash report and that of
/// a supervisor are objects as well: their members stand under "report". Any thread. Erlang: a handler's formatter.
void set_log_format(log_format format);

class term;
struct crash_report;

namespace detail {

struct slot;

bool log_enabled(log_level level) noexcept;
/// Makes spdlog's default logger, if nobody has yet: before there are threads that would make it at their first lines.
void make_default_logger();
/// A line of a process, with its metadata. Only the owner of the process.
void log_line(log_level level, const slot& s, std::string_view text) noexcept;
/// The same with the parts of the text as a map, for programs. Only the owner of the process.
void log_report(log_level level, const slot& s, std::string_view text, const term& report) noexcept;
void log_report(log_level level, const crash_report& report) noexcept;
/// A line about a process, without its metadata. Any thread.
void log_line_about(log_level level, const slot& s, std::string_view text) noexcept;
/// A line of the runtime's own. Any thread.
void log_line(log_level level, std::string_view text) noexcept;

}  // namespace detail
}  // namespace troupe
