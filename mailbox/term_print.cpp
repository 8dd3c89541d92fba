// SPDX-License-Identifier: BSL-1.0
// How terms are printed: as Erlang's io:format("~tp") does, on one line.
#include <troupe/mailbox/term_walk.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

namespace troupe {

namespace {

/// The shortest digits that read back as the same float, and where Erlang puts point and exponent: whichever
/// form is shorter, and an exponent from 2^53 on, where the zeros would pretend to be digits.
/// (io_lib_format:fwrite_g/1.)
void print_float(std::string& out, double value) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific);
  const std::string_view shortest(text, static_cast<std::size_t>(result.ptr - text));
  const std::size_t e = shortest.find('e');
  std::string digits(1, shortest[0]);
  if (e > 2) digits += shortest.substr(2, e - 2);
  int exponent = 0;
  std::from_chars(shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1), shortest.data() + shortest.size(), exponent);

  if (std::signbit(value)) out += '-';
  const int point = exponent + 1;  // so many digits stand before the point
  const int length = static_cast<int>(digits.size());
  const std::string exponent_text = std::to_string(exponent);
  const int exponent_cost = static_cast<int>(exponent_text.size()) + 1 + (length == 1 ? 2 : 1);
  if (value == 0) {
    out += "0.0";
  } else if (point > 0 && point < length) {
    out.append(digits, 0, static_cast<std::size_t>(point)) += '.';
    out.append(digits, static_cast<std::size_t>(point));
  } else if (point <= 0 && (point == 0 || 2 - point <= exponent_cost)) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else if (point >= length && point - length + 2 <= exponent_cost && std::fabs(value) < 0x1p53) {
    out.append(digits).append(static_cast<std::size_t>(point - length), '0').append(".0");
  } else {
    out.append(digits, 0, 1) += '.';
    out.append(length == 1 ? "0" : digits.substr(1)).append("e").append(exponent_text);
  }
}

bool is_printable(char32_t c) noexcept {
  if (c < 0x20) return std::string_view("\b\t\n\v\f\r\x1b").find(static_cast<char>(c)) != std::string_view::npos;
  return (c < 0x7f || c >= 0xa0) && c != 0xfffe && c != 0xffff && c != detail::no_code_point;
}

/// UTF-8 of characters that Erlang calls printable?
bool is_printable(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();)
    if (!is_printable(detail::next_code_point(text, at))) return false;
  return true;
}

/// Bytes that are no UTF-8 may be text in Latin-1: then this is it, in UTF-8; else it is empty.
std::string printable_latin1(std::string_view bytes) {
  std::string text;
  if (detail::count_code_points(bytes) >= 0) return text;
  for (const char b : bytes) {
    const auto c = static_cast<unsigned char>(b);
    if (!is_printable(c)) return {};
    if (c >= 0x80) text += static_cast<char>(0xc0 | c >> 6);
    text += c >= 0x80 ? static_cast<char>(0x80 | (c & 0x3f)) : b;
  }
  return text;
}

void print_binary(std::string& out, std::string_view bytes) {
  out += "<<";
  if (!bytes.empty() && is_printable(bytes)) {
    out += '"';
    detail::append_quoted(out, bytes, '"');
    out += '"';
    for (const char c : bytes) {
      if (static_cast<unsigned char>(c) < 0x80) continue;
      out += "/utf8";
      break;
    }
  } else if (const std::string latin1 = printable_latin1(bytes); !latin1.empty()) {
    out += '"';
    detail::append_quoted(out, latin1, '"');
    out += '"';
  } else {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i > 0) out += ',';
      out += std::to_string(static_cast<unsigned char>(bytes[i]));
    }
  }
  out += ">>";
}

/// A bit string: its bytes as numbers, the last one's bits as `value:bits`.
void print_bits(std::string& out, const term& t) {
  const std::string_view bytes = t.as_bytes();
  const std::size_t in_last = t.bit_size() % 8;
  out += "<<";
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    out.append(std::to_string(static_cast<unsigned char>(bytes[i]))) += ',';
  out +=
      std::to_string(static_cast<unsigned char>(bytes.back()) >> (8 - in_last)) + ':' + std::to_string(in_last) + ">>";
}

/// Decimal digits take time that grows with the square of the size, which a stranger can choose; digits in base 16 do
/// not.
constexpr std::size_t max_decimal_bytes = 4096;

void print_big(std::string& out, const big_integer& value) {
  if (value.negative) out += '-';
  if (value.magnitude.size() > max_decimal_bytes) {
    constexpr char digits[] = "0123456789ABCDEF";
    out += "16#";
    const auto highest = std::to_integer<unsigned>(value.magnitude.back());
    for (std::size_t i = value.magnitude.size(); i-- > 0;) {
      const auto byte = std::to_integer<unsigned>(value.magnitude[i]);
      if (i + 1 < value.magnitude.size() || highest > 15) out += digits[byte >> 4];
      out += digits[byte & 15];
    }
    return;
  }
  std::vector<std::uint32_t> words((value.magnitude.size() + 3) / 4);
  for (std::size_t i = 0; i < value.magnitude.size(); ++i)
    words[i / 4] |= std::to_integer<std::uint32_t>(value.magnitude[i]) << (8 * (i % 4));
  std::string reversed;
  while (!words.empty()) {
    std::uint64_t rest = 0;
    for (std::size_t i = words.size(); i-- > 0;) {
      rest = rest << 32 | words[i];
      words[i] = static_cast<std::uint32_t>(rest / 1'000'000'000);
      rest %= 1'000'000'000;
    }
    while (!words.empty() && words.back() == 0) words.pop_back();
    for (int i = 0; i < 9; ++i, rest /= 10) reversed += static_cast<char>('0' + rest % 10);
  }
  reversed.resize(reversed.find_last_not_of('0') + 1);
  out.append(reversed.rbegin(), reversed.rend());
}

void print_function(std::string& out, const term& t) {
  if (t.is_external_function()) {
    const external_function& f = t.as_external_function();
    out += "fun " + f.module.to_string() + ':' + f.name.to_string() + '/' + std::to_string(f.arity);
  } else {
    const local_function f = t.as_local_function();
    out += "#Fun<" + f.module.to_string() + '.' + std::to_string(f.index) + '.' + std::to_string(f.uniq) + '>';
  }
}

struct printer {
  std::string out;

  void leaf(const term& t) {
    switch (t.kind()) {
      case term_kind::integer:
        if (t.is_big())
          print_big(out, t.as_big());
        else
          out += std::to_string(t.as_integer());
        break;
      case term_kind::floating: print_float(out, t.as_floating()); break;
      case term_kind::atom: out += t.as_atom().to_string(); break;
      case term_kind::reference: out += t.as_reference().to_string(); break;
      case term_kind::pid: out += t.as_pid().to_string(); break;
      case term_kind::binary: print_binary(out, t.as_binary()); break;
      case term_kind::bit_string: print_bits(out, t); break;
      case term_kind::port: out += t.as_port().to_string(); break;
      case term_kind::function: print_function(out, t); break;
      case term_kind::tuple:
      case term_kind::map:
      case term_kind::list:
      case term_kind::improper_list: break;
    }
  }
  void open(const term& t) { out += t.is_tuple() ? "{" : t.is_map() ? "#{" : "["; }
  void close(const term& t) { out += t.is_tuple() || t.is_map() ? '}' : ']'; }
  void before(const term& t, std::size_t index) {
    if (t.is_map() && index % 2 == 1)
      out += " => ";
    else if (t.is_improper_list() && index == t.size())
      out += '|';
    else if (index > 0)
      out += ',';
  }
};

}  // namespace

std::string term::to_string() const {
  printer result;
  detail::walk(*this, result);
  return std::move(result.out);
}

}  // namespace troupe
