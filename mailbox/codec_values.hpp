// SPDX-License-Identifier: BSL-1.0
// Codecs of single values: numbers, bool, enumerations, strings, bytes, durations, atoms, pids, references, ports
// and terms.
#pragma once

#include <troupe/mailbox/codec_base.hpp>
#include <troupe/mailbox/enum_names.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

namespace detail {

/// "integer in 0..255"
std::string integer_shape(std::int64_t low, std::uint64_t high);
std::string bytes_shape(std::size_t size);
[[noreturn]] void refuse_unnamed(std::string_view type, std::int64_t value);

/// Fails with the number that was read and is out of range.
bool fail_number(term_source& source, const std::string& expected, const term& got);

}  // namespace detail

/// Integers, and char: an integer, with its range checked.
template <std::integral T>
struct codec<T> : detail::reading<T> {
  static void visit(T value, term_sink& sink) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t))
      sink.put_unsigned(value);
    else
      sink.put_integer(static_cast<std::int64_t>(value));
  }
  static bool read(term_source& source, std::optional<T>& out) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t)) {
      std::uint64_t value = 0;
      if (!source.read_unsigned(value)) return source.explains() ? source.fail(shape()) : false;
      out.emplace(static_cast<T>(value));
    } else {
      std::int64_t value = 0;
      if (!source.read_integer(value)) return source.explains() ? source.fail(shape()) : false;
      if (value < static_cast<std::int64_t>(std::numeric_limits<T>::min()) ||
          value > static_cast<std::int64_t>(std::numeric_limits<T>::max()))
        return source.explains() ? detail::fail_number(source, shape(), value) : false;
      out.emplace(static_cast<T>(value));
    }
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::integer); }
  static std::string shape() {
    return detail::integer_shape(static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                                 static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
  }
};

/// float and double: a float. Reading takes an integer as well. Infinite and not-a-number are refused when
/// written.
template <std::floating_point T>
  requires(sizeof(T) <= sizeof(double))
struct codec<T> : detail::reading<T> {
  static void visit(T value, term_sink& sink) { sink.put_floating(static_cast<double>(value)); }
  static bool read(term_source& source, std::optional<T>& out) {
    double value = 0;
    std::int64_t integer = 0;
    if (!source.read_floating(value)) {
      if (source.is_exact() || !source.read_integer(integer)) return source.fail("float");
      value = static_cast<double>(integer);
    }
    if constexpr (sizeof(T) < sizeof(double))
      if (value > static_cast<double>(std::numeric_limits<T>::max()) ||
          value < -static_cast<double>(std::numeric_limits<T>::max()))
        return source.explains() ? detail::fail_number(source, "float that fits in 32 bits", value) : false;
    out.emplace(static_cast<T>(value));
    return true;
  }
  static std::string shape() { return "float"; }
};

/// bool: the atom true or false.
template <>
struct codec<bool> : detail::reading<bool> {
  static void visit(bool value, term_sink& sink) { sink.put_bool(value); }
  static bool read(term_source& source, std::optional<bool>& out) {
    bool value = false;
    if (!source.read_bool(value)) return source.fail("true or false");
    out.emplace(value);
    return true;
  }
  static std::string shape() { return "true or false"; }
};

/// Enumerations: the atom of the enumerator's name. Writing a value without a name (see min_enumerator)
/// throws std::invalid_argument.
template <class E>
  requires(std::is_enum_v<E> && !detail::converted<E>)
struct codec<E> : detail::reading<E> {
  static void visit(E value, term_sink& sink) {
    for (const auto& entry : detail::enumerators<E>)
      if (entry.value == value) return sink.put_atom(detail::atom_of(entry.name));
    detail::refuse_unnamed(qualified_type_name<E>(), static_cast<std::int64_t>(value));
  }
  static bool read(term_source& source, std::optional<E>& out) {
    const auto start = source.mark();
    std::string_view name;
    if (source.read_name(name)) {
      for (const auto& entry : detail::enumerators<E>) {
        if (entry.name.text != name) continue;
        out.emplace(entry.value);
        return true;
      }
      source.rewind(start);
    }
    return source.explains() ? source.fail(shape()) : false;
  }
  static std::string shape() {
    std::string text = "one of";
    for (const auto& entry : detail::enumerators<E>)
      text += (&entry == detail::enumerators<E>.data() ? " " : ", ") + detail::atom_of(entry.name).to_string();
    return text;
  }
};

namespace detail {
/// A message of the machinery's own that never leaves its node: `using stays_here = void;` in it. Only its name can be
/// seen as a term.
template <class T>
concept stays_here = requires { typename T::stays_here; };
}  // namespace detail

template <detail::stays_here T>
struct codec<T> : detail::reading<T> {
  static void visit(const T&, term_sink& sink) { sink.put_atom(detail::atom_of(detail::type_atom<T>)); }
  static bool read(term_source& source, std::optional<T>&) { return source.fail("a message of this node"); }
};

/// std::byte: an integer.
template <>
struct codec<std::byte> : detail::reading<std::byte> {
  static void visit(std::byte value, term_sink& sink) { sink.put_integer(std::to_integer<std::int64_t>(value)); }
  static bool read(term_source& source, std::optional<std::byte>& out) {
    std::optional<std::uint8_t> value;
    if (!codec<std::uint8_t>::read(source, value)) return false;
    out.emplace(static_cast<std::byte>(*value));
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::integer); }
  static std::string shape() { return codec<std::uint8_t>::shape(); }
};

/// std::string: a binary. Not checked to be UTF-8.
template <>
struct codec<std::string> : detail::reading<std::string> {
  static void visit(const std::string& value, term_sink& sink) { sink.put_text(value); }
  static bool read(term_source& source, std::optional<std::string>& out) {
    std::string_view text;
    if (!source.read_text(text)) return source.fail("binary");
    out.emplace(text);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::binary); }
  static std::string shape() { return "binary"; }
};

/// Bytes, std::vector<std::byte>: a binary.
template <>
struct codec<std::vector<std::byte>> : detail::reading<std::vector<std::byte>> {
  static void visit(const std::vector<std::byte>& value, term_sink& sink) {
    sink.put_binary({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  static bool read(term_source& source, std::optional<std::vector<std::byte>>& out) {
    std::string_view bytes;
    if (!source.read_binary(bytes)) return source.fail("binary");
    const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
    out.emplace(first, first + bytes.size());
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::binary); }
  static std::string shape() { return "binary"; }
};

/// std::array<std::byte, N>: a binary of exactly N bytes.
template <std::size_t N>
struct codec<std::array<std::byte, N>> : detail::reading<std::array<std::byte, N>> {
  static void visit(const std::array<std::byte, N>& value, term_sink& sink) {
    sink.put_binary({reinterpret_cast<const char*>(value.data()), N});
  }
  static bool read(term_source& source, std::optional<std::array<std::byte, N>>& out) {
    const auto start = source.mark();
    std::string_view bytes;
    if (!source.read_binary(bytes)) return source.explains() ? source.fail(shape()) : false;
    if (bytes.size() != N) {
      source.rewind(start);
      return source.explains() ? source.fail(shape()) : false;
    }
    out.emplace();
    for (std::size_t i = 0; i < N; ++i) (*out)[i] = static_cast<std::byte>(bytes[i]);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::binary); }
  static std::string shape() { return detail::bytes_shape(N); }
};

/// Durations: their count, in their own unit, so that nothing is lost: 5s is 5, 5ms is 5.
template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> : detail::reading<std::chrono::duration<Rep, Period>> {
  using type = std::chrono::duration<Rep, Period>;
  using parts = detail::parts_list<Rep>;

  static void visit(const type& value, term_sink& sink) { codec<Rep>::visit(value.count(), sink); }
  static bool read(term_source& source, std::optional<type>& out) {
    std::optional<Rep> count;
    if (!detail::read(source, count)) return false;
    out.emplace(*count);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::dynamic_key_of<Rep>(); }
  static std::string shape() { return detail::shape_of<Rep>(); }
};

/// atom, pid, reference, port and term: themselves.
template <>
struct codec<atom> : detail::reading<atom> {
  static void visit(atom value, term_sink& sink) { sink.put_atom(value); }
  static bool read(term_source& source, std::optional<atom>& out) {
    atom value;
    if (!source.read_atom(value)) return source.fail("atom");
    out.emplace(value);
    return true;
  }
};

template <>
struct codec<pid> : detail::reading<pid> {
  static void visit(const pid& value, term_sink& sink) { sink.put_pid(value); }
  static bool read(term_source& source, std::optional<pid>& out) {
    pid value;
    if (!source.read_pid(value)) return source.fail("pid");
    out.emplace(value);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::pid); }
};

template <>
struct codec<reference> : detail::reading<reference> {
  static void visit(const reference& value, term_sink& sink) { sink.put_reference(value); }
  static bool read(term_source& source, std::optional<reference>& out) {
    reference value;
    if (!source.read_reference(value)) return source.fail("reference");
    out.emplace(value);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::reference); }
};

template <>
struct codec<port> : detail::reading<port> {
  static void visit(const port& value, term_sink& sink) { sink.put_opaque(value); }
  static bool read(term_source& source, std::optional<port>& out) {
    port value;
    if (!source.read_port(value)) return source.fail("port");
    out.emplace(value);
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::port); }
};

template <>
struct codec<term> : detail::reading<term> {
  static void visit(const term& value, term_sink& sink) { sink.put_term(value); }
  static bool read(term_source& source, std::optional<term>& out) {
    out.emplace(source.read_term());
    return true;
  }
  static std::string shape() { return "any term"; }
};

/// std::monostate: the atom undefined.
template <>
struct codec<std::monostate> : detail::reading<std::monostate> {
  static void visit(std::monostate, term_sink& sink) { sink.put_undefined(); }
  static bool read(term_source& source, std::optional<std::monostate>& out) {
    if (!source.read_undefined()) return source.fail("undefined");
    out.emplace();
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept {
    return detail::tagged_key(detail::hash_text("undefined"), 0);
  }
  static std::string shape() { return "undefined"; }
};

}  // namespace troupe
