// SPDX-License-Identifier: BSL-1.0
// The exceptions of mailbox/: a limit of the system was reached, a value could not be decoded, a text is no
// term, a term is of another kind.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace troupe {

/// A limit of the system was reached; what() names the limit, its figure and what was one too many. Erlang:
/// the system_limit error.
class system_limit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value does not have the shape of the type it was to become. what() reads
/// `order.lines[3].qty: expected integer in 0..255, got 300`.
class decode_error : public std::runtime_error {
 public:
  /// At that path something else was expected than was got.
  decode_error(std::string path, std::string expected, std::string got);

  /// Where: the type's name, then `.member`, `[index]` (from 0) of a list, `{position}` (from 1) of a tuple,
  /// `[key]` of a map. Empty when the whole value, of a type without a name of its own, is wrong.
  const std::string& path() const noexcept { return path_; }
  /// What would have been right there.
  const std::string& expected() const noexcept { return expected_; }
  /// What was there, printed as Erlang prints it and cut to some 100 bytes.
  const std::string& got() const noexcept { return got_; }

 private:
  std::string path_;
  std::string expected_;
  std::string got_;
};

/// A text is not the term it was to be. what() reads
/// `troupe: 1:8: expected ',' or '}' after an element of a tuple, found ']'`.
class parse_error : public std::runtime_error {
 public:
  /// There, something else was expected than was found; see the members.
  parse_error(std::size_t line, std::size_t column, std::size_t offset, std::string expected, std::string found,
              bool at_end);

  /// Where: counted from 1, in characters.
  std::size_t line() const noexcept { return line_; }
  /// In which column: counted from 1, in characters.
  std::size_t column() const noexcept { return column_; }
  /// The same place, in bytes from the text's beginning.
  std::size_t offset() const noexcept { return offset_; }
  /// What would have been right there, or what is wrong with what is there.
  const std::string& expected() const noexcept { return expected_; }
  /// What was there, cut to some 60 bytes.
  const std::string& found() const noexcept { return found_; }
  /// Did the text end where more of it might still have made a term? A console then reads another line.
  bool at_end() const noexcept { return at_end_; }

 private:
  std::size_t line_;
  std::size_t column_;
  std::size_t offset_;
  std::string expected_;
  std::string found_;
  bool at_end_;
};

/// A term was asked for what its kind does not have: as_integer() of a tuple. what() says what was asked, the
/// kind and the value. Erlang: badarg.
class term_error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace troupe
