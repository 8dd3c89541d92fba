// SPDX-License-Identifier: BSL-1.0
// The type descriptor: what the runtime knows of a message's type. Its address is the type's identity.
#pragma once

#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/sendable.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

/// One for each type, constant, usable by any thread. Types have no numbers: two descriptors at one address
/// are one type, and same_type() settles the rest.
struct type_descriptor {
  std::string_view name;                            ///< the tag on the wire: unqualified, or as described
  std::string_view qualified_name;                  ///< as the compiler writes it
  std::uint64_t hash;                               ///< of qualified name, size, and the members' names and types
  std::uint32_t size;                               ///< sizeof
  std::uint32_t align;                              ///< alignof
  std::uint64_t dynamic_key;                        ///< dynamic_key of its terms; 0 when they have several
  const std::type_info* type;                       ///< typeid
  void (*destroy)(void* value) noexcept;            ///< null when there is nothing to do
  void (*move)(void* to, void* from);               ///< constructs at `to`; `from` stays to be destroyed
  void (*copy)(void* to, const void* from);         ///< constructs at `to`; null when it cannot be copied
  void (*visit)(const void* value, term_sink& to);  ///< codec<T>::visit
  void (*build)(void* to, term_source& from);       ///< constructs at `to`; throws decode_error
};

namespace detail {

template <class T, std::size_t... I>
constexpr std::uint64_t hash_members(std::uint64_t h, std::index_sequence<I...>) noexcept {
  ((h = mix(mix(h, hash_text(member_name<T, I>())), hash_text(qualified_type_name<member_type<T, I>>()))), ...);
  return h;
}

template <class T>
constexpr std::uint64_t type_hash() noexcept {
  std::uint64_t h = mix(hash_text(qualified_type_name<T>()), sizeof(T));
  if constexpr (plain_struct<T> && reflectable<T>) h = hash_members<T>(h, std::make_index_sequence<member_count<T>>());
  return h == 0 ? 1 : h;
}

template <class T>
void destroy_value(void* value) noexcept {
  static_cast<T*>(value)->~T();
}
template <class T>
void move_value(void* to, void* from) {
  ::new (to) T(std::move(*static_cast<T*>(from)));
}
template <class T>
void copy_value(void* to, const void* from) {
  ::new (to) T(*static_cast<const T*>(from));
}
template <class T>
void visit_value(const void* value, term_sink& to) {
  codec<T>::visit(*static_cast<const T*>(value), to);
}
template <class T>
void build_value(void* to, term_source& from) {
  ::new (to) T(build_whole<T>(from));
}

template <class T>
constexpr auto copier() noexcept -> void (*)(void*, const void*) {
  if constexpr (copyable_message<T>)
    return &copy_value<T>;
  else
    return nullptr;
}

template <class T>
constexpr auto destroyer() noexcept -> void (*)(void*) noexcept {
  if constexpr (std::is_trivially_destructible_v<T>)
    return nullptr;
  else
    return &destroy_value<T>;
}

/// What the linker could not merge: the types of two shared objects.
bool same_type_by_content(const type_descriptor& a, const type_descriptor& b) noexcept;

}  // namespace detail

/// The descriptor of T, which must be sendable (assert_sendable is the caller's affair: the errors read
/// better there).
template <class T>
inline constexpr type_descriptor descriptor_of = {
    .name = detail::tag<T>(),
    .qualified_name = qualified_type_name<T>(),
    .hash = detail::type_hash<T>(),
    .size = static_cast<std::uint32_t>(sizeof(T)),
    .align = static_cast<std::uint32_t>(alignof(T)),
    .dynamic_key = detail::dynamic_key_of<T>(),
    .type = &typeid(T),
    .destroy = detail::destroyer<T>(),
    .move = &detail::move_value<T>,
    .copy = detail::copier<T>(),
    .visit = &detail::visit_value<T>,
    .build = &detail::build_value<T>,
};

/// Are these one type? By address, which is the rule; descriptors of one type in two shared objects are
/// recognised by type_info, qualified name, members and size (which takes a microsecond). Two types of one
/// name in two unnamed namespaces are two types. Any thread.
inline bool same_type(const type_descriptor* a, const type_descriptor* b) noexcept {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->hash != b->hash) return false;
  return detail::same_type_by_content(*a, *b);
}

/// The value as a term, for those who know its type only at run time. Throws what to_term<T> throws.
term to_term(const type_descriptor& type, const void* value);

}  // namespace troupe
