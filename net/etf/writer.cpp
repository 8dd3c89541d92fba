// SPDX-License-Identifier: BSL-1.0
// How terms are written in the external term format.
#include <troupe/net/etf/writer.hpp>

#include <troupe/mailbox/term_walk.hpp>
#include <troupe/net/etf/tags.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace troupe::etf {

using namespace literals;
namespace tags = troupe::detail::etf_tag;

namespace {

/// A tag and a number behind it.
template <class Number>
void put_head(buffer& out, std::uint8_t tag, Number number) {
  std::byte* place = out.extend(1 + sizeof number);
  place[0] = static_cast<std::byte>(tag);
  buffer::store(place + 1, number);
}

std::uint32_t checked_size(std::size_t size, const char* of) {
  if (size > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("troupe: the external term format has room for 4294967295 " + std::string(of) + ", not " +
                            std::to_string(size));
  return static_cast<std::uint32_t>(size);
}

/// 110 or 111, the sign, the bytes, lowest first.
void put_magnitude(buffer& out, bool negative, std::span<const std::byte> magnitude) {
  if (magnitude.size() <= 255)
    put_head(out, tags::small_big, static_cast<std::uint8_t>(magnitude.size()));
  else
    put_head(out, tags::large_big, checked_size(magnitude.size(), "bytes of an integer"));
  out.put8(negative ? 1 : 0);
  out.append(magnitude);
}

void put_magnitude(buffer& out, bool negative, std::uint64_t magnitude) {
  std::byte bytes[sizeof magnitude];
  for (std::size_t i = 0; i < sizeof magnitude; ++i) bytes[i] = static_cast<std::byte>(magnitude >> (8 * i));
  put_magnitude(out, negative, std::span(bytes).first((static_cast<std::size_t>(std::bit_width(magnitude)) + 7) / 8));
}

}  // namespace

void buffer::grow(std::size_t count) {
  if (count > std::numeric_limits<std::size_t>::max() / 4 - size_) throw std::bad_alloc();
  std::size_t capacity = capacity_ < 128 ? 256 : capacity_ * 2;
  while (capacity - size_ < count) capacity *= 2;
  reallocate(capacity);
}

void buffer::reallocate(std::size_t capacity) {
  auto* bigger = static_cast<std::byte*>(troupe::detail::allocate(capacity));
  if (size_ != 0) std::memcpy(bigger, data_, size_);
  troupe::detail::deallocate(data_);
  data_ = bigger;
  capacity_ = capacity;
}

void write_version(buffer& out) {
  out.put8(tags::version);
}

void writer::put_integer(std::int64_t value) {
  if (value >= 0 && value <= 255) {
    put_head(*out_, tags::small_integer, static_cast<std::uint8_t>(value));
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    put_head(*out_, tags::integer, static_cast<std::uint32_t>(value));
  } else {
    const auto bits = static_cast<std::uint64_t>(value);
    put_magnitude(*out_, value < 0, value < 0 ? 0 - bits : bits);
  }
}

void writer::put_unsigned(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(INT64_MAX))
    writer::put_integer(static_cast<std::int64_t>(value));
  else
    put_magnitude(*out_, false, value);
}

void writer::put_floating(double value) {
  if (!std::isfinite(value))
    throw std::invalid_argument(std::string("troupe: ") +
                                (std::isnan(value) ? "a float that is not a number" : "an infinite float") +
                                " cannot be sent: Erlang has none");
  put_head(*out_, tags::new_float, std::bit_cast<std::uint64_t>(value));
}

void writer::put_atom_text(std::string_view text) {
  if (text.size() <= 255) {
    std::byte* place = out_->extend(2 + text.size());
    place[0] = static_cast<std::byte>(tags::small_utf8_atom);
    place[1] = static_cast<std::byte>(text.size());
    if (!text.empty()) std::memcpy(place + 2, text.data(), text.size());
  } else {
    put_head(*out_, tags::utf8_atom,
             static_cast<std::uint16_t>(text.size()));  // 255 characters have 1020 bytes at most
    out_->append(text);
  }
}

void writer::put_atom(atom value) {
  put_atom_text(value.name());
}

void writer::put_bool(bool value) {
  put_atom_text(value ? "true" : "false");
}

void writer::put_undefined() {
  put_atom_text("undefined");
}

void writer::put_pid(const pid& value) {
  out_->put8(tags::v4_pid);
  put_atom_text(node_name(value.node()));
  std::byte* place = out_->extend(12);
  buffer::store(place, value.id());
  buffer::store(place + 4, value.serial());
  buffer::store(place + 8, value.creation());
}

void writer::put_reference(const reference& value) {
  // On the wire a reference has at least one word: the null reference gets one, see make_reference.
  static constexpr std::uint32_t none[] = {0};
  const auto words = value ? value.words() : std::span<const std::uint32_t>(none);
  put_head(*out_, tags::newer_reference, static_cast<std::uint16_t>(words.size()));
  put_atom_text(node_name(value.node()));
  std::byte* place = out_->extend(4 + 4 * words.size());
  buffer::store(place, value.creation());
  for (const std::uint32_t word : words) buffer::store(place += 4, word);
}

void writer::put_port(const port& value) {
  out_->put8(tags::v4_port);
  put_atom_text(node_name(value.node()));
  std::byte* place = out_->extend(12);
  buffer::store(place, value.id());
  buffer::store(place + 8, value.creation());
}

void writer::put_binary(std::string_view bytes) {
  const std::uint32_t size = checked_size(bytes.size(), "bytes");
  std::byte* place = out_->extend(5 + bytes.size());
  place[0] = static_cast<std::byte>(tags::binary);
  buffer::store(place + 1, size);
  if (size != 0) std::memcpy(place + 5, bytes.data(), size);
}

// An empty list is its end alone, which end_list() writes.
void writer::begin_list(std::size_t size) {
  if (size != 0) put_head(*out_, tags::list, checked_size(size, "elements"));
}

void writer::end_list() {
  out_->put8(tags::nil);
}

void writer::begin_improper_list(std::size_t size) {
  put_head(*out_, tags::list, checked_size(size, "elements"));
}

void writer::begin_tuple(std::size_t size) {
  if (size <= 255)
    put_head(*out_, tags::small_tuple, static_cast<std::uint8_t>(size));
  else
    put_head(*out_, tags::large_tuple, checked_size(size, "elements"));
}

void writer::begin_map(std::size_t size) {
  put_head(*out_, tags::map, checked_size(size, "keys"));
}

void writer::begin_struct(atom name, std::size_t size) {
  if (size != 0) writer::begin_tuple(size + 1);
  writer::put_atom(name);
}

void writer::put_opaque(const term& value) {
  switch (value.kind()) {
    case term_kind::integer:
      if (!value.is_big()) return writer::put_integer(value.as_integer());
      return put_magnitude(*out_, value.as_big().negative, value.as_big().magnitude);
    case term_kind::bit_string: {
      const std::string_view bytes = value.as_bytes();
      put_head(*out_, tags::bit_binary, checked_size(bytes.size(), "bytes"));
      out_->put8(static_cast<std::uint8_t>(value.bit_size() % 8));
      return out_->append(bytes);
    }
    case term_kind::port: return put_port(value.as_port());
    case term_kind::function:
      if (value.is_external_function()) {
        const external_function& f = value.as_external_function();
        out_->put8(tags::external_function);
        writer::put_atom(f.module);
        writer::put_atom(f.name);
        return writer::put_integer(f.arity);
      }
      return out_->append(value.as_local_function().external);
    default: return writer::put_term(value);
  }
}

void writer::put_term(const term& value) {
  struct to_writer {
    writer& out;
    void leaf(const term& t) {
      switch (t.kind()) {
        case term_kind::floating: return out.put_floating(t.as_floating());
        case term_kind::atom: return out.put_atom(t.as_atom());
        case term_kind::reference: return out.put_reference(t.as_reference());
        case term_kind::pid: return out.put_pid(t.as_pid());
        case term_kind::binary: return out.put_binary(t.as_binary());
        default: return out.put_opaque(t);
      }
    }
    void open(const term& t) {
      if (t.is_tuple()) return out.begin_tuple(t.size());
      if (t.is_map()) return out.begin_map(t.size());
      if (t.is_list()) return out.begin_list(t.size());
      out.begin_improper_list(t.size());
    }
    void close(const term& t) {
      if (t.is_list()) out.end_list();
    }
    void before(const term&, std::size_t) {}
  };
  troupe::detail::walk(value, to_writer{*this});
}

}  // namespace troupe::etf
