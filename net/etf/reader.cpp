// SPDX-License-Identifier: BSL-1.0
// How terms are read from the external term format.
#include <troupe/net/etf/reader.hpp>

#include <troupe/net/etf/identities.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe::etf {

namespace tags = troupe::detail::etf_tag;
using troupe::detail::etf_cursor;
using troupe::detail::etf_integer;
using troupe::detail::intern_atom;
using troupe::detail::latin1_room;
using troupe::detail::make_pid;
using troupe::detail::make_reference;
using troupe::detail::take_values;

namespace {

[[noreturn]] void refuse_part() {
  throw decode_error("", "one more value", "the end");
}

}  // namespace

// --- where we are

std::uint8_t reader::next_tag() const {
  if (top_.next >= top_.count) refuse_part();
  if (in_string()) return tags::small_integer;
  return in_.peek();
}

void reader::enter(std::uint64_t count, layout parts, bool has_end) {
  if (depth_ >= std::min(max_depth(), std::size_t{0xffff}))
    throw decode_error("", "at most " + std::to_string(max_depth()) + " levels of nesting", "more");
  if (depth_ < near_.size())
    near_[depth_] = top_;
  else
    far_.push_back(top_);
  ++depth_;
  top_ = {0, count, parts, has_end};
}

void reader::end() {
  if (depth_ == 0) throw std::logic_error("troupe: an etf::reader was told to end what was not begun");
  while (top_.next < top_.count) skip();
  if (top_.has_end) take_values(in_, 1, cached_atoms_);
  --depth_;
  top_ = below(depth_);
  if (depth_ >= near_.size()) far_.pop_back();
  advance();
}

term_source::position reader::mark() const {
  // A depth is below 2^16; the rest is for the number of the part.
  return {static_cast<std::size_t>(top_.next) << 16 | depth_, in_.at};
}

void reader::rewind(const position& place) {
  const std::size_t depth = place.depth & 0xffff;
  if (depth < depth_) {
    top_ = below(depth);
    if (depth_ > near_.size()) far_.resize(std::max(depth, near_.size()) - near_.size());
    depth_ = depth;
  }
  top_.next = place.depth >> 16;
  in_.at = place.offset;
  if (top_.parts >= layout::pieces) {
    top_.parts = layout::pieces;
    for (const piece& p : pieces_)
      if (p.at < in_.at && in_.at < p.string_end) top_.parts = layout::string_piece;
  }
}

void reader::settle() {
  const piece* p = find_piece(in_.at);
  if (p == nullptr) return;
  top_.parts = p->string_end != 0 ? layout::string_piece : layout::pieces;
  in_.at += p->string_end != 0 ? 3 : 5;
}

// --- lists that are not simply elements and []

const reader::piece* reader::find_piece(std::size_t at) const noexcept {
  const auto found =
      std::lower_bound(pieces_.begin(), pieces_.end(), at, [](const piece& p, std::size_t a) { return p.at < a; });
  return found != pieces_.end() && found->at == at ? &*found : nullptr;
}

const reader::odd_list* reader::find_odd(std::size_t at) const {
  if (at < scanned_from_ || at >= scanned_to_) scan_list(at);
  const auto found = std::lower_bound(odd_lists_.begin(), odd_lists_.end(), at,
                                      [](const odd_list& l, std::size_t a) { return l.at < a; });
  return found != odd_lists_.end() && found->at == at ? &*found : nullptr;
}

/// Looks through the list at `at` and all lists in it for how they end. What is inside is not looked at again, so that
/// nesting costs nothing.
void reader::scan_list(std::size_t at) const {
  struct level {
    std::size_t at;
    std::uint64_t left;   // values before the tail, those inside of elements counted
    std::uint64_t count;  // elements in all pieces so far
    bool tail = false;    // what is left is an improper tail
    bool pieces = false;
  };
  odd_lists_.clear();
  pieces_.clear();  // no list that is open needs them: all that is inside of it has been seen
  etf_cursor in{in_.bytes, at};
  std::vector<level> open;
  const auto begin = [&] {
    const std::size_t start = in.at++;
    const std::uint64_t count = in.take<std::uint32_t>();
    open.push_back({start, count, count});
  };
  begin();
  while (!open.empty()) {
    level& top = open.back();
    if (top.left > 0) {
      --top.left;
      if (in.peek() == tags::list)
        begin();
      else
        top.left += troupe::detail::take_token(in, cached_atoms_);
      continue;
    }
    const bool improper = top.tail;
    bool has_end = true;
    if (!top.tail) {
      const std::size_t start = in.at;
      switch (in.peek()) {
        case tags::nil: ++in.at; break;
        case tags::list: {
          ++in.at;
          const std::uint64_t count = in.take<std::uint32_t>();
          pieces_.push_back({start, 0});
          top.left += count;
          top.count += count;
          top.pieces = true;
          continue;
        }
        case tags::string: {
          ++in.at;
          const std::size_t count = in.take<std::uint16_t>();
          in.take_bytes(count);
          if (count != 0) pieces_.push_back({start, in.at});
          top.count += count;
          top.pieces = true;
          has_end = count == 0;
          break;
        }
        default:
          top.tail = true;
          top.left = 1;
          continue;
      }
    }
    if (improper || top.pieces) odd_lists_.push_back({top.at, top.count, improper, has_end});
    open.pop_back();
  }
  scanned_from_ = at;
  scanned_to_ = in.at;
  std::sort(odd_lists_.begin(), odd_lists_.end(), [](const odd_list& a, const odd_list& b) { return a.at < b.at; });
}

// --- single values

std::span<const std::byte> reader::skip() {
  if (top_.next >= top_.count) refuse_part();
  const std::size_t start = in_.at;
  if (in_string())
    in_.take_bytes(1);
  else
    take_values(in_, 1, cached_atoms_);
  const auto bytes = in_.bytes.subspan(start, in_.at - start);
  advance();
  return bytes;
}

term_kind reader::peek() const {
  switch (next_tag()) {
    case tags::small_integer:
    case tags::integer:
    case tags::small_big:
    case tags::large_big: return term_kind::integer;
    case tags::new_float:
    case tags::text_float: return term_kind::floating;
    case tags::v4_pid:
    case tags::old_pid: return term_kind::pid;
    case tags::newer_reference:
    case tags::new_reference:
    case tags::old_reference: return term_kind::reference;
    case tags::v4_port:
    case tags::new_port:
    case tags::old_port: return term_kind::port;
    case tags::small_tuple:
    case tags::large_tuple: return term_kind::tuple;
    case tags::map: return term_kind::map;
    case tags::nil:
    case tags::string: return term_kind::list;
    case tags::list: {
      const odd_list* odd = find_odd(in_.at);
      return odd != nullptr && odd->improper ? term_kind::improper_list : term_kind::list;
    }
    case tags::binary: return term_kind::binary;
    case tags::bit_binary: {
      etf_cursor in = in_;
      std::size_t bits = 0;
      troupe::detail::take_bits(in, bits);
      return bits % 8 == 0 ? term_kind::binary : term_kind::bit_string;
    }
    case tags::external_function:
    case tags::new_function: return term_kind::function;
    case tags::small_utf8_atom:
    case tags::utf8_atom:
    case tags::small_latin1_atom:
    case tags::latin1_atom:
    case tags::atom_cache_ref: return term_kind::atom;
    default: in_.refuse(in_.at, "the tag of a term");
  }
}

/// Takes an integer whose magnitude 64 bits hold; other values are left.
bool reader::take_integer(std::uint8_t tag, bool& negative, std::uint64_t& magnitude) {
  negative = false;
  switch (tag) {
    case tags::small_integer:
      if (!in_string()) ++in_.at;
      magnitude = in_.take<std::uint8_t>();
      return true;
    case tags::integer: {
      ++in_.at;
      const auto value = std::int64_t{static_cast<std::int32_t>(in_.take<std::uint32_t>())};
      negative = value < 0;
      magnitude = static_cast<std::uint64_t>(negative ? -value : value);
      return true;
    }
    case tags::small_big:
    case tags::large_big: {
      const std::size_t start = in_.at;
      const etf_integer value = troupe::detail::take_big(in_);
      negative = value.negative;
      if (value.fits(magnitude)) return true;
      in_.at = start;
      return false;
    }
    default: return false;
  }
}

bool reader::read_integer(std::int64_t& value) {
  const std::size_t start = in_.at;
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!take_integer(next_tag(), negative, magnitude)) return false;
  if (magnitude > static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0)) {
    in_.at = start;
    return false;
  }
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  advance();
  return true;
}

bool reader::read_unsigned(std::uint64_t& value) {
  const std::size_t start = in_.at;
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!take_integer(next_tag(), negative, magnitude)) return false;
  if (negative) {
    in_.at = start;
    return false;
  }
  value = magnitude;
  advance();
  return true;
}

bool reader::read_floating(double& value) {
  const std::uint8_t tag = next_tag();
  if (tag != tags::new_float && tag != tags::text_float) return false;
  value = troupe::detail::take_float(in_);
  advance();
  return true;
}

bool reader::read_atom(atom& value) {
  const std::uint8_t tag = next_tag();
  if (!troupe::detail::is_etf_atom(tag)) return false;
  latin1_room room;
  value = intern_atom(take_text(room));
  advance();
  return true;
}

bool reader::read_tag(std::string_view name) {
  const std::uint8_t tag = next_tag();
  if (!troupe::detail::is_etf_atom(tag)) return false;
  const std::size_t start = in_.at;
  latin1_room room;
  if (take_text(room) != name) {
    in_.at = start;
    return false;
  }
  advance();
  return true;
}

bool reader::read_bool(bool& value) {
  value = reader::read_tag("true");
  return value || reader::read_tag("false");
}

bool reader::read_pid(pid& value) {
  const std::uint8_t tag = next_tag();
  if (tag != tags::v4_pid && tag != tags::old_pid) return false;
  latin1_room room;
  value = make_pid(troupe::detail::take_pid(in_, cached_atoms_, room));
  advance();
  return true;
}

bool reader::read_reference(reference& value) {
  const std::uint8_t tag = next_tag();
  if (tag != tags::newer_reference && tag != tags::new_reference && tag != tags::old_reference) return false;
  latin1_room room;
  value = make_reference(troupe::detail::take_reference(in_, cached_atoms_, room));
  advance();
  return true;
}

bool reader::read_binary(std::string_view& bytes) {
  const std::uint8_t tag = next_tag();
  if (tag == tags::binary) {
    ++in_.at;
    bytes = troupe::detail::as_text(in_.take_bytes(in_.take<std::uint32_t>()));
  } else if (tag == tags::bit_binary) {
    const std::size_t start = in_.at;
    std::size_t bits = 0;
    bytes = troupe::detail::as_text(troupe::detail::take_bits(in_, bits));
    if (bits % 8 != 0) {
      in_.at = start;
      return false;
    }
  } else {
    return false;
  }
  advance();
  return true;
}

// --- values with parts

bool reader::begin_list(std::size_t& size) {
  switch (next_tag()) {
    case tags::nil:
      size = 0;
      enter(0, layout::values, true);
      return true;
    case tags::string: {
      etf_cursor in{in_.bytes, in_.at + 1};
      const std::size_t count = in.take<std::uint16_t>();
      in.need(count);
      enter(count, layout::string, false);
      in_ = in;
      size = count;
      return true;
    }
    case tags::list: {
      const odd_list* odd = find_odd(in_.at);
      if (odd != nullptr && odd->improper) return false;
      etf_cursor in{in_.bytes, in_.at + 1};
      const std::uint64_t count = odd != nullptr ? odd->count : in.take<std::uint32_t>();
      enter(count, odd != nullptr ? layout::pieces : layout::values, odd == nullptr || odd->has_end);
      in_.at = in_.at + 5;
      size = static_cast<std::size_t>(count);
      return true;
    }
    default: return false;
  }
}

void reader::end_list() {
  end();
}

bool reader::begin_tuple(std::size_t& size) {
  const std::uint8_t tag = next_tag();
  if (tag != tags::small_tuple && tag != tags::large_tuple) return false;
  etf_cursor in = in_;
  const std::uint64_t count = troupe::detail::take_token(in, cached_atoms_);
  enter(count, layout::values, false);
  in_ = in;
  size = static_cast<std::size_t>(count);
  return true;
}

bool reader::begin_map(std::size_t& size) {
  if (next_tag() != tags::map) return false;
  etf_cursor in = in_;
  const std::uint64_t count = troupe::detail::take_token(in, cached_atoms_);
  enter(count, layout::values, false);
  in_ = in;
  size = static_cast<std::size_t>(count / 2);
  return true;
}

bool reader::begin_struct(std::string_view name, std::size_t size) {
  if (size == 0) return reader::read_tag(name);
  const std::uint8_t tag = next_tag();
  if (tag != tags::small_tuple && tag != tags::large_tuple) return false;
  etf_cursor in = in_;
  if (troupe::detail::take_token(in, cached_atoms_) != size + 1) return false;
  if (!troupe::detail::is_etf_atom(in.peek())) return false;
  latin1_room room;
  if (troupe::detail::take_atom_text(in, cached_atoms_, room) != name) return false;
  enter(size + 1, layout::values, false);
  top_.next = 1;
  in_ = in;
  return true;
}

}  // namespace troupe::etf
