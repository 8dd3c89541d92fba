// SPDX-License-Identifier: BSL-1.0
// Values to terms and back.
#pragma once

#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/term_reader.hpp>
#include <troupe/mailbox/term_writer.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

/// Reads a whole T. What fails at the top of a struct is named after it: `order.qty`.
template <class T>
bool read_whole(term_source& source, std::optional<T>& out) {
  if (detail::read(source, out)) return true;
  if constexpr (requires { typename codec<T>::primary; })
    if (source.explains()) return source.prepend(tag<T>());
  return false;
}

/// Reads a whole T or throws decode_error.
template <class T>
T build_whole(term_source& source) {
  const explaining on(source);
  std::optional<T> value;
  if (!read_whole(source, value)) throw source.error();
  return std::move(*value);
}

}  // namespace detail

/// The term that stands for `value`: see the table in codec.hpp. Throws std::invalid_argument for a float that is
/// infinite or not a number, an enumerator without a name, and what the codecs of the user throw. Any thread.
template <class T>
term to_term(const T& value) {
  if constexpr (std::is_same_v<T, term>) {
    return value;
  } else {
    term_writer writer;
    codec<T>::visit(value, writer);
    return writer.take();
  }
}

/// The T that `value` stands for. Throws decode_error, which says where and what is wrong. Any thread.
template <class T>
T from_term(const term& value) {
  if constexpr (std::is_same_v<T, term>) {
    return value;
  } else {
    term_reader reader(value);
    return detail::build_whole<T>(reader);
  }
}

/// The same, with nothing for a term that does not stand for a T. Cheap then: nothing is thrown inside, and
/// what has another tag or arity is refused by one comparison. Any thread.
template <class T>
std::optional<T> try_from_term(const term& value) {
  std::optional<T> out;
  if constexpr (std::is_same_v<T, term>) {
    out.emplace(value);
  } else {
    constexpr std::uint64_t key = detail::dynamic_key_of<T>();
    if (key != 0 && dynamic_key(value) != key) return out;
    term_reader reader(value);
    try {
      if (!detail::read(reader, out)) out.reset();
    } catch (const decode_error&) {  // nested too deep
      out.reset();
    }
  }
  return out;
}

/// Does `value` stand for a T?
template <class T>
bool term_matches(const term& value) {
  return try_from_term<T>(value).has_value();
}

}  // namespace troupe
