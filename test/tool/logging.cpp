// SPDX-License-Identifier: BSL-1.0
// Lines of the log, for people and for programs.
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;

namespace {

/// What is logged while it lives.
class log_text {
 public:
  explicit log_text(log_format format) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
    set_log_level(log_level::info);
    set_log_format(format);
  }
  ~log_text() {
    set_log_format(log_format::text);
    spdlog::set_default_logger(before_);
  }
  log_text(const log_text&) = delete;
  log_text& operator=(const log_text&) = delete;

  std::string all() const { return text_.str(); }
  /// The only line, as an object.
  nlohmann::json only() const {
    const std::string text = all();
    CAPTURE(text);
    CHECK(text.find('\n') + 1 == text.size());
    return nlohmann::json::parse(text);
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

process speaker(context& self) {
  const term about = term::map({{"order"_atom, 7}, {"who"_atom, "ann"}});
  self.log_metadata(about);
  self.log(log_level::warning, "half of {}", 100);
  co_return;
}

process breaks(context& self) {
  self.log_metadata(term::map({{"order"_atom, 8}}));
  co_await self.yield();
  throw std::runtime_error("disk full");
}

process breaks_later(context& self) {
  co_await self.sleep(std::chrono::milliseconds(1));
  self.exit("bad_day"_atom);
}

process supervises(context& self) {
  const std::vector<child_spec> children{{.id = "a", .start = child_of(breaks_later), .restart = temporary}};
  const supervisor_flags flags;
  const auto sup = co_await self.start_link<supervisor>({.name = "above"}, flags, children);
  std::vector<child_info> left = co_await which_children(self, sup);
  while (!left.empty()) {
    co_await self.sleep(std::chrono::milliseconds(1));
    left = co_await which_children(self, sup);
  }
}

}  // namespace

TEST_CASE("the metadata of a process stands in its lines") {
  const log_text log(log_format::text);
  actor_system sys;
  sys.wait(sys.spawn({.name = "speaker"}, speaker));
  CHECK(log.all().find("speaker order=7 who=<<\"ann\">>: half of 100") != std::string::npos);
}

TEST_CASE("metadata is a map, and nothing until it is set") {
  bool done = false;
  actor_system sys;
  sys.wait(sys.spawn([&](context& self) -> process {
    CHECK(self.log_metadata() == term::map({}));
    CHECK_THROWS_AS(self.log_metadata(term(7)), std::invalid_argument);
    self.log_metadata(term::map({{"a"_atom, 1}}));
    CHECK(self.log_metadata() == term::map({{"a"_atom, 1}}));
    done = true;
    co_return;
  }));
  CHECK(done);
}

TEST_CASE("as JSON a line is an object with all that is known of its process") {
  const log_text log(log_format::json);
  actor_system_options options;
  options.name = "a@h";
  actor_system sys(options);
  const pid p = sys.spawn({.name = "speaker"}, speaker);
  sys.wait(p);
  const nlohmann::json line = log.only();
  CHECK(line["level"] == "warning");
  CHECK(line["message"] == "half of 100");
  CHECK(line["node"] == "a@h");
  CHECK(line["pid"] == p.to_string());
  CHECK(line["name"] == "speaker");
  CHECK(line["function"].get<std::string>().ends_with("speaker"));
  CHECK(line["metadata"] == nlohmann::json{{"order", 7}, {"who", "ann"}});
  CHECK(line["time"].get<std::string>().size() == std::string("2026-01-31T12:00:00.123Z").size());
}

TEST_CASE("as JSON lines that are no process's are objects, too, whatever bytes are in them") {
  const log_text log(log_format::json);
  spdlog::info("a \"quoted\" line\nand \xff bytes");
  const nlohmann::json line = log.only();
  CHECK(line["message"] == "a \"quoted\" line\nand \xef\xbf\xbd bytes");
  CHECK(!line.contains("pid"));
}

TEST_CASE("as JSON a crash report is an object") {
  const log_text log(log_format::json);
  actor_system sys;
  sys.wait(sys.spawn(breaks));
  const nlohmann::json line = log.only();
  CHECK(line["level"] == "error");
  CHECK(line["metadata"]["order"] == 8);
  CHECK(line["report"]["report"] == "crash");
  CHECK(line["report"]["reason"] == "{error,<<\"disk full\">>}");
  CHECK(line["report"]["message_queue_len"] == 0);
  CHECK(line["report"]["ancestors"] == nlohmann::json::array());
  CHECK(line["report"]["links"] == nlohmann::json::array());
  CHECK(line["report"]["trap_exit"] == false);
}

TEST_CASE("as JSON a supervisor's report is OTP's") {
  const log_text log(log_format::json);
  actor_system sys;
  sys.wait(sys.spawn(supervises));
  const nlohmann::json line = log.only();
  CHECK(line["report"]["report"] == "supervisor");
  CHECK(line["report"]["supervisor"] == "{local,above}");
  CHECK(line["report"]["errorContext"] == "child_terminated");
  CHECK(line["report"]["reason"] == "bad_day");
  CHECK(line["report"]["offender"]["id"] == "a");
}

TEST_CASE("process_info tells which behaviour a process runs") {
  actor_system sys;
  sys.start<supervisor>({.name = "above"}, supervisor_flags{}, std::vector<child_spec>());
  const auto info = sys.process_info(sys.whereis("above"));
  REQUIRE(info);
  CHECK(info->behaviour == "supervisor supervisor");
  CHECK(sys.process_info(sys.spawn(breaks_later))->behaviour == "");
}
