// SPDX-License-Identifier: BSL-1.0
// A place in encoded bytes, beyond whose end nothing is read; and the steps that reader and skim share. Internal.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/net/etf/malformed.hpp>
#include <troupe/net/etf/tags.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::detail {

/// Every function throws etf::malformed rather than pass the end.
struct etf_cursor {
  std::span<const std::byte> bytes;
  std::size_t at = 0;

  std::size_t left() const noexcept { return bytes.size() - at; }
  void need(std::size_t count) const {
    if (left() < count) [[unlikely]]
      refuse_end(count);
  }
  std::uint8_t peek() const {
    need(1);
    return std::to_integer<std::uint8_t>(bytes[at]);
  }
  template <class Unsigned>
  Unsigned take() {
    need(sizeof(Unsigned));
    const auto value = load_big_endian<Unsigned>(bytes.data() + at);
    at += sizeof(Unsigned);
    return value;
  }
  std::span<const std::byte> take_bytes(std::size_t count) {
    need(count);
    return bytes.subspan((at += count) - count, count);
  }

  /// Throws: at byte `where`, something else was expected.
  [[noreturn]] void refuse(std::size_t where, std::string_view expected) const;
  [[noreturn]] void refuse_end(std::size_t count) const;
};

/// Latin-1 as UTF-8: room for an atom.
using latin1_room = std::array<char, 510>;

/// Is this the tag of an atom?
constexpr bool is_etf_atom(std::uint8_t tag) noexcept {
  return tag == etf_tag::small_utf8_atom || tag == etf_tag::utf8_atom || tag == etf_tag::atom_cache_ref ||
         tag == etf_tag::small_latin1_atom || tag == etf_tag::latin1_atom;
}

/// Takes an atom: its text, which lies in the bytes, in `room` or in the table. Whether it is UTF-8 is not checked.
std::string_view take_atom_text(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room);

/// Takes a float, 70 or 99.
double take_float(etf_cursor& in);

/// An integer's sign and magnitude, lowest byte first and the last one not 0.
struct etf_integer {
  bool negative = false;
  std::span<const std::byte> magnitude;

  /// Does it fit, and what is it then?
  bool fits(std::uint64_t& magnitude_of_64_bits) const noexcept;
};
/// Takes an integer: 110 or 111.
etf_integer take_big(etf_cursor& in);

/// The fields of a pid, reference or port. The node's name is as take_atom_text gives it.
struct etf_identity {
  std::string_view node;
  std::uint32_t creation = 0;
  std::uint64_t id = 0;     // of a port; of a pid: id and serial
  std::uint32_t words = 0;  // of a reference: how many
  std::array<std::uint32_t, 5> word{};
};
etf_identity take_pid(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room);
etf_identity take_reference(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room);
etf_identity take_port(etf_cursor& in, std::span<const atom> cached_atoms, latin1_room& room);

/// Takes the number of bytes and then the bits of the last one that count, of 77; refuses what Erlang refuses.
std::span<const std::byte> take_bits(etf_cursor& in, std::size_t& bit_count);

/// Takes one value's head and what belongs to it alone, and says how many values follow as its parts: the elements of a
/// tuple; the keys and values of a map; the elements of a list, and its tail (a string has none). A function is taken
/// whole.
std::uint64_t take_token(etf_cursor& in, std::span<const atom> cached_atoms);

/// Takes `count` whole values.
void take_values(etf_cursor& in, std::uint64_t count, std::span<const atom> cached_atoms);

}  // namespace troupe::detail
