// SPDX-License-Identifier: BSL-1.0
// Codecs of what holds several values: lists, sets, maps, arrays, pairs and tuples. Of any library: what
// counts is the container's interface.
#pragma once

#include <troupe/mailbox/codec_base.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

template <class T>
concept container = std::is_class_v<T> && !std::is_aggregate_v<T> && !converted<T> && requires(const T& c) {
  typename T::value_type;
  c.begin() == c.end();
  { c.size() } -> std::convertible_to<std::size_t>;
};

/// vector, deque, list ...
template <class T>
concept list_like = container<T> && requires(T& c, typename T::value_type v) { c.emplace_back(std::move(v)); };

/// set, unordered_set ...
template <class T>
concept set_like = container<T> && requires(T& c, typename T::value_type v) {
  requires std::same_as<typename T::key_type, typename T::value_type>;
  c.insert(std::move(v));
};

/// map, unordered_map ...: one value for a key.
template <class T>
concept map_like = container<T> && requires(T& c, typename T::key_type k, typename T::mapped_type v) {
  c.insert_or_assign(std::move(k), std::move(v));
};

/// The claimed size is not believed further than this before there are elements.
inline constexpr std::size_t max_reserve = 4096;

std::string elements_shape(const char* kind, std::size_t size);

template <class Tuple>
struct tuple_parts;
template <class... T>
struct tuple_parts<std::tuple<T...>> {
  using type = parts_list<T...>;
};
template <class A, class B>
struct tuple_parts<std::pair<A, B>> {
  using type = parts_list<A, B>;
};

/// pair and tuple: a tuple of the elements, without a tag.
template <class Tuple>
struct tuple_codec : reading<Tuple> {
  static constexpr std::size_t size = std::tuple_size_v<Tuple>;
  using parts = typename tuple_parts<Tuple>::type;

  static void visit(const Tuple& value, term_sink& sink) {
    sink.begin_tuple(size);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (codec<std::remove_cv_t<std::tuple_element_t<I, Tuple>>>::visit(std::get<I>(value), sink), ...);
    }(std::make_index_sequence<size>());
    sink.end_tuple();
  }
  static bool read(term_source& source, std::optional<Tuple>& out) {
    const auto start = source.mark();
    std::size_t n = 0;
    if (!source.begin_tuple(n)) return source.explains() ? source.fail(shape()) : false;
    if (n != size) {
      source.rewind(start);
      return source.explains() ? source.fail(shape()) : false;
    }
    return read_elements(source, out, std::make_index_sequence<size>());
  }
  static std::string shape() { return elements_shape("tuple", size); }

 private:
  template <std::size_t I, class T>
  static bool read_element(term_source& source, std::optional<T>& out) {
    return detail::read(source, out) || source.prepend_position(I);
  }
  template <std::size_t... I>
  static bool read_elements(term_source& source, std::optional<Tuple>& out, std::index_sequence<I...>) {
    [[maybe_unused]] std::tuple<std::optional<std::remove_cv_t<std::tuple_element_t<I, Tuple>>>...> values;
    if (!(read_element<I>(source, std::get<I>(values)) && ...)) return false;
    source.end_tuple();
    out.emplace(std::move(*std::get<I>(values))...);
    return true;
  }
};

}  // namespace detail

/// Sequences: a list.
template <detail::list_like T>
struct codec<T> : detail::reading<T> {
  using element = typename T::value_type;
  using parts = detail::parts_list<element>;

  static void visit(const T& value, term_sink& sink) {
    sink.begin_list(value.size());
    for (auto it = value.begin(); it != value.end(); ++it) codec<element>::visit(*it, sink);
    sink.end_list();
  }
  static bool read(term_source& source, std::optional<T>& out) {
    std::size_t n = 0;
    if (!source.begin_list(n)) return source.fail("list");
    T value;
    if constexpr (requires { value.reserve(n); }) value.reserve(std::min(n, detail::max_reserve));
    for (std::size_t i = 0; i < n; ++i) {
      std::optional<element> e;
      if (!detail::read(source, e)) return source.prepend_index(i);
      value.emplace_back(std::move(*e));
    }
    source.end_list();
    out.emplace(std::move(value));
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::list); }
  static std::string shape() { return "list"; }
};

/// Sets: a list, in the order of iteration. Of equal elements in what is read, one is kept.
template <detail::set_like T>
struct codec<T> : detail::reading<T> {
  using element = typename T::value_type;
  using parts = detail::parts_list<element>;

  static void visit(const T& value, term_sink& sink) {
    sink.begin_list(value.size());
    for (const element& e : value) codec<element>::visit(e, sink);
    sink.end_list();
  }
  static bool read(term_source& source, std::optional<T>& out) {
    std::size_t n = 0;
    if (!source.begin_list(n)) return source.fail("list");
    T value;
    for (std::size_t i = 0; i < n; ++i) {
      std::optional<element> e;
      if (!detail::read(source, e)) return source.prepend_index(i);
      value.insert(std::move(*e));
    }
    source.end_list();
    out.emplace(std::move(value));
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::list); }
  static std::string shape() { return "list"; }
};

/// Maps: a map.
template <detail::map_like T>
struct codec<T> : detail::reading<T> {
  using key = typename T::key_type;
  using mapped = typename T::mapped_type;
  using parts = detail::parts_list<key, mapped>;

  static void visit(const T& value, term_sink& sink) {
    sink.begin_map(value.size());
    for (const auto& [k, v] : value) {
      codec<key>::visit(k, sink);
      codec<mapped>::visit(v, sink);
    }
    sink.end_map();
  }
  static bool read(term_source& source, std::optional<T>& out) {
    std::size_t n = 0;
    if (!source.begin_map(n)) return source.fail("map");
    T value;
    for (std::size_t i = 0; i < n; ++i) {
      const auto start = source.mark();
      std::optional<key> k;
      std::optional<mapped> v;
      if (!detail::read(source, k) || !detail::read(source, v)) {
        if (!source.explains()) return false;
        source.rewind(start);
        return source.prepend("[" + source.describe() + "]");
      }
      value.insert_or_assign(std::move(*k), std::move(*v));
    }
    source.end_map();
    out.emplace(std::move(value));
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::map); }
  static std::string shape() { return "map"; }
};

/// std::array: a list of exactly N elements.
template <class T, std::size_t N>
struct codec<std::array<T, N>> : detail::reading<std::array<T, N>> {
  using parts = detail::parts_list<T>;

  static void visit(const std::array<T, N>& value, term_sink& sink) {
    sink.begin_list(N);
    for (const T& e : value) codec<T>::visit(e, sink);
    sink.end_list();
  }
  static bool read(term_source& source, std::optional<std::array<T, N>>& out) {
    const auto start = source.mark();
    std::size_t n = 0;
    if (!source.begin_list(n)) return source.explains() ? source.fail(shape()) : false;
    if (n != N) {
      source.rewind(start);
      return source.explains() ? source.fail(shape()) : false;
    }
    std::array<std::optional<T>, N> values;
    for (std::size_t i = 0; i < N; ++i)
      if (!detail::read(source, values[i])) return source.prepend_index(i);
    source.end_list();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      out.emplace(std::array<T, N>{std::move(*values[I])...});
    }(std::make_index_sequence<N>());
    return true;
  }
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::list); }
  static std::string shape() { return detail::elements_shape("list", N); }
};

template <class A, class B>
struct codec<std::pair<A, B>> : detail::tuple_codec<std::pair<A, B>> {};

template <class... T>
struct codec<std::tuple<T...>> : detail::tuple_codec<std::tuple<T...>> {};

}  // namespace troupe
