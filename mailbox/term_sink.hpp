// SPDX-License-Identifier: BSL-1.0
// Where a value is written, part by part: a term under construction, JSON, the external term format.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace troupe {

/// What `visit` of a type writes to. Values come in order; list, tuple, map and struct are opened with their
/// size and closed, and whoever writes keeps to that size. mailbox/ knows no wire format: each format is a
/// sink. One thread at a time.
class term_sink {
 public:
  virtual ~term_sink();

  /// An integer.
  virtual void put_integer(std::int64_t value) = 0;
  /// Unless overridden, as an integer; above its range as put_opaque.
  virtual void put_unsigned(std::uint64_t value);
  /// A float; throws std::invalid_argument when it is infinite or not a number (formats may say otherwise).
  virtual void put_floating(double value) = 0;
  /// An atom.
  virtual void put_atom(atom value) = 0;
  /// A pid.
  virtual void put_pid(const pid& value) = 0;
  /// A reference.
  virtual void put_reference(const reference& value) = 0;
  /// Bytes.
  virtual void put_binary(std::string_view bytes) = 0;

  /// `size` elements follow.
  virtual void begin_list(std::size_t size) = 0;
  /// All elements have been written.
  virtual void end_list() = 0;
  /// `size` elements follow.
  virtual void begin_tuple(std::size_t size) = 0;
  /// All elements have been written.
  virtual void end_tuple() = 0;
  /// `size` times a key and its value follow.
  virtual void begin_map(std::size_t size) = 0;
  /// All keys and values have been written.
  virtual void end_map() = 0;

  /// A leaf that only terms carry: an integer beyond 64 bits, a bit string, a port or a function. Unless overridden,
  /// throws std::invalid_argument, which says what it was.
  virtual void put_opaque(const term& value);
  /// `size` elements and the tail follow. Unless overridden, throws std::invalid_argument.
  virtual void begin_improper_list(std::size_t size);
  /// The elements and the tail have been written.
  virtual void end_improper_list();

  /// What formats other than Erlang's tell apart. Text: unless overridden, a binary.
  virtual void put_text(std::string_view text);
  /// The atom true or false.
  virtual void put_bool(bool value);
  /// Nothing: the atom undefined.
  virtual void put_undefined();

  /// A struct of `size` members, each announced by member() and then written. Unless overridden: the tuple
  /// {name, Member...}, and the atom name when there are no members.
  virtual void begin_struct(atom name, std::size_t size);
  /// The value of this member follows.
  virtual void member(std::string_view name);
  /// All members have been written; the same name and size as at the beginning.
  virtual void end_struct(atom name, std::size_t size);

  /// A whole term. Unless overridden, it is taken to parts and these are written.
  virtual void put_term(const term& value);

  /// The next value is one of several that might stand there, and has to say which. (Terms always do; JSON names a
  /// struct only where this, or nothing, came before it.)
  void expect_alternative() noexcept { alternative_ = true; }

 protected:
  /// Was that said? Whoever asks takes it down.
  bool take_alternative() noexcept { return std::exchange(alternative_, false); }

 private:
  bool alternative_ = false;
};

}  // namespace troupe
