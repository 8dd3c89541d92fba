// SPDX-License-Identifier: BSL-1.0
// Codecs of what is one of several things, or nothing: optional, variant and the pointers that own.
#pragma once

#include <troupe/mailbox/codec_base.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace troupe {

namespace detail {

/// optional, unique_ptr, shared_ptr to const: `undefined` or the value.
template <class Holder, class Value>
struct maybe_codec : reading<Holder> {
  using parts = parts_list<Value>;

  static void visit(const Holder& value, term_sink& sink) {
    if (value)
      codec<Value>::visit(*value, sink);
    else
      sink.put_undefined();
  }
  static std::string shape() { return "undefined or " + shape_of<Value>(); }

 protected:
  /// Reads a value into `inner`; what is undefined leaves it empty.
  static bool read_inner(term_source& source, std::optional<Value>& inner) {
    return source.read_undefined() || detail::read(source, inner);
  }
};

}  // namespace detail

/// std::optional: the atom undefined, or the value.
template <class T>
struct codec<std::optional<T>> : detail::maybe_codec<std::optional<T>, T> {
  static bool read(term_source& source, std::optional<std::optional<T>>& out) {
    std::optional<T> inner;
    if (!codec::read_inner(source, inner)) return false;
    out.emplace(std::move(inner));
    return true;
  }
};

/// std::unique_ptr: its value; undefined when null.
template <class T>
  requires(!std::is_array_v<T>)
struct codec<std::unique_ptr<T>> : detail::maybe_codec<std::unique_ptr<T>, std::remove_cv_t<T>> {
  static bool read(term_source& source, std::optional<std::unique_ptr<T>>& out) {
    std::optional<std::remove_cv_t<T>> inner;
    if (!codec::read_inner(source, inner)) return false;
    out.emplace(inner ? std::make_unique<T>(std::move(*inner)) : nullptr);
    return true;
  }
};

/// std::shared_ptr to const: its value; undefined when null. In memory it stays shared.
template <class T>
  requires(!std::is_array_v<T>)
struct codec<std::shared_ptr<const T>> : detail::maybe_codec<std::shared_ptr<const T>, T> {
  static bool read(term_source& source, std::optional<std::shared_ptr<const T>>& out) {
    std::optional<T> inner;
    if (!codec::read_inner(source, inner)) return false;
    out.emplace(inner ? std::make_shared<const T>(std::move(*inner)) : nullptr);
    return true;
  }
};

/// std::variant: the alternative itself. Reading takes the first alternative that fits; one that fits only by
/// making an integer a float comes after all others.
template <class... T>
struct codec<std::variant<T...>> : detail::reading<std::variant<T...>> {
  using type = std::variant<T...>;
  using parts = detail::parts_list<T...>;

  static void visit(const type& value, term_sink& sink) {
    sink.expect_alternative();
    std::visit([&sink]<class A>(const A& alternative) { codec<A>::visit(alternative, sink); }, value);
  }
  static bool read(term_source& source, std::optional<type>& out) {
    const bool explained = source.explains();
    const bool exact = source.is_exact();
    source.set_explains(false);
    source.set_exact(true);
    bool done = try_all(source, out, std::index_sequence_for<T...>());
    source.set_exact(exact);
    if (!done && !exact) done = try_all(source, out, std::index_sequence_for<T...>());
    source.set_explains(explained);
    if (done) return true;
    return explained ? source.fail(shape()) : false;
  }
  static std::string shape() {
    std::string text;
    ((text += text.empty() ? "" : " | ", text += detail::shape_of<T>()), ...);
    return text;
  }

 private:
  template <std::size_t I>
  static bool try_one(term_source& source, std::optional<type>& out) {
    const auto start = source.mark();
    std::optional<std::variant_alternative_t<I, type>> value;
    source.expect_alternative();
    if (detail::read(source, value)) {
      out.emplace(std::in_place_index<I>, std::move(*value));
      return true;
    }
    source.rewind(start);
    return false;
  }
  template <std::size_t... I>
  static bool try_all(term_source& source, std::optional<type>& out, std::index_sequence<I...>) {
    return (try_one<I>(source, out) || ...);
  }
};

}  // namespace troupe
