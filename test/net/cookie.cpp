// SPDX-License-Identifier: BSL-1.0
// Cookies: where they are found, what is refused, and which one is for whom.
#include <troupe/net/cookie.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

using namespace troupe::detail;
namespace fs = std::filesystem;

namespace {

/// A home of its own for each test, and the environment as it was afterwards.
class other_home {
 public:
  other_home() : home_(variable("HOME")), config_(variable("XDG_CONFIG_HOME")) {
    std::string name = (fs::temp_directory_path() / "troupe-cookie-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    ::setenv("HOME", path.c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
  }
  ~other_home() {
    restore("HOME", home_);
    restore("XDG_CONFIG_HOME", config_);
    fs::remove_all(path);
  }
  other_home(const other_home&) = delete;
  other_home& operator=(const other_home&) = delete;

  std::string write(const fs::path& name, const std::string& text, mode_t mode = 0400) const {
    const fs::path file = path / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file.string();
  }

  fs::path path;

 private:
  static std::optional<std::string> variable(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
  }
  static void restore(const char* name, const std::optional<std::string>& text) {
    if (text)
      ::setenv(name, text->c_str(), 1);
    else
      ::unsetenv(name);
  }

  std::optional<std::string> home_, config_;
};

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const cookie_error& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a cookie ends at the first line end, and blanks before it are part of it") {
  CHECK(parse_cookie("ABC") == "ABC");
  CHECK(parse_cookie("ABC\n") == "ABC");
  CHECK(parse_cookie("ABC\r\n \r\n") == "ABC");
  CHECK(parse_cookie(" a b ~\n") == " a b ~");  // as in OTP, where only what follows a line end is trimmed
  CHECK(parse_cookie(std::string(255, 'x')).size() == 255);
}

TEST_CASE("what is no cookie is refused, and not repeated") {
  CHECK(error_of([] { parse_cookie(""); }) == "Too short cookie string");
  CHECK(error_of([] { parse_cookie("\n"); }) == "Too short cookie string");
  CHECK(error_of([] { parse_cookie("secret\nsecret"); }) == "Bad characters in cookie");
  CHECK(error_of([] { parse_cookie("secr\xc3\xa9t"); }) == "Bad characters in cookie");
  CHECK(error_of([] { parse_cookie("\tsecret"); }) == "Bad characters in cookie");
  CHECK(error_of([] { parse_cookie(std::string("sec\0ret", 7)); }) == "Bad characters in cookie");
  CHECK(contains(error_of([] { parse_cookie(std::string(256, 'x')); }), "256"));
}

TEST_CASE("the cookie is found in the home directory, then in XDG_CONFIG_HOME or .config") {
  const other_home home;
  const std::string error = error_of([] { cookie_from_home(); });
  CHECK(contains(error, (home.path / ".erlang.cookie").string()));
  CHECK(contains(error, (home.path / ".config/erlang/.erlang.cookie").string()));
  home.write(".config/erlang/.erlang.cookie", "DOT_CONFIG\n");
  CHECK(cookie_from_home() == "DOT_CONFIG");
  ::setenv("XDG_CONFIG_HOME", (home.path / "xdg").c_str(), 1);
  CHECK(error_of([] { cookie_from_home(); }) != "no error");
  home.write("xdg/erlang/.erlang.cookie", "XDG\n");
  CHECK(cookie_from_home() == "XDG");
  home.write(".erlang.cookie", "HOME\n");
  CHECK(cookie_from_home() == "HOME");
  CHECK(cookies("").get() == "HOME");
  ::unsetenv("HOME");
  CHECK(cookie_from_home() == "XDG");
  ::unsetenv("XDG_CONFIG_HOME");
  CHECK(contains(error_of([] { cookie_from_home(); }), "No home for cookie file"));
}

TEST_CASE("a cookie file that others may access is refused by name and mode, even when another would do") {
  const other_home home;
  home.write(".config/erlang/.erlang.cookie", "GOOD");
  const std::string file = home.write(".erlang.cookie", "BAD", 0644);
  const std::string error = error_of([] { cookie_from_home(); });
  CHECK(contains(error, "Cookie file " + file + " must be accessible by owner only"));
  CHECK(contains(error, "0644"));
  for (const mode_t mode : {mode_t{0410}, mode_t{0402}, mode_t{0601}}) {
    ::chmod(file.c_str(), mode);
    CHECK(contains(error_of([] { cookie_from_home(); }), "accessible by owner only"));
  }
  for (const mode_t mode : {mode_t{0400}, mode_t{0600}, mode_t{0700}}) {
    ::chmod(file.c_str(), mode);
    CHECK(cookie_from_home() == "BAD");
  }
}

TEST_CASE("what is no cookie file is refused by its name and never repeated") {
  const other_home home;
  const std::string file = home.write(".erlang.cookie", "se\tcret");
  const std::string error = error_of([] { cookie_from_home(); });
  CHECK(contains(error, "Bad characters in cookie"));
  CHECK(contains(error, file));
  CHECK(!contains(error, "cret"));
  CHECK(contains(error_of([&] { read_cookie(home.write("long", std::string(5000, '\n'))); }), "4096"));
  fs::create_directories(home.path / "folder");
  CHECK(contains(error_of([&] { read_cookie((home.path / "folder").string()); }), "is of type directory"));
  REQUIRE(::mkfifo((home.path / "pipe").c_str(), 0400) == 0);
  CHECK(contains(error_of([&] { read_cookie((home.path / "pipe").string()); }), "is of type other"));
  CHECK(contains(error_of([] { read_cookie("/no/such/file"); }), "Error when reading /no/such/file"));
}

TEST_CASE("a cookie is made only when asked, of 20 random letters that the owner alone may read") {
  const other_home home;
  CHECK_THROWS_AS(cookie_from_home(), cookie_error);
  const std::string made = cookie_from_home(true);
  CHECK(made.size() == 20);
  CHECK(std::all_of(made.begin(), made.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
  struct stat info{};
  REQUIRE(::stat((home.path / ".erlang.cookie").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0400);
  CHECK(cookie_from_home(true) == made);
  CHECK(cookie_from_home() == made);
  const other_home another;
  CHECK(cookie_from_home(true) != made);
  ::setenv("HOME", "/no/such/home", 1);
  CHECK(contains(error_of([] { cookie_from_home(true); }), "/no/such/home/.erlang.cookie"));
}

TEST_CASE("a node may have a cookie of its own") {
  cookies c("default");
  CHECK(c.get("a@h") == "default");
  c.set("a@h", "special");
  CHECK(c.get("a@h") == "special");
  CHECK(c.get("b@h") == "default");
  CHECK(c.get() == "default");
  c.set("other\n");
  CHECK(c.get("b@h") == "other");
  CHECK(c.get("a@h") == "special");
  CHECK_THROWS_AS(c.set("b@h", ""), cookie_error);
  CHECK_THROWS_AS(c.set("\x01"), cookie_error);
  CHECK_THROWS_AS(cookies("\n"), cookie_error);
  CHECK(c.get("b@h") == "other");
}
