// SPDX-License-Identifier: BSL-1.0
// How whole terms are built from the external term format.
#include <troupe/net/etf/buffer.hpp>
#include <troupe/net/etf/identities.hpp>
#include <troupe/net/etf/reader.hpp>
#include <troupe/net/etf/writer.hpp>

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace troupe::etf {

namespace tags = troupe::detail::etf_tag;
using troupe::detail::etf_cursor;
using troupe::detail::etf_integer;
using troupe::detail::intern_atom;
using troupe::detail::latin1_room;
using troupe::detail::make_pid;
using troupe::detail::make_port;
using troupe::detail::make_reference;
using troupe::detail::take_values;

namespace {

/// Copies a fun's values from `in` to `out`, with the atoms that cache references stand for, which mean nothing later.
void copy_values(etf_cursor& in, std::uint64_t count, std::span<const atom> cached_atoms, buffer& out) {
  struct open_function {
    std::uint64_t then;  // so many values are left when it has ended
    std::size_t size_at;
  };
  std::vector<open_function> functions;
  writer atoms(out);
  latin1_room room;
  const auto copy_atom = [&] { atoms.put_atom_text(troupe::detail::take_atom_text(in, cached_atoms, room)); };
  while (count > 0) {
    --count;
    const std::size_t start = in.at;
    const std::uint8_t tag = in.peek();
    const bool has_node = tag == tags::v4_pid || tag == tags::old_pid || tag == tags::v4_port ||
                          tag == tags::new_port || tag == tags::old_port;
    const bool is_reference = tag == tags::newer_reference || tag == tags::new_reference || tag == tags::old_reference;
    if (troupe::detail::is_etf_atom(tag)) {
      copy_atom();
    } else if (has_node) {
      out.append(in.take_bytes(1));
      copy_atom();
      out.append(in.take_bytes(tag == tags::v4_pid || tag == tags::v4_port ? 12
                               : tag == tags::old_pid                      ? 9
                               : tag == tags::new_port                     ? 8
                                                                           : 5));
    } else if (is_reference) {
      const std::size_t words = tag == tags::old_reference ? 1 : std::to_integer<std::size_t>(in.take_bytes(3)[2]);
      if (tag == tags::old_reference) in.take_bytes(1);
      out.append(in.bytes.subspan(start, in.at - start));
      copy_atom();
      out.append(in.take_bytes(4 * words + (tag == tags::newer_reference ? 4 : 1)));
    } else if (tag == tags::external_function) {
      out.append(in.take_bytes(1));
      copy_atom();
      copy_atom();
      ++count;  // the arity
    } else if (tag == tags::new_function) {
      functions.push_back({count, out.size() + 1});
      out.append(in.take_bytes(26));
      const auto variables = in.take<std::uint32_t>();
      out.put32(variables);
      count += std::uint64_t{variables} + 4;
    } else {
      count += troupe::detail::take_token(in, cached_atoms);
      out.append(in.bytes.subspan(start, in.at - start));
    }
    while (!functions.empty() && functions.back().then == count) {
      out.set32(functions.back().size_at, static_cast<std::uint32_t>(out.size() - functions.back().size_at));
      functions.pop_back();
    }
  }
}

}  // namespace

term reader::take_function() {
  latin1_room room;
  if (in_.peek() == tags::external_function) {
    ++in_.at;
    const atom module = intern_atom(take_text(room));
    const atom name = intern_atom(take_text(room));
    const std::size_t start = in_.at;
    bool negative = false;
    std::uint64_t arity = 256;
    if (!take_integer(in_.peek(), negative, arity) || negative || arity > 255)
      in_.refuse(start, "the arity of a fun, 0 to 255");
    return external_function{module, name, static_cast<std::uint8_t>(arity)};
  }
  const std::size_t start = in_.at;
  take_values(in_, 1, cached_atoms_);
  const auto whole = in_.bytes.subspan(start, in_.at - start);
  etf_cursor head{whole, 0};
  head.take_bytes(30);
  const atom module = intern_atom(troupe::detail::take_atom_text(head, cached_atoms_, room));
  const auto number = [&head]() -> std::int64_t {
    const std::uint8_t tag = head.peek();
    if (tag != tags::small_integer && tag != tags::integer) head.refuse(head.at, "a number of a fun");
    ++head.at;
    return tag == tags::small_integer ? std::int64_t{head.take<std::uint8_t>()}
                                      : std::int64_t{static_cast<std::int32_t>(head.take<std::uint32_t>())};
  };
  const std::int64_t index = number();
  const std::int64_t uniq = number();
  if (cached_atoms_.empty()) return term::function({module, index, uniq, whole});
  buffer copy(whole.size() + 64);
  etf_cursor from{whole, 0};
  copy_values(from, 1, cached_atoms_, copy);
  return term::function({module, index, uniq, copy.bytes()});
}

/// A value without parts. (Functions keep theirs as they are.)
term reader::take_leaf(std::uint8_t tag) {
  latin1_room room;
  switch (tag) {
    case tags::small_integer: ++in_.at; return in_.take<std::uint8_t>();
    case tags::integer: ++in_.at; return static_cast<std::int32_t>(in_.take<std::uint32_t>());
    case tags::small_big:
    case tags::large_big: {
      const etf_integer value = troupe::detail::take_big(in_);
      return term::integer(value.negative, value.magnitude);
    }
    case tags::new_float:
    case tags::text_float: return troupe::detail::take_float(in_);
    case tags::v4_pid:
    case tags::old_pid: return make_pid(troupe::detail::take_pid(in_, cached_atoms_, room));
    case tags::newer_reference:
    case tags::new_reference:
    case tags::old_reference: return make_reference(troupe::detail::take_reference(in_, cached_atoms_, room));
    case tags::v4_port:
    case tags::new_port:
    case tags::old_port: return make_port(troupe::detail::take_port(in_, cached_atoms_, room));
    case tags::binary: ++in_.at; return term::binary(in_.take_bytes(in_.take<std::uint32_t>()));
    case tags::bit_binary: {
      std::size_t bits = 0;
      const auto bytes = troupe::detail::take_bits(in_, bits);
      return term::bit_string(bytes, bits);
    }
    case tags::nil: ++in_.at; return term::list({});
    case tags::external_function:
    case tags::new_function: return take_function();
    default: return intern_atom(take_text(room));
  }
}

term reader::take_compound() {
  enum class shape : std::uint8_t { list, improper_list, tuple, map };
  struct level {
    std::uint64_t left;
    std::size_t first;  // of its parts in values
    shape parts;
  };
  std::vector<level> open;
  std::vector<term> values;
  const auto strings = [&](std::size_t count) {
    for (const std::byte b : in_.take_bytes(count)) values.emplace_back(std::to_integer<std::uint8_t>(b));
  };
  for (;;) {
    // A value begins here, or what follows the elements of a list.
    std::uint8_t tag = in_.peek();
    bool list_ends = false;
    if (!open.empty() && open.back().parts == shape::list && open.back().left == 0) {
      switch (tag) {
        case tags::nil:
          ++in_.at;
          list_ends = true;
          break;
        case tags::list:
          ++in_.at;
          open.back().left = in_.take<std::uint32_t>();
          continue;
        case tags::string:
          ++in_.at;
          strings(in_.take<std::uint16_t>());
          list_ends = true;
          break;
        default: open.back().parts = shape::improper_list; open.back().left = 1;
      }
    }
    if (!list_ends) {
      if (!open.empty()) --open.back().left;
      switch (tag) {
        case tags::small_tuple:
        case tags::large_tuple: {
          const std::uint64_t count = troupe::detail::take_token(in_, cached_atoms_);
          open.push_back({count, values.size(), shape::tuple});
          break;
        }
        case tags::map: {
          const std::uint64_t count = troupe::detail::take_token(in_, cached_atoms_);
          open.push_back({count, values.size(), shape::map});
          break;
        }
        case tags::list: {
          ++in_.at;
          const std::uint64_t count = in_.take<std::uint32_t>();
          open.push_back({count, values.size(), shape::list});
          continue;
        }
        case tags::string: {
          ++in_.at;
          const std::size_t first = values.size();
          strings(in_.take<std::uint16_t>());
          term list = troupe::detail::term_parts::list(std::span(values).subspan(first));
          values.resize(first);
          values.push_back(std::move(list));
          break;
        }
        default: values.push_back(take_leaf(tag));
      }
    }
    while (!open.empty() && (list_ends || (open.back().left == 0 && open.back().parts != shape::list))) {
      list_ends = false;
      const auto parts = std::span(values).subspan(open.back().first);
      term made;
      switch (open.back().parts) {
        case shape::list: made = troupe::detail::term_parts::list(parts); break;
        case shape::improper_list: made = troupe::detail::term_parts::improper_list(parts); break;
        case shape::tuple: made = troupe::detail::term_parts::tuple(parts); break;
        case shape::map: try { made = troupe::detail::term_parts::map(parts);
          } catch (const std::invalid_argument& twice) {
            throw decode_error("", "a map without a key that is there twice", twice.what());
          }
      }
      values.resize(open.back().first);
      open.pop_back();
      values.push_back(std::move(made));
    }
    if (open.empty()) return std::move(values.back());
  }
}

term reader::read_term() {
  const std::uint8_t tag = next_tag();
  term value;
  if (in_string()) {
    value = in_.take<std::uint8_t>();
  } else if (tag == tags::small_tuple || tag == tags::large_tuple || tag == tags::list || tag == tags::string ||
             tag == tags::map) {
    value = take_compound();
  } else {
    value = take_leaf(tag);
  }
  advance();
  return value;
}

}  // namespace troupe::etf
