// SPDX-License-Identifier: BSL-1.0
// How numbers, atoms and strings are read from text.
#include <troupe/mailbox/term_scanner.hpp>

#include <troupe/mailbox/utf8.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <system_error>
#include <vector>

namespace troupe::detail {

namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// What the digit is worth; 99 when it is none.
constexpr unsigned digit_value(char c) noexcept {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A') + 10;
  return 99;
}

constexpr bool is_blank(char32_t c) noexcept {
  return c <= ' ' || (c >= 0x80 && c <= 0xa0);
}

/// What an atom without quotes may begin with: letters of Latin-1, as in Erlang.
constexpr bool is_lower(char32_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}
constexpr bool is_name_character(char32_t c) noexcept {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@' ||
         (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

/// Where the name that begins at `at` ends; `at` when none does.
std::size_t end_of_name(std::string_view text, std::size_t at) noexcept {
  for (std::size_t end = at; end < text.size();) {
    at = end;
    if (!is_name_character(next_code_point(text, end))) return at;
    at = end;
  }
  return at;
}

/// At most `size` bytes, not cut inside a character.
std::string cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return std::string(text);
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

/// The magnitude of digits in a base that is a power of 2: no arithmetic.
std::vector<std::byte> magnitude_of_bits(std::string_view digits, unsigned base) {
  std::vector<std::byte> bytes;
  bytes.reserve(digits.size() * 5 / 8 + 1);
  unsigned rest = 0;
  int bits = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    rest |= digit_value(digits[i]) << bits;
    bits += std::countr_zero(base);
    if (bits < 8) continue;
    bytes.push_back(static_cast<std::byte>(rest));
    rest >>= 8;
    bits -= 8;
  }
  bytes.push_back(static_cast<std::byte>(rest));
  return bytes;
}

/// The magnitude of digits in any base.
std::vector<std::byte> magnitude_of(std::string_view digits, unsigned base) {
  std::vector<std::uint32_t> words;  // the lowest first
  for (std::size_t i = 0; i < digits.size();) {
    std::uint64_t factor = 1;
    std::uint64_t carry = 0;
    for (; i < digits.size() && factor * base <= UINT32_MAX; ++i) {
      factor *= base;
      carry = carry * base + digit_value(digits[i]);
    }
    for (std::uint32_t& word : words) {
      carry += word * factor;
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words.push_back(static_cast<std::uint32_t>(carry));
  }
  std::vector<std::byte> bytes;
  bytes.reserve(words.size() * 4);
  for (const std::uint32_t word : words)
    for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::byte>(word >> shift));
  return bytes;
}

}  // namespace

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

term_scanner::place term_scanner::find(std::size_t offset) const noexcept {
  place found{1, 1};
  for (const char c : text_.substr(0, offset)) {
    if (c == '\n')
      found = {found.line + 1, 1};
    else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80)
      ++found.column;
  }
  return found;
}

std::string term_scanner::place_of(std::size_t offset) const {
  const place found = find(offset);
  return std::to_string(found.line) + ":" + std::to_string(found.column);
}

std::string term_scanner::describe(std::size_t offset) const {
  if (offset >= text_.size()) return "the end of the text";
  if (const std::size_t end = end_of_name(text_, offset); end != offset)
    return cut(text_.substr(offset, end - offset), 60);
  std::size_t end = offset;
  const char32_t c = next_code_point(text_, end);
  const auto hex = [](std::uint32_t value, int digits) {
    std::string text;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
    return text;
  };
  if (c == no_code_point) return "the byte 0x" + hex(static_cast<unsigned char>(text_[offset]), 2);
  if (c == '\n') return "the end of the line";
  if (is_blank(c) && c != ' ') return "the character U+" + hex(c, 4);
  return "'" + std::string(text_.substr(offset, end - offset)) + "'";
}

void term_scanner::fail(std::string_view expected) const {
  fail_at(at_, expected);
}
void term_scanner::fail_at(std::size_t offset, std::string_view expected) const {
  fail_at(offset, expected, describe(offset));
}
void term_scanner::fail_at(std::size_t offset, std::string_view expected, std::string_view found) const {
  const place where = find(offset);
  throw parse_error(where.line, where.column, offset, std::string(expected), cut(found, 60), offset >= text_.size());
}

bool term_scanner::take(std::string_view what) noexcept {
  if (!sees(what)) return false;
  at_ += what.size();
  return true;
}

void term_scanner::expect(std::string_view what, std::string_view where) {
  if (!take(what)) fail("'" + std::string(what) + "' " + std::string(where));
}

char32_t term_scanner::character() {
  const char32_t c = next_code_point(text_, at_);
  if (c == no_code_point) fail("UTF-8");
  return c;
}

void term_scanner::skip_blanks() {
  while (!at_end()) {
    const auto byte = static_cast<unsigned char>(peek());
    if (byte == '%') {
      while (!at_end() && peek() != '\n') character();
    } else if (byte <= ' ') {
      ++at_;
    } else if (byte == 0xc2 && is_blank(0x80 | (static_cast<unsigned char>(peek(1)) & 0x3f)) &&
               at_ + 1 < text_.size()) {
      character();
    } else {
      return;
    }
  }
}

bool term_scanner::take_full_stop() noexcept {
  if (peek() != '.') return false;
  const auto next = static_cast<unsigned char>(peek(1));
  if (next > ' ' && next != '%' && next != 0xc2) return false;
  ++at_;
  return true;
}

bool term_scanner::sees_word(std::string_view word) const noexcept {
  return sees(word) && end_of_name(text_, at_) == at_ + word.size();
}

bool term_scanner::sees_number() const noexcept {
  const char c = peek();
  return is_digit(c) || c == '-' || c == '+' || c == '$';
}

bool term_scanner::sees_atom() const noexcept {
  if (at_end()) return false;
  std::size_t at = at_;
  const char32_t c = next_code_point(text_, at);
  return c == '\'' || is_lower(c);
}

char32_t term_scanner::checked(std::size_t start, std::uint64_t code_point) const {
  if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
    fail_at(start, "an escape for a character of Unicode", text_.substr(start, at_ - start));
  return static_cast<char32_t>(code_point);
}

/// What follows a backslash.
char32_t term_scanner::escaped() {
  const std::size_t start = at_ - 1;
  const auto octal = [this] { return peek() >= '0' && peek() <= '7'; };
  if (octal()) {
    std::uint32_t value = 0;
    for (int i = 0; i < 3 && octal(); ++i) value = value * 8 + digit_value(text_[at_++]);
    return value;
  }
  if (take("x{")) {
    std::uint64_t value = 0;
    const std::size_t first = at_;
    while (digit_value(peek()) < 16) value = std::min<std::uint64_t>(value * 16 + digit_value(text_[at_++]), 0x110000);
    if (at_ == first) fail("digits in base 16 after \\x{");
    expect("}", "after \\x{ and digits in base 16");
    return checked(start, value);
  }
  if (take("x")) {
    std::uint32_t value = 0;
    for (int i = 0; i < 2; ++i) {
      if (digit_value(peek()) > 15) fail("two digits in base 16, or '{', after \\x");
      value = value * 16 + digit_value(text_[at_++]);
    }
    return value;
  }
  if (at_end()) fail("a character after '\\'");
  const char32_t c = character();
  if (c == '^') {
    if (at_end()) fail("a character after \\^");
    return character() & 31;
  }
  constexpr std::string_view letters = "btnvfreds";
  if (const auto letter = c < 0x80 ? letters.find(static_cast<char>(c)) : letters.npos; letter != letters.npos)
    return static_cast<unsigned char>("\b\t\n\v\f\r\x1b\x7f "[letter]);
  return c;
}

std::string term_scanner::quoted(char quote) {
  const std::size_t start = at_++;
  std::string out;
  while (true) {
    if (at_end()) fail(std::string("the '") + quote + "' that ends what begins at " + place_of(start));
    const std::size_t here = at_;
    const char32_t c = character();
    if (c == static_cast<char32_t>(quote)) return out;
    if (c == '\\')
      append_utf8(out, escaped());
    else
      out += text_.substr(here, at_ - here);
  }
}

atom term_scanner::name() {
  constexpr std::ptrdiff_t most = 255;
  const std::size_t start = at_;
  std::string text;
  if (peek() == '\'') {
    text = quoted('\'');
  } else {
    at_ = end_of_name(text_, at_);
    text = text_.substr(start, at_ - start);
  }
  if (const auto characters = count_code_points(text); characters > most)
    fail_at(start, "an atom of at most 255 characters", "one of " + std::to_string(characters));
  const atom made(text);
  // Erlang prints its reserved words in quotes, and so do we.
  if (text_[start] != '\'' && made.to_string() != text)
    fail_at(start, "a term (as an atom, a reserved word stands in quotes)", text);
  return made;
}

/// Digits with single _ between them, which are left out.
std::string term_scanner::digits(unsigned base) {
  std::string out;
  while (true) {
    if (digit_value(peek()) < base)
      out += text_[at_++];
    else if (peek() == '_' && !out.empty() && digit_value(peek(1)) < base && digit_value(text_[at_ - 1]) < base)
      ++at_;
    else
      return out;
  }
}

term term_scanner::number() {
  const std::size_t start = at_;
  bool negative = false;
  if (peek() == '-' || peek() == '+') {
    negative = text_[at_++] == '-';
    skip_blanks();
  }
  if (take("$")) {
    if (at_end()) fail("a character after '$'");
    const char32_t c = character();
    const auto value = static_cast<std::int64_t>(c == '\\' ? escaped() : c);
    return negative ? -value : value;
  }
  const std::size_t first = at_;
  std::string all = digits(10);
  if (all.empty()) fail(std::string("a number after '") + text_[start] + "'");
  if (peek() == '#') {
    unsigned base = 0;
    std::from_chars(all.data(), all.data() + all.size(), base);
    if (base < 2 || base > 36 || all.size() > 2) fail_at(first, "a base of 2 to 36 before '#'", all);
    ++at_;
    const std::size_t first_digit = at_;
    all = digits(base);
    if (all.empty() || digit_value(peek()) != 99)
      fail_at(all.empty() ? first_digit : at_, "a digit in base " + std::to_string(base));
    return integer(negative, all, base, start);
  }
  if (peek() != '.' || !is_digit(peek(1))) return integer(negative, all, 10, start);
  ++at_;
  all += '.' + digits(10);
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    all += 'e';
    if (peek() == '-' || peek() == '+') {
      if (peek() == '-') all += '-';
      ++at_;
    }
    const std::string exponent = digits(10);
    if (exponent.empty()) fail("the digits of an exponent");
    all += exponent;
  }
  return floating(negative, std::move(all), start);
}

term term_scanner::integer(bool negative, std::string_view digits, unsigned base, std::size_t start) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.size() <= 12) {  // 36^12 < 2^63
    std::int64_t value = 0;
    for (const char c : digits) value = value * base + digit_value(c);
    return negative ? -value : value;
  }
  if (std::has_single_bit(base)) return term::integer(negative, magnitude_of_bits(digits, base));
  if (digits.size() > max_digits)
    fail_at(start, "at most 65,536 digits (more in base 2, 4, 8, 16 or 32 only)", std::to_string(digits.size()));
  return term::integer(negative, magnitude_of(digits, base));
}

term term_scanner::floating(bool negative, std::string text, std::size_t start) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    // Too near to 0, which is 0.0, or too large: where does the first digit that is not 0 stand?
    const std::size_t point = text.find('.');
    const std::size_t e = std::min(text.find('e'), text.size());
    const std::size_t first = std::min(text.find_first_not_of("0."), e);
    const auto before = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    std::int64_t exponent = 0;
    if (e < text.size() &&
        std::from_chars(text.data() + e + 1, text.data() + text.size(), exponent).ec == std::errc::result_out_of_range)
      exponent = text[e + 1] == '-' ? INT64_MIN / 2 : INT64_MAX / 2;
    if (before + std::clamp(exponent, INT64_MIN / 2, INT64_MAX / 2) > 0)
      fail_at(start, "a float of 64 bits (below 1.8e308)", text_.substr(start, at_ - start));
    value = 0;
  }
  return negative ? -value : value;
}

std::uint64_t term_scanner::plain_number(std::uint64_t most, std::string_view what) {
  const std::size_t start = at_;
  while (is_digit(peek())) ++at_;
  if (at_ == start) fail(what);
  std::uint64_t value = 0;
  const auto result = std::from_chars(text_.data() + start, text_.data() + at_, value);
  if (result.ec != std::errc() || value > most)
    fail_at(start, std::string(what) + " of at most " + std::to_string(most), text_.substr(start, at_ - start));
  return value;
}

}  // namespace troupe::detail
