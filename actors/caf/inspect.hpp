// SPDX-License-Identifier: BSL-1.0
// CAF's inspect for troupe's messages, made from their reflection: a type is described once.
#pragma once

// Whoever includes this may send any aggregate that troupe can send as a CAF message, without a word of CAF's in its
// definition: its members are what CAF saves, loads and prints. An inspect of the user's own goes first. Members of
// kinds that CAF 0.17 does not know (std::optional, std::variant, std::unique_ptr ...) stand there as the text of their
// term.

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/reflect.hpp>
#include <troupe/mailbox/term.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace troupe::bridge::detail {

/// Are T's members its state, and its name nobody else's affair?
template <class T>
consteval bool is_foreign() noexcept {
  constexpr std::string_view name = qualified_type_name<T>();
  return name.starts_with("std::") || name.starts_with("caf::") || name.starts_with("__gnu_cxx::");
}
template <class T>
concept inspected_by_members = std::is_class_v<T> && std::is_aggregate_v<T> && !is_foreign<T>() && reflectable<T>;

/// Does CAF save, load and print an M by itself, or by an inspect from here?
template <class M>
struct known_to_caf : std::bool_constant<std::is_arithmetic_v<M> || std::is_enum_v<M> || inspected_by_members<M>> {};
template <>
struct known_to_caf<std::string> : std::true_type {};
template <>
struct known_to_caf<atom> : std::true_type {};
template <>
struct known_to_caf<pid> : std::true_type {};
template <>
struct known_to_caf<reference> : std::true_type {};
template <>
struct known_to_caf<term> : std::true_type {};
template <class Rep, class Period>
struct known_to_caf<std::chrono::duration<Rep, Period>> : std::true_type {};
template <class M>
struct known_to_caf<std::vector<M>> : known_to_caf<M> {};
template <>
struct known_to_caf<std::vector<std::byte>> : std::false_type {};
template <class M, class C>
struct known_to_caf<std::set<M, C>> : known_to_caf<M> {};
template <class M, class H, class E>
struct known_to_caf<std::unordered_set<M, H, E>> : known_to_caf<M> {};
template <class K, class V, class C>
struct known_to_caf<std::map<K, V, C>> : std::conjunction<known_to_caf<K>, known_to_caf<V>> {};
template <class K, class V, class H, class E>
struct known_to_caf<std::unordered_map<K, V, H, E>> : std::conjunction<known_to_caf<K>, known_to_caf<V>> {};
template <class A, class B>
struct known_to_caf<std::pair<A, B>> : std::conjunction<known_to_caf<A>, known_to_caf<B>> {};

/// `load`, which may throw, as CAF's load_callback takes it: what it throws is an invalid_argument that says so.
template <class Load>
auto as_error(Load load) {
  return [load]() -> caf::error {
    try {
      load();
      return {};
    } catch (const std::exception& e) {
      return caf::make_error(caf::sec::invalid_argument, std::string(e.what()));
    }
  };
}

/// Saved, loaded and printed as a text: `write()` gives it, `read(text)` takes it in and may throw.
template <class Inspector, class Write, class Read>
typename Inspector::result_type inspect_as_text(Inspector& f, Write write, Read read) {
  if constexpr (Inspector::reads_state) {
    std::string text = write();
    return f(text);
  } else {
    std::string text;
    const auto load = as_error([&] { read(text); });
    return f(text, caf::meta::load_callback(load));
  }
}

/// What CAF knows nothing of, by way of its term's text.
template <class M>
struct as_text {
  M& value;
};

template <class Inspector, class M>
typename Inspector::result_type inspect(Inspector& f, as_text<M>& x) {
  return inspect_as_text(
      f, [&] { return to_term(x.value).to_string(); },
      [&](const std::string& text) { x.value = from_term<M>(term::parse(text)); });
}

template <class M>
decltype(auto) shown(M& member) noexcept {
  if constexpr (known_to_caf<M>::value)
    return (member);
  else
    return as_text<M>{member};
}

template <class T>
const char* printed_name() {
  static const std::string name(troupe::detail::tag<T>());
  return name.c_str();
}

}  // namespace troupe::bridge::detail

namespace caf {

/// A struct of troupe's: its members, as its name(member, ...).
template <class Inspector, class T>
  requires troupe::bridge::detail::inspected_by_members<T>
typename Inspector::result_type inspect(Inspector& f, T& value) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) -> typename Inspector::result_type {
    return f(meta::type_name(troupe::bridge::detail::printed_name<T>()),
             troupe::bridge::detail::shown(troupe::detail::member_at<I>(value))...);
  }(std::make_index_sequence<troupe::member_count<T>>());
}

}  // namespace caf

/// Where the inspector that prints looks for it.
namespace caf::detail {
using caf::inspect;
}

namespace troupe {

/// An atom: its text.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, atom& value) {
  return bridge::detail::inspect_as_text(
      f, [&] { return std::string(value.name()); }, [&](const std::string& text) { value = atom(text); });
}

/// A pid: its node's name and its numbers, so that it means the same in another program.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pid& value) {
  std::string node;
  std::uint32_t creation = value.creation();
  std::uint32_t id = value.id();
  std::uint32_t serial = value.serial();
  if constexpr (Inspector::reads_state) {
    node = node_name(value.node());
    return f(caf::meta::type_name("pid"), node, creation, id, serial);
  } else {
    const auto load = bridge::detail::as_error([&] {
      value = id == 0 && serial == 0 && creation == 0 ? pid() : pid(id, serial, creation, add_node(node, creation));
    });
    return f(caf::meta::type_name("pid"), node, creation, id, serial, caf::meta::load_callback(load));
  }
}

/// A reference: its node's name and its numbers.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, reference& value) {
  std::string node;
  std::uint32_t creation = value.creation();
  std::vector<std::uint32_t> words(value.words().begin(), value.words().end());
  if constexpr (Inspector::reads_state) {
    node = node_name(value.node());
    return f(caf::meta::type_name("reference"), node, creation, words);
  } else {
    const auto load = bridge::detail::as_error(
        [&] { value = words.empty() ? reference() : reference(words, creation, add_node(node, creation)); });
    return f(caf::meta::type_name("reference"), node, creation, words, caf::meta::load_callback(load));
  }
}

/// A term: its text. (A pid of another node in it means something in this program alone.)
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, term& value) {
  return bridge::detail::inspect_as_text(
      f, [&] { return value.to_string(); }, [&](const std::string& text) { value = term::parse(text); });
}

}  // namespace troupe
