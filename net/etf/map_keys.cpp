// SPDX-License-Identifier: BSL-1.0
// How encoded values become digests.
#include <troupe/net/etf/map_keys.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <random>

namespace troupe::detail {

namespace tags = etf_tag;

namespace {

__extension__ using uint128 = unsigned __int128;

std::uint64_t multiply(std::uint64_t x, std::uint64_t y) noexcept {
  const uint128 product = static_cast<uint128>(x) * y;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

struct keys {
  std::array<std::uint64_t, 4> secret;
  keys() {
    std::random_device device;
    for (std::uint64_t& s : secret) s = (std::uint64_t{device()} << 32 | device()) | 1;
  }
};

const keys& process_keys() {
  static const keys drawn;
  return drawn;
}

/// What a digest is of: equal terms of several tags share one.
enum class purpose : std::uint64_t {
  integer = 1,
  floating,
  atom,
  reference,
  pid,
  port,
  external_function,
  function,
  tuple,
  map,
  nil,
  cons,
  bits,
  item
};

digester digest_of(purpose p) noexcept {
  return digester(static_cast<std::uint64_t>(p));
}

key_digest integer(bool negative, std::uint64_t magnitude) noexcept {
  digester d = digest_of(purpose::integer);
  d.add(negative ? 1 : 0);
  d.add(magnitude);
  return d.result();
}

key_digest nil() noexcept {
  return digest_of(purpose::nil).result();
}

/// [head|tail]: lists are digested from their end, so that it does not show in how many pieces they were written.
key_digest cons(const key_digest& head, const key_digest& tail) noexcept {
  digester d = digest_of(purpose::cons);
  d.add(head);
  d.add(tail);
  return d.result();
}

key_digest string(std::span<const std::byte> bytes) noexcept {
  key_digest d = nil();
  for (std::size_t i = bytes.size(); i-- > 0;) d = cons(integer(false, std::to_integer<std::uint64_t>(bytes[i])), d);
  return d;
}

key_digest bits(std::span<const std::byte> bytes, std::size_t count) noexcept {
  digester d = digest_of(purpose::bits);
  d.add(count);
  const std::size_t whole = count / 8;
  d.add(as_text(bytes.first(whole)));
  if (count % 8 != 0) d.add(std::to_integer<std::uint64_t>(bytes[whole]) >> (8 - count % 8));
  return d.result();
}

key_digest identity(purpose p, const etf_identity& id) noexcept {
  digester d = digest_of(p);
  d.add(id.node);
  d.add(id.creation);
  d.add(id.id);
  d.add(id.words);
  for (std::uint32_t i = 0; i < id.words; ++i) d.add(id.word[i]);
  return d.result();
}

}  // namespace

digester::digester(std::uint64_t purpose) noexcept
    : a_(process_keys().secret[0] ^ purpose), b_(process_keys().secret[1] + purpose) {}

void digester::add(std::uint64_t value) noexcept {
  const auto& secret = process_keys().secret;
  a_ = multiply(a_ ^ value, secret[2]) + b_;
  b_ = multiply(std::rotl(b_, 29) + value, secret[3]) ^ a_;
}

void digester::add(std::string_view text) noexcept {
  add(text.size());
  for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    add(word);
  }
  std::uint64_t last = 0;
  if (!text.empty()) std::memcpy(&last, text.data(), text.size());
  add(last);
}

key_digest digester::result() noexcept {
  add(0x9e3779b97f4a7c15ULL);
  add(0x632be59bd9b4e019ULL);
  return {a_, b_};
}

void map_keys::refuse_twice(const etf_cursor& in, std::size_t start, std::span<key_digest> digests) {
  std::sort(digests.begin(), digests.end());
  if (std::adjacent_find(digests.begin(), digests.end()) != digests.end())
    in.refuse(start, "a map without a key that is there twice");
}

key_digest map_keys::leaf(etf_cursor& in, std::span<const atom> cached_atoms) {
  latin1_room room;
  const std::uint8_t tag = in.peek();
  switch (tag) {
    case tags::small_integer: ++in.at; return integer(false, in.take<std::uint8_t>());
    case tags::integer: {
      ++in.at;
      const auto value = std::int64_t{static_cast<std::int32_t>(in.take<std::uint32_t>())};
      return integer(value < 0, static_cast<std::uint64_t>(value < 0 ? -value : value));
    }
    case tags::small_big:
    case tags::large_big: {
      const etf_integer value = take_big(in);
      std::uint64_t magnitude = 0;
      if (value.fits(magnitude)) return integer(value.negative, magnitude);
      digester d = digest_of(purpose::integer);
      d.add(value.negative ? 3 : 2);
      d.add(as_text(value.magnitude));
      return d.result();
    }
    case tags::new_float:
    case tags::text_float: {
      digester d = digest_of(purpose::floating);
      d.add(std::bit_cast<std::uint64_t>(take_float(in) + 0.0));  // -0.0 is 0.0, as up to OTP 26
      return d.result();
    }
    case tags::v4_pid:
    case tags::old_pid: return identity(purpose::pid, take_pid(in, cached_atoms, room));
    case tags::newer_reference:
    case tags::new_reference:
    case tags::old_reference: return identity(purpose::reference, take_reference(in, cached_atoms, room));
    case tags::v4_port:
    case tags::new_port:
    case tags::old_port: return identity(purpose::port, take_port(in, cached_atoms, room));
    case tags::binary: {
      ++in.at;
      const auto bytes = in.take_bytes(in.take<std::uint32_t>());
      return bits(bytes, 8 * bytes.size());
    }
    case tags::bit_binary: {
      std::size_t count = 0;
      const auto bytes = take_bits(in, count);
      return bits(bytes, count);
    }
    case tags::nil: ++in.at; return nil();
    case tags::string: ++in.at; return string(in.take_bytes(in.take<std::uint16_t>()));
    case tags::external_function: {
      digester d = digest_of(purpose::external_function);
      ++in.at;
      d.add(take_atom_text(in, cached_atoms, room));
      d.add(take_atom_text(in, cached_atoms, room));
      d.add(leaf(in, cached_atoms));
      return d.result();
    }
    default: {
      digester d = digest_of(purpose::atom);
      d.add(take_atom_text(in, cached_atoms, room));
      return d.result();
    }
  }
}

key_digest map_keys::close(const etf_cursor& in, const frame& f) {
  const std::span<key_digest> parts = std::span(parts_).subspan(f.first);
  switch (f.tag) {
    case tags::list: {
      key_digest d = parts.back();
      for (std::size_t i = parts.size() - 1; i-- > 0;) d = cons(parts[i], d);
      return d;
    }
    case tags::map: {
      sorted_.clear();
      for (std::size_t i = 0; i < parts.size(); i += 2) sorted_.push_back(parts[i]);
      refuse_twice(in, f.start, sorted_);
      for (std::size_t i = 0; i < parts.size(); i += 2) {
        digester item = digest_of(purpose::item);
        item.add(parts[i]);
        item.add(parts[i + 1]);
        sorted_[i / 2] = item.result();
      }
      std::sort(sorted_.begin(), sorted_.end());
      digester d = digest_of(purpose::map);
      d.add(sorted_.size());
      for (const key_digest& item : sorted_) d.add(item);
      return d.result();
    }
    case tags::new_function: {
      // Module, old index, old uniq, the pid that made it, which does not count, and the variables.
      digester d = digest_of(purpose::function);
      d.add(as_text(in.bytes.subspan(f.start + 5, 25)));  // arity, uniq, index, number of variables
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (i != 3) d.add(parts[i]);
      return d.result();
    }
    default: {
      digester d = digest_of(purpose::tuple);
      d.add(parts.size());
      for (const key_digest& part : parts) d.add(part);
      return d.result();
    }
  }
}

key_digest map_keys::take(etf_cursor& in, std::span<const atom> cached_atoms) {
  stack_.clear();
  parts_.clear();
  for (;;) {
    const std::size_t start = in.at;
    const std::uint8_t head = in.peek();
    std::uint64_t count = 0;
    switch (head) {
      case tags::small_tuple:
      case tags::large_tuple:
      case tags::map: count = take_token(in, cached_atoms); break;
      case tags::list:
        count = take_token(in, cached_atoms);
        if (!stack_.empty() && stack_.back().tag == tags::list && stack_.back().left == 1) {  // its tail: one list
          stack_.back().left = count;
          continue;
        }
        break;
      case tags::new_function:
        in.take_bytes(26);
        count = std::uint64_t{in.take<std::uint32_t>()} + 4;
        break;
      default: {
        const key_digest d = leaf(in, cached_atoms);
        if (stack_.empty()) return d;
        parts_.push_back(d);
        --stack_.back().left;
        count = UINT64_MAX;
      }
    }
    if (count != UINT64_MAX) stack_.push_back({count, parts_.size(), start, head});
    while (stack_.back().left == 0) {
      const key_digest d = close(in, stack_.back());
      parts_.resize(stack_.back().first);
      stack_.pop_back();
      if (stack_.empty()) return d;
      parts_.push_back(d);
      --stack_.back().left;
    }
  }
}

}  // namespace troupe::detail
