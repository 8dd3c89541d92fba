// SPDX-License-Identifier: BSL-1.0
// Logging through spdlog.
#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/log.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/slot_extra.hpp>
#include <troupe/mailbox/term.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

using namespace literals;
using nlohmann::json;

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

std::atomic<log_format> format_now{log_format::text};

/// What the formatter adds to the line that this thread is writing; null for lines that others give to spdlog.
thread_local const json* line_members = nullptr;

/// A term for programs that read logs: numbers, words and texts as such, lists and maps as arrays and objects, the rest
/// as Erlang prints it. Not to be read back: json.hpp's form is.
json shown(const term& value) {
  if (value.is_integer() && !value.is_big()) return value.as_integer();
  if (value.is_floating()) return value.as_floating();
  if (value.is_atom("true"_atom) || value.is_atom("false"_atom)) return value.as_bool();
  if (value.is_atom()) return std::string(value.as_atom().name());
  if (value.is_binary() && detail::count_code_points(value.as_binary()) >= 0) return std::string(value.as_binary());
  if (value.is_list()) {
    json all = json::array();
    for (const term& element : value.elements()) all.push_back(shown(element));
    return all;
  }
  if (value.is_map()) {
    json all = json::object();
    for (const auto& [key, item] : value.items()) {
      const json k = shown(key);
      all[k.is_string() ? k.get<std::string>() : key.to_string()] = shown(item);
    }
    return all;
  }
  return value.to_string();
}

/// "2026-01-31T12:00:00.123Z"
std::string time_text(std::chrono::system_clock::time_point when) {
  const auto since = when.time_since_epoch();
  const std::time_t whole = std::chrono::system_clock::to_time_t(when);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[32];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(text, n) + fmt::format(".{:03}Z", ms);
}

class json_lines final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& m, spdlog::memory_buf_t& to) override {
    json line{{"time", time_text(m.time)},
              {"level", std::string(m.level < spdlog::level::off ? words[m.level] : "off")},
              {"message", std::string(m.payload.data(), m.payload.size())}};
    if (line_members != nullptr) line.update(*line_members);
    const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_lines>(); }

 private:
  static constexpr const char* words[] = {"trace", "debug", "info", "warning", "error", "critical"};
};

/// Of whom a line is.
struct author {
  pid process;
  atom name;
  std::string function;
  const term* metadata = nullptr;  // null: none
};

author author_of(const detail::slot& s) {
  return {.process = s.self(),
          .name = s.rt->names().name_of(s.self()),
          .function = detail::function_of(s.function.load(std::memory_order_relaxed))};
}

const term* metadata_of(const detail::slot& s) noexcept {
  return s.extra != nullptr ? s.extra->metadata.get() : nullptr;
}

/// The same with what only the owner may look at: the function of a behaviour would be that of all behaviours.
author owner_of(const detail::slot& s) {
  author who = author_of(s);
  who.metadata = metadata_of(s);
  if (s.extra != nullptr && s.extra->behaviour != nullptr) {
    const detail::behaviour& body = s.extra->behaviour->body;
    who.function = std::string(body.kind()) + " " + std::string(body.name());
  }
  return who;
}

/// As text "<0.12.0> name-or-function key=value: text", or the text alone when it says `itself` whose it is.
void write_line(log_level level, const author& who, std::string_view text, bool itself, const term* report) {
  if (format_now.load(std::memory_order_relaxed) == log_format::json) {
    json members{{"node", std::string(node_name(who.process.node()))}, {"pid", who.process.to_string()}};
    if (who.name != atom()) members["name"] = std::string(who.name.name());
    members["function"] = who.function;
    if (who.metadata != nullptr) members["metadata"] = shown(*who.metadata);
    if (report != nullptr) members["report"] = shown(*report);
    struct set_members {
      explicit set_members(const json& m) noexcept { line_members = &m; }
      ~set_members() { line_members = nullptr; }
    } set(members);
    spdlog::log(level_of(level), "{}", text);
    return;
  }
  if (itself) return spdlog::log(level_of(level), "{}", text);
  std::string line = who.process.to_string() + " " + (who.name != atom() ? std::string(who.name.name()) : who.function);
  if (who.metadata != nullptr)
    for (const auto& [key, value] : who.metadata->items()) line += " " + key.to_string() + "=" + value.to_string();
  spdlog::log(level_of(level), "{}: {}", line, text);
}

}  // namespace

void set_log_level(log_level level) {
  spdlog::set_level(level_of(level));
}

void set_log_format(log_format format) {
  format_now.store(format, std::memory_order_relaxed);
  if (format == log_format::json)
    spdlog::set_formatter(std::make_unique<json_lines>());
  else
    spdlog::set_pattern("%+");
}

void context::log_metadata(term map) {
  if (!map.is_map()) throw std::invalid_argument("troupe: log_metadata takes a map, and got " + map.to_string());
  more().metadata = std::make_unique<term>(std::move(map));
}

const term& context::log_metadata() const noexcept {
  static const term none = term::map({});
  const term* mine = metadata_of(*this);
  return mine != nullptr ? *mine : none;
}

namespace detail {

bool log_enabled(log_level level) noexcept {
  return spdlog::should_log(level_of(level));
}

void make_default_logger() {
  spdlog::default_logger_raw();
}

void log_line(log_level level, std::string_view text) noexcept {
  spdlog::log(level_of(level), "{}", text);
}

void log_line_about(log_level level, const slot& s, std::string_view text) noexcept {
  try {
    if (log_enabled(level)) write_line(level, author_of(s), text, false, nullptr);
  } catch (...) {  // no memory: then without
  }
}

void log_line(log_level level, const slot& s, std::string_view text) noexcept {
  try {
    if (!log_enabled(level)) return;
    write_line(level, owner_of(s), text, false, nullptr);
  } catch (...) {
  }
}

void log_report(log_level level, const slot& s, std::string_view text, const term& report) noexcept {
  try {
    if (!log_enabled(level)) return;
    write_line(level, owner_of(s), text, false, &report);
  } catch (...) {
  }
}

void log_report(log_level level, const crash_report& report) noexcept {
  try {
    if (!log_enabled(level)) return;
    std::vector<term> tasks;
    for (const std::string& task : report.tasks) tasks.emplace_back(task);
    std::vector<term> links;
    for (const pid& peer : report.links) links.emplace_back(peer);
    std::vector<term> ancestors = report.ancestors;
    const term members = term::map({{"report"_atom, "crash"_atom},
                                    {"pid"_atom, report.process},
                                    {"registered_name"_atom, report.name == atom() ? term() : term(report.name)},
                                    {"initial_call"_atom, report.function},
                                    {"ancestors"_atom, term::list(std::move(ancestors))},
                                    {"where"_atom, report.where},
                                    {"tasks"_atom, term::list(std::move(tasks))},
                                    {"reason"_atom, report.reason},
                                    {"message_queue_len"_atom, report.mailbox_length},
                                    {"links"_atom, term::list(std::move(links))},
                                    {"trap_exit"_atom, report.trap_exit}});
    const bool with = report.metadata.is_map() && report.metadata.size() != 0;
    const author who{.process = report.process,
                     .name = report.name,
                     .function = report.function,
                     .metadata = with ? &report.metadata : nullptr};
    write_line(level, who, report.to_string(), true, &members);
  } catch (...) {
  }
}

}  // namespace detail
}  // namespace troupe
