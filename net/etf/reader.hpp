// SPDX-License-Identifier: BSL-1.0
// The source that reads the external term format. Erlang: binary_to_term, without the version byte.
#pragma once

#include <troupe/mailbox/term_source.hpp>
#include <troupe/net/etf/cursor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::etf {

/// Reads terms that stand one behind another in `bytes`, structs straight from the bytes. It reads all forms that OTP
/// 25 to 27 write, and older ones, except compressed terms (see from_binary). The bytes should have been skimmed: then
/// nothing here throws except that a value may be nested deeper than max_depth() (decode_error) or a table full
/// (system_limit). Other bytes throw malformed or decode_error and never read outside of the span. A map with a key
/// twice is only seen by read_term, and by skim. Atoms are interned when they are read as atoms or terms, never for
/// being compared. One thread at a time.
class reader final : public term_source {
 public:
  /// The bytes, and the atoms that cache references (82) stand for, must live as long as the reader.
  explicit reader(std::span<const std::byte> bytes, std::span<const atom> cached_atoms = {}) noexcept
      : in_{bytes, 0}, cached_atoms_(cached_atoms) {}

  /// Where the next value begins: the length of what was read.
  std::size_t offset() const noexcept { return in_.at; }
  /// Passes over the next value and gives its bytes (without cached atoms they are a whole term). Of the elements of a
  /// string it gives the one byte.
  std::span<const std::byte> skip();

  term_kind peek() const override;
  bool read_integer(std::int64_t& value) override;
  bool read_unsigned(std::uint64_t& value) override;
  bool read_floating(double& value) override;
  bool read_atom(atom& value) override;
  bool read_pid(pid& value) override;
  bool read_reference(reference& value) override;
  bool read_binary(std::string_view& bytes) override;
  bool begin_list(std::size_t& size) override;
  void end_list() override;
  bool begin_tuple(std::size_t& size) override;
  void end_tuple() override { end(); }
  bool begin_map(std::size_t& size) override;
  void end_map() override { end(); }
  bool read_text(std::string_view& text) override { return reader::read_binary(text); }
  bool read_bool(bool& value) override;
  bool read_tag(std::string_view name) override;
  bool begin_struct(std::string_view name, std::size_t size) override;
  void end_struct(std::size_t size) override {
    if (size != 0) end();
  }
  term read_term() override;
  position mark() const override;
  void rewind(const position& place) override;

 private:
  /// How the parts of a value lie: one after another; as the bytes of a string; or as the elements of a list that was
  /// written in several pieces, [1|[2|"ab"]].
  enum class layout : std::uint8_t { values, string, pieces, string_piece };

  /// A value that has been entered, and which of its parts is next. The outermost frame is that of `bytes`.
  struct frame {
    std::uint64_t next = 0;
    std::uint64_t count = UINT64_MAX;
    layout parts = layout::values;
    bool has_end = false;  // a [] follows the parts
  };

  /// A list that is not simply elements and [].
  struct odd_list {
    std::size_t at;
    std::uint64_t count;  // of its elements, in all pieces
    bool improper;
    bool has_end;
  };
  /// Where a later piece of a list begins; `string_end` is 0 when it is no string.
  struct piece {
    std::size_t at;
    std::size_t string_end;
  };

  bool in_string() const noexcept { return top_.parts == layout::string || top_.parts == layout::string_piece; }
  /// Tag of the next value; small_integer for an element of a string. Throws decode_error when there is none.
  std::uint8_t next_tag() const;
  void advance() {
    ++top_.next;
    if (top_.parts >= layout::pieces) settle();
  }
  /// Enters the next piece when the one before has ended.
  void settle();
  void enter(std::uint64_t count, layout parts, bool has_end);
  void end();
  frame& below(std::size_t depth) noexcept { return depth < near_.size() ? near_[depth] : far_[depth - near_.size()]; }

  /// The list that begins at `at`; null when it is a plain one. Looks through it once.
  const odd_list* find_odd(std::size_t at) const;
  void scan_list(std::size_t at) const;
  const piece* find_piece(std::size_t at) const noexcept;

  std::string_view take_text(troupe::detail::latin1_room& room) {
    return troupe::detail::take_atom_text(in_, cached_atoms_, room);
  }
  bool take_integer(std::uint8_t tag, bool& negative, std::uint64_t& magnitude);
  term take_leaf(std::uint8_t tag);
  term take_function();
  term take_compound();

  troupe::detail::etf_cursor in_;
  std::span<const atom> cached_atoms_;
  frame top_;
  std::size_t depth_ = 0;
  std::array<frame, 6> near_;  // the frames below top_, the outermost first: without allocation for ordinary messages
  std::vector<frame> far_;

  // What scan_list has found, of the part of the bytes that it has seen last.
  mutable std::size_t scanned_from_ = 0;
  mutable std::size_t scanned_to_ = 0;
  mutable std::vector<odd_list> odd_lists_;
  mutable std::vector<piece> pieces_;
};

}  // namespace troupe::etf
