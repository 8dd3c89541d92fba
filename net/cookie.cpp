// SPDX-License-Identifier: BSL-1.0
// Finding, checking and making cookies.
#include <troupe/net/cookie.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace troupe::detail {

namespace {

constexpr std::size_t longest_cookie = 255;  // it is an atom at Erlang nodes
constexpr std::size_t longest_file = 4096;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

const char* type_of(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "device";
  return "other";
}

std::string octal(mode_t mode) {
  std::string text = "0";
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + ((mode >> shift) & 7));
  return text;
}

std::string read_all(const std::string& file, int fd) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cookie_error("Error when reading " + file + ": " + error_text(errno));
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > longest_file)
      throw cookie_error("Cookie file " + file + " is longer than " + std::to_string(longest_file) + " bytes");
  }
}

/// False when the file has come into being meanwhile.
bool create_cookie(const std::string& file) {
  const descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) {
    if (errno == EEXIST) return false;
    throw cookie_error("Failed to create cookie file '" + file + "': " + error_text(errno));
  }
  const std::string cookie = random_letters(20);
  const ssize_t written = ::write(fd.get(), cookie.data(), cookie.size());
  if (written != static_cast<ssize_t>(cookie.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    ::unlink(file.c_str());  // or others would read half a cookie
    throw cookie_error("Failed to write to cookie file '" + file + "': " + error_text(error));
  }
  if (::fchmod(fd.get(), 0400) != 0)
    throw cookie_error("Failed to change mode of '" + file + "': " + error_text(errno));
  return true;
}

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

std::string random_letters(std::size_t count) {
  std::string letters;
  while (letters.size() < count) {
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) throw cookie_error("OpenSSL gives no random bytes for a new cookie");
    if (byte < 26 * 9) letters += static_cast<char>('A' + byte % 26);  // larger bytes would favour some letters
  }
  return letters;
}

std::string parse_cookie(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] >= ' ' && text[end] <= '~') ++end;
  for (const char c : text.substr(end))
    if (c != '\n' && c != '\r' && c != ' ') throw cookie_error("Bad characters in cookie");
  if (end == 0) throw cookie_error("Too short cookie string");
  if (end > longest_cookie) throw cookie_error("Too long cookie string: " + std::to_string(end) + " characters");
  return std::string(text.substr(0, end));
}

std::string read_cookie(const std::string& file, bool* found) {
  if (found != nullptr) *found = true;
  // What is checked is what is read: both by one descriptor. O_NONBLOCK: a pipe must not stop us here.
  const descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    const int error = errno;
    if (error == ENOENT && found != nullptr) {
      *found = false;
      return {};
    }
    throw cookie_error("Error when reading " + file + ": " + error_text(error));
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) throw cookie_error("Error when reading " + file + ": " + error_text(errno));
  if (!S_ISREG(info.st_mode)) throw cookie_error("Cookie file " + file + " is of type " + type_of(info.st_mode));
  if ((info.st_mode & 077) != 0)
    throw cookie_error("Cookie file " + file + " must be accessible by owner only (its mode is " + octal(info.st_mode) +
                       ", chmod 400 would do)");
  try {
    return parse_cookie(read_all(file, fd.get()));
  } catch (const cookie_error& e) {
    throw cookie_error(std::string(e.what()) + " (" + file + ")");
  }
}

std::string cookie_from_home(bool create) {
  const std::string home = variable("HOME");
  std::string config = variable("XDG_CONFIG_HOME");
  if (config.empty() && !home.empty()) config = home + "/.config";
  const std::string first = home.empty() ? std::string() : home + "/.erlang.cookie";
  const std::string second = config.empty() ? std::string() : config + "/erlang/.erlang.cookie";
  if (first.empty() && second.empty()) throw cookie_error("No home for cookie file: HOME is not set");
  for (const std::string& file : {first, second}) {
    if (file.empty()) continue;
    bool found = false;
    std::string cookie = read_cookie(file, &found);
    if (found) return cookie;
  }
  const std::string& made = first.empty() ? second : first;
  if (!create)
    throw cookie_error("No cookie: there is no file " + (first.empty()    ? second
                                                         : second.empty() ? first
                                                                          : first + " and none " + second));
  create_cookie(made);
  return read_cookie(made);
}

cookies::cookies(std::string cookie) : own_(cookie.empty() ? cookie_from_home() : parse_cookie(cookie)) {}

std::string cookies::get(std::string_view node) const {
  const std::lock_guard guard(lock_);
  const auto found = of_.find(node);
  return found == of_.end() ? own_ : found->second;
}

std::string cookies::get() const {
  const std::lock_guard guard(lock_);
  return own_;
}

void cookies::set(std::string_view node, std::string cookie) {
  cookie = parse_cookie(cookie);
  const std::lock_guard guard(lock_);
  of_.insert_or_assign(std::string(node), std::move(cookie));
}

void cookies::set(std::string cookie) {
  cookie = parse_cookie(cookie);
  const std::lock_guard guard(lock_);
  own_ = std::move(cookie);
}

}  // namespace troupe::detail
