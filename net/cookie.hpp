// SPDX-License-Identifier: BSL-1.0
// The secret that the nodes of a cluster share: where it is found, and which one is for which node. Internal.
#pragma once

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

namespace troupe::detail {

/// A cookie file that cannot be used, or a text that is no cookie. what() names the file, never the cookie.
class cookie_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The cookie in a cookie file's text, by OTP's rules: printable ASCII (blanks are part of it), up to the first line
/// end; behind that only line ends and blanks. 1 to 255 characters. Throws cookie_error. Erlang: auth:check_cookie/2.
std::string parse_cookie(std::string_view text);

/// The cookie in that file. Throws cookie_error: it cannot be read, is no regular file, others than its owner may
/// access it (the message says its mode), or it holds no cookie. `found`, when given, is set to false, and the result
/// is empty, if there is no such file; otherwise that is an error too.
std::string read_cookie(const std::string& file, bool* found = nullptr);

/// The cookie of this user: in $HOME/.erlang.cookie, or else in $XDG_CONFIG_HOME/erlang/.erlang.cookie (without
/// $XDG_CONFIG_HOME, $HOME/.config). With neither file, `create` makes the first, 20 random letters that the owner
/// alone may read; otherwise, and for what read_cookie refuses, cookie_error. May block. Erlang: auth:init_cookie/0.
std::string cookie_from_home(bool create = false);

/// So many capital letters that nobody guesses. Throws cookie_error when there is nothing random. Any thread.
std::string random_letters(std::size_t count);

/// The cookies that a node uses. Any thread.
class cookies {
 public:
  /// The cookie for all nodes without their own; empty: cookie_from_home(). Throws cookie_error.
  explicit cookies(std::string cookie);

  /// The cookie for that node. Erlang: erlang:get_cookie/1.
  std::string get(std::string_view node) const;
  /// The one for nodes without their own. Erlang: erlang:get_cookie/0.
  std::string get() const;
  /// Throws cookie_error. Erlang: erlang:set_cookie/2.
  void set(std::string_view node, std::string cookie);
  /// Throws cookie_error. Erlang: erlang:set_cookie/1.
  void set(std::string cookie);

 private:
  mutable std::mutex lock_;
  std::string own_;                                     // under lock_
  std::map<std::string, std::string, std::less<>> of_;  // under lock_
};

}  // namespace troupe::detail
