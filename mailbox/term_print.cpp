// SPDX-License-Identifier: BSL-1.0
// How terms are printed: as Erlang's io:format("~tp") does, on one line.
#include <troupe/mailbox/term_walk.hpp>

#include <charconv>
#include <cmath>

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

/// UTF-8 of characters that Erlang calls printable?
bool is_printable(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = detail::next_code_point(text, at);
    const bool control = c < 0x20
                             ? std::string_view("\b\t\n\v\f\r\x1b").find(static_cast<char>(c)) == std::string_view::npos
                             : c >= 0x7f && c < 0xa0;
    if (c == detail::no_code_point || control || c == 0xfffe || c == 0xffff) return false;
  }
  return true;
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
  } else {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i > 0) out += ',';
      out += std::to_string(static_cast<unsigned char>(bytes[i]));
    }
  }
  out += ">>";
}

struct printer {
  std::string out;

  void leaf(const term& t) {
    switch (t.kind()) {
      case term_kind::integer: out += std::to_string(t.as_integer()); break;
      case term_kind::floating: print_float(out, t.as_floating()); break;
      case term_kind::atom: out += t.as_atom().to_string(); break;
      case term_kind::reference: out += t.as_reference().to_string(); break;
      case term_kind::pid: out += t.as_pid().to_string(); break;
      case term_kind::binary: print_binary(out, t.as_binary()); break;
      case term_kind::tuple:
      case term_kind::map:
      case term_kind::list: break;
    }
  }
  void open(const term& t) { out += t.is_tuple() ? "{" : t.is_list() ? "[" : "#{"; }
  void close(const term& t) { out += t.is_list() ? ']' : '}'; }
  void before(const term& t, std::size_t index) {
    if (t.is_map() && index % 2 == 1)
      out += " => ";
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
