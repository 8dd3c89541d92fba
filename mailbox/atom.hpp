// SPDX-License-Identifier: BSL-1.0
// The atom: a name that is compared by identity. Erlang's atom.
#pragma once

#include <troupe/mailbox/hash.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe {

class atom;

namespace detail {

/// What an atom points to. Never changes and never dies while an atom of it is about: it is static, or in the
/// table.
struct atom_entry {
  std::string_view text;
  std::uint64_t hash;
};

constexpr atom_entry make_atom_entry(std::string_view text) noexcept {
  return {text, hash_text(text)};
}

inline constexpr atom_entry empty_atom = make_atom_entry({});

/// An atom of a static entry.
constexpr atom atom_of(const atom_entry& entry) noexcept;

}  // namespace detail

/// A name such as ok or 'Hello world': UTF-8, at most 255 characters. One pointer; copied, compared and
/// hashed without touching a table. Atoms made from text at run time are kept in a process-wide table for
/// ever (at most 1,048,576 of them, as in Erlang), so do not make them from unbounded input; `"ok"_atom` is
/// static and takes no room there. Immutable: any thread.
class atom {
 public:
  /// The empty atom, ''.
  constexpr atom() noexcept : entry_(&detail::empty_atom) {}

  /// The atom of this text; interned. Erlang: binary_to_atom/1. Throws std::invalid_argument when it is not
  /// UTF-8, std::length_error beyond 255 characters, system_limit when the table is full.
  explicit atom(std::string_view text);

  /// The atom of this text if one was made from text before; an atom of the same text in the program's own source does
  /// not count. Adds nothing. Erlang: binary_to_existing_atom/1. Any thread.
  static std::optional<atom> find(std::string_view text) noexcept;

  /// The text, without quotes. Lives as long as the OS process.
  constexpr std::string_view name() const noexcept { return entry_->text; }

  /// The same in every run and on every machine.
  constexpr std::uint64_t hash() const noexcept { return entry_->hash; }

  /// Is it ''?
  constexpr bool empty() const noexcept { return entry_->text.empty(); }

  /// As Erlang writes it: ok, 'Hello world'.
  std::string to_string() const;

  friend constexpr bool operator==(const atom& a, const atom& b) noexcept {
    // One text may have several entries (a static one in each shared object, one in the table), hence the
    // second half.
    return same_entry(a, b) || (a.entry_->hash == b.entry_->hash && a.entry_->text == b.entry_->text);
  }
  /// By text, as Erlang orders atoms (the order of UTF-8 bytes is that of code points).
  friend constexpr std::strong_ordering operator<=>(const atom& a, const atom& b) noexcept {
    return same_entry(a, b) ? std::strong_ordering::equal : a.entry_->text <=> b.entry_->text;
  }
  friend std::ostream& operator<<(std::ostream& out, const atom& a);

 private:
  friend constexpr atom detail::atom_of(const detail::atom_entry& entry) noexcept;
  friend class term;
  constexpr explicit atom(const detail::atom_entry* entry) noexcept : entry_(entry) {}

  /// Under -fsanitize=undefined g++ does not compare addresses when compiling.
  static constexpr bool same_entry(const atom& a, const atom& b) noexcept {
    return !std::is_constant_evaluated() && a.entry_ == b.entry_;
  }

  const detail::atom_entry* entry_;
};

namespace detail {

constexpr atom atom_of(const atom_entry& entry) noexcept {
  return atom(&entry);
}

/// A string literal as a template argument, checked to be an atom's text.
template <std::size_t N>
struct atom_literal {
  char text[N];

  consteval atom_literal(const char (&literal)[N]) {
    std::copy_n(literal, N, text);
    const std::ptrdiff_t characters = count_code_points(view());
    if (characters < 0) throw "an atom must be valid UTF-8";
    if (characters > 255) throw "an atom has at most 255 characters";
  }
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

template <atom_literal Literal>
inline constexpr atom_literal literal_text = Literal;

template <atom_literal Literal>
inline constexpr atom_entry literal_atom = make_atom_entry(literal_text<Literal>.view());

/// Appends `text` to `out` between `quote`s, with Erlang's escapes.
void append_quoted(std::string& out, std::string_view text, char quote);

}  // namespace detail

inline namespace literals {

/// `"ok"_atom`: a static atom, checked when compiled and made without the table.
template <detail::atom_literal Literal>
constexpr atom operator""_atom() noexcept {
  return detail::atom_of(detail::literal_atom<Literal>);
}

}  // namespace literals
}  // namespace troupe

/// Hash of an atom, for the standard containers.
template <>
struct std::hash<troupe::atom> {
  std::size_t operator()(const troupe::atom& a) const noexcept { return static_cast<std::size_t>(a.hash()); }
};
