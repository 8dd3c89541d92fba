// SPDX-License-Identifier: BSL-1.0
// The words of Erlang's text, one after the other: numbers, atoms, strings, and the blanks between. Internal.
#pragma once

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::detail {

/// Goes through a text once, from left to right. Every function that finds something else than it should throws
/// parse_error. After erl_scan.erl.
class term_scanner {
 public:
  /// Why so few: digits of most bases take time that grows with the square of their number.
  static constexpr std::size_t max_digits = 65'536;

  explicit term_scanner(std::string_view text) noexcept : text_(text) {}

  std::size_t at() const noexcept { return at_; }
  bool at_end() const noexcept { return at_ == text_.size(); }
  /// The byte here, or so many bytes on; 0 behind the end.
  char peek(std::size_t ahead = 0) const noexcept { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  /// Does the text go on with this?
  bool sees(std::string_view what) const noexcept { return text_.substr(at_).starts_with(what); }
  /// Takes it if it does.
  bool take(std::string_view what) noexcept;
  /// Takes it, or throws.
  void expect(std::string_view what, std::string_view where);

  void skip_blanks();
  /// A full stop ends a term: a dot, and a blank, a comment or the end behind it.
  bool take_full_stop() noexcept;

  /// Does a name begin here that is just this?
  bool sees_word(std::string_view word) const noexcept;
  bool take_word(std::string_view word) noexcept { return sees_word(word) && take(word); }
  bool sees_number() const noexcept;
  bool sees_atom() const noexcept;

  /// An integer, a float or a $character, perhaps with a sign.
  term number();
  /// Quoted or not.
  atom name();
  /// What stands between two `quote`s, in UTF-8.
  std::string quoted(char quote);
  /// A number of up to `most` without a sign, as they stand in pids.
  std::uint64_t plain_number(std::uint64_t most, std::string_view what);

  [[noreturn]] void fail(std::string_view expected) const;  // than what is here
  [[noreturn]] void fail_at(std::size_t offset, std::string_view expected) const;
  [[noreturn]] void fail_at(std::size_t offset, std::string_view expected, std::string_view found) const;
  /// "1:5"
  std::string place_of(std::size_t offset) const;

 private:
  struct place {
    std::size_t line;
    std::size_t column;
  };
  place find(std::size_t offset) const noexcept;
  std::string describe(std::size_t offset) const;
  char32_t character();
  char32_t escaped();
  char32_t checked(std::size_t start, std::uint64_t code_point) const;
  std::string digits(unsigned base);
  term integer(bool negative, std::string_view digits, unsigned base, std::size_t start);
  term floating(bool negative, std::string text, std::size_t start);

  std::string_view text_;
  std::size_t at_ = 0;
};

/// The character's bytes in UTF-8, appended.
void append_utf8(std::string& out, char32_t c);

}  // namespace troupe::detail
