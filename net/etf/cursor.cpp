// SPDX-License-Identifier: BSL-1.0
// The steps that reader and skim share.
#include <troupe/net/etf/cursor.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace troupe {

namespace tags = detail::etf_tag;

namespace {

std::string shown(std::span<const std::byte> bytes) {
  constexpr std::size_t most = 16;
  constexpr char digits[] = "0123456789abcdef";
  if (bytes.empty()) return "the end";
  std::string text;
  for (const std::byte b : bytes.first(std::min(bytes.size(), most))) {
    if (!text.empty()) text += ' ';
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text + (bytes.size() > most ? " ..." : "");
}

/// The text of 99: sign, digits, a point, digits, an exponent; then zeros. (erts: sys_chars_to_double.)
bool parse_text_float(std::string_view text, double& value) {
  text = text.substr(0, text.find('\0'));
  const auto digits = [&text](std::size_t at) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    return end;
  };
  const std::size_t start = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const std::size_t point = digits(start);
  if (point == start || point >= text.size() || text[point] != '.') return false;
  std::size_t end = digits(point + 1);
  if (end == point + 1) return false;
  if (end < text.size()) {
    if (text[end] != 'e' && text[end] != 'E') return false;
    const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+') ? 1 : 0;
    const std::size_t exponent = end + 1 + sign;
    end = digits(exponent);
    if (end == exponent || end != text.size()) return false;
  }
  const char* first = text.data() + (text[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    // Too small is 0; too large is none.
    const std::string copy(first, text.data() + text.size());
    value = std::strtod(copy.c_str(), nullptr);
  } else if (result.ec != std::errc()) {
    return false;
  }
  return std::isfinite(value);
}

}  // namespace

etf::malformed::malformed(std::size_t offset, std::string expected, std::span<const std::byte> bytes)
    : decode_error("byte " + std::to_string(offset), std::move(expected),
                   shown(bytes.subspan(std::min(offset, bytes.size())))),
      offset_(offset) {}

namespace detail {

void etf_cursor::refuse(std::size_t where, std::string_view expected) const {
  throw etf::malformed(where, std::string(expected), bytes);
}

void etf_cursor::refuse_end(std::size_t count) const {
  refuse(at, std::to_string(count) + (count == 1 ? " more byte" : " more bytes") + " of a term");
}

std::string_view take_atom_text(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room) {
  const std::size_t start = in.at;
  const auto tag = in.take<std::uint8_t>();
  switch (tag) {
    case tags::small_utf8_atom: return as_text(in.take_bytes(in.take<std::uint8_t>()));
    case tags::utf8_atom: return as_text(in.take_bytes(in.take<std::uint16_t>()));
    case tags::atom_cache_ref: {
      const auto index = in.take<std::uint8_t>();
      if (index >= cached_atoms.size())
        in.refuse(start, "a reference to one of " + std::to_string(cached_atoms.size()) + " cached atoms");
      return cached_atoms[index].name();
    }
    case tags::small_latin1_atom:
    case tags::latin1_atom: {
      const std::size_t size = tag == tags::latin1_atom ? in.take<std::uint16_t>() : in.take<std::uint8_t>();
      if (size > 255) in.refuse(start, "an atom of at most 255 characters");
      const std::string_view text = as_text(in.take_bytes(size));
      std::size_t used = 0;
      for (const char c : text) {
        const auto character = static_cast<unsigned char>(c);
        if (character >= 0x80) room[used++] = static_cast<char>(0xc0 | character >> 6);
        room[used++] = character >= 0x80 ? static_cast<char>(0x80 | (character & 0x3f)) : c;
      }
      return {room.data(), used};
    }
    default: in.refuse(start, "an atom");
  }
}

double take_float(etf_cursor& in) {
  const std::size_t start = in.at;
  if (in.take<std::uint8_t>() == tags::new_float) {
    const auto value = std::bit_cast<double>(in.take<std::uint64_t>());
    if (!std::isfinite(value)) in.refuse(start, "a finite float");
    return value;
  }
  double value = 0;
  if (!parse_text_float(as_text(in.take_bytes(etf_text_float_size)), value))
    in.refuse(start, "a finite float as text, such as 1.5e3");
  return value;
}

bool etf_integer::fits(std::uint64_t& magnitude_of_64_bits) const noexcept {
  if (magnitude.size() > sizeof(std::uint64_t)) return false;
  std::uint64_t value = 0;
  for (std::size_t i = magnitude.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(magnitude[i]);
  magnitude_of_64_bits = value;
  return true;
}

etf_integer take_big(etf_cursor& in) {
  const bool small = in.take<std::uint8_t>() == tags::small_big;
  const std::size_t size = small ? in.take<std::uint8_t>() : in.take<std::uint32_t>();
  const bool negative = in.take<std::uint8_t>() != 0;
  auto magnitude = in.take_bytes(size);
  while (!magnitude.empty() && magnitude.back() == std::byte{0}) magnitude = magnitude.first(magnitude.size() - 1);
  return {negative && !magnitude.empty(), magnitude};
}

etf_identity take_pid(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room) {
  etf_identity result;
  const auto tag = in.take<std::uint8_t>();
  result.node = take_atom_text(in, cached_atoms, room);
  result.id = in.take<std::uint64_t>();
  result.creation = tag == tags::v4_pid ? in.take<std::uint32_t>() : in.take<std::uint8_t>();
  return result;
}

etf_identity take_reference(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room) {
  etf_identity result;
  const std::size_t start = in.at;
  const auto tag = in.take<std::uint8_t>();
  result.words = tag == tags::old_reference ? 1 : in.take<std::uint16_t>();
  if (result.words == 0 || result.words > result.word.size()) in.refuse(start, "a reference of one to five words");
  result.node = take_atom_text(in, cached_atoms, room);
  if (tag == tags::newer_reference) result.creation = in.take<std::uint32_t>();
  if (tag == tags::new_reference) result.creation = in.take<std::uint8_t>();
  for (std::uint32_t i = 0; i < result.words; ++i) result.word[i] = in.take<std::uint32_t>();
  if (tag == tags::old_reference) result.creation = in.take<std::uint8_t>();
  return result;
}

etf_identity take_port(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room) {
  etf_identity result;
  const auto tag = in.take<std::uint8_t>();
  result.node = take_atom_text(in, cached_atoms, room);
  result.id = tag == tags::v4_port ? in.take<std::uint64_t>() : in.take<std::uint32_t>();
  result.creation = tag == tags::old_port ? in.take<std::uint8_t>() : in.take<std::uint32_t>();
  return result;
}

std::span<const std::byte> take_bits(etf_cursor& in, std::size_t& bit_count) {
  const std::size_t start = in.at++;
  const std::size_t size = in.take<std::uint32_t>();
  const std::size_t in_last = in.take<std::uint8_t>();
  if (in_last > 8 || (in_last == 0) != (size == 0)) in.refuse(start, "a bit string with 1 to 8 bits in its last byte");
  bit_count = size == 0 ? 0 : 8 * (size - 1) + in_last;
  return in.take_bytes(size);
}

std::uint64_t take_token(etf_cursor& in, std::span<const atom> cached_atoms) {
  latin1_room room;
  switch (in.peek()) {
    case tags::small_integer: in.take_bytes(2); return 0;
    case tags::integer: in.take_bytes(5); return 0;
    case tags::new_float: in.take_bytes(9); return 0;
    case tags::text_float: in.take_bytes(1 + etf_text_float_size); return 0;
    case tags::small_big:
    case tags::large_big: take_big(in); return 0;
    case tags::small_utf8_atom:
    case tags::utf8_atom:
    case tags::small_latin1_atom:
    case tags::latin1_atom:
    case tags::atom_cache_ref: take_atom_text(in, cached_atoms, room); return 0;
    case tags::v4_pid:
    case tags::old_pid: take_pid(in, cached_atoms, room); return 0;
    case tags::newer_reference:
    case tags::new_reference:
    case tags::old_reference: take_reference(in, cached_atoms, room); return 0;
    case tags::v4_port:
    case tags::new_port:
    case tags::old_port: take_port(in, cached_atoms, room); return 0;
    case tags::binary:
      ++in.at;
      in.take_bytes(in.take<std::uint32_t>());
      return 0;
    case tags::bit_binary: {
      std::size_t bits = 0;
      take_bits(in, bits);
      return 0;
    }
    case tags::string:
      ++in.at;
      in.take_bytes(in.take<std::uint16_t>());
      return 0;
    case tags::nil: ++in.at; return 0;
    case tags::list: ++in.at; return std::uint64_t{in.take<std::uint32_t>()} + 1;
    case tags::small_tuple: ++in.at; return in.take<std::uint8_t>();
    case tags::large_tuple: ++in.at; return in.take<std::uint32_t>();
    case tags::map: ++in.at; return std::uint64_t{in.take<std::uint32_t>()} * 2;
    case tags::external_function:
      ++in.at;
      take_atom_text(in, cached_atoms, room);
      take_atom_text(in, cached_atoms, room);
      return 1;
    case tags::new_function: {
      ++in.at;
      const std::size_t size = in.take<std::uint32_t>();
      if (size < 4) in.refuse(in.at - 5, "the size of a fun");
      in.take_bytes(size - 4);
      return 0;
    }
    default: in.refuse(in.at, "the tag of a term");
  }
}

void take_values(etf_cursor& in, std::uint64_t count, std::span<const atom> cached_atoms) {
  for (; count > 0; --count) count += take_token(in, cached_atoms);
}

}  // namespace detail
}  // namespace troupe
